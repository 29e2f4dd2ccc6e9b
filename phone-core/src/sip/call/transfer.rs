//! Passing a call on (RFC 3515, RFC 3891, RFC 3892, RFC 5589), and being passed on.

use std::time::Duration;

use super::{Call, CallEvent, Ctx, EndedBy};
use crate::sip::inbox::{Answer, IncomingId};
use crate::sip::line::RequestId;
use crate::sip::message::{Message, Method, Name, NameAddr, Scheme, Uri};
use crate::time::{Instant, earliest};

/// A request that came while the other side changed something is sent again after so long.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How often at most; each time after half a second more.
const MOST_TRIES: u32 = 6;

/// A transfer we asked for.
#[derive(Debug)]
pub(super) struct Transfer {
    /// The REFER, until it is answered.
    pub request: Option<RequestId>,
    /// Nothing is heard after that: the other side is left to itself.
    until: Instant,
    accepted: bool,
    refer_to: String,
    /// The REFER waits: for a change of the session to be over, or for `again_at`.
    waits: bool,
    again_at: Option<Instant>,
    tries: u32,
}

impl Transfer {
    /// When something is to be done.
    pub fn poll_timeout(&self) -> Option<Instant> {
        earliest(Some(self.until), self.again_at)
    }
}

/// A REFER of the other side's that we follow: it wants to hear how it goes.
#[derive(Debug)]
pub(super) struct Referred {
    /// CSeq of the REFER, the `id` of the event (RFC 3515 §2.4.6).
    id: u32,
    /// It does not want to hear (RFC 4488).
    silent: bool,
    /// The last word is said, or about to be.
    last: bool,
    /// What is to be told: it waits for the change under way to be over, or for `again_at`.
    next: Option<(u16, String)>,
    again_at: Option<Instant>,
    /// What was told last, until that is answered.
    told: Option<(RequestId, u16, String)>,
    /// How often it could not be taken (491).
    tries: u32,
}

impl Referred {
    /// When something is to be done.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.again_at
    }
}

/// Whom the other side asks us to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referral {
    /// The new other end.
    pub to: Uri,
    /// `Replaces` of the INVITE, decoded.
    pub replaces: Option<String>,
    /// Who asks.
    pub referred_by: Option<String>,
}

impl Referral {
    /// Reads Refer-To and Referred-By. `None` if nobody can be called by it.
    pub fn of(request: &Message) -> Option<Self> {
        let to: NameAddr = request.header(Name::ReferTo)?.parse().ok()?;
        let mut uri = to.uri;
        if !matches!(uri.scheme, Scheme::Sip | Scheme::Sips | Scheme::Tel) {
            return None;
        }
        let headers = uri.headers.take();
        let method = uri.params.value("method").map(str::to_owned);
        if method.is_some_and(|method| !method.eq_ignore_ascii_case("INVITE")) {
            return None;
        }
        let replaces = headers.iter().flat_map(|headers| headers.split('&')).find_map(|header| {
            let (name, value) = header.split_once('=')?;
            name.eq_ignore_ascii_case("replaces").then(|| crate::sip::message::unescape(value))
        });
        let referred_by = request.header(Name::ReferredBy).map(str::to_owned);
        Some(Self { to: uri, replaces, referred_by })
    }
}

/// The status a `message/sipfrag` tells (RFC 3420).
pub fn sipfrag_status(body: &[u8]) -> Option<u16> {
    // The phrase may be in any language, and cut anywhere.
    let text = String::from_utf8_lossy(body.get(..64.min(body.len()))?);
    let rest = text.trim_start().strip_prefix("SIP/2.0 ")?;
    rest.get(..3)?.parse().ok().filter(|code| (100..700).contains(code))
}

impl Call {
    /// What others put into `Replaces` to take this call over (RFC 3891): the target's tag is `to-tag`.
    pub fn replaces(&self) -> Option<String> {
        let dialog = self.dialog()?;
        let (ours, theirs) = (dialog.local.tag()?, dialog.remote.tag()?);
        Some(format!("{};to-tag={theirs};from-tag={ours}", dialog.call_id))
    }

    /// Whether a `Replaces` header names this call: there, `to-tag` is ours.
    pub fn is_replaced_by(&self, replaces: &str) -> bool {
        let call_id = replaces.split(';').next().unwrap_or_default().trim();
        let tag = |name: &str| {
            let of = |part: &str| part.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
            replaces.split(';').map(str::trim).find_map(of)
        };
        let (to, from) = (tag("to-tag"), tag("from-tag"));
        // One that rings where we call has no dialog yet but its forks' (§3).
        self.dialog().into_iter().chain(&self.forks).any(|dialog| {
            call_id == dialog.call_id && to.as_deref() == dialog.local.tag() && from.as_deref() == dialog.remote.tag()
        })
    }

    /// The URI others reach the other end by: its address of record, or its Contact ("Refer-To Use Target Contact").
    pub fn remote_uri(&self, contact: bool) -> Option<Uri> {
        let dialog = self.dialog()?;
        let mut uri = match &self.remote_contact {
            Some(target) if contact => target.clone(),
            _ => dialog.remote.uri.clone(),
        };
        uri.headers = None;
        Some(uri)
    }

    /// Asks the other side to call somebody else: `to`, in place of the call `replaces` names. False if it cannot be asked.
    /// A change of the session that is under way comes to its end before: phones refuse a REFER meanwhile.
    pub fn transfer(&mut self, ctx: &mut Ctx<'_>, to: &Uri, replaces: Option<&str>) -> bool {
        if !self.is_up() || self.transfer.is_some() {
            return false;
        }
        let refer_to = match replaces {
            Some(replaces) => format!("<{to}?Replaces={}>", crate::sip::message::escape_header(replaces)),
            None => format!("<{to}>"),
        };
        let until = ctx.now + ctx.line.settings.calls.transfer_timeout;
        let (request, accepted, waits, again_at, tries) = (None, false, true, None, 0);
        self.transfer = Some(Transfer { request, until, accepted, refer_to, waits, again_at, tries });
        self.send_refer(ctx)
    }

    /// Sends the REFER that waits, if nothing is in its way. False if it cannot be sent at all.
    pub(super) fn send_refer(&mut self, ctx: &mut Ctx<'_>) -> bool {
        let Some(transfer) = self.transfer.as_mut().filter(|transfer| transfer.waits) else { return true };
        if self.modify.is_busy() || transfer.again_at.is_some() {
            return true;
        }
        transfer.waits = false;
        let refer_to = transfer.refer_to.clone();
        let by = ctx.line.address_of_record().or_else(|| ctx.line.contact());
        let contact = ctx.line.contact().map(|contact| contact.to_string());
        let request = self.in_dialog(ctx, Method::Refer, |request| {
            request.push(Name::ReferTo, refer_to);
            if let Some(by) = by {
                request.push(Name::ReferredBy, by);
            }
            if let Some(contact) = contact {
                request.push(Name::Contact, contact);
            }
        });
        match (&mut self.transfer, request) {
            (Some(transfer), Some(id)) => transfer.request = Some(id),
            _ => self.transfer = None,
        }
        self.transfer.is_some()
    }

    /// Whether a transfer is under way.
    pub fn is_transferring(&self) -> bool {
        self.transfer.is_some()
    }

    pub(super) fn refer_answered(&mut self, ctx: &mut Ctx<'_>, id: RequestId, status: u16, message: &Message) {
        match status {
            100..200 => {}
            200..300 => {
                let Some(transfer) = &mut self.transfer else { return };
                (transfer.request, transfer.accepted) = (None, true);
                if !ctx.line.settings.calls.transfer_recovery {
                    // Without recovery nobody waits for how it ends.
                    self.transfer_over(ctx, 200);
                }
            }
            401 | 407 => {
                let Some(dialog) = &mut self.dialog else { return };
                dialog.local_cseq += 1;
                let cseq = dialog.local_cseq;
                match ctx.line.answer_challenge(ctx.now, &mut self.auth, id, message, cseq) {
                    Ok(id) => {
                        if let Some(transfer) = &mut self.transfer {
                            transfer.request = Some(id);
                        }
                    }
                    Err(_) => self.transfer_over(ctx, status),
                }
            }
            // The other side changes something at the same moment.
            491 => {
                let Some(transfer) = &mut self.transfer else { return };
                transfer.tries += 1;
                if transfer.tries > MOST_TRIES {
                    return self.transfer_over(ctx, status);
                }
                ctx.line.forget(id);
                let at = ctx.now + AGAIN_AFTER * transfer.tries;
                (transfer.request, transfer.waits, transfer.again_at) = (None, true, Some(at));
            }
            _ => self.transfer_over(ctx, status),
        }
    }

    pub(super) fn transfer_notified(&mut self, ctx: &mut Ctx<'_>, request: &Message) {
        let status = sipfrag_status(request.body());
        let state = request.header(Name::SubscriptionState).unwrap_or_default().to_ascii_lowercase();
        match status {
            Some(status @ 200..) => self.transfer_over(ctx, status),
            Some(status) => self.tell(CallEvent::TransferProgress(status)),
            // It ends without having said how: a server that has taken the call over itself does so.
            None if state.starts_with("terminated") => self.transfer_over(ctx, 200),
            None => {}
        }
    }

    /// How the transfer went: after a success the call is hung up, after a failure it goes on.
    pub(super) fn transfer_over(&mut self, ctx: &mut Ctx<'_>, status: u16) {
        let Some(transfer) = self.transfer.take() else { return };
        if let Some(id) = transfer.request {
            ctx.line.forget(id);
        }
        if (200..300).contains(&status) {
            self.tell(CallEvent::TransferDone);
            if self.is_alive() {
                self.ended(ctx.now, EndedBy::Us, 200, "passed on");
                self.send_bye(ctx, None);
            }
        } else {
            self.tell(CallEvent::TransferFailed(status));
        }
    }

    pub(super) fn transfer_timeout(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(referred) = self.referred.as_mut().filter(|one| one.again_at.is_some_and(|at| ctx.now >= at)) {
            referred.again_at = None;
            self.send_progress(ctx);
        }
        let Some(transfer) = &mut self.transfer else { return };
        if transfer.again_at.is_some_and(|at| ctx.now >= at) {
            transfer.again_at = None;
            if !self.send_refer(ctx) {
                self.tell(CallEvent::TransferFailed(503));
            }
        }
        let Some(transfer) = self.transfer.as_ref().filter(|transfer| ctx.now >= transfer.until) else { return };
        // Accepted and nothing heard of it: taken for done. Not even accepted: failed.
        let status = if transfer.accepted { 200 } else { 408 };
        self.transfer_over(ctx, status);
    }

    // ---- being passed on ----

    pub(super) fn they_refer(&mut self, ctx: &mut Ctx<'_>, id: IncomingId, request: &Message) {
        if !self.is_up() || self.is_referred() {
            return ctx.inbox.respond(ctx.now, id, &Answer::new(603));
        }
        let Some(referral) = Referral::of(request) else {
            return ctx.inbox.respond(ctx.now, id, &Answer::new(400));
        };
        let silent = request.header(Name::ReferSub).is_some_and(|value| value.trim().eq_ignore_ascii_case("false"));
        let mut answer = Answer::new(202);
        if let Some(contact) = ctx.line.contact() {
            answer = answer.with(Name::Contact, contact);
        }
        if silent {
            answer = answer.with(Name::ReferSub, "false");
        }
        ctx.inbox.respond(ctx.now, id, &answer);
        let id = request.cseq().map(|cseq| cseq.number).unwrap_or_default();
        self.referred = Some(Referred { id, silent, last: false, next: None, again_at: None, told: None, tries: 0 });
        self.tell(CallEvent::Refer(Box::new(referral)));
        self.referral_progress(ctx, 100, "Trying");
    }

    /// Tells who passed us on how the new call goes; from 200 on that is the last word.
    pub fn referral_progress(&mut self, ctx: &mut Ctx<'_>, status: u16, reason: &str) {
        let Some(referred) = self.referred.as_mut().filter(|referred| !referred.last) else { return };
        referred.last = status >= 200;
        referred.next = Some((status, reason.to_owned()));
        self.send_progress(ctx);
    }

    /// Sends the NOTIFY that waits, if nothing is in its way: linphone refuses it while the session changes.
    pub(super) fn send_progress(&mut self, ctx: &mut Ctx<'_>) {
        let alive = self.is_alive();
        let Some(referred) = &mut self.referred else { return };
        let (id, last) = (referred.id, referred.last);
        if referred.silent || !alive {
            self.referred = self.referred.take().filter(|_| !last);
            return;
        }
        if self.modify.is_held_up() || referred.again_at.is_some() {
            return;
        }
        let Some((status, reason)) = referred.next.take() else { return };
        let contact = ctx.line.contact().map(|contact| contact.to_string());
        let sent = self.in_dialog(ctx, Method::Notify, |request| {
            request.push(Name::Event, format_args!("refer;id={id}"));
            let state = if last { "terminated;reason=noresource" } else { "active;expires=60" };
            request.push(Name::SubscriptionState, state);
            if let Some(contact) = contact {
                request.push(Name::Contact, contact);
            }
            request.body = Some(("message/sipfrag;version=2.0", format!("SIP/2.0 {status} {reason}\r\n").into_bytes()));
        });
        self.minor.extend(sent);
        match (&mut self.referred, sent) {
            (Some(referred), Some(id)) => referred.told = Some((id, status, reason)),
            _ => self.referred = None,
        }
    }

    /// A NOTIFY was answered: it is sent again if the other side was changing something.
    pub(super) fn progress_answered(&mut self, now: Instant, id: RequestId, status: u16) {
        let Some(referred) = &mut self.referred else { return };
        let Some((_, told, reason)) = referred.told.take_if(|(told, ..)| *told == id) else { return };
        if status == 491 && referred.tries < MOST_TRIES {
            referred.tries += 1;
            referred.next.get_or_insert((told, reason));
            referred.again_at = Some(now + AGAIN_AFTER * referred.tries);
            return;
        }
        referred.tries = 0;
        if told >= 200 {
            self.referred = None;
        }
    }

    /// Whether somebody waits to hear how the call goes we make for them.
    pub fn is_referred(&self) -> bool {
        self.referred.as_ref().is_some_and(|referred| !referred.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refer(headers: &str) -> Message {
        Message::parse_datagram(format!("REFER sip:a@b SIP/2.0\r\n{headers}\r\n").as_bytes()).unwrap()
    }

    #[test]
    fn referrals_are_read_with_their_replaces() {
        let plain = Referral::of(&refer("Refer-To: <sip:102@pbx>\r\nReferred-By: <sip:100@pbx>\r\n")).unwrap();
        assert_eq!((plain.to.to_string().as_str(), plain.replaces), ("sip:102@pbx", None));
        let attended =
            Referral::of(&refer("r: <sip:102@pbx?Replaces=abc%40h%3Bto-tag%3Dx%3Bfrom-tag%3Dy>\r\n")).unwrap();
        assert_eq!(attended.replaces.as_deref(), Some("abc@h;to-tag=x;from-tag=y"));
        assert_eq!(attended.to.to_string(), "sip:102@pbx");
        assert_eq!(Referral::of(&refer("Refer-To: <sip:102@pbx;method=BYE>\r\n")), None);
        assert_eq!(Referral::of(&refer("")), None);
        assert_eq!(Referral::of(&refer("Refer-To: <http://hotel.example/>\r\n")), None, "nobody can be called there");
        assert!(Referral::of(&refer("Refer-To: <tel:+4930123>\r\n")).is_some());
    }

    #[test]
    fn a_sipfrag_tells_its_status() {
        assert_eq!(sipfrag_status(b"SIP/2.0 180 Ringing\r\n"), Some(180));
        assert_eq!(sipfrag_status(b"SIP/2.0 603\r\n"), Some(603));
        let long = format!("SIP/2.0 486 {}\u{fc}berlastet\r\n", "x".repeat(51));
        assert!(std::str::from_utf8(&long.as_bytes()[..64]).is_err());
        assert_eq!(sipfrag_status(long.as_bytes()), Some(486));
        for broken in [&b""[..], b"SIP/2.0 ", b"SIP/2.0 99x", b"HTTP/1.1 200 OK", b"\xff\xff"] {
            assert_eq!(sipfrag_status(broken), None);
        }
    }
}
