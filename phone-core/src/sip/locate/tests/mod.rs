//! A locator with a DNS and a clock of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::settings::read::Values;

mod failback;
mod failover;
mod fuzz;
mod lookup;
mod refresh;

pub(super) const MINUTE: Duration = Duration::from_secs(60);

pub(super) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn settings(pairs: &[(&str, &str)]) -> ServerSettings {
    let get = |key: &str| {
        let key = key.strip_prefix("account.1.")?;
        pairs.iter().find(|(known, _)| *known == key).map(|(_, value)| (*value).to_owned())
    };
    ServerSettings::from_values(&Values::account(&get, 1))
}

pub(super) fn answer(ttl: u64, records: Vec<Record>) -> Result<Records, DnsFailure> {
    Ok(Records { ttl: secs(ttl), records })
}

pub(super) fn addresses(ttl: u64, list: &[&str]) -> Result<Records, DnsFailure> {
    answer(ttl, list.iter().map(|ip| Record::Address(ip.parse().unwrap())).collect())
}

/// `priority weight port target`
pub(super) fn services(ttl: u64, list: &[&str]) -> Result<Records, DnsFailure> {
    let record = |text: &&str| {
        let fields: Vec<&str> = text.split(' ').collect();
        let number = |at: usize| fields[at].parse::<u16>().unwrap();
        Record::Srv(Srv { priority: number(0), weight: number(1), port: number(2), target: fields[3].to_owned() })
    };
    answer(ttl, list.iter().map(record).collect())
}

/// `order preference flags service replacement`
pub(super) fn pointers(ttl: u64, list: &[&str]) -> Result<Records, DnsFailure> {
    let record = |text: &&str| {
        let fields: Vec<&str> = text.split(' ').collect();
        let number = |at: usize| fields[at].parse::<u16>().unwrap();
        let text = |at: usize| fields[at].to_owned();
        Record::Naptr(Naptr {
            order: number(0),
            preference: number(1),
            flags: text(2),
            service: text(3),
            replacement: text(4),
        })
    };
    answer(ttl, list.iter().map(record).collect())
}

pub(super) fn a(name: &str) -> Query {
    Query::A(name.to_owned())
}

pub(super) fn aaaa(name: &str) -> Query {
    Query::Aaaa(name.to_owned())
}

pub(super) fn srv(name: &str) -> Query {
    Query::Srv(name.to_owned())
}

pub(super) fn naptr(name: &str) -> Query {
    Query::Naptr(name.to_owned())
}

pub(super) struct Bench {
    pub locator: Locator,
    pub now: Instant,
    /// What the DNS says; to other queries, that there is nothing.
    pub zone: BTreeMap<Query, Result<Records, DnsFailure>>,
    /// The DNS does not answer these.
    pub mute: Vec<Query>,
    /// What was asked since last looked at, and when.
    asked: Vec<(Query, Instant)>,
}

impl Bench {
    pub fn with(pairs: &[(&str, &str)], transport: Transport, ip: IpPreference) -> Self {
        let locator = Locator::new(settings(pairs), transport, ip, Rng::new(3, 1));
        Self { locator, now: Instant::ZERO, zone: BTreeMap::new(), mute: Vec::new(), asked: Vec::new() }
    }

    /// UDP, both families.
    pub fn new(pairs: &[(&str, &str)]) -> Self {
        Self::with(pairs, Transport::Udp, IpPreference::PreferIpv4)
    }

    /// Three servers by SRV, with a TTL of ten minutes.
    pub fn three(mode: &str, more: &[(&str, &str)]) -> Self {
        let mut pairs = vec![("sip.server.1.address", "pbx.example"), ("network.dnsmode", "srv")];
        pairs.push(("network.dnssrvfailovermode", mode));
        pairs.extend(more);
        Self::new(&pairs)
            .zone(srv("_sip._udp.pbx.example"), services(600, &["1 0 5060 a.x", "2 0 5060 b.x", "3 0 5060 c.x"]))
            .zone(a("a.x"), addresses(600, &["192.0.2.1"]))
            .zone(a("b.x"), addresses(600, &["192.0.2.2"]))
            .zone(a("c.x"), addresses(600, &["192.0.2.3"]))
            .started()
    }

    pub fn zone(mut self, query: Query, answer: Result<Records, DnsFailure>) -> Self {
        self.zone.insert(query, answer);
        self
    }

    pub fn started(mut self) -> Self {
        self.locator.start(self.now);
        self.settle();
        self
    }

    /// Lets the DNS answer.
    pub fn settle(&mut self) {
        while let Some(query) = self.locator.poll_query() {
            self.asked.push((query.clone(), self.now));
            if !self.mute.contains(&query) {
                let answer = self.zone.get(&query).cloned().unwrap_or_else(|| answer(0, Vec::new()));
                self.locator.answered(self.now, &query, answer);
            }
        }
    }

    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.locator.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.locator.handle_timeout(self.now);
            self.settle();
            let next = self.locator.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "a timer that fired is set again");
        }
        self.now = end;
    }

    pub fn asked(&mut self) -> Vec<Query> {
        std::mem::take(&mut self.asked).into_iter().map(|(query, _)| query).collect()
    }

    /// Seconds at which a query was asked.
    pub fn asked_at(&self, query: &Query) -> Vec<u64> {
        self.asked.iter().filter(|(one, _)| one == query).map(|(_, at)| at.since_epoch().as_secs()).collect()
    }

    pub fn changes(&mut self) -> Vec<Change> {
        std::iter::from_fn(|| self.locator.poll_change()).collect()
    }

    /// Where calls go.
    pub fn calls(&self) -> String {
        shown(self.locator.way())
    }

    /// Where registrations go.
    pub fn registers(&self) -> String {
        shown(self.locator.registering())
    }

    pub fn all(&self) -> Vec<String> {
        self.locator.ways().iter().map(|way| shown(Some(way))).collect()
    }

    /// A call comes to nothing.
    pub fn call_fails(&mut self) -> Next {
        let way = self.locator.way().cloned().unwrap();
        self.locator.no_answer(self.now, &way, Failure::Silent)
    }

    /// A REGISTER comes to nothing.
    pub fn register_fails(&mut self) -> Next {
        let way = self.locator.registering().cloned().unwrap();
        self.locator.no_answer(self.now, &way, Failure::Silent)
    }

    pub fn call_answered(&mut self) {
        let way = self.locator.way().cloned().unwrap();
        self.locator.answered_by(self.now, &way);
    }

    pub fn register_answered(&mut self) {
        let way = self.locator.registering().cloned().unwrap();
        self.locator.answered_by(self.now, &way);
    }

    /// A registration round in which only these answer; where it ended.
    pub fn register(&mut self, live: &[&str]) -> String {
        self.locator.begin(self.now);
        for _ in 0..self.locator.ways().len() {
            if live.contains(&self.registers().as_str()) {
                self.register_answered();
                return self.registers();
            }
            if self.register_fails() == Next::Exhausted {
                break;
            }
        }
        "nobody".to_owned()
    }
}

/// The last part of the address, and the proxy's or server's rank beyond the first.
pub(super) fn shown(way: Option<&Way>) -> String {
    way.map_or_else(|| "none".to_owned(), |way| way.target.address.to_string())
}

pub(super) fn to(next: &Next) -> String {
    match next {
        Next::Try(way) => shown(Some(way)),
        Next::Register(way) => format!("register {}", shown(Some(way))),
        Next::Exhausted => "exhausted".to_owned(),
    }
}
