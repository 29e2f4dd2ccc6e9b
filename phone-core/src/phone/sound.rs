//! What is to be heard, and where: the calls' audio, the phone's own tones, microphone and volumes. And what the sound of
//! calls tells the phone.

use std::sync::Arc;

use super::{HookSwitch, Phone, PhoneEvent, Saying, SoundDigit, SoundNews};
use crate::sdp::Agreed;
use crate::settings::media::MediaSettings;
use crate::settings::sound::SoundSettings;
use crate::sip::call::CallId;
use crate::state::{AccountStatus, Tone};
use crate::time::Instant;

/// How loud calls are at first, 1..=8.
pub(super) const USUAL_VOLUME: u8 = 4;
/// Digits that may wait to be sent.
const MOST_DIGITS: usize = 64;
/// Ports remembered as taken by others.
const MOST_TAKEN: usize = 32;

/// Where people hear and speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ear {
    /// Nowhere: the handset lies in its cradle.
    #[default]
    None,
    /// In the handset.
    Handset,
    /// Over the loudspeaker.
    Speaker,
}

/// The sound of one call.
#[derive(Clone, Debug, PartialEq)]
pub struct Leg {
    /// Which.
    pub call: CallId,
    /// Local RTP port.
    pub port: u16,
    /// What was agreed.
    pub agreed: Agreed,
    /// Its account's.
    pub settings: Arc<MediaSettings>,
    /// People hear it, and it hears them.
    pub joined: bool,
}

/// Everything that is to be heard.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Calls whose audio is agreed. Those that are joined hear each other.
    pub legs: Vec<Leg>,
    /// Ports of calls that have agreed on nothing yet: audio may come as soon as they are named (RFC 3264 §5.1).
    pub ports: Vec<(CallId, u16)>,
    /// See [`Ear`].
    pub ear: Ear,
    /// The microphone is off.
    pub muted: bool,
    /// Tone beside the voices.
    pub tone: Tone,
    /// What the phone says itself.
    pub saying: Option<Saying>,
    /// The ringtone that plays over the loudspeaker.
    pub ringing: Option<String>,
    /// How loud it rings, 1..=8; 0 is not at all.
    pub ring_volume: u8,
    /// How loud voices are, 1..=8.
    pub talk_volume: u8,
    /// Class of service (DSCP) of RTP, 0..=63.
    pub dscp: u8,
    /// Gains and tones.
    pub settings: SoundSettings,
}

impl Phone {
    /// What is to be heard now. Ask after each input.
    pub fn sound(&self) -> Sound {
        let leg = |entry: &super::Entry| {
            let call = &entry.call;
            let settings = self.account(call.account)?.line.settings.media.clone();
            let talks = self.focus == Some(call.id) || self.conference.contains(&call.id) || call.emergency;
            let joined = talks && !call.is_held();
            let agreed = call.media()?.clone();
            Some(Leg { call: call.id, port: call.media_port(), agreed, settings, joined })
        };
        let ear = match (self.hook, self.speaker) {
            (_, true) => Ear::Speaker,
            (HookSwitch::Off, false) => Ear::Handset,
            (HookSwitch::On, false) => Ear::None,
        };
        let waits = |entry: &&super::Entry| entry.call.is_alive() && entry.call.media().is_none();
        let ports = self.calls.iter().filter(waits).map(|entry| (entry.call.id, entry.call.media_port()));
        Sound {
            ports: ports.collect(),
            legs: self.calls.iter().filter(|entry| entry.call.is_alive()).filter_map(leg).collect(),
            ear,
            muted: self.muted,
            tone: self.tone,
            saying: self.saying(ear),
            ringing: self.ringing(),
            ring_volume: self.ring_volume,
            talk_volume: self.talk_volume,
            dscp: self.settings.dscp_rtp,
            settings: self.settings.sound.clone(),
        }
    }

    /// The next digit to send in the sound of a call.
    pub fn poll_digit(&mut self) -> Option<SoundDigit> {
        self.sound_digits.pop_front()
    }

    pub(super) fn sound_digit(&mut self, digit: SoundDigit) {
        if (digit.event || digit.tone) && self.sound_digits.len() < MOST_DIGITS {
            self.sound_digits.push_back(digit);
        }
    }

    pub(super) fn sound_news(&mut self, now: Instant, id: CallId, news: SoundNews) {
        if self.entry(id).is_none_or(|entry| !entry.call.is_alive()) {
            return;
        }
        match news {
            SoundNews::Digit(digit) => self.events.push_back(PhoneEvent::Digit { call: id, digit }),
            SoundNews::Quality(quality) => {
                if let Some(entry) = self.entry_mut(id) {
                    entry.quality = Some(quality);
                }
            }
            SoundNews::TimedOut => drop(self.with_call(now, id, |call, ctx| call.audio_lost(ctx))),
            SoundNews::PortTaken => {
                let Some(entry) = self.entry(id) else { return };
                let (port, at) = (entry.call.media_port(), usize::from(entry.call.account).saturating_sub(1));
                self.taken_ports.push_back(port);
                if self.taken_ports.len() > MOST_TAKEN {
                    self.taken_ports.pop_front();
                }
                if let Some(media) = self.new_media(at) {
                    self.with_call(now, id, |call, ctx| call.relocate(ctx, media));
                }
            }
        }
    }

    /// What is heard on lifting the handset.
    pub(super) fn dial_tone(&self) -> Tone {
        if !self.settings.sound.warning_tones {
            return Tone::Dial;
        }
        let used = self.accounts.iter().filter(|account| account.line.settings.enabled);
        let lines: Vec<_> = used.map(super::Account::state).collect();
        let failed = |state: &crate::state::AccountState| state.status == AccountStatus::Failed;
        if !lines.is_empty() && lines.iter().all(failed) {
            Tone::Trouble
        } else if lines.iter().any(|state| state.messages.waiting || state.messages.new > 0) {
            Tone::Message
        } else {
            Tone::Dial
        }
    }

    /// "Lock Speaker Volume" keeps the ring, calls, or both as they are.
    pub(super) fn volume_key(&mut self, step: i8) {
        let lock = self.settings.sound.lock;
        let talks = self.is_open();
        let (volume, locked) =
            if talks { (&mut self.talk_volume, lock.talk) } else { (&mut self.ring_volume, lock.ring) };
        // A ring that is off by the settings is not made audible by asking for less.
        if !locked && (*volume > 0 || step > 0) {
            *volume = volume.saturating_add_signed(step).clamp(1, 8);
        }
    }
}
