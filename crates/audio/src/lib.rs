//! What happens to sound between microphone, wire and loudspeaker: rates, gains, echo, noise, tones and digits.
//!
//! Samples are 16 bit, mono; the path runs at 48 kHz in blocks of 10 ms ([`BLOCK`] samples). Nothing in here allocates,
//! locks or blocks once it is made, so it may run in a real-time thread.

/// Hz of the audio path.
pub const RATE: u32 = 48_000;
/// Samples of 10 ms at [`RATE`].
pub const BLOCK: usize = 480;
