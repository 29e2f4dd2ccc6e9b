//! The codecs by name.

use crate::{Decoder, Encoder, g711, g722, g723, g726, g729, ilbc, opus};

/// A codec and how it is to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// G.711, µ-law.
    Pcmu,
    /// G.711, A-law.
    Pcma,
    /// G.722 at 64 kbit/s.
    G722,
    /// G.726 at 32 kbit/s.
    G726(g726::Packing),
    /// G.729 Annex A.
    G729 {
        /// Silence is not sent (Annex B).
        silence: bool,
    },
    /// iLBC.
    Ilbc(ilbc::Frame),
    /// G.723.1.
    G723 {
        /// What we send.
        rate: g723::Rate,
        /// Silence is not sent (Annex A).
        silence: bool,
    },
    /// Opus.
    Opus(opus::Options),
}

/// Why a codec cannot be had, in words for a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{codec} is not available: {reason}")]
pub struct Unavailable {
    codec: &'static str,
    reason: String,
}

impl Unavailable {
    fn new(codec: &'static str, reason: impl ToString) -> Self {
        Self { codec, reason: reason.to_string() }
    }
}

impl Codec {
    /// Makes its encoder.
    ///
    /// # Errors
    /// This program was built without it, or it cannot be had.
    pub fn encoder(&self) -> Result<Box<dyn Encoder>, Unavailable> {
        Ok(match *self {
            Self::Pcmu => Box::new(g711::Encoder::new(g711::Law::Mu)),
            Self::Pcma => Box::new(g711::Encoder::new(g711::Law::A)),
            Self::G722 => Box::new(g722::Encoder::new()),
            Self::G726(packing) => Box::new(g726::Encoder::new(packing)),
            Self::G729 { silence } => {
                Box::new(g729::Encoder::new(silence).map_err(|error| Unavailable::new(self.name(), error))?)
            }
            Self::Ilbc(frame) => Box::new(ilbc::Encoder::new(frame)),
            Self::G723 { rate, silence } => Box::new(g723::Encoder::new(rate, silence)),
            #[cfg(feature = "opus")]
            Self::Opus(options) => {
                Box::new(opus::Encoder::new(options).map_err(|error| Unavailable::new("Opus", error.message()))?)
            }
            #[cfg(not(feature = "opus"))]
            Self::Opus(_) => return self.missing(),
        })
    }

    /// Makes its decoder. It understands whatever the codec's encoder may be told to do, but the packing of G.726 and the
    /// frames of iLBC.
    ///
    /// # Errors
    /// This program was built without it, or it cannot be had.
    pub fn decoder(&self) -> Result<Box<dyn Decoder>, Unavailable> {
        Ok(match *self {
            Self::Pcmu => Box::new(g711::Decoder::new(g711::Law::Mu)),
            Self::Pcma => Box::new(g711::Decoder::new(g711::Law::A)),
            Self::G722 => Box::new(g722::Decoder::new()),
            Self::G726(packing) => Box::new(g726::Decoder::new(packing)),
            Self::G729 { .. } => Box::new(g729::Decoder::new().map_err(|error| Unavailable::new(self.name(), error))?),
            Self::Ilbc(frame) => Box::new(ilbc::Decoder::new(frame)),
            Self::G723 { .. } => Box::new(g723::Decoder::new()),
            #[cfg(feature = "opus")]
            Self::Opus(_) => Box::new(opus::Decoder::new().map_err(|error| Unavailable::new("Opus", error.message()))?),
            #[cfg(not(feature = "opus"))]
            Self::Opus(_) => return self.missing(),
        })
    }

    /// Hz of the samples it encodes, and of those decoding gives.
    pub const fn sample_rate(&self) -> u32 {
        match self {
            Self::G722 => 16_000,
            Self::Opus(_) => opus::RATE,
            _ => 8000,
        }
    }

    /// Hz of its RTP clock. G.722's is 8000 though it samples at 16,000 (RFC 3551 §4.5.2).
    pub const fn rtp_clock(&self) -> u32 {
        match self {
            Self::Opus(_) => 48_000,
            _ => 8000,
        }
    }

    /// Length of a frame in ms; packets hold whole ones.
    pub const fn frame_ms(&self) -> u32 {
        match self {
            Self::G723 { .. } | Self::Ilbc(ilbc::Frame::Ms30) => 30,
            Self::Ilbc(ilbc::Frame::Ms20) => 20,
            _ => 10,
        }
    }

    /// Its name, for a log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G.722",
            Self::G726(_) => "G.726",
            Self::G729 { .. } => "G.729",
            Self::Ilbc(_) => "iLBC",
            Self::G723 { .. } => "G.723.1",
            Self::Opus(_) => "Opus",
        }
    }

    #[cfg(not(feature = "opus"))]
    fn missing<T>(&self) -> Result<T, Unavailable> {
        Err(Unavailable::new(self.name(), "this program was built without it"))
    }
}
