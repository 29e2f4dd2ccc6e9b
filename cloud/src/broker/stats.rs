//! Counting what the broker let in and what it refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use mqtt5::broker::sys_topics::BrokerStats;

/// A snapshot of the broker's counters; all but the first count since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Open sockets, logged in or not.
    pub connections: usize,
    /// Accepted logins.
    pub logins: u64,
    /// PUBLISH packets received, refused ones included.
    pub publishes: u64,
    /// Sockets closed unanswered because of a connection limit.
    pub refused_connections: u64,
    /// Wrong, missing or oversized credentials.
    pub refused_logins: u64,
    /// Right credential, somebody else's client id (or none).
    pub refused_client_ids: u64,
    /// Keep-alive of 0 or above the limit.
    pub refused_keep_alives: u64,
    /// Logins with a will to a forbidden topic.
    pub refused_wills: u64,
    /// Logins that could not be checked (database away).
    pub unavailable_logins: u64,
    /// Publishes to forbidden topics.
    pub refused_publishes: u64,
    /// Forbidden topic filters.
    pub refused_subscribes: u64,
    /// Connections that ended for a protocol error, an oversized packet or a silent client.
    pub failed_connections: u64,
    /// Connections closed by `kick`.
    pub kicked: u64,
}

/// Why something was refused.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    Connection,
    Login,
    ClientId,
    KeepAlive,
    Will,
    Unavailable,
    Publish,
    Subscribe,
}

#[derive(Default)]
pub(super) struct Counters {
    connections: AtomicUsize,
    logins: AtomicU64,
    failed: AtomicU64,
    kicked: AtomicU64,
    refused: [AtomicU64; 8],
    pub(super) library: Arc<BrokerStats>,
}

impl Counters {
    pub(super) fn refused(&self, why: Refusal) {
        self.refused[why as usize].fetch_add(1, Relaxed);
    }

    pub(super) fn opened(&self) {
        self.connections.fetch_add(1, Relaxed);
    }

    pub(super) fn closed(&self) {
        self.connections.fetch_sub(1, Relaxed);
    }

    pub(super) fn login(&self) {
        self.logins.fetch_add(1, Relaxed);
    }

    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Relaxed);
    }

    pub(super) fn kicked(&self) {
        self.kicked.fetch_add(1, Relaxed);
    }

    pub(super) fn snapshot(&self) -> Stats {
        let refused = |why: Refusal| self.refused[why as usize].load(Relaxed);
        Stats {
            connections: self.connections.load(Relaxed),
            logins: self.logins.load(Relaxed),
            publishes: self.library.publish_received.load(Relaxed),
            refused_connections: refused(Refusal::Connection),
            refused_logins: refused(Refusal::Login),
            refused_client_ids: refused(Refusal::ClientId),
            refused_keep_alives: refused(Refusal::KeepAlive),
            refused_wills: refused(Refusal::Will),
            unavailable_logins: refused(Refusal::Unavailable),
            refused_publishes: refused(Refusal::Publish),
            refused_subscribes: refused(Refusal::Subscribe),
            failed_connections: self.failed.load(Relaxed),
            kicked: self.kicked.load(Relaxed),
        }
    }
}
