//! `Authorization` and `Proxy-Authorization` (RFC 7616 §3.4).

use std::fmt;

use crate::params::{Printer, Scheme, schemes};
use crate::{Algorithm, AuthError, Qop};

#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub username: String,
    pub realm: String,
    pub nonce: String,
    pub uri: String,
    /// Lower-case hexadecimal.
    pub response: String,
    pub algorithm: Algorithm,
    /// The algorithm's session form. [`crate::verify`] refuses it: our servers ask for none.
    pub session: bool,
    pub opaque: Option<String>,
    /// `None`: a client of RFC 2069's time. [`crate::verify`] refuses it.
    pub qop: Option<Qop>,
    /// Where there is a qop, or a session.
    pub cnonce: Option<String>,
    /// Eight hexadecimal digits, as sent; where there is a qop.
    pub nc: Option<String>,
}

/// The proof is good for replays while its nonce lives: not for logs.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .field("realm", &self.realm)
            .field("uri", &self.uri)
            .field("algorithm", &self.algorithm)
            .field("qop", &self.qop)
            .field("nc", &self.nc)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    /// One header value with one Digest.
    pub fn parse(value: &str) -> Result<Self, AuthError> {
        let mut found = schemes(value)?;
        match found.len() {
            0 => return Err(AuthError::OtherScheme),
            1 => {}
            _ => return Err(AuthError::Malformed),
        }
        let mut scheme = found.pop().filter(Scheme::is_digest).ok_or(AuthError::OtherScheme)?;
        let (algorithm, session) = Algorithm::of(scheme.take("algorithm")?.as_deref())?;
        let response = scheme.require("response")?.to_ascii_lowercase();
        if !is_hex(&response, algorithm.digits()) {
            return Err(AuthError::Invalid("response"));
        }
        let qop = match scheme.take("qop")? {
            Some(name) => Some(Qop::from_name(&name).ok_or(AuthError::UnknownQop)?),
            None => None,
        };
        let (cnonce, nc) = (scheme.take("cnonce")?, scheme.take("nc")?);
        if (qop.is_some() || session) && cnonce.is_none() {
            return Err(AuthError::Missing("cnonce"));
        }
        if qop.is_some() && nc.is_none() {
            return Err(AuthError::Missing("nc"));
        }
        if nc.as_ref().is_some_and(|nc| !is_hex(nc, 8)) {
            return Err(AuthError::Invalid("nc"));
        }
        Ok(Self {
            username: scheme.require("username")?,
            realm: scheme.require("realm")?,
            nonce: scheme.require("nonce")?,
            uri: scheme.require("uri")?,
            response,
            algorithm,
            session,
            opaque: scheme.take("opaque")?,
            qop,
            cnonce,
            nc,
        })
    }

    /// How often the nonce was used, from 1.
    pub fn count(&self) -> Option<u32> {
        self.nc.as_deref().and_then(|nc| u32::from_str_radix(nc, 16).ok())
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The header's value.
impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Printer::new("Digest");
        out.quoted("username", &self.username);
        out.quoted("realm", &self.realm);
        out.quoted("nonce", &self.nonce);
        out.quoted("uri", &self.uri);
        out.token("algorithm", &self.algorithm.parameter(self.session));
        out.quoted("response", &self.response);
        if let Some(opaque) = &self.opaque {
            out.quoted("opaque", opaque);
        }
        if let Some(qop) = self.qop {
            out.token("qop", qop.name());
        }
        if let Some(nc) = &self.nc {
            out.token("nc", nc);
        }
        if let Some(cnonce) = &self.cnonce {
            out.quoted("cnonce", cnonce);
        }
        f.write_str(&out.finish())
    }
}
