//! G.729 Annex A, 8 kbit/s, and the silence of Annex B: 10 ms in 10 bytes, or 2, or none.
//!
//! `rvoip-codec-core` codes the frames; here they become payloads (RFC 3551 §4.5.6).

use codec_core::codecs::g729::G729Codec;
use codec_core::error::CodecError;
use codec_core::types::{AudioCodecExt as _, CodecConfig};

use crate::{DecodeError, EncodeError};

const RATE: u32 = 8000;
/// 10 ms.
const FRAME: usize = G729Codec::FRAME_SAMPLES;
/// Bytes of a frame of speech.
const SPEECH: usize = G729Codec::MAX_ENCODED_BYTES;
/// Bytes that describe the background noise: at the end of a payload.
const SID: usize = 2;

/// Encodes G.729.
pub struct Encoder {
    /// Of Annex B if silence is not to be sent, else of Annex A.
    coder: Box<G729Codec>,
    /// With Annex B: encodes everything as speech, for the silence at the head of a packet that ends in speech.
    filler: Option<Box<G729Codec>>,
}

impl Encoder {
    /// `silence`: it is not sent (Annex B).
    ///
    /// # Errors
    /// The codec refuses.
    pub fn new(silence: bool) -> Result<Self, CodecError> {
        if !silence {
            return Ok(Self { coder: codec(false)?, filler: None });
        }
        Ok(Self { coder: codec(true)?, filler: Some(codec(false)?) })
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
        let payload = payload.get_mut(..pcm.len() / FRAME * SPEECH).ok_or(EncodeError::Room)?;
        let (mut len, mut frames, mut sid) = (0, 0, None);
        for (pcm, place) in pcm.chunks_exact(FRAME).zip(payload.chunks_exact_mut(SPEECH)) {
            let mut frame = [0; SPEECH];
            let bytes = encode(&mut self.coder, pcm, &mut frame)?;
            // Leaves speech in the place of what is silence; it counts only if there is speech after it.
            if let Some(filler) = &mut self.filler {
                encode(filler, pcm, place)?;
            }
            frames += 1;
            match bytes {
                SPEECH => {
                    place.copy_from_slice(&frame);
                    (len, sid) = (frames * SPEECH, None);
                }
                SID => sid = Some([frame[0], frame[1]]),
                _ => {}
            }
        }
        // Of a silence that began in this packet the last description stands at its end.
        if let Some((place, sid)) = payload.get_mut(len..len + SID).zip(sid) {
            place.copy_from_slice(&sid);
            len += SID;
        }
        Ok(len)
    }
}

/// Decodes G.729, silence included.
pub struct Decoder {
    coder: Box<G729Codec>,
}

impl Decoder {
    /// One that has heard nothing yet.
    ///
    /// # Errors
    /// The codec refuses.
    pub fn new() -> Result<Self, CodecError> {
        Ok(Self { coder: codec(true)? })
    }
}

impl crate::Decoder for Decoder {
    fn sample_rate(&self) -> u32 {
        RATE
    }

    fn samples(&self, payload: &[u8]) -> Result<usize, DecodeError> {
        match (payload.len() / SPEECH, payload.len() % SPEECH) {
            (0, 0) => Err(DecodeError::Length(0)),
            (frames, 0) => Ok(frames * FRAME),
            (frames, SID) => Ok((frames + 1) * FRAME),
            _ => Err(DecodeError::Length(payload.len())),
        }
    }

    fn decode(&mut self, payload: &[u8], pcm: &mut [i16]) -> Result<usize, DecodeError> {
        let samples = self.samples(payload)?;
        let pcm = pcm.get_mut(..samples).ok_or(DecodeError::Room)?;
        for (frame, pcm) in payload.chunks(SPEECH).zip(pcm.chunks_exact_mut(FRAME)) {
            self.coder.decode_to_buffer(frame, pcm).map_err(|_| DecodeError::Corrupt)?;
        }
        Ok(samples)
    }

    /// As the standard has it; after a description of noise: that noise.
    fn conceal(&mut self, pcm: &mut [i16]) {
        for pcm in pcm.chunks_mut(FRAME) {
            let mut frame = [0; FRAME];
            // An empty frame is never refused.
            let _ = self.coder.decode_to_buffer(&[], &mut frame);
            for (to, from) in pcm.iter_mut().zip(frame) {
                *to = from;
            }
        }
    }
}

fn codec(silence: bool) -> Result<Box<G729Codec>, CodecError> {
    let config = if silence { CodecConfig::g729ba() } else { CodecConfig::g729a() };
    G729Codec::new(config).map(Box::new)
}

fn encode(codec: &mut G729Codec, pcm: &[i16], frame: &mut [u8]) -> Result<usize, EncodeError> {
    codec.encode_to_buffer(pcm, frame).map_err(|_| EncodeError::Codec(0))
}

#[cfg(test)]
mod tests;
