//! Frames as bytes (section 4): fields follow each other from the lowest bit of the first byte on.

use super::{LONG_LAG, PITCH_MIN, Rate, SUBFRAMES};

/// Longest frame, in bytes.
pub(super) const MAX_BYTES: usize = 24;
/// Amplitudes there are.
const LEVELS: u32 = 24;

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// Speech.
    Speech(Speech),
    /// What the noise is like from now on.
    Noise(Noise),
    /// Noise goes on as it was.
    Untransmitted,
    /// It has a code that no encoder writes.
    Corrupt,
}

/// A frame of speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Speech {
    pub(super) rate: Rate,
    /// Rows of the three codebooks for the spectrum, lowest band first.
    pub(super) spectrum: [u8; 3],
    /// Lag of the pitch in the first and second half, in samples.
    pub(super) lags: [usize; 2],
    pub(super) subframes: [Subframe; SUBFRAMES],
}

/// What differs in each subframe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Subframe {
    /// Lag of this subframe, less its half's lag, plus 1: 0..=3.
    pub(super) delta: usize,
    /// Row of the codebook of pitch predictors.
    pub(super) taps: usize,
    /// 6.3 kbit/s: pulses repeat with the pitch.
    pub(super) train: bool,
    /// Amplitude of the pulses: 0..24.
    pub(super) level: usize,
    /// Pulses are at odd places.
    pub(super) odd: bool,
    /// Where the pulses are, as the rate's codebook numbers it.
    pub(super) positions: u32,
    /// Signs of the pulses.
    pub(super) signs: u32,
}

/// A silence insertion descriptor (Annex A).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Noise {
    /// As in [`Speech`].
    pub(super) spectrum: [u8; 3],
    /// Its level: 0..64.
    pub(super) gain: u8,
}

/// Bytes of the frame that starts with `first`.
pub(super) fn length(first: u8) -> usize {
    match first & 3 {
        0 => 24,
        1 => 20,
        2 => 4,
        _ => 1,
    }
}

/// Reads one frame. Bytes that are missing read as 0.
pub(super) fn parse(bytes: &[u8]) -> Frame {
    let mut reader = Reader { bytes, at: 0 };
    let kind = reader.take(2);
    if kind == 3 {
        return Frame::Untransmitted;
    }
    let spectrum = reader.take(24);
    let spectrum = [(spectrum >> 16) as u8, (spectrum >> 8) as u8, spectrum as u8];
    if kind == 2 {
        return Frame::Noise(Noise { spectrum, gain: reader.take(6) as u8 });
    }
    let rate = if kind == 0 { Rate::High } else { Rate::Low };
    match speech(&mut reader, rate, spectrum) {
        Some(speech) => Frame::Speech(speech),
        None => Frame::Corrupt,
    }
}

fn speech(reader: &mut Reader<'_>, rate: Rate, spectrum: [u8; 3]) -> Option<Speech> {
    let mut subframes = [Subframe { delta: 1, ..Subframe::default() }; SUBFRAMES];
    let mut lags = [0; 2];
    for (half, lag) in lags.iter_mut().enumerate() {
        *lag = reader.take(7) as usize + PITCH_MIN;
        if *lag > PITCH_MIN + 123 {
            return None;
        }
        subframes[2 * half + 1].delta = reader.take(2) as usize;
    }
    for (index, subframe) in subframes.iter_mut().enumerate() {
        let mut gains = reader.take(12);
        let mut rows = 170;
        if rate == Rate::High && lags[index / 2] < LONG_LAG {
            subframe.train = gains >> 11 != 0;
            gains &= 0x7ff;
            rows = 85;
        }
        subframe.taps = (gains / LEVELS) as usize;
        subframe.level = (gains % LEVELS) as usize;
        if subframe.taps >= rows {
            return None;
        }
    }
    for subframe in &mut subframes {
        subframe.odd = reader.take(1) != 0;
    }
    match rate {
        Rate::High => {
            reader.take(1);
            // The topmost bits of the four, in one number.
            let tops = reader.take(13);
            let tops = [tops / 810, tops / 90 % 9, tops / 9 % 10, tops % 9];
            for (index, (subframe, top)) in subframes.iter_mut().zip(tops).enumerate() {
                let width = position_bits(index);
                subframe.positions = top << width | reader.take(width);
            }
            for (index, subframe) in subframes.iter_mut().enumerate() {
                subframe.signs = reader.take(6 - (index as u32 & 1));
            }
        }
        Rate::Low => {
            for subframe in &mut subframes {
                subframe.positions = reader.take(12);
            }
            for subframe in &mut subframes {
                subframe.signs = reader.take(4);
            }
        }
    }
    Some(Speech { rate, spectrum, lags, subframes })
}

/// Bits of the positions that a subframe has for itself.
fn position_bits(index: usize) -> u32 {
    if index.is_multiple_of(2) { 16 } else { 14 }
}

/// Writes a frame and returns its length. [`Frame::Corrupt`] is written as an untransmitted one.
pub(super) fn pack(frame: &Frame, bytes: &mut [u8; MAX_BYTES]) -> usize {
    bytes.fill(0);
    let mut writer = Writer { bytes, at: 0 };
    match frame {
        Frame::Speech(speech) => pack_speech(speech, &mut writer),
        Frame::Noise(noise) => {
            writer.put(2, 2);
            writer.spectrum(noise.spectrum);
            writer.put(u32::from(noise.gain), 6);
        }
        Frame::Untransmitted | Frame::Corrupt => writer.put(3, 2),
    }
    length(bytes[0])
}

fn pack_speech(speech: &Speech, writer: &mut Writer<'_>) {
    let high = speech.rate == Rate::High;
    writer.put(u32::from(!high), 2);
    writer.spectrum(speech.spectrum);
    for (half, lag) in speech.lags.iter().enumerate() {
        writer.put(lag.saturating_sub(PITCH_MIN) as u32, 7);
        writer.put(speech.subframes[2 * half + 1].delta as u32, 2);
    }
    for subframe in &speech.subframes {
        let train = u32::from(high && subframe.train) << 11;
        writer.put(subframe.taps as u32 * LEVELS + subframe.level as u32 + train, 12);
    }
    for subframe in &speech.subframes {
        writer.put(u32::from(subframe.odd), 1);
    }
    if high {
        writer.put(0, 1);
        let top = |index: usize| speech.subframes[index].positions >> position_bits(index);
        writer.put(top(0) * 810 + top(1) * 90 + top(2) * 9 + top(3), 13);
    }
    for (index, subframe) in speech.subframes.iter().enumerate() {
        writer.put(subframe.positions, if high { position_bits(index) } else { 12 });
    }
    for (index, subframe) in speech.subframes.iter().enumerate() {
        writer.put(subframe.signs, if high { 6 - (index as u32 & 1) } else { 4 });
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, width: u32) -> u32 {
        let mut value = 0;
        for bit in 0..width {
            let byte = self.bytes.get(self.at / 8).copied().unwrap_or(0);
            value |= u32::from(byte >> (self.at % 8) & 1) << bit;
            self.at += 1;
        }
        value
    }
}

struct Writer<'a> {
    bytes: &'a mut [u8; MAX_BYTES],
    at: usize,
}

impl Writer<'_> {
    fn put(&mut self, value: u32, width: u32) {
        for bit in 0..width {
            if let Some(byte) = self.bytes.get_mut(self.at / 8) {
                *byte |= ((value >> bit & 1) as u8) << (self.at % 8);
            }
            self.at += 1;
        }
    }

    fn spectrum(&mut self, rows: [u8; 3]) {
        for &row in rows.iter().rev() {
            self.put(u32::from(row), 8);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Frame, MAX_BYTES, length, pack, parse};

    proptest! {
        #[test]
        fn what_is_read_is_written_again(bytes: [u8; MAX_BYTES]) {
            let length = length(bytes[0]);
            let frame = parse(&bytes[..length]);
            if frame != Frame::Corrupt {
                let mut written = [0; MAX_BYTES];
                prop_assert_eq!(pack(&frame, &mut written), length);
                prop_assert_eq!(parse(&written[..length]), frame);
            }
        }
    }

    #[test]
    fn a_frame_says_its_length() {
        assert_eq!([0, 1, 2, 3].map(length), [24, 20, 4, 1]);
        assert_eq!([0xfc, 0xfd, 0xfe, 0xff].map(length), [24, 20, 4, 1]);
    }

    #[test]
    fn forbidden_lags_and_gains_are_corrupt() {
        let mut bytes = [0; 24];
        assert!(matches!(parse(&bytes), Frame::Speech(_)));
        bytes[3] = 0xf0;
        bytes[4] = 0x01;
        assert_eq!(parse(&bytes), Frame::Corrupt);
        // Row 85 of a codebook of 85.
        let mut bytes = [0; 24];
        let gain = 85u16 * 24;
        bytes[5] = (gain << 4) as u8;
        bytes[6] = (gain >> 4) as u8;
        assert_eq!(parse(&bytes), Frame::Corrupt);
    }
}
