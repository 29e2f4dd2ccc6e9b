//! Tones the phone makes and hears: call progress, rings, signals to the ear, and DTMF digits.

pub mod dtmf;
mod melodies;
mod names;
mod pattern;
mod player;
mod spec;

pub use dtmf::{DtmfDetector, DtmfEvent};
pub use names::{CallWaitingGain, ToneName};
pub use pattern::{MAX_STEPS, Pattern, Step};
pub use player::TonePlayer;
pub use spec::{Cadence, Frequency, MAX_CADENCES, SpecError, ToneSpec};

/// dBm0 of a sine that just fills 16 bits (G.711: the most mu-law can say is +3.17 dBm0).
pub const FULL_SCALE_DBM0: f32 = 3.17;

/// Peak of a sine of so many dBm0, in units of a 16-bit sample.
pub fn amplitude(dbm0: f32) -> f32 {
    32_767.0 * crate::db_to_factor(dbm0.min(FULL_SCALE_DBM0) - FULL_SCALE_DBM0)
}
