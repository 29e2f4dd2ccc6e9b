//! What is questionable about the settings being edited: values that contradict each other.

use std::collections::BTreeMap;

use crate::catalogue;
use crate::components::template::EditorScope;

/// By the keys they are about.
pub fn notes(scope: EditorScope) -> BTreeMap<String, Vec<String>> {
    let mut notes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for conflict in settings::check_together(|key| scope.effective(key)) {
        let title = |key: &str| catalogue::title_of(key, key);
        let text = |other: &str| format!("Does not fit {}: {}.", title(other), conflict.what);
        notes.entry(conflict.first.clone()).or_default().push(text(&conflict.second));
        notes.entry(conflict.second.clone()).or_default().push(text(&conflict.first));
    }
    notes
}
