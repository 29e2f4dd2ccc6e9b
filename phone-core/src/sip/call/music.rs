//! "Music On Hold URI" (RFC 7088): the held party hears a music server. It is asked for an offer, which goes to the server,
//! whose answer goes back to it; our own audio is out of it until something is agreed with us again. A server that does not
//! play costs nothing but a moment: the party is then held as usual.

use std::time::Duration;

use super::modify::Change;
use super::outgoing::session_description;
use super::{Call, CallEvent, Ctx, Described};
use crate::sdp::Direction;
use crate::sip::auth::Authorizer;
use crate::sip::dialog::Dialog;
use crate::sip::identity::ALLOW;
use crate::sip::inbox::{Answer, IncomingId};
use crate::sip::line::{Acknowledgement, RequestId};
use crate::sip::message::{Message, Method, Name, NameAddr, Uri};
use crate::sip::outgoing::Outgoing;
use crate::time::Instant;

/// How long the server may take, while the held party waits for the ACK.
const PATIENCE: Duration = Duration::from_secs(5);

/// The music of one call.
#[derive(Debug)]
pub(super) struct Music {
    auth: Authorizer,
    /// The INVITE to the server.
    request: RequestId,
    until: Instant,
    /// Our re-INVITE that the held party answered with this offer: it waits for the ACK.
    waiting: Option<(RequestId, String)>,
    dialog: Option<Dialog>,
    /// For copies of the 2xx.
    ack: Option<Acknowledgement>,
}

impl Music {
    pub fn sent(&self, id: RequestId) -> bool {
        self.request == id
    }

    pub fn owns(&self, request: &Message) -> bool {
        self.dialog.as_ref().is_some_and(|dialog| dialog.owns(request))
    }

    /// The held party hears it.
    pub fn plays(&self) -> bool {
        self.dialog.is_some()
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        Some(self.until).filter(|_| self.dialog.is_none())
    }
}

impl Call {
    /// Whom held parties hear, if that is set.
    pub(super) fn music_uri(&self, ctx: &Ctx<'_>) -> Option<Uri> {
        let text = ctx.line.settings.calls.music_on_hold.as_str();
        if text.is_empty() {
            return None;
        }
        let uri = match text.contains(':') {
            true => text.parse().ok(),
            false if text.contains('@') => format!("sip:{text}").parse().ok(),
            false => ctx.line.address_of(text).map(|address| address.uri),
        };
        uri.map(|uri| ctx.line.scheme(uri))
    }

    /// The party to be held has made its offer: on it goes.
    pub(super) fn begin_music(&mut self, ctx: &mut Ctx<'_>, id: RequestId, message: &Message) {
        if self.music.as_ref().is_some_and(|music| music.waiting.as_ref().is_some_and(|(waiting, _)| *waiting == id)) {
            // A copy.
            return;
        }
        let Some(offer) = session_description(message).map(str::to_owned) else {
            self.acknowledge_change(ctx, id, None);
            return self.hold_without_music(ctx);
        };
        // It may have played before.
        self.stop_music(ctx);
        let sent = self.music_uri(ctx).and_then(|uri| invite_music(ctx, uri, &receiving_only(&offer)));
        let waiting = Some((id, offer));
        match sent {
            Some(request) => {
                let (auth, until) = (Authorizer::default(), ctx.now + PATIENCE);
                self.music = Some(Music { auth, request, until, waiting, dialog: None, ack: None });
            }
            None => self.finish_hold(ctx, waiting, None),
        }
    }

    /// The usual hold, after the party did not take part in the other.
    pub(super) fn hold_without_music(&mut self, ctx: &mut Ctx<'_>) {
        self.modify.plain = true;
        if let Some(change) = self.modify.done().filter(|change| *change != Change::Music) {
            self.modify.held &= change != Change::Hold;
            self.modify.again(change);
        }
        self.modify_next(ctx);
    }

    /// Something else is agreed with the held party than what the server plays: it is to play again.
    pub(super) fn interrupt_music(&mut self, ctx: &mut Ctx<'_>) {
        let played = self.music.as_ref().is_some_and(Music::plays);
        self.stop_music(ctx);
        if played && self.modify.held {
            self.modify.later(Change::Music);
        }
    }

    /// Confirms the hold with the server's answer, or with ours.
    fn finish_hold(&mut self, ctx: &mut Ctx<'_>, waiting: Option<(RequestId, String)>, answer: Option<&str>) {
        let Some((id, offer)) = waiting else { return };
        let change = self.modify.done();
        let ours = match answer {
            Some(_) => None,
            None => self.sdp.answer(&offer, Direction::SendOnly).ok(),
        };
        let body = answer.map(str::to_owned).or_else(|| ours.clone());
        let described = body.is_some();
        self.acknowledge_change(ctx, id, body);
        if !described {
            return self.fail(ctx, 488, "the offer cannot be answered");
        }
        if ours.is_some() {
            self.media_changed(Described::Offer);
        }
        if change == Some(Change::Hold) {
            self.tell(CallEvent::Held(true));
        }
        self.modify_next(ctx);
    }

    pub(super) fn music_answered(&mut self, ctx: &mut Ctx<'_>, id: RequestId, status: u16, message: &Message) {
        let Some(music) = &mut self.music else { return };
        match status {
            100..200 => {}
            200..300 => {
                if let Some(ack) = &music.ack {
                    return ctx.line.acknowledge_again(ack);
                }
                let dialog = ctx.line.request(id).and_then(|request| Dialog::from_response(request, message));
                let target = dialog.as_ref().and_then(|dialog| ctx.line.hop(&dialog.next_hop()));
                let (Some(dialog), Some(target)) = (dialog, target) else { return self.without_music(ctx) };
                let ack = dialog.request_with(Method::Ack, dialog.local_cseq);
                music.ack = Some(ctx.line.acknowledge(ack, target));
                music.dialog = Some(dialog);
                match session_description(message) {
                    Some(answer) => {
                        let waiting = music.waiting.take();
                        self.finish_hold(ctx, waiting, Some(answer));
                    }
                    None => self.without_music(ctx),
                }
            }
            401 | 407 => {
                let cseq = ctx.line.request(id).map_or(1, |request| request.cseq + 1);
                match ctx.line.answer_challenge(ctx.now, &mut music.auth, id, message, cseq) {
                    Ok(id) => music.request = id,
                    Err(_) => self.without_music(ctx),
                }
            }
            _ => self.without_music(ctx),
        }
    }

    /// The server does not play.
    pub(super) fn without_music(&mut self, ctx: &mut Ctx<'_>) {
        let waiting = self.music.as_mut().and_then(|music| music.waiting.take());
        self.stop_music(ctx);
        self.finish_hold(ctx, waiting, None);
    }

    pub(super) fn music_timeout(&mut self, ctx: &mut Ctx<'_>) {
        if self.music.as_ref().and_then(Music::poll_timeout).is_some_and(|until| ctx.now >= until) {
            self.without_music(ctx);
        }
    }

    /// Takes leave of the server: our own audio counts again, or the call is over. A party that still waits for its ACK
    /// gets one, so that a BYE may follow.
    pub(super) fn stop_music(&mut self, ctx: &mut Ctx<'_>) {
        let Some(mut music) = self.music.take() else { return };
        if let Some((id, offer)) = music.waiting.take() {
            let body = self.sdp.answer(&offer, Direction::SendOnly).ok();
            self.acknowledge_change(ctx, id, body);
        }
        let Some(dialog) = &mut music.dialog else {
            // An answer that is faster is confirmed and hung up (`late`).
            return ctx.line.cancel(ctx.now, music.request);
        };
        let mut bye = dialog.request(Method::Bye);
        let Some(target) = ctx.line.hop(&dialog.next_hop()) else { return };
        ctx.line.sign(&mut bye);
        ctx.line.authorize(&mut music.auth, &mut bye);
        // Nobody waits for its answer.
        ctx.line.send_to(ctx.now, bye, target);
    }

    /// A request of the server's.
    pub(super) fn music_request(&mut self, ctx: &mut Ctx<'_>, id: IncomingId, request: &Message) {
        let Some(dialog) = self.music.as_mut().and_then(|music| music.dialog.as_mut()) else { return };
        if !dialog.in_order(request) {
            return ctx.inbox.respond(ctx.now, id, &Answer::new(500).with(Name::RetryAfter, 1));
        }
        match request.method() {
            Some(Method::Bye) => {
                ctx.inbox.respond(ctx.now, id, &Answer::new(200));
                self.music = None;
                // The held party is to send to us again, and hear nothing.
                self.modify.again(Change::Move);
                self.modify_next(ctx);
            }
            Some(Method::Options) => ctx.inbox.respond(ctx.now, id, &Answer::new(200)),
            // What is agreed here stays so: the held party would have to be asked.
            Some(Method::Invite | Method::Update) => ctx.inbox.respond(ctx.now, id, &Answer::new(488)),
            _ => ctx.inbox.respond(ctx.now, id, &Answer::new(405)),
        }
    }
}

fn invite_music(ctx: &mut Ctx<'_>, uri: Uri, offer: &str) -> Option<RequestId> {
    let way = ctx.line.locator.way()?.clone();
    let mut from = ctx.line.address_of_record()?;
    from.params.set("tag", Some(&ctx.line.rng.token()));
    let (call_id, cseq) = (ctx.line.call_id(), ctx.line.first_cseq() + 1);
    let to = NameAddr::new(uri.clone()).to_string();
    let mut request = Outgoing::new(Method::Invite, uri, from.to_string(), to, call_id, cseq);
    request.route = ctx.line.preloaded_route();
    request.push(Name::Contact, ctx.line.contact()?);
    request.push(Name::Allow, ALLOW);
    let mut request = request.body("application/sdp", offer);
    ctx.line.sign(&mut request);
    ctx.line.send_way(ctx.now, request, way)
}

/// The offer of somebody who only listens (RFC 7088 §2.3): whatever the server answers, it is the one who sends.
fn receiving_only(offer: &str) -> String {
    let mut directed = false;
    let mut lines: Vec<&str> = Vec::new();
    for line in offer.lines() {
        let turned = match line {
            "a=sendrecv" | "a=recvonly" => "a=recvonly",
            "a=sendonly" | "a=inactive" => "a=inactive",
            other => other,
        };
        directed |= matches!(turned, "a=recvonly" | "a=inactive");
        lines.push(turned);
    }
    if !directed {
        // For every stream that follows.
        let at = lines.iter().position(|line| line.starts_with("m=")).unwrap_or(lines.len());
        lines.insert(at, "a=recvonly");
    }
    lines.join("\r\n") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_turned_into_that_of_a_listener() {
        let head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n";
        let media = "m=audio 4000 RTP/AVP 0\r\n";
        assert_eq!(receiving_only(&format!("{head}{media}")), format!("{head}a=recvonly\r\n{media}"));
        for (said, turned) in
            [("sendrecv", "recvonly"), ("recvonly", "recvonly"), ("sendonly", "inactive"), ("inactive", "inactive")]
        {
            let offer = format!("{head}{media}a={said}\r\n");
            assert_eq!(receiving_only(&offer), format!("{head}{media}a={turned}\r\n"));
        }
    }
}
