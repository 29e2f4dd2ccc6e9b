//! Where an account's requests go: finding servers (RFC 3263), and turning to another when one is silent, and back.
//!
//! A [`Locator`] knows all [`Way`]s in the order of preference: every address of the first server (or proxy), then every
//! address of the second. One is in use ([`Locator::way`]). Registrations may be ahead of the other requests: they try
//! whether a better one is back ([`Locator::registering`]) while calls still go where they are known to arrive.
//!
//! Whoever sends requests says what became of them: [`Locator::answered_by`], [`Locator::no_answer`]. After each call,
//! drain [`Locator::poll_query`] and [`Locator::poll_change`], then sleep until [`Locator::poll_timeout`].

use std::collections::VecDeque;

use super::message::{Host, HostPort};
use super::transport::{Target, Transport};
use crate::rng::Rng;
use crate::settings::servers::{DnsMode, DnsTimers, FailoverMode, IpPreference, ServerSettings};
use crate::time::{Instant, earliest};

mod dns;
mod order;
mod policy;
#[cfg(test)]
mod tests;
mod types;
mod walk;

pub use dns::{DnsFailure, MAX_ADDRESSES, MAX_NAPTR, MAX_SRV, Naptr, Query, Record, Records, Srv};
pub use types::{Change, Failure, LocatorState, Next, Rank, Way, Why};
use walk::{Place, Rules};

/// Changes kept for whoever polls them.
const MAX_CHANGES: usize = 16;

/// A server, directly or through a proxy.
#[derive(Clone, Debug)]
struct Leg {
    server: (Rank, HostPort),
    proxy: Option<(Rank, HostPort)>,
}

impl Leg {
    /// The place whose address is needed.
    fn at(&self) -> &HostPort {
        self.proxy.as_ref().map_or(&self.server.1, |(_, at)| at)
    }
}

/// One account's ways. See the module documentation.
#[derive(Debug)]
pub struct Locator {
    settings: ServerSettings,
    transport: Transport,
    ip: IpPreference,
    timers: DnsTimers,
    rng: Rng,
    legs: Vec<Leg>,
    started: bool,

    cache: dns::Cache,
    /// When addresses that are known need not wait for better ones any longer.
    settle_at: Option<Instant>,
    /// Of each leg: until when its DNS records are good.
    fresh_until: Vec<Option<Instant>>,

    /// All ways, best first.
    ways: Vec<Way>,
    current: Option<Way>,
    /// `current` has answered since it is in use.
    confirmed: bool,
    /// Where a registration tries for a better one than `current`.
    trial: Option<Way>,
    /// A registration is under way ([`Locator::begin`]).
    registering: bool,
    /// Ways that failed since the last answer. None is tried twice, so that every one has its turn.
    tried: Vec<Way>,
    /// Ways that failed lately, and until when they are not the first to be tried.
    penalties: Vec<(Way, Instant)>,
    /// All ways failed, and nothing was sent since.
    exhausted: bool,
    /// The way that answered last.
    last: Option<Way>,
    /// "Saved one until DNS TTL": until when.
    saved_until: Option<Instant>,
    failback_at: Option<Instant>,

    changes: VecDeque<Change>,
}

impl Locator {
    /// A locator that does nothing until [`Locator::start`].
    pub fn new(settings: ServerSettings, transport: Transport, ip: IpPreference, rng: Rng) -> Self {
        let legs = legs(&settings);
        Self {
            settings,
            transport,
            ip,
            timers: DnsTimers::default(),
            rng,
            fresh_until: vec![None; legs.len()],
            legs,
            started: false,
            cache: dns::Cache::default(),
            settle_at: None,
            ways: Vec::new(),
            current: None,
            confirmed: false,
            trial: None,
            registering: false,
            tried: Vec::new(),
            penalties: Vec::new(),
            exhausted: false,
            last: None,
            saved_until: None,
            failback_at: None,
            changes: VecDeque::new(),
        }
    }

    // ---- inputs ----

    /// Asks what must be asked. Again, when the network is back: asks at once what the resolver could not say before.
    pub fn start(&mut self, now: Instant) {
        self.started = true;
        self.cache.hurry(now);
        self.handle_timeout(now);
    }

    /// Takes new settings. Those that change neither servers nor transport nor DNS serve from the next decision on;
    /// others begin anew.
    pub fn apply(&mut self, now: Instant, settings: ServerSettings, transport: Transport, ip: IpPreference) {
        let mut live = self.settings.clone();
        live.failover_mode = settings.failover_mode;
        live.failback = settings.failback;
        live.attempts = settings.attempts;
        live.register = settings.register;
        live.register_before_failover = settings.register_before_failover;
        if live == settings && (transport, ip) == (self.transport, self.ip) {
            self.settings = settings;
            return;
        }
        let (started, timers) = (self.started, self.timers);
        *self = Self::new(settings, transport, ip, self.rng.clone());
        self.set_timers(now, timers);
        if started {
            self.start(now);
        }
    }

    /// How long answers of the DNS serve, from now on.
    pub fn set_timers(&mut self, now: Instant, timers: DnsTimers) {
        self.timers = timers;
        self.cache.set_timers(now, timers);
    }

    /// The resolver's answer to a query; ignored if nobody waits for it.
    pub fn answered(&mut self, now: Instant, query: &Query, answer: Result<Records, DnsFailure>) {
        self.cache.answered(now, query, answer, &mut self.rng);
        self.refresh(now);
    }

    /// Lets timers fire: DNS answers grow old, the failback timer ends.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.cache.handle_timeout(now, &mut self.rng);
        self.refresh(now);
        if self.failback_at.take_if(|at| now >= *at).is_some() {
            self.fail_back(now);
        }
    }

    // ---- outputs ----

    /// The next question to the DNS; to be answered by [`Locator::answered`] within 15 s, or it counts as failed.
    pub fn poll_query(&mut self) -> Option<Query> {
        self.cache.poll()
    }

    /// The next thing to know.
    pub fn poll_change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    /// When to call [`Locator::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        earliest(earliest(self.cache.poll_timeout(), self.settle_at), self.failback_at)
    }

    /// The way of all requests but REGISTER; `None` while no address is known.
    pub fn way(&self) -> Option<&Way> {
        self.current.as_ref()
    }

    /// The way of the next REGISTER: as [`Locator::way`], unless it tries whether a better one is back.
    pub fn registering(&self) -> Option<&Way> {
        self.trial.as_ref().or(self.current.as_ref())
    }

    /// Whether the way in use has answered since it came into use.
    pub fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// Where requests go.
    pub fn target(&self) -> Option<&Target> {
        self.way().map(|way| &way.target)
    }

    /// The outbound proxy in use, for the Route header; `None` without.
    pub fn route(&self) -> Option<&HostPort> {
        self.way().and_then(|way| way.route.as_ref())
    }

    /// The SIP server in use; before an address is known, the first one.
    pub fn registrar(&self) -> Option<&HostPort> {
        self.way().map(|way| &way.registrar).or_else(|| self.legs.first().map(|leg| &leg.server.1))
    }

    /// All ways, best first.
    pub fn ways(&self) -> &[Way] {
        &self.ways
    }

    /// How often a request that gets no response is sent to one address before [`Locator::no_answer`] is told, 1..=10.
    pub fn attempts_per_target(&self) -> u32 {
        self.settings.attempts.max(1)
    }

    /// For the status page.
    pub fn state(&self) -> LocatorState {
        let index = self.current.as_ref().and_then(|way| self.position(way));
        let why = match index {
            _ if self.legs.is_empty() => Why::NotConfigured,
            _ if self.exhausted => Why::AllFailed,
            Some(0) => Why::First,
            Some(_) => Why::FailedOver,
            None if self.cache.is_waiting() || !self.started => Why::LookingUp,
            None => Why::NotFound,
        };
        LocatorState {
            way: self.current.clone(),
            index: index.map_or(0, |at| at + 1),
            of: self.ways.len(),
            why,
            failback_at: self.failback_at,
        }
    }

    // ---- lookups ----

    /// Looks all places up in what the DNS has said so far.
    fn refresh(&mut self, now: Instant) {
        if !self.started {
            return;
        }
        let (mut wanted, mut ways) = (Vec::new(), Vec::new());
        let mut ready = true;
        self.settle_at = None;
        for (index, leg) in self.legs.iter().enumerate() {
            let place = self.look_up(now, leg);
            // The second server is for when the first fails, not for when its name takes a moment.
            if ready && ways.is_empty() && !place.is_ready(now) {
                ready = false;
                self.settle_at = place.settles_at();
            }
            if let Some(fresh) = self.fresh_until.get_mut(index) {
                *fresh = place.fresh_until;
            }
            ways.extend(place.addresses.iter().map(|address| Way {
                target: Target { transport: self.transport, address: *address, name: name_of(leg.at()) },
                registrar: leg.server.1.clone(),
                route: leg.proxy.as_ref().map(|(_, at)| at.clone()),
                server: leg.server.0,
                proxy: leg.proxy.as_ref().map(|(rank, _)| *rank),
                leg: index,
            }));
            wanted.extend(place.wanted);
        }
        self.cache.want(now, &wanted);
        if ready {
            self.take_ways(now, ways);
        }
    }

    fn look_up(&self, now: Instant, leg: &Leg) -> Place {
        let at = leg.at();
        let first = self.legs.first().is_some_and(|first| first.at() == at);
        let named = matches!(at.host, Host::Name(_));
        if first && named && self.settings.dns_mode == DnsMode::ConfiguredIp {
            return Place::of(&self.settings.configured_ips, at.port.unwrap_or(self.transport.default_port()));
        }
        let rules = Rules { transport: self.transport, ip: self.ip, mode: self.settings.dns_mode };
        walk::walk(&self.cache, now, rules, at)
    }

    fn tell(&mut self, change: Change) {
        if self.changes.back() != Some(&change) && self.changes.len() < MAX_CHANGES {
            self.changes.push_back(change);
        }
    }
}

/// Each server directly, or through each proxy.
fn legs(settings: &ServerSettings) -> Vec<Leg> {
    if settings.unreadable {
        return Vec::new();
    }
    let proxies = ranked(&settings.proxies);
    let mut legs = Vec::new();
    for server in ranked(&settings.servers) {
        if proxies.is_empty() {
            legs.push(Leg { server, proxy: None });
        } else {
            legs.extend(proxies.iter().map(|proxy| Leg { server: server.clone(), proxy: Some(proxy.clone()) }));
        }
    }
    legs
}

/// Those that are set, each once.
fn ranked([first, second]: &[Option<HostPort>; 2]) -> Vec<(Rank, HostPort)> {
    let second = second.as_ref().filter(|second| first.as_ref() != Some(second));
    let ranks = [(Rank::Primary, first.as_ref()), (Rank::Secondary, second)];
    ranks.into_iter().filter_map(|(rank, at)| at.map(|at| (rank, at.clone()))).collect()
}

/// What a certificate is held against: the name as it was configured, whatever SRV and NAPTR made of it (RFC 5922 §7.1).
fn name_of(at: &HostPort) -> String {
    match &at.host {
        Host::Name(name) => name.clone(),
        Host::Address(_) => String::new(),
    }
}
