//! What a locator says and is told.

use std::fmt;
use std::time::Duration;

use crate::sip::message::HostPort;
use crate::sip::transport::Target;
use crate::time::Instant;

/// The first server or proxy, or the one behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rank {
    /// "SIP Server", "Outbound Proxy".
    Primary,
    /// "Secondary SIP Server", "Secondary Outbound Proxy".
    Secondary,
}

/// One way for requests to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The address, and how to get there.
    pub target: Target,
    /// The SIP server: domain of the address of record and of the Request-URI of a REGISTER.
    pub registrar: HostPort,
    /// The outbound proxy, for the Route header; `None` without.
    pub route: Option<HostPort>,
    /// Which server `registrar` is.
    pub server: Rank,
    /// Which proxy `route` is.
    pub proxy: Option<Rank>,
    /// Which leg it belongs to.
    pub(super) leg: usize,
}

/// Why a request came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No response in time (as often as [`attempts_per_target`](super::Locator::attempts_per_target) says), or no connection.
    Silent,
    /// 503, or 408 from a proxy. Other servers may still be reached through the same proxy.
    Unavailable {
        /// The 503's Retry-After: so long this way is not the first to be tried, 60 s to an hour.
        retry_after: Option<Duration>,
    },
}

/// What to do after a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send it this way.
    Try(Way),
    /// Register this way first, then send it ("Register Before DNS SRV Failover"). For a REGISTER as [`Next::Try`].
    Register(Way),
    /// Nobody answers. Give up; a registration waits its retry time and begins again.
    Exhausted,
}

/// Something the account should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// There is a way, and there was none; or the DNS took the one in use back, or has a new one after all failed:
    /// register.
    Located,
    /// There is no way any more.
    Lost,
    /// The one in use failed, requests go another way: register there, unless a registration found out and is at it.
    FailedOver,
    /// Time to see whether a better one is back: register. Not told to accounts that do not register.
    FailbackDue,
    /// A better one answered: requests go there again.
    FailedBack,
}

/// How the way in use came to be it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// No server is set, or one that cannot be read.
    NotConfigured,
    /// The DNS has not answered yet.
    LookingUp,
    /// The DNS knows no address, or no address is configured.
    NotFound,
    /// It is the first choice.
    First,
    /// Better ones failed.
    FailedOver,
    /// All failed in turn.
    AllFailed,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Why::NotConfigured => "no server is set",
            Why::LookingUp => "looking the server up",
            Why::NotFound => "the server's name has no address",
            Why::First => "first choice",
            Why::FailedOver => "failed over",
            Why::AllFailed => "no server answers",
        })
    }
}

/// For the status page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocatorState {
    /// The way in use.
    pub way: Option<Way>,
    /// Its place among all, from 1; 0 without.
    pub index: usize,
    /// How many there are.
    pub of: usize,
    /// Why.
    pub why: Why,
    /// When a better one is tried again, if that hangs on the failback timer.
    pub failback_at: Option<Instant>,
}
