//! The document itself.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use contract::Timestamp;
use cwmp::EventQueue;
use serde::{Deserialize, Serialize};

use super::Effect;
use crate::transfer::Transfer;

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
    /// Those of them that a user set at the phone; all others the ACS or a file set.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub by_user: BTreeSet<Arc<str>>,
    /// Counts what users set, over restarts, as the state report tells it ([`contract::mqtt::StateReport`]).
    #[serde(default)]
    pub user_changes: u32,
    /// When the phone last restarted for what a file changed, milliseconds since 1970; 0 = never.
    #[serde(default)]
    pub provision_restart: i64,
    #[serde(default)]
    pub mqtt: MqttAccess,
    /// The ACS URL that has had its bootstrap Inform; empty = none.
    #[serde(default)]
    pub bootstrapped: String,
    /// A server on the LAN has told the phone where its configuration is, by SIP PnP.
    #[serde(default)]
    pub pnp: bool,
    /// Inform events the ACS does not have yet.
    #[serde(default)]
    pub events: EventQueue,
    /// Writable parameters that are no settings, by path; those never written have their default.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub own: BTreeMap<Arc<str>, Box<str>>,
    /// What the ACS said about notification and access, by path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<Arc<str>, Attribute>,
    /// The values the ACS was last told of parameters it wants to hear about, hashed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<(Arc<str>, u64)>,
    /// Sessions the ACS has ordered for later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedule: Vec<Scheduled>,
    /// Downloads and uploads, oldest first, until the ACS knows how they ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transfers: Vec<Transfer>,
    /// Transfers there have been.
    #[serde(default)]
    pub transfer_count: u64,
    /// Rows of the paging table that exist without an address: bit 0 is row 1.
    #[serde(default)]
    pub paging_rows: u16,
    /// The installed firmware's version; empty: the factory's.
    #[serde(default, skip_serializing_if = "empty")]
    pub firmware: Box<str>,
    /// The ACS that option 43 of the DHCP lease names; empty: none.
    #[serde(default, skip_serializing_if = "empty")]
    pub dhcp_acs: Box<str>,
    /// Prefix and postfix firmware was last looked for with.
    #[serde(default, skip_serializing_if = "empty")]
    pub firmware_names: Box<str>,
    /// The path of the connection request URL, and the port it was last listened for on.
    #[serde(default, skip_serializing_if = "empty")]
    pub call_path: Box<str>,
    #[serde(default)]
    pub call_port: u16,
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
    /// Speak TLS to the broker.
    pub tls: bool,
    pub username: String,
    pub password: String,
}

impl fmt::Debug for MqttAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MqttAccess({}, {}:{}, {})", self.enable, self.host, self.port, self.username)
    }
}

/// A session at a set time (ScheduleInform).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduled {
    pub at: Timestamp,
    pub command_key: String,
}

/// A parameter's attributes, as far as the ACS changed them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// 0 off, 1 passive, 2 active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification: Option<u8>,
    /// Who but the ACS may write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Vec<Box<str>>>,
}

/// One copy of each key for all phones of the process. Only catalogue keys and paths of the data model come
/// here, so it stays small.
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

fn empty(text: &str) -> bool {
    text.is_empty()
}
