//! Who hears what: tones, rings and gains, worked out beside the real-time thread and handed to it whole.

use audio::tone::{CallWaitingGain, Pattern, Step, ToneName, ToneSpec};

use crate::phone::{Ear, Sound};
use crate::settings::sound::{SoundSettings, ToneGain};
use crate::state::Tone;

/// dB of one step of the volume keys, and the step at which nothing is added.
const VOLUME_STEP_DB: f32 = 4.0;
const USUAL_VOLUME: u8 = 4;
/// dB of a step above the usual one for rings: the built-in ones have room for four of these.
const LOUDER_RING_DB: f32 = 2.5;
/// Silence between two reminders of a call on hold.
const REMIND_EVERY_MS: u32 = 10_000;
/// Silence between two warnings that no line works, in place of a dial tone.
const TROUBLE_EVERY_MS: u32 = 1500;
/// dB a tone in the ear of somebody who talks is softer than one that is waited for; that of a call that waits has a gain of
/// its own.
const BESIDE_TALK_DB: f32 = -6.0;

/// What is heard at the phone itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mix {
    /// Where people hear and speak.
    pub ear: Ear,
    /// The microphone is off.
    pub muted: bool,
    /// The tone beside the voices.
    pub tone: Option<Pattern>,
    /// dB added to it.
    pub tone_db: f32,
    /// What rings.
    pub ring: Option<Pattern>,
    /// dB added to it.
    pub ring_db: f32,
    /// dB added to voices.
    pub talk_db: f32,
    /// "Handset Sidetone Volume", 0..=30.
    pub sidetone: u8,
    /// dB added to what the handset's microphone hears.
    pub tx_db: f32,
    /// Loud and clear for hearing aids.
    pub hac: bool,
}

impl Mix {
    pub fn of(sound: &Sound) -> Self {
        let talk_db = volume_db(sound.talk_volume);
        let talks = sound.legs.iter().any(|leg| leg.joined);
        let tone_db = if talks && sound.tone != Tone::CallWaiting { BESIDE_TALK_DB } else { 0.0 } + talk_db.min(0.0);
        let rings = sound.ringing.as_deref().filter(|_| sound.ring_volume > 0);
        Self {
            ear: sound.ear,
            muted: sound.muted,
            tone: (sound.ear != Ear::None).then(|| tone(sound.tone, &sound.settings)).flatten(),
            tone_db,
            ring: rings.map(|name| ring(name, &sound.settings)),
            ring_db: ring_db(sound.ring_volume),
            talk_db,
            sidetone: if sound.ear == Ear::Handset { sound.settings.sidetone } else { 0 },
            tx_db: if sound.ear == Ear::Handset { f32::from(sound.settings.tx_gain_db) } else { 0.0 },
            hac: sound.settings.hac && sound.ear == Ear::Handset,
        }
    }
}

fn volume_db(volume: u8) -> f32 {
    (f32::from(volume) - f32::from(USUAL_VOLUME)) * VOLUME_STEP_DB
}

/// 0 is no ring at all.
fn ring_db(volume: u8) -> f32 {
    let above = f32::from(volume) - f32::from(USUAL_VOLUME);
    above * if above > 0.0 { LOUDER_RING_DB } else { VOLUME_STEP_DB }
}

/// What sounds when the phone has started, if that is wanted, as loud as a ring.
pub(super) fn boot_up(sound: &Sound) -> Option<(Pattern, f32)> {
    let wanted = sound.settings.boot_tone && sound.ring_volume > 0;
    wanted.then(|| (ToneName::BootUp.pattern(), ring_db(sound.ring_volume)))
}

/// A tone of the settings, or the usual one where nothing is set or cannot be read.
fn set(spec: &str, usual: ToneName) -> Pattern {
    match ToneSpec::parse(spec) {
        Ok(spec) => Pattern::of_spec(&spec),
        Err(error) => {
            if !spec.is_empty() {
                tracing::warn!(spec, %error, "a tone cannot be read: the usual one is played");
            }
            usual.pattern()
        }
    }
}

fn tone(tone: Tone, settings: &SoundSettings) -> Option<Pattern> {
    let tones = &settings.tones;
    Some(match tone {
        Tone::None => return None,
        Tone::Dial => set(&tones.dial, ToneName::Dial),
        Tone::SecondDial => set(&tones.second_dial, ToneName::SecondDial),
        Tone::Message => set(&tones.message, ToneName::Message),
        Tone::Ringback => set(&tones.ringback, ToneName::Ringback),
        Tone::Busy => set(&tones.busy, ToneName::Busy),
        Tone::Reorder => set(&tones.reorder, ToneName::Reorder),
        Tone::CallWaiting => {
            let gain = match settings.call_waiting_gain {
                ToneGain::Low => CallWaitingGain::Low,
                ToneGain::Medium => CallWaitingGain::Medium,
                ToneGain::High => CallWaitingGain::High,
            };
            set(&tones.call_waiting, ToneName::CallWaiting).with_gain(gain.db())
        }
        Tone::Trouble => again_after(&ToneName::Warning.pattern(), TROUBLE_EVERY_MS),
        Tone::Warning => ToneName::Warning.pattern(),
        Tone::HoldReminder => again_after(&ToneName::HoldReminder.pattern(), REMIND_EVERY_MS),
    })
}

/// Again and again, with a pause of so many milliseconds between.
fn again_after(pattern: &Pattern, pause_ms: u32) -> Pattern {
    let mut again = Pattern::new(pattern.steps(), true);
    again.push(Step::pause(pause_ms));
    again
}

fn ring(name: &str, settings: &SoundSettings) -> Pattern {
    match ToneName::ring(name) {
        Some(ToneName::SystemRing) | None => set(&settings.tones.system_ring, ToneName::SystemRing),
        Some(ring) => ring.pattern(),
    }
}
