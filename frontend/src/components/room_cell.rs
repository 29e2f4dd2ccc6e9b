//! One room on the board: a link with number, state in word and symbol, its age, and whether a change is under way.

use contract::rest::{RoomCard, SyncState};
use leptos::prelude::*;

use super::age::Age;
use super::icon::Svg;
use crate::words;

#[component]
pub fn RoomCell(
    #[prop(into)] card: Signal<RoomCard>,
    #[prop(into)] shown: Signal<bool>,
    /// Whether this is the cell the keyboard is at.
    #[prop(into)]
    current: Signal<bool>,
    #[prop(into)] open: Signal<bool>,
) -> impl IntoView {
    let state = Memo::new(move |_| card.with(|card| card.state));
    let sync = Memo::new(move |_| card.with(|card| card.sync));
    let number = Memo::new(move |_| card.with(|card| card.number.clone()));
    let guest = Memo::new(move |_| card.with(|card| card.guest_name.clone()));
    let badge = move || match sync.get() {
        SyncState::Pending | SyncState::Failed => {
            let look = words::sync(sync.get());
            Some(view! {
                <span class=format!("cell-sync tone-{}", look.tone) title=look.word>
                    <Svg icon=look.icon/>
                    <span class="sr">{look.word}</span>
                </span>
            })
        }
        _ => None,
    };
    let href = card.with_untracked(|card| format!("/p/{}/rooms/{}", card.property, card.id));
    view! {
        <li hidden=move || !shown.get()>
            <a
                class=move || format!("cell tone-{}", words::room(state.get()).tone)
                href=href
                draggable="false"
                tabindex=move || if current.get() { "0" } else { "-1" }
                aria-current=move || open.get().then_some("true")
                data-testid="room-cell"
                data-room=move || number.get()
                data-state=move || state.get().as_str()
                data-sync=move || sync.get().as_str()
            >
                <span class="cell-top">
                    <span class="sr">"Room "</span>
                    <b>{move || number.get()}</b>
                    {badge}
                </span>
                <span class="cell-state">
                    {move || view! { <Svg icon=words::room(state.get()).icon/> }}
                    <span class="cell-word">{move || words::room_short(state.get())}</span>
                </span>
                <span class="cell-foot">
                    <Age at=Signal::derive(move || card.with(|card| card.since))/>
                    <span class="cell-guest">{move || guest.get()}</span>
                </span>
            </a>
        </li>
    }
}
