//! The decoder.

use super::bits::Fields;
use super::conceal::Concealer;
use super::enhancer::Enhancer;
use super::filter::{FLAT, HighPass, Lpc, ORDER, synthesise};
use super::lsf::{self, Lsf};
use super::state::{self, Place};
use super::tables::LSF_MEAN;
use super::{Frame, MAX_FRAME, MAX_SUBBLOCKS, SUBBLOCK, blocks, codebook};
use crate::DecodeError;

/// An excitation or speech beyond this is no speech: 30 times full scale.
const ABSURD: f32 = 1e6;

/// Decodes frames of one length to speech, and conceals lost ones.
pub struct Decoder {
    frame: Frame,
    before: Lsf,
    concealer: Concealer,
    enhancer: Enhancer,
    /// Pitch estimated last.
    lag: usize,
    /// Filters of the frame before: the enhancer is late.
    filters: [Lpc; MAX_SUBBLOCKS],
    speech: [f32; ORDER],
    high_pass: HighPass,
    /// A concealed frame of which [`crate::Decoder::conceal`] has given the first samples only.
    spare: [i16; MAX_FRAME],
    given: usize,
}

impl Decoder {
    /// For frames of that length.
    pub const fn new(frame: Frame) -> Self {
        Self {
            frame,
            before: LSF_MEAN,
            concealer: Concealer::new(frame),
            enhancer: Enhancer::new(frame),
            lag: 20,
            filters: [FLAT; MAX_SUBBLOCKS],
            speech: [0.0; ORDER],
            high_pass: HighPass::output(),
            spare: [0; MAX_FRAME],
            given: MAX_FRAME,
        }
    }

    /// One frame; none: a lost one.
    fn decode_frame(&mut self, bytes: Option<&[u8]>, pcm: &mut [i16]) {
        let mut excitation = [0.0; MAX_FRAME];
        let decoded = bytes.and_then(|bytes| self.excitation(bytes, &mut excitation));
        let excitation = &mut excitation[..self.frame.samples()];
        let filters = decoded.unwrap_or_else(|| [self.concealer.lost(self.lag, excitation); MAX_SUBBLOCKS]);
        if decoded.is_some() {
            self.concealer.received(excitation, &filters[self.frame.subblocks() - 1]);
        }
        self.lag = self.enhancer.run(excitation, decoded.is_none());

        let late = self.frame.delay() / SUBBLOCK;
        let old = self.filters[self.frame.subblocks() - late..self.frame.subblocks()].iter();
        for (subblock, filter) in excitation.chunks_mut(SUBBLOCK).zip(old.chain(&filters)) {
            synthesise(subblock, filter, &mut self.speech);
            // A filter that is not stable comes from damaged bits only. NaN is no number below either.
            if !self.speech.iter().all(|x| x.abs() < ABSURD) {
                self.speech = [0.0; ORDER];
                subblock.fill(0.0);
            }
        }
        self.filters = filters;
        self.high_pass.run(excitation);
        for (sample, x) in pcm.iter_mut().zip(excitation) {
            *sample = x.round() as i16;
        }
    }

    /// The excitation of a frame and the filters of its sub-blocks. None: it is empty, or its bits are damaged.
    pub(super) fn excitation(
        &mut self,
        bytes: &[u8],
        excitation: &mut [f32; MAX_FRAME],
    ) -> Option<[Lpc; MAX_SUBBLOCKS]> {
        let frame = self.frame;
        let fields = Fields::unpack(frame, bytes);
        let subblock = usize::from(fields.start).checked_sub(1).filter(|start| start + 2 <= frame.subblocks())?;
        if fields.empty == 1 {
            return None;
        }
        let sets = [lsf::dequantise(&fields.lsf[..3]), lsf::dequantise(&fields.lsf[3..])];
        let filters = lsf::interpolate(frame, &self.before, &sets);

        let place = Place { subblock, first: fields.state_first == 1 };
        let start = place.start(frame);
        let stretch = &mut excitation[start..start + frame.short_state()];
        state::decode(fields.scale, &fields.state.0, &filters[subblock], stretch);
        blocks::code(frame, place, excitation, |block, memory, out| {
            let stages = codebook::received(block.number, fields.blocks[block.number]);
            codebook::decode(&stages, memory, out);
        });
        if !excitation.iter().all(|x| x.abs() < ABSURD) {
            return None;
        }
        self.before = sets[frame.lpc_sets() - 1];
        Some(filters)
    }
}

impl crate::Decoder for Decoder {
    fn sample_rate(&self) -> u32 {
        super::SAMPLE_RATE
    }

    fn samples(&self, payload: &[u8]) -> Result<usize, DecodeError> {
        if payload.is_empty() || !payload.len().is_multiple_of(self.frame.bytes()) {
            return Err(DecodeError::Length(payload.len()));
        }
        Ok(payload.len() / self.frame.bytes() * self.frame.samples())
    }

    fn decode(&mut self, payload: &[u8], pcm: &mut [i16]) -> Result<usize, DecodeError> {
        let samples = self.samples(payload)?;
        let pcm = pcm.get_mut(..samples).ok_or(DecodeError::Room)?;
        self.given = MAX_FRAME;
        for (bytes, pcm) in payload.chunks(self.frame.bytes()).zip(pcm.chunks_mut(self.frame.samples())) {
            self.decode_frame(Some(bytes), pcm);
        }
        Ok(samples)
    }

    fn conceal(&mut self, pcm: &mut [i16]) {
        let length = self.frame.samples();
        for sample in pcm {
            if self.given >= length {
                let mut spare = self.spare;
                self.decode_frame(None, &mut spare[..length]);
                self.spare = spare;
                self.given = 0;
            }
            *sample = self.spare[self.given];
            self.given += 1;
        }
    }
}
