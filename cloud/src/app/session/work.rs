//! What a session is in the middle of. Saved with the session before a request leaves, so that after a crash somebody
//! knows what may have happened.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::app::jobs::Claim;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    #[default]
    Nothing,
    /// Credentials were sent.
    Enrolling,
    /// An unaccepted phone was asked to come back more often.
    Welcoming,
    /// Values are read, in parts, to learn what the phone is (`written` is empty) or to see that a write took effect.
    Reading {
        claim: Claim,
        /// The version of the desired document this is for.
        version: i64,
        /// Paths still to be asked for, in parts.
        left: Vec<Vec<String>>,
        /// What was written and must now be reported, key → value. No secrets: those are never read back.
        written: BTreeMap<String, String>,
        /// How many values were written in all.
        count: usize,
    },
    /// Values were sent.
    Writing {
        claim: Claim,
        version: i64,
        /// Key → value, secrets left out.
        values: BTreeMap<String, String>,
        /// Key → fingerprint, secrets included.
        fingerprints: BTreeMap<String, String>,
    },
}
