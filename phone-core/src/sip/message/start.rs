//! Start lines and methods (RFC 3261 §7.1, §7.2).

use std::fmt;

use super::ParseError;
use super::scan::{is_lws, is_token};

macro_rules! methods {
    ($($variant:ident $text:literal,)*) => {
        /// A request method. Unknown ones are kept, so that they can be answered (501, 405).
        #[allow(missing_docs)]
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Method { $($variant,)* Other(String) }

        impl Method {
            /// The method's name; names are case-sensitive (RFC 3261 §7.1).
            pub fn as_str(&self) -> &str {
                match self { $(Method::$variant => $text,)* Method::Other(text) => text }
            }

            /// Reads a method; `None` if it is no token.
            pub fn parse(text: &str) -> Option<Method> {
                match text {
                    $($text => Some(Method::$variant),)*
                    other => is_token(other).then(|| Method::Other(other.to_owned())),
                }
            }
        }
    };
}

methods! {
    Invite "INVITE",
    Ack "ACK",
    Bye "BYE",
    Cancel "CANCEL",
    Options "OPTIONS",
    Register "REGISTER",
    Prack "PRACK",
    Subscribe "SUBSCRIBE",
    Notify "NOTIFY",
    Publish "PUBLISH",
    Info "INFO",
    Refer "REFER",
    Message "MESSAGE",
    Update "UPDATE",
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A start line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// `version` is as received; anything but `SIP/2.0` calls for a 505.
    Request { method: Method, uri: String, version: String },
    /// `code` is 100..=699.
    Response { code: u16, reason: String },
}

impl Start {
    /// Tolerates runs of blanks, and blanks within the Request-URI (which will then not parse as one).
    pub(crate) fn parse(line: &str) -> Result<Start, ParseError> {
        let line = line.trim_matches(is_lws);
        let (first, rest) = line.split_once(is_lws).ok_or(ParseError::StartLine)?;
        let rest = rest.trim_matches(is_lws);
        if first.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("SIP/")) {
            if !first.eq_ignore_ascii_case("SIP/2.0") {
                return Err(ParseError::StartLine);
            }
            let (code, reason) = rest.split_once(is_lws).unwrap_or((rest, ""));
            let three_digits = code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit());
            let code = code.parse().ok().filter(|code| three_digits && (100..700).contains(code));
            let reason = reason.trim_matches(is_lws).to_owned();
            return Ok(Start::Response { code: code.ok_or(ParseError::StartLine)?, reason });
        }
        let method = Method::parse(first).ok_or(ParseError::StartLine)?;
        let (uri, version) = rest.rsplit_once(is_lws).ok_or(ParseError::StartLine)?;
        if !version.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("SIP/")) {
            return Err(ParseError::StartLine);
        }
        Ok(Start::Request { method, uri: uri.trim_matches(is_lws).to_owned(), version: version.to_owned() })
    }
}
