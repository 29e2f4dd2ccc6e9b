//! What a session is in the middle of. Saved with the session before a request leaves, so that after a crash somebody
//! knows what may have happened.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::app::batches::Parts;
use crate::app::jobs::Claim;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Work {
    #[default]
    Nothing,
    /// Credentials were sent.
    Enrolling,
    /// An unaccepted phone was asked to come back more often.
    Welcoming,
    /// Values are read, in parts, to learn what the phone is (`written` is empty) or to see that a write took effect.
    Reading(Reading),
    /// Values were sent.
    Writing(Writing),
    /// Something was sent for a task.
    Task { claim: Claim, doing: Doing },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    pub claim: Claim,
    /// The version of the desired document this is for.
    pub version: i64,
    /// What was asked for now.
    pub asked: Vec<String>,
    /// Paths still to be asked for.
    pub left: Vec<String>,
    pub parts: Parts,
    /// What was written and must now be reported, key → value. No secrets: those are never read back.
    pub written: BTreeMap<String, String>,
    /// How many values were written in all.
    pub count: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Writing {
    pub claim: Claim,
    pub version: i64,
    /// Key → value, secrets left out.
    pub values: BTreeMap<String, String>,
    /// Key → fingerprint, secrets included.
    pub fingerprints: BTreeMap<String, String>,
    pub parts: Parts,
    /// What went before in this attempt.
    pub before: Before,
}

/// What parts of a change the phone has taken already in this attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// Key → value, secrets left out.
    pub values: BTreeMap<String, String>,
    /// The keys, secrets included: nothing is written twice in one attempt, whatever is still said of who set it.
    #[serde(default)]
    pub keys: BTreeSet<String>,
}

/// How far a task is in this session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Doing {
    /// What the task asks was sent. `again`: it may have been sent before.
    Order { again: bool },
    /// Some of a task's values were sent: `count` from `from` on.
    Set { from: usize, count: usize, parts: Parts },
    /// Some of a task's values are read. `then_set`: to see whether they were sent before, rather than whether they took.
    Check { from: usize, count: usize, parts: Parts, wrong: Vec<String>, then_set: bool },
    /// Attributes were set and are read back.
    Attributes,
    /// The instances of an object are listed, before one is added or to see whether one was.
    Instances { again: bool },
    /// The phone's transfers are listed, `all` of them or those it was asked for; for the task's own sake, or to find out
    /// what became of it.
    Queue { all: bool, recover: Option<Lost> },
    /// A part of the tree is read.
    Walk(Walk),
    /// The measurement at this object was ordered.
    Measure { root: usize },
    /// What the measurement at this object came to is read. `late`: the phone did not say that it is done.
    Results { root: usize, late: bool },
}

/// What is not known of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lost {
    /// Whether the phone was asked for it.
    Order,
    /// How it ended.
    End,
}

/// A walk over a part of the tree: names first, then values, then attributes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Walk {
    pub path: String,
    pub phase: Phase,
    /// Parameters after this one are still to be read.
    pub after: String,
    /// How many were asked for, and the last of them.
    pub asked: usize,
    pub last: String,
    pub parts: Parts,
    /// Parameters read.
    pub read: u32,
    /// The task's result is there already; this only adds to the tree.
    pub aside: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// All names below the path at once.
    Names,
    /// Level by level, for phones that fail on all at once; these objects are still to be asked for, the last is being.
    Levels(Vec<String>),
    Values,
    Attributes,
}
