//! One call: an INVITE, the dialog it makes, and everything that happens in it until BYE (RFC 3261 §13-§15).
//!
//! | file | what |
//! |---|---|
//! | `outgoing` | the call we make: provisional answers, forks, redirection, refusal, CANCEL |
//! | `incoming` | the call that comes: ringing, answering, refusing |
//! | `reliable` | provisional answers that are acknowledged (RFC 3262) |
//! | `modify` | hold, resume and every other re-INVITE or UPDATE, from both sides (RFC 3311, RFC 3264 §8) |
//! | `music` | what held parties hear (RFC 7088) |
//! | `session_timer` | RFC 4028 |
//! | `location` | where the phone stands, in emergency calls (RFC 6442) |
//! | `transfer` | REFER and its NOTIFY, from both sides (RFC 3515, RFC 3891, RFC 5589) |
//! | `requests` | what the other side asks within the dialog |
//! | `end` | BYE |

use std::collections::VecDeque;

use super::auth::Authorizer;
use super::dialog::Dialog;
use super::inbox::{Inbox, IncomingId};
use super::line::{Acknowledgement, Line, RequestId};
use super::locate::Way;
use super::message::{Message, Method, Name, NameAddr, Uri};
use super::outgoing::Outgoing;
use super::transport::Target;
use crate::sdp::{Direction, Negotiator};
use crate::time::{Instant, earliest};

mod end;
mod incoming;
mod location;
mod modify;
mod music;
mod outgoing;
mod reliable;
mod requests;
mod session_timer;
mod transfer;

pub use outgoing::Place;
pub use transfer::{Referral, sipfrag_status};

use modify::Modify;
use session_timer::SessionTimer;
use transfer::{Referred, Transfer};

/// ACKs kept.
const MOST_ACKS: usize = 4;

/// Names a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct CallId(pub u32);

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// We called; nobody has been reached.
    Calling,
    /// It rings there, or is about to.
    Ringing,
    /// It rings here.
    Incoming,
    /// We answered; the caller has not confirmed that.
    Answering,
    /// Connected.
    Up,
    /// Over for people; the wire is not done.
    Ending,
    /// Over.
    Over,
}

/// Whose doing it was that a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EndedBy {
    /// Ours.
    Us,
    /// Theirs.
    Them,
    /// The network's, or a server's.
    Network,
}

/// How the other side described its audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Described {
    /// It offered.
    Offer,
    /// It answered our offer.
    Answer,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Whose doing it was.
    pub by: EndedBy,
    /// SIP status that says why; 200 for a call that was up and was hung up.
    pub code: u16,
    /// In words.
    pub reason: String,
    /// Another phone took it (`Reason: SIP;cause=200`, RFC 3326).
    pub elsewhere: bool,
}

/// Something that happened to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallEvent {
    /// It rings at the other end; with sound from there, if so.
    Rings { early_media: bool },
    /// Connected.
    Up,
    /// What audio goes where has changed.
    Media,
    /// The other side put us on hold, or took us back.
    HeldByThem(bool),
    /// We put the other side on hold, or took it back: it has agreed.
    Held(bool),
    /// It did not agree; everything is as it was.
    HoldFailed,
    /// A digit came by SIP INFO.
    Digit(char),
    /// The server wants the phone to answer (`Event: talk`).
    Talk,
    /// The server wants the phone to hold (`Event: hold`).
    Hold,
    /// How far our transfer is: a status of the call that the other side makes.
    TransferProgress(u16),
    /// The other side has reached whom we passed it to.
    TransferDone,
    /// It has not.
    TransferFailed(u16),
    /// The other side asks us to call somebody.
    Refer(Box<Referral>),
    /// It is over.
    Ended(End),
}

/// The other end, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Peer {
    /// Number or user.
    pub number: String,
    /// Name, if one was said.
    pub name: String,
    /// They do not say who they are (RFC 3323).
    pub anonymous: bool,
}

/// What a call needs to act.
pub struct Ctx<'a> {
    /// The time.
    pub now: Instant,
    /// Its account's line.
    pub line: &'a mut Line,
    /// The requests that came.
    pub inbox: &'a mut Inbox,
}

/// One call. Its methods never fail: what makes no sense at its stage is ignored.
#[derive(Debug)]
pub struct Call {
    /// Its name.
    pub id: CallId,
    /// 1-based.
    pub account: u8,
    /// We made it.
    pub outgoing: bool,
    /// The other end.
    pub peer: Peer,
    /// To an emergency number.
    pub emergency: bool,
    stage: Stage,
    since: Instant,
    events: VecDeque<CallEvent>,
    sdp: Negotiator,
    auth: Authorizer,

    /// The INVITE under way, as the caller.
    invite: Option<RequestId>,
    /// As it was made, for the next try.
    draft: Option<Place>,
    call_id: String,
    from_tag: String,
    cseq: u32,
    /// Where it was tried.
    tried: Vec<Way>,
    /// It still rings here: proxies want to hear that once a minute (RFC 3261 §13.3.1.1).
    ring_again_at: Option<Instant>,
    /// A server has it and says nothing more; not longer than this (see [`Call::invite_timeout`]).
    silent_after: Option<Instant>,
    redirects: u8,
    too_small: u8,
    min_se: u32,
    cancelled: bool,
    /// The INVITE waits until the account is registered at another server; not longer than this.
    waits_until: Option<Instant>,
    forks: Vec<Dialog>,
    /// ACKs of 2xx, for their copies.
    acks: VecDeque<(RequestId, Acknowledgement)>,

    /// The INVITE that came, as the called.
    incoming: Option<IncomingId>,
    /// Its offer, until it is answered.
    offer: Option<String>,
    /// We offered in our 2xx: the ACK brings the answer.
    answer_in_ack: bool,
    /// We hung up before the ACK came.
    bye_when_confirmed: bool,

    dialog: Option<Dialog>,
    /// Somebody else than our server, called by address.
    direct: Option<Target>,
    /// Where a redirection leads past our server.
    redirected_to: Option<Target>,
    peer_allows_update: bool,
    /// The Contact said about itself, for "Refer-To Use Target Contact".
    remote_contact: Option<Uri>,

    reliable: reliable::Reliable,
    modify: Modify,
    timer: SessionTimer,
    /// What the held party hears.
    music: Option<music::Music>,
    transfer: Option<Transfer>,
    referred: Option<Referred>,
    bye: Option<RequestId>,
    /// Other requests in the dialog whose answers matter little (INFO, NOTIFY, PRACK).
    minor: Vec<RequestId>,
}

impl Call {
    fn blank(id: CallId, ctx: &mut Ctx<'_>, outgoing: bool, stage: Stage, sdp: Negotiator) -> Self {
        let line = &mut *ctx.line;
        Self {
            id,
            account: line.index,
            outgoing,
            peer: Peer::default(),
            emergency: false,
            stage,
            since: ctx.now,
            events: VecDeque::new(),
            sdp,
            auth: Authorizer::default(),
            invite: None,
            draft: None,
            call_id: line.call_id(),
            from_tag: line.rng.token(),
            cseq: line.first_cseq(),
            tried: Vec::new(),
            ring_again_at: None,
            silent_after: None,
            redirects: 0,
            too_small: 0,
            min_se: 0,
            cancelled: false,
            waits_until: None,
            forks: Vec::new(),
            acks: VecDeque::new(),
            incoming: None,
            offer: None,
            answer_in_ack: false,
            bye_when_confirmed: false,
            dialog: None,
            direct: None,
            redirected_to: None,
            peer_allows_update: false,
            remote_contact: None,
            reliable: reliable::Reliable::default(),
            modify: Modify::default(),
            timer: SessionTimer::default(),
            music: None,
            transfer: None,
            referred: None,
            bye: None,
            minor: Vec::new(),
        }
    }

    // ---- what it is ----

    /// How far it is.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// When it got there.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// For people it is there: it rings, or is connected.
    pub fn is_alive(&self) -> bool {
        !matches!(self.stage, Stage::Ending | Stage::Over)
    }

    /// Connected.
    pub fn is_up(&self) -> bool {
        matches!(self.stage, Stage::Up | Stage::Answering)
    }

    /// We have the other side on hold, or are asking for that.
    pub fn is_held(&self) -> bool {
        self.modify.held
    }

    /// The other side has us on hold.
    pub fn is_held_by_them(&self) -> bool {
        self.modify.held_by_them
    }

    /// What was agreed about audio; `None` while the other side hears a music server and not us.
    pub fn media(&self) -> Option<&crate::sdp::Agreed> {
        self.sdp.agreed().filter(|_| !self.music.as_ref().is_some_and(music::Music::plays))
    }

    /// The local port of its audio.
    pub fn media_port(&self) -> u16 {
        self.sdp.local_media().port
    }

    /// Its dialog.
    pub fn dialog(&self) -> Option<&Dialog> {
        self.dialog.as_ref()
    }

    /// The INVITE that made it, while it is remembered.
    pub fn incoming_id(&self) -> Option<IncomingId> {
        self.incoming
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<CallEvent> {
        self.events.pop_front()
    }

    // ---- routing of messages ----

    /// Whether a request within a dialog is for this call.
    pub fn owns(&self, request: &Message) -> bool {
        self.dialog.as_ref().is_some_and(|dialog| dialog.owns(request))
            || self.forks.iter().any(|fork| fork.owns(request))
            || self.music.as_ref().is_some_and(|music| music.owns(request))
    }

    /// Whether a request of ours is this call's.
    pub fn sent(&self, id: RequestId) -> bool {
        self.invite == Some(id)
            || self.bye == Some(id)
            || self.modify.sent(id)
            || self.minor.contains(&id)
            || self.music.as_ref().is_some_and(|music| music.sent(id))
            || self.acks.iter().any(|(acked, _)| *acked == id)
            || self.transfer.as_ref().is_some_and(|transfer| transfer.request == Some(id))
    }

    /// A response to a request of this call.
    pub fn response(&mut self, ctx: &mut Ctx<'_>, id: RequestId, status: u16, message: &Message) {
        if self.invite == Some(id) {
            self.invite_answered(ctx, id, status, message);
        } else if self.modify.sent(id) {
            self.modify_answered(ctx, id, status, message);
        } else if self.transfer.as_ref().is_some_and(|transfer| transfer.request == Some(id)) {
            self.refer_answered(ctx, id, status, message);
        } else if self.music.as_ref().is_some_and(|music| music.sent(id)) {
            self.music_answered(ctx, id, status, message);
        } else if self.bye == Some(id) {
            self.bye_answered(ctx, id, status, message);
        } else if let Some((_, ack)) = self.acks.iter().find(|(acked, _)| *acked == id) {
            // The ACK was lost.
            ctx.line.acknowledge_again(ack);
        } else if status >= 200 {
            self.minor_answered(ctx, id, status, message);
        }
    }

    /// A request of this call came to nothing.
    pub fn lost(&mut self, ctx: &mut Ctx<'_>, id: RequestId) {
        if self.invite == Some(id) {
            self.invite_lost(ctx, id);
        } else if self.modify.sent(id) {
            self.modify_lost(ctx, id);
        } else if self.transfer.as_ref().is_some_and(|transfer| transfer.request == Some(id)) {
            self.transfer_over(ctx, 408);
        } else if self.music.as_ref().is_some_and(|music| music.sent(id)) {
            self.without_music(ctx);
        } else if self.bye == Some(id) {
            self.bye_lost(ctx);
        } else {
            self.minor.retain(|minor| *minor != id);
            self.progress_answered(ctx.now, id, 408);
        }
        ctx.line.forget(id);
    }

    fn minor_answered(&mut self, ctx: &mut Ctx<'_>, id: RequestId, status: u16, message: &Message) {
        self.minor.retain(|minor| *minor != id);
        self.progress_answered(ctx.now, id, status);
        if matches!(status, 401 | 407)
            && let Some(dialog) =
                self.dialog.as_mut().or_else(|| self.forks.iter_mut().find(|fork| fork.answered_by(message)))
        {
            let cseq = dialog.local_cseq + 1;
            if let Ok(id) = ctx.line.answer_challenge(ctx.now, &mut self.auth, id, message, cseq) {
                dialog.local_cseq = cseq;
                self.minor.push(id);
            }
        }
    }

    // ---- time ----

    /// Lets timers fire.
    pub fn handle_timeout(&mut self, ctx: &mut Ctx<'_>) {
        self.invite_timeout(ctx);
        self.ringing_timeout(ctx);
        self.reliable_timeout(ctx);
        self.modify_timeout(ctx);
        self.session_timeout(ctx);
        self.transfer_timeout(ctx);
        self.music_timeout(ctx);
    }

    /// When to call [`Call::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let referred = self.referred.as_ref().and_then(Referred::poll_timeout);
        let transfer = earliest(self.transfer.as_ref().and_then(Transfer::poll_timeout), referred);
        let rings = self.ring_again_at.filter(|_| self.stage == Stage::Incoming);
        let invite = earliest(earliest(self.waits_until, self.silent_after), rings);
        let own = earliest(earliest(self.reliable.poll_timeout(), self.modify.again_at), invite);
        let music = self.music.as_ref().and_then(music::Music::poll_timeout);
        earliest(earliest(own, self.timer.poll_timeout()), earliest(transfer, music))
    }

    // ---- common to all files ----

    fn enter(&mut self, now: Instant, stage: Stage) {
        if self.stage != stage {
            (self.stage, self.since) = (stage, now);
        }
    }

    fn tell(&mut self, event: CallEvent) {
        self.events.push_back(event);
    }

    fn ended(&mut self, now: Instant, by: EndedBy, code: u16, reason: impl Into<String>) {
        self.ended_as(now, End { by, code, reason: reason.into(), elsewhere: false });
    }

    fn ended_as(&mut self, now: Instant, end: End) {
        if self.is_alive() {
            self.enter(now, Stage::Ending);
            self.timer.stop();
            self.tell(CallEvent::Ended(end));
        }
    }

    /// Nothing is left to do.
    fn over(&mut self, ctx: &mut Ctx<'_>) {
        self.stop_music(ctx);
        for id in [self.invite.take(), self.bye.take()].into_iter().flatten().chain(self.minor.drain(..)) {
            ctx.line.forget(id);
        }
        self.modify.forget(ctx);
        self.enter(ctx.now, Stage::Over);
    }

    /// Sends a request within the dialog. `None` without one, or without a way.
    fn in_dialog(&mut self, ctx: &mut Ctx<'_>, method: Method, fill: impl FnOnce(&mut Outgoing)) -> Option<RequestId> {
        let dialog = self.dialog.as_mut()?;
        let mut request = dialog.request(method);
        let target = match &self.direct {
            Some(target) => target.clone(),
            None => ctx.line.hop(&dialog.next_hop())?,
        };
        fill(&mut request);
        // Each request may be challenged anew: some servers give a nonce for one request only.
        self.auth.begin_round();
        ctx.line.sign(&mut request);
        ctx.line.authorize(&mut self.auth, &mut request);
        ctx.line.send_to(ctx.now, request, target)
    }

    /// Sends the ACK of a 2xx, and keeps it for the 2xx's copies.
    fn acknowledge_with(&mut self, ctx: &mut Ctx<'_>, id: RequestId, ack: Outgoing, target: Target) {
        let ack = ctx.line.acknowledge(ack, target);
        self.acks.retain(|(acked, _)| *acked != id);
        if self.acks.len() >= MOST_ACKS {
            self.acks.pop_front();
        }
        self.acks.push_back((id, ack));
    }

    /// Headers of requests and responses that make or change a session.
    fn session_headers(&self, ctx: &Ctx<'_>) -> Vec<(Name, String)> {
        let anonymous = self.draft.as_ref().is_some_and(|draft| draft.anonymous);
        let contact = ctx.line.contact().map(|mut contact| {
            // Who hides his name does not write it here (RFC 3323 §4.1).
            contact.uri.user = contact.uri.user.filter(|_| !anonymous || ctx.line.gruu.is_some());
            contact.to_string()
        });
        let mut headers: Vec<(Name, String)> = contact.into_iter().map(|value| (Name::Contact, value)).collect();
        headers.push((Name::Allow, super::identity::ALLOW.to_owned()));
        headers.push((Name::Supported, self.supported(ctx)));
        headers
    }

    fn supported(&self, ctx: &Ctx<'_>) -> String {
        let mut tags = vec!["replaces", "norefersub"];
        if ctx.line.settings.session_timer.enabled {
            tags.push("timer");
        }
        if ctx.line.settings.reliable_provisional {
            tags.push("100rel");
        }
        if ctx.line.gruu.is_some() {
            tags.push("gruu");
        }
        tags.join(", ")
    }

    /// What a message says about the sender.
    fn learn_peer(&mut self, message: &Message) {
        self.peer_allows_update = message.tokens(Name::Allow).any(|method| method == "UPDATE");
        if let Some(Ok(super::message::Contact::Addr(contact))) = message.contacts().next() {
            self.remote_contact = Some(contact.uri);
        }
    }

    /// What we want to send and receive now.
    fn direction(&self) -> Direction {
        if self.modify.held { Direction::SendOnly } else { Direction::SendRecv }
    }

    /// Takes the state of the session as it is agreed now, by an offer of theirs or by their answer.
    fn media_changed(&mut self, by: Described) {
        let says_so = self.sdp.agreed().is_some_and(|agreed| agreed.held_by_remote);
        let held = match by {
            Described::Offer => says_so,
            // To an offer of hold many answer `inactive` who hold nobody.
            Described::Answer => says_so && (!self.modify.held || self.modify.held_by_them),
        };
        if std::mem::replace(&mut self.modify.held_by_them, held) != held && self.is_alive() {
            self.tell(CallEvent::HeldByThem(held));
        }
        self.tell(CallEvent::Media);
    }
}

/// Who calls, as far as they say so: P-Asserted-Identity of our own server is believed over From (RFC 3325 §9.1).
pub fn peer_of(request: &Message, trusted: bool) -> Peer {
    let asserted = request.header(Name::PAssertedIdentity).filter(|_| trusted);
    let asserted = asserted.and_then(|value| super::message::scan::split(value, ',').next()?.parse::<NameAddr>().ok());
    let from = request.from().ok();
    let anonymous = from.as_ref().is_some_and(is_anonymous)
        || request
            .header(Name::Privacy)
            .is_some_and(|privacy| privacy.split([';', ',']).any(|one| matches!(one.trim(), "id" | "user" | "header")));
    let Some(shown) = asserted.filter(|_| !anonymous).or(from) else { return Peer::default() };
    let clean = |text: String| text.chars().filter(|c| !c.is_control()).take(80).collect::<String>();
    Peer {
        number: clean(shown.uri.user_text().unwrap_or_default()),
        name: clean(shown.display.unwrap_or_default()),
        anonymous,
    }
}

fn is_anonymous(from: &NameAddr) -> bool {
    let user = from.uri.user.as_deref().unwrap_or_default();
    let host = from.uri.address.as_ref().map(|at| at.host.to_string()).unwrap_or_default();
    user.eq_ignore_ascii_case("anonymous") || host.eq_ignore_ascii_case("anonymous.invalid")
}
