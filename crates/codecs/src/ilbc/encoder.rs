//! The encoder.

use super::bits::{Fields, State};
use super::filter::{HighPass, ORDER};
use super::lpc::{Analysis, weighting};
use super::lsf::{self, Lsf};
use super::state::{self, Place};
use super::tables::LSF_MEAN;
use super::{Frame, MAX_FRAME, blocks, codebook, search};
use crate::EncodeError;

/// Encodes speech to frames of one length.
pub struct Encoder {
    frame: Frame,
    high_pass: HighPass,
    analysis: Analysis,
    /// Speech before the frame, newest first.
    whitening: [f32; ORDER],
    /// The last frame's frequencies, as they were and as they were sent.
    before: Lsf,
    sent_before: Lsf,
}

impl Encoder {
    /// For frames of that length.
    pub fn new(frame: Frame) -> Self {
        Self {
            frame,
            high_pass: HighPass::input(),
            analysis: Analysis::new(frame),
            whitening: [0.0; ORDER],
            before: LSF_MEAN,
            sent_before: LSF_MEAN,
        }
    }

    fn encode_frame(&mut self, pcm: &[i16]) -> Fields {
        let frame = self.frame;
        let mut fields = Fields::default();
        let mut speech = [0.0; MAX_FRAME];
        for (x, sample) in speech.iter_mut().zip(pcm) {
            *x = f32::from(*sample);
        }
        let signal = &mut speech[..frame.samples()];
        self.high_pass.run(signal);

        let sets = self.analysis.sets(signal);
        let mut sent = [[0.0; ORDER]; 2];
        for ((set, sent), indices) in sets.iter().zip(&mut sent).zip(fields.lsf.as_chunks_mut::<3>().0) {
            *indices = lsf::quantise(set);
            *sent = lsf::dequantise(indices);
        }
        let filters = lsf::interpolate(frame, &self.sent_before, &sent);
        let weights = lsf::interpolate(frame, &self.before, &sets).map(|filter| weighting(&filter));
        self.before = sets[frame.lpc_sets() - 1];
        self.sent_before = sent[frame.lpc_sets() - 1];

        state::residual(signal, &filters, &mut self.whitening);
        let residual = &*signal;
        let place = Place::find(frame, residual);
        fields.start = place.subblock as u16 + 1;
        fields.state_first = u16::from(place.first);

        let mut decoded = [0.0; MAX_FRAME];
        let start = place.start(frame);
        let stretch = start..start + frame.short_state();
        let State(indices) = &mut fields.state;
        let indices = &mut indices[..frame.short_state()];
        let around = [&weights[place.subblock], &weights[place.subblock + 1]];
        let filter = &filters[place.subblock];
        fields.scale = state::encode(&residual[stretch.clone()], place, filter, around, indices);
        state::decode(fields.scale, indices, filter, &mut decoded[stretch]);

        blocks::code(frame, place, &mut decoded, |block, memory, out| {
            // The target, which the decoded block then replaces.
            out.copy_from_slice(&residual[block.from..block.from + block.length]);
            if block.backwards {
                out.reverse();
            }
            let stages = search::search(out, memory, &weights[block.subblock], block.number);
            codebook::decode(&stages, memory, out);
            fields.blocks[block.number] = codebook::sent(block.number, stages);
        });
        fields
    }
}

impl crate::Encoder for Encoder {
    fn sample_rate(&self) -> u32 {
        super::SAMPLE_RATE
    }

    fn frame_samples(&self) -> usize {
        self.frame.samples()
    }

    fn encode(&mut self, pcm: &[i16], payload: &mut [u8]) -> Result<usize, EncodeError> {
        let frame = self.frame;
        if !pcm.len().is_multiple_of(frame.samples()) {
            return Err(EncodeError::Length(pcm.len()));
        }
        let length = pcm.len() / frame.samples() * frame.bytes();
        let payload = payload.get_mut(..length).ok_or(EncodeError::Room)?;
        for (pcm, bytes) in pcm.chunks(frame.samples()).zip(payload.chunks_mut(frame.bytes())) {
            self.encode_frame(pcm).pack(frame, bytes);
        }
        Ok(length)
    }
}
