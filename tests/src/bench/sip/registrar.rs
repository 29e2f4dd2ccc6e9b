//! A registrar in memory: digest, bindings, and nothing else. It has no clock of its own.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use auth_digest::{Algorithm, Challenge, Credentials, Ha1, verify};
use phone_core::Instant;
use phone_core::sip::message::{Message, Method, Name, ResponseBuilder};

pub const REALM: &str = "hotel.example";
pub const PASSWORD: &str = "s3cret";
/// A nonce is good for so long.
const NONCE_LIFE: Duration = Duration::from_secs(600);

/// Bindings by user; forgotten when it restarts.
#[derive(Default)]
pub struct Registrar {
    /// Life it grants at most, seconds.
    pub grants: u32,
    bindings: HashMap<String, Instant>,
    /// Of passwords, which do not change.
    proofs: HashMap<String, Ha1>,
    starts: u64,
}

impl Registrar {
    pub fn new(grants: u32) -> Self {
        Self { grants, ..Self::default() }
    }

    /// It has forgotten everybody, and knows its nonces no more.
    pub fn restart(&mut self) {
        self.bindings.clear();
        self.starts += 1;
    }

    /// Users bound at `now`.
    pub fn bound(&self, now: Instant) -> usize {
        self.bindings.values().filter(|until| **until > now).count()
    }

    /// Answers a REGISTER, or says 200 to anything else. `None` to what is no request.
    pub fn answer(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) -> Option<Vec<u8>> {
        let request = Message::parse_datagram(bytes).ok()?;
        let mut via = request.top_via().ok()?;
        via.params.set("rport", Some(&from.port().to_string()));
        via.params.set("received", Some(&from.ip().to_string()));
        if request.method()? != &Method::Register {
            return Some(ResponseBuilder::new(&request, 200, via, "srv").finish(&[]));
        }
        let user = request.to().ok()?.uri.user?;
        let nonce = format!("{}.{}", self.starts, now.since_epoch().as_secs() / NONCE_LIFE.as_secs());
        let shown = request.header(Name::Authorization).and_then(|value| Credentials::parse(value).ok());
        let proof = self.proofs.entry(user.clone()).or_insert_with(|| Ha1::new(Algorithm::Md5, &user, REALM, PASSWORD));
        let proven = shown.as_ref().is_some_and(|shown| {
            verify(shown, proof, "REGISTER", request.request_uri_text().unwrap_or_default(), &[]).is_ok()
        });
        if !proven || shown.as_ref().is_none_or(|shown| shown.nonce != nonce) {
            let mut challenge = Challenge::new(Algorithm::Md5, REALM, nonce);
            challenge.stale = proven;
            let response = ResponseBuilder::new(&request, 401, via, "srv").header(Name::WwwAuthenticate, challenge);
            return Some(response.finish(&[]));
        }
        let life = request.expires().unwrap_or(3600).min(self.grants);
        self.bindings.insert(user, now + Duration::from_secs(u64::from(life)));
        let contact = request.header(Name::Contact)?;
        let response = ResponseBuilder::new(&request, 200, via, "srv");
        Some(response.header(Name::Contact, contact).header(Name::Expires, life).finish(&[]))
    }
}
