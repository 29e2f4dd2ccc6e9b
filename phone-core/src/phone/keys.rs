//! Hook switch, keys and commands: what people and programs do.

use super::{Command, HookSwitch, Key, Phone, PhoneEvent, SoundDigit};
use crate::settings::calls::DialSource;
use crate::settings::phone::IdleMute;
use crate::sip::call::{CallId, Stage};
use crate::state::Tone;
use crate::time::Instant;

impl Phone {
    pub(super) fn hook(&mut self, now: Instant, hook: HookSwitch) {
        if self.hook == hook {
            return;
        }
        self.hook = hook;
        self.saying = None;
        match hook {
            HookSwitch::Off => {
                self.events.push_back(PhoneEvent::OffHook);
                self.open(now);
            }
            HookSwitch::On => {
                self.events.push_back(PhoneEvent::OnHook);
                if !self.speaker {
                    self.close(now);
                }
            }
        }
    }

    /// The handset is lifted, or the loudspeaker switched on: answers, goes back to who waits, or is ready to dial.
    fn open(&mut self, now: Instant) {
        if self.speaker && self.hook == HookSwitch::Off && self.focus.is_some() {
            // From the loudspeaker to the handset.
            self.speaker = false;
            return;
        }
        if let Some(id) = self.oldest(Stage::Incoming) {
            return self.answer(now, id);
        }
        let held = self.calls.iter().find(|entry| entry.call.is_up() && entry.call.is_held());
        if let Some(id) = held.map(|entry| entry.call.id) {
            return self.talk_in(now, id);
        }
        if self.focus.is_none() {
            let entered = !self.dialler.digits().is_empty();
            if entered {
                // The number was entered before.
                return self.send_number(now);
            }
            self.begin_dialling(now, false);
        }
    }

    /// The handset is put down: what goes on is over, unless it is passed on.
    fn close(&mut self, now: Instant) {
        self.dialler.clear();
        self.set_tone(Tone::None);
        self.muted = false;
        self.speaker = false;
        if self.finish_transfer(now) || self.leave_conference(now) {
            return;
        }
        let over: Vec<CallId> = self
            .calls
            .iter()
            .filter(|entry| {
                let ours = entry.call.is_up() && (!entry.call.is_held() || self.conference.contains(&entry.call.id));
                ours || matches!(entry.call.stage(), Stage::Calling | Stage::Ringing) && !entry.call.is_transferring()
            })
            .map(|entry| entry.call.id)
            .collect();
        for id in over {
            self.with_call(now, id, |call, ctx| call.hang_up(ctx));
        }
        self.passing_on = None;
    }

    /// Putting the handset down while asking passes the call on.
    fn finish_transfer(&mut self, now: Instant) -> bool {
        let Some(first) = self.passing_on.take() else { return false };
        let Some(second) = self.focus.filter(|second| *second != first) else { return false };
        match self.entry(second).map(|entry| (entry.call.stage(), entry.number.clone())) {
            Some((Stage::Up, _)) => self.attended_transfer(now, first, second),
            Some((Stage::Calling | Stage::Ringing, number)) => {
                // Nobody has answered yet: unannounced then.
                self.with_call(now, second, |call, ctx| call.hang_up(ctx));
                self.blind_transfer(now, first, &number);
                true
            }
            _ => false,
        }
    }

    fn oldest(&self, stage: Stage) -> Option<CallId> {
        self.calls.iter().find(|entry| entry.call.stage() == stage).map(|entry| entry.call.id)
    }

    /// `0`-`9`, `*`, `#`, `A`-`D`: a digit of a number, or sound in a call.
    pub(super) fn digit(&mut self, now: Instant, key: char) {
        if !matches!(key, '0'..='9' | '*' | '#' | 'A'..='D') {
            return;
        }
        self.saying = None;
        let talking = self.focus.filter(|id| self.entry(*id).is_some_and(|entry| entry.call.is_up()));
        let dialling = !self.dialler.is_idle() || self.passing_on.is_some() || self.tone == Tone::SecondDial;
        let calling = self.focus.filter(|id| {
            self.entry(*id).is_some_and(|entry| matches!(entry.call.stage(), Stage::Calling | Stage::Ringing))
        });
        match talking.filter(|_| !dialling) {
            Some(id) => self.send_digit(now, id, key),
            // Whoever is called first; another number needs Flash.
            None if calling.is_some() && !dialling => {}
            None => self.enter(now, key),
        }
    }

    /// "Send DTMF": by SIP INFO, as RTP event, as tone. Events that the other side does not know are tones instead.
    fn send_digit(&mut self, now: Instant, id: CallId, digit: char) {
        let Some(entry) = self.entry(id) else { return };
        let Some(account) = self.account(entry.call.account) else { return };
        let methods = account.line.settings.media.dtmf;
        if let Some(agreed) = entry.call.media() {
            let event = methods.rtp && agreed.dtmf.is_some();
            let tone = methods.audio || (methods.rtp && !event && !methods.info);
            self.sound_digit(SoundDigit { call: id, digit, event, tone });
        }
        if methods.info {
            self.with_call(now, id, |call, ctx| call.send_info_digit(ctx, digit, 160));
        }
    }

    pub(super) fn key(&mut self, now: Instant, key: Key) {
        match key {
            Key::Flash => self.flash(now),
            Key::Hold => self.hold_key(now),
            Key::Transfer => self.transfer_key(now),
            Key::Conference if self.conference.is_empty() => self.join(now),
            Key::Conference => self.split(now),
            Key::Redial => self.redial(now),
            Key::Message => self.voicemail(now),
            Key::Mute => self.mute_key(),
            Key::Speaker => self.speaker_key(now),
            Key::Send => self.send_key(now),
            Key::VolumeUp => self.volume_key(1),
            Key::VolumeDown => self.volume_key(-1),
        }
    }

    /// The focus, if people talk in it.
    fn talking(&self) -> Option<CallId> {
        self.focus.filter(|id| self.entry(*id).is_some_and(|entry| entry.call.is_up()))
    }

    /// R: answers a call that waits, goes back to one on hold, or asks for a second one.
    fn flash(&mut self, now: Instant) {
        if let Some(id) = self.oldest(Stage::Incoming) {
            return self.answer(now, id);
        }
        let talking = self.talking();
        let other = self.calls.iter().find(|entry| entry.call.is_up() && Some(entry.call.id) != talking);
        if let Some(id) = other.map(|entry| entry.call.id) {
            return self.talk_in(now, id);
        }
        if let Some(id) = talking {
            let held = self.entry(id).is_some_and(|entry| entry.call.is_held());
            if held && self.dialler.digits().is_empty() {
                self.dialler.clear();
                return self.talk_in(now, id);
            }
            self.with_call(now, id, |call, ctx| call.hold(ctx));
            return self.begin_dialling(now, true);
        }
        // Whom we call does not answer: another try.
        if let Some(id) = self.focus {
            self.with_call(now, id, |call, ctx| call.hang_up(ctx));
            // Its end is not what is heard now.
            self.focus = None;
            self.begin_dialling(now, false);
        }
    }

    fn hold_key(&mut self, now: Instant) {
        let Some(id) = self.talking().or_else(|| {
            self.calls.iter().find(|entry| entry.call.is_up() && entry.call.is_held()).map(|entry| entry.call.id)
        }) else {
            return;
        };
        if self.entry(id).is_some_and(|entry| entry.call.is_held()) {
            self.talk_in(now, id);
        } else {
            self.with_call(now, id, |call, ctx| call.hold(ctx));
        }
    }

    /// First press: who? Second press: goes.
    fn transfer_key(&mut self, now: Instant) {
        if !self.settings.transfer {
            return;
        }
        let number = self.dialler.digits().to_owned();
        match self.passing_on {
            Some(first) if !number.is_empty() => {
                self.passing_on = None;
                self.dialler.clear();
                self.set_tone(Tone::None);
                self.blind_transfer(now, first, &number);
            }
            Some(_) => drop(self.finish_transfer(now)),
            None => {
                let Some(first) = self.talking() else { return };
                let other = self.calls.iter().find(|entry| entry.call.is_up() && entry.call.id != first);
                match other.map(|entry| entry.call.id) {
                    // Two calls already: they are joined.
                    Some(other) => drop(self.attended_transfer(now, other, first)),
                    None => {
                        self.passing_on = Some(first);
                        self.with_call(now, first, |call, ctx| call.hold(ctx));
                        self.begin_dialling(now, true);
                    }
                }
            }
        }
    }

    fn send_key(&mut self, now: Instant) {
        if self.dialler.digits().is_empty() {
            return;
        }
        self.speaker |= !self.is_open();
        self.send_number(now);
    }

    /// "Redial Expiration": the next guest does not call whom the last one called.
    fn redial(&mut self, now: Instant) {
        let life = self.settings.redial_expiration;
        self.redial = self.redial.take().filter(|redial| life.is_zero() || now < redial.at + life);
        let Some(redial) = self.redial.clone() else { return };
        self.speaker |= !self.is_open();
        self.dial(now, redial.account, &redial.number, DialSource::Outgoing);
    }

    fn voicemail(&mut self, now: Instant) {
        let mailbox = self
            .accounts
            .iter()
            .find(|account| account.line.settings.enabled && !account.line.settings.calls.voicemail.is_empty());
        let Some((account, number)) =
            mailbox.map(|account| (account.line.index, account.line.settings.calls.voicemail.clone()))
        else {
            return;
        };
        self.speaker |= !self.is_open();
        self.dial(now, account, &number, DialSource::Mpk);
    }

    fn mute_key(&mut self) {
        match self.talking() {
            Some(_) if self.settings.mute_key => self.mute(!self.muted),
            Some(_) => {}
            None => match self.settings.idle_mute {
                IdleMute::Dnd => self.set_do_not_disturb(!self.do_not_disturb),
                IdleMute::Mute => self.mute_next = !self.mute_next,
                IdleMute::Disabled => {}
            },
        }
    }

    fn mute(&mut self, muted: bool) {
        if self.muted == muted {
            return;
        }
        self.muted = muted;
        if let Some(id) = self.talking() {
            let info = self.info(id);
            self.events.push_back(if muted { PhoneEvent::MuteCall(info) } else { PhoneEvent::UnmuteCall(info) });
        }
    }

    fn set_do_not_disturb(&mut self, on: bool) {
        if std::mem::replace(&mut self.do_not_disturb, on) != on {
            self.events.push_back(PhoneEvent::DoNotDisturb { on });
        }
    }

    fn speaker_key(&mut self, now: Instant) {
        if !self.speaker {
            self.speaker = true;
            if self.hook == HookSwitch::On {
                self.open(now);
            }
        } else {
            self.speaker = false;
            if self.hook == HookSwitch::On {
                self.close(now);
            }
        }
    }

    pub(super) fn command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Dial { account, number, source } => {
                self.speaker |= !self.is_open();
                self.dial(now, account, &number, source);
            }
            Command::Answer(id) => {
                self.speaker |= !self.is_open();
                self.answer(now, id);
            }
            Command::HangUp(id) => drop(self.with_call(now, id, |call, ctx| call.hang_up(ctx))),
            Command::Reject(id, code) => {
                let code = if (400..700).contains(&code) { code } else { 486 };
                self.with_call(now, id, |call, ctx| call.reject(ctx, code));
            }
            Command::Hold(id) => drop(self.with_call(now, id, |call, ctx| call.hold(ctx))),
            Command::Resume(id) => self.talk_in(now, id),
            Command::BlindTransfer { call, number } => self.blind_transfer(now, call, &number),
            Command::AttendedTransfer { call, with } => drop(self.attended_transfer(now, call, with)),
            Command::Conference => self.join(now),
            Command::Split => self.split(now),
            Command::Digit { call, digit } => self.send_digit(now, call, digit),
            Command::Mute(muted) => self.mute(muted),
            Command::DoNotDisturb(on) => self.set_do_not_disturb(on),
        }
    }
}
