//! Answers to requests this phone does not serve (RFC 3261 §8.2), and OPTIONS (§11.2). A final answer is kept for
//! 64 × T1 (timer J, §17.2.2), so that a retransmission gets the same one.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use super::message::{Defect, Message, Method, Name, ResponseBuilder, Scheme, Uri};
use crate::rng::Rng;
use crate::time::Instant;

/// Timer J at the default T1.
const KEEP: Duration = Duration::from_secs(32);
/// Most answers kept; the oldest goes first.
const MOST_KEPT: usize = 64;
/// Largest answer with its key that is kept, bytes: together they stay below 256 KiB. Anything longer is answered anew
/// if it comes again.
const LARGEST_KEPT: usize = 4096;
/// What the phone serves today.
const ALLOW: &str = "OPTIONS, NOTIFY";

/// What goes back.
#[derive(Debug)]
pub struct Answer {
    /// The destination.
    pub to: SocketAddr,
    /// The response.
    pub bytes: Vec<u8>,
    /// The request was an accepted `check-sync`, and no copy of one.
    pub check_sync: bool,
}

struct Kept {
    key: String,
    until: Instant,
    to: SocketAddr,
    bytes: Vec<u8>,
}

/// The user agent server core.
pub struct Responder {
    user_agent: String,
    rng: Rng,
    kept: VecDeque<Kept>,
}

impl std::fmt::Debug for Responder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Responder({} kept)", self.kept.len())
    }
}

impl Responder {
    /// `user_agent` is put into `Server`.
    pub fn new(user_agent: &str, rng: Rng) -> Self {
        Self { user_agent: user_agent.to_owned(), rng, kept: VecDeque::new() }
    }

    /// The answer to `request`, and where it goes (RFC 3261 §18.2.2, RFC 3581 §4): always to the address it came
    /// from, so nobody is made to send at a third party. `None` for ACK and for what cannot be answered. `trusted`: it
    /// comes from a server the phone is registered with.
    pub fn answer(&mut self, now: Instant, request: &Message, from: SocketAddr, trusted: bool) -> Option<Answer> {
        let method = request.method()?;
        if *method == Method::Ack {
            return None;
        }
        // Without these there is nothing to hang a response on.
        let mut via = request.top_via().ok()?;
        let call_id = request.call_id().ok()?;
        let cseq = request.header(Name::CSeq)?;
        request.header(Name::From)?;
        request.header(Name::To)?;

        let key = format!(
            "{}\n{}\n{method}\n{from}\n{call_id}\n{cseq}\n{}",
            via.branch().unwrap_or_default(),
            via.sent_by,
            request.header(Name::From).unwrap_or_default(),
        );
        if let Some(kept) = self.kept.iter().find(|kept| kept.key == key && now < kept.until) {
            return Some(Answer { to: kept.to, bytes: kept.bytes.clone(), check_sync: false });
        }

        let port = if via.params.contains("rport") {
            via.params.set("rport", Some(&from.port().to_string()));
            from.port()
        } else {
            via.sent_by.port.unwrap_or(5060)
        };
        if via.params.contains("rport") || via.sent_by.host != super::message::Host::Address(from.ip()) {
            via.params.set("received", Some(&from.ip().to_string()));
        }
        let to = SocketAddr::new(from.ip(), port);
        let code = verdict(request, method, trusted);
        let check_sync = *method == Method::Notify && code == 200;
        let bytes = self.build(request, code, &via.to_string());
        if key.len() + bytes.len() <= LARGEST_KEPT {
            if self.kept.len() >= MOST_KEPT {
                self.kept.pop_front();
            }
            self.kept.push_back(Kept { key, until: now + KEEP, to, bytes: bytes.clone() });
        }
        Some(Answer { to, bytes, check_sync })
    }

    fn build(&mut self, request: &Message, code: u16, via: &str) -> Vec<u8> {
        let mut response = ResponseBuilder::new(request, code, via, &self.rng.token());
        if matches!(code, 200 | 405) {
            response = response.header(Name::Allow, ALLOW);
        }
        match code {
            200 => response = response.header(Name::Accept, "application/sdp"),
            420 => {
                let tags: Vec<&str> = request.tokens(Name::Require).collect();
                response = response.header(Name::Unsupported, tags.join(", "));
            }
            _ => {}
        }
        response.header(Name::Server, &self.user_agent).finish(&[])
    }

    /// Forgets old answers.
    pub fn handle_timeout(&mut self, now: Instant) {
        while self.kept.front().is_some_and(|kept| now >= kept.until) {
            self.kept.pop_front();
        }
    }

    /// Forgetting can wait: the store is bounded, and age is looked at on use. `None`, so an idle phone sleeps.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

/// The status a request gets, checked in the order of RFC 3261 §8.2.
fn verdict(request: &Message, method: &Method, trusted: bool) -> u16 {
    if !request.is_version_2() {
        return 505;
    }
    let readable = request.from().is_ok()
        && request.to().is_ok()
        && request.cseq().is_ok_and(|cseq| cseq.method == *method)
        && !matches!(request.defect(), Some(Defect::ContentLength | Defect::BodyShort | Defect::HeaderLine));
    if !readable {
        return 400;
    }
    if let Method::Other(_) = method {
        return 501;
    }
    match request.request_uri() {
        Err(_) => return 400,
        Ok(Uri { scheme: Scheme::Other(_), .. }) => return 416,
        Ok(_) => {}
    }
    let in_dialog = request.to().is_ok_and(|to| to.tag().is_some());
    match method {
        // Everybody can write From; only what comes from our own server is obeyed.
        Method::Notify if !in_dialog && is_check_sync(request) => {
            if trusted {
                200
            } else {
                403
            }
        }
        // There is neither a transaction to cancel nor a dialog or subscription to act in.
        Method::Cancel | Method::Bye | Method::Prack | Method::Notify => 481,
        _ if in_dialog => 481,
        Method::Options if request.tokens(Name::Require).next().is_some() => 420,
        Method::Options => 200,
        _ => 405,
    }
}

/// `Event: check-sync` with any parameters: the phone is to ask its management for news.
fn is_check_sync(request: &Message) -> bool {
    let event = request.header(Name::Event).and_then(|value| value.split(';').next());
    event.is_some_and(|event| event.trim().eq_ignore_ascii_case("check-sync"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: &str = "192.0.2.7:5066";

    fn ask(responder: &mut Responder, seconds: u64, text: &str) -> Option<(SocketAddr, Message, Vec<u8>)> {
        let request = Message::parse_datagram(text.as_bytes()).unwrap();
        let now = Instant::new(Duration::from_secs(seconds));
        let Answer { to, bytes, .. } = responder.answer(now, &request, FROM.parse().unwrap(), false)?;
        let message = Message::parse_datagram(&bytes).unwrap();
        Some((to, message, bytes))
    }

    fn request(method: &str, via: &str, extra: &str) -> String {
        format!(
            "{method} sip:100@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP {via}\r\nVia: SIP/2.0/UDP far;branch=z9hG4bK0\r\n\
             From: <sip:a@b>;tag=1\r\nTo: <sip:100@b>\r\nCall-ID: c\r\nCSeq: 7 {method}\r\n{extra}\r\n"
        )
    }

    fn code(method: &str, extra: &str) -> Option<u16> {
        let mut responder = Responder::new("UA", Rng::new(1, 0));
        ask(&mut responder, 0, &request(method, "h;branch=z9hG4bK1", extra)).and_then(|(_, m, _)| m.status())
    }

    #[test]
    fn options_is_answered_with_what_is_allowed() {
        let mut responder = Responder::new("Bellhop GHP621 1.0", Rng::new(1, 0));
        let text = request("OPTIONS", "192.0.2.7:5070;rport;branch=z9hG4bK1", "");
        let (to, answer, _) = ask(&mut responder, 0, &text).unwrap();
        assert_eq!(to, FROM.parse().unwrap());
        assert_eq!(answer.status(), Some(200));
        assert_eq!(answer.header(Name::Allow), Some("OPTIONS, NOTIFY"));
        assert_eq!(answer.header(Name::Server), Some("Bellhop GHP621 1.0"));
        assert_eq!(answer.vias().count(), 2);
        let via = answer.top_via().unwrap();
        assert_eq!((via.rport(), via.received()), (Some(5066), Some([192, 0, 2, 7].into())));
        assert!(answer.to().unwrap().tag().is_some());
        assert_eq!(answer.cseq().unwrap().number, 7);
    }

    #[test]
    fn without_rport_the_answer_goes_to_the_port_of_sent_by() {
        let mut responder = Responder::new("UA", Rng::new(1, 0));
        let (to, answer, _) = ask(&mut responder, 0, &request("OPTIONS", "10.0.0.1:5070;branch=z9hG4bK1", "")).unwrap();
        assert_eq!(to, "192.0.2.7:5070".parse().unwrap());
        assert_eq!(answer.top_via().unwrap().received(), Some([192, 0, 2, 7].into()));
    }

    #[test]
    fn a_retransmission_gets_the_same_answer_and_only_for_32_seconds() {
        let mut responder = Responder::new("UA", Rng::new(1, 0));
        let text = request("OPTIONS", "h;branch=z9hG4bK1", "");
        let (_, _, first) = ask(&mut responder, 0, &text).unwrap();
        assert_eq!(ask(&mut responder, 31, &text).unwrap().2, first);
        assert_ne!(ask(&mut responder, 32, &text).unwrap().2, first, "a new answer has a new tag");
        for n in 0..1000 {
            ask(&mut responder, 33, &request("OPTIONS", &format!("h;branch=z9hG4bK{n}"), ""));
        }
        assert!(responder.kept.len() <= MOST_KEPT);
        responder.handle_timeout(Instant::new(Duration::from_secs(100)));
        assert!(responder.kept.is_empty());
    }

    #[test]
    fn check_sync_is_taken_from_our_server_and_once() {
        let mut responder = Responder::new("UA", Rng::new(1, 0));
        let text = request("NOTIFY", "h;branch=z9hG4bK1", "Event: check-sync;reboot=false\r\n");
        let notify = Message::parse_datagram(text.as_bytes()).unwrap();
        let mut answer = |trusted| responder.answer(Instant::ZERO, &notify, FROM.parse().unwrap(), trusted).unwrap();
        assert!(answer(true).check_sync);
        assert!(!answer(true).check_sync, "a copy");
        assert_eq!(code("NOTIFY", "Event: check-sync\r\n"), Some(403));
        assert_eq!(code("NOTIFY", "Event: message-summary\r\n"), Some(481));
    }

    #[test]
    fn what_is_not_served_is_refused_as_fits() {
        assert_eq!(code("INVITE", ""), Some(405));
        assert_eq!(code("BYE", ""), Some(481));
        assert_eq!(code("CANCEL", ""), Some(481));
        assert_eq!(code("NOTIFY", ""), Some(481));
        assert_eq!(code("NEWMETHOD", ""), Some(501));
        assert_eq!(code("ACK", ""), None);
        assert_eq!(code("OPTIONS", "Require: gold\r\n"), Some(420));
        assert_eq!(code("OPTIONS", "Content-Length: 99\r\n"), Some(400));
        assert_eq!(code("OPTIONS", "no header\r\n"), Some(400));
    }
}
