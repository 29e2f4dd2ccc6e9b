//! What becomes of calls: their events, holding and swapping, conference and transfer.

use std::time::Duration;

use super::{CallInfo, HookSwitch, Phone, PhoneEvent};
use crate::sdp::LocalMedia;
use crate::sip::call::{Call, CallEvent, CallId, End, EndedBy, Referral, Stage};
use crate::sip::message::Uri;
use crate::state::{CallQuality, Tone};
use crate::time::{Instant, earliest};

/// How long busy and reorder are heard.
pub(super) const TONE_TIME: Duration = Duration::from_secs(10);
/// How long the phone warns that it answers by itself.
const WARNING_TIME: Duration = Duration::from_secs(1);

/// A call, and what the phone knows of it beside its signalling.
#[derive(Debug)]
pub(super) struct Entry {
    pub call: Call,
    pub ringtone: String,
    /// It comes in without ringing.
    pub silent: bool,
    /// The other end is not reached through a server of the account: it is believed less.
    pub foreign: bool,
    /// After that nobody is expected to answer.
    pub ring_until: Option<Instant>,
    /// The phone answers by itself then.
    pub answer_at: Option<Instant>,
    /// It was let in by Call-Info or Alert-Info.
    pub by_intercom: bool,
    /// People have talked in it.
    pub was_up: bool,
    /// The call whose other end asked for this one.
    pub asked_by: Option<CallId>,
    /// The call whose other end this one's is to take over: passed on after asking.
    pub joined_with: Option<CallId>,
    /// Accounts to try next, for an emergency call that does not get through.
    pub other_accounts: Vec<u8>,
    /// A call for help that has reached nobody by then is handed to the next account.
    pub next_account_at: Option<Instant>,
    /// Another call has taken its place: its end is nobody's news.
    pub handed_on: bool,
    /// The number as it was sent.
    pub number: String,
    /// How it sounds, as last told.
    pub quality: Option<Box<media::Quality>>,
}

impl Entry {
    pub fn new(call: Call) -> Self {
        let number = call.peer.number.clone();
        Self {
            call,
            ringtone: String::new(),
            silent: false,
            foreign: false,
            ring_until: None,
            answer_at: None,
            by_intercom: false,
            was_up: false,
            asked_by: None,
            joined_with: None,
            other_accounts: Vec::new(),
            next_account_at: None,
            handed_on: false,
            number,
            quality: None,
        }
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        let ringing = self.call.stage() == Stage::Incoming;
        let own = earliest(self.ring_until, self.answer_at).filter(|_| ringing);
        let calling = self.call.stage() == Stage::Calling;
        let own = earliest(own, self.next_account_at.filter(|_| calling));
        earliest(self.call.poll_timeout(), own)
    }
}

impl Phone {
    pub(super) fn next_call_id(&mut self) -> CallId {
        self.next_call = self.next_call.wrapping_add(1);
        CallId(self.next_call)
    }

    pub(super) fn info(&self, id: CallId) -> CallInfo {
        let Some(entry) = self.entry(id) else {
            return CallInfo { call: id, account: 0, number: String::new(), name: String::new() };
        };
        let peer = &entry.call.peer;
        CallInfo { call: id, account: entry.call.account, number: peer.number.clone(), name: peer.name.clone() }
    }

    /// Our end of a new call's audio: a port of the phone's range that no call uses.
    pub(super) fn new_media(&mut self, at: usize) -> Option<LocalMedia> {
        let ports = self.settings.rtp;
        let pairs = (ports.count / 2).max(1);
        let first = if ports.random { self.rng.next_u64() % u64::from(pairs) } else { u64::from(self.next_call) };
        let port =
            |step: u16| ports.first + 2 * ((u16::try_from(first % u64::from(pairs)).unwrap_or(0) + step) % pairs);
        let used = |port: &u16| {
            self.taken_ports.contains(port) || self.calls.iter().any(|entry| entry.call.media_port() == *port)
        };
        let free = (0..pairs).map(port).find(|port| !used(port));
        // Who took the others may have gone.
        let port = match free {
            Some(port) => port,
            None => {
                self.taken_ports.clear();
                let used = |port: &u16| self.calls.iter().any(|entry| entry.call.media_port() == *port);
                (0..pairs).map(port).find(|port| !used(port))?
            }
        };
        let line = &self.accounts.get(at)?.line;
        // Behind a NAT audio goes where SIP goes.
        let address = line.contact_address()?.ip();
        Some(LocalMedia { address, port, settings: line.settings.media.clone() })
    }

    /// The phone's address changed: each call says so.
    pub(super) fn move_calls(&mut self, now: Instant) {
        let ids: Vec<CallId> = self.calls.iter().filter(|e| e.call.is_alive()).map(|e| e.call.id).collect();
        for id in ids {
            let Some(at) = self.entry(id).map(|entry| usize::from(entry.call.account) - 1) else { continue };
            let Some(mut media) = self.new_media(at) else { continue };
            if let Some(entry) = self.entry(id) {
                media.port = entry.call.media_port();
            }
            self.with_call(now, id, |call, ctx| call.relocate(ctx, media));
        }
    }

    // ---- time ----

    pub(super) fn entries_timeout(&mut self, now: Instant) {
        let due = |at: Option<Instant>| at.is_some_and(|at| now >= at);
        let ringing = |entry: &&super::Entry| entry.call.stage() == Stage::Incoming;
        let answer: Vec<CallId> =
            self.calls.iter().filter(ringing).filter(|e| due(e.answer_at)).map(|e| e.call.id).collect();
        for id in answer {
            self.answer_by_itself(now, id);
        }
        let over: Vec<CallId> =
            self.calls.iter().filter(ringing).filter(|e| due(e.ring_until)).map(|e| e.call.id).collect();
        for id in over {
            self.with_call(now, id, |call, ctx| call.reject(ctx, 480));
        }
        let calling = |entry: &&super::Entry| entry.call.stage() == Stage::Calling;
        let stuck = self.calls.iter().filter(calling).find(|entry| due(entry.next_account_at));
        if let Some(id) = stuck.map(|entry| entry.call.id) {
            self.hand_on(now, id);
        }
    }

    /// A call for help is under way.
    pub(super) fn calls_for_help(&self) -> bool {
        self.calls.iter().any(|entry| entry.call.emergency && entry.call.is_alive())
    }

    fn answer_by_itself(&mut self, now: Instant, id: CallId) {
        if self.calls_for_help() {
            return;
        }
        let Some(entry) = self.entry_mut(id) else { return };
        entry.answer_at = None;
        let (intercom, index) = (entry.by_intercom, entry.call.account);
        let Some(calls) = self.account(index).map(|account| account.line.settings.calls.clone()) else { return };
        self.speaker = self.hook == HookSwitch::On;
        self.answer(now, id);
        if intercom && calls.intercom_mute {
            self.muted = true;
        }
        // "Auto Answer" always beeps; before intercom calls "Play warning tone" says whether.
        if !intercom || calls.warning_tone {
            self.set_tone(Tone::Warning);
            self.tone_until = Some(now + WARNING_TIME);
        }
    }

    /// A message in the call says that the phone is to answer. Whoever calls can send that: it is what Call-Info is, and
    /// allowed with it.
    fn told_to_answer(&mut self, now: Instant, id: CallId) {
        let account = self.entry(id).filter(|entry| !entry.foreign).and_then(|entry| self.account(entry.call.account));
        let Some(calls) = account.map(|account| &account.line.settings.calls) else { return };
        let talking = self.calls.iter().any(|entry| entry.call.is_up() && !entry.call.is_held());
        if !calls.intercom || (talking && !calls.barging) {
            return;
        }
        if let Some(entry) = self.entry_mut(id) {
            entry.by_intercom = true;
        }
        self.answer_by_itself(now, id);
    }

    // ---- what people and programs do ----

    /// Answers a call; whoever is talked to goes on hold.
    pub(super) fn answer(&mut self, now: Instant, id: CallId) {
        if self.entry(id).is_none_or(|entry| entry.call.stage() != Stage::Incoming) {
            return;
        }
        self.hold_all_but(now, id);
        self.focus = Some(id);
        self.dialler.clear();
        self.set_tone(Tone::None);
        if let Some(entry) = self.entry_mut(id) {
            (entry.ring_until, entry.answer_at) = (None, None);
        }
        if self.settings.auto_unmute {
            self.muted = false;
        }
        if std::mem::take(&mut self.mute_next) {
            self.muted = true;
        }
        self.with_call(now, id, |call, ctx| call.accept(ctx));
    }

    pub(super) fn hold_all_but(&mut self, now: Instant, keep: CallId) {
        let together = self.conference.contains(&keep);
        let others: Vec<CallId> = self
            .calls
            .iter()
            .filter(|entry| entry.call.id != keep && entry.call.is_up() && !entry.call.is_held())
            // Help that is on the line stays on it.
            .filter(|entry| !entry.call.emergency)
            .map(|entry| entry.call.id)
            .filter(|id| !(together && self.conference.contains(id)))
            .collect();
        for id in others {
            self.with_call(now, id, |call, ctx| call.hold(ctx));
        }
    }

    /// Goes over to a call: the others go on hold.
    pub(super) fn talk_in(&mut self, now: Instant, id: CallId) {
        // It may have ended meanwhile, or never have been there.
        let Some(entry) = self.entry(id).filter(|entry| entry.call.is_up()) else { return };
        if !entry.call.emergency && self.calls_for_help() {
            return;
        }
        self.hold_all_but(now, id);
        self.focus = Some(id);
        if self.settings.auto_unmute {
            self.muted = false;
        }
        self.with_call(now, id, |call, ctx| call.resume(ctx));
        self.set_tone(Tone::None);
    }

    /// Joins all calls that are up ("Enable Conference").
    pub(super) fn join(&mut self, now: Instant) {
        let up: Vec<CallId> = self.calls.iter().filter(|e| e.call.is_up()).map(|e| e.call.id).collect();
        if !self.settings.conference || up.len() < 2 {
            return;
        }
        self.conference.clone_from(&up);
        for id in up {
            self.with_call(now, id, |call, ctx| call.resume(ctx));
        }
    }

    /// Ends the conference: one call goes on, the others are held.
    pub(super) fn split(&mut self, now: Instant) {
        let members = std::mem::take(&mut self.conference);
        if let Some(focus) = self.focus.filter(|focus| members.contains(focus)).or(members.first().copied()) {
            self.focus = Some(focus);
            self.hold_all_but(now, focus);
        }
    }

    /// The initiator leaves the conference ("Transfer on Conference Hangup"): with three, the others are joined.
    pub(super) fn leave_conference(&mut self, now: Instant) -> bool {
        let [first, second] = self.conference[..] else { return false };
        let wanted = self.entry(first).and_then(|entry| self.account(entry.call.account));
        if !wanted.is_some_and(|account| account.line.settings.calls.transfer_on_conference_hangup) {
            return false;
        }
        self.conference.clear();
        self.attended_transfer(now, first, second)
    }

    /// Passes a call on to a number.
    pub(super) fn blind_transfer(&mut self, now: Instant, id: CallId, number: &str) {
        let Some(index) = self.entry(id).map(|entry| entry.call.account).filter(|_| self.settings.transfer) else {
            return;
        };
        let Some(uri) = self.uri_of(index, number) else { return };
        self.with_call(now, id, |call, ctx| call.hold(ctx));
        let sent = self.with_call(now, id, |call, ctx| call.transfer(ctx, &uri, None));
        if sent == Some(true) {
            let info = self.info(id);
            self.events.push_back(PhoneEvent::BlindTransfer { info, to: number.to_owned() });
        }
    }

    /// Joins the other ends of two calls and leaves (RFC 5589 §7).
    pub(super) fn attended_transfer(&mut self, now: Instant, id: CallId, with: CallId) -> bool {
        if !self.settings.transfer {
            return false;
        }
        let Some(target) = self.entry(with) else { return false };
        let contact =
            self.account(target.call.account).is_some_and(|account| account.line.settings.calls.refer_to_contact);
        let (Some(uri), Some(replaces)) = (target.call.remote_uri(contact), target.call.replaces()) else {
            return false;
        };
        let to = target.call.peer.number.clone();
        // "Hold Call Before Completing Transfer": both, so that neither hears the other end twice.
        if self.settings.hold_before_transfer {
            for one in [id, with] {
                self.with_call(now, one, |call, ctx| call.hold(ctx));
            }
        }
        let sent = self.with_call(now, id, |call, ctx| call.transfer(ctx, &uri, Some(&replaces)));
        if sent == Some(true) {
            if let Some(entry) = self.entry_mut(id) {
                entry.joined_with = Some(with);
            }
            let info = self.info(id);
            self.events.push_back(PhoneEvent::AttendedTransfer { info, to });
        }
        sent == Some(true)
    }

    /// Calls whom somebody asks us to call (REFER).
    pub(super) fn follow_referral(&mut self, now: Instant, account: u8, asked_by: Option<CallId>, referral: &Referral) {
        let placed = self.place_referred(now, account, referral);
        match (placed, asked_by) {
            (Ok(id), Some(asked_by)) => {
                if let Some(entry) = self.entry_mut(id) {
                    entry.asked_by = Some(asked_by);
                }
                self.focus = Some(id);
            }
            (Err(_), Some(asked_by)) => {
                self.with_call(now, asked_by, |call, ctx| call.referral_progress(ctx, 503, "Service Unavailable"));
                self.talk_in(now, asked_by);
            }
            (Ok(id), None) => {
                // Nobody has lifted the handset for it.
                self.speaker |= !self.is_open();
                self.focus = Some(id);
            }
            (Err(_), None) => {}
        }
    }

    // ---- what calls tell ----

    /// Takes what happened, until nothing more happens; then forgets calls that are over.
    pub(super) fn settle(&mut self, now: Instant) {
        self.each_call(now, |call, ctx| call.server_may_be_found(ctx));
        for _ in 0..1_000 {
            let next = self.calls.iter_mut().find_map(|entry| Some((entry.call.id, entry.call.poll_event()?)));
            let Some((id, event)) = next else { break };
            self.call_event(now, id, event);
        }
        self.calls.retain(|entry| entry.call.stage() != Stage::Over);
        self.conference.retain(|id| self.calls.iter().any(|entry| entry.call.id == *id && entry.call.is_alive()));
        if self.conference.len() < 2 {
            self.conference.clear();
        }
        let alive = self.has_calls();
        if !alive && self.hook == HookSwitch::On && self.dialler.is_idle() {
            self.speaker = false;
        }
        self.remind_of_hold();
        let busy = alive || self.is_open();
        if std::mem::replace(&mut self.busy, busy) != busy {
            self.events.push_back(if busy { PhoneEvent::IdleToBusy } else { PhoneEvent::BusyToIdle });
        }
    }

    fn call_event(&mut self, now: Instant, id: CallId, event: CallEvent) {
        match event {
            CallEvent::Rings { early_media } => {
                if self.focus == Some(id) {
                    self.set_tone(if early_media { Tone::None } else { Tone::Ringback });
                }
                self.tell_who_asked(now, id, 180, "Ringing");
            }
            CallEvent::Up => self.is_up(now, id),
            CallEvent::Media | CallEvent::HeldByThem(_) | CallEvent::HoldFailed | CallEvent::TransferProgress(_) => {}
            CallEvent::Held(held) => {
                let info = self.info(id);
                self.events.push_back(if held { PhoneEvent::HoldCall(info) } else { PhoneEvent::UnholdCall(info) });
            }
            CallEvent::Digit(digit) => self.events.push_back(PhoneEvent::Digit { call: id, digit }),
            CallEvent::Talk => match self.entry(id).map(|entry| entry.call.stage()) {
                Some(Stage::Incoming) => self.told_to_answer(now, id),
                // Nobody takes himself off hold while another is talked to.
                _ if self.calls.iter().any(|one| one.call.id != id && one.call.is_up() && !one.call.is_held()) => {}
                _ => self.talk_in(now, id),
            },
            CallEvent::Hold => drop(self.with_call(now, id, |call, ctx| call.hold(ctx))),
            CallEvent::TransferDone => {
                self.part_with_joined(now, id);
                let info = self.info(id);
                self.events.push_back(PhoneEvent::TransferCompleted(info));
                self.passing_on = self.passing_on.filter(|passing| *passing != id);
            }
            CallEvent::TransferFailed(code) => self.transfer_failed(now, id, code),
            CallEvent::Refer(referral) => {
                let Some(entry) = self.entry(id) else { return };
                let (index, foreign) = (entry.call.account, entry.foreign);
                // Strangers do not call at the guest's expense, and nothing comes over a call for help.
                if foreign || self.calls_for_help() {
                    self.with_call(now, id, |call, ctx| call.referral_progress(ctx, 603, "Decline"));
                    return;
                }
                self.with_call(now, id, |call, ctx| call.hold(ctx));
                self.follow_referral(now, index, Some(id), &referral);
            }
            CallEvent::Ended(end) => self.ended(now, id, &end),
        }
    }

    fn is_up(&mut self, now: Instant, id: CallId) {
        let info = self.info(id);
        let Some(entry) = self.entry_mut(id) else { return };
        entry.was_up = true;
        let answered = !entry.call.outgoing;
        if answered {
            self.events.push_back(PhoneEvent::AnsweredCall(info.clone()));
        }
        self.events.push_back(PhoneEvent::EstablishedCall(info));
        // The warning is heard to its end.
        if self.focus == Some(id) && self.tone != Tone::Warning {
            self.set_tone(Tone::None);
        }
        if !answered && self.settings.auto_unmute {
            self.muted = false;
        }
        self.tell_who_asked(now, id, 200, "OK");
    }

    /// A call was passed on to another one of ours, whose other end should have ended that by now. One that knows no
    /// Replaces has taken the new call for a second one, and still holds ours.
    fn part_with_joined(&mut self, now: Instant, id: CallId) {
        let Some(entry) = self.entry_mut(id) else { return };
        let Some(with) = entry.joined_with.take() else { return };
        // Without recovery nobody knows yet whether the others have found each other.
        let index = entry.call.account;
        if self.account(index).is_some_and(|account| account.line.settings.calls.transfer_recovery) {
            self.with_call(now, with, |call, ctx| call.hang_up(ctx));
        }
    }

    /// Enable Recovery on Blind Transfer: the call goes on.
    fn transfer_failed(&mut self, now: Instant, id: CallId, code: u16) {
        if let Some(entry) = self.entry_mut(id) {
            entry.joined_with = None;
        }
        let info = self.info(id);
        self.events.push_back(PhoneEvent::TransferFailed { info, code });
        let recovers = self
            .entry(id)
            .and_then(|entry| self.account(entry.call.account))
            .is_some_and(|account| account.line.settings.calls.transfer_recovery);
        if recovers {
            self.talk_in(now, id);
        }
    }

    fn ended(&mut self, now: Instant, id: CallId, end: &End) {
        let info = self.info(id);
        let Some(entry) = self.entry_mut(id) else { return };
        let (was_up, outgoing, asked_by) = (entry.was_up, entry.call.outgoing, entry.asked_by);
        if entry.handed_on {
            return;
        }
        if !was_up && outgoing && self.try_other_account(now, id, end) {
            return;
        }
        let missed = !outgoing && !was_up && !end.elsewhere && (end.by != EndedBy::Us || end.code == 480);
        if missed {
            self.events.push_back(PhoneEvent::MissedCall(info.clone()));
        }
        if let Some((quality, entry)) = self.entry(id).and_then(|entry| Some((entry.quality.as_deref()?, entry))) {
            let codec = entry.call.media().map(|media| media.codec.name.encoding(media.codec.packing).to_owned());
            let (codec, quality) = (codec.unwrap_or_default(), Box::new(CallQuality::of(quality)));
            self.events.push_back(PhoneEvent::CallQuality { info: info.clone(), codec, quality });
            self.report_quality(now, id);
        }
        let (by, code, reason) = (end.by, end.code, end.reason.clone());
        self.events.push_back(PhoneEvent::TerminatedCall { info, by, code, reason });
        if asked_by.is_some() && !was_up {
            self.tell_who_asked(now, id, end.code.max(400), &end.reason);
        }
        if self.passing_on == Some(id) {
            self.passing_on = None;
        }
        if self.focus == Some(id) {
            self.focus = None;
            self.after_the_call(now, end, was_up, outgoing);
        }
        let waiting = self.calls.iter().any(|entry| entry.call.stage() == Stage::Incoming);
        if self.tone == Tone::CallWaiting && !waiting {
            self.set_tone(Tone::None);
        }
    }

    /// What is heard when the call people talked in is over.
    fn after_the_call(&mut self, now: Instant, end: &End, was_up: bool, outgoing: bool) {
        let tone = match (end.by, was_up) {
            (EndedBy::Us, _) => Tone::None,
            _ if !self.is_open() => Tone::None,
            (_, true) if self.settings.busy_tone => Tone::Busy,
            (_, true) => Tone::None,
            (_, false) if outgoing && matches!(end.code, 486 | 600 | 603) => Tone::Busy,
            (_, false) if outgoing => Tone::Reorder,
            (_, false) => Tone::None,
        };
        self.set_tone(tone);
        self.tone_until = (tone != Tone::None).then(|| now + TONE_TIME);
        if self.hook == HookSwitch::On && end.by != EndedBy::Us {
            self.speaker = false;
        }
    }

    /// "On Hold Reminder Tone": heard while somebody is on hold and nothing else goes on.
    fn remind_of_hold(&mut self) {
        let wants = |entry: &Entry| {
            let account = self.account(entry.call.account);
            account.is_some_and(|account| account.line.settings.calls.hold_reminder)
        };
        let held = |entry: &Entry| entry.call.is_up() && entry.call.is_held();
        let alone = self.calls.iter().filter(|entry| entry.call.is_alive()).all(held);
        let due = alone && self.is_open() && self.dialler.is_idle() && self.calls.iter().any(|e| held(e) && wants(e));
        match (self.tone, due) {
            (Tone::None, true) => self.set_tone(Tone::HoldReminder),
            (Tone::HoldReminder, false) => self.set_tone(Tone::None),
            _ => {}
        }
    }

    /// Tells who asked for a call how it goes; once it is up, who asked is not needed any more.
    fn tell_who_asked(&mut self, now: Instant, id: CallId, code: u16, reason: &str) {
        let Some(asked_by) = self.entry(id).and_then(|entry| entry.asked_by) else { return };
        self.with_call(now, asked_by, |call, ctx| call.referral_progress(ctx, code, reason));
        if code < 200 {
            return;
        }
        if let Some(entry) = self.entry_mut(id) {
            entry.asked_by = None;
        }
        if code >= 300 {
            // It did not work: back to who asked.
            self.talk_in(now, asked_by);
        }
    }

    pub(super) fn set_tone(&mut self, tone: Tone) {
        self.tone = tone;
        self.tone_until = None;
    }

    /// The handset is lifted, or the loudspeaker on.
    pub(super) fn is_open(&self) -> bool {
        self.hook == HookSwitch::Off || self.speaker
    }

    /// The URI of a number, as an account dials it.
    pub(super) fn uri_of(&self, account: u8, number: &str) -> Option<Uri> {
        self.target_of(account, number).ok().map(|(uri, _)| uri)
    }
}
