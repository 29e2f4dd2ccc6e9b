//! The document itself.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};

use super::Effect;

/// Everything the phone has been told. Holds secrets: the file is the owner's alone, and Debug prints none.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Document {
    /// Counts writes.
    pub generation: u64,
    /// The version of the desired document last applied; 0 = none.
    #[serde(default)]
    pub version: i64,
    /// As the ACS last set it.
    #[serde(default)]
    pub parameter_key: String,
    /// Settings that have been set, canonical, by catalogue key.
    #[serde(default)]
    pub values: BTreeMap<Arc<str>, Box<str>>,
    #[serde(default)]
    pub mqtt: MqttAccess,
    /// The ACS URL that has had its bootstrap Inform; empty = none.
    #[serde(default)]
    pub bootstrapped: String,
    /// Inform events that must survive a restart.
    #[serde(default)]
    pub pending: Vec<PendingEvent>,
    /// What the last change did, until it stands in the log.
    #[serde(default)]
    pub last_change: Vec<Effect>,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("generation", &self.generation)
            .field("parameter_key", &self.parameter_key)
            .field("values", &self.values.len())
            .finish_non_exhaustive()
    }
}

/// How to reach the broker, as the ACS said.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MqttAccess {
    pub enable: bool,
    /// Empty: the ACS's host.
    pub host: String,
    pub port: u16,
    pub username: String,
    pub password: String,
}

impl fmt::Debug for MqttAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MqttAccess({}, {}:{}, {})", self.enable, self.host, self.port, self.username)
    }
}

/// An Inform event with its command key, to be told at the next session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingEvent {
    pub code: String,
    pub command_key: String,
}

/// One copy of each key for all phones of the process. Only catalogue keys come here, so it stays small.
pub fn intern(key: &str) -> Arc<str> {
    static KEYS: OnceLock<Mutex<HashSet<Arc<str>>>> = OnceLock::new();
    let mut keys = KEYS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = keys.get(key) {
        return found.clone();
    }
    let new: Arc<str> = key.into();
    keys.insert(new.clone());
    new
}
