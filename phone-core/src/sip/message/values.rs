//! Typed access to the headers a user agent needs (RFC 3261 §20).

use std::fmt;
use std::str::FromStr;

use super::scan::{find_outside, is_lws, split, split_with_comments};
use super::{Contact, Message, Method, Name, NameAddr, ParseError, Via};

/// CSeq (RFC 3261 §20.16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSeq {
    /// Below 2^31 in what we send; any 32-bit number is read.
    pub number: u32,
    /// Method.
    pub method: Method,
}

impl FromStr for CSeq {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (number, method) = text.trim_matches(is_lws).split_once(is_lws).ok_or(ParseError::Syntax)?;
        let number = digits(number).ok_or(ParseError::Syntax)?;
        Ok(Self { number, method: Method::parse(method.trim_matches(is_lws)).ok_or(ParseError::Syntax)? })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

/// A decimal number without sign that fits 32 bits.
pub(crate) fn digits(text: &str) -> Option<u32> {
    let text = text.trim_matches(is_lws);
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// delta-seconds, tolerating trailing parameters and comments; above 2^32-1 reads as 2^32-1 (RFC 3261 §20.19).
pub(crate) fn delta_seconds(text: &str) -> Option<u32> {
    let text = text.trim_matches(is_lws);
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let rest = rest.trim_start_matches(is_lws);
    if number.is_empty() || !(rest.is_empty() || rest.starts_with(['(', ';'])) {
        return None;
    }
    Some(number.parse().unwrap_or(u32::MAX))
}

impl Message {
    fn single<T: FromStr>(&self, name: Name) -> Result<T, ParseError> {
        let text = self.header(name).ok_or(ParseError::Missing(name))?;
        text.parse().map_err(|_| ParseError::Value(name))
    }

    /// The topmost Via.
    pub fn top_via(&self) -> Result<Via, ParseError> {
        let text = self.header(Name::Via).ok_or(ParseError::Missing(Name::Via))?;
        let end = find_outside(text, ',', true).unwrap_or(text.len());
        text.get(..end).unwrap_or_default().parse().map_err(|_| ParseError::Value(Name::Via))
    }

    /// All Via values as text, topmost first, one hop each.
    pub fn vias(&self) -> impl Iterator<Item = &str> {
        self.headers(Name::Via).flat_map(|text| split_with_comments(text, ',')).filter(|via| !via.is_empty())
    }

    /// From.
    pub fn from(&self) -> Result<NameAddr, ParseError> {
        self.single(Name::From)
    }

    /// To.
    pub fn to(&self) -> Result<NameAddr, ParseError> {
        self.single(Name::To)
    }

    /// CSeq.
    pub fn cseq(&self) -> Result<CSeq, ParseError> {
        self.single(Name::CSeq)
    }

    /// Call-ID, never empty.
    pub fn call_id(&self) -> Result<&str, ParseError> {
        let text = self.header(Name::CallId).ok_or(ParseError::Missing(Name::CallId))?;
        if text.is_empty() { Err(ParseError::Value(Name::CallId)) } else { Ok(text) }
    }

    /// Every Contact of every Contact header, each readable or not.
    pub fn contacts(&self) -> impl Iterator<Item = Result<Contact, ParseError>> {
        self.headers(Name::Contact)
            .flat_map(|text| split(text, ','))
            .filter(|text| !text.is_empty())
            .map(|text| text.parse().map_err(|_| ParseError::Value(Name::Contact)))
    }

    /// Expires, seconds.
    pub fn expires(&self) -> Option<u32> {
        delta_seconds(self.header(Name::Expires)?)
    }

    /// Min-Expires, seconds.
    pub fn min_expires(&self) -> Option<u32> {
        delta_seconds(self.header(Name::MinExpires)?)
    }

    /// Retry-After, seconds.
    pub fn retry_after(&self) -> Option<u32> {
        delta_seconds(self.header(Name::RetryAfter)?)
    }

    /// The comma-separated tokens of `name` (Require, Supported, Allow, …).
    pub fn tokens(&self, name: Name) -> impl Iterator<Item = &str> {
        self.headers(name).flat_map(|text| split(text, ',')).filter(|token| !token.is_empty())
    }
}
