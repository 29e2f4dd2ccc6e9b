//! ITU-T G.723.1 with Annex A: speech at 6.3 and 5.3 kbit/s, in frames of 30 ms (RFC 3551 section 4.5.3).
//!
//! The decoder works in the standard's fixed-point arithmetic, so that what it predicts from stays in step with any
//! encoder. The encoder analyses in floating point and shares the decoder's arithmetic for all that the other side
//! has to know too: spectra, excitation and comfort noise.

mod acelp;
mod adaptive;
mod bits;
mod decoder;
mod dtx;
mod encoder;
mod excitation;
mod fixed;
mod lpc;
mod lsp;
mod mlq;
mod noise;
mod pitch;
mod postfilter;
mod shaping;
mod tables;
mod taming;
mod vad;

#[cfg(test)]
mod tests;

pub use decoder::Decoder;
pub use encoder::Encoder;

/// Samples of a frame: 30 ms.
pub const FRAME: usize = 240;

/// Samples of a subframe.
const SUBFRAME: usize = 60;
/// Subframes of a frame.
const SUBFRAMES: usize = FRAME / SUBFRAME;
/// Coefficients of the linear prediction.
const ORDER: usize = 10;
/// Shortest lag of the pitch, in samples.
const PITCH_MIN: usize = 18;
/// How far back any predictor of the pitch looks, in samples.
const PITCH_MAX: usize = 145;
/// From this lag on a pitch period is no shorter than a subframe, as far as the standard is concerned.
const LONG_LAG: usize = SUBFRAME - 2;

/// How an encoder spends its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// 5.3 kbit/s: 20 bytes a frame, algebraic codebook.
    Low,
    /// 6.3 kbit/s: 24 bytes a frame, multi-pulse excitation.
    High,
}
