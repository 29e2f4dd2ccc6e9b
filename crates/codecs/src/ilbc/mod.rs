//! iLBC (RFC 3951): speech at 8 kHz, every frame of it decodable without the ones before, so a loss spreads no further.
//! Its RTP payload (RFC 3952) is one frame after another.
//!
//! In a frame, the loudest stretch of the LPC residual (the start state) is quantised sample by sample; the rest is built
//! from it with adaptive codebooks, forwards in time and then backwards.

mod bits;
mod blocks;
mod codebook;
mod conceal;
mod decoder;
mod encoder;
mod enhancer;
mod filter;
mod gain;
mod lpc;
mod lsf;
mod pitch;
mod search;
mod state;
mod tables;

#[cfg(test)]
mod tests;

pub use decoder::Decoder;
pub use encoder::Encoder;

/// Hz.
const SAMPLE_RATE: u32 = 8000;
/// Samples of the longest frame.
const MAX_FRAME: usize = 240;
/// Samples of a sub-block, the least that shares one LPC filter.
const SUBBLOCK: usize = 40;
/// Most sub-blocks of a frame.
const MAX_SUBBLOCKS: usize = 6;
/// Samples of the two sub-blocks the start state lies in.
const STATE: usize = 80;
/// Most samples of it that are quantised one by one.
const MAX_SHORT_STATE: usize = 58;

/// Length of a frame, which both sides must agree on (`mode` in SDP, RFC 3952 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// 20 ms: 160 samples in 38 bytes, 15.2 kbit/s.
    Ms20,
    /// 30 ms: 240 samples in 50 bytes, 13.33 kbit/s.
    Ms30,
}

impl Frame {
    /// Samples of a frame.
    pub const fn samples(self) -> usize {
        match self {
            Self::Ms20 => 160,
            Self::Ms30 => 240,
        }
    }

    /// Bytes of an encoded frame.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Ms20 => 38,
            Self::Ms30 => 50,
        }
    }

    const fn subblocks(self) -> usize {
        self.samples() / SUBBLOCK
    }

    /// Samples of the start state that are quantised one by one.
    const fn short_state(self) -> usize {
        match self {
            Self::Ms20 => 57,
            Self::Ms30 => 58,
        }
    }

    /// Sets of LPC coefficients in a frame.
    const fn lpc_sets(self) -> usize {
        match self {
            Self::Ms20 => 1,
            Self::Ms30 => 2,
        }
    }

    /// Samples by which the enhancer is late.
    const fn delay(self) -> usize {
        match self {
            Self::Ms20 => 40,
            Self::Ms30 => 80,
        }
    }
}
