//! The four transactions of RFC 3261 §17, with the corrections of RFC 6026, in virtual time. They know when a message is to
//! be sent again and when to stop waiting; finding the transaction a message belongs to is [`super::line`]'s.

use std::time::Duration;

mod client;
mod server;

pub use client::{ClientTransaction, Received};
pub use server::{Again, ServerTransaction};

/// The magic cookie every branch begins with (RFC 3261 §8.1.1.7).
pub const BRANCH_COOKIE: &str = "z9hG4bK";
/// T4: how long a message may stay in the network.
pub const T4: Duration = Duration::from_secs(5);
/// Timer D: how long copies of a final response to an INVITE may come, over an unreliable transport.
const TIMER_D: Duration = Duration::from_secs(32);

/// Timing of a transaction (RFC 3261 §17, table 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Round-trip estimate; first retransmission interval.
    pub t1: Duration,
    /// Longest retransmission interval.
    pub t2: Duration,
    /// Timers B and F; 64 × T1 unless the caller is in a hurry.
    pub give_up: Duration,
    /// The transport loses nothing: no retransmissions.
    pub reliable: bool,
}

impl Timers {
    /// With timers B and F at 64 × T1.
    pub fn new(t1: Duration, t2: Duration, reliable: bool) -> Self {
        Self { t1, t2, give_up: t1.saturating_mul(64), reliable }
    }
}
