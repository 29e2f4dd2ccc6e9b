//! The codecs a phone may have, and what SDP says of each.

use crate::settings::media::{G723Rate, G726Packing, MediaSettings};

/// A codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CodecName {
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// G.723.1.
    G723,
    /// G.729 Annex A.
    G729,
    /// G.722 at 64 kbit/s.
    G722,
    /// iLBC (RFC 3951).
    Ilbc,
    /// G.726 at 32 kbit/s.
    G72632,
    /// Opus (RFC 6716).
    Opus,
}

impl CodecName {
    /// All, in the catalogue's default order.
    pub const ALL: [Self; 8] =
        [Self::Pcmu, Self::Pcma, Self::G723, Self::G729, Self::G722, Self::Ilbc, Self::G72632, Self::Opus];

    /// The catalogue's spelling.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Pcmu => "pcmu",
            Self::Pcma => "pcma",
            Self::G723 => "g723",
            Self::G729 => "g729",
            Self::G722 => "g722",
            Self::Ilbc => "ilbc",
            Self::G72632 => "g726-32",
            Self::Opus => "opus",
        }
    }

    /// Reads the catalogue's spelling, in any case.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.key().eq_ignore_ascii_case(key))
    }

    /// The name in `a=rtpmap` (RFC 3551 §6, RFC 3952, RFC 7587); G.726's tells the packing.
    pub const fn encoding(self, packing: G726Packing) -> &'static str {
        match (self, packing) {
            (Self::Pcmu, _) => "PCMU",
            (Self::Pcma, _) => "PCMA",
            (Self::G723, _) => "G723",
            (Self::G729, _) => "G729",
            (Self::G722, _) => "G722",
            (Self::Ilbc, _) => "iLBC",
            (Self::G72632, G726Packing::Itu) => "AAL2-G726-32",
            (Self::G72632, G726Packing::Ietf) => "G726-32",
            (Self::Opus, _) => "opus",
        }
    }

    /// Hz of the RTP clock. That of G.722 is 8000 though it samples at 16000 (RFC 3551 §4.5.2).
    pub const fn clock(self) -> u32 {
        if matches!(self, Self::Opus) { 48_000 } else { 8000 }
    }

    /// Hz at which the codec samples.
    pub const fn sample_rate(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            Self::G722 => 16_000,
            _ => 8000,
        }
    }

    /// Channels as `a=rtpmap` has them; 2 for Opus whatever is sent (RFC 7587 §7).
    pub const fn channels(self) -> u8 {
        if matches!(self, Self::Opus) { 2 } else { 1 }
    }

    /// The payload type the profile gives it (RFC 3551 §6).
    pub const fn static_pt(self) -> Option<u8> {
        match self {
            Self::Pcmu => Some(0),
            Self::G723 => Some(4),
            Self::Pcma => Some(8),
            Self::G722 => Some(9),
            Self::G729 => Some(18),
            _ => None,
        }
    }

    /// The payload type we give it.
    pub(super) fn wanted_pt(self, settings: &MediaSettings) -> u8 {
        match self {
            Self::Ilbc => settings.ilbc_pt,
            Self::G72632 => settings.g726_pt,
            Self::Opus => settings.opus_pt,
            _ => self.static_pt().unwrap_or(96),
        }
    }

    /// Length of a frame, ms. `ilbc_ms` is iLBC's: 20 or 30.
    pub(super) const fn frame_ms(self, ilbc_ms: u16) -> u16 {
        match self {
            Self::G723 => 30,
            Self::Ilbc => ilbc_ms,
            _ => 10,
        }
    }

    /// Most frames in a packet: the guide's limits, but no packet beyond an Ethernet frame (G.722 reaches 1360 bytes
    /// with 17) and none of Opus beyond 120 ms (RFC 7587 §4.2).
    pub(super) const fn max_frames(self) -> u16 {
        match self {
            Self::Pcmu | Self::Pcma => 10,
            Self::G72632 => 20,
            Self::G723 => 32,
            Self::G722 => 17,
            Self::Opus => 12,
            Self::G729 | Self::Ilbc => 64,
        }
    }

    /// Length of our packets, ms, by the setting "Voice Frames Per TX".
    pub(super) fn own_ptime(self, settings: &MediaSettings, ilbc_ms: u16) -> u16 {
        self.whole_frames(u16::from(settings.frames_per_tx).saturating_mul(self.frame_ms(ilbc_ms)), ilbc_ms)
    }

    /// The longest packet of whole frames that is no longer than `ms`; one frame at the least.
    pub(super) fn whole_frames(self, ms: u16, ilbc_ms: u16) -> u16 {
        let frame = self.frame_ms(ilbc_ms).max(1);
        let frames = (ms / frame).clamp(1, self.max_frames());
        match self {
            // Opus has frames of 10 and 20 ms, and packets of several equal ones (RFC 6716 §3.2).
            Self::Opus if frames > 2 => (frames & !1) * frame,
            _ => frames * frame,
        }
    }
}

/// What is agreed about the codec of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codec {
    /// Which.
    pub name: CodecName,
    /// Hz of the RTP clock.
    pub clock: u32,
    /// Channels of the RTP map.
    pub channels: u8,
    /// Payload type to send with.
    pub send_pt: u8,
    /// Payload type to expect.
    pub recv_pt: u8,
    /// Length of one frame, ms.
    pub frame_ms: u16,
    /// G.726: packing of both directions.
    pub packing: G726Packing,
    /// G.723.1 and G.729: both sides know silence frames, and we want them.
    pub silence: bool,
    /// G.723.1: rate to send with.
    pub g723_rate: G723Rate,
    /// Opus: what the other side wants to get.
    pub opus: OpusWishes,
}

/// Parameters of Opus the receiver states (RFC 7587 §6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpusWishes {
    /// It makes use of in-band forward error correction.
    pub inband_fec: bool,
    /// It likes discontinuous transmission.
    pub dtx: bool,
    /// It wants a constant bit rate.
    pub cbr: bool,
    /// It plays two channels.
    pub stereo: bool,
    /// Hz up to which it plays, 8000..=48000.
    pub max_playback_rate: Option<u32>,
    /// Most bit/s on average, 6000..=510000.
    pub max_bitrate: Option<u32>,
}

impl OpusWishes {
    pub(super) fn read(fmtp: &str) -> Self {
        let yes = |name: &str| parameter(fmtp, name).is_some_and(|value| value == "1");
        let number = |name: &str| parameter(fmtp, name).and_then(|value| value.parse::<u32>().ok());
        Self {
            inband_fec: yes("useinbandfec"),
            dtx: yes("usedtx"),
            cbr: yes("cbr"),
            stereo: yes("stereo"),
            max_playback_rate: number("maxplaybackrate").map(|hz| hz.clamp(8000, 48_000)),
            max_bitrate: number("maxaveragebitrate").map(|rate| rate.clamp(6000, 510_000)),
        }
    }
}

/// The value of a parameter in `name=value;name=value` (blanks and case of names do not count).
pub(super) fn parameter<'a>(fmtp: &'a str, name: &str) -> Option<&'a str> {
    fmtp.split(';').find_map(|one| {
        let (key, value) = one.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// Our `a=fmtp` for a codec, as agreed or (in an offer) as we want it.
pub(super) fn own_fmtp(name: CodecName, ilbc_ms: u16, silence: bool, rate: G723Rate) -> Option<String> {
    let yes = if silence { "yes" } else { "no" };
    match name {
        CodecName::Opus => Some("minptime=10;useinbandfec=1".to_owned()),
        CodecName::Ilbc => Some(format!("mode={ilbc_ms}")),
        CodecName::G729 => Some(format!("annexb={yes}")),
        CodecName::G723 => {
            let rate = if rate == G723Rate::High { "6.3" } else { "5.3" };
            Some(format!("bitrate={rate};annexa={yes}"))
        }
        _ => None,
    }
}

impl Codec {
    /// What comes of our settings and the other side's `a=fmtp`.
    pub(super) fn agree(
        name: CodecName,
        packing: G726Packing,
        (send_pt, recv_pt): (u8, u8),
        fmtp: &str,
        settings: &MediaSettings,
    ) -> Self {
        // RFC 3952 §5: 30 ms unless both say 20.
        let theirs = if parameter(fmtp, "mode") == Some("20") { 20 } else { 30 };
        let ilbc_ms = settings.ilbc_frame_ms.max(theirs);
        let annex = match name {
            CodecName::G729 => parameter(fmtp, "annexb"),
            CodecName::G723 => parameter(fmtp, "annexa"),
            _ => Some("no"),
        };
        // Silence frames are understood unless it says otherwise (RFC 4856 §2.1.2, §2.1.9).
        let silence = settings.silence_suppression && !annex.is_some_and(|value| value.eq_ignore_ascii_case("no"));
        let low = name == CodecName::G723 && parameter(fmtp, "bitrate") == Some("5.3");
        Self {
            name,
            clock: name.clock(),
            channels: name.channels(),
            send_pt,
            recv_pt,
            frame_ms: name.frame_ms(ilbc_ms),
            packing,
            silence,
            g723_rate: if low { G723Rate::Low } else { settings.g723_rate },
            opus: if name == CodecName::Opus { OpusWishes::read(fmtp) } else { OpusWishes::default() },
        }
    }
}
