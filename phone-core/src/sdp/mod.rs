//! SDP (RFC 8866) and its offers and answers (RFC 3264), for one audio stream, with keys for SRTP (RFC 4568).
//!
//! [`Negotiator`] holds one call's side of it. What it sends is strict; what it reads may be anything.

mod agree;
mod codec;
mod crypto;
mod formats;
mod local;
mod negotiate;
mod parse;
mod remote;
mod session;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

pub use codec::{Codec, CodecName, OpusWishes};
pub use crypto::{CryptoLine, MasterKey, SrtpPair, Suite};
pub use negotiate::Negotiator;
pub use parse::{MAX_ATTRIBUTES, MAX_FORMATS, MAX_LEN, MAX_MEDIA, ParseError};
pub use session::{Attribute, Connection, Media, Origin, Session};

use crate::settings::media::MediaSettings;

/// Our end of the stream.
#[derive(Clone, Debug)]
pub struct LocalMedia {
    /// Address the other side sends to.
    pub address: IpAddr,
    /// RTP port; RTCP's is the next one, or the same.
    pub port: u16,
    /// The account's.
    pub settings: Arc<MediaSettings>,
}

/// Which way audio goes, seen from the one who says it (RFC 3264 §5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// We send only: the other side is on hold.
    SendOnly,
    /// We receive only: the other side has us on hold.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// Of what may be sent and received.
    pub const fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether audio is sent.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether audio is received.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// As the other side sees it.
    pub const fn reversed(self) -> Self {
        Self::new(self.receives(), self.sends())
    }

    /// What both allow.
    pub const fn and(self, other: Self) -> Self {
        Self::new(self.sends() && other.sends(), self.receives() && other.receives())
    }

    /// Name of the attribute.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }
}

/// Telephone events (RFC 4733).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dtmf {
    /// Payload type to send with.
    pub send_pt: u8,
    /// Payload type to expect.
    pub recv_pt: u8,
    /// Hz; of the audio codec, or 8000.
    pub clock: u32,
}

/// Redundant audio (RFC 2198) around the agreed codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Red {
    /// Payload type to send with.
    pub send_pt: u8,
    /// Payload type to expect.
    pub recv_pt: u8,
}

/// What an offer and its answer came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The codec of both directions.
    pub codec: Codec,
    /// Digits as RTP events, if both sides know them.
    pub dtmf: Option<Dtmf>,
    /// Redundancy, if both sides want it.
    pub red: Option<Red>,
    /// Milliseconds of audio per packet to send.
    pub ptime_ms: u16,
    /// Where to send; `None` if nowhere (`c=0.0.0.0`, port 0).
    pub remote: Option<SocketAddr>,
    /// Where to send RTCP; `None` if nowhere.
    pub remote_rtcp: Option<SocketAddr>,
    /// RTP and RTCP share a port, both ways.
    pub rtcp_mux: bool,
    /// What we may send and receive.
    pub direction: Direction,
    /// The other side does not want our audio: we are on hold.
    pub held_by_remote: bool,
    /// Keys, if the stream is encrypted. Where one of them is not what it was, its direction starts anew (rollover
    /// counter 0); where it is the same, it goes on.
    pub srtp: Option<SrtpPair>,
}

/// Why an offer or an answer is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It cannot be read.
    #[error("unreadable session description: {0}")]
    Unreadable(#[from] ParseError),
    /// No audio stream over RTP is in it, or the answer refuses ours.
    #[error("no audio")]
    NoAudio,
    /// No codec of ours is in it.
    #[error("no common codec")]
    NoCommonCodec,
    /// The other side's address is missing, or a name.
    #[error("no usable address")]
    NoAddress,
    /// It is not encrypted, and has to be.
    #[error("SRTP is required")]
    SrtpRequired,
    /// It is encrypted, and must not be.
    #[error("SRTP is switched off")]
    SrtpDisabled,
    /// It is encrypted in no way we know or allow.
    #[error("no common crypto suite")]
    NoCommonSuite,
    /// An answer to nothing: we have no offer out.
    #[error("no offer is open")]
    NoOffer,
}

impl Refusal {
    /// Status to refuse the offer with (RFC 3261 §21.4.1, §21.4.26).
    pub const fn status(&self) -> u16 {
        match self {
            Self::Unreadable(_) => 400,
            _ => 488,
        }
    }

    /// Code and text of the Warning header that goes with it (RFC 3261 §20.43).
    pub const fn warning(&self) -> (u16, &'static str) {
        match self {
            Self::NoAudio => (304, "Media type not available"),
            Self::NoCommonCodec => (305, "Incompatible media format"),
            Self::NoAddress => (301, "Incompatible network address formats"),
            Self::SrtpRequired | Self::SrtpDisabled | Self::NoCommonSuite => (302, "Incompatible transport protocol"),
            Self::Unreadable(_) | Self::NoOffer => (399, "Unreadable session description"),
        }
    }
}
