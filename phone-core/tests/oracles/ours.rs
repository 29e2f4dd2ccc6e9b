//! What phone-core reads.

use phone_core::sip::message::{Contact, Message, Name, NameAddr, Params, ParseError, Scheme, Uri};

use super::reading::{self, Reading, put, put_some};

pub fn read(bytes: &[u8]) -> Reading {
    let Ok(message) = Message::parse_datagram(bytes) else { return reading::unreadable() };
    let mut read = Reading::new();
    match message.status() {
        Some(status) => put(&mut read, "status", Ok::<_, ()>(status.to_string())),
        None => {
            put_some(&mut read, "method", message.method().map(|method| method.as_str().to_owned()));
            put(&mut read, "request-uri", message.request_uri().map(|one| uri(&one)));
        }
    }
    via(&mut read, &message);
    party(&mut read, ["from", "from.display", "from.tag"], message.from());
    party(&mut read, ["to", "to.display", "to.tag"], message.to());
    if message.header(Name::Contact).is_some() {
        let contacts: Result<Vec<String>, ParseError> =
            message.contacts().map(|one| one.map(|one| contact(&one))).collect();
        put(&mut read, "contacts", contacts.map(|list| list.join(", ")));
    }
    if message.header(Name::CSeq).is_some() {
        put(&mut read, "cseq", message.cseq().map(|cseq| cseq.to_string()));
    }
    put_some(&mut read, "call-id", message.header(Name::CallId).map(str::to_owned));
    for (field, name) in [("route", Name::Route), ("record-route", Name::RecordRoute)] {
        if message.header(name).is_some() {
            let routes: Result<Vec<String>, ParseError> =
                message.tokens(name).map(|route| route.parse().map(|one: NameAddr| address(&one))).collect();
            put(&mut read, field, routes.map(|list| list.join(", ")));
        }
    }
    if let Some(length) = message.header(Name::ContentLength) {
        put(&mut read, "content-length", length.parse::<u32>().map(|length| length.to_string()));
    }
    read
}

fn via(read: &mut Reading, message: &Message) {
    if message.header(Name::Via).is_none() {
        return;
    }
    let Ok(via) = message.top_via() else { return put(read, "via", Err::<String, ()>(())) };
    put(read, "via", Ok::<_, ()>(format!("{} {}", via.transport, via.sent_by).to_ascii_lowercase()));
    put_some(read, "via.branch", via.branch().map(str::to_owned));
    put_some(read, "via.received", via.params.value("received").map(str::to_owned));
    put_some(read, "via.rport", via.params.get("rport").map(|port| port.unwrap_or("asked").to_owned()));
}

fn party(read: &mut Reading, [field, display, tag]: [&'static str; 3], party: Result<NameAddr, ParseError>) {
    match party {
        Err(ParseError::Missing(_)) => {}
        Err(_) => put(read, field, Err::<String, ()>(())),
        Ok(party) => {
            put(read, field, Ok::<_, ()>(uri(&party.uri)));
            put_some(read, display, party.display.clone());
            put_some(read, tag, party.tag().map(str::to_owned));
        }
    }
}

fn contact(contact: &Contact) -> String {
    match contact {
        Contact::Star => "*".to_owned(),
        Contact::Addr(addr) => address(addr),
    }
}

fn address(addr: &NameAddr) -> String {
    format!("<{}>{}", uri(&addr.uri), params(&addr.params))
}

fn params(params: &Params) -> String {
    reading::params(params.iter())
}

fn uri(uri: &Uri) -> String {
    let scheme = match &uri.scheme {
        Scheme::Sip => "sip",
        Scheme::Sips => "sips",
        Scheme::Tel => "tel",
        Scheme::Other(other) => other,
    };
    let address = uri.address.as_ref().map(ToString::to_string).unwrap_or_default();
    reading::uri(scheme, uri.user_text().as_deref(), uri.password.as_deref(), &address, &params(&uri.params))
}
