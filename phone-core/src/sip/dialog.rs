//! Dialogs (RFC 3261 §12): who talks to whom, in which order, and by which way.

use super::message::{Contact, Message, Method, Name, NameAddr, Uri};
use super::outgoing::Outgoing;

/// Routes kept of a Record-Route.
const MAX_ROUTES: usize = 32;

/// One side of a dialog.
#[derive(Clone, Debug)]
pub struct Dialog {
    /// Call-ID.
    pub call_id: String,
    /// Our From (or To) with our tag.
    pub local: NameAddr,
    /// Theirs, with their tag, if they have said it.
    pub remote: NameAddr,
    /// Number of our last request.
    pub local_cseq: u32,
    /// Number of their last request.
    pub remote_cseq: Option<u32>,
    /// Route set, nearest hop first.
    pub route: Vec<String>,
    /// Where requests go in the end.
    pub target: Uri,
}

impl Dialog {
    /// The dialog a response to our request makes (RFC 3261 §12.1.2). `None` without a tag or a Contact.
    pub fn from_response(request: &Outgoing, response: &Message) -> Option<Self> {
        let remote = response.to().ok()?;
        remote.tag()?;
        Some(Self {
            call_id: request.call_id.clone(),
            local: request.from.parse().ok()?,
            remote,
            local_cseq: request.cseq,
            remote_cseq: None,
            // Nearest to us last: theirs is written the other way round.
            route: routes(response).rev().collect(),
            target: contact(response)?,
        })
    }

    /// The dialog a request makes that we answer with `local_tag` (RFC 3261 §12.1.1). `None` without a Contact.
    pub fn from_request(request: &Message, local_tag: &str, first_cseq: u32) -> Option<Self> {
        let mut local = request.to().ok()?;
        local.params.set("tag", Some(local_tag));
        Some(Self {
            call_id: request.call_id().ok()?.to_owned(),
            local,
            remote: request.from().ok()?,
            local_cseq: first_cseq,
            remote_cseq: request.cseq().ok().map(|cseq| cseq.number),
            route: routes(request).collect(),
            target: contact(request)?,
        })
    }

    /// Whether a request belongs here: Call-ID and both tags (RFC 3261 §12.2.2).
    pub fn owns(&self, request: &Message) -> bool {
        request.call_id().is_ok_and(|id| id == self.call_id)
            && request.to().is_ok_and(|to| to.tag() == self.local.tag())
            && request.from().is_ok_and(|from| from.tag() == self.remote.tag())
    }

    /// Whether a response is of this fork.
    pub fn answered_by(&self, response: &Message) -> bool {
        response.to().is_ok_and(|to| to.tag() == self.remote.tag())
    }

    /// Takes the number of a request in. False if it is out of order, to be answered 500 (RFC 3261 §12.2.2).
    pub fn in_order(&mut self, request: &Message) -> bool {
        let Ok(cseq) = request.cseq() else { return false };
        if self.remote_cseq.is_some_and(|last| cseq.number <= last) {
            return false;
        }
        self.remote_cseq = Some(cseq.number);
        true
    }

    /// A target refresh (RFC 3261 §12.2.1.2, §12.2.2): the Contact of a request or response moves the target.
    pub fn refresh(&mut self, message: &Message) {
        if let Some(target) = contact(message) {
            self.target = target;
        }
    }

    /// The next request. ACK and CANCEL take the number of their INVITE.
    pub fn request(&mut self, method: Method) -> Outgoing {
        if method != Method::Ack {
            self.local_cseq = (self.local_cseq + 1) & 0x7fff_ffff;
        }
        self.request_with(method, self.local_cseq)
    }

    /// A request with a number of its own (the ACK to an earlier INVITE).
    pub fn request_with(&self, method: Method, cseq: u32) -> Outgoing {
        let (local, remote) = (self.local.to_string(), self.remote.to_string());
        let mut request = Outgoing::new(method, self.target.clone(), local, remote, self.call_id.clone(), cseq);
        request.route.clone_from(&self.route);
        // A strict router wants itself in the Request-URI, and the target last (RFC 3261 §12.2.1.1).
        let first = self.route.first().and_then(|route| route.parse::<NameAddr>().ok());
        if let Some(strict) = first.filter(|first| !first.uri.params.contains("lr")) {
            request.route.remove(0);
            request.route.push(format!("<{}>", self.target));
            request.uri = strict.uri;
        }
        request
    }

    /// The URI of the next hop.
    pub fn next_hop(&self) -> Uri {
        let first = self.route.first().and_then(|route| route.parse::<NameAddr>().ok());
        first.map_or_else(|| self.target.clone(), |first| first.uri)
    }
}

fn routes(message: &Message) -> impl DoubleEndedIterator<Item = String> {
    let routes: Vec<String> = message.tokens(Name::RecordRoute).take(MAX_ROUTES).map(str::to_owned).collect();
    routes.into_iter()
}

/// The URI of the one Contact.
fn contact(message: &Message) -> Option<Uri> {
    match message.contacts().next()?.ok()? {
        Contact::Addr(addr) => Some(addr.uri),
        Contact::Star => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTED: &str = "Record-Route: <sip:b;lr>, <sip:a;lr>\r\n";

    fn invite(extra: &str) -> Message {
        let text = format!(
            "INVITE sip:1@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=them\r\nTo: <sip:1@x>\r\n\
             Call-ID: c\r\nCSeq: 5 INVITE\r\nContact: <sip:a@10.0.0.9:5070>\r\n{extra}\r\n"
        );
        Message::parse_datagram(text.as_bytes()).unwrap()
    }

    #[test]
    fn routes_are_followed_forwards_by_the_called_and_backwards_by_the_caller() {
        let called = Dialog::from_request(&invite(ROUTED), "us", 0).unwrap();
        assert_eq!(called.route, ["<sip:b;lr>", "<sip:a;lr>"]);
        let mut request = Outgoing::new(
            Method::Invite,
            "sip:1@x".parse().unwrap(),
            "<sip:a@x>;tag=us".into(),
            "<sip:1@x>".into(),
            "c".into(),
            5,
        );
        request.push(Name::Contact, "<sip:me>");
        let text = format!(
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=us\r\nTo: <sip:1@x>;tag=them\r\n\
             Call-ID: c\r\nCSeq: 5 INVITE\r\nContact: <sip:1@10.0.0.8>\r\n{ROUTED}\r\n"
        );
        let response = Message::parse_datagram(text.as_bytes()).unwrap();
        let mut caller = Dialog::from_response(&request, &response).unwrap();
        assert_eq!(caller.route, ["<sip:a;lr>", "<sip:b;lr>"]);
        let bye = caller.request(Method::Bye);
        assert_eq!((bye.cseq, bye.uri.to_string().as_str()), (6, "sip:1@10.0.0.8"));
        assert_eq!(caller.next_hop().to_string(), "sip:a;lr");
    }

    #[test]
    fn a_strict_router_is_in_the_request_uri() {
        let mut dialog = Dialog::from_request(&invite("Record-Route: <sip:old.example>\r\n"), "us", 0).unwrap();
        let bye = dialog.request(Method::Bye);
        assert_eq!(bye.uri.to_string(), "sip:old.example");
        assert_eq!(bye.route, ["<sip:a@10.0.0.9:5070>"]);
    }

    #[test]
    fn requests_out_of_order_and_of_other_dialogs_are_told_apart() {
        let mut dialog = Dialog::from_request(&invite(""), "us", 0).unwrap();
        let bye = |cseq: u32, tag: &str| {
            let text = format!(
                "BYE sip:1@x SIP/2.0\r\nFrom: <sip:a@x>;tag=them\r\nTo: <sip:1@x>;tag={tag}\r\nCall-ID: c\r\nCSeq: {cseq} BYE\r\n\r\n"
            );
            Message::parse_datagram(text.as_bytes()).unwrap()
        };
        assert!(dialog.owns(&bye(6, "us")) && !dialog.owns(&bye(6, "other")));
        assert!(!dialog.in_order(&bye(5, "us")));
        assert!(dialog.in_order(&bye(6, "us")) && !dialog.in_order(&bye(6, "us")));
    }
}
