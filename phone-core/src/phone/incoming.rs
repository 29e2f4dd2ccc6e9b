//! Calls that come: who is let in, how it rings, and when the phone answers by itself.

use std::time::Duration;

use super::calls::Entry;
use super::ring::{alert_texts, ringtone};
use super::{HookSwitch, MOST_CALLS, Phone, PhoneEvent};
use crate::settings::calls::CallSettings;
use crate::sip::call::{Call, CallId, Ctx, Peer, Stage, peer_of};
use crate::sip::inbox::{Answer, Arrival, IncomingId};
use crate::sip::message::{Message, Name};
use crate::state::Tone;
use crate::time::Instant;

/// The phone answers by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AutoAnswer {
    /// After so long.
    pub after: Duration,
    /// Because the caller asked for it (Call-Info, Alert-Info).
    pub intercom: bool,
}

impl Phone {
    pub(super) fn invited(&mut self, now: Instant, at: usize, arrival: Arrival, id: IncomingId, request: &Message) {
        let Some(account) = self.accounts.get(at) else { return };
        let server = account.is_server(arrival.from.ip());
        let settings = account.line.settings.clone();
        let peer = peer_of(request, server);
        let turn_away = |phone: &mut Self, code: u16, reason: &str| {
            phone.inbox.respond(now, id, &Answer::new(code));
            phone.events.push_back(PhoneEvent::RejectedCall {
                account: settings_index(phone, at),
                number: peer.number.clone(),
                name: peer.name.clone(),
                code,
                reason: reason.to_owned(),
            });
        };
        let security = &settings.security;
        if security.from_server_only && !server {
            return turn_away(self, 403, "not from the account's server");
        }
        if !server && !self.settings.ip_calls {
            return turn_away(self, 403, "direct IP calls are switched off");
        }
        if security.check_user_id && !account.is_for(request) {
            return turn_away(self, 404, "for another user");
        }
        if security.validate_incoming && (request.from().is_err() || peer.number.is_empty() && !peer.anonymous) {
            return turn_away(self, 400, "the caller's identity cannot be read");
        }
        if security.authenticate_invite && !self.proves(now, at, id, request) {
            return;
        }
        if let Some(replaces) = request.header(Name::Replaces) {
            return self.replacing(now, at, id, request, peer.clone(), replaces);
        }
        let auto = self.auto_answer(&settings.calls, &peer, request);
        if settings.calls.reject_anonymous && peer.anonymous {
            return turn_away(self, 433, "anonymous calls are rejected");
        }
        if self.do_not_disturb {
            return turn_away(self, 486, "do not disturb");
        }
        if self.calls_for_help() {
            return turn_away(self, 486, "an emergency call is under way");
        }
        if self.calls.iter().filter(|entry| entry.call.is_alive()).count() >= MOST_CALLS {
            return turn_away(self, 486, "too many calls");
        }
        let strangers = self.calls.iter().filter(|one| one.foreign && one.call.stage() == Stage::Incoming).count();
        if !server && strangers > 0 {
            return turn_away(self, 486, "another direct call rings");
        }
        if let Some(reason) = self.in_use_for(&settings.calls, auto) {
            return turn_away(self, 486, reason);
        }
        self.let_in(now, at, id, request, peer.clone(), auto, server);
    }

    /// Why a second call is not let in now.
    fn in_use_for(&self, calls: &CallSettings, auto: Option<AutoAnswer>) -> Option<&'static str> {
        let stages: Vec<Stage> = self.calls.iter().map(|entry| entry.call.stage()).collect();
        let connected = stages.iter().any(|stage| matches!(stage, Stage::Up | Stage::Answering | Stage::Incoming));
        if connected && !calls.call_waiting.unwrap_or(self.settings.call_waiting) {
            return Some("call waiting is switched off");
        }
        if stages.contains(&Stage::Calling) && !self.settings.incoming_before_ringing {
            return Some("a call is being placed");
        }
        let on_hook_dialling = self.hook == HookSwitch::On && !self.dialler.digits().is_empty();
        if on_hook_dialling && !self.settings.onhook_dial_barging {
            return Some("a number is being dialled");
        }
        let intercom_up = self.calls.iter().any(|entry| entry.by_intercom && entry.call.is_up());
        if intercom_up && auto.is_some_and(|auto| auto.intercom) {
            return Some("another intercom call is under way");
        }
        None
    }

    /// Whether, and when, the phone answers by itself.
    fn auto_answer(&self, calls: &CallSettings, peer: &Peer, request: &Message) -> Option<AutoAnswer> {
        let intercom = calls.intercom.then(|| intercom_wish(calls, request)).flatten();
        if let Some(after) = intercom {
            let after = after.max(self.settings.auto_answer_delay);
            return Some(AutoAnswer { after, intercom: true });
        }
        let numbered = calls.auto_answer_numbers.is_empty() || calls.auto_answer_numbers.contains(&peer.number);
        let by_setting = calls.auto_answer && numbered;
        by_setting.then_some(AutoAnswer { after: self.settings.auto_answer_delay, intercom: false })
    }

    #[allow(clippy::too_many_arguments)] // What is known of a call that comes.
    fn let_in(
        &mut self,
        now: Instant,
        at: usize,
        incoming: IncomingId,
        request: &Message,
        peer: Peer,
        auto: Option<AutoAnswer>,
        server: bool,
    ) {
        let Some(id) = self.take_call(now, at, incoming, request, peer.clone()) else { return };
        let Some(account) = self.accounts.get(at) else { return };
        let (index, calls) = (account.line.index, account.line.settings.calls.clone());
        let tone = match server {
            true => ringtone(&calls, &peer, request),
            false => self.settings.ip_call_ringtone.clone(),
        };
        self.last_caller = Some((index, peer.number.clone())).filter(|_| !peer.anonymous).or(self.last_caller.take());
        let talking = self.calls.iter().any(|entry| entry.call.is_up() && !entry.call.is_held());
        // A call that wants to be answered at once waits like any other while somebody talks, unless it may barge in.
        let auto = auto.filter(|auto| !talking || (auto.intercom && calls.barging));
        // Only callers our server vouches for may open the microphone of a room.
        let auto = auto.filter(|auto| server || !auto.intercom);
        let waiting_tone = talking && self.settings.call_waiting_tone;
        if let Some(entry) = self.entry_mut(id) {
            entry.ringtone = tone;
            entry.foreign = !server;
            entry.ring_until = Some(now + calls.ring_timeout);
            entry.answer_at = auto.map(|auto| now + auto.after);
            entry.by_intercom = auto.is_some_and(|auto| auto.intercom);
        }
        self.events.push_back(PhoneEvent::IncomingCall(self.info(id)));
        self.with_call(now, id, |call, ctx| call.ring(ctx));
        if waiting_tone {
            self.set_tone(Tone::CallWaiting);
        }
    }

    /// Makes the call of an INVITE, or refuses it.
    fn take_call(
        &mut self,
        now: Instant,
        at: usize,
        incoming: IncomingId,
        request: &Message,
        peer: Peer,
    ) -> Option<CallId> {
        let id = self.next_call_id();
        let Some(media) = self.new_media(at) else {
            self.inbox.respond(now, incoming, &Answer::new(480));
            return None;
        };
        let account = self.accounts.get_mut(at)?;
        let mut ctx = Ctx { now, line: &mut account.line, inbox: &mut self.inbox };
        match Call::incoming(&mut ctx, id, incoming, request, peer, media) {
            Ok(call) => {
                self.calls.push(Entry::new(call));
                Some(id)
            }
            Err(answer) => {
                self.inbox.respond(now, incoming, &answer);
                None
            }
        }
    }

    /// A call that takes the place of another (RFC 3891).
    fn replacing(
        &mut self,
        now: Instant,
        at: usize,
        incoming: IncomingId,
        request: &Message,
        peer: Peer,
        replaces: &str,
    ) {
        let old = self.calls.iter().find(|entry| entry.call.is_replaced_by(replaces));
        let Some((old, stage)) = old.map(|entry| (entry.call.id, entry.call.stage())) else {
            return self.inbox.respond(now, incoming, &Answer::new(481));
        };
        let early_only = replaces.split(';').any(|part| part.trim().eq_ignore_ascii_case("early-only"));
        match stage {
            Stage::Up if early_only => return self.inbox.respond(now, incoming, &Answer::new(486)),
            Stage::Up | Stage::Answering => {}
            // Only a call we made can be taken over before it is answered (§3).
            Stage::Calling | Stage::Ringing => {}
            _ => return self.inbox.respond(now, incoming, &Answer::new(481)),
        }
        let Some(id) = self.take_call(now, at, incoming, request, peer) else { return };
        let in_conference = self.conference.contains(&old);
        if let Some(entry) = self.entry_mut(id) {
            entry.silent = true;
        }
        if in_conference {
            self.conference.push(id);
        }
        if self.focus == Some(old) {
            self.focus = Some(id);
        }
        self.with_call(now, id, |call, ctx| call.accept(ctx));
        self.with_call(now, old, |call, ctx| call.hang_up(ctx));
    }
}

fn settings_index(phone: &Phone, at: usize) -> u8 {
    phone.accounts.get(at).map_or(1, |account| account.line.index)
}

/// What a caller asks for by Call-Info or Alert-Info: to be answered after so long.
fn intercom_wish(calls: &CallSettings, request: &Message) -> Option<Duration> {
    let mut texts = alert_texts(request, Name::AlertInfo);
    if !calls.custom_alert_info.is_empty() {
        // A text of the hotel's own is then the only one.
        let fits = |text: &String| text.eq_ignore_ascii_case(&calls.custom_alert_info);
        return texts.iter().any(fits).then_some(Duration::ZERO);
    }
    texts.extend(alert_texts(request, Name::CallInfo));
    texts.iter().find_map(|text| {
        let text = text.to_ascii_lowercase();
        if let Some(seconds) = text.strip_prefix("answer-after=") {
            return Some(Duration::from_secs(seconds.trim().parse::<u64>().ok()?.min(60)));
        }
        let words = ["auto answer", "auto-answer", "alert-autoanswer", "autoanswer", "intercom", "ring-answer"];
        words.contains(&text.trim()).then_some(Duration::ZERO)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::read::Values;

    fn wish(custom: &str, headers: &str) -> Option<u64> {
        let get = |key: &str| (key == "account.1.intercom.customcallinfoforautoanswer").then(|| custom.to_owned());
        let calls = CallSettings::from_values(&Values::account(&get, 1));
        let request = Message::parse_datagram(format!("INVITE sip:a@b SIP/2.0\r\n{headers}\r\n").as_bytes()).unwrap();
        intercom_wish(&calls, &request).map(|after| after.as_secs())
    }

    #[test]
    fn what_callers_write_to_be_answered_at_once() {
        assert_eq!(wish("", "Call-Info: <sip:x>;answer-after=0\r\n"), Some(0));
        assert_eq!(wish("", "Call-Info: <sip:x>; answer-after=3\r\n"), Some(3));
        assert_eq!(wish("", "Alert-Info: <http://x>;info=alert-autoanswer\r\n"), Some(0));
        assert_eq!(wish("", "Alert-Info: Auto Answer\r\n"), Some(0));
        assert_eq!(wish("", "Alert-Info: <http://x>;info=ring3\r\n"), None);
        assert_eq!(wish("front desk", "Call-Info: <sip:x>;answer-after=0\r\n"), None, "only its own text counts");
        assert_eq!(wish("front desk", "Alert-Info: <http://x>;info=\"front desk\"\r\n"), Some(0));
    }
}
