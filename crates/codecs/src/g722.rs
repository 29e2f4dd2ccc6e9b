//! G.722 at 64 kbit/s: two bands, 8 bits for two samples at 16 kHz.
//!
//! The RTP clock runs at 8000 all the same (RFC 3551 §4.5.2); that is the caller's matter.

mod band;

use crate::conceal::Concealer;
use crate::{DecodeError, EncodeError};
use band::{High, Low};

const RATE: u32 = 16_000;
/// 10 ms.
const FRAME: usize = 160;

/// The quadrature mirror filter's coefficients, one of its two phases (G.722 table 11); the other has them backwards.
const QMF: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];

/// The last 24 samples of a filter between one signal and two bands.
#[derive(Debug, Default)]
struct Qmf {
    x: [i32; 24],
}

impl Qmf {
    /// Sums of either phase after two new samples.
    fn push(&mut self, first: i32, second: i32) -> (i32, i32) {
        self.x.copy_within(2.., 0);
        self.x[22..].copy_from_slice(&[first, second]);
        let (pairs, _) = self.x.as_chunks::<2>();
        let (mut odd, mut even) = (0, 0);
        for ([a, b], (forward, backward)) in pairs.iter().zip(QMF.iter().zip(QMF.iter().rev())) {
            odd += a * forward;
            even += b * backward;
        }
        (odd, even)
    }
}

/// Encodes G.722.
#[derive(Debug, Default)]
pub struct Encoder {
    qmf: Qmf,
    low: Low,
    high: High,
}

impl Encoder {
    /// One that has heard nothing yet.
    pub fn new() -> Self {
        Self::default()
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
        let payload = payload.get_mut(..pcm.len() / 2).ok_or(EncodeError::Room)?;
        for (byte, [first, second]) in payload.iter_mut().zip(pcm.as_chunks::<2>().0) {
            let (odd, even) = self.qmf.push(i32::from(*first), i32::from(*second));
            let low = self.low.encode((even + odd) >> 14);
            let high = self.high.encode((even - odd) >> 14);
            *byte = high << 6 | low;
        }
        Ok(payload.len())
    }
}

/// Decodes G.722.
#[derive(Debug)]
pub struct Decoder {
    bands: Bands,
    /// Of what is made up while packets are missing.
    analysis: Qmf,
    concealer: Concealer,
}

/// What turns codes into sound.
#[derive(Debug, Default)]
struct Bands {
    qmf: Qmf,
    low: Low,
    high: High,
}

impl Bands {
    fn decode(&mut self, payload: &[u8], pcm: &mut [i16]) {
        for (pair, byte) in pcm.as_chunks_mut::<2>().0.iter_mut().zip(payload) {
            let low = self.low.decode(byte & 63);
            let high = self.high.decode(byte >> 6);
            let (odd, even) = self.qmf.push(low + high, low - high);
            *pair = [even, odd].map(|sum| band::saturate(sum >> 11) as i16);
        }
    }
}

impl Decoder {
    /// One that has heard nothing yet.
    pub fn new() -> Self {
        Self { bands: Bands::default(), analysis: Qmf::default(), concealer: Concealer::for_adpcm(RATE) }
    }

    /// Both bands go on as if `pcm` had been said (as in Appendix III): nearer to the encoder's than where they stopped.
    fn follow(&mut self, pcm: &[i16]) {
        for [first, second] in pcm.as_chunks::<2>().0 {
            let (odd, even) = self.analysis.push(i32::from(*first), i32::from(*second));
            let (low, high) = ((even + odd) >> 14, (even - odd) >> 14);
            self.bands.low.encode(low);
            self.bands.high.encode(high);
            self.bands.qmf.push(low + high, low - high);
        }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl crate::Decoder for Decoder {
    fn sample_rate(&self) -> u32 {
        RATE
    }

    fn samples(&self, payload: &[u8]) -> Result<usize, DecodeError> {
        if payload.is_empty() { Err(DecodeError::Length(0)) } else { Ok(2 * payload.len()) }
    }

    fn decode(&mut self, payload: &[u8], pcm: &mut [i16]) -> Result<usize, DecodeError> {
        let samples = self.samples(payload)?;
        let pcm = pcm.get_mut(..samples).ok_or(DecodeError::Room)?;
        self.bands.decode(payload, pcm);
        self.concealer.received(pcm);
        Ok(samples)
    }

    // Leading over to the next packet does worse here: what comes of it before the filter has settled is no sound to lead to.
    fn conceal(&mut self, pcm: &mut [i16]) {
        if !self.concealer.is_concealing() {
            // The filter takes up what was heard.
            for [first, second] in self.concealer.heard().as_chunks::<2>().0 {
                self.analysis.push(*first as i32, *second as i32);
            }
        }
        self.concealer.conceal(pcm);
        self.follow(pcm);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, samples, snr};
    use crate::{Decoder as _, Encoder as _};

    const SPEECH: &[u8] = include_bytes!("../testdata/speech_16k.s16");
    const STREAM: &[u8] = include_bytes!("../testdata/g722.bin");
    const DECODED: &[u8] = include_bytes!("../testdata/g722.s16");

    #[test]
    fn a_stream_decodes_to_the_samples_ffmpeg_makes_of_it() {
        let mut pcm = vec![0; STREAM.len() * 2];
        assert_eq!(Decoder::new().decode(STREAM, &mut pcm), Ok(pcm.len()));
        assert!(bytes(&pcm) == DECODED);
    }

    #[test]
    fn speech_encodes_to_the_bits_ffmpeg_makes_of_it() {
        let pcm = samples(SPEECH);
        let mut payload = vec![0; pcm.len() / 2];
        assert_eq!(Encoder::new().encode(&pcm, &mut payload), Ok(pcm.len() / 2));
        assert!(payload == STREAM);
    }

    #[test]
    fn speech_comes_back_22_samples_late_and_nearly_the_same() {
        let pcm = samples(SPEECH);
        let mut payload = vec![0; pcm.len() / 2];
        Encoder::new().encode(&pcm, &mut payload).unwrap();
        let mut heard = vec![0; pcm.len()];
        Decoder::new().decode(&payload, &mut heard).unwrap();
        let snr = snr(&pcm, &heard, 22);
        assert!(snr > 18.0, "{snr} dB");
    }

    #[test]
    fn lengths_are_checked() {
        assert_eq!(Encoder::new().encode(&[0; 80], &mut [0; 80]), Err(EncodeError::Length(80)));
        assert_eq!(Encoder::new().encode(&[0; 160], &mut [0; 79]), Err(EncodeError::Room));
        assert_eq!(Decoder::new().decode(&[], &mut [0; 80]), Err(DecodeError::Length(0)));
        assert_eq!(Decoder::new().decode(&[0; 41], &mut [0; 80]), Err(DecodeError::Room));
    }
}
