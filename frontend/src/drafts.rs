//! Changes not pushed yet, by layer: they outlive the page they were made on and the session, for whoever made them; the
//! browser warns before they are lost with the tab.

use std::collections::HashMap;

use contract::UserId;
use leptos::prelude::*;

use crate::api::Api;
use crate::components::template::Draft;
use crate::layer_at::LayerAt;

#[derive(Clone, Copy)]
pub struct Drafts(StoredValue<HashMap<LayerAt, ArcRwSignal<Draft>>>);

impl Drafts {
    /// Made once, above everything a session ends with.
    pub fn provide(api: Api) {
        let drafts = Self(StoredValue::new(HashMap::new()));
        provide_context(drafts);
        // Nobody finds what somebody else has typed.
        Effect::new(move |before: Option<Option<UserId>>| {
            let before = before.flatten();
            let user = api.session.with(|session| session.as_ref().map(|tokens| tokens.user.id));
            if user.is_some() && before.is_some() && user != before {
                drafts.clear();
            }
            user.or(before)
        });
        let warn = window_event_listener(leptos::ev::beforeunload, move |event| {
            let some = drafts.0.try_with_value(|all| all.values().any(|one| !one.with_untracked(Draft::is_empty)));
            if some == Some(true) {
                event.prevent_default();
            }
        });
        on_cleanup(move || warn.remove());
    }

    /// How many changes are gathered, of all layers.
    pub fn count(self) -> usize {
        self.0.try_with_value(|all| all.values().map(|one| one.with_untracked(Draft::len)).sum()).unwrap_or(0)
    }

    pub fn clear(self) {
        self.0.with_value(|all| all.values().for_each(|one| one.set(Draft::default())));
    }

    pub fn of(self, at: LayerAt) -> RwSignal<Draft> {
        let mut found = None;
        self.0.update_value(|all| found = Some(all.entry(at).or_default().clone()));
        found.map_or_else(|| RwSignal::new(Draft::default()), RwSignal::from)
    }
}

pub fn use_drafts() -> Drafts {
    expect_context()
}
