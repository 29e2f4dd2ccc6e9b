//! A point in time as its age, with the exact time in the property's zone on demand.

use contract::Timestamp;
use leptos::prelude::*;

use crate::time::{ago, in_zone, use_clock};

/// `3 min ago`; pointing at it shows the exact time in `zone`.
#[component]
pub fn Ago(#[prop(into)] at: Signal<Timestamp>, #[prop(into, optional)] zone: Signal<String>) -> impl IntoView {
    let clock = use_clock();
    view! {
        <time datetime=move || at.get().rfc3339() title=move || in_zone(at.get(), &zone.get(), true)>
            {move || ago(&clock.age(at.get()))}
        </time>
    }
}

/// The bare age, `3 min`.
#[component]
pub fn Age(#[prop(into)] at: Signal<Timestamp>) -> impl IntoView {
    let clock = use_clock();
    view! { <time datetime=move || at.get().rfc3339()>{move || clock.age(at.get())}</time> }
}
