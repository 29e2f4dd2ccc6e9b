//! What belongs to the set-up of a property, side by side.

use contract::PropertyId;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

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
    // On a narrow screen not all of them fit: the page's own is brought into sight.
    let row = NodeRef::<leptos::html::Ul>::new();
    request_animation_frame(move || {
        let Some(row) = row.try_get_untracked().flatten() else { return };
        let here = row.query_selector("[aria-current]").ok().flatten();
        if let Some(here) = here.and_then(|here| here.dyn_into::<HtmlElement>().ok()) {
            let right = here.offset_left() - row.offset_left() + here.offset_width();
            row.set_scroll_left((right - row.client_width()).max(0));
        }
    });
    let link = move |(path, word): (&'static str, &'static str)| {
        let here = move || location.pathname.with(|at| at.split('/').nth(3) == Some(path));
        view! {
            <li><a class="tab" href=move || format!("/p/{}/{path}", id.get()) data-testid=format!("set-up-{path}")
                aria-current=move || here().then_some("page")>{word}</a></li>
        }
    };
    view! { <nav aria-label="Set-up of this property"><ul class="tabs" node_ref=row>{TABS.map(link).into_iter().collect_view()}</ul></nav> }
}
