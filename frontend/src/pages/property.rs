//! Everything below `/p/{property}`: which property it is.

use contract::PropertyId;
use leptos::prelude::*;
use leptos_router::components::Outlet;
use leptos_router::hooks::use_params_map;

use crate::components::empty::Empty;
use crate::components::icon::Icon;
use crate::state::use_shared;

/// The property of the page; pages outside `/p/{property}` have none.
#[derive(Clone, Copy)]
pub struct Scope(pub Memo<PropertyId>);

/// The property of the page, if it belongs to one.
pub fn use_scope() -> Option<Scope> {
    use_context()
}

#[component]
pub fn PropertyScope() -> impl IntoView {
    let shared = use_shared();
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("property").and_then(|id| id.parse::<PropertyId>().ok()));
    let known = Memo::new(move |_| id.get().is_some());
    let scope = Memo::new(move |before: Option<&PropertyId>| {
        id.get().or(before.copied()).unwrap_or(PropertyId(uuid::Uuid::nil()))
    });
    provide_context(Scope(scope));
    Effect::new(move |_| {
        if let Some(id) = id.get() {
            shared.enter(id);
        }
    });
    view! {
        <Show
            when=move || known.get()
            fallback=|| view! {
                <Empty icon=Icon::Search title="There is no such property">
                    <p>"The address may be mistyped."</p>
                    <a class="button primary" href="/properties">"See all properties"</a>
                </Empty>
            }
        >
            <Outlet/>
        </Show>
    }
}
