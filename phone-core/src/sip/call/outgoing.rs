//! The call we make (RFC 3261 §13.2, §8.1.3).

use super::location::with_location;
use super::session_timer::{self, SessionTimer};
use super::{Call, CallEvent, CallId, Ctx, Described, End, EndedBy, Stage};
use crate::phone::cause;
use crate::sdp::{LocalMedia, Negotiator};
use crate::sip::dialog::Dialog;
use crate::sip::line::RequestId;
use crate::sip::locate::{Failure, Next, Way};
use crate::sip::message::{Contact, Host, HostPort, Message, Method, Name, NameAddr, Scheme, Uri, reason_phrase};
use crate::sip::outgoing::Outgoing;
use crate::sip::transport::Target;
use crate::time::Instant;
use std::time::Duration;

/// Redirections followed (RFC 3261 §8.1.3.4).
const MOST_REDIRECTS: u8 = 5;
/// Answers of 422 obeyed (RFC 4028 §7.4).
const MOST_TOO_SMALL: u8 = 3;
/// Servers a call is tried at.
const MOST_SERVERS: usize = 8;
/// How long it may ring there: proxies give up after three minutes at the latest (timer C, RFC 3261 §16.6).
const RINGS_MOST: Duration = Duration::from_secs(300);
/// Early dialogs kept of a forked call.
const MOST_FORKS: usize = 12;

/// Whom to call, and how.
#[derive(Clone, Debug)]
pub struct Place {
    /// Request-URI and To.
    pub to: Uri,
    /// Straight to this address, past the server ("Direct IP Call").
    pub direct: Option<Target>,
    /// Without saying who we are.
    pub anonymous: bool,
    /// To an emergency number.
    pub emergency: bool,
    /// The dialog this call takes the place of (RFC 3891).
    pub replaces: Option<String>,
    /// Who asked for the call (RFC 3892).
    pub referred_by: Option<String>,
    /// Where the phone stands (RFC 6442): a URI, or a PIDF-LO document.
    pub location: Option<String>,
}

impl Place {
    /// Somebody of our server's.
    pub fn new(to: Uri) -> Self {
        Self { to, direct: None, anonymous: false, emergency: false, replaces: None, referred_by: None, location: None }
    }
}

impl Call {
    /// Calls somebody. `Err` says why nothing was sent.
    pub fn place(
        ctx: &mut Ctx<'_>,
        id: CallId,
        place: Place,
        peer: super::Peer,
        media: LocalMedia,
    ) -> Result<Self, &'static str> {
        let sdp = Negotiator::new(media, &mut ctx.line.rng);
        let mut call = Self::blank(id, ctx, true, Stage::Calling, sdp);
        (call.peer, call.emergency, call.direct) = (peer, place.emergency, place.direct.clone());
        call.draft = Some(place);
        call.sdp.offer(call.direction());
        let way = ctx.line.locator.way().cloned();
        if call.send_invite(ctx, way) { Ok(call) } else { Err("the account's server is not known") }
    }

    /// Sends the INVITE, by this way to our server, or straight.
    fn send_invite(&mut self, ctx: &mut Ctx<'_>, way: Option<Way>) -> bool {
        let Some(request) = self.invitation(ctx, way.as_ref()) else { return false };
        self.silent_after = None;
        self.tried.extend(way.clone().filter(|way| !self.tried.contains(way)));
        self.invite = match (self.direct.as_ref().or(self.redirected_to.as_ref()), way) {
            (Some(target), _) => ctx.line.send_to(ctx.now, request, target.clone()),
            (None, Some(way)) => ctx.line.send_way(ctx.now, request, way),
            (None, None) => None,
        };
        self.invite.is_some()
    }

    fn invitation(&mut self, ctx: &mut Ctx<'_>, way: Option<&Way>) -> Option<Outgoing> {
        let place = self.draft.clone()?;
        let line = &mut *ctx.line;
        let mut uri = line.scheme(place.to.clone());
        // A backup server has a domain of its own.
        if let (Some(way), Some(registrar), true) =
            (way, line.settings.servers.servers[0].as_ref(), self.direct.is_none())
            && let Some(address) = &mut uri.address
            && address.host == registrar.host
        {
            address.host = way.registrar.host.clone();
        }
        let identity = match self.direct.is_some() {
            true => line.contact()?,
            false => line.address_of_record()?,
        };
        let mut from = match place.anonymous {
            true => NameAddr {
                display: Some("Anonymous".to_owned()),
                ..NameAddr::new(Uri::sip(
                    Some("anonymous"),
                    HostPort { host: Host::Name("anonymous.invalid".to_owned()), port: None },
                ))
            },
            false => {
                let display = Some(line.settings.display_name.clone()).filter(|name| !name.is_empty());
                NameAddr { display, ..identity.clone() }
            }
        };
        from.params.set("tag", Some(&self.from_tag));
        self.cseq = (self.cseq + 1) & 0x7fff_ffff;
        let to = NameAddr::new(uri.clone()).to_string();
        let mut request = Outgoing::new(Method::Invite, uri, from.to_string(), to, self.call_id.clone(), self.cseq);
        if self.direct.is_none() {
            request.route = line.preloaded_route();
        }
        let headers = line.settings.headers.clone();
        if headers.wants(headers.privacy) || place.anonymous {
            request.push(Name::Privacy, if place.anonymous { "id" } else { "none" });
        }
        if headers.wants(headers.preferred_identity) && self.direct.is_none() && self.redirected_to.is_none() {
            request.push(Name::PPreferredIdentity, &identity);
        }
        if place.emergency {
            request.push(Name::Priority, "emergency");
        }
        if let Some(replaces) = &place.replaces {
            request.push(Name::Replaces, replaces);
            request.push(Name::Require, "replaces");
        }
        if let Some(referred_by) = &place.referred_by {
            request.push(Name::ReferredBy, referred_by);
        }
        for (name, value) in session_timer::invitation(&ctx.line.settings.session_timer, self.min_se) {
            request.push(name, value);
        }
        for (name, value) in self.session_headers(ctx) {
            request.push(name, value);
        }
        request.push(Name::Accept, "application/sdp");
        let body = self.sdp.local()?.to_owned();
        let mut request = with_location(request, place.location.as_deref(), body);
        ctx.line.sign(&mut request);
        ctx.line.authorize(&mut self.auth, &mut request);
        Some(request)
    }

    // ---- answers ----

    pub(super) fn invite_answered(&mut self, ctx: &mut Ctx<'_>, id: RequestId, status: u16, message: &Message) {
        match status {
            100..200 => self.progress(ctx, id, status, message),
            200..300 => self.accepted(ctx, id, message),
            _ if self.cancelled => self.refused(ctx, status, message),
            300..=399 => self.redirected(ctx, message),
            401 | 407 => self.challenged(ctx, id, message),
            422 => self.interval_too_small(ctx, message),
            408 | 503 => {
                let wait = message.retry_after().map(|s| std::time::Duration::from_secs(u64::from(s)));
                self.elsewhere(ctx, id, Failure::Unavailable { retry_after: wait }, status, message);
            }
            _ => self.refused(ctx, status, message),
        }
    }

    fn progress(&mut self, ctx: &mut Ctx<'_>, id: RequestId, status: u16, message: &Message) {
        if self.cancelled {
            // CANCEL had to wait for this (RFC 3261 §9.1).
            ctx.line.cancel(ctx.now, id);
            return;
        }
        self.wait_for_answer(ctx, status > 100);
        if status == 100 {
            return;
        }
        let Some(request) = ctx.line.request(id) else { return };
        let Some(fork) = Dialog::from_response(request, message) else {
            self.rings(ctx.now, status, false);
            return;
        };
        if !self.forks.iter().any(|known| known.answered_by(message)) && self.forks.len() < MOST_FORKS {
            self.forks.push(fork);
        }
        self.learn_peer(message);
        if !self.acknowledge_provisional(ctx, message) {
            return;
        }
        let early = self.early_answer(message);
        self.rings(ctx.now, status, early);
    }

    /// Sound before the call is answered.
    fn early_answer(&mut self, message: &Message) -> bool {
        let Some(answer) = session_description(message) else { return self.sdp.agreed().is_some() };
        if let Err(refusal) = self.sdp.answered(answer) {
            tracing::debug!(call = self.id.0, %refusal, "early answer not taken");
            return false;
        }
        self.media_changed(Described::Answer);
        true
    }

    fn rings(&mut self, now: Instant, status: u16, early_media: bool) {
        if matches!(status, 180..=183) && matches!(self.stage, Stage::Calling | Stage::Ringing) {
            self.enter(now, Stage::Ringing);
            self.tell(CallEvent::Rings { early_media });
        }
    }

    fn accepted(&mut self, ctx: &mut Ctx<'_>, id: RequestId, message: &Message) {
        let Some(request) = ctx.line.request(id) else { return };
        let cseq = request.cseq;
        let Some(mut dialog) = Dialog::from_response(request, message) else {
            return self.refused(ctx, 400, message);
        };
        if let Some(mine) = &self.dialog {
            // Another fork answered as well, or the same one again: each is acknowledged, one is kept (§13.2.2.4).
            if mine.answered_by(message) {
                if let Some((_, ack)) = self.acks.iter().find(|(acked, _)| *acked == id) {
                    ctx.line.acknowledge_again(ack);
                }
            } else {
                if let Some((ack, target)) = self.acknowledgement(ctx, &dialog, cseq) {
                    ctx.line.acknowledge(ack, target);
                }
                self.part_with(ctx, dialog);
            }
            return;
        }
        // PRACKs have counted on.
        if let Some(fork) = self.forks.iter().find(|fork| fork.answered_by(message)) {
            dialog.local_cseq = dialog.local_cseq.max(fork.local_cseq);
        }
        if let Some((ack, target)) = self.acknowledgement(ctx, &dialog, cseq) {
            self.acknowledge_with(ctx, id, ack, target);
        }
        self.learn_peer(message);
        let answered = match session_description(message) {
            Some(answer) => self.sdp.answered(answer).map_err(|refusal| refusal.to_string()),
            None if self.sdp.agreed().is_some() => Ok(()),
            None => Err("the answer says nothing of audio".to_owned()),
        };
        self.silent_after = None;
        self.dialog = Some(dialog);
        self.forks.clear();
        self.reliable.stop();
        if self.cancelled {
            return self.send_bye(ctx, None);
        }
        if let Err(why) = answered {
            return self.fail(ctx, 488, &why);
        }
        self.timer = SessionTimer::as_caller(ctx.now, &ctx.line.settings.session_timer, message);
        self.enter(ctx.now, Stage::Up);
        self.tell(CallEvent::Up);
        self.media_changed(Described::Answer);
        self.modify_next(ctx);
    }

    /// The ACK of a 2xx, and where it goes.
    fn acknowledgement(&self, ctx: &Ctx<'_>, dialog: &Dialog, cseq: u32) -> Option<(Outgoing, Target)> {
        let target = match &self.direct {
            Some(target) => target.clone(),
            None => ctx.line.hop(&dialog.next_hop())?,
        };
        Some((dialog.request_with(Method::Ack, cseq), target))
    }

    /// Hangs up on a fork that answered too late.
    fn part_with(&mut self, ctx: &mut Ctx<'_>, mut dialog: Dialog) {
        let mut bye = dialog.request(Method::Bye);
        let Some(target) = ctx.line.hop(&dialog.next_hop()) else { return };
        ctx.line.sign(&mut bye);
        ctx.line.authorize(&mut self.auth, &mut bye);
        if let Some(id) = ctx.line.send_to(ctx.now, bye, target) {
            self.minor.push(id);
        }
    }

    fn challenged(&mut self, ctx: &mut Ctx<'_>, id: RequestId, message: &Message) {
        self.cseq += 1;
        match ctx.line.answer_challenge(ctx.now, &mut self.auth, id, message, self.cseq) {
            Ok(id) => self.invite = Some(id),
            Err(_) => self.refused(ctx, message.status().unwrap_or(401), message),
        }
    }

    fn redirected(&mut self, ctx: &mut Ctx<'_>, message: &Message) {
        let contacts = message.contacts().filter_map(Result::ok);
        let mut targets = contacts.filter_map(|contact| match contact {
            Contact::Addr(addr) if matches!(addr.uri.scheme, Scheme::Sip | Scheme::Sips | Scheme::Tel) => {
                Some(addr.uri)
            }
            _ => None,
        });
        self.redirects += 1;
        let next = targets.next().filter(|_| self.redirects <= MOST_REDIRECTS);
        let (Some(uri), Some(draft)) = (next, &mut self.draft) else {
            return self.refused(ctx, message.status().unwrap_or(300), message);
        };
        let way = ctx.line.locator.way().cloned();
        // To an address the call goes straight, unless a proxy stands before everything (RFC 3261 §8.1.2).
        let address = uri.address.as_ref().and_then(|at| match at.host {
            Host::Address(ip) => Some(ip),
            Host::Name(_) => None,
        });
        let ours = ctx.line.locator.ways().iter().any(|way| Some(way.target.address.ip()) == address);
        let proxied = ctx.line.locator.route().is_some() || !ctx.line.preloaded_route().is_empty();
        let free = address.is_some() && !ours && !proxied;
        self.redirected_to = free.then(|| ctx.line.hop(&uri)).flatten();
        // Whoever it was that was called straight: somebody else is called now.
        self.direct = None;
        draft.to = uri;
        self.forks.clear();
        if !self.send_invite(ctx, way) {
            self.refused(ctx, 302, message);
        }
    }

    fn interval_too_small(&mut self, ctx: &mut Ctx<'_>, message: &Message) {
        self.too_small += 1;
        let wanted = message.header(Name::MinSe).and_then(crate::sip::message::delta_seconds);
        match wanted.filter(|wanted| *wanted > self.min_se && self.too_small <= MOST_TOO_SMALL) {
            Some(wanted) => {
                self.min_se = wanted;
                let way = ctx.line.locator.way().cloned();
                if !self.send_invite(ctx, way) {
                    self.refused(ctx, 422, message);
                }
            }
            None => self.refused(ctx, 422, message),
        }
    }

    /// A server that is out of service, or does not answer: the next one is called.
    fn elsewhere(&mut self, ctx: &mut Ctx<'_>, id: RequestId, failure: Failure, code: u16, message: &Message) {
        if !self.try_next(ctx, id, failure) {
            self.refused(ctx, code, message);
        }
    }

    fn try_next(&mut self, ctx: &mut Ctx<'_>, id: RequestId, failure: Failure) -> bool {
        // A call that rings somewhere has found its server.
        if self.stage != Stage::Calling || self.direct.is_some() || self.redirected_to.is_some() {
            return false;
        }
        if self.tried.len() >= MOST_SERVERS {
            return false;
        }
        // Another server may challenge anew.
        self.auth.begin_round();
        match ctx.line.no_answer(ctx.now, id, failure) {
            // Each has one turn: two that say 100 and then 503 would pass the call to and fro for ever.
            Next::Try(way) | Next::Register(way) if self.tried.contains(&way) => false,
            Next::Try(way) => self.send_invite(ctx, Some(way)),
            Next::Register(way) if self.emergency => self.send_invite(ctx, Some(way)),
            // "Register Before DNS SRV Failover": the registration is at it.
            Next::Register(_) => {
                self.invite = None;
                self.waits_until = Some(ctx.now + ctx.line.settings.timers(false).give_up);
                true
            }
            Next::Exhausted => false,
        }
    }

    /// The account may have registered at another server by now: the INVITE that waited for it goes there.
    pub fn server_may_be_found(&mut self, ctx: &mut Ctx<'_>) {
        if self.waits_until.is_none() || !ctx.line.locator.is_confirmed() {
            return;
        }
        self.waits_until = None;
        let way = ctx.line.locator.way().cloned();
        if !self.send_invite(ctx, way) {
            self.no_server(ctx);
        }
    }

    pub(super) fn invite_timeout(&mut self, ctx: &mut Ctx<'_>) {
        if self.waits_until.is_some_and(|until| ctx.now >= until) {
            self.no_server(ctx);
        }
        if self.silent_after.is_some_and(|until| ctx.now >= until) {
            self.silent_after = None;
            if matches!(self.stage, Stage::Calling | Stage::Ringing) {
                self.ended(ctx.now, EndedBy::Network, 408, "nobody answers");
                self.cancel(ctx);
            }
        }
    }

    /// How long a server that has the call may leave us without an answer: it says 100 and dies, or it rings for ever.
    fn wait_for_answer(&mut self, ctx: &Ctx<'_>, ringing: bool) {
        let patience = if ringing { RINGS_MOST } else { ctx.line.settings.timers(false).give_up };
        self.silent_after = Some(ctx.now + patience);
    }

    fn no_server(&mut self, ctx: &mut Ctx<'_>) {
        self.waits_until = None;
        self.ended(ctx.now, EndedBy::Network, 408, "no server answers");
        self.over(ctx);
    }

    pub(super) fn invite_lost(&mut self, ctx: &mut Ctx<'_>, id: RequestId) {
        let alive = !self.cancelled && self.is_alive();
        if alive && self.try_next(ctx, id, Failure::Silent) {
            return;
        }
        self.ended(ctx.now, EndedBy::Network, 408, "no answer from the server");
        self.over(ctx);
    }

    pub(super) fn refused(&mut self, ctx: &mut Ctx<'_>, status: u16, message: &Message) {
        if self.dialog.is_some() {
            // A fork refused after another had answered.
            return;
        }
        let by = if status == 487 && self.cancelled { EndedBy::Us } else { EndedBy::Them };
        let reason: String =
            message.reason().unwrap_or_default().chars().filter(|c| !c.is_control()).take(80).collect();
        let reason = if reason.is_empty() { reason_phrase(status).to_owned() } else { reason };
        self.ended_as(ctx.now, End { by, code: status, reason, elsewhere: cause(message) == Some(200) });
        self.reliable.stop();
        self.over(ctx);
    }

    /// Takes the INVITE back. It can only go out once something has come back (RFC 3261 §9.1).
    pub(super) fn cancel(&mut self, ctx: &mut Ctx<'_>) {
        self.cancelled = true;
        self.reliable.stop();
        if self.waits_until.take().is_some() {
            return self.over(ctx);
        }
        if let Some(id) = self.invite.filter(|id| ctx.line.is_heard(*id)) {
            ctx.line.cancel(ctx.now, id);
        }
    }
}

/// The session description a message carries.
pub(super) fn session_description(message: &Message) -> Option<&str> {
    let kind = message.header(Name::ContentType).unwrap_or_default();
    let plain = kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/sdp");
    std::str::from_utf8(message.body()).ok().filter(|body| plain && !body.trim().is_empty())
}
