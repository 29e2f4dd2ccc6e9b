//! From `host[:port]` to addresses (RFC 3263 §4.2), over what the cache knows at the moment. Walked anew with each answer;
//! what is missing on the way is noted and asked.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::dns::{Cache, MAX_ADDRESSES, Query, Record};
use super::order;
use crate::settings::servers::{DnsMode, IpPreference};
use crate::sip::message::{Host, HostPort};
use crate::sip::transport::Transport;
use crate::time::{Instant, earliest};

/// Most queries one place is worth. A zone of 16 × 16 records does not make the phone flood its resolver.
const MAX_QUERIES: usize = 64;
/// How long known addresses wait for those that would come before them (RFC 8305 §3 waits for the same reason).
const PATIENCE: Duration = Duration::from_secs(2);

/// How to look up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub transport: Transport,
    pub ip: IpPreference,
    pub mode: DnsMode,
}

/// What is known of a place.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// Its addresses, best first.
    pub addresses: Vec<SocketAddr>,
    /// The queries that led there, and those that may lead on.
    pub wanted: Vec<Query>,
    /// Until when all records used are good; `None` if none were.
    pub fresh_until: Option<Instant>,
    /// Since when answers are waited for that come before the first address.
    pending_since: Option<Instant>,
}

impl Place {
    /// Addresses that were given.
    pub(super) fn of(addresses: &[IpAddr], port: u16) -> Self {
        Self { addresses: addresses.iter().map(|ip| SocketAddr::new(*ip, port)).collect(), ..Self::default() }
    }

    /// The first address can be relied on, or there is none.
    pub(super) fn is_ready(&self, now: Instant) -> bool {
        self.pending_since.is_none() || self.settles_at().is_some_and(|at| now >= at)
    }

    /// When known addresses need not wait any longer for better ones.
    pub(super) fn settles_at(&self) -> Option<Instant> {
        // Without any address there is nothing to go on with until the resolver answered or its time is over.
        self.pending_since.filter(|_| !self.addresses.is_empty()).map(|since| since + PATIENCE)
    }
}

/// Looks `at` up.
pub(super) fn walk(cache: &Cache, now: Instant, rules: Rules, at: &HostPort) -> Place {
    let mut walker = Walker { cache, now, rules, place: Place::default() };
    let port = at.port.unwrap_or(rules.transport.default_port());
    match &at.host {
        Host::Address(address) => walker.found(*address, port),
        Host::Name(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            match rules.mode {
                DnsMode::Srv if at.port.is_none() => walker.by_srv(&name),
                DnsMode::NaptrSrv if at.port.is_none() => walker.by_naptr(&name),
                _ => _ = walker.by_address(&name, port),
            }
        }
    }
    walker.place
}

/// What the cache says.
enum Known<'a> {
    Records(&'a [Record]),
    /// None there, or the resolver fails and never said.
    Nothing,
    Pending,
}

struct Walker<'a> {
    cache: &'a Cache,
    now: Instant,
    rules: Rules,
    place: Place,
}

impl<'a> Walker<'a> {
    fn ask(&mut self, query: Query) -> Known<'a> {
        if !self.place.wanted.contains(&query) {
            if self.place.wanted.len() >= MAX_QUERIES {
                return Known::Nothing;
            }
            self.place.wanted.push(query.clone());
        }
        let entry = self.cache.get(&query);
        let pending = entry.map_or(Some(self.now), |entry| entry.pending_since());
        if let Some(since) = pending {
            if self.place.addresses.is_empty() {
                self.place.pending_since = self.place.pending_since.max(Some(since));
            }
            return Known::Pending;
        }
        self.place.fresh_until = earliest(self.place.fresh_until, entry.and_then(|entry| entry.fresh_until()));
        match entry.map(|entry| entry.records()) {
            Some(records) if !records.is_empty() => Known::Records(records),
            _ => Known::Nothing,
        }
    }

    fn found(&mut self, address: IpAddr, port: u16) {
        let usable = !address.is_unspecified() && !address.is_multicast();
        let address = SocketAddr::new(address, port);
        let addresses = &mut self.place.addresses;
        if usable && addresses.len() < MAX_ADDRESSES && !addresses.contains(&address) {
            addresses.push(address);
        }
    }

    /// NAPTR, or else SRV. A resolver that fails is no reason not to try the next kind of record: some cannot do
    /// NAPTR or SRV at all.
    fn by_naptr(&mut self, name: &str) {
        let mut led = false;
        match self.ask(Query::Naptr(name.to_owned())) {
            Known::Pending => return,
            Known::Nothing => {}
            Known::Records(records) => {
                for naptr in order::usable(records, self.rules.transport) {
                    let next = plain(&naptr.replacement);
                    let by_srv = naptr.flags.eq_ignore_ascii_case("s");
                    led |= match next {
                        None => false,
                        Some(next) if by_srv => self.srv(next),
                        Some(next) => self.by_address(&next, self.rules.transport.default_port()),
                    };
                }
            }
        }
        if !led {
            self.by_srv(name);
        }
    }

    /// SRV, or else A and AAAA.
    fn by_srv(&mut self, name: &str) {
        let service = match self.rules.transport {
            Transport::Udp => "_sip._udp",
            Transport::Tcp => "_sip._tcp",
            Transport::Tls => "_sips._tcp",
        };
        if !self.srv(format!("{service}.{name}")) {
            self.by_address(name, self.rules.transport.default_port());
        }
    }

    /// Follows SRV records; false if there are none.
    fn srv(&mut self, service: String) -> bool {
        match self.ask(Query::Srv(service)) {
            Known::Pending => true,
            Known::Nothing => false,
            Known::Records(records) => {
                for record in records {
                    // A target of `.` says that there is no such service (RFC 2782): nothing else is tried then.
                    if let Record::Srv(srv) = record
                        && srv.port != 0
                        && let Some(target) = plain(&srv.target)
                    {
                        self.by_address(&target, srv.port);
                    }
                }
                true
            }
        }
    }

    /// Follows A and AAAA records, the preferred ones first; false if there are none.
    fn by_address(&mut self, name: &str, port: u16) -> bool {
        // Some zones have addresses where names belong.
        if let Ok(address) = name.parse::<IpAddr>() {
            self.found(address, port);
            return true;
        }
        let (v4, v6) = (Query::A(name.to_owned()), Query::Aaaa(name.to_owned()));
        let queries = match self.rules.ip {
            IpPreference::PreferIpv4 => vec![v4, v6],
            IpPreference::PreferIpv6 => vec![v6, v4],
            IpPreference::Ipv4Only => vec![v4],
            IpPreference::Ipv6Only => vec![v6],
        };
        let mut led = false;
        for query in queries {
            match self.ask(query) {
                Known::Pending => led = true,
                Known::Nothing => {}
                Known::Records(records) => {
                    led = true;
                    for record in records {
                        if let Record::Address(address) = record {
                            self.found(*address, port);
                        }
                    }
                }
            }
        }
        led
    }
}

/// A name out of a record as queries have it; none if it is the root, or no name.
fn plain(name: &str) -> Option<String> {
    let name = name.trim_end_matches('.');
    let fits = !name.is_empty() && name.len() <= 253 && name.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| name.to_ascii_lowercase())
}
