//! `name-addr` / `addr-spec` with header parameters: From, To, Contact, Route (RFC 3261 §20.10, §25.1).

use std::fmt;
use std::str::FromStr;

use super::scan::{find_outside, is_lws, take_quoted, write_quoted};
use super::{Params, ParseError, Uri};

/// A display name, a URI and header parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr {
    /// Display name, unquoted; `None` if absent or empty.
    pub display: Option<String>,
    /// The URI.
    pub uri: Uri,
    /// Parameters of the header (not of the URI): `tag`, `expires`, `+sip.instance`, …
    pub params: Params,
}

impl NameAddr {
    /// A bare `<uri>`.
    pub fn new(uri: Uri) -> Self {
        Self { display: None, uri, params: Params::default() }
    }

    /// The `tag` parameter.
    pub fn tag(&self) -> Option<&str> {
        self.params.value("tag")
    }
}

impl FromStr for NameAddr {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let text = text.trim_matches(is_lws);
        let (display, rest) = if text.starts_with('"') {
            take_quoted(text).ok_or(ParseError::Syntax)?
        } else {
            match text.find('<') {
                Some(at) => (text.get(..at).unwrap_or_default().trim_matches(is_lws).to_owned(), &text[at..]),
                None => (String::new(), text),
            }
        };
        let rest = rest.trim_start_matches(is_lws);
        let (uri, params) = match rest.strip_prefix('<') {
            Some(inner) => inner.split_once('>').ok_or(ParseError::Syntax)?,
            // Without brackets, parameters belong to the header (RFC 3261 §20.10); a quoted name needs brackets.
            None if display.is_empty() => {
                // The user part may hold `;`, so look for it after the `@`.
                let host = rest.find('@').unwrap_or(0);
                let end = rest.get(host..).and_then(|r| r.find(';')).map_or(rest.len(), |at| at + host);
                rest.split_at(end)
            }
            None => return Err(ParseError::Syntax),
        };
        let display = Some(display).filter(|d| !d.is_empty());
        Ok(Self { display, uri: uri.parse()?, params: Params::parse(params)? })
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            write_quoted(f, display)?;
            f.write_str(" ")?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

/// One value of a Contact header.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // Short-lived, and `*` is rare.
pub enum Contact {
    /// `*`: all bindings (RFC 3261 §10.2.2).
    Star,
    /// A binding.
    Addr(NameAddr),
}

impl FromStr for Contact {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        // `*` may be followed by stray parameters; nobody means a URI by it.
        let text = text.trim_matches(is_lws);
        let star = text.starts_with('*') && find_outside(text, '<', false).is_none();
        if star
            && matches!(text.get(1..).unwrap_or_default().trim_start_matches(is_lws).chars().next(), None | Some(';'))
        {
            return Ok(Contact::Star);
        }
        text.parse().map(Contact::Addr)
    }
}
