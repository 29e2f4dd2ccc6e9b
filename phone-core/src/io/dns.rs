//! Asking the DNS, by hickory. One resolver serves all phones of a process, so that they share its cache.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use tokio::time::timeout;

use crate::sip::locate::{DnsFailure, Naptr, Query, Record, Records, Srv};

/// Longest wait for an answer, all servers and repeats together.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// How long a server has for one answer, and how often it is asked again.
const SERVER_WAIT: Duration = Duration::from_secs(3);
const REPEATS: usize = 2;
/// Answers the process keeps.
const CACHED: u64 = 1024;
/// Most records taken from an answer.
const MOST_RECORDS: usize = 64;
/// Resolvers a process keeps: one, if it does not change its servers all the time. Tests have more.
const MOST_KEPT: usize = 8;
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// What a resolver was made for.
#[derive(Clone, PartialEq, Eq)]
struct Place {
    /// Its tasks live on this runtime.
    runtime: tokio::runtime::Id,
    servers: Vec<SocketAddr>,
    /// When the system's servers last changed, as they do with each DHCP lease.
    changed: Option<SystemTime>,
}

/// Asks `servers`, or those of the system if there are none. Takes 10 s at most.
///
/// # Errors
/// Nobody answers, or what comes is no answer.
pub(super) async fn lookup(servers: &[SocketAddr], query: &Query) -> Result<Records, DnsFailure> {
    let (text, kind) = match query {
        Query::A(name) => (name, RecordType::A),
        Query::Aaaa(name) => (name, RecordType::AAAA),
        Query::Srv(name) => (name, RecordType::SRV),
        Query::Naptr(name) => (name, RecordType::NAPTR),
    };
    let failed = |error: &dyn std::fmt::Display| {
        tracing::debug!(name = text, %kind, %error, "no answer from the DNS");
        DnsFailure
    };
    // What is no name has no records.
    let Ok(mut name) = Name::from_utf8(text) else { return Ok(Records::default()) };
    if name.num_labels() > 1 {
        // The system's search list is for short names: `pbx.example.com.lan` is nothing anybody meant.
        name.set_fqdn(true);
    }
    let resolver = resolver(servers).map_err(|error| failed(&error))?;
    match timeout(ANSWER_WAIT, resolver.lookup(name, kind)).await {
        Ok(Ok(lookup)) => Ok(records(&lookup, kind)),
        Ok(Err(NetError::Dns(DnsError::NoRecordsFound(none))))
            if matches!(none.response_code, ResponseCode::NXDomain | ResponseCode::NoError) =>
        {
            let ttl = Duration::from_secs(none.negative_ttl.unwrap_or(0).into());
            Ok(Records { ttl, records: Vec::new() })
        }
        Ok(Err(error)) => Err(failed(&error)),
        Err(_) => Err(failed(&"silence")),
    }
}

fn resolver(servers: &[SocketAddr]) -> Result<TokioResolver, NetError> {
    static KEPT: Mutex<Vec<(Place, TokioResolver)>> = Mutex::new(Vec::new());
    let changed = || std::fs::metadata(RESOLV_CONF).and_then(|about| about.modified()).ok();
    let place = Place {
        runtime: tokio::runtime::Handle::current().id(),
        servers: servers.to_vec(),
        changed: if servers.is_empty() { changed() } else { None },
    };
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, resolver)) = kept.iter().find(|(made_for, _)| *made_for == place) {
        return Ok(resolver.clone());
    }
    let resolver = build(servers)?;
    if kept.len() == MOST_KEPT {
        kept.remove(0);
    }
    kept.push((place, resolver.clone()));
    Ok(resolver)
}

fn build(servers: &[SocketAddr]) -> Result<TokioResolver, NetError> {
    let (config, mut options) = if servers.is_empty() {
        hickory_resolver::system_conf::read_system_conf().unwrap_or_else(|error| {
            // As the C library does.
            tracing::warn!(%error, "no DNS server in {RESOLV_CONF}: asking this machine");
            (ResolverConfig::from_name_servers(vec![NameServerConfig::udp_and_tcp([127, 0, 0, 1].into())]), defaults())
        })
    } else {
        (ResolverConfig::from_name_servers(servers.iter().map(server).collect()), defaults())
    };
    options.timeout = options.timeout.min(SERVER_WAIT);
    options.attempts = REPEATS;
    options.cache_size = CACHED;
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    *builder.options_mut() = options;
    builder.build()
}

fn defaults() -> ResolverOpts {
    ResolverOpts::default()
}

fn server(address: &SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut server.connections {
        connection.port = address.port();
    }
    server
}

/// The records of that kind; aliases on the way to them count for the time only.
fn records(lookup: &Lookup, kind: RecordType) -> Records {
    let answers = lookup.answers();
    let ttl = answers.iter().map(|answer| answer.ttl).min().unwrap_or(0);
    let records = answers.iter().filter(|answer| answer.record_type() == kind);
    let records = records.filter_map(|answer| record(&answer.data)).take(MOST_RECORDS).collect();
    Records { ttl: Duration::from_secs(ttl.into()), records }
}

fn record(data: &RData) -> Option<Record> {
    Some(match data {
        RData::A(address) => Record::Address(address.0.into()),
        RData::AAAA(address) => Record::Address(address.0.into()),
        RData::SRV(srv) => {
            Record::Srv(Srv { priority: srv.priority, weight: srv.weight, port: srv.port, target: host(&srv.target) })
        }
        RData::NAPTR(naptr) => Record::Naptr(Naptr {
            order: naptr.order,
            preference: naptr.preference,
            flags: text(&naptr.flags),
            service: text(&naptr.services),
            replacement: host(&naptr.replacement),
        }),
        _ => return None,
    })
}

/// Without the dot at the end, unless it is nothing else.
fn host(name: &Name) -> String {
    let text = name.to_ascii();
    text.strip_suffix('.').filter(|host| !host.is_empty()).unwrap_or(&text).to_ascii_lowercase()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests;
