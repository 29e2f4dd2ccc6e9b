//! What is asked of the DNS and what it said: a cache that asks again when an answer's time is over, keeps an old
//! answer while the resolver fails (RFC 8767), and asks ever less often for what is not there (RFC 2308).

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use super::order;
use crate::rng::Rng;
use crate::settings::servers::DnsTimers;
use crate::time::{Instant, earliest};

/// Most addresses taken from an answer.
pub const MAX_ADDRESSES: usize = 32;
/// Most SRV records taken from an answer.
pub const MAX_SRV: usize = 16;
/// Most NAPTR records taken from an answer.
pub const MAX_NAPTR: usize = 16;

/// How long an answer serves, whatever its TTL says.
const TTL_LEAST: Duration = Duration::from_secs(30);
const TTL_MOST: Duration = Duration::from_secs(86_400);
/// How long "there is none" serves: doubled each time it is said again, unless it came with a TTL.
const NEGATIVE: Duration = Duration::from_secs(60);
const NEGATIVE_MOST: Duration = Duration::from_secs(900);
/// When a resolver that failed is asked again, doubled each time: with nothing in hand, and with an old answer.
const RETRY: Duration = Duration::from_secs(5);
const RETRY_STALE: Duration = Duration::from_secs(30);
const RETRY_MOST: Duration = Duration::from_secs(300);
/// How long the resolver may take.
const QUERY_WAIT: Duration = Duration::from_secs(15);

/// A question to the DNS. Names have no dot at the end and are in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Query {
    /// IPv4 addresses of a name.
    A(String),
    /// IPv6 addresses of a name.
    Aaaa(String),
    /// SRV records of `_sip._udp.example.com` and the like.
    Srv(String),
    /// NAPTR records of a domain.
    Naptr(String),
}

/// An answer. One without records says that there are none, and is trusted in that for `ttl` (the SOA's, RFC 2308 §5)
/// or, if that is zero, for a minute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// How long the records are good for: the least TTL in the answer, CNAMEs included.
    pub ttl: Duration,
    /// The records, in any order; those of another kind than asked for are ignored.
    pub records: Vec<Record>,
}

/// A DNS record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Record {
    /// A or AAAA.
    Address(IpAddr),
    /// SRV.
    Srv(Srv),
    /// NAPTR.
    Naptr(Naptr),
}

/// An SRV record (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Srv {
    /// Lower ones are tried first.
    pub priority: u16,
    /// Share among those of one priority.
    pub weight: u16,
    /// Port.
    pub port: u16,
    /// Host name; `.` says that the service is decidedly not offered.
    pub target: String,
}

/// A NAPTR record (RFC 3403 §4). Its regular expression is of no use to SIP.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Naptr {
    /// Lower ones come first.
    pub order: u16,
    /// Lower ones come first within an order.
    pub preference: u16,
    /// `s`: an SRV name follows; `a`: a host.
    pub flags: String,
    /// `SIP+D2U` and the like.
    pub service: String,
    /// What to look up next.
    pub replacement: String,
}

/// The resolver could not say (SERVFAIL, REFUSED, no answer in time).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the resolver failed")]
pub struct DnsFailure;

#[derive(Debug, Default)]
pub(super) struct Entry {
    /// The last answer, if there ever was one; empty if there are no such records.
    answer: Option<Vec<Record>>,
    /// Until when the records of the last answer are good.
    fresh_until: Option<Instant>,
    /// Since when an answer is waited for.
    asked: Option<Instant>,
    /// When to ask again.
    due: Option<Instant>,
    /// Answers without records, in a row.
    misses: u32,
    /// Failures of the resolver, in a row.
    failures: u32,
}

impl Entry {
    /// Since when the very first answer is waited for; `None` as soon as anything is known, a failure included.
    pub(super) fn pending_since(&self) -> Option<Instant> {
        self.asked.filter(|_| self.answer.is_none() && self.failures == 0)
    }

    pub(super) fn records(&self) -> &[Record] {
        self.answer.as_deref().unwrap_or_default()
    }

    pub(super) fn fresh_until(&self) -> Option<Instant> {
        self.fresh_until
    }

    fn answered(&mut self, now: Instant, query: &Query, given: Records, timers: DnsTimers, rng: &mut Rng) {
        let records = arrange(query, given.records, self.records(), rng);
        self.failures = 0;
        self.misses = if records.is_empty() { self.misses.saturating_add(1) } else { 0 };
        let wait = if !records.is_empty() {
            timers.refresh.unwrap_or_else(|| given.ttl.clamp(TTL_LEAST, TTL_MOST))
        } else if let Some(wait) = timers.failure {
            wait
        } else if given.ttl.is_zero() {
            doubled(NEGATIVE, self.misses, NEGATIVE_MOST)
        } else {
            given.ttl.clamp(NEGATIVE, NEGATIVE_MOST)
        };
        self.fresh_until = (!records.is_empty()).then(|| now + wait);
        self.due = Some(now + wait);
        self.answer = Some(records);
    }

    fn failed(&mut self, now: Instant, timers: DnsTimers, rng: &mut Rng) {
        self.failures = self.failures.saturating_add(1);
        let first = if self.answer.is_some() { RETRY_STALE } else { RETRY };
        let wait = timers.failure.unwrap_or_else(|| doubled(first, self.failures, RETRY_MOST));
        // Phones that lost their resolver together do not come back together.
        self.due = Some(now + wait + rng.up_to(wait / 10));
    }
}

/// `first`, doubled with each time after the first, up to `most`.
fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    first.saturating_mul(1 << times.saturating_sub(1).min(16)).min(most)
}

/// What is known of each query that matters at the moment, and the queries still to be handed out.
#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: BTreeMap<Query, Entry>,
    asks: VecDeque<Query>,
    timers: DnsTimers,
}

impl Cache {
    /// Answers serve so long from now on; one in hand no longer than a new one would.
    pub(super) fn set_timers(&mut self, now: Instant, timers: DnsTimers) {
        if std::mem::replace(&mut self.timers, timers) == timers {
            return;
        }
        for entry in self.entries.values_mut() {
            let wait = if entry.records().is_empty() { timers.failure } else { timers.refresh };
            entry.due = entry.due.map(|due| wait.map_or(due, |wait| due.min(now + wait)));
        }
    }

    pub(super) fn get(&self, query: &Query) -> Option<&Entry> {
        self.entries.get(query)
    }

    /// These are the queries that matter: asks those that are new and forgets those no longer among them.
    pub(super) fn want(&mut self, now: Instant, wanted: &[Query]) {
        self.entries.retain(|query, _| wanted.contains(query));
        self.asks.retain(|query| wanted.contains(query));
        for query in wanted {
            if !self.entries.contains_key(query) {
                self.entries.insert(query.clone(), Entry { asked: Some(now), ..Entry::default() });
                self.asks.push_back(query.clone());
            }
        }
    }

    pub(super) fn poll(&mut self) -> Option<Query> {
        self.asks.pop_front()
    }

    /// An answer; one to a query nobody wants any more is dropped.
    pub(super) fn answered(&mut self, now: Instant, query: &Query, answer: Result<Records, DnsFailure>, rng: &mut Rng) {
        let Some(entry) = self.entries.get_mut(query) else { return };
        entry.asked = None;
        match answer {
            Ok(given) => entry.answered(now, query, given, self.timers, rng),
            Err(DnsFailure) => entry.failed(now, self.timers, rng),
        }
    }

    /// Asks at once what the resolver could not say before.
    pub(super) fn hurry(&mut self, now: Instant) {
        for entry in self.entries.values_mut().filter(|entry| entry.failures > 0 && entry.asked.is_none()) {
            entry.due = Some(now);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, rng: &mut Rng) {
        for (query, entry) in &mut self.entries {
            if entry.asked.take_if(|asked| now >= *asked + QUERY_WAIT).is_some() {
                entry.failed(now, self.timers, rng);
            }
            if entry.asked.is_none() && entry.due.is_some_and(|due| now >= due) {
                entry.asked = Some(now);
                if !self.asks.contains(query) {
                    self.asks.push_back(query.clone());
                }
            }
        }
    }

    /// An answer is on its way.
    pub(super) fn is_waiting(&self) -> bool {
        self.entries.values().any(|entry| entry.asked.is_some())
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let next = |entry: &Entry| entry.asked.map(|asked| asked + QUERY_WAIT).or(entry.due);
        self.entries.values().map(next).fold(None, earliest)
    }
}

/// The records of the kind asked for, bounded, in the order of use. That order stays as it is as long as the records do:
/// resolvers turn their answers round, and a phone must not move for that.
fn arrange(query: &Query, given: Vec<Record>, old: &[Record], rng: &mut Rng) -> Vec<Record> {
    let fits = |record: &Record| match (query, record) {
        (Query::A(_), Record::Address(address)) => address.is_ipv4(),
        (Query::Aaaa(_), Record::Address(address)) => address.is_ipv6(),
        (Query::Srv(_), Record::Srv(_)) | (Query::Naptr(_), Record::Naptr(_)) => true,
        _ => false,
    };
    let mut records: Vec<Record> = given.into_iter().filter(fits).collect();
    match query {
        Query::A(_) | Query::Aaaa(_) => {
            let mut kept: Vec<Record> = old.iter().filter(|record| records.contains(record)).cloned().collect();
            for record in records {
                if kept.len() < MAX_ADDRESSES && !kept.contains(&record) {
                    kept.push(record);
                }
            }
            kept
        }
        Query::Srv(_) => {
            // The heaviest first, so that they are not the ones cut off.
            records.sort_by(order::heaviest_first);
            records.dedup();
            records.truncate(MAX_SRV);
            let same = old.len() == records.len() && old.iter().all(|record| records.contains(record));
            if same { old.to_vec() } else { order::by_weight(records, rng) }
        }
        Query::Naptr(_) => {
            records.sort();
            records.dedup();
            records.truncate(MAX_NAPTR);
            records
        }
    }
}
