//! A received message: one copy of its head, unfolded, and where its headers lie (RFC 3261 §7.3, §18.3).

use std::borrow::Cow;

use super::scan::{is_lws, is_token};
use super::start::Start;
use super::values::digits;
use super::{MAX_HEADERS, MAX_LINE, MAX_MESSAGE, Method, Name, ParseError, Uri};

/// Something wrong that does not keep a message from being read, but a request with it is to be answered with 400 and
/// a response with it dropped (RFC 3261 §18.3, §8.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// A line that is no header field.
    HeaderLine,
    /// Content-Length is no number, or there are two that differ.
    ContentLength,
    /// Fewer body bytes than Content-Length says.
    BodyShort,
}

#[derive(Clone, Copy, Debug)]
struct Header {
    name: Option<Name>,
    /// Byte offsets into the head; the head is shorter than 2^32.
    name_at: (u32, u32),
    value_at: (u32, u32),
}

/// A received SIP message.
#[derive(Clone, Debug)]
pub struct Message {
    start: Start,
    head: String,
    headers: Vec<Header>,
    body: Vec<u8>,
    defect: Option<Defect>,
}

impl Message {
    /// Reads one message from one datagram. Tolerates leading line breaks, bare LF, folding, compact and unknown
    /// names, a missing blank line at the end, and bytes that are no UTF-8 (they become U+FFFD). Bytes after
    /// Content-Length are dropped (RFC 3261 §18.3).
    pub fn parse_datagram(bytes: &[u8]) -> Result<Self, ParseError> {
        if bytes.len() > MAX_MESSAGE {
            return Err(ParseError::TooLarge);
        }
        let lead = bytes.iter().position(|b| !matches!(b, b'\r' | b'\n')).unwrap_or(bytes.len());
        let mut rest = bytes.get(lead..).unwrap_or_default();
        let start = Start::parse(&text(take_line(&mut rest)?))?;
        let mut message = Self {
            start,
            head: String::with_capacity(rest.len()),
            headers: Vec::new(),
            body: Vec::new(),
            defect: None,
        };
        while !rest.is_empty() {
            let line = take_line(&mut rest)?;
            if line.is_empty() {
                break;
            }
            message.line(&text(line))?;
        }
        message.take_body(rest);
        Ok(message)
    }

    fn line(&mut self, line: &str) -> Result<(), ParseError> {
        if line.starts_with(is_lws) {
            let Some(last) = self.headers.last_mut() else {
                self.defect.get_or_insert(Defect::HeaderLine);
                return Ok(());
            };
            self.head.push(' ');
            self.head.push_str(line.trim_matches(is_lws));
            // A value that was empty so far begins with the blank just pushed; `text` trims it away.
            last.value_at.1 = offset(self.head.len());
            let length = last.value_at.1.saturating_sub(last.value_at.0);
            return if length as usize > MAX_LINE { Err(ParseError::LineTooLong) } else { Ok(()) };
        }
        let (name, value) = match line.split_once(':') {
            Some((name, value)) if is_token(name.trim_end_matches(is_lws)) => {
                (name.trim_end_matches(is_lws), value.trim_matches(is_lws))
            }
            _ => {
                self.defect.get_or_insert(Defect::HeaderLine);
                return Ok(());
            }
        };
        if self.headers.len() >= MAX_HEADERS {
            return Err(ParseError::TooManyHeaders);
        }
        let name_at = self.push(name);
        let value_at = self.push(value);
        self.headers.push(Header { name: Name::lookup(name), name_at, value_at });
        Ok(())
    }

    fn push(&mut self, text: &str) -> (u32, u32) {
        let start = offset(self.head.len());
        self.head.push_str(text);
        (start, offset(self.head.len()))
    }

    fn take_body(&mut self, rest: &[u8]) {
        let lengths: Vec<Option<u32>> = self.headers(Name::ContentLength).map(digits).collect();
        let length = match lengths.first() {
            None => rest.len(),
            Some(Some(first)) if lengths.iter().all(|other| *other == Some(*first)) => *first as usize,
            Some(_) => {
                self.defect = Some(Defect::ContentLength);
                return;
            }
        };
        match rest.get(..length) {
            Some(body) => self.body = body.to_vec(),
            None => self.defect = Some(Defect::BodyShort),
        }
    }

    /// Whether this is a response.
    pub fn is_response(&self) -> bool {
        matches!(self.start, Start::Response { .. })
    }

    /// The method of a request.
    pub fn method(&self) -> Option<&Method> {
        match &self.start {
            Start::Request { method, .. } => Some(method),
            Start::Response { .. } => None,
        }
    }

    /// The Request-URI of a request, as it stood.
    pub fn request_uri_text(&self) -> Option<&str> {
        match &self.start {
            Start::Request { uri, .. } => Some(uri),
            Start::Response { .. } => None,
        }
    }

    /// The Request-URI of a request.
    pub fn request_uri(&self) -> Result<Uri, ParseError> {
        self.request_uri_text().ok_or(ParseError::StartLine)?.parse()
    }

    /// Whether a request is SIP/2.0; anything else calls for a 505. True for responses.
    pub fn is_version_2(&self) -> bool {
        match &self.start {
            Start::Request { version, .. } => version.eq_ignore_ascii_case("SIP/2.0"),
            Start::Response { .. } => true,
        }
    }

    /// The status code of a response, 100..=699.
    pub fn status(&self) -> Option<u16> {
        match &self.start {
            Start::Response { code, .. } => Some(*code),
            Start::Request { .. } => None,
        }
    }

    /// The reason phrase of a response; may be empty.
    pub fn reason(&self) -> Option<&str> {
        match &self.start {
            Start::Response { reason, .. } => Some(reason),
            Start::Request { .. } => None,
        }
    }

    /// The first header of that name, unfolded and trimmed.
    pub fn header(&self, name: Name) -> Option<&str> {
        self.headers(name).next()
    }

    /// Every header of that name, in order.
    pub fn headers(&self, name: Name) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |header| header.name == Some(name)).map(|header| self.text(header.value_at))
    }

    /// The first header with that name, in any case, known or not.
    pub fn header_named(&self, name: &str) -> Option<&str> {
        self.all_headers().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All headers as received, in order: name, value.
    pub fn all_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|header| (self.text(header.name_at), self.text(header.value_at)))
    }

    /// The body, at most Content-Length bytes.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// What is wrong with it, if anything.
    pub fn defect(&self) -> Option<Defect> {
        self.defect
    }

    fn text(&self, (start, end): (u32, u32)) -> &str {
        self.head.get(start as usize..end as usize).unwrap_or_default().trim_matches(is_lws)
    }
}

/// A line as text. Checking it whole is quicker than piece by piece, as replacing takes, and nearly all are good.
fn text(line: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(line).map_or_else(|_| String::from_utf8_lossy(line), Cow::Borrowed)
}

/// Takes a line off the front, without its line break.
fn take_line<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], ParseError> {
    let bytes = *rest;
    let end = bytes.iter().position(|b| *b == b'\n');
    let line = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    *rest = end.and_then(|end| bytes.get(end + 1..)).unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > MAX_LINE { Err(ParseError::LineTooLong) } else { Ok(line) }
}

fn offset(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
