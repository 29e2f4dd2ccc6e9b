//! Getting around: the sidebar on wide screens, a top bar and a bottom bar on narrow ones.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_navigate};

use super::icon::{Icon, Svg};
use crate::api::use_api;
use crate::drafts::use_drafts;
use crate::live::use_live_stream;
use crate::state::{Shared, use_shared};
use crate::theme::Theme;
use crate::words::counted;

/// The part of the application a path belongs to.
fn section(path: &str) -> &str {
    let mut parts = path.split('/').skip(1);
    match (parts.next().unwrap_or_default(), parts.nth(1)) {
        ("p", Some("layout")) => "properties",
        ("p", Some("accounts" | "provisioning" | "import" | "backup")) | ("layers", _) => "settings",
        ("p", Some(part)) => part,
        ("p", None) => "rooms",
        (part, _) => part,
    }
}

struct Item {
    section: &'static str,
    testid: &'static str,
    word: &'static str,
    icon: Icon,
}

const ITEMS: [Item; 6] = [
    Item { section: "properties", testid: "nav-properties", word: "Properties", icon: Icon::Building },
    Item { section: "rooms", testid: "nav-rooms", word: "Rooms", icon: Icon::Rooms },
    Item { section: "phones", testid: "nav-phones", word: "Phones", icon: Icon::Phone },
    Item { section: "new-phones", testid: "nav-new", word: "New phones", icon: Icon::Inbox },
    Item { section: "claims", testid: "nav-claims", word: "Claims", icon: Icon::Door },
    Item { section: "settings", testid: "nav-settings", word: "Settings", icon: Icon::Settings },
];

/// Sections of the property in use.
pub const OF_PROPERTY: [&str; 4] = ["rooms", "phones", "claims", "settings"];

fn target(shared: Shared, section: &str) -> String {
    match shared.chosen() {
        Some(id) if OF_PROPERTY.contains(&section) => format!("/p/{id}/{section}"),
        // Which property that is, is not known yet: the start finds out, and goes there.
        None if OF_PROPERTY.contains(&section) && shared.properties.with(|_| ()).is_none() => format!("/?to={section}"),
        // There is none. Phones are somewhere all the same.
        None if OF_PROPERTY.contains(&section) && section != "phones" => "/properties".into(),
        _ => format!("/{section}"),
    }
}

fn links(shared: Shared) -> impl IntoView {
    let location = use_location();
    ITEMS
        .map(|item| {
            let here = Memo::new(move |_| section(&location.pathname.get()) == item.section);
            let badge = move || {
                let waiting = match item.section {
                    "new-phones" => shared.new_phones.with(Vec::len),
                    "claims" => shared.claims.with(Vec::len),
                    _ => None,
                };
                waiting
                    .filter(|count| *count > 0)
                    .map(|count| view! { <span class="badge">{count}<span class="sr">" waiting"</span></span> })
            };
            view! {
                <li>
                    <a
                        class="nav-link"
                        href=move || target(shared, item.section)
                        data-testid=item.testid
                        aria-current=move || here.get().then_some("page")
                    >
                        <Svg icon=item.icon/>
                        <span class="nav-word">{item.word}</span>
                        {badge}
                    </a>
                </li>
            }
        })
        .collect_view()
}

#[component]
pub fn Sidebar() -> impl IntoView {
    let shared = use_shared();
    let wide = move || !shared.narrow.get();
    view! {
        {move || wide().then(|| view! {
            <header class="sidebar">
                <a class="brand" href="/properties">
                    <span class="brand-mark"><Svg icon=Icon::Bell/></span>
                    "Bellhop"
                </a>
                <PropertySwitch/>
                <nav aria-label="Main"><ul>{links(shared)}</ul></nav>
                <div class="sidebar-foot">
                    <LiveIndicator/>
                    <User/>
                </div>
            </header>
        })}
    }
}

/// Narrow screens only.
#[component]
pub fn TopBar() -> impl IntoView {
    let shared = use_shared();
    move || {
        shared.narrow.get().then(|| {
            view! {
                <header class="topbar">
                    <PropertySwitch/>
                    <LiveIndicator/>
                    <User/>
                </header>
            }
        })
    }
}

#[component]
pub fn BottomNav() -> impl IntoView {
    let shared = use_shared();
    view! { <nav class="bottombar" aria-label="Main"><ul>{links(shared)}</ul></nav> }
}

/// Changes the property, staying on the same kind of page.
#[component]
fn PropertySwitch() -> impl IntoView {
    let shared = use_shared();
    let navigate = use_navigate();
    let location = use_location();
    let some = move || shared.properties.with(|list| !list.is_empty()).unwrap_or(false);
    let go = StoredValue::new_local(move |id: String| {
        let path = location.pathname.get_untracked();
        let page = match section(&path) {
            page @ ("rooms" | "settings" | "claims") => page,
            "phones" if path.starts_with("/p/") => "phones",
            _ => "rooms",
        };
        navigate(&format!("/p/{id}/{page}"), Default::default());
    });
    let options = move || {
        let chosen = shared.chosen();
        shared
            .properties
            .with(|list| {
                let option = |p: &contract::rest::Property| {
                    view! { <option value=p.id.to_string() selected=Some(p.id) == chosen>{p.name.clone()}</option> }
                };
                list.iter().map(option).collect_view()
            })
            .unwrap_or_default()
    };
    move || {
        some().then(|| {
            view! {
                <select
                    class="property-switch"
                    aria-label="Property"
                    prop:value=move || shared.chosen().map(|id| id.to_string()).unwrap_or_default()
                    on:change:target=move |event| go.with_value(|go| go(event.target().value()))
                >
                    {options}
                </select>
            }
        })
    }
}

#[component]
fn LiveIndicator() -> impl IntoView {
    let on = use_live_stream().on;
    view! {
        <span
            class="live"
            role="status"
            data-testid="live-indicator"
            data-live=move || if on.get() { "on" } else { "off" }
        >
            <span class="live-dot" aria-hidden="true"></span>
            {move || if on.get() { "Live" } else { "Reconnecting…" }}
        </span>
    }
}

#[component]
pub fn ThemeToggle() -> impl IntoView {
    let theme: Theme = expect_context();
    let label = move || {
        if theme.is_dark() { "Use the light theme" } else { "Use the dark theme" }
    };
    view! {
        <button
            type="button"
            class="icon-button"
            data-testid="theme-toggle"
            aria-label=label
            title=label
            on:click=move |_| theme.toggle()
        >
            {move || view! { <Svg icon=if theme.is_dark() { Icon::Sun } else { Icon::Moon }/> }}
        </button>
    }
}

#[component]
fn User() -> impl IntoView {
    let api = use_api();
    let name = move || {
        api.session.with(|session| {
            session.as_ref().map(|tokens| {
                if tokens.user.name.is_empty() { tokens.user.email.clone() } else { tokens.user.name.clone() }
            })
        })
    };
    let drafts = use_drafts();
    let sign_out = move || {
        // What was gathered goes with the one who gathered it.
        let sure = match drafts.count() {
            0 => true,
            count => {
                let what = counted(count, "change that is not pushed is", "changes that are not pushed are");
                window().confirm_with_message(&format!("{what} lost when you sign out. Sign out?")).unwrap_or(true)
            }
        };
        if sure {
            drafts.clear();
            leptos::task::spawn_local(api.logout());
        }
    };
    view! {
        <div class="user">
            <span class="user-name">{name}</span>
            <ThemeToggle/>
            <button
                type="button"
                class="icon-button"
                aria-label="Sign out"
                title="Sign out"
                on:click=move |_| sign_out()
            >
                <Svg icon=Icon::SignOut/>
            </button>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::section;

    #[test]
    fn every_path_has_its_section() {
        for (path, expected) in [
            ("/p/x/rooms/y", "rooms"),
            ("/p/x/settings", "settings"),
            ("/p/x/layout", "properties"),
            ("/p/x/accounts", "settings"),
            ("/p/x/provisioning", "settings"),
            ("/p/x/import", "settings"),
            ("/p/x/backup", "settings"),
            ("/layers/chain/y", "settings"),
            ("/p/x/claims", "claims"),
            ("/p/x", "rooms"),
            ("/phones/y", "phones"),
            ("/new-phones", "new-phones"),
        ] {
            assert_eq!(section(path), expected, "{path}");
        }
    }
}
