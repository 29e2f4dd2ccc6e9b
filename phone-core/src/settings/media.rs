//! How an account's audio is offered and carried: the page "Codec Settings", and where its ports lie.

use std::time::Duration;

use super::read::Values;
use crate::sdp::CodecName;

/// Whose order of codecs counts when a call comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// The order of the offer.
    Caller,
    /// Our own order.
    Callee,
}

/// Order of G.726 samples within a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum G726Packing {
    /// First sample in the high bits: ITU-T I.366.2 Annex E, `AAL2-G726-32` of RFC 3551 §4.5.4.
    Itu,
    /// First sample in the low bits: `G726-32` of RFC 3551 §4.5.4.
    Ietf,
}

/// Bit rate of the G.723.1 encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum G723Rate {
    /// 5.3 kbit/s, 20 bytes per 30 ms.
    Low,
    /// 6.3 kbit/s, 24 bytes per 30 ms.
    High,
}

/// How digits travel; several ways may be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DtmfMethods {
    /// As tones in the audio.
    pub audio: bool,
    /// As RTP events (RFC 4733).
    pub rtp: bool,
    /// As SIP INFO.
    pub info: bool,
}

/// "SRTP Mode".
///
/// The vendor does not say what its two middle modes put on the wire, and its phones have been seen to offer `RTP/SAVP`
/// alone and to take a plain answer (sems#132), which servers that follow the standard refuse. Two `m=` lines for one
/// stream confuse relays (rtpengine#1489). So "not forced" is RFC 8643 here: baresip offers and answers so, rtpengine
/// reads it, and who does not know it (linphone 5.1) overlooks the keys and answers plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SrtpMode {
    /// Offers `RTP/AVP`; refuses an offer of SRTP alone.
    No,
    /// "Enabled but not forced": offers `RTP/AVP` with `a=crypto` (RFC 8643); takes both.
    Enabled,
    /// "Enabled and forced": offers `RTP/SAVP`; refuses what is not encrypted.
    Forced,
    /// "Optional": offers plain audio, and encrypts when the other side offers that.
    Optional,
}

/// "RTCP Mode".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtcpMode {
    /// The port after RTP's (RFC 3550 §11).
    Default,
    /// Named with `a=rtcp` (RFC 3605).
    Negotiate,
    /// On RTP's port if the other side agrees (RFC 5761).
    Mux,
    /// On RTP's port or not at all (RFC 8858).
    MuxOnly,
}

/// What an account's audio is told. [`MediaSettings::default`] has the catalogue's defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaSettings {
    /// Codecs wanted, best first, without doubles. Never empty.
    pub codecs: Vec<CodecName>,
    /// Codecs there is an implementation of. Others are neither offered nor answered.
    pub available: Vec<CodecName>,
    /// See [`Priority`].
    pub priority: Priority,
    /// Take the first codec of an answer, whatever our own order.
    pub use_first_match: bool,
    /// iLBC frame, ms: 20 or 30.
    pub ilbc_frame_ms: u16,
    /// RTP payload type, 96..=127.
    pub ilbc_pt: u8,
    /// RTP payload type, 96..=127.
    pub g726_pt: u8,
    /// See [`G726Packing`].
    pub g726_packing: G726Packing,
    /// RTP payload type, 96..=127.
    pub opus_pt: u8,
    /// RTP payload type of telephone events, 96..=127.
    pub dtmf_pt: u8,
    /// See [`DtmfMethods`].
    pub dtmf: DtmfMethods,
    /// Offer redundant audio (RFC 2198).
    pub red: bool,
    /// Silence suppression of G.723.1 (Annex A) and G.729 (Annex B).
    pub silence_suppression: bool,
    /// Frames per packet, 1..=64; each codec limits it further.
    pub frames_per_tx: u8,
    /// See [`G723Rate`].
    pub g723_rate: G723Rate,
    /// See [`SrtpMode`].
    pub srtp_mode: SrtpMode,
    /// Use suites with AES-128.
    pub srtp_aes128: bool,
    /// Use suites with AES-256.
    pub srtp_aes256: bool,
    /// Write the lifetime of keys into `a=crypto`.
    pub crypto_lifetime: bool,
    /// See [`RtcpMode`].
    pub rtcp_mode: RtcpMode,
    /// RTCP keep-alive is a sender report (else a receiver report).
    pub rtcp_keepalive_sender: bool,
    /// Keep the audio path open with RTP version 1 packets while nothing is sent.
    pub rtp_keepalive: bool,
    /// Send to where the other side's audio comes from.
    pub symmetric_rtp: bool,
    /// End the call after this long without audio, 6..=600 s.
    pub rtp_timeout: Option<Duration>,
    /// The jitter buffer adapts to the network.
    pub jitter_adaptive: bool,
    /// Length of the jitter buffer, ms: 100..=800.
    pub jitter_ms: u16,
    /// Hold with `c=IN IP4 0.0.0.0` beside the direction.
    pub rfc2543_hold: bool,
}

impl Default for MediaSettings {
    fn default() -> Self {
        Self::from_values(&Values::account(&|_| None, 1))
    }
}

impl MediaSettings {
    /// Reads an account's values. What is absent or makes no sense takes the catalogue's default.
    pub fn from_values(values: &Values<'_>) -> Self {
        let pt = |key: &str, default: u32| to_u8(values.number(key, default, 96, 127));
        let lengths = [("aes128_256", (true, true)), ("aes128", (true, false)), ("aes256", (false, true))];
        let (srtp_aes128, srtp_aes256) = values.choice("audio.srtpkeylength", (true, true), &lengths);
        let modes = [
            ("no", SrtpMode::No),
            ("enabled", SrtpMode::Enabled),
            ("forced", SrtpMode::Forced),
            ("optional", SrtpMode::Optional),
        ];
        let rtcp_modes = [
            ("default", RtcpMode::Default),
            ("negotiate", RtcpMode::Negotiate),
            ("mux", RtcpMode::Mux),
            ("mux_only", RtcpMode::MuxOnly),
        ];
        let packings = [("itu", G726Packing::Itu), ("ietf", G726Packing::Ietf)];
        let lengths_ms: [(&str, u16); 8] = [
            ("100", 100),
            ("200", 200),
            ("300", 300),
            ("400", 400),
            ("500", 500),
            ("600", 600),
            ("700", 700),
            ("800", 800),
        ];
        Self {
            codecs: codecs(&values.list("codec.choice")),
            available: crate::codec::available().to_vec(),
            priority: values.choice(
                "codec.negotiatepriority",
                Priority::Callee,
                &[("caller", Priority::Caller), ("callee", Priority::Callee)],
            ),
            use_first_match: values.yes("codec.usefirstmatch", false),
            ilbc_frame_ms: values.choice("codec.ilbc.framesize", 30, &[("20", 20), ("30", 30)]),
            ilbc_pt: pt("codec.payloadtype.ilbc", 97),
            g726_pt: pt("codec.payloadtype.g72632", 127),
            // The key says 723; it is the vendor's.
            g726_packing: values.choice("codec.g723.32.packingmode", G726Packing::Itu, &packings),
            opus_pt: pt("codec.payloadtype.opus", 123),
            dtmf_pt: pt("codec.payloadtype.dtmf", 101),
            dtmf: dtmf(&values.text("dtmf.send"), &values.list("dtmf.send")),
            red: values.yes("audio.fec.enable", false),
            silence_suppression: values.yes("audio.silencesuppression", false),
            frames_per_tx: to_u8(values.number("audio.voiceframepertx", 2, 1, 64)),
            g723_rate: values.choice(
                "codec.g723rate",
                G723Rate::Low,
                &[("6.3", G723Rate::High), ("5.3", G723Rate::Low)],
            ),
            srtp_mode: values.choice("audio.srtpmode", SrtpMode::No, &modes),
            srtp_aes128,
            srtp_aes256,
            crypto_lifetime: values.yes("audio.cryptolifetime", true),
            rtcp_mode: values.choice("rtcp.port.selection", RtcpMode::Default, &rtcp_modes),
            rtcp_keepalive_sender: values.choice(
                "rtcp.keepalivemethod",
                false,
                &[("receiver_report", false), ("sender_report", true)],
            ),
            rtp_keepalive: values.choice("rtp.keepalivemethod", false, &[("no", false), ("rtp_v1", true)]),
            symmetric_rtp: values.yes("audio.symmetricrtp", false),
            rtp_timeout: match values.number("rtp.timeout", 0, 0, 600) {
                0 => None,
                seconds => Some(Duration::from_secs(u64::from(seconds.max(6)))),
            },
            jitter_adaptive: values.choice("audio.jitterbuffertype", true, &[("fixed", false), ("adaptive", true)]),
            jitter_ms: values.choice("audio.jitterbufferlength", 300, &lengths_ms),
            rfc2543_hold: values.yes("call.rfc2543hold.enable", true),
        }
    }

    /// The codecs to offer, best first: those wanted that are there. If none is, all that are there; PCMU at the least,
    /// which RFC 3551 §6 asks of everybody.
    pub fn usable(&self) -> Vec<CodecName> {
        let wanted: Vec<_> = self.codecs.iter().copied().filter(|one| self.available.contains(one)).collect();
        match (wanted.is_empty(), self.available.is_empty()) {
            (false, _) => wanted,
            (true, false) => self.available.clone(),
            (true, true) => vec![CodecName::Pcmu],
        }
    }
}

/// Where RTP ports lie: the phone's, not an account's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpPorts {
    /// First port, even, 1024..=65400.
    pub first: u16,
    /// Ports from there on, 24..=10000, held below 65536.
    pub count: u16,
    /// Pick among them at random.
    pub random: bool,
}

impl RtpPorts {
    /// Reads the phone's values.
    pub fn from_values(values: &Values<'_>) -> Self {
        let first = values.number("network.rtp.local.port", 5004, 1024, 65_400) & !1;
        let count = values.number("network.rtp.local.portrange", 200, 24, 10_000).min(65_536 - first);
        Self {
            first: u16::try_from(first).unwrap_or(5004),
            count: u16::try_from(count).unwrap_or(200),
            random: values.yes("network.rtp.userandomport", true),
        }
    }
}

fn to_u8(number: u32) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

fn codecs(names: &[String]) -> Vec<CodecName> {
    let mut list = Vec::with_capacity(names.len());
    for codec in names.iter().filter_map(|name| CodecName::from_key(name)) {
        if !list.contains(&codec) {
            list.push(codec);
        }
    }
    if list.is_empty() { CodecName::ALL.to_vec() } else { list }
}

/// `none` or nothing known leaves no method at all; nothing set is RTP.
fn dtmf(text: &str, methods: &[String]) -> DtmfMethods {
    let has = |name: &str| methods.iter().any(|one| one.eq_ignore_ascii_case(name));
    DtmfMethods { audio: has("audio"), rtp: has("rtp") || text.is_empty(), info: has("info") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> MediaSettings {
        let get = |key: &str| pairs.iter().find(|(k, _)| *k == key).map(|(_, v)| (*v).to_owned());
        MediaSettings::from_values(&Values::account(&get, 2))
    }

    #[test]
    fn every_setting_is_read() {
        let set = read(&[
            ("account.2.codec.choice", "opus, g729,opus,nonsense,g726-32"),
            ("account.2.codec.negotiatepriority", "caller"),
            ("account.2.codec.usefirstmatch", "yes"),
            ("account.2.codec.ilbc.framesize", "20"),
            ("account.2.codec.payloadtype.ilbc", "98"),
            ("account.2.codec.g723.32.packingmode", "ietf"),
            ("account.2.codec.payloadtype.g72632", "99"),
            ("account.2.codec.payloadtype.opus", "96"),
            ("account.2.dtmf.send", "audio,info"),
            ("account.2.codec.payloadtype.dtmf", "100"),
            ("account.2.audio.fec.enable", "yes"),
            ("account.2.audio.silencesuppression", "yes"),
            ("account.2.audio.jitterbuffertype", "fixed"),
            ("account.2.audio.jitterbufferlength", "800"),
            ("account.2.audio.voiceframepertx", "4"),
            ("account.2.codec.g723rate", "6.3"),
            ("account.2.audio.srtpmode", "forced"),
            ("account.2.audio.srtpkeylength", "aes256"),
            ("account.2.audio.cryptolifetime", "no"),
            ("account.2.rtcp.port.selection", "mux_only"),
            ("account.2.rtcp.keepalivemethod", "sender_report"),
            ("account.2.rtp.keepalivemethod", "rtp_v1"),
            ("account.2.audio.symmetricrtp", "yes"),
            ("account.2.rtp.timeout", "3"),
            ("account.2.call.rfc2543hold.enable", "no"),
        ]);
        let expected = MediaSettings {
            codecs: vec![CodecName::Opus, CodecName::G729, CodecName::G72632],
            available: CodecName::ALL.to_vec(),
            priority: Priority::Caller,
            use_first_match: true,
            ilbc_frame_ms: 20,
            ilbc_pt: 98,
            g726_pt: 99,
            g726_packing: G726Packing::Ietf,
            opus_pt: 96,
            dtmf_pt: 100,
            dtmf: DtmfMethods { audio: true, rtp: false, info: true },
            red: true,
            silence_suppression: true,
            frames_per_tx: 4,
            g723_rate: G723Rate::High,
            srtp_mode: SrtpMode::Forced,
            srtp_aes128: false,
            srtp_aes256: true,
            crypto_lifetime: false,
            rtcp_mode: RtcpMode::MuxOnly,
            rtcp_keepalive_sender: true,
            rtp_keepalive: true,
            symmetric_rtp: true,
            rtp_timeout: Some(Duration::from_secs(6)),
            jitter_adaptive: false,
            jitter_ms: 800,
            rfc2543_hold: false,
        };
        assert_eq!(set, expected);
    }

    #[test]
    fn defaults_are_those_of_the_catalogue() {
        let set = MediaSettings::default();
        assert_eq!(set.codecs, CodecName::ALL);
        assert_eq!((set.ilbc_pt, set.g726_pt, set.opus_pt, set.dtmf_pt), (97, 127, 123, 101));
        assert_eq!(set.dtmf, DtmfMethods { audio: false, rtp: true, info: false });
        assert!(set.srtp_mode == SrtpMode::No && set.crypto_lifetime && set.rfc2543_hold && !set.red);
        assert_eq!((set.frames_per_tx, set.rtp_timeout, set.jitter_ms), (2, None, 300));
        let none = |_: &str| None;
        let ports = RtpPorts::from_values(&Values::phone(&none));
        assert_eq!(ports, RtpPorts { first: 5004, count: 200, random: true });
    }

    #[test]
    fn codecs_that_are_not_there_are_left_out() {
        let mut set = read(&[("account.2.codec.choice", "g723,opus")]);
        set.available = vec![CodecName::Pcma, CodecName::Opus];
        assert_eq!(set.usable(), [CodecName::Opus]);
        set.available = vec![CodecName::Pcma];
        assert_eq!(set.usable(), [CodecName::Pcma]);
        set.available.clear();
        assert_eq!(set.usable(), [CodecName::Pcmu]);
    }
}
