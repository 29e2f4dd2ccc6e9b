//! UDP connection requests (TR-069 Annex G): phones behind NAT keep a way open to this STUN server, and are called back
//! through it.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::address::check_phone;
use super::stun::{self, Refusal, Request};
use crate::app::{App, phones};
use crate::clock::now_ms;
use crate::db::entity::phone;
use crate::once::PerMinute;
use crate::secrets::random_token;

/// Packets taken from one address in a minute; a hotel's phones share one.
const MOST_FROM_ONE: u32 = 3_000;
/// How long a way counts as open without being used. Phones use theirs every few seconds to minutes.
const OPEN_MS: i64 = 10 * 60 * 1000;
/// How long a phone's password is kept beside its way.
const KEPT_MS: i64 = 5 * 60 * 1000;
/// Phones remembered.
const MOST: usize = 200_000;
/// A datagram may get lost, so it is sent several times (Annex G.2.3); a phone takes the first.
const TIMES: usize = 3;
const BETWEEN: Duration = Duration::from_millis(200);

/// The STUN server and the ways it keeps open.
pub struct Stun {
    socket: UdpSocket,
    own: SocketAddr,
    ways: Mutex<HashMap<Uuid, Way>>,
    rate: PerMinute,
    /// Of the last request; grows.
    id: AtomicU64,
}

struct Way {
    /// Where its last packet came from; `None` before the first that counts.
    address: Option<SocketAddr>,
    used_at: i64,
    password: Arc<str>,
    password_at: i64,
}

impl Stun {
    /// Binds the server's port.
    ///
    /// # Errors
    /// If it is taken.
    pub async fn bind(listen: SocketAddr) -> anyhow::Result<Arc<Self>> {
        let socket = UdpSocket::bind(listen).await.with_context(|| format!("STUN: cannot listen on {listen} (UDP)"))?;
        let own = socket.local_addr()?;
        let (ways, rate) = (Mutex::default(), PerMinute::default());
        Ok(Arc::new(Self { socket, own, ways, rate, id: AtomicU64::new(now_ms() as u64) }))
    }

    pub fn address(&self) -> SocketAddr {
        self.own
    }

    /// Answers until cancelled.
    pub async fn run(self: Arc<Self>, app: Arc<App>, stop: CancellationToken) {
        let mut bytes = vec![0; stun::MOST + 1];
        loop {
            let received = tokio::select! {
                () = stop.cancelled() => return,
                received = self.socket.recv_from(&mut bytes) => received,
            };
            // An error is about an answer somebody did not want (ICMP); nothing to do.
            let Ok((length, from)) = received else { continue };
            if length > stun::MOST || !self.rate.allows(&from.ip().to_string(), MOST_FROM_ONE, now_ms()) {
                continue;
            }
            let Some(request) = Request::read(&bytes[..length]) else { continue };
            match self.answer(&app, &request, from).await {
                Ok(Some((answer, to))) => {
                    let _ = self.socket.send_to(&answer, to).await;
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(error = format!("{error:#}"), "a STUN request cannot be answered"),
            }
        }
    }

    /// The answer to a request, and where it goes.
    async fn answer(
        &self,
        app: &App,
        request: &Request<'_>,
        from: SocketAddr,
    ) -> anyhow::Result<Option<(Vec<u8>, SocketAddr)>> {
        if request.wants_change {
            // There is no other port to answer from: to the sender that looks like a strict NAT, which is the safe guess.
            return Ok(None);
        }
        if let Some(kind) = request.unknown {
            return Ok(Some((request.refuse(Refusal::UnknownAttribute(kind)), from)));
        }
        let own = Some(self.own).filter(|own| !own.ip().is_unspecified());
        if !request.connection_request && !request.is_signed() {
            return Ok(Some((request.answer(from, own, None), from)));
        }
        let Some((phone, password)) = self.sender(app, request).await? else {
            return Ok(Some((request.refuse(Refusal::Unauthorized), from)));
        };
        let Some(how) = request.signed(password.as_bytes()) else {
            let refusal = if request.is_signed() { Refusal::WrongIntegrity } else { Refusal::Unauthorized };
            return Ok(Some((request.refuse(refusal), from)));
        };
        if request.connection_request {
            self.remember(phone, from, request.changed);
        }
        // How a phone finds out how long its way stays open (Annex G.2.1.2): never to another host.
        let to = match request.response_address {
            Some(to) if to.ip().to_canonical() != from.ip().to_canonical() => return Ok(None),
            to => to.unwrap_or(from),
        };
        Ok(Some((request.answer(from, own, Some((password.as_bytes(), how))), to)))
    }

    /// Who a request says it is from, with the password it must be signed with.
    async fn sender(&self, app: &App, request: &Request<'_>) -> anyhow::Result<Option<(Uuid, Arc<str>)>> {
        let Some(phone) = request.username.and_then(|user| user.parse::<Uuid>().ok()) else { return Ok(None) };
        let now = now_ms();
        if let Some(way) = self.ways().get(&phone)
            && now - way.password_at < KEPT_MS
        {
            return Ok(Some((phone, way.password.clone())));
        }
        let Some(row) = phones::find(app, contract::PhoneId(phone)).await? else { return Ok(None) };
        if row.connection_request_password.is_empty() {
            return Ok(None);
        }
        let password: Arc<str> = app.secrets.open("connection-request", &row.connection_request_password)?.into();
        // Only of phones that are signed in: strangers do not fill the table.
        if request.signed(password.as_bytes()).is_some() {
            let mut ways = self.ways();
            if ways.len() >= MOST {
                ways.retain(|_, way| now - way.used_at < OPEN_MS);
            }
            if ways.len() < MOST {
                let way = ways.entry(phone).or_insert_with(|| Way {
                    address: None,
                    used_at: now,
                    password: password.clone(),
                    password_at: now,
                });
                (way.password, way.password_at) = (password.clone(), now);
            }
        }
        Ok(Some((phone, password)))
    }

    fn remember(&self, phone: Uuid, from: SocketAddr, changed: bool) {
        let mut ways = self.ways();
        let Some(way) = ways.get_mut(&phone) else { return };
        if changed || way.address.is_some_and(|before| before != from) {
            tracing::debug!(%phone, %from, "the phone's way in has changed");
        }
        (way.address, way.used_at) = (Some(from), now_ms());
    }

    fn ways(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Way>> {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The way a phone keeps open here.
    fn open(&self, phone: Uuid) -> Option<SocketAddr> {
        let now = now_ms();
        self.ways().get(&phone).filter(|way| now - way.used_at < OPEN_MS).and_then(|way| way.address)
    }

    /// Whether there is a way to a phone: one it keeps open, or one its Inform tells of.
    pub fn reaches(&self, phone: &phone::Model) -> bool {
        self.open(phone.id).is_some() || told(&phone.udp_address).is_some()
    }

    /// An address as our socket wants it: one of IPv6 sends to IPv4 addresses in the form of its own.
    fn mapped(&self, to: SocketAddr) -> SocketAddr {
        match to.ip() {
            IpAddr::V4(ip) if self.own.is_ipv6() => (ip.to_ipv6_mapped(), to.port()).into(),
            _ => to,
        }
    }

    /// Asks a phone to open a session. Nothing says whether it heard.
    ///
    /// # Errors
    /// Why it was not called.
    pub async fn call(&self, phone: &phone::Model, user: &str, password: &str, loopback: bool) -> anyhow::Result<()> {
        let (to, port) = match (self.open(phone.id), told(&phone.udp_address)) {
            // It leads where a signed packet came from, whatever port a router gave it.
            (Some(open), _) => (SocketAddr::new(open.ip().to_canonical(), open.port()), open.port().max(1024)),
            (None, Some(told)) => (told, told.port()),
            (None, None) => bail!("the phone keeps no way open"),
        };
        check_phone(to.ip(), port, &phone.inform_from, loopback)?;
        let id = self.id.fetch_add(1, Ordering::Relaxed);
        let request = datagram(to, now_ms() / 1000, id, user, &random_token(), password);
        for time in 0..TIMES {
            if time > 0 {
                tokio::time::sleep(BETWEEN).await;
            }
            if self.socket.send_to(request.as_bytes(), self.mapped(to)).await? != request.len() {
                bail!("the datagram was cut");
            }
        }
        Ok(())
    }
}

/// `host:port` as a phone tells it; port 80 if it tells none (TR-069 UDPConnectionRequestAddress).
fn told(text: &str) -> Option<SocketAddr> {
    text.parse().ok().or_else(|| Some(SocketAddr::new(text.trim_matches(['[', ']']).parse::<IpAddr>().ok()?, 80)))
}

/// The request (Annex G.2.2.3): what is signed is timestamp, id, user and cnonce, one after the other.
fn datagram(to: SocketAddr, at: i64, id: u64, user: &str, cnonce: &str, password: &str) -> String {
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    let signature = hex::encode_upper(sign(&key, format!("{at}{id}{user}{cnonce}").as_bytes()));
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("ts", &at.to_string())
        .append_pair("id", &id.to_string())
        .append_pair("un", user)
        .append_pair("cn", cnonce)
        .append_pair("sig", &signature)
        .finish();
    format!("GET http://{to}?{query} HTTP/1.1\r\nHost: {to}\r\n\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_like_the_standard() {
        // What counts is which parts are signed, in which order (Annex G.2.2.3).
        let text =
            datagram("10.1.1.1:8080".parse().unwrap(), 1_120_673_700, 1234, "CPE57689", "XTGRWIPC6D3IPXS3", "pw");
        assert!(
            text.starts_with("GET http://10.1.1.1:8080?ts=1120673700&id=1234&un=CPE57689&cn=XTGRWIPC6D3IPXS3&sig=")
        );
        assert!(text.ends_with(" HTTP/1.1\r\nHost: 10.1.1.1:8080\r\n\r\n"));
        let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"pw");
        let right = hex::encode_upper(sign(&key, b"11206737001234CPE57689XTGRWIPC6D3IPXS3"));
        assert!(text.contains(&format!("sig={right} ")), "{text}");
    }

    #[test]
    fn reads_what_a_phone_tells() {
        assert_eq!(told("10.1.1.1:8080"), "10.1.1.1:8080".parse().ok());
        assert_eq!(told("10.1.1.1"), "10.1.1.1:80".parse().ok());
        assert_eq!(told("[fd00::1]"), "[fd00::1]:80".parse().ok());
        for text in ["none", "", "phone.example:80", "10.1.1.1:"] {
            assert_eq!(told(text), None, "{text}");
        }
    }
}
