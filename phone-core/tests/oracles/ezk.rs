//! What ezk-sip-types reads.

use ezk_sip_types::header::HeaderError;
use ezk_sip_types::header::typed::{CSeq, Contact, FromTo, Routing, Via};
use ezk_sip_types::msg::{Line, MessageLine, PullParser};
use ezk_sip_types::parse::Parse;
use ezk_sip_types::uri::params::Params;
use ezk_sip_types::uri::{SipUri, SipUriUserPart};
use ezk_sip_types::{Headers, Name};

use super::reading::{self, Reading, put, put_some};

pub fn read(bytes: &[u8]) -> Reading {
    split(bytes).map_or_else(reading::unreadable, |(start, headers)| fields(&start, &headers))
}

/// Start line and headers; `None` if it makes nothing of them.
fn split(bytes: &[u8]) -> Option<(MessageLine, Headers)> {
    let whole = bytes::Bytes::copy_from_slice(bytes);
    let mut lines = PullParser::new(&whole, 0);
    let start = std::str::from_utf8(lines.next()?.ok()?).ok()?;
    let (_, start) = MessageLine::parse(&whole)(start).ok()?;
    let mut headers = Headers::new();
    for line in lines {
        let line = std::str::from_utf8(line.ok()?).ok()?;
        let (_, line) = Line::parse(&whole, line).ok()?;
        headers.insert(line.name, line.value);
    }
    Some((start, headers))
}

fn fields(start: &MessageLine, headers: &Headers) -> Reading {
    let mut read = Reading::new();
    match start {
        MessageLine::Response(line) => put(&mut read, "status", Ok::<_, ()>(line.code.into_u16().to_string())),
        MessageLine::Request(line) => {
            put(&mut read, "method", Ok::<_, ()>(line.method.to_string()));
            put(&mut read, "request-uri", Ok::<_, ()>(uri(&line.uri)));
        }
    }
    match headers.try_get_named::<Via>() {
        None => {}
        Some(Err(error)) => put(&mut read, "via", Err::<String, _>(error)),
        Some(Ok(via)) => {
            let port = via.sent_by.port.map(|port| format!(":{port}")).unwrap_or_default();
            let sent = format!("{} {}{port}", via.transport, via.sent_by.host).to_ascii_lowercase();
            put(&mut read, "via", Ok::<_, ()>(sent));
            put_some(&mut read, "via.branch", via.params.get_val("branch").map(ToString::to_string));
            put_some(&mut read, "via.received", via.params.get_val("received").map(ToString::to_string));
            let rport = via.params.get("rport").map(|port| port.value.as_deref().unwrap_or("asked").to_owned());
            put_some(&mut read, "via.rport", rport);
        }
    }
    party(&mut read, ["from", "from.display", "from.tag"], headers.try_get(Name::FROM));
    party(&mut read, ["to", "to.display", "to.tag"], headers.try_get(Name::TO));
    if let Some(contacts) = headers.try_get_named::<Vec<Contact>>() {
        let one = |contact: &Contact| format!("<{}>{}", uri(&contact.uri.uri), params(&contact.params));
        put(&mut read, "contacts", contacts.map(|all| all.iter().map(one).collect::<Vec<_>>().join(", ")));
    }
    if let Some(cseq) = headers.try_get_named::<CSeq>() {
        put(&mut read, "cseq", cseq.map(|cseq| format!("{} {}", cseq.cseq, cseq.method)));
    }
    let raw = |name: Name| headers.get_raw(&name).next().map(|value| value.trim().to_owned());
    put_some(&mut read, "call-id", raw(Name::CALL_ID));
    for (field, name) in [("route", Name::ROUTE), ("record-route", Name::RECORD_ROUTE)] {
        if let Some(routes) = headers.try_get::<Vec<Routing>>(name) {
            let one = |route: &Routing| format!("<{}>{}", uri(&route.uri.uri), params(&route.params));
            put(&mut read, field, routes.map(|all| all.iter().map(one).collect::<Vec<_>>().join(", ")));
        }
    }
    if let Some(length) = raw(Name::CONTENT_LENGTH) {
        put(&mut read, "content-length", length.parse::<u32>().map(|length| length.to_string()));
    }
    read
}

fn party(read: &mut Reading, [field, display, tag]: [&'static str; 3], party: Option<Result<FromTo, HeaderError>>) {
    match party {
        None => {}
        Some(Err(error)) => put(read, field, Err::<String, _>(error)),
        Some(Ok(party)) => {
            put(read, field, Ok::<_, ()>(uri(&party.uri.uri)));
            put_some(read, display, party.uri.name.map(|name| name.to_string()).filter(|name| !name.is_empty()));
            put_some(read, tag, party.tag.map(|tag| tag.to_string()));
        }
    }
}

fn params<S>(params: &Params<S>) -> String
where
    Params<S>: std::fmt::Display,
{
    let text = params.to_string();
    // It undoes escapes when it reads and escapes when it writes.
    let pieces = text.split(';').filter(|piece| !piece.is_empty());
    reading::params(pieces.map(|piece| match piece.split_once('=') {
        Some((name, value)) => (reading::unescape(name), Some(reading::unescape(value.trim_matches('"')))),
        None => (reading::unescape(piece), None),
    }))
}

fn uri(uri: &SipUri) -> String {
    let (user, password) = match &uri.user_part {
        SipUriUserPart::Empty => (None, None),
        SipUriUserPart::User(user) => (Some(user.as_str()), None),
        SipUriUserPart::UserPw(both) => (Some(both.user.as_str()), Some(both.password.as_str())),
    };
    let port = uri.host_port.port.map(|port| format!(":{port}")).unwrap_or_default();
    let scheme = if uri.sips { "sips" } else { "sip" };
    reading::uri(scheme, user, password, &format!("{}{port}", uri.host_port.host), &params(&uri.uri_params))
}
