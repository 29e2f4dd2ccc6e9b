//! What happens to sound between microphone, wire and loudspeaker: rates, gains, echo, noise, tones and digits.
//!
//! Samples are 16 bit, mono; the path runs at 48 kHz in blocks of 10 ms ([`BLOCK`] samples). Nothing in here allocates,
//! locks or blocks once it is made, so it may run in a real-time thread. Three exceptions: a [`device`] waits for the
//! next block, the canceller in [`echo`] allocates, and so does what makes an utterance in [`speech`].

pub mod agc;
pub mod biquad;
pub mod comfort;
pub mod device;
pub mod echo;
pub mod gain;
pub mod level;
pub mod mix;
pub mod resample;
pub mod sidetone;
pub mod speech;
pub mod tone;
pub mod vad;
pub mod wav;

#[cfg(test)]
mod signal;

pub use agc::Agc;
pub use gain::{Gain, HearingAid};
pub use mix::Mixer;
pub use resample::Resampler;
pub use sidetone::Sidetone;
pub use vad::Vad;

/// Hz of the audio path.
pub const RATE: u32 = 48_000;
/// Samples of 10 ms at [`RATE`].
pub const BLOCK: usize = 480;

/// To the nearest 16-bit sample; what is too loud is cut, what is no number is silence.
#[inline]
pub(crate) fn to_i16(value: f32) -> i16 {
    (value + if value < 0.0 { -0.5 } else { 0.5 }) as i16
}

/// Factor of an amplitude for so many dB.
#[inline]
pub(crate) fn db_to_factor(db: f32) -> f32 {
    10.0_f32.powf(db / 20.0)
}
