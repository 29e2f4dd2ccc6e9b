//! What belongs to the set-up of a property, side by side.

use contract::PropertyId;
use leptos::prelude::*;
use leptos_router::hooks::use_location;

const TABS: [(&str, &str); 5] = [
    ("settings", "Settings"),
    ("accounts", "SIP accounts"),
    ("provisioning", "Provisioning"),
    ("import", "Import"),
    ("backup", "Backup"),
];

#[component]
pub fn PropertyTabs(#[prop(into)] id: Signal<PropertyId>) -> impl IntoView {
    let location = use_location();
    let link = move |(path, word): (&'static str, &'static str)| {
        let here = move || location.pathname.with(|at| at.split('/').nth(3) == Some(path));
        view! {
            <li><a class="tab" href=move || format!("/p/{}/{path}", id.get()) data-testid=format!("set-up-{path}")
                aria-current=move || here().then_some("page")>{word}</a></li>
        }
    };
    view! { <nav aria-label="Set-up of this property"><ul class="tabs">{TABS.map(link).into_iter().collect_view()}</ul></nav> }
}
