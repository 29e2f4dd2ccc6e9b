//! `WWW-Authenticate` and `Proxy-Authenticate` (RFC 7616 §3.3).

use std::fmt;

use crate::params::{Printer, Scheme, schemes};
use crate::{Algorithm, AuthError};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Qop {
    Auth,
    /// The body is part of the proof.
    AuthInt,
}

impl Qop {
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Auth, Self::AuthInt].into_iter().find(|qop| qop.name().eq_ignore_ascii_case(name.trim()))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    pub realm: String,
    pub nonce: String,
    pub opaque: Option<String>,
    pub algorithm: Algorithm,
    /// The algorithm's session form (`MD5-sess`, as IIS asks): see [`crate::respond`].
    pub session: bool,
    /// Empty: a server of RFC 2069's time, which knows no qop.
    pub qop: Vec<Qop>,
    /// The nonce sent was too old, the password may be right: answer with the new nonce, do not ask the user.
    pub stale: bool,
}

impl Challenge {
    /// What our servers send: `qop="auth"`.
    pub fn new(algorithm: Algorithm, realm: impl Into<String>, nonce: impl Into<String>) -> Self {
        let (realm, nonce, qop) = (realm.into(), nonce.into(), vec![Qop::Auth]);
        Self { realm, nonce, opaque: None, algorithm, session: false, qop, stale: false }
    }

    /// All Digest challenges we can answer, from all the header's values. Challenges of other schemes and with other
    /// algorithms are passed over; the error says why none is left.
    pub fn parse<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<Vec<Self>, AuthError> {
        let mut challenges = Vec::new();
        let mut refused = AuthError::OtherScheme;
        for value in values {
            for scheme in schemes(value)?.into_iter().filter(Scheme::is_digest) {
                match Self::read(scheme) {
                    Ok(challenge) => challenges.push(challenge),
                    Err(error @ (AuthError::UnknownAlgorithm | AuthError::UnknownQop)) => refused = error,
                    Err(error) => return Err(error),
                }
            }
        }
        if challenges.is_empty() { Err(refused) } else { Ok(challenges) }
    }

    fn read(mut scheme: Scheme<'_>) -> Result<Self, AuthError> {
        let (algorithm, session) = Algorithm::of(scheme.take("algorithm")?.as_deref())?;
        let qop = match scheme.take("qop")? {
            Some(list) => {
                let known: Vec<_> = list.split(',').filter_map(Qop::from_name).collect();
                if known.is_empty() && !list.trim().is_empty() {
                    return Err(AuthError::UnknownQop);
                }
                known
            }
            None => Vec::new(),
        };
        Ok(Self {
            realm: scheme.require("realm")?,
            nonce: scheme.require("nonce")?,
            opaque: scheme.take("opaque")?,
            algorithm,
            session,
            qop,
            stale: scheme.take("stale")?.is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }
}

/// The header's value.
impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Printer::new("Digest");
        out.quoted("realm", &self.realm);
        if !self.qop.is_empty() {
            let list: Vec<_> = self.qop.iter().map(|qop| qop.name()).collect();
            out.quoted("qop", &list.join(","));
        }
        out.token("algorithm", &self.algorithm.parameter(self.session));
        out.quoted("nonce", &self.nonce);
        if let Some(opaque) = &self.opaque {
            out.quoted("opaque", opaque);
        }
        if self.stale {
            out.token("stale", "true");
        }
        f.write_str(&out.finish())
    }
}

/// The challenge with the strongest algorithm, the first of equals; a session's form only where there is no other.
pub fn strongest(challenges: &[Challenge]) -> Option<&Challenge> {
    challenges.iter().rev().max_by_key(|challenge| (challenge.algorithm, !challenge.session))
}
