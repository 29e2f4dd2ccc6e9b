//! SIP, SIPS (RFC 3261 §19.1) and TEL (RFC 3966) URIs.

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::scan::is_lws;
use super::{Params, ParseError};

/// A URI's scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`; the number is in [`Uri::user`].
    Tel,
    /// Anything else; what follows the colon is in [`Uri::user`], as it stood.
    Other(String),
}

impl Scheme {
    fn as_str(&self) -> &str {
        match self {
            Scheme::Sip => "sip",
            Scheme::Sips => "sips",
            Scheme::Tel => "tel",
            Scheme::Other(text) => text,
        }
    }
}

/// A host: a name (unresolved), or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A DNS name, as written.
    Name(String),
    /// `192.0.2.1` or `[2001:db8::1]`
    Address(IpAddr),
}

impl FromStr for Host {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if let Some(inner) = text.strip_prefix('[') {
            let v6 = inner.strip_suffix(']').and_then(|t| t.parse::<Ipv6Addr>().ok());
            return v6.map(|a| Host::Address(a.into())).ok_or(ParseError::Host);
        }
        if let Ok(v4) = text.parse::<Ipv4Addr>() {
            return Ok(Host::Address(v4.into()));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let named = !text.is_empty() && text.len() <= 255 && text.chars().all(plain);
        named.then(|| Host::Name(text.to_owned())).ok_or(ParseError::Host)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Address(IpAddr::V4(v4)) => v4.fmt(f),
            Host::Address(IpAddr::V6(v6)) => write!(f, "[{v6}]"),
        }
    }
}

/// `host[:port]`, as URIs, Via and the server setting have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// Host.
    pub host: Host,
    /// Port, 1..=65535, if one was given.
    pub port: Option<u16>,
}

impl FromStr for HostPort {
    type Err = ParseError;

    /// Blanks around the colon are tolerated; a bare IPv6 address is one without port.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let text = text.trim_matches(is_lws);
        if let Ok(v6) = text.parse::<Ipv6Addr>() {
            return Ok(Self { host: Host::Address(v6.into()), port: None });
        }
        let bracket = text.rfind(']').unwrap_or(0);
        let colon = text.get(bracket..).and_then(|rest| rest.find(':')).map(|at| at + bracket);
        let (host, port) = match colon {
            Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
            None => (text, None),
        };
        let port = match port.map(|p| p.trim_matches(is_lws)) {
            None => None,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                Some(digits.parse().ok().filter(|port| *port != 0).ok_or(ParseError::Host)?)
            }
            Some(_) => return Err(ParseError::Host),
        };
        Ok(Self { host: host.trim_matches(is_lws).parse()?, port })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.host.fmt(f)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// A URI. Parts are kept as they stood on the wire (escapes included), so that printing gives the same URI back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uri {
    /// Scheme.
    pub scheme: Scheme,
    /// User, number or opaque part, escaped; see [`Uri::user_text`].
    pub user: Option<String>,
    /// Password in the URI (deprecated, kept).
    pub password: Option<String>,
    /// Host and port; `None` only for `tel:` and unknown schemes.
    pub address: Option<HostPort>,
    /// URI parameters.
    pub params: Params,
    /// What follows `?`.
    pub headers: Option<String>,
}

impl Uri {
    /// `sip:user@host:port`; the user is escaped as needed.
    pub fn sip(user: Option<&str>, address: HostPort) -> Self {
        Self {
            scheme: Scheme::Sip,
            user: user.map(escape_user),
            password: None,
            address: Some(address),
            params: Params::default(),
            headers: None,
        }
    }

    /// The user part with `%hh` escapes undone. Bytes that are no UTF-8 become U+FFFD.
    pub fn user_text(&self) -> Option<String> {
        self.user.as_deref().map(unescape)
    }

    /// The port, or the scheme's default (5060; 5061 for `sips:`).
    pub fn port(&self) -> u16 {
        let default = if self.scheme == Scheme::Sips { 5061 } else { 5060 };
        self.address.as_ref().and_then(|a| a.port).unwrap_or(default)
    }
}

impl FromStr for Uri {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let text = text.trim_matches(is_lws);
        let (scheme, rest) = text.split_once(':').ok_or(ParseError::Uri)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "sip" => Scheme::Sip,
            "sips" => Scheme::Sips,
            "tel" => Scheme::Tel,
            other => {
                let valid = other.starts_with(|c: char| c.is_ascii_alphabetic())
                    && other.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
                if !valid {
                    return Err(ParseError::Uri);
                }
                Scheme::Other(other.to_owned())
            }
        };
        let mut uri =
            Self { scheme, user: None, password: None, address: None, params: Params::default(), headers: None };
        match uri.scheme {
            Scheme::Other(_) => uri.user = Some(rest.to_owned()),
            Scheme::Tel => {
                let end = rest.find(';').unwrap_or(rest.len());
                let (number, params) = rest.split_at(end);
                let digit = |c: char| c.is_ascii_hexdigit() || "+-.()*#".contains(c);
                if number.is_empty() || !number.chars().all(digit) {
                    return Err(ParseError::Uri);
                }
                uri.user = Some(number.to_owned());
                uri.params = Params::parse(params)?;
            }
            Scheme::Sip | Scheme::Sips => uri.read_sip(rest)?,
        }
        Ok(uri)
    }
}

impl Uri {
    /// What follows `sip:`. The user part may hold `;`, `?` and `/`, so the `@` is looked for first.
    fn read_sip(&mut self, rest: &str) -> Result<(), ParseError> {
        let mut rest = rest;
        if let Some((userinfo, after)) = rest.split_once('@') {
            let (user, password) = match userinfo.split_once(':') {
                Some((user, password)) => (user, Some(password.to_owned())),
                None => (userinfo, None),
            };
            if user.is_empty() || user.contains(is_lws) {
                return Err(ParseError::Uri);
            }
            self.user = Some(user.to_owned());
            self.password = password;
            rest = after;
        }
        if let Some((before, headers)) = rest.split_once('?') {
            self.headers = Some(headers.to_owned());
            rest = before;
        }
        let (address, params) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
        self.address = Some(address.parse()?);
        self.params = Params::parse(params)?;
        Ok(())
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scheme.as_str())?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
            if let Some(password) = &self.password {
                write!(f, ":{password}")?;
            }
            if self.address.is_some() {
                f.write_char('@')?;
            }
        }
        if let Some(address) = &self.address {
            address.fmt(f)?;
        }
        // URI parameters have no quoting; as parsed they hold nothing that needs it.
        for (name, value) in self.params.iter() {
            match value {
                Some(value) => write!(f, ";{name}={value}")?,
                None => write!(f, ";{name}")?,
            }
        }
        self.headers.as_ref().map_or(Ok(()), |headers| write!(f, "?{headers}"))
    }
}

/// Escapes what RFC 3261 does not allow in a user part.
fn escape_user(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// Escapes a header value for the part of a URI behind `?` (RFC 3261 §19.1.1 `hvalue`).
pub(crate) fn escape_header(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()[]/?:+$".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// Undoes `%hh`. Bytes that are no UTF-8 become U+FFFD.
pub(crate) fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let code = code.filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(value) if byte == b'%' => {
                bytes.push(value);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
