//! Search, filter, order and page of the phone list, as they stand in the address.

use contract::ChangeSetId;
use contract::rest::{ChangeReach, PhoneSort, RoomState, SyncState};
use leptos_router::params::ParamsMap;

use crate::api::quote;

/// What the address says is to be shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pub text: String,
    pub state: Option<RoomState>,
    /// Only phones whose change is this far.
    pub sync: Option<SyncState>,
    /// Only phones of this change,
    pub change: Option<ChangeSetId>,
    /// and of these only those that are so far with it.
    pub reach: Option<ChangeReach>,
    pub sort: Option<PhoneSort>,
    pub desc: bool,
    pub offset: u64,
}

impl Query {
    pub fn of(map: &ParamsMap) -> Self {
        let text = |key: &str| map.get(key).unwrap_or_default();
        Self {
            text: text("q"),
            state: text("state").parse().ok(),
            sync: text("sync").parse().ok(),
            change: text("change").parse().ok(),
            reach: text("reach").parse().ok(),
            sort: text("sort").parse().ok(),
            desc: text("desc") == "true",
            offset: text("offset").parse().unwrap_or(0),
        }
    }

    /// As the query of an address; the API and the page share it.
    pub fn parts(&self) -> String {
        let mut parts = Vec::new();
        if !self.text.is_empty() {
            parts.push(format!("q={}", quote(&self.text)));
        }
        if let Some(state) = self.state {
            parts.push(format!("state={}", state.as_str()));
        }
        if let Some(sync) = self.sync {
            parts.push(format!("sync={}", sync.as_str()));
        }
        if let Some(change) = self.change {
            parts.push(format!("change={change}"));
            parts.extend(self.reach.map(|reach| format!("reach={}", reach.as_str())));
        }
        if let Some(sort) = self.sort {
            parts.push(format!("sort={}", sort.as_str()));
        }
        if self.desc {
            parts.push("desc=true".into());
        }
        if self.offset > 0 {
            parts.push(format!("offset={}", self.offset));
        }
        parts.join("&")
    }
}
