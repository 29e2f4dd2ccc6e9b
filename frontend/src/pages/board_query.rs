//! What of the board is shown, as it stands in the address: `?q=ana&state=offline,idle&sync=failed&attention=true`.

use leptos_router::params::ParamsMap;

use crate::api::quote;
use crate::components::legend::Chosen;

/// The search text and the chosen states of an address; words nobody knows are left out.
pub fn read(map: &ParamsMap) -> (String, Chosen) {
    let text = |key: &str| map.get(key).unwrap_or_default();
    let chosen = Chosen {
        attention: text("attention") == "true",
        states: text("state").split(',').filter_map(|word| word.parse().ok()).collect(),
        syncs: text("sync").split(',').filter_map(|word| word.parse().ok()).collect(),
    };
    (text("q"), chosen)
}

/// As the query of an address, with its question mark; empty where everything is shown.
pub fn write(text: &str, chosen: &Chosen) -> String {
    let mut parts = Vec::new();
    if !text.is_empty() {
        parts.push(format!("q={}", quote(text)));
    }
    let states: Vec<&str> = chosen.states.iter().map(|state| state.as_str()).collect();
    let syncs: Vec<&str> = chosen.syncs.iter().map(|sync| sync.as_str()).collect();
    for (key, words) in [("state", states), ("sync", syncs)] {
        if !words.is_empty() {
            parts.push(format!("{key}={}", words.join(",")));
        }
    }
    if chosen.attention {
        parts.push("attention=true".into());
    }
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}
