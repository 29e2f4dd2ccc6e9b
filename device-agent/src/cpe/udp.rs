//! The ACS's way to a phone behind a NAT (TR-069 Annex G, TR-111): the phone keeps a binding open by STUN, tells the ACS
//! its address, and listens on it for signed datagrams that say "report now".

mod stun;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ring::hmac;
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until, timeout};

use super::bucket::Bucket;
use super::tree::own;
use crate::device::{Device, UdpState};
use stun::{Mapped, Request};

const DEFAULT_PORT: u16 = 3478;
/// An answer to a binding request; three unanswered ones, and the server is not there.
const ANSWER: Duration = Duration::from_secs(2);
const TRIES: u32 = 3;
/// Until a server that is not there is tried again.
const ABSENT: Duration = Duration::from_secs(60);
/// The keep-alive period, whatever was set, in seconds.
const PERIODS: std::ops::RangeInclusive<u64> = 1..=3600;
/// A UDP connection request; longer ones are none.
const MOST_BYTES: usize = 1500;

/// What the settings say.
#[derive(Clone, PartialEq, Eq)]
struct Config {
    host: String,
    port: u16,
    username: String,
    password: String,
    period: Duration,
    /// Between two addresses the ACS is told.
    limit: Duration,
}

impl Config {
    /// `None`: switched off, or nowhere to go.
    fn of(device: &Device) -> Option<Self> {
        if own::value(device, own::STUN_ENABLE) != "true" || device.value("tr069.enable") == "no" {
            return None;
        }
        let named = own::value(device, own::STUN_ADDRESS);
        let host = if named.is_empty() {
            // Annex G: the ACS's own address then.
            let acs = reqwest::Url::parse(&device.acs_url()).ok()?;
            acs.host_str()?.trim_matches(['[', ']']).to_owned()
        } else {
            named
        };
        let number = |own| own::value(device, own).parse::<u64>().ok();
        let longest = number(own::STUN_LONGEST).unwrap_or(u64::MAX);
        let period = number(own::STUN_SHORTEST).unwrap_or(0).min(longest).clamp(*PERIODS.start(), *PERIODS.end());
        Some(Self {
            host,
            port: number(own::STUN_PORT)
                .and_then(|port| port.try_into().ok())
                .filter(|p| *p != 0)
                .unwrap_or(DEFAULT_PORT),
            username: own::value(device, own::STUN_USERNAME),
            password: own::value(device, own::STUN_PASSWORD),
            period: Duration::from_secs(period),
            limit: Duration::from_secs(number(own::UDP_ADDRESS_LIMIT).unwrap_or(0)),
        })
    }
}

/// Lives until dropped.
pub async fn run(device: Arc<Device>) {
    loop {
        let Some(config) = Config::of(&device) else {
            device.set_udp(UdpState::default());
            device.udp_wake.notified().await;
            continue;
        };
        let until_changed = async {
            while Config::of(&device).as_ref() == Some(&config) {
                device.udp_wake.notified().await;
            }
        };
        tokio::select! {
            () = until_changed => {}
            () = Box::pin(keep(&device, &config)) => {}
        }
    }
}

/// Keeps trying.
async fn keep(device: &Arc<Device>, config: &Config) {
    loop {
        match bound(device, config).await {
            Ok(()) => {}
            Err(error) => tracing::debug!(%error, "no binding by STUN"),
        }
        device.set_udp(UdpState::default());
        tokio::time::sleep(ABSENT).await;
    }
}

/// One socket and its binding. Returns when the server has fallen silent.
async fn bound(device: &Arc<Device>, config: &Config) -> std::io::Result<()> {
    let found = timeout(ANSWER * 5, tokio::net::lookup_host((config.host.as_str(), config.port))).await??;
    let server = found.into_iter().find(SocketAddr::is_ipv4);
    let server = server.ok_or_else(|| std::io::Error::other("the STUN server has no IPv4 address"))?;
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    let port = socket.local_addr()?.port();
    let mut binding: Option<SocketAddr> = None;
    // Until the server has answered a request that says so (G.2.1.3).
    let mut changed = true;
    // What the ACS was told, and when.
    let mut published: Option<(SocketAddr, Instant)> = None;
    let mut called = Called::default();
    let mut unanswered = 0;
    loop {
        let id = stun::transaction()?;
        let request = Request { id, changed, username: &config.username, password: &config.password };
        socket.send_to(&request.encode(), server).await?;
        unanswered += 1;
        let sent = Instant::now();
        let mut wake = sent + ANSWER;
        let mut buffer = [0; MOST_BYTES];
        loop {
            let (length, from) = tokio::select! {
                received = socket.recv_from(&mut buffer) => match received {
                    Ok(received) => received,
                    // An ICMP message about something sent before.
                    Err(_) => continue,
                },
                () = sleep_until(wake) => break,
            };
            let datagram = buffer.get(..length).unwrap_or_default();
            match stun::decode(datagram, id) {
                Some(Mapped(mapped)) if from == server => {
                    unanswered = 0;
                    wake = sent + config.period;
                    let nat = (mapped.ip(), mapped.port()) != (device.line().ip, port);
                    // Too soon for another address: the next answer says it again.
                    let early = published.is_some_and(|(known, at)| known != mapped && at.elapsed() < config.limit);
                    if !early {
                        device.set_udp(UdpState { address: Some(mapped.to_string()), nat });
                        if published.is_none_or(|(known, _)| known != mapped) {
                            published = Some((mapped, Instant::now()));
                        }
                    }
                    changed = binding.replace(mapped) != Some(mapped);
                    if changed {
                        tracing::debug!(nat, "bound by STUN");
                        // Told at once that it is another one (BINDING-CHANGE).
                        break;
                    }
                }
                Some(_) => {}
                None => called.on_datagram(device, datagram),
            }
        }
        if unanswered >= TRIES {
            return Ok(());
        }
    }
}

/// Connection requests so far.
#[derive(Default)]
struct Called {
    bucket: Bucket,
    /// Timestamp and id of the last valid one: the ACS sends copies, and others replay.
    last: (u64, Vec<String>),
}

impl Called {
    fn on_datagram(&mut self, device: &Device, datagram: &[u8]) {
        let username = device.value("tr069.connectionrequestusername");
        let password = device.value("tr069.connectionrequestpassword");
        let Some((at, id)) = valid(datagram, &username, &password) else { return };
        let (last, ids) = &mut self.last;
        if at < *last || at == *last && ids.contains(&id) {
            return;
        }
        if at > *last {
            *last = at;
            ids.clear();
        }
        if ids.len() < 16 {
            ids.push(id);
        }
        if self.bucket.take() {
            tracing::debug!("the ACS calls by UDP");
            device.want_session(|reasons| reasons.connection_request = true);
        }
    }
}

/// Timestamp and id of a request signed with the connection request password (G.2.2.3).
fn valid(datagram: &[u8], username: &str, password: &str) -> Option<(u64, String)> {
    if username.is_empty() || password.is_empty() {
        return None;
    }
    let line = std::str::from_utf8(datagram).ok()?.lines().next()?;
    let mut words = line.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if method != "GET" || version != "HTTP/1.1" {
        return None;
    }
    let target = reqwest::Url::parse(target).ok()?;
    let get = |name: &str| target.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
    let (ts, id, un, cn, sig) = (get("ts")?, get("id")?, get("un")?, get("cn")?, get("sig")?);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    hmac::verify(&key, format!("{ts}{id}{un}{cn}").as_bytes(), &hex::decode(sig).ok()?).ok()?;
    (un == username && id.len() <= 20).then_some((ts.parse().ok()?, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(ts: u64, id: &str, un: &str, password: &str) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        let sig = hex::encode_upper(hmac::sign(&key, format!("{ts}{id}{un}nonce").as_bytes()));
        format!("GET http://10.0.0.7:5000?ts={ts}&id={id}&un={un}&cn=nonce&sig={sig} HTTP/1.1\r\n\r\n").into_bytes()
    }

    #[test]
    fn the_signature_is_the_passwords() {
        let good = signed(1_120_673_700, "1234", "acs", "pw");
        assert_eq!(valid(&good, "acs", "pw"), Some((1_120_673_700, "1234".to_owned())));
        assert_eq!(valid(&good, "acs", "other"), None);
        assert_eq!(valid(&good, "somebody", "pw"), None);
        assert_eq!(valid(&good, "", ""), None);
        let changed = String::from_utf8(good).unwrap().replace("id=1234", "id=1235");
        assert_eq!(valid(changed.as_bytes(), "acs", "pw"), None);
        assert_eq!(valid(b"GET / HTTP/1.1\r\n\r\n", "acs", "pw"), None);
        assert_eq!(valid(&[0xff; 40], "acs", "pw"), None);
    }

    #[test]
    fn each_request_counts_once_and_older_ones_never() {
        use crate::device::Identity;
        use crate::store::{Storage, intern};
        let device = Device::open(Identity::of("c074ad120701"), Storage::Memory).unwrap();
        let set = |key, value: &str| (intern(key), Some(value.to_owned()));
        device
            .set_from_acs(
                &[set("tr069.connectionrequestusername", "acs"), set("tr069.connectionrequestpassword", "pw")],
                |_| {},
            )
            .unwrap();
        let mut called = Called::default();
        let mut heard = |datagram: Vec<u8>| {
            called.on_datagram(&device, &datagram);
            device.with_reasons(|reasons, _| std::mem::take(&mut reasons.connection_request))
        };
        assert!(heard(signed(100, "1", "acs", "pw")));
        assert!(!heard(signed(100, "1", "acs", "pw")), "a copy");
        assert!(heard(signed(100, "2", "acs", "pw")));
        assert!(!heard(signed(99, "3", "acs", "pw")), "an old one");
        assert!(heard(signed(101, "1", "acs", "pw")));
        assert!(!heard(signed(102, "1", "acs", "pw")), "too many at once");
    }
}
