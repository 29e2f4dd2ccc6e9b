//! Via (RFC 3261 §20.42, RFC 3581).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::scan::{is_lws, is_token, strip_comments};
use super::{HostPort, Params, ParseError};

/// One hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// `UDP`, `TCP`, `TLS`, … upper case.
    pub transport: String,
    /// Who sent it.
    pub sent_by: HostPort,
    /// `branch`, `received`, `rport`, `maddr`, …
    pub params: Params,
}

impl Via {
    /// The branch, if any.
    pub fn branch(&self) -> Option<&str> {
        self.params.value("branch")
    }

    /// The address the other side saw us at.
    pub fn received(&self) -> Option<IpAddr> {
        self.params.value("received")?.trim_matches(['[', ']']).parse().ok()
    }

    /// The port the other side saw us at.
    pub fn rport(&self) -> Option<u16> {
        self.params.value("rport")?.parse().ok().filter(|port| *port != 0)
    }
}

impl FromStr for Via {
    type Err = ParseError;

    /// Tolerates white space around the slashes and the colon, and comments.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let text = strip_comments(text);
        let mut parts = text.splitn(3, '/');
        let mut part = || parts.next().map(|p| p.trim_matches(is_lws)).ok_or(ParseError::Syntax);
        let (protocol, version, rest) = (part()?, part()?, part()?);
        if !protocol.eq_ignore_ascii_case("SIP") || version != "2.0" {
            return Err(ParseError::Syntax);
        }
        let (transport, rest) = rest.split_once(is_lws).ok_or(ParseError::Syntax)?;
        if !is_token(transport) {
            return Err(ParseError::Syntax);
        }
        let (sent_by, params) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
        Ok(Self {
            transport: transport.to_ascii_uppercase(),
            sent_by: sent_by.parse()?,
            params: Params::parse(params)?,
        })
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}{}", self.transport, self.sent_by, self.params)
    }
}
