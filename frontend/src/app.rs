//! The router, and the frame around every page: navigation, landmarks, messages.

use leptos::prelude::*;
use leptos_router::components::{Outlet, ParentRoute, Redirect, Route, Router, Routes};
use leptos_router::hooks::{use_location, use_navigate, use_query_map};
use leptos_router::path;

use crate::api::{Api, quote, use_api};
use crate::components::empty::Empty;
use crate::components::icon::Icon;
use crate::components::nav::{BottomNav, OF_PROPERTY, Sidebar, TopBar};
use crate::components::toast::Toasts;
use crate::drafts::Drafts;
use crate::live::Live;
use crate::pages::accounts::AccountsPage;
use crate::pages::backup::BackupPage;
use crate::pages::board::BoardPage;
use crate::pages::claims::ClaimsPage;
use crate::pages::import::ImportPage;
use crate::pages::layers::{LayerPage, LayersPage, PropertySettingsPage};
use crate::pages::layout::LayoutPage;
use crate::pages::login::LoginPage;
use crate::pages::new_phones::NewPhonesPage;
use crate::pages::phone::PhonePage;
use crate::pages::phones::PhonesPage;
use crate::pages::properties::PropertiesPage;
use crate::pages::property::PropertyScope;
use crate::pages::provisioning::ProvisioningPage;
use crate::pages::room::RoomPanel;
use crate::state::{Shared, use_shared};
use crate::theme::Theme;
use crate::time::Clock;

#[component]
pub fn App() -> impl IntoView {
    let api = Api::new();
    provide_context(api);
    // Above what goes when a session ends.
    Drafts::provide(api);
    provide_context(Live::new(api));
    provide_context(Clock::start());
    provide_context(Theme::start());
    if let Some(splash) = document().get_element_by_id("splash") {
        splash.remove();
    }
    view! {
        <Router>
            <Routes fallback=|| view! { <Nowhere/> }>
                <Route path=path!("/login") view=LoginPage/>
                <ParentRoute path=path!("") view=Shell>
                    <Route path=path!("/") view=Home/>
                    <Route path=path!("/properties") view=PropertiesPage/>
                    <Route path=path!("/phones") view=PhonesPage/>
                    <Route path=path!("/phones/:phone/:tab?") view=PhonePage/>
                    <Route path=path!("/new-phones") view=NewPhonesPage/>
                    <Route path=path!("/layers") view=LayersPage/>
                    <Route path=path!("/layers/:layer/:id") view=LayerPage/>
                    <ParentRoute path=path!("/p/:property") view=PropertyScope>
                        <Route path=path!("") view=|| view! { <Redirect path="rooms"/> }/>
                        <ParentRoute path=path!("/rooms") view=BoardPage>
                            <Route path=path!("") view=|| ()/>
                            <Route path=path!("/:room") view=RoomPanel/>
                        </ParentRoute>
                        <Route path=path!("/phones") view=PhonesPage/>
                        <Route path=path!("/settings") view=PropertySettingsPage/>
                        <Route path=path!("/accounts") view=AccountsPage/>
                        <Route path=path!("/provisioning") view=ProvisioningPage/>
                        <Route path=path!("/import") view=ImportPage/>
                        <Route path=path!("/backup") view=BackupPage/>
                        <Route path=path!("/claims") view=ClaimsPage/>
                        <Route path=path!("/layout") view=LayoutPage/>
                    </ParentRoute>
                </ParentRoute>
            </Routes>
        </Router>
    }
}

/// `view=history` or `?view=history` as `?view=history`; nothing stays nothing.
fn query_of(search: &str) -> String {
    match search.trim_start_matches('?') {
        "" => String::new(),
        search => format!("?{search}"),
    }
}

/// Everything behind the sign-in page.
#[component]
fn Shell() -> impl IntoView {
    let api = use_api();
    let navigate = use_navigate();
    let location = use_location();
    let signed_in = Memo::new(move |_| api.signed_in());
    Effect::new(move |_| {
        if !signed_in.get() {
            // The query says which view and whose.
            let here = format!("{}{}", location.pathname.get_untracked(), query_of(&location.search.get_untracked()));
            let target = if here == "/" { "/login".into() } else { format!("/login?next={}", quote(&here)) };
            navigate(&target, Default::default());
        }
    });
    view! { <Show when=move || signed_in.get()><Frame/></Show> }
}

#[component]
fn Frame() -> impl IntoView {
    let shared = Shared::provide();
    let location = use_location();
    // A new page starts at its heading, also for those who do not see it. The room panel looks after itself.
    Effect::new(move |before: Option<String>| {
        let path = location.pathname.get();
        // The tabs of a phone are one page.
        let parts = if path.starts_with("/phones/") { 3 } else { 4 };
        let page: String = path.split('/').take(parts).collect::<Vec<_>>().join("/");
        if before.is_some_and(|before| before != page) {
            window().scroll_to_with_x_and_y(0.0, 0.0);
            if let Some(main) = document().get_element_by_id("main") {
                main.set_scroll_top(0);
            }
            focus("main");
        }
        page
    });
    view! {
        <a class="skip" href="#main" on:click=|event| { event.prevent_default(); focus("main"); }>"Skip to content"</a>
        <div class="frame">
            <Sidebar/>
            <div class="column">
                <TopBar/>
                <main id="main" tabindex="-1">
                    <Outlet/>
                </main>
            </div>
            {move || shared.narrow.get().then(|| view! { <BottomNav/> })}
        </div>
        <Toasts/>
    }
}

/// `/`: the board of the property in use, or the list of properties. `/?to=settings`: that page of the property in use.
#[component]
fn Home() -> impl IntoView {
    let shared = use_shared();
    let navigate = use_navigate();
    let query = use_query_map();
    Effect::new(move |_| {
        let many = shared.properties.with(Vec::len);
        let to = query.read().get("to").filter(|to| OF_PROPERTY.contains(&to.as_str()));
        let target = match (shared.chosen(), many) {
            (_, None) => return,
            (Some(id), _) if to.is_some() => format!("/p/{id}/{}", to.unwrap_or_default()),
            (None, _) if to.as_deref() == Some("phones") => "/phones".into(),
            (Some(id), Some(many)) if many == 1 || shared.current.get_untracked() == Some(id) => {
                format!("/p/{id}/rooms")
            }
            _ => "/properties".into(),
        };
        navigate(&target, leptos_router::NavigateOptions { replace: true, ..Default::default() });
    });
    shared.properties.view(crate::components::empty::skeleton_list, |_| ().into_any())
}

#[component]
fn Nowhere() -> impl IntoView {
    view! {
        <main class="page">
            <Empty icon=Icon::Search title="There is no such page">
                <p>"The address may be old or mistyped."</p>
                <a class="button primary" href="/">"Go to the start"</a>
            </Empty>
        </main>
    }
}

/// Moves the keyboard focus to the element with this id.
pub fn focus(id: &str) {
    use wasm_bindgen::JsCast;
    let element = document().get_element_by_id(id).and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(element) = element {
        let _ = element.focus();
    }
}

/// Whether nothing has the keyboard focus, as when what had it is gone.
pub fn focus_is_lost() -> bool {
    document().active_element().is_none_or(|element| element.tag_name() == "BODY")
}

/// Sets the window's title.
pub fn use_title(title: impl Fn() -> String + 'static) {
    Effect::new(move |_| document().set_title(&format!("{} · Bellhop", title())));
}
