//! Encoder and decoder on libopus 1.6.1, which is built into the program with the models of its neural concealment.

use opusic_c::{Application, Bitrate, Channels, ErrorCode, InbandFec, SampleRate, Signal};

use super::{Bandwidth, FRAME, LONGEST, Options, Packet, RATE};
use crate::{DecodeError, EncodeError};

/// From here on the decoder conceals by neural network.
const DECODER_COMPLEXITY: u8 = 5;
/// Less is too little for speech and its copy.
/// Bit/s below which the bits are better spent on less than the full band: at 24 kbit/s wideband PESQ is 0.1 to 0.2 higher.
const LEAST_FOR_FULL: u32 = 28_000;
const LEAST_FOR_FEC: u32 = 20_000;
/// Bit/s libopus can do.
const BITRATES: (u32, u32) = (6_000, 510_000);
/// Concealment is done in pieces of 2.5 ms.
const PIECE: usize = 120;

/// libopus' own words, for instance `libopus 1.6.1`.
pub fn version() -> &'static str {
    opusic_c::version()
}

/// Encodes Opus; packets of 10, 20, 40, 60, 80, 100 or 120 ms.
pub struct Encoder {
    inner: opusic_c::Encoder,
    /// The binding takes samples as `u16`.
    samples: Box<[u16; LONGEST]>,
    options: Options,
    /// Percent, as the other side reports.
    loss: u8,
}

impl Encoder {
    /// Tuned for speech.
    ///
    /// # Errors
    /// libopus got no memory, or refuses what `options` say.
    pub fn new(options: Options) -> Result<Self, ErrorCode> {
        let mut inner = opusic_c::Encoder::new(Channels::Mono, SampleRate::Hz48000, Application::Voip)?;
        inner.set_signal(Signal::Voice)?;
        inner.set_vbr(options.vbr)?;
        inner.set_dtx(options.dtx)?;
        inner.set_complexity(options.complexity.min(10))?;
        let mut encoder = Self { inner, samples: Box::new([0; LONGEST]), options, loss: 0 };
        encoder.adapt()?;
        Ok(encoder)
    }

    /// Bit rate, as much of the sound as it carries well, and redundancy if there is loss to repair and room for it: without loss it only costs quality, and without
    /// knowing of loss libopus sends none.
    fn adapt(&mut self) -> Result<(), ErrorCode> {
        let bitrate = self.options.bitrate.clamp(BITRATES.0, BITRATES.1);
        self.inner.set_bitrate(Bitrate::Value(bitrate))?;
        let band =
            if bitrate < LEAST_FOR_FULL { self.options.bandwidth.min(Bandwidth::Wide) } else { self.options.bandwidth };
        self.inner.set_max_bandwidth(band.into())?;
        let fec = self.options.fec && self.loss >= 1 && bitrate >= LEAST_FOR_FEC;
        self.inner.set_inband_fec(if fec { InbandFec::Mode1 } else { InbandFec::Off })?;
        self.inner.set_packet_loss(if fec { self.loss } else { 0 })
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
        if !matches!(pcm.len() / FRAME, 1 | 2 | 4 | 6 | 8 | 10 | 12) || !pcm.len().is_multiple_of(FRAME) {
            return Err(EncodeError::Length(pcm.len()));
        }
        let samples = self.samples.get_mut(..pcm.len()).ok_or(EncodeError::Length(pcm.len()))?;
        for (to, from) in samples.iter_mut().zip(pcm) {
            *to = from.cast_unsigned();
        }
        match self.inner.encode_to_slice(samples, payload) {
            // What has two bytes or fewer need not be sent (`opus_encode`).
            Ok(..=2) if self.options.dtx => Ok(0),
            Ok(len) => Ok(len),
            Err(ErrorCode::BufferTooSmall | ErrorCode::BadArg) => Err(EncodeError::Room),
            Err(error) => Err(EncodeError::Codec(error as i32)),
        }
    }

    fn set_loss(&mut self, percent: u8) {
        self.loss = percent.min(100);
        // Of values within limits libopus refuses none.
        let _ = self.adapt();
    }

    fn set_bitrate(&mut self, bits: u32) {
        self.options.bitrate = bits;
        let _ = self.adapt();
    }
}

/// Decodes Opus, stereo too, to one channel.
pub struct Decoder {
    inner: opusic_c::Decoder,
    samples: Box<[u16; LONGEST]>,
}

impl Decoder {
    /// With neural concealment.
    ///
    /// # Errors
    /// libopus got no memory.
    pub fn new() -> Result<Self, ErrorCode> {
        Self::with_complexity(DECODER_COMPLEXITY)
    }

    fn with_complexity(complexity: u8) -> Result<Self, ErrorCode> {
        let mut inner = opusic_c::Decoder::new(Channels::Mono, SampleRate::Hz48000)?;
        inner.set_complexity(complexity)?;
        // Stereo mixed down would cancel itself out where one channel was inverted.
        inner.set_phase_inversion_disabled(true)?;
        Ok(Self { inner, samples: Box::new([0; LONGEST]) })
    }

    /// Decodes into `samples`; without a payload: conceals as many as there is room for.
    fn run(&mut self, payload: &[u8], room: usize, previous: bool) -> Result<&[u16], ErrorCode> {
        let samples = self.samples.get_mut(..room).ok_or(ErrorCode::BufferTooSmall)?;
        let made = self.inner.decode_to_slice(payload, samples, previous)?;
        samples.get(..made).ok_or(ErrorCode::Internal)
    }
}

impl crate::Decoder for Decoder {
    fn sample_rate(&self) -> u32 {
        RATE
    }

    fn samples(&self, payload: &[u8]) -> Result<usize, DecodeError> {
        if payload.is_empty() {
            return Err(DecodeError::Length(0));
        }
        Packet::read(payload).map(|packet| packet.samples()).ok_or(DecodeError::Corrupt)
    }

    fn decode(&mut self, payload: &[u8], pcm: &mut [i16]) -> Result<usize, DecodeError> {
        let samples = self.samples(payload)?;
        let pcm = pcm.get_mut(..samples).ok_or(DecodeError::Room)?;
        let made = self.run(payload, LONGEST, false).map_err(|_| DecodeError::Corrupt)?;
        copy(made, pcm);
        Ok(samples)
    }

    // libopus fades to the background noise it heard, and goes on with it: right where the other side sends no silence.
    fn conceal(&mut self, pcm: &mut [i16]) {
        for pcm in pcm.chunks_mut(LONGEST) {
            match self.run(&[], pcm.len().next_multiple_of(PIECE), false) {
                Ok(made) => copy(made, pcm),
                Err(_) => pcm.fill(0),
            }
        }
    }

    fn recover(&mut self, next: &[u8], pcm: &mut [i16]) -> bool {
        let Some(packet) = Packet::read(next).filter(Packet::has_lbrr) else { return false };
        if pcm.len() < packet.frame_samples || pcm.len() > LONGEST || !pcm.len().is_multiple_of(PIECE) {
            return false;
        }
        // What of `pcm` comes before the frame that is in there is concealed.
        match self.run(next, pcm.len(), true) {
            Ok(made) => {
                copy(made, pcm);
                true
            }
            Err(_) => false,
        }
    }
}

fn copy(from: &[u16], to: &mut [i16]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = from.cast_signed();
    }
}

impl From<Bandwidth> for opusic_c::Bandwidth {
    fn from(bandwidth: Bandwidth) -> Self {
        match bandwidth {
            Bandwidth::Narrow => Self::Narrow,
            Bandwidth::Medium => Self::Medium,
            Bandwidth::Wide => Self::Wide,
            Bandwidth::Superwide => Self::Superwide,
            Bandwidth::Full => Self::Full,
        }
    }
}

#[cfg(test)]
mod tests;
