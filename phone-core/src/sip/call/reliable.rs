//! Provisional answers that are acknowledged (RFC 3262), from both sides.

use std::time::Duration;

use super::outgoing::session_description;
use super::{Call, Ctx};
use crate::sip::inbox::{Answer, IncomingId};
use crate::sip::message::{Message, Method, Name};
use crate::time::Instant;

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Reliable {
    /// The last RSeq taken, of the fork with this tag.
    heard: Vec<(String, u32)>,
    /// Our own last answer, until it is confirmed.
    sent: Option<Sent>,
    rseq: u32,
    /// The call was answered meanwhile: the 2xx follows the PRACK.
    pub answer_when_confirmed: bool,
}

#[derive(Debug)]
struct Sent {
    incoming: IncomingId,
    answer: Answer,
    interval: Duration,
    again_at: Instant,
    until: Instant,
    /// It carried our answer or offer.
    described: bool,
}

impl Reliable {
    pub fn stop(&mut self) {
        self.sent = None;
    }

    /// Whether the call may be answered finally: not while a session description waits to be confirmed.
    pub fn may_answer(&self) -> bool {
        self.sent.as_ref().is_none_or(|sent| !sent.described)
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.sent.as_ref().map(|sent| sent.again_at.min(sent.until))
    }
}

fn has(message: &Message, name: Name, tag: &str) -> bool {
    message.tokens(name).any(|one| one.eq_ignore_ascii_case(tag))
}

impl Call {
    /// As the caller: confirms a reliable provisional answer. False for one that is out of order, or a copy.
    pub(super) fn acknowledge_provisional(&mut self, ctx: &mut Ctx<'_>, message: &Message) -> bool {
        if !has(message, Name::Require, "100rel") {
            return true;
        }
        let rseq = message.header(Name::RSeq).and_then(crate::sip::message::delta_seconds);
        let (Some(rseq), Ok(cseq)) = (rseq, message.cseq()) else { return false };
        let tag = message.to().ok().and_then(|to| to.tag().map(str::to_owned)).unwrap_or_default();
        // Of forks that are known only: there are not many of those.
        let Some(fork) = self.forks.iter_mut().find(|fork| fork.answered_by(message)) else { return false };
        match self.reliable.heard.iter_mut().find(|(known, _)| *known == tag) {
            Some((_, last)) if rseq == last.wrapping_add(1) => *last = rseq,
            Some(_) => return false,
            None => self.reliable.heard.push((tag, rseq)),
        }
        let mut prack = fork.request(Method::Prack);
        prack.push(Name::RAck, format_args!("{rseq} {} {}", cseq.number, cseq.method));
        let target = self.direct.clone().or_else(|| ctx.line.hop(&fork.next_hop()));
        self.auth.begin_round();
        ctx.line.sign(&mut prack);
        ctx.line.authorize(&mut self.auth, &mut prack);
        if let Some(id) = target.and_then(|target| ctx.line.send_to(ctx.now, prack, target)) {
            self.minor.push(id);
        }
        true
    }

    /// As the called: sends a provisional answer, reliably where the caller wants that, or both can and the settings say so.
    pub(super) fn respond_provisionally(&mut self, ctx: &mut Ctx<'_>, id: IncomingId, mut answer: Answer) {
        let Some(request) = ctx.inbox.request(id) else { return };
        let required = has(request, Name::Require, "100rel");
        let possible = has(request, Name::Supported, "100rel") && ctx.line.settings.reliable_provisional;
        if self.reliable.sent.is_some() {
            // One at a time (§3).
            return;
        }
        // Without an offer in the INVITE, the first reliable answer would have to bring ours (§5).
        let offers = self.offer.is_none() && self.sdp.agreed().is_none() && answer.body.is_none();
        if required && offers {
            answer.body = Some(self.sdp.offer(self.direction()));
        }
        if required || (possible && !offers) {
            self.reliable.rseq = match self.reliable.rseq {
                0 => 1 + u32::try_from(ctx.line.rng.next_u64() % 1_000_000).unwrap_or_default(),
                last => last + 1,
            };
            answer = answer.with(Name::Require, "100rel").with(Name::RSeq, self.reliable.rseq);
            let timers = ctx.line.settings.timers(false);
            self.reliable.sent = Some(Sent {
                incoming: id,
                described: answer.body.is_some(),
                answer: answer.clone(),
                interval: timers.t1,
                again_at: ctx.now + timers.t1,
                until: ctx.now + timers.give_up,
            });
        }
        ctx.inbox.respond(ctx.now, id, &answer);
    }

    /// As the called: the caller confirms.
    pub(super) fn confirmed(&mut self, ctx: &mut Ctx<'_>, id: IncomingId, prack: &Message) {
        let wanted = self.reliable.sent.as_ref().and_then(|sent| {
            let cseq = ctx.inbox.request(sent.incoming)?.cseq().ok()?;
            Some(format!("{} {} {}", self.reliable.rseq, cseq.number, cseq.method))
        });
        let told = prack.header(Name::RAck).map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "));
        if wanted.is_none() || told != wanted {
            return ctx.inbox.respond(ctx.now, id, &Answer::new(481));
        }
        self.reliable.sent = None;
        let mut answer = Answer::new(200);
        let description = session_description(prack);
        if self.sdp.is_offering() && self.offer.is_none() {
            // The answer to our offer; without it the 2xx offers once more.
            if description.is_none_or(|answer| self.sdp.answered(answer).is_err()) {
                self.sdp.rollback();
            }
        } else if let Some(offer) = description {
            match self.sdp.answer(offer, self.direction()) {
                Ok(body) => answer.body = Some(body),
                Err(refusal) => answer = Answer::new(refusal.status()),
            }
        }
        ctx.inbox.respond(ctx.now, id, &answer);
        if std::mem::take(&mut self.reliable.answer_when_confirmed) {
            self.accept(ctx);
        }
    }

    pub(super) fn reliable_timeout(&mut self, ctx: &mut Ctx<'_>) {
        let Some(sent) = &mut self.reliable.sent else { return };
        if ctx.now >= sent.until {
            // §3: a caller that does not confirm is answered 5xx.
            self.reliable.sent = None;
            return self.reject(ctx, 504);
        }
        if ctx.now >= sent.again_at {
            sent.interval = sent.interval.saturating_mul(2);
            sent.again_at = ctx.now + sent.interval;
            let (id, answer) = (sent.incoming, sent.answer.clone());
            ctx.inbox.respond(ctx.now, id, &answer);
        }
    }
}
