//! Opus (RFC 6716, RFC 7587), mono at 48 kHz, by libopus.
//!
//! Three things against loss: in-band error correction (LBRR) while the other side reports loss, its use as soon as the
//! next packet is there, and libopus' neural concealment.

#[cfg(feature = "opus")]
mod libopus;
mod packet;

#[cfg(feature = "opus")]
pub use libopus::{Decoder, Encoder, version};
pub use packet::{Mode, Packet};

/// Samples a second, of what is encoded and of what decoding gives.
pub const RATE: u32 = 48_000;
/// 10 ms.
pub const FRAME: usize = 480;
/// 120 ms: no packet is longer.
pub const LONGEST: usize = 5760;

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bit/s, from 6,000 to 510,000; beyond that the nearest.
    pub bitrate: u32,
    /// Packets as long as the sound needs; false: all alike.
    pub vbr: bool,
    /// In-band error correction, as soon as loss is reported ([`crate::Encoder::set_loss`]).
    pub fec: bool,
    /// Nothing is sent in silence but a sign of life every 400 ms.
    pub dtx: bool,
    /// Care taken in encoding, from 0 to 10.
    pub complexity: u8,
    /// Widest band to send, as the other side's `maxplaybackrate` asks (RFC 7587 §6.1).
    pub bandwidth: Bandwidth,
}

impl Default for Options {
    fn default() -> Self {
        Self { bitrate: 32_000, vbr: true, fec: true, dtx: false, complexity: 9, bandwidth: Bandwidth::Full }
    }
}

/// What is heard of the sound (RFC 6716 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bandwidth {
    /// 4 kHz.
    Narrow,
    /// 6 kHz.
    Medium,
    /// 8 kHz.
    Wide,
    /// 12 kHz.
    Superwide,
    /// 20 kHz.
    Full,
}

impl Bandwidth {
    /// The widest that a rate of `hz` samples a second can carry; the narrowest if none can.
    pub const fn of_rate(hz: u32) -> Self {
        match hz {
            ..12_000 => Self::Narrow,
            12_000..16_000 => Self::Medium,
            16_000..24_000 => Self::Wide,
            24_000..48_000 => Self::Superwide,
            48_000.. => Self::Full,
        }
    }
}
