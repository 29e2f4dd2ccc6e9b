//! Speech codecs: from 16-bit samples to RTP payloads and back.
//!
//! Nothing in here allocates, locks or blocks once a codec is made, so it may run in a real-time thread. Payloads come
//! from strangers: any bytes at all decode to sound or to a [`DecodeError`], never to a panic.

mod conceal;
mod factory;
pub mod g711;
pub mod g722;
pub mod g723;
pub mod g726;
pub mod g729;
pub mod ilbc;
pub mod opus;
#[cfg(test)]
mod testing;

pub use factory::{Codec, Unavailable};

/// Encodes one direction of a call.
pub trait Encoder: Send {
    /// Hz of the samples it takes.
    fn sample_rate(&self) -> u32;

    /// Samples of one frame, the least it encodes.
    fn frame_samples(&self) -> usize;

    /// Encodes whole frames (`pcm.len()` is a multiple of [`Encoder::frame_samples`]) into one RTP payload and returns its
    /// length. 0: nothing is to be sent (silence).
    ///
    /// # Errors
    /// `pcm` is no whole number of frames, or `payload` is too short.
    fn encode(&mut self, pcm: &[i16], payload: &mut [u8]) -> Result<usize, EncodeError>;

    /// The share of packets the other side says it loses, in percent: codecs with error correction of their own adapt.
    fn set_loss(&mut self, _percent: u8) {}

    /// Bit/s to aim at, for codecs that have a choice.
    fn set_bitrate(&mut self, _bits: u32) {}
}

/// Decodes one direction of a call.
pub trait Decoder: Send {
    /// Hz of the samples it makes.
    fn sample_rate(&self) -> u32;

    /// Samples that [`Decoder::decode`] would make of a payload.
    ///
    /// # Errors
    /// It is no payload of this codec.
    fn samples(&self, payload: &[u8]) -> Result<usize, DecodeError>;

    /// Decodes one RTP payload, of one frame or several, and returns how many samples that made. `pcm` has room for
    /// 120 ms at least.
    ///
    /// # Errors
    /// It is no payload of this codec, or `pcm` is too short. The decoder goes on as if it had not come.
    fn decode(&mut self, payload: &[u8], pcm: &mut [i16]) -> Result<usize, DecodeError>;

    /// Fills all of `pcm` with what may have been said where packets are missing: concealment. Called again while more are
    /// missing; it fades out by itself.
    fn conceal(&mut self, pcm: &mut [i16]);

    /// Makes the frame lost before `next` out of `next`, filling `pcm`, whose length is the missing frame's: of what `next`
    /// carries of it (in-band error correction), or by leading over from what was heard to `next`. Better than
    /// [`Decoder::conceal`] where it can be done. False: it cannot; `pcm` is then untouched. `next` is still to be decoded.
    fn recover(&mut self, _next: &[u8], _pcm: &mut [i16]) -> bool {
        false
    }
}

/// What could not be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// Samples are no whole number of frames.
    #[error("{0} samples are no whole number of frames")]
    Length(usize),
    /// The payload needs more room.
    #[error("no room for the payload")]
    Room,
    /// The codec itself failed.
    #[error("the codec failed ({0})")]
    Codec(i32),
}

/// What could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No payload of this codec has that length.
    #[error("{0} bytes are no payload")]
    Length(usize),
    /// The bytes are none of this codec's.
    #[error("no payload of this codec")]
    Corrupt,
    /// The samples need more room.
    #[error("no room for the samples")]
    Room,
}

/// That `pcm` is at least one frame, and whole ones.
fn whole_frames(pcm: &[i16], frame: usize) -> Result<(), EncodeError> {
    if pcm.is_empty() || !pcm.len().is_multiple_of(frame) { Err(EncodeError::Length(pcm.len())) } else { Ok(()) }
}
