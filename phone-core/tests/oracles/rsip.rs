//! What rsip reads.

use rsip::common::uri::Param;
use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::message::{HasHeaders, HeadersExt};
use rsip::{Error, Header, Scheme, SipMessage, Uri};

use super::reading::{self, Reading, put, put_some};

pub fn read(bytes: &[u8]) -> Reading {
    let Ok(message) = SipMessage::try_from(bytes) else { return reading::unreadable() };
    let mut read = Reading::new();
    match &message {
        SipMessage::Response(response) => {
            put(&mut read, "status", Ok::<_, ()>(response.status_code.code().to_string()));
        }
        SipMessage::Request(request) => {
            put(&mut read, "method", Ok::<_, ()>(request.method.to_string()));
            put(&mut read, "request-uri", Ok::<_, ()>(uri(&request.uri)));
        }
    }
    if let Ok(header) = message.via_header() {
        match header.typed() {
            Err(error) => put(&mut read, "via", Err::<String, _>(error)),
            Ok(via) => {
                let sent = format!("{} {}", via.transport, via.uri.host_with_port).to_ascii_lowercase();
                put(&mut read, "via", Ok::<_, ()>(sent));
                put_some(&mut read, "via.branch", value(&via.params, "branch").flatten());
                put_some(&mut read, "via.received", value(&via.params, "received").flatten());
                put_some(
                    &mut read,
                    "via.rport",
                    value(&via.params, "rport").map(|port| port.unwrap_or("asked".into())),
                );
            }
        }
    }
    if let Ok(header) = message.from_header() {
        let from = header.typed().map(|from| (from.display_name, from.uri, from.params));
        party(&mut read, ["from", "from.display", "from.tag"], from);
    }
    if let Ok(header) = message.to_header() {
        let to = header.typed().map(|to| (to.display_name, to.uri, to.params));
        party(&mut read, ["to", "to.display", "to.tag"], to);
    }
    let contacts = message.contact_headers();
    if !contacts.is_empty() {
        let one = |contact: &&rsip::headers::Contact| {
            contact.typed().map(|one| format!("<{}>{}", uri(&one.uri), params(&one.params)))
        };
        let contacts: Result<Vec<String>, Error> = contacts.iter().map(one).collect();
        put(&mut read, "contacts", contacts.map(|list| list.join(", ")));
    }
    if let Ok(header) = message.cseq_header() {
        put(&mut read, "cseq", header.typed().map(|cseq| format!("{} {}", cseq.seq, cseq.method)));
    }
    if let Ok(header) = message.call_id_header() {
        put(&mut read, "call-id", Ok::<_, ()>(header.value().to_owned()));
    }
    routes(&mut read, &message);
    let length = message.headers().iter().find_map(|header| match header {
        Header::ContentLength(length) => Some(length.value().parse::<u32>().map(|length| length.to_string())),
        _ => None,
    });
    if let Some(length) = length {
        put(&mut read, "content-length", length);
    }
    read
}

fn routes(read: &mut Reading, message: &SipMessage) {
    for field in ["route", "record-route"] {
        let lists = message.headers().iter().filter_map(|header| match header {
            Header::Route(route) if field == "route" => Some(route.typed().map(|route| route.uris().to_vec())),
            Header::RecordRoute(route) if field == "record-route" => {
                Some(route.typed().map(|route| route.uris().to_vec()))
            }
            _ => None,
        });
        let lists: Vec<Result<Vec<rsip::common::uri::UriWithParams>, Error>> = lists.collect();
        if lists.is_empty() {
            continue;
        }
        let all: Result<Vec<_>, Error> = lists.into_iter().collect();
        let one = |route: &rsip::common::uri::UriWithParams| format!("<{}>{}", uri(&route.uri), params(&route.params));
        put(read, field, all.map(|all| all.concat().iter().map(one).collect::<Vec<_>>().join(", ")));
    }
}

type Party = (Option<String>, Uri, Vec<Param>);

fn party(read: &mut Reading, [field, display, tag]: [&'static str; 3], party: Result<Party, Error>) {
    match party {
        Err(error) => put(read, field, Err::<String, _>(error)),
        Ok((name, address, params)) => {
            put(read, field, Ok::<_, ()>(uri(&address)));
            put_some(read, display, reading::display(name.as_deref()));
            put_some(read, tag, value(&params, "tag").flatten());
        }
    }
}

/// Each parameter as rsip writes it: `;name=value`.
fn pairs(params: &[Param]) -> Vec<(String, Option<String>)> {
    let pair = |param: &Param| {
        let text = param.to_string();
        let text = text.strip_prefix(';').unwrap_or(&text);
        match text.split_once('=') {
            // Names are kept as text only of parameters rsip does not know; quotes are kept.
            Some((name, value)) => (name.to_owned(), Some(value.trim().trim_matches('"').to_owned())),
            None => (text.to_owned(), None),
        }
    };
    params.iter().map(pair).collect()
}

fn params(params: &[Param]) -> String {
    reading::params(pairs(params))
}

fn value(params: &[Param], name: &str) -> Option<Option<String>> {
    pairs(params).into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn uri(uri: &Uri) -> String {
    let scheme = uri.scheme.clone().unwrap_or(Scheme::Sip).to_string();
    let user = uri.auth.as_ref().map(|auth| reading::unescape(&auth.user));
    let password = uri.auth.as_ref().and_then(|auth| auth.password.as_deref());
    let address = uri.host_with_port.to_string();
    reading::uri(&scheme.to_ascii_lowercase(), user.as_deref(), password, &address, &params(&uri.params))
}
