//! From an agreed codec to the one that encodes and decodes, and which of them this program has.

use std::sync::OnceLock;

use codecs::opus::{Bandwidth, Options};
use codecs::{Codec, g723, g726, ilbc};

use crate::sdp::{self, CodecName, OpusWishes};
use crate::settings::media::{G723Rate, G726Packing};

/// Bit/s of Opus: full band speech.
const OPUS_BITRATE: u32 = 32_000;
/// Beside copies of earlier packets: wideband speech, three times of which still fit a narrow line.
const OPUS_BITRATE_WITH_COPIES: u32 = 24_000;
/// Care Opus takes in encoding, 0..=10.
const OPUS_COMPLEXITY: u8 = 9;

/// The codec an agreement asks for.
pub fn of(agreed: &sdp::Codec) -> Codec {
    match agreed.name {
        CodecName::Pcmu => Codec::Pcmu,
        CodecName::Pcma => Codec::Pcma,
        CodecName::G722 => Codec::G722,
        CodecName::G729 => Codec::G729 { silence: agreed.silence },
        CodecName::G72632 => Codec::G726(match agreed.packing {
            G726Packing::Itu => g726::Packing::Itu,
            G726Packing::Ietf => g726::Packing::Ietf,
        }),
        CodecName::Ilbc => Codec::Ilbc(if agreed.frame_ms == 20 { ilbc::Frame::Ms20 } else { ilbc::Frame::Ms30 }),
        CodecName::G723 => {
            let rate = if agreed.g723_rate == G723Rate::High { g723::Rate::High } else { g723::Rate::Low };
            Codec::G723 { rate, silence: agreed.silence }
        }
        CodecName::Opus => Codec::Opus(opus(&agreed.opus)),
    }
}

/// Bit/s to send with, alone and beside copies, where the codec has a choice.
pub fn bitrates(agreed: &sdp::Codec) -> (Option<u32>, Option<u32>) {
    let most = agreed.opus.max_bitrate.unwrap_or(u32::MAX);
    let of = |bits: u32| (agreed.name == CodecName::Opus).then_some(bits.min(most));
    (of(OPUS_BITRATE), of(OPUS_BITRATE_WITH_COPIES))
}

/// As the other side wants to get it (RFC 7587 §6.1), as far as that suits a phone.
fn opus(wishes: &OpusWishes) -> Options {
    Options {
        bitrate: wishes.max_bitrate.map_or(OPUS_BITRATE, |most| most.min(OPUS_BITRATE)),
        vbr: !wishes.cbr,
        fec: wishes.inband_fec,
        dtx: wishes.dtx,
        complexity: OPUS_COMPLEXITY,
        bandwidth: Bandwidth::of_rate(wishes.max_playback_rate.unwrap_or(48_000)),
    }
}

/// The codecs this program has. Others are neither offered nor answered; the log says why, once.
pub fn available() -> &'static [CodecName] {
    static AVAILABLE: OnceLock<Vec<CodecName>> = OnceLock::new();
    AVAILABLE.get_or_init(|| CodecName::ALL.into_iter().filter(|name| is_there(*name)).collect())
}

fn is_there(name: CodecName) -> bool {
    let agreed = sdp::Codec {
        name,
        clock: name.clock(),
        channels: name.channels(),
        send_pt: 0,
        recv_pt: 0,
        frame_ms: 20,
        packing: G726Packing::Ietf,
        silence: false,
        g723_rate: G723Rate::Low,
        opus: OpusWishes::default(),
    };
    let codec = of(&agreed);
    match codec.encoder().map(drop).and_then(|()| codec.decoder().map(drop)) {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%error, "left out of calls");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_codec_of_the_catalogue_is_there() {
        assert_eq!(available(), CodecName::ALL);
    }
}
