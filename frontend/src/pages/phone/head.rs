//! The top of a phone's page.

use contract::rest::RoomState;
use leptos::prelude::*;

use super::scope::{PhoneScope, use_phone};
use super::wake::{Wake, WakeAttempts, WakeButton};
use crate::components::age::Ago;
use crate::components::chip::{AgedChip, Chip};
use crate::components::icon::{Icon, Svg};
use crate::words;

/// What it is and what it does now.
#[component]
pub fn Head() -> impl IntoView {
    let scope = use_phone();
    let PhoneScope { value, zone, .. } = scope;
    let wake = Wake::new();
    let phone = Memo::new(move |_| value.with(|value| value.phone.clone()));
    let title = move || {
        phone.with(|phone| match &phone.room_number {
            Some(room) => format!("Room {room}"),
            None if phone.model.is_empty() => "Phone".to_owned(),
            None => phone.model.clone(),
        })
    };
    let back = move || {
        phone.with(|phone| match (phone.property, phone.room) {
            (Some(property), Some(room)) => Some(view! { <a class="button" href=format!("/p/{property}/rooms/{room}")><Svg icon=Icon::Door/>"Open the room"</a> }),
            _ => None,
        })
    };
    let connected = move || {
        let on = value.with(|value| value.connected);
        let (word, tone, icon) =
            if on { ("Connected", "green", Icon::Check) } else { ("Not connected", "none", Icon::Offline) };
        // One that only fetches files has nothing to be connected with.
        let apart = !on && value.with(|value| value.phone.state == RoomState::FilesOnly);
        (!apart).then(|| {
            view! { <span class=format!("chip tone-{tone}") data-testid="connected" data-connected=on.to_string()><Svg icon/>{word}</span> }
        })
    };
    view! {
        <header class="page-head">
            <div>
                <h1>{title}</h1>
                <p class="quiet-text">
                    <span class="mono">{move || phone.with(|phone| phone.mac.to_string())}</span>
                    {move || phone.with(|phone| phone.last_seen).map(|at| view! { " · last heard " <Ago at=at zone=zone/> })}
                </p>
            </div>
            <div class="row wrap">
                <WakeButton scope wake/>
                {back}
            </div>
        </header>
        <WakeAttempts wake/>
        <div class="row wrap" aria-live="polite">
                <AgedChip
                    look=Signal::derive(move || words::room(phone.with(|phone| phone.state)))
                    since=Signal::derive(move || phone.with(|phone| phone.since))
                />
                {connected}
                <span data-testid="sync-state" data-sync=move || phone.with(|phone| phone.sync.as_str())>
                    <Chip look=Signal::derive(move || words::sync(phone.with(|phone| phone.sync)))/>
                </span>
        </div>
    }
}
