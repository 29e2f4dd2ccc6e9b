//! Digits one by one: when a number is complete (dial plan), sent (key as send), or waited for long enough.

use dial_plan::{MAX_KEYS, Verdict};

use super::calls::TONE_TIME;
use super::outgoing::{is_emergency, may_become_emergency, plan_of};
use super::{Code, Phone, PhoneEvent};
use crate::settings::calls::DialSource;
use crate::state::Tone;
use crate::time::{Instant, earliest};

/// The number being entered.
#[derive(Debug, Default)]
pub(super) struct Dialler {
    digits: String,
    /// The digits are sent then.
    send_at: Option<Instant>,
    /// The number set for lifting the handset is dialled then ("Off-hook Auto Dial").
    auto_at: Option<Instant>,
    /// Nobody does anything: the phone goes back to idle then ("Off-hook/On-hook Timeout").
    idle_at: Option<Instant>,
}

impl Dialler {
    pub fn digits(&self) -> &str {
        &self.digits
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Nothing is entered; the phone goes back to idle at `idle_at`.
    pub fn start_over(&mut self, idle_at: Instant) {
        *self = Self { idle_at: Some(idle_at), ..Self::default() };
    }

    pub fn is_idle(&self) -> bool {
        self.digits.is_empty() && self.idle_at.is_none()
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        earliest(earliest(self.send_at, self.auto_at), self.idle_at)
    }
}

impl Phone {
    /// The phone is ready to dial: the handset was lifted, or a second call is wanted.
    pub(super) fn begin_dialling(&mut self, now: Instant, second: bool) {
        self.dialler.clear();
        self.dialler.idle_at = Some(now + self.settings.off_hook_timeout);
        self.set_tone(if second { Tone::SecondDial } else { self.dial_tone() });
        if !second && !self.settings.auto_dial.is_empty() {
            self.dialler.auto_at = Some(now + self.settings.auto_dial_delay);
            self.dialler_timeout(now);
        }
    }

    /// A digit of a number.
    pub(super) fn enter(&mut self, now: Instant, key: char) {
        if key == '#'
            && !self.has_calls()
            && let Some(code) = Code::read(&self.dialler.digits)
        {
            self.dialler.start_over(now + self.settings.off_hook_timeout);
            self.set_tone(Tone::None);
            self.events.push_back(PhoneEvent::Code { code });
            return;
        }
        let Some(account) = self.choose(0).and_then(|index| self.account(index)) else {
            // Without an account only a call for help could go out, and nobody could carry it.
            return self.collect_only(now, key);
        };
        let calls = account.line.settings.calls.clone();
        self.dialler.auto_at = None;
        let sends = calls.send_key == Some(key) && !self.dialler.digits.is_empty();
        if sends && self.takes_no_more(&calls, key) {
            return self.send_number(now);
        }
        self.collect_only(now, key);
        self.set_tone(Tone::None);
        if self.passing_on.is_some() {
            // Whom to pass on to is told by the next key.
            self.dialler.send_at = None;
            return;
        }
        let verdict = plan_of(&calls).map(|plan| plan.dial(&self.dialler.digits));
        if is_emergency(&self.dialler.digits) {
            // Whether 112 is the beginning of room 1123 is told by the next key or the time, if there can be such a room.
            let longer = matches!(
                verdict,
                None | Some(
                    Verdict::Dial { more: true, .. } | Verdict::Blocked { more: true, .. } | Verdict::Incomplete
                )
            );
            if !longer {
                return self.send_number(now);
            }
            self.dialler.send_at = Some(now + calls.no_key_timeout);
            return;
        }
        // 9 may be reception, and 11 nobody: but 911 must be possible to dial.
        let help_may_follow = may_become_emergency(&self.dialler.digits);
        // The plan may have `**76`, or none that begins so: a code is known by its end.
        let undecided = help_may_follow || Code::may_become(&self.dialler.digits);
        match verdict {
            Some(Verdict::Dial { more: false, .. }) if !undecided => self.send_number(now),
            Some(Verdict::Blocked { more: false, .. } | Verdict::Refused) if !undecided && !self.may_be_address() => {
                self.refuse_number(now, "the dial plan does not allow this number");
            }
            // Who looks at the door for the room's number may take his time.
            _ if Code::is_begun(&self.dialler.digits) => self.dialler.send_at = None,
            _ => self.dialler.send_at = Some(now + calls.no_key_timeout),
        }
    }

    fn collect_only(&mut self, now: Instant, key: char) {
        if self.dialler.digits.len() < MAX_KEYS {
            self.dialler.digits.push(key);
        }
        self.dialler.idle_at = Some(now + self.settings.off_hook_timeout);
    }

    /// The send key ends a number, unless the plan has use for it as a digit: `*` in `*97`.
    fn takes_no_more(&self, calls: &crate::settings::calls::CallSettings, key: char) -> bool {
        let longer = format!("{}{key}", self.dialler.digits);
        let verdict = plan_of(calls).map(|plan| plan.dial(&longer));
        !matches!(verdict, Some(Verdict::Dial { .. } | Verdict::Incomplete)) || key == '#'
    }

    /// Whether the digits may become an address (`192*168*…`).
    fn may_be_address(&self) -> bool {
        let digits = self.dialler.digits.as_str();
        let stars = digits.matches('*').count();
        let address = self.settings.ip_calls && stars <= 4 && digits.starts_with(|c: char| c.is_ascii_digit());
        address && (stars > 0 || digits.len() <= 3)
    }

    /// Sends what was entered.
    pub(super) fn send_number(&mut self, now: Instant) {
        let digits = std::mem::take(&mut self.dialler.digits);
        self.dialler.clear();
        self.dialler.idle_at = Some(now + self.settings.off_hook_timeout);
        if digits.is_empty() {
            return;
        }
        if Code::is_begun(&digits) {
            return self.set_tone(Tone::None);
        }
        // A number entered with the handset down is talked to over the loudspeaker.
        self.speaker |= !self.is_open();
        self.dial(now, 0, &digits, DialSource::Dialing);
    }

    fn refuse_number(&mut self, now: Instant, reason: &str) {
        let number = std::mem::take(&mut self.dialler.digits);
        self.dialler.send_at = None;
        self.set_tone(Tone::Reorder);
        self.tone_until = Some(now + TONE_TIME);
        let (account, reason) = (self.choose(0).unwrap_or(0), reason.to_owned());
        self.events.push_back(PhoneEvent::DialFailed { account, number, reason });
    }

    pub(super) fn dialler_timeout(&mut self, now: Instant) {
        let due = |at: Option<Instant>| at.is_some_and(|at| now >= at);
        if due(self.dialler.auto_at) {
            self.dialler.auto_at = None;
            let number = self.settings.auto_dial.clone();
            // "via the first account"
            self.dial(now, 1, &number, DialSource::Api);
        }
        if due(self.dialler.send_at) {
            self.send_number(now);
        }
        if due(self.dialler.idle_at) {
            self.dialler.clear();
            self.passing_on = None;
            if !self.has_calls() {
                // A handset off its cradle hears that nothing goes on; a loudspeaker goes off.
                self.speaker = false;
                self.set_tone(if self.is_open() { Tone::Reorder } else { Tone::None });
            }
        }
    }
}
