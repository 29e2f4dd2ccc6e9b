//! Changes of a session that is up: hold, resume, refresh; by re-INVITE or UPDATE, from both sides (RFC 3261 §14,
//! RFC 3311, RFC 3264 §8, RFC 6141).

use std::collections::VecDeque;
use std::time::Duration;

use super::outgoing::session_description;
use super::session_timer::{self, SessionTimer};
use super::{Call, CallEvent, Ctx, Described, Stage};
use crate::sip::inbox::{Answer, IncomingId};
use crate::sip::line::RequestId;
use crate::sip::locate::Failure;
use crate::sip::message::{Message, Method, Name};
use crate::time::Instant;

/// Changes that wait for the one under way.
const MOST_WAITING: usize = 8;
/// How often a change that the other side cannot take now (491) is asked for.
const MOST_TRIES: u8 = 4;
/// Longest `Retry-After` that a change waits for.
const MOST_RETRY_AFTER: u32 = 10;

/// A change we want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Hold,
    Resume,
    /// As it is: for the session timer.
    Refresh,
    /// With the phone's new address.
    Move,
    /// The held party is to hear the music again, after something else was agreed meanwhile.
    Music,
}

#[derive(Debug, Default)]
pub(super) struct Modify {
    /// We have the other side on hold.
    pub held: bool,
    pub held_by_them: bool,
    ours: Option<(RequestId, Change, Method)>,
    /// Their re-INVITE that waits for its ACK.
    pub theirs: Option<IncomingId>,
    waiting: VecDeque<Change>,
    /// The change under way asks for an offer that goes to the music server.
    for_music: bool,
    /// The other side does not take part in that.
    pub plain: bool,
    /// No music until this hold is over.
    plain_for_now: bool,
    /// After 491: try again then (RFC 3261 §14.1).
    pub again_at: Option<Instant>,
    /// How often that was so.
    tries: u8,
    /// It was asked for once more with a longer session interval (422).
    raised: bool,
}

impl Modify {
    pub fn sent(&self, id: RequestId) -> bool {
        self.ours.as_ref().is_some_and(|(ours, ..)| *ours == id)
    }

    /// Whether a change is under way, or to come.
    pub fn is_busy(&self) -> bool {
        self.is_held_up() || !self.waiting.is_empty()
    }

    /// Whether the next change has to wait.
    pub fn is_held_up(&self) -> bool {
        self.ours.is_some() || self.theirs.is_some() || self.again_at.is_some()
    }

    /// The change under way is carried out.
    pub fn done(&mut self) -> Option<Change> {
        self.ours.take().map(|(_, change, _)| change)
    }

    /// After all others that wait.
    pub fn later(&mut self, change: Change) {
        self.waiting.push_back(change);
    }

    /// Before all others that wait.
    pub fn again(&mut self, change: Change) {
        self.waiting.push_front(change);
    }

    pub fn forget(&mut self, ctx: &mut Ctx<'_>) {
        if let Some((id, ..)) = self.ours.take() {
            ctx.line.forget(id);
        }
        self.waiting.clear();
        self.again_at = None;
    }
}

impl Call {
    /// Puts the other side on hold.
    pub fn hold(&mut self, ctx: &mut Ctx<'_>) {
        self.change(ctx, Change::Hold);
    }

    /// Takes it back.
    pub fn resume(&mut self, ctx: &mut Ctx<'_>) {
        self.change(ctx, Change::Resume);
    }

    /// Tells the other side where our audio is now.
    pub fn relocate(&mut self, ctx: &mut Ctx<'_>, media: crate::sdp::LocalMedia) {
        self.sdp.relocate(media);
        match self.stage {
            // It is said as soon as there is a session to change; the answer to a caller says it anyway.
            Stage::Calling | Stage::Ringing if !self.modify.waiting.contains(&Change::Move) => {
                self.modify.waiting.push_back(Change::Move);
            }
            _ => self.change(ctx, Change::Move),
        }
    }

    pub(super) fn refresh_session(&mut self, ctx: &mut Ctx<'_>) {
        // Once is enough, however long the one before takes.
        let under_way = self.modify.ours.as_ref().is_some_and(|(_, change, _)| *change == Change::Refresh);
        if !under_way && !self.modify.waiting.contains(&Change::Refresh) {
            self.change(ctx, Change::Refresh);
        }
    }

    fn change(&mut self, ctx: &mut Ctx<'_>, change: Change) {
        if self.is_up() && self.modify.waiting.len() < MOST_WAITING {
            self.modify.waiting.push_back(change);
            self.modify_next(ctx);
        }
    }

    /// Begins the next change, if nothing is under way. What has waited for that goes out: news of a referral before the
    /// next change, a REFER after the last one.
    pub(super) fn modify_next(&mut self, ctx: &mut Ctx<'_>) {
        if self.modify.is_held_up() || self.stage != Stage::Up {
            return;
        }
        self.send_progress(ctx);
        let Some(change) = self.modify.waiting.pop_front() else {
            if !self.send_refer(ctx) {
                self.tell(CallEvent::TransferFailed(503));
            }
            return;
        };
        let held = match change {
            Change::Hold => true,
            Change::Resume => false,
            Change::Refresh | Change::Move | Change::Music => self.modify.held,
        };
        if held == self.modify.held && matches!(change, Change::Hold | Change::Resume) {
            return self.modify_next(ctx);
        }
        let by_update =
            change == Change::Refresh && self.peer_allows_update && !ctx.line.settings.session_timer.force_invite;
        let may_play = match change {
            Change::Hold => true,
            Change::Music => held,
            Change::Refresh => !by_update && self.music.is_some(),
            Change::Resume | Change::Move => false,
        };
        self.modify.plain_for_now &= held;
        let plain = self.modify.plain || self.modify.plain_for_now;
        self.modify.for_music = may_play && !plain && self.music_uri(ctx).is_some();
        if change == Change::Music && !self.modify.for_music {
            return self.modify_next(ctx);
        }
        self.modify.held = held;
        let method = if by_update { Method::Update } else { Method::Invite };
        // An UPDATE that changes nothing needs no description (RFC 4028 §7.4).
        let body = match change {
            Change::Refresh if by_update => None,
            _ if self.modify.for_music => None,
            // It ends the music: what is said is ours.
            Change::Refresh if self.music.is_some() => Some(self.sdp.offer(self.direction())),
            Change::Refresh => self.sdp.refresh(),
            _ => Some(self.sdp.offer(self.direction())),
        };
        let headers = self.session_headers(ctx);
        let timer = self.timer.refresh_headers(self.min_se);
        let id = self.in_dialog(ctx, method.clone(), |request| {
            headers.into_iter().chain(timer).for_each(|(name, value)| request.push(name, value));
            request.body = body.map(|body| ("application/sdp", body.into_bytes()));
        });
        match id {
            Some(id) => self.modify.ours = Some((id, change, method)),
            None => self.change_failed(change),
        }
    }

    fn change_failed(&mut self, change: Change) {
        self.sdp.rollback();
        (self.modify.tries, self.modify.raised) = (0, false);
        if matches!(change, Change::Hold | Change::Resume) {
            self.modify.held = !self.modify.held;
            self.tell(CallEvent::HoldFailed);
        }
    }

    pub(super) fn modify_answered(&mut self, ctx: &mut Ctx<'_>, id: RequestId, status: u16, message: &Message) {
        let Some((_, change, method)) = self.modify.ours.clone() else { return };
        match status {
            100..200 => return,
            200..300 if self.modify.for_music => {
                (self.modify.tries, self.modify.raised) = (0, false);
                if let Some(dialog) = &mut self.dialog {
                    dialog.refresh(message);
                }
                self.learn_peer(message);
                if self.timer.poll_timeout().is_some() {
                    self.timer = SessionTimer::as_caller(ctx.now, &ctx.line.settings.session_timer, message);
                }
                return self.begin_music(ctx, id, message);
            }
            200..300 => {
                self.modify.ours = None;
                (self.modify.tries, self.modify.raised) = (0, false);
                if let Some(dialog) = &mut self.dialog {
                    dialog.refresh(message);
                }
                if method == Method::Invite {
                    self.acknowledge_change(ctx, id, None);
                    self.interrupt_music(ctx);
                }
                self.learn_peer(message);
                if let Some(answer) = session_description(message) {
                    if let Err(refusal) = self.sdp.answered(answer) {
                        tracing::debug!(call = self.id.0, %refusal, "answer to a change not taken");
                    }
                    self.media_changed(Described::Answer);
                }
                // A refresh that was answered without the header ends the timer (RFC 4028 §7.2).
                if self.timer.poll_timeout().is_some() {
                    self.timer = SessionTimer::as_caller(ctx.now, &ctx.line.settings.session_timer, message);
                }
                match change {
                    Change::Hold => self.tell(CallEvent::Held(true)),
                    Change::Resume => self.tell(CallEvent::Held(false)),
                    Change::Refresh | Change::Move | Change::Music => {}
                }
            }
            401 | 407 => {
                let Some(dialog) = &mut self.dialog else { return };
                dialog.local_cseq += 1;
                let cseq = dialog.local_cseq;
                match ctx.line.answer_challenge(ctx.now, &mut self.auth, id, message, cseq) {
                    Ok(id) => self.modify.ours = Some((id, change, method)),
                    Err(_) => {
                        self.modify.ours = None;
                        self.change_failed(change);
                    }
                }
                return;
            }
            // The other side changes something at the same moment: whoever called waits longer (RFC 3261 §14.1). A 500
            // that does not say when to come back is a refusal (§14.2).
            491 | 500 if self.modify.tries + 1 < MOST_TRIES && (status == 491 || message.retry_after().is_some()) => {
                self.modify.ours = None;
                self.modify.tries += 1;
                self.sdp.rollback();
                let (least, spread) = if self.outgoing { (2_100, 1_900) } else { (0, 2_000) };
                let told = message.retry_after().filter(|_| status == 500).unwrap_or_default().min(MOST_RETRY_AFTER);
                let wait = Duration::from_millis(least) + ctx.line.rng.up_to(Duration::from_millis(spread));
                let wait = wait.max(Duration::from_secs(u64::from(told)));
                if matches!(change, Change::Hold | Change::Resume) {
                    self.modify.held = !self.modify.held;
                }
                self.modify.waiting.push_front(change);
                self.modify.again_at = Some(ctx.now + wait);
                return;
            }
            // RFC 4028 §7.4: once more, with the interval that is wanted.
            422 if !self.modify.raised && self.raise_interval(message) => {
                self.modify.ours = None;
                self.sdp.rollback();
                self.modify.raised = true;
                if matches!(change, Change::Hold | Change::Resume) {
                    self.modify.held = !self.modify.held;
                }
                self.modify.waiting.push_front(change);
            }
            // It does not know UPDATE after all.
            405 | 501 if method == Method::Update => {
                self.modify.ours = None;
                self.peer_allows_update = false;
                self.modify.waiting.push_front(change);
            }
            // The dialog is gone (RFC 3261 §12.2.1.2).
            408 | 481 => {
                self.modify.ours = None;
                self.change_failed(change);
                return self.fail(ctx, status, "the other side has lost the call");
            }
            400 | 415 | 488 if self.modify.for_music => {
                return self.hold_without_music(ctx);
            }
            _ => {
                self.modify.ours = None;
                self.change_failed(change);
            }
        }
        self.modify_next(ctx);
    }

    /// Takes the Min-SE of a 422 into the session timer. False if that changes nothing.
    fn raise_interval(&mut self, message: &Message) -> bool {
        let least = message.header(Name::MinSe).and_then(crate::sip::message::delta_seconds);
        let Some(least) = least.filter(|least| self.timer.raise(*least)) else { return false };
        self.min_se = self.min_se.max(least);
        true
    }

    pub(super) fn acknowledge_change(&mut self, ctx: &mut Ctx<'_>, id: RequestId, answer: Option<String>) {
        let Some(cseq) = ctx.line.request(id).map(|request| request.cseq) else { return };
        let Some(dialog) = &self.dialog else { return };
        let mut ack = dialog.request_with(Method::Ack, cseq);
        ack.body = answer.map(|answer| ("application/sdp", answer.into_bytes()));
        let Some(target) = self.direct.clone().or_else(|| ctx.line.hop(&dialog.next_hop())) else { return };
        self.acknowledge_with(ctx, id, ack, target);
    }

    pub(super) fn modify_lost(&mut self, ctx: &mut Ctx<'_>, id: RequestId) {
        let Some((_, change, _)) = self.modify.ours.take() else { return };
        // Its stream broke, which says nothing about the other side.
        let broken = ctx.line.is_open(id);
        ctx.line.no_answer(ctx.now, id, Failure::Silent);
        self.change_failed(change);
        if broken {
            return self.modify_next(ctx);
        }
        self.fail(ctx, 408, "no answer from the other side");
    }

    pub(super) fn modify_timeout(&mut self, ctx: &mut Ctx<'_>) {
        if self.modify.again_at.is_some_and(|at| ctx.now >= at) {
            self.modify.again_at = None;
            self.modify_next(ctx);
        }
    }

    /// The other side changes something: a re-INVITE, or an UPDATE.
    pub(super) fn they_modify(&mut self, ctx: &mut Ctx<'_>, id: IncomingId, request: &Message) {
        let invite = request.method() == Some(&Method::Invite);
        let offer = session_description(request);
        if invite && (self.modify.theirs.is_some() || self.stage != Stage::Up) {
            // RFC 3261 §14.2: one at a time.
            let wait = ctx.line.rng.up_to(Duration::from_secs(10)).as_secs();
            return ctx.inbox.respond(ctx.now, id, &Answer::new(500).with(Name::RetryAfter, wait));
        }
        if self.modify.ours.as_ref().is_some_and(|(_, _, method)| invite || *method == Method::Invite)
            && (invite || offer.is_some())
        {
            return ctx.inbox.respond(ctx.now, id, &Answer::new(491));
        }
        // RFC 3311 §5.2: not while an earlier offer waits for its answer.
        if offer.is_some() && self.sdp.is_offering() {
            return ctx.inbox.respond(ctx.now, id, &Answer::new(491));
        }
        if offer.is_some() && self.offer.is_some() {
            return ctx.inbox.respond(ctx.now, id, &Answer::new(500).with(Name::RetryAfter, 1));
        }
        if let Some(least) = session_timer::too_small(&ctx.line.settings.session_timer, request) {
            return ctx.inbox.respond(ctx.now, id, &Answer::new(422).with(Name::MinSe, least));
        }
        let body = match offer {
            Some(offer) => match self.sdp.answer(offer, self.direction()) {
                Ok(answer) => Some(answer),
                Err(refusal) => return ctx.inbox.respond(ctx.now, id, &Answer::new(refusal.status())),
            },
            None if invite => {
                // It may want to hold us with music as well: each would interrupt the other's for ever.
                self.modify.plain_for_now |= self.modify.held;
                self.answer_in_ack = true;
                Some(self.sdp.offer(self.direction()))
            }
            None => None,
        };
        let fork = self.forks.iter_mut().find(|fork| fork.owns(request));
        if let Some(dialog) = self.dialog.as_mut().or(fork) {
            dialog.refresh(request);
        }
        self.learn_peer(request);
        let mut answer = Answer::new(200);
        answer.headers = self.session_headers(ctx);
        let (timer, headers) = SessionTimer::as_callee(ctx.now, &ctx.line.settings.session_timer, request);
        if self.is_up() {
            // An early dialog has no session yet: its timer is agreed by the INVITE's answer.
            self.timer = timer;
            answer.headers.extend(headers);
        }
        if body.is_some() {
            self.interrupt_music(ctx);
        }
        answer.body = body;
        ctx.inbox.respond(ctx.now, id, &answer);
        if invite {
            self.modify.theirs = Some(id);
        }
        if offer.is_some() {
            self.media_changed(Described::Offer);
        }
        if !invite {
            self.modify_next(ctx);
        }
    }
}
