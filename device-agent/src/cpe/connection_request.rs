//! The ACS's way to call (TR-069 §3.2.2): an authenticated GET on a path nobody can guess. It says "report now" and
//! nothing else.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use auth_digest::{Algorithm, Challenge, Credentials, Freshness, Ha1, NonceIssuer, verify};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Method, Request, StatusCode};
use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::bucket::Bucket;
use crate::clock;
use crate::device::Device;
use crate::serve::{self, Answer, plain};

const REALM: &str = "Bellhop phone";
const NONCE_CLASS: &str = "connection-request";
const NONCE_AGE: Duration = Duration::from_secs(60);
/// Nonces whose count is remembered.
const MOST_NONCES: usize = 64;
const CONNECTIONS_ONE_PHONE: usize = 8;
const CONNECTIONS_MANY_PHONES: usize = 256;

/// One listener for one phone or for thousands, told apart by path.
#[derive(Debug)]
pub struct Listener {
    phones: RwLock<HashMap<String, Arc<Entry>>>,
    nonces: NonceIssuer,
    address: SocketAddr,
    stop: CancellationToken,
}

#[derive(Debug)]
struct Entry {
    device: Weak<Device>,
    limits: Mutex<Limits>,
}

#[derive(Debug, Default)]
struct Limits {
    bucket: Bucket,
    /// The highest count seen with each nonce: a proof is good once.
    nonces: Vec<(String, u32)>,
}

impl Listener {
    /// Listens on `port` of every address, IPv4 and IPv6; if it is taken, or 0, on any.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start(port: u16, many: bool) -> io::Result<Arc<Self>> {
        let listener = match bind(port) {
            Err(error) if port != 0 => {
                tracing::warn!(port, %error, "the connection request port cannot be had; taking any");
                bind(0)?
            }
            bound => bound?,
        };
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        let started = Arc::new(Self {
            phones: RwLock::default(),
            nonces: NonceIssuer::new(key),
            address: listener.local_addr()?,
            stop: CancellationToken::new(),
        });
        // Weak, or the server would keep itself alive.
        let weak = Arc::downgrade(&started);
        let connections = if many { CONNECTIONS_MANY_PHONES } else { CONNECTIONS_ONE_PHONE };
        tokio::spawn(serve::serve(listener, connections, started.stop.clone(), move |request| {
            let answer = match weak.upgrade() {
                Some(listener) => listener.answer(&request),
                None => plain(StatusCode::SERVICE_UNAVAILABLE, ""),
            };
            async move { answer }
        }));
        Ok(started)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Gives the phone a path, the same in each of its lives, and tells it its URL. Blocking at its first.
    ///
    /// # Errors
    /// If there is no randomness, or the file system's.
    pub fn add(&self, device: &Arc<Device>, ip: IpAddr) -> io::Result<()> {
        let known = device.document(|document| (document.call_path.clone(), document.call_port));
        let path = match known.0.is_empty() {
            true => format!("/{}", clock::token(16)?),
            false => known.0.to_string(),
        };
        if known != (path.as_str().into(), self.port()) {
            let (path, port) = (path.as_str().into(), self.port());
            device.update(|document| (document.call_path, document.call_port) = (path, port))?;
        }
        device.set_connection_request_url(format!("http://{}{path}", SocketAddr::new(ip, self.port())));
        let entry = Arc::new(Entry { device: Arc::downgrade(device), limits: Mutex::default() });
        let mut phones = self.phones.write().unwrap_or_else(PoisonError::into_inner);
        // Earlier lives of phones that have restarted.
        if phones.len().is_multiple_of(64) {
            phones.retain(|_, entry| entry.device.strong_count() > 0);
        }
        phones.insert(path, entry);
        Ok(())
    }

    fn answer(&self, request: &Request<Incoming>) -> Answer {
        let path = request.uri().path();
        let entry = self.phones.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
        let Some((entry, device)) = entry.and_then(|entry| entry.device.upgrade().map(|device| (entry, device))) else {
            return plain(StatusCode::NOT_FOUND, "");
        };
        // Switched off, there is nobody to call.
        if device.value("tr069.enable") == "no" {
            return plain(StatusCode::NOT_FOUND, "");
        }
        if request.method() != Method::GET {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "");
        }
        let target = request.uri().path_and_query().map_or(path, |target| target.as_str());
        let authorization = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        match self.check(&entry, &device, target, authorization) {
            Ok(()) => {}
            Err(stale) => return self.challenge(stale),
        }
        if !entry.take() {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "");
        }
        tracing::debug!("the ACS calls");
        device.want_session(|reasons| reasons.connection_request = true);
        plain(StatusCode::OK, "")
    }

    /// Err: refused; whether only the nonce was too old.
    fn check(&self, entry: &Entry, device: &Device, target: &str, header: Option<&str>) -> Result<(), bool> {
        let user = device.value("tr069.connectionrequestusername");
        let password = device.value("tr069.connectionrequestpassword");
        // Without a password nobody may call.
        if user.is_empty() || password.is_empty() {
            return Err(false);
        }
        let proof = header.and_then(|header| Credentials::parse(header).ok()).ok_or(false)?;
        let now = u64::try_from(clock::now().millis()).unwrap_or_default();
        let age = NONCE_AGE.as_millis() as u64;
        match self.nonces.check(&proof.nonce, NONCE_CLASS, now, age) {
            Freshness::Fresh => {}
            Freshness::Stale => return Err(true),
            Freshness::Forged => return Err(false),
        }
        let ha1 = Ha1::new(proof.algorithm, &user, REALM, &password);
        if proof.username != user || verify(&proof, &ha1, "GET", target, b"").is_err() {
            return Err(false);
        }
        if entry.first_use(&proof.nonce, proof.count().unwrap_or(0)) { Ok(()) } else { Err(true) }
    }

    fn challenge(&self, stale: bool) -> Answer {
        let now = u64::try_from(clock::now().millis()).unwrap_or_default();
        let mut answer = plain(StatusCode::UNAUTHORIZED, "");
        // MD5 first: the oldest servers read only the first.
        for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
            let mut challenge = Challenge::new(algorithm, REALM, self.nonces.issue(now, NONCE_CLASS));
            challenge.stale = stale;
            if let Ok(value) = HeaderValue::from_str(&challenge.to_string()) {
                answer.headers_mut().append(WWW_AUTHENTICATE, value);
            }
        }
        answer
    }
}

/// Both families, or IPv4 alone where the system has no IPv6.
fn bind(port: u16) -> io::Result<TcpListener> {
    let socket = |domain| {
        let socket = Socket::new(domain, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_reuse_address(true)?;
        Ok::<_, io::Error>(socket)
    };
    let both = socket(Domain::IPV6).and_then(|socket| {
        socket.set_only_v6(false)?;
        socket.bind(&SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port).into())?;
        Ok(socket)
    });
    let bound = match both {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            let socket = socket(Domain::IPV4)?;
            socket.bind(&SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port).into())?;
            socket
        }
        both => both?,
    };
    bound.listen(1024)?;
    TcpListener::from_std(bound.into())
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Entry {
    fn lock(&self) -> std::sync::MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> bool {
        self.lock().bucket.take()
    }

    fn first_use(&self, nonce: &str, count: u32) -> bool {
        let nonces = &mut self.lock().nonces;
        if let Some((_, highest)) = nonces.iter_mut().find(|(known, _)| known == nonce) {
            let first = count > *highest;
            *highest = count.max(*highest);
            return first;
        }
        if nonces.len() >= MOST_NONCES {
            nonces.remove(0);
        }
        nonces.push((nonce.to_owned(), count));
        count > 0
    }
}

#[cfg(test)]
mod tests;
