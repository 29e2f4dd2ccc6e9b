//! G.711: µ-law and A-law, 8 bits a sample, 8 kHz.

use crate::conceal::Concealer;
use crate::{DecodeError, EncodeError};

const RATE: u32 = 8000;
/// 10 ms.
const FRAME: usize = 80;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// µ-law: PCMU.
    Mu,
    /// A-law: PCMA.
    A,
}

impl Law {
    /// The byte of a sample.
    pub const fn compress(self, sample: i16) -> u8 {
        match self {
            Self::Mu => mu_of(sample),
            Self::A => a_of(sample),
        }
    }

    /// The sample of a byte.
    pub const fn expand(self, byte: u8) -> i16 {
        match self {
            Self::Mu => of_mu(byte),
            Self::A => of_a(byte),
        }
    }
}

/// G.711 table 2: 14 bits, 33 is added so that segments begin at powers of two, all bits are inverted.
const fn mu_of(sample: i16) -> u8 {
    let magnitude = (if sample < 0 { !sample } else { sample } >> 2) + 33;
    let magnitude = if magnitude > 0x1fff { 0x1fff } else { magnitude };
    let segment = 10 - magnitude.leading_zeros() as i16;
    let step = magnitude >> (segment + 1) & 15;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !((segment << 4 | step) as u8 | sign)
}

const fn of_mu(byte: u8) -> i16 {
    let bits = !byte;
    let (segment, step) = (bits >> 4 & 7, (bits & 15) as i16);
    let magnitude = (((step << 1) + 33) << segment) - 33;
    (if bits & 0x80 != 0 { -magnitude } else { magnitude }) << 2
}

/// G.711 table 1: 13 bits, every other bit is inverted.
const fn a_of(sample: i16) -> u8 {
    let magnitude = if sample < 0 { !sample } else { sample } >> 4;
    let segment = if magnitude < 16 { 0 } else { 12 - magnitude.leading_zeros() as i16 };
    let step = if segment < 2 { magnitude } else { magnitude >> (segment - 1) } & 15;
    let sign = if sample < 0 { 0 } else { 0x80 };
    ((segment << 4 | step) as u8 | sign) ^ 0x55
}

const fn of_a(byte: u8) -> i16 {
    let bits = byte ^ 0x55;
    let (segment, step) = (bits >> 4 & 7, (bits & 15) as i16);
    let magnitude = if segment == 0 { step << 4 | 8 } else { (step << 4 | 0x108) << (segment - 1) };
    if bits & 0x80 != 0 { magnitude } else { -magnitude }
}

/// Encodes G.711.
#[derive(Debug)]
pub struct Encoder {
    law: Law,
}

impl Encoder {
    /// Of either law.
    pub const fn new(law: Law) -> Self {
        Self { law }
    }
}

impl crate::Encoder for Encoder {
    fn sample_rate(&self) -> u32 {
        RATE
    }

    fn frame_samples(&self) -> usize {
        FRAME
    }

    fn encode(&mut self, pcm: &[i16], payload: &mut [u8]) -> Result<usize, EncodeError> {
        crate::whole_frames(pcm, FRAME)?;
        let payload = payload.get_mut(..pcm.len()).ok_or(EncodeError::Room)?;
        for (byte, sample) in payload.iter_mut().zip(pcm) {
            *byte = self.law.compress(*sample);
        }
        Ok(pcm.len())
    }
}

/// Decodes G.711.
#[derive(Debug)]
pub struct Decoder {
    law: Law,
    concealer: Concealer,
}

impl Decoder {
    /// Of either law.
    pub fn new(law: Law) -> Self {
        Self { law, concealer: Concealer::new(RATE) }
    }
}

impl crate::Decoder for Decoder {
    fn sample_rate(&self) -> u32 {
        RATE
    }

    fn samples(&self, payload: &[u8]) -> Result<usize, DecodeError> {
        if payload.is_empty() { Err(DecodeError::Length(0)) } else { Ok(payload.len()) }
    }

    fn decode(&mut self, payload: &[u8], pcm: &mut [i16]) -> Result<usize, DecodeError> {
        let samples = self.samples(payload)?;
        let pcm = pcm.get_mut(..samples).ok_or(DecodeError::Room)?;
        for (sample, byte) in pcm.iter_mut().zip(payload) {
            *sample = self.law.expand(*byte);
        }
        self.concealer.received(pcm);
        Ok(samples)
    }

    fn conceal(&mut self, pcm: &mut [i16]) {
        self.concealer.conceal(pcm);
    }

    fn recover(&mut self, next: &[u8], pcm: &mut [i16]) -> bool {
        if next.is_empty() || pcm.is_empty() {
            return false;
        }
        let mut sound = [0; crate::conceal::NEXT];
        let len = sound.iter_mut().zip(next).map(|(sample, byte)| *sample = self.law.expand(*byte)).count();
        self.concealer.bridge(sound.get(..len).unwrap_or_default(), pcm);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoder as _, Encoder as _};

    #[test]
    fn values_are_those_of_the_standard() {
        // G.711 tables 1a and 2a: decoder outputs, scaled to 16 bits.
        for (byte, sample) in [(0xff, 0), (0x7f, 0), (0xfe, 8), (0xef, 132), (0x80, 32124), (0x00, -32124), (0xdf, 396)]
        {
            assert_eq!(Law::Mu.expand(byte), sample, "µ-law {byte:02x}");
        }
        for (byte, sample) in [(0xd5, 8), (0x55, -8), (0xaa, 32256), (0x2a, -32256), (0xc5, 264), (0x45, -264)] {
            assert_eq!(Law::A.expand(byte), sample, "A-law {byte:02x}");
        }
    }

    #[test]
    fn a_byte_decoded_and_encoded_is_the_same_byte() {
        for law in [Law::Mu, Law::A] {
            for byte in 0..=255 {
                // µ-law has two zeros.
                let expected = if law == Law::Mu && byte == 0x7f { 0xff } else { byte };
                assert_eq!(law.compress(law.expand(byte)), expected, "{law:?} {byte:02x}");
            }
        }
    }

    #[test]
    fn no_sample_is_off_by_more_than_half_a_step() {
        for law in [Law::Mu, Law::A] {
            for sample in i16::MIN..=i16::MAX {
                let error = (i32::from(law.expand(law.compress(sample))) - i32::from(sample)).abs();
                // Steps are a sixteenth of a segment, which begins at half its end; above 32124 (µ) all is one.
                let most = (i32::from(sample).abs() / 32 + 8).min(644);
                assert!(error <= most.max(if sample == i16::MIN { 644 } else { 0 }), "{law:?} {sample}: {error}");
            }
        }
    }

    #[test]
    fn frames_are_whole_and_payloads_may_have_any_length() {
        let mut encoder = Encoder::new(Law::Mu);
        let mut payload = [0; 160];
        assert_eq!(encoder.encode(&[0; 160], &mut payload), Ok(160));
        assert_eq!(encoder.encode(&[0; 81], &mut payload), Err(EncodeError::Length(81)));
        assert_eq!(encoder.encode(&[0; 240], &mut payload), Err(EncodeError::Room));
        let mut decoder = Decoder::new(Law::Mu);
        let mut pcm = [0; 160];
        assert_eq!(decoder.decode(&[0xff; 7], &mut pcm), Ok(7));
        assert_eq!(decoder.decode(&[], &mut pcm), Err(DecodeError::Length(0)));
        assert_eq!(decoder.decode(&[0xff; 161], &mut pcm), Err(DecodeError::Room));
    }
}
