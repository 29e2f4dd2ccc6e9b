//! What the phone shows of itself: the state report for the cloud, `state.json` for people and tests.

use std::collections::BTreeMap;

use contract::Timestamp;
use contract::mqtt::{AccountState, StateReport};
use serde::{Deserialize, Serialize};

use super::origin::PROTECT_KEY;
use super::{Device, Inner, ROOM_KEY};
use crate::atomic::{self, Survive};
use crate::clock;

/// The readable state's file.
pub const STATE_FILE: &str = "state.json";

/// `state.json`: no secrets in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateFile {
    pub room_number: String,
    /// Every `hotel.*` setting that has been set.
    pub hotel: BTreeMap<String, String>,
    pub accounts: Vec<AccountState>,
    /// `on` or `off`.
    pub hook: String,
    pub ip: String,
    pub boot: u32,
    pub applied_version: i64,
    pub firmware: String,
    pub updated_at: Timestamp,
}

impl Device {
    /// The next state report if anything changed since `told`, and what to pass as `told` next time.
    pub(crate) fn report(&self, told: Option<u64>) -> Option<(StateReport, u64)> {
        let mut inner = self.lock();
        if told == Some(inner.state_version) {
            return None;
        }
        inner.reports += 1;
        let report = StateReport {
            boot: self.boot,
            seq: inner.reports,
            at: clock::now(),
            firmware: self.firmware_of(&inner),
            ip: inner.line.ip.to_string(),
            uptime_s: self.uptime_s(),
            off_hook: inner.line.off_hook,
            accounts: inner.line.accounts.clone(),
            applied_version: inner.store.document().version,
            set_by_user: inner
                .store
                .document()
                .by_user
                .iter()
                .take(StateReport::MOST_KEYS)
                .map(ToString::to_string)
                .collect(),
            user_protection: inner.store.value(PROTECT_KEY) == Some("yes"),
            user_changes: inner.store.document().user_changes,
        };
        Some((report, inner.state_version))
    }

    /// The phone's state as in `state.json`.
    pub fn state(&self) -> StateFile {
        self.state_of(&self.lock())
    }

    fn state_of(&self, inner: &Inner) -> StateFile {
        let document = inner.store.document();
        let hotel = document.values.iter().filter(|(key, _)| key.starts_with("hotel."));
        StateFile {
            room_number: inner.store.value(ROOM_KEY).unwrap_or_default().to_owned(),
            hotel: hotel.map(|(key, value)| (key.to_string(), value.to_string())).collect(),
            accounts: inner.line.accounts.clone(),
            hook: if inner.line.off_hook { "off" } else { "on" }.to_owned(),
            ip: inner.line.ip.to_string(),
            boot: self.boot,
            applied_version: document.version,
            firmware: self.firmware_of(inner),
            updated_at: clock::now(),
        }
    }

    pub(super) fn firmware_of(&self, inner: &Inner) -> String {
        let installed = &inner.store.document().firmware;
        if installed.is_empty() { self.identity.firmware.clone() } else { installed.to_string() }
    }

    /// Not synced: after a power cut it is written anew.
    pub(super) fn write_state_file(&self, inner: &Inner) {
        let Some(path) = self.storage.file(STATE_FILE) else { return };
        let written = serde_json::to_vec_pretty(&self.state_of(inner))
            .map_err(std::io::Error::other)
            .and_then(|text| atomic::replace(&path, &text, Survive::Kill));
        if let Err(error) = written {
            tracing::warn!(%error, "the state file could not be written");
        }
    }
}
