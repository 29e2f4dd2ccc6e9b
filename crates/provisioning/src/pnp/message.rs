//! As much of a SIP message (RFC 3261 §7) as PnP needs: the start line, a few headers, the body, with limits. Strict:
//! what would be copied into an answer is printable.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

/// Longest packet looked at, in bytes; real ones have 700.
pub const MAX_PACKET: usize = 4096;
const MAX_HEADERS: usize = 48;
const MAX_LINE: usize = 1024;

/// Why a packet is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Too long as a whole, in a line, or in number of lines.
    #[error("a packet has at most {MAX_PACKET} bytes, {MAX_HEADERS} headers and {MAX_LINE} bytes a line")]
    TooLong,
    /// Not SIP.
    #[error("not a SIP message: {0}")]
    Malformed(&'static str),
    /// A header that is needed and absent, or there twice.
    #[error("the header {0} has to be there once")]
    Once(&'static str),
    /// A header that says something else than PnP does.
    #[error("{0}: {1}")]
    Header(&'static str, &'static str),
    /// Nothing says which phone it is.
    #[error("neither the request's address nor From, To or User-Agent names a MAC address")]
    NoMac,
}

/// The first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start<'a> {
    Request { method: &'a str, uri: &'a str },
    Response(u16),
}

/// A message as it came.
#[derive(Debug, Clone)]
pub(super) struct Message<'a> {
    pub start: Start<'a>,
    headers: Vec<(&'a str, Cow<'a, str>)>,
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    pub fn read(packet: &'a [u8]) -> Result<Self, Refusal> {
        if packet.len() > MAX_PACKET {
            return Err(Refusal::TooLong);
        }
        let (head, body) = split_head(packet).ok_or(Refusal::Malformed("no empty line behind the headers"))?;
        let head = std::str::from_utf8(head).map_err(|_| Refusal::Malformed("the headers are not UTF-8"))?;
        let mut lines = head.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        let start = start_line(lines.next().unwrap_or_default())?;
        let mut headers: Vec<(&str, Cow<'_, str>)> = Vec::new();
        for line in lines {
            if line.len() > MAX_LINE || headers.len() >= MAX_HEADERS {
                return Err(Refusal::TooLong);
            }
            if line.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
                return Err(Refusal::Malformed("a control character in a header"));
            }
            if line.starts_with([' ', '\t']) {
                // A folded line goes on with the one before (§7.3.1).
                let (_, value) = headers.last_mut().ok_or(Refusal::Malformed("the first header is folded"))?;
                *value = format!("{value} {}", line.trim()).into();
                if value.len() > MAX_LINE {
                    return Err(Refusal::TooLong);
                }
                continue;
            }
            let (name, value) = line.split_once(':').ok_or(Refusal::Malformed("a header without a colon"))?;
            headers.push((long_name(name.trim_end()), value.trim().into()));
        }
        let mut message = Self { start, headers, body };
        if let Some(length) = message.at_most_once("Content-Length")? {
            let length: usize = length.parse().map_err(|_| Refusal::Header("Content-Length", "not a number"))?;
            message.body = body.get(..length).ok_or(Refusal::Header("Content-Length", "the body is shorter"))?;
        }
        Ok(message)
    }

    /// All headers of a name, in their order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// The header, which has to be there once.
    pub fn once(&self, name: &'static str) -> Result<&str, Refusal> {
        self.at_most_once(name)?.ok_or(Refusal::Once(name))
    }

    /// The header, if it is there.
    pub fn at_most_once(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        let mut all = self.all(name);
        match (all.next(), all.next()) {
            (first, None) => Ok(first),
            _ => Err(Refusal::Once(name)),
        }
    }

    /// Number and method of the CSeq.
    pub fn cseq(&self) -> Result<(u32, &str), Refusal> {
        let text = self.once("CSeq")?;
        let (number, method) = text.split_once([' ', '\t']).ok_or(Refusal::Header("CSeq", "a number and a method"))?;
        let number = number.parse().map_err(|_| Refusal::Header("CSeq", "not a number below 2^32"))?;
        Ok((number, method.trim()))
    }

    /// The answer to this request (§8.2.6.2), with this tag where To has none.
    pub fn answer(&self, status: &str, tag: &str, more: &str) -> Option<Vec<u8>> {
        let vias: String = self.all("Via").map(|via| format!("Via: {via}\r\n")).collect();
        let (from, to) = (self.once("From").ok()?, self.once("To").ok()?);
        let tagged = if param(to, "tag").is_some() { to.to_owned() } else { format!("{to};tag={tag}") };
        let (call_id, cseq) = (self.once("Call-ID").ok()?, self.once("CSeq").ok()?);
        let text = format!(
            "SIP/2.0 {status}\r\n{vias}From: {from}\r\nTo: {tagged}\r\nCall-ID: {call_id}\r\nCSeq: {cseq}\r\n{more}\
             Content-Length: 0\r\n\r\n"
        );
        Some(text.into_bytes())
    }
}

/// Headers and body, divided by the first empty line.
fn split_head(packet: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = packet.windows(2).enumerate().find_map(|(at, pair)| match pair {
        b"\n\n" => Some((at, at + 2)),
        b"\n\r" if packet.get(at + 2) == Some(&b'\n') => Some((at, at + 3)),
        _ => None,
    })?;
    Some((packet.get(..end.0)?, packet.get(end.1..)?))
}

fn start_line(line: &str) -> Result<Start<'_>, Refusal> {
    let wrong = Refusal::Malformed("neither a request nor a response of SIP/2.0");
    if line.len() > MAX_LINE || line.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(wrong);
    }
    let mut words = line.split(' ');
    match (words.next(), words.next(), words.next()) {
        (Some("SIP/2.0"), Some(status), _) => {
            let status = status.parse().ok().filter(|status| (100..700).contains(status));
            status.map(Start::Response).ok_or(wrong)
        }
        (Some(method), Some(uri), Some("SIP/2.0")) if words.next().is_none() => {
            let token = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
            if token { Ok(Start::Request { method, uri }) } else { Err(wrong) }
        }
        _ => Err(wrong),
    }
}

/// Compact forms (§7.3.3 and RFC 6665 §8.2.1) in full.
fn long_name(name: &str) -> &str {
    match name {
        "v" => "Via",
        "f" => "From",
        "t" => "To",
        "i" => "Call-ID",
        "m" => "Contact",
        "l" => "Content-Length",
        "c" => "Content-Type",
        "o" => "Event",
        other => other,
    }
}

/// The value of a parameter behind the first part, without quotes; empty for one without a value.
pub(super) fn param<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    // What stands in angle brackets is the address's own.
    let behind = header.rsplit_once('>').map_or(header, |(_, behind)| behind);
    let (mut quoted, mut start, mut parts) = (false, 0, vec![]);
    for (at, byte) in behind.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b';' if !quoted => {
                parts.extend(behind.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(behind.get(start..));
    parts.into_iter().skip(1).find_map(|part| {
        let (own, value) = part.split_once('=').unwrap_or((part, ""));
        own.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

/// What stands before any parameter.
pub(super) fn bare(header: &str) -> &str {
    header.split(';').next().unwrap_or_default().trim()
}

/// Whether an Event is the one of PnP.
pub(super) fn is_ua_profile(event: &str) -> bool {
    bare(event).eq_ignore_ascii_case("ua-profile")
}

/// The address between angle brackets, or what stands before any parameter.
pub(super) fn address(header: &str) -> &str {
    match header.split_once('<').and_then(|(_, rest)| rest.split_once('>')) {
        Some((inside, _)) => inside,
        None => bare(header),
    }
}

/// Host and port of a SIP address, where the host is an IP address.
pub(super) fn socket_of(uri: &str) -> Option<SocketAddr> {
    let rest = uri.strip_prefix("sip:")?;
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    host_port(host.split([';', '?']).next()?, super::PORT)
}

/// `192.0.2.1:5060`, `192.0.2.1`, `[2001:db8::1]`.
pub(super) fn host_port(text: &str, default: u16) -> Option<SocketAddr> {
    let text = text.trim();
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return (socket.port() != 0).then_some(socket);
    }
    let ip: IpAddr = text.trim_matches(['[', ']']).parse().ok()?;
    Some(SocketAddr::new(ip, default))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_and_addresses_are_found_where_they_stand() {
        let from = "\"a;tag=no\" <sip:x@h;tag=no>;tag=yes;other";
        assert_eq!((param(from, "TAG"), param(from, "other"), param(from, "third")), (Some("yes"), Some(""), None));
        assert_eq!(param("ua-profile; vendor=\"a;b\";model=\"M\"", "model"), Some("M"));
        assert_eq!(address(from), "sip:x@h;tag=no");
        assert_eq!(address("sip:h:5080;ob"), "sip:h:5080");
        assert_eq!(socket_of("sip:512@10.0.0.90:5062;ob").unwrap().to_string(), "10.0.0.90:5062");
        assert_eq!(socket_of("sip:[2001:db8::1]").unwrap().to_string(), "[2001:db8::1]:5060");
        assert_eq!(socket_of("sip:phone.example"), None);
        assert_eq!(socket_of("sip:10.0.0.1:0"), None);
    }

    #[test]
    fn folded_lines_compact_names_and_bare_line_ends_are_read() {
        let packet = b"NOTIFY sip:a SIP/2.0\nf: <sip:b>\n ;tag=1\nl: 2\n\nabc";
        let message = Message::read(packet).unwrap();
        assert_eq!(message.once("From"), Ok("<sip:b> ;tag=1"));
        assert_eq!(message.body, b"ab");
    }

    #[test]
    fn what_is_too_much_or_not_sip_is_refused_with_its_reason() {
        let long = format!("SUBSCRIBE sip:a SIP/2.0\r\nX: {}\r\n\r\n", "x".repeat(MAX_LINE));
        let many = format!("SUBSCRIBE sip:a SIP/2.0\r\n{}\r\n", "X: y\r\n".repeat(MAX_HEADERS + 1));
        for (packet, wanted) in [
            (vec![b'x'; MAX_PACKET + 1], Refusal::TooLong),
            (long.into_bytes(), Refusal::TooLong),
            (many.into_bytes(), Refusal::TooLong),
            (b"".to_vec(), Refusal::Malformed("no empty line behind the headers")),
            (b"GET / HTTP/1.1\r\n\r\n".to_vec(), Refusal::Malformed("neither a request nor a response of SIP/2.0")),
            (b"SIP/2.0 99\r\n\r\n".to_vec(), Refusal::Malformed("neither a request nor a response of SIP/2.0")),
            (b"A b SIP/2.0\r\nX\r\n\r\n".to_vec(), Refusal::Malformed("a header without a colon")),
            (b"A b SIP/2.0\r\n x: y\r\n\r\n".to_vec(), Refusal::Malformed("the first header is folded")),
            (b"A b SIP/2.0\r\nX: \x07\r\n\r\n".to_vec(), Refusal::Malformed("a control character in a header")),
            (b"A b SIP/2.0\r\nl: 9\r\n\r\n".to_vec(), Refusal::Header("Content-Length", "the body is shorter")),
            (b"A b SIP/2.0\r\nl: 0\r\nl: 0\r\n\r\n".to_vec(), Refusal::Once("Content-Length")),
        ] {
            assert_eq!(Message::read(&packet).map(|_| ()), Err(wanted));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = Message::read(&bytes);
        }

        #[test]
        fn any_header_is_taken_apart(text in "\\PC{0,80}") {
            let _ = (param(&text, "tag"), address(&text), socket_of(&text), host_port(&text, 1));
        }
    }
}
