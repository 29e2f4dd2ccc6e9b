//! What an Opus packet says of itself without being decoded (RFC 6716 §3 and §4.2.3).

use super::LONGEST;

/// Bytes of the longest frame.
const LONGEST_FRAME: usize = 1275;

/// Which of Opus' codecs made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For speech; can carry the frame before once more.
    Silk,
    /// Speech up to 8 kHz, CELT above. As SILK.
    Hybrid,
    /// For music; carries nothing of what came before.
    Celt,
}

/// A packet whose frames are all there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Which codec.
    pub mode: Mode,
    /// Two channels.
    pub stereo: bool,
    /// From 1 to 48.
    pub frames: usize,
    /// Samples of one frame at 48 kHz, from 120 (2.5 ms) to 2880 (60 ms).
    pub frame_samples: usize,
    /// The bytes of the first frame; none: it is not sent (DTX).
    pub first: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads it. None: it breaks one of the rules R1 to R7 of RFC 6716 §3.4.
    pub fn read(payload: &'a [u8]) -> Option<Self> {
        let (&toc, rest) = payload.split_first()?;
        let config = toc >> 3;
        let (mode, frame_samples) = match config {
            0..12 => (Mode::Silk, [480, 960, 1920, 2880][usize::from(config & 3)]),
            12..16 => (Mode::Hybrid, [480, 960][usize::from(config & 1)]),
            16.. => (Mode::Celt, [120, 240, 480, 960][usize::from(config & 3)]),
        };
        let (frames, first) = match toc & 3 {
            0 => (1, rest),
            1 if rest.len() % 2 == 0 => (2, rest.get(..rest.len() / 2)?),
            2 => {
                let (len, rest) = length(rest)?;
                (2, rest.get(..len)?)
            }
            3 => many(rest)?,
            _ => return None,
        };
        let fits = first.len() <= LONGEST_FRAME && frames * frame_samples <= LONGEST;
        fits.then_some(Self { mode, stereo: toc & 4 != 0, frames, frame_samples, first })
    }

    /// Samples at 48 kHz.
    pub const fn samples(&self) -> usize {
        self.frames * self.frame_samples
    }

    /// Whether it carries the frame before its first once more (LBRR): flags at the head of SILK's data, after one bit of
    /// voice activity for each 20 ms, for either channel.
    pub fn has_lbrr(&self) -> bool {
        let Some(head) = self.first.first().filter(|_| self.mode != Mode::Celt) else { return false };
        let silk_frames = (self.frame_samples / 960).max(1);
        let flag = |after: usize| head.checked_shr(7_u32.saturating_sub(after as u32)).unwrap_or(0) & 1 == 1;
        flag(silk_frames) || self.stereo && flag(2 * silk_frames + 1)
    }
}

/// Length of a frame, in one byte or two (§3.2.1).
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match *bytes {
        [len @ ..252, ref rest @ ..] => Some((usize::from(len), rest)),
        [low, high, ref rest @ ..] => Some((4 * usize::from(high) + usize::from(low), rest)),
        _ => None,
    }
}

/// Number of frames and the first of them, of a packet of code 3 (§3.2.5).
fn many(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&head, mut rest) = bytes.split_first()?;
    let frames = usize::from(head & 0x3f);
    if frames == 0 {
        return None;
    }
    if head & 0x40 != 0 {
        let mut padding = 0;
        loop {
            let (&len, after) = rest.split_first()?;
            rest = after;
            // 255: 254 bytes, and another length follows.
            padding += usize::from(len.min(254));
            if len != 255 {
                break;
            }
        }
        rest = rest.get(..rest.len().checked_sub(padding)?)?;
    }
    if head & 0x80 == 0 {
        return if rest.len() % frames == 0 { Some((frames, rest.get(..rest.len() / frames)?)) } else { None };
    }
    let (mut first, mut sum) = (None, 0);
    for _ in 1..frames {
        let (len, after) = length(rest)?;
        rest = after;
        sum += len;
        first.get_or_insert(len);
    }
    let last = rest.len().checked_sub(sum)?;
    let first = rest.get(..first.unwrap_or(last))?;
    (last <= LONGEST_FRAME).then_some((frames, first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_tells_codec_and_duration() {
        for (config, mode, samples) in [
            (0, Mode::Silk, 480),
            (11, Mode::Silk, 2880),
            (13, Mode::Hybrid, 960),
            (16, Mode::Celt, 120),
            (31, Mode::Celt, 960),
        ] {
            let bytes = [config << 3, 1];
            let packet = Packet::read(&bytes).unwrap();
            assert_eq!(
                (packet.mode, packet.samples(), packet.stereo),
                (mode, samples, false),
                "configuration {config}"
            );
        }
    }

    #[test]
    fn frames_are_counted_in_all_four_layouts() {
        let silk20 = 9 << 3;
        for (bytes, frames, first) in [
            (&[silk20, 1, 2, 3][..], 1, &[1, 2, 3][..]),
            (&[silk20], 1, &[]),
            (&[silk20 | 1, 1, 2, 3, 4], 2, &[1, 2]),
            (&[silk20 | 2, 1, 9, 8, 7], 2, &[9]),
            (&[silk20 | 3, 3, 1, 2, 3], 3, &[1]),
            (&[silk20 | 3, 0x83, 2, 0, 1, 2, 3], 3, &[1, 2]),
            // Two bytes of padding.
            (&[silk20 | 3, 0x42, 2, 1, 2, 0, 0], 2, &[1]),
        ] {
            let packet = Packet::read(bytes).unwrap();
            assert_eq!((packet.frames, packet.first), (frames, first), "{bytes:?}");
        }
        for broken in [
            &[][..],
            &[silk20 | 1, 1],
            &[silk20 | 2, 3, 1],
            &[silk20 | 3],
            &[silk20 | 3, 0],
            // 7 × 20 ms.
            &[silk20 | 3, 7],
            &[silk20 | 3, 0x41, 3, 0],
            &[silk20 | 3, 0x83, 2, 2, 1],
        ] {
            assert_eq!(Packet::read(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn redundancy_is_flagged_after_the_bits_of_voice_activity() {
        let with = |config: u8, head| Packet::read(&[config << 3, head, 0]).unwrap().has_lbrr();
        assert!(with(9, 0b0100_0000) && !with(9, 0b1011_1111), "20 ms");
        assert!(with(10, 0b0010_0000) && !with(10, 0b1101_1111), "40 ms");
        assert!(with(11, 0b0001_0000) && !with(11, 0b1110_1111), "60 ms");
        assert!(!with(31, 0xff), "CELT has none");
        let side = Packet::read(&[9 << 3 | 4, 0b0001_0000, 0]).unwrap();
        assert!(side.has_lbrr(), "of the second channel");
    }
}
