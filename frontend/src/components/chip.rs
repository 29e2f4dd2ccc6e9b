//! Chips: a symbol and a word in the tone of a state.

use contract::Timestamp;
use leptos::prelude::*;

use super::age::Age;
use super::icon::Svg;
use crate::words::Look;

#[component]
pub fn Chip(#[prop(into)] look: Signal<Look>) -> impl IntoView {
    move || {
        let look = look.get();
        view! {
            <span class=format!("chip tone-{}", look.tone)>
                <Svg icon=look.icon/>
                <span>{look.word}</span>
            </span>
        }
    }
}

/// A chip with how long it has been so.
#[component]
pub fn AgedChip(#[prop(into)] look: Signal<Look>, #[prop(into)] since: Signal<Timestamp>) -> impl IntoView {
    let shown = Memo::new(move |_| look.get());
    view! {
        <span class=move || format!("chip tone-{}", shown.get().tone)>
            {move || view! { <Svg icon=shown.get().icon/> }}
            <span>{move || shown.get().word} {move || (since.get().millis() > 0).then(|| view! { ", " <Age at=since/> })}</span>
        </span>
    }
}
