//! Writing messages (RFC 3261 §7, §8.2.6). Whatever is put in, no header can break out of its line.

use std::fmt::{self, Display, Write};

use super::{Message, Method, Name};

/// Writes a request; headers appear in the order given, Content-Length last.
#[derive(Debug)]
pub struct RequestBuilder(Text);

impl RequestBuilder {
    /// Begins `method uri SIP/2.0`.
    pub fn new(method: &Method, uri: impl Display) -> Self {
        let mut text = Text::default();
        text.line(format_args!("{method} {uri} SIP/2.0"));
        Self(text)
    }

    /// Adds a header.
    pub fn header(mut self, name: Name, value: impl Display) -> Self {
        self.0.line(format_args!("{name}: {value}"));
        self
    }

    /// Adds a header if there is a value.
    pub fn optional(self, name: Name, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    /// The finished message.
    pub fn finish(self, body: &[u8]) -> Vec<u8> {
        self.0.finish(body)
    }
}

/// Writes the response to a request.
#[derive(Debug)]
pub struct ResponseBuilder(Text);

impl ResponseBuilder {
    /// Begins a response that carries back Via (the topmost one as `top_via` says), From, To (with `to_tag` if it
    /// has none), Call-ID and CSeq of `request` (RFC 3261 §8.2.6.2).
    pub fn new(request: &Message, code: u16, top_via: impl Display, to_tag: &str) -> Self {
        let mut text = Text::default();
        text.line(format_args!("SIP/2.0 {code} {}", reason_phrase(code)));
        text.line(format_args!("Via: {top_via}"));
        for via in request.vias().skip(1) {
            text.line(format_args!("Via: {via}"));
        }
        for name in [Name::From, Name::To, Name::CallId, Name::CSeq] {
            let Some(value) = request.header(name) else { continue };
            let untagged = name == Name::To && request.to().is_ok_and(|to| to.tag().is_none());
            if untagged && code > 100 {
                text.line(format_args!("{name}: {value};tag={to_tag}"));
            } else {
                text.line(format_args!("{name}: {value}"));
            }
        }
        Self(text)
    }

    /// Adds a header.
    pub fn header(mut self, name: Name, value: impl Display) -> Self {
        self.0.line(format_args!("{name}: {value}"));
        self
    }

    /// The finished message.
    pub fn finish(self, body: &[u8]) -> Vec<u8> {
        self.0.finish(body)
    }
}

#[derive(Debug, Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: fmt::Arguments<'_>) {
        let start = self.0.len();
        // Writing to a String does not fail; a Display that does leaves a short line.
        let _ = self.0.write_fmt(line);
        if self.0.get(start..).is_some_and(|written| written.contains(|c: char| c.is_control() && c != '\t')) {
            let clean = self.0.split_off(start).replace(|c: char| c.is_control() && c != '\t', " ");
            self.0.push_str(&clean);
        }
        self.0.push_str("\r\n");
    }

    fn finish(mut self, body: &[u8]) -> Vec<u8> {
        self.line(format_args!("{}: {}", Name::ContentLength, body.len()));
        self.0.push_str("\r\n");
        let mut bytes = self.0.into_bytes();
        bytes.extend_from_slice(body);
        bytes
    }
}

/// The customary phrase of a status code (RFC 3261 §21); the class's for unknown ones.
pub fn reason_phrase(code: u16) -> &'static str {
    match code {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        305 => "Use Proxy",
        380 => "Alternative Service",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        433 => "Anonymity Disallowed",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        493 => "Undecipherable",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        _ => match code / 100 {
            1 => "Progress",
            2 => "OK",
            3 => "Redirection",
            4 => "Request Failure",
            5 => "Server Failure",
            _ => "Global Failure",
        },
    }
}
