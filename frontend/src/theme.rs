//! Light and dark. Without a choice the system's is followed; a choice is kept in `localStorage` and applied by
//! `theme.js` before the first paint.

use leptos::prelude::*;

const STORE: &str = "bellhop.theme";

/// A value kept in this browser.
pub fn stored(key: &str) -> Option<String> {
    window().local_storage().ok().flatten()?.get_item(key).ok().flatten()
}

pub fn store(key: &str, value: &str) {
    if let Ok(Some(store)) = window().local_storage() {
        let _ = store.set_item(key, value);
    }
}

#[derive(Clone, Copy)]
pub struct Theme(RwSignal<bool>);

impl Theme {
    pub fn start() -> Self {
        let dark = match stored(STORE).as_deref() {
            Some("dark") => true,
            Some("light") => false,
            _ => matches("(prefers-color-scheme: dark)"),
        };
        Self(RwSignal::new(dark))
    }

    pub fn is_dark(self) -> bool {
        self.0.get()
    }

    pub fn toggle(self) {
        let dark = !self.0.get_untracked();
        let name = if dark { "dark" } else { "light" };
        store(STORE, name);
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-theme", name);
        }
        self.0.set(dark);
    }
}

fn matches(query: &str) -> bool {
    window().match_media(query).ok().flatten().is_some_and(|list| list.matches())
}

/// Whether the screen is narrow (a phone), kept up to date.
pub fn use_narrow() -> RwSignal<bool> {
    let test = || matches("(max-width: 860px)");
    let narrow = RwSignal::new(test());
    let handle = window_event_listener_untyped("resize", move |_| {
        if narrow.get_untracked() != test() {
            narrow.set(test());
        }
    });
    on_cleanup(move || handle.remove());
    narrow
}
