//! The call that comes (RFC 3261 §13.3).

use std::time::Duration;

use super::outgoing::session_description;
use super::session_timer::{self, SessionTimer};
use super::{Call, CallEvent, CallId, Ctx, Described, End, EndedBy, Stage};
use crate::phone::cause;
use crate::sdp::{LocalMedia, Negotiator};
use crate::sip::dialog::Dialog;
use crate::sip::inbox::{Answer, IncomingId};
use crate::sip::message::{Message, Name};

/// How often a caller hears that it still rings.
const RING_AGAIN: Duration = Duration::from_secs(60);

impl Call {
    /// Takes an INVITE that makes a new call, and rings. `Err` is the answer for one that cannot be taken.
    pub fn incoming(
        ctx: &mut Ctx<'_>,
        id: CallId,
        incoming: IncomingId,
        request: &Message,
        peer: super::Peer,
        media: LocalMedia,
    ) -> Result<Self, Answer> {
        let timer = &ctx.line.settings.session_timer;
        if let Some(least) = session_timer::too_small(timer, request) {
            return Err(Answer::new(422).with(Name::MinSe, least));
        }
        if request.header(Name::ContentType).is_some() && !request.body().is_empty() {
            let readable = session_description(request).is_some();
            if !readable {
                return Err(Answer::new(415).with(Name::Accept, "application/sdp"));
            }
        }
        let sdp = Negotiator::new(media, &mut ctx.line.rng);
        let mut call = Self::blank(id, ctx, false, Stage::Incoming, sdp);
        call.peer = peer;
        call.incoming = Some(incoming);
        call.offer = session_description(request).map(str::to_owned);
        if let Some(offer) = &call.offer {
            // On a copy: it is answered when the phone is.
            if let Err(refusal) = call.sdp.clone().answer(offer, call.direction()) {
                let (code, text) = refusal.warning();
                let warning = format!("{code} {} \"{text}\"", ctx.line.identity.host());
                return Err(Answer::new(refusal.status()).with(Name::Warning, warning));
            }
        }
        let tag = ctx.inbox.tag(incoming).unwrap_or_default().to_owned();
        call.dialog = Dialog::from_request(request, &tag, call.cseq);
        if call.dialog.is_none() {
            return Err(Answer::new(400));
        }
        if let Some(arrival) = ctx.inbox.arrival(incoming)
            && !ctx.line.locator.ways().iter().any(|way| way.target.address.ip() == arrival.from.ip())
            && request.header(Name::RecordRoute).is_none()
        {
            // Somebody called us by our address: what he wrote into Contact may be no way back.
            call.direct = Some(crate::sip::transport::Target {
                transport: arrival.transport,
                address: arrival.from,
                name: String::new(),
            });
        }
        call.learn_peer(request);
        Ok(call)
    }

    /// Says that it rings here.
    pub fn ring(&mut self, ctx: &mut Ctx<'_>) {
        let Some(id) = self.incoming.filter(|_| self.stage == Stage::Incoming) else { return };
        let mut answer = Answer::new(180);
        answer.headers = self.session_headers(ctx);
        self.respond_provisionally(ctx, id, answer);
        self.ring_again_at = Some(ctx.now + RING_AGAIN);
    }

    pub(super) fn ringing_timeout(&mut self, ctx: &mut Ctx<'_>) {
        if self.ring_again_at.is_some_and(|at| ctx.now >= at) {
            self.ring_again_at = None;
            self.ring(ctx);
        }
    }

    /// Answers.
    pub fn accept(&mut self, ctx: &mut Ctx<'_>) {
        let Some(id) = self.incoming.filter(|_| self.stage == Stage::Incoming) else { return };
        if !self.reliable.may_answer() {
            // The other side has not confirmed what came before (RFC 3262 §3).
            self.reliable.answer_when_confirmed = true;
            return;
        }
        let body = match self.offer.take() {
            Some(offer) => match self.sdp.answer(&offer, self.direction()) {
                Ok(answer) => Some(answer),
                Err(refusal) => return self.reject(ctx, refusal.status()),
            },
            // Our offer and its answer went with the 180 and its PRACK.
            None if self.sdp.agreed().is_some() => None,
            None => {
                self.answer_in_ack = true;
                Some(self.sdp.offer(self.direction()))
            }
        };
        let request = ctx.inbox.request(id).cloned();
        let mut answer = Answer::new(200);
        answer.headers = self.session_headers(ctx);
        if let Some(request) = &request {
            let (timer, headers) = SessionTimer::as_callee(ctx.now, &ctx.line.settings.session_timer, request);
            self.timer = timer;
            answer.headers.extend(headers);
        }
        answer.body = body;
        ctx.inbox.respond(ctx.now, id, &answer);
        self.enter(ctx.now, Stage::Answering);
        self.tell(CallEvent::Up);
        if !self.answer_in_ack {
            self.media_changed(Described::Offer);
        }
    }

    /// Turns the caller away.
    pub fn reject(&mut self, ctx: &mut Ctx<'_>, code: u16) {
        let Some(id) = self.incoming.filter(|_| self.stage == Stage::Incoming) else { return };
        self.reliable.stop();
        ctx.inbox.respond(ctx.now, id, &Answer::new(code));
        self.ended(ctx.now, EndedBy::Us, code, "turned away");
        self.over(ctx);
    }

    /// Sends the caller to somebody else (302).
    pub fn deflect(&mut self, ctx: &mut Ctx<'_>, contact: String) {
        let Some(id) = self.incoming.filter(|_| self.stage == Stage::Incoming) else { return };
        ctx.inbox.respond(ctx.now, id, &Answer::new(302).with(Name::Contact, contact));
        self.ended(ctx.now, EndedBy::Us, 302, "sent elsewhere");
        self.over(ctx);
    }

    /// The caller took it back.
    pub fn cancelled_by_caller(&mut self, ctx: &mut Ctx<'_>, cancel: &Message) {
        let Some(id) = self.incoming.filter(|_| self.stage == Stage::Incoming) else { return };
        self.reliable.stop();
        ctx.inbox.respond(ctx.now, id, &Answer::new(487));
        let elsewhere = cause(cancel) == Some(200);
        let reason = if elsewhere { "answered elsewhere" } else { "the caller gave up" };
        self.ended_as(ctx.now, End { by: EndedBy::Them, code: 487, reason: reason.to_owned(), elsewhere });
        self.over(ctx);
    }

    /// The ACK to our 2xx, of the call or of a change.
    pub(super) fn acknowledged(&mut self, ctx: &mut Ctx<'_>, ack: &Message) {
        let id = match (self.stage, self.modify.theirs) {
            (Stage::Answering, _) => self.incoming,
            _ if self.bye_when_confirmed => self.incoming,
            (_, Some(theirs)) => Some(theirs),
            _ => None,
        };
        let Some(id) = id else { return };
        let wanted = ctx.inbox.request(id).and_then(|invite| invite.cseq().ok()).map(|cseq| cseq.number);
        if ack.cseq().ok().map(|cseq| cseq.number) != wanted {
            return;
        }
        ctx.inbox.acknowledged(ctx.now, id);
        if std::mem::take(&mut self.bye_when_confirmed) {
            return self.send_bye(ctx, None);
        }
        self.modify.theirs = None;
        if std::mem::take(&mut self.answer_in_ack) {
            let answered = match session_description(ack) {
                Some(answer) => self.sdp.answered(answer).map_err(|refusal| refusal.to_string()),
                None => Err("the ACK brought no answer".to_owned()),
            };
            if let Err(why) = answered {
                self.sdp.rollback();
                if self.sdp.agreed().is_none() {
                    self.enter(ctx.now, Stage::Up);
                    return self.fail(ctx, 488, &why);
                }
            }
            self.media_changed(Described::Answer);
        }
        if self.stage == Stage::Answering {
            self.enter(ctx.now, Stage::Up);
        }
        self.modify_next(ctx);
    }

    /// Nobody acknowledged an answer of ours (RFC 3261 §13.3.1.4).
    pub fn unacknowledged(&mut self, ctx: &mut Ctx<'_>, id: IncomingId) {
        let ours = self.incoming == Some(id) || self.modify.theirs == Some(id);
        if ours && std::mem::take(&mut self.bye_when_confirmed) {
            return self.send_bye(ctx, None);
        }
        if ours && self.is_up() {
            self.fail(ctx, 408, "the answer was not confirmed");
        }
    }
}
