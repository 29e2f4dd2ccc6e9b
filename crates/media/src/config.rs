//! What a leg is told: codecs, payload types, addresses, keys and rules, as offer and answer came to them.

use core::time::Duration;
use std::fmt;
use std::net::SocketAddr;

use codecs::Codec;
use rtp::srtp::Suite;

/// Payload types of one thing, ours to send with and ours to expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadTypes {
    /// To send with.
    pub send: u8,
    /// To expect.
    pub receive: u8,
}

/// How digits leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Events {
    /// Of `telephone-event` (RFC 4733).
    pub payload_types: PayloadTypes,
    /// Hz of their clock.
    pub clock: u32,
}

/// The most redundancy a leg may send (RFC 2198), whatever the loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Budget {
    /// One copy of an earlier packet: about twice the codec's rate.
    OneCopy,
    /// Two copies: about three times.
    #[default]
    TwoCopies,
}

/// Redundant audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redundancy {
    /// Of `red`.
    pub payload_types: PayloadTypes,
    /// See [`Budget`].
    pub budget: Budget,
}

/// The key of one direction. `Debug` prints none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// Master key and salt: 30 or 46 bytes.
    pub master: Vec<u8>,
    /// Master key identifier, empty for none.
    pub mki: Vec<u8>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

/// Keys of an encrypted leg (RFC 3711).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Of both directions.
    pub suite: Suite,
    /// Of what we send.
    pub send: Key,
    /// Of what we get.
    pub receive: Key,
}

/// Everything a leg is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Codec of both directions.
    pub codec: Codec,
    /// Its payload types.
    pub payload_types: PayloadTypes,
    /// Milliseconds of audio per packet to send: a whole number of the codec's frames.
    pub ptime_ms: u16,
    /// Bit/s of the codec, where it has a choice.
    pub bitrate: Option<u32>,
    /// The same while copies of earlier packets go along.
    pub bitrate_with_copies: Option<u32>,
    /// Redundant audio, if agreed.
    pub redundancy: Option<Redundancy>,
    /// Telephone events, if agreed.
    pub events: Option<Events>,
    /// Where RTP goes; `None` if nowhere.
    pub remote: Option<SocketAddr>,
    /// Where RTCP goes; `None` if nowhere.
    pub remote_rtcp: Option<SocketAddr>,
    /// Reports are sent at all.
    pub rtcp: bool,
    /// RTCP on RTP's port (RFC 5761).
    pub rtcp_mux: bool,
    /// We may send audio.
    pub sends: bool,
    /// Audio is to come.
    pub receives: bool,
    /// Send to where the other side's audio comes from (RFC 4961).
    pub symmetric: bool,
    /// RTP version 1 packets keep the path open while nothing is sent.
    pub rtp_keep_alive: bool,
    /// RTCP keeps saying "sender" (SR) while nothing is sent; else it says RR.
    pub rtcp_sender_reports: bool,
    /// Without audio for so long, the leg says so.
    pub timeout: Option<Duration>,
    /// The jitter buffer adapts; else it holds `jitter_ms`.
    pub jitter_adaptive: bool,
    /// Length of the jitter buffer, ms, 100..=800; the most, if it adapts.
    pub jitter_ms: u16,
    /// Keys, if the leg is encrypted.
    pub keys: Option<Keys>,
}
