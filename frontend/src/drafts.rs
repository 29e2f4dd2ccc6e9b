//! Changes not pushed yet, by layer: they outlive the page they were made on, and the browser warns before they are
//! lost with the tab.

use std::collections::HashMap;

use leptos::prelude::*;

use crate::components::template::Draft;
use crate::layer_at::LayerAt;

#[derive(Clone, Copy)]
pub struct Drafts(StoredValue<HashMap<LayerAt, ArcRwSignal<Draft>>>);

impl Drafts {
    /// Made once one is signed in.
    pub fn provide() {
        let drafts = Self(StoredValue::new(HashMap::new()));
        provide_context(drafts);
        let warn = window_event_listener(leptos::ev::beforeunload, move |event| {
            let some = drafts.0.try_with_value(|all| all.values().any(|one| !one.with_untracked(Draft::is_empty)));
            if some == Some(true) {
                event.prevent_default();
            }
        });
        on_cleanup(move || warn.remove());
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
