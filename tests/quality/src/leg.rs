//! Our legs, as a call sets them up.

use std::net::SocketAddr;

use anyhow::Result;
use codecs::{Codec, g723, g726, ilbc, opus};
use media::config::{Budget, Config, Key, Keys, PayloadTypes, Redundancy};
use media::{Parts, Session};
use rtp::srtp::Suite;

/// What offer and answer came to.
#[derive(Clone, Copy, Debug)]
pub struct Agreed {
    pub codec: Codec,
    /// Redundant audio.
    pub redundancy: Option<Budget>,
    pub encrypted: bool,
}

/// Opus as the phone sends it beside copies (phone-core's `codec`): 24 kbit/s, and wideband at that.
pub const OPUS: Codec = Codec::Opus(opus::Options {
    bitrate: 24_000,
    vbr: true,
    fec: true,
    dtx: false,
    complexity: 9,
    bandwidth: opus::Bandwidth::Wide,
});

/// All that the phone speaks.
pub const ALL: [Codec; 7] = [
    OPUS,
    Codec::Pcmu,
    Codec::G722,
    Codec::G726(g726::Packing::Ietf),
    Codec::G729 { silence: false },
    Codec::Ilbc(ilbc::Frame::Ms20),
    Codec::G723 { rate: g723::Rate::High, silence: false },
];

const AUDIO: PayloadTypes = PayloadTypes { send: 96, receive: 96 };
const RED: PayloadTypes = PayloadTypes { send: 97, receive: 97 };
pub const SUITE: Suite = Suite::Aes128Sha1_80;

/// Milliseconds of a packet: 20, or the codec's frame.
pub fn ptime_ms(codec: Codec) -> u16 {
    if codec.frame_ms() == 30 { 30 } else { 20 }
}

/// Where an end (0 or 1) has its RTP; RTCP is on the next port.
pub fn address(end: usize) -> SocketAddr {
    ([127, 0, 0, 1], if end == 0 { 4000 } else { 4002 }).into()
}

/// Key and salt of what an end sends.
pub fn master(end: usize) -> Vec<u8> {
    (0..30).map(|byte| byte * 7 + end as u8).collect()
}

/// The leg of an end.
///
/// # Errors
/// If the codec is not there.
pub fn session(agreed: &Agreed, end: usize, seed: u64) -> Result<Session> {
    let other = address(1 - end);
    let key = |end| Key { master: master(end), mki: Vec::new() };
    let config = Config {
        codec: agreed.codec,
        payload_types: AUDIO,
        ptime_ms: ptime_ms(agreed.codec),
        bitrate: None,
        bitrate_with_copies: None,
        redundancy: agreed.redundancy.map(|budget| Redundancy { payload_types: RED, budget }),
        events: None,
        remote: Some(other),
        remote_rtcp: Some(SocketAddr::new(other.ip(), other.port() + 1)),
        rtcp: true,
        rtcp_mux: false,
        sends: true,
        receives: true,
        symmetric: true,
        rtp_keep_alive: false,
        rtcp_sender_reports: false,
        timeout: None,
        jitter_adaptive: true,
        jitter_ms: 300,
        keys: agreed.encrypted.then(|| Keys { suite: SUITE, send: key(end), receive: key(1 - end) }),
    };
    Ok(Session::new(Parts::new(config)?, seed.wrapping_mul(2).wrapping_add(end as u64 * 0x5151) | 1))
}
