//! The encoder (section 2), with Annex A's discontinuous transmission.

use super::adaptive::{Found, Search, centre};
use super::bits::{self, Frame, MAX_BYTES, Speech, Subframe};
use super::dtx::Dtx;
use super::lpc::{HighPass, SPAN, ToneDetector, analyse};
use super::lsp::{self, Inverse, Lsp};
use super::pitch::{Line, harmonics, open_loop};
use super::shaping::{Block, Harmonics, Synthesis, Weighting, Weights, convolve};
use super::taming::Taming;
use super::vad::Vad;
use super::{FRAME, PITCH_MAX, Rate, SUBFRAME, SUBFRAMES, acelp, excitation, mlq, noise};
use crate::EncodeError;

/// Samples of the past that analysis needs.
const BEFORE: usize = SPAN - FRAME;

/// An encoder of G.723.1. It looks 7.5 ms ahead.
pub struct Encoder {
    rate: Rate,
    /// Silence is not sent.
    silence: bool,
    high_pass: HighPass,
    /// The last input.
    recent: [f32; BEFORE],
    tones: ToneDetector,
    vad: Vad,
    dtx: Dtx,
    /// Line spectral frequencies of the last frame, as the other side knows them.
    spectrum: Lsp,
    weighting: Weighting,
    /// The last weighted speech: the input, and what the other side makes of it.
    weighted: [f32; PITCH_MAX],
    made: [f32; PITCH_MAX],
    synthesis: Synthesis,
    /// The last excitation, as the other side knows it.
    past: [i16; PITCH_MAX],
    taming: Taming,
}

/// The filters of one subframe.
struct Filters {
    synthesis: [f32; super::ORDER],
    weights: Weights,
    harmonics: Harmonics,
}

impl Encoder {
    /// An encoder at rest. With `silence`, silence is described where it changes and not sent otherwise (Annex A).
    pub fn new(rate: Rate, silence: bool) -> Self {
        Self {
            rate,
            silence,
            high_pass: HighPass::default(),
            recent: [0.0; BEFORE],
            tones: ToneDetector::default(),
            vad: Vad::new(),
            dtx: Dtx::new(),
            spectrum: lsp::mean(),
            weighting: Weighting::default(),
            weighted: [0.0; PITCH_MAX],
            made: [0.0; PITCH_MAX],
            synthesis: Synthesis::default(),
            past: [0; PITCH_MAX],
            taming: Taming::new(),
        }
    }

    fn frame(&mut self, pcm: &[i16]) -> Frame {
        let mut signal = [0.0; SPAN];
        signal[..BEFORE].copy_from_slice(&self.recent);
        self.high_pass.run(pcm, &mut signal[BEFORE..]);
        self.recent.copy_from_slice(&signal[FRAME..]);
        let analysis = analyse(&signal);
        self.tones.update(analysis.tonal);
        self.dtx.observe(&analysis.acf);
        let mut newest = [0.0; FRAME];
        newest.copy_from_slice(&signal[BEFORE..]);
        let active = !self.silence || self.vad.update(&newest, self.tones.is_tone());

        // What is coded begins one subframe into the span.
        let weights = analysis.predictors.map(|predictor| Weights::new(&predictor));
        let mut line: Line = [0.0; PITCH_MAX + FRAME];
        line[..PITCH_MAX].copy_from_slice(&self.weighted);
        line[PITCH_MAX..].copy_from_slice(&signal[SUBFRAME..SUBFRAME + FRAME]);
        for (weights, samples) in weights.iter().zip(line[PITCH_MAX..].chunks_exact_mut(SUBFRAME)) {
            self.weighting.run(weights, samples);
        }
        self.weighted.copy_from_slice(&line[FRAME..]);
        let lags = [open_loop(&line, PITCH_MAX), open_loop(&line, PITCH_MAX + FRAME / 2)];
        self.vad.remember(lags);

        if !active {
            return self.quiet(&weights);
        }
        self.dtx.speech();
        let wanted = lsp::from_predictor(&analysis.predictors[SUBFRAMES - 1], &self.spectrum);
        let rows = lsp::quantise(&wanted, &self.spectrum);
        let filters = self.move_to(lsp::dequantise(Some(rows), &self.spectrum));
        let subframes = [Subframe { delta: 1, ..Subframe::default() }; SUBFRAMES];
        let mut speech = Speech { rate: self.rate, spectrum: rows, lags, subframes };
        for index in 0..SUBFRAMES {
            let start = PITCH_MAX + index * SUBFRAME;
            let filters = Filters {
                synthesis: lsp::to_predictor(&filters[index]),
                weights: weights[index],
                harmonics: harmonics(&line, start, lags[index / 2]),
            };
            let wanted = filters.harmonics.run(&line, start);
            self.subframe(&wanted, &filters, index, &mut speech);
        }
        Frame::Speech(speech)
    }

    /// The next spectrum, and the filters on the way there.
    fn move_to(&mut self, spectrum: Lsp) -> [Inverse; SUBFRAMES] {
        let filters = lsp::interpolate(&spectrum, &self.spectrum);
        self.spectrum = spectrum;
        filters
    }

    /// Finds the excitation of one subframe.
    fn subframe(&mut self, wanted: &Block, filters: &Filters, index: usize, speech: &mut Speech) {
        let response = impulse_response(filters);
        let mut target = self.without_ringing(wanted, filters);
        let second = index % 2 == 1;
        let lag = if second { speech.lags[index / 2] } else { centre(speech.lags[index / 2]) };
        let rows = self.taming.rows(lag - 1, lag + 1 + usize::from(second), self.tones.is_tone());
        let search = Search { target: &target, response: &response, history: &self.past, rate: self.rate };
        let Found { lag, delta, taps } = search.run(lag, second, rows);
        speech.lags[index / 2] = lag;
        speech.subframes[index].delta = delta;
        speech.subframes[index].taps = taps;

        let voiced = excitation::adaptive(&self.past, self.rate, lag, delta, taps).map(f32::from);
        for (to, x) in target.iter_mut().zip(convolve(&voiced, &response)) {
            *to -= x;
        }
        let subframe = &mut speech.subframes[index];
        match self.rate {
            Rate::High => mlq::search(&target, &response, lag, excitation::pulses(index), subframe),
            Rate::Low => acelp::search(&target, &response, lag, subframe),
        }
        let excitation = excitation::subframe(&self.past, speech, index);
        self.past.copy_within(SUBFRAME.., 0);
        self.past[PITCH_MAX - SUBFRAME..].copy_from_slice(&excitation);
        self.taming.update(self.rate, lag, delta, taps);
        self.follow(&excitation, &filters.synthesis, &filters.weights);
    }

    /// What the excitation has to bring: `wanted` without what rings on from before (section 2.13).
    fn without_ringing(&self, wanted: &Block, filters: &Filters) -> Block {
        let silent = [0.0; SUBFRAME];
        let mut line = [0.0; PITCH_MAX + SUBFRAME];
        line[..PITCH_MAX].copy_from_slice(&self.made);
        let ringing = self.synthesis.clone().run(&filters.synthesis, &filters.weights, &silent);
        line[PITCH_MAX..].copy_from_slice(&ringing);
        let mut target = *wanted;
        for (to, x) in target.iter_mut().zip(filters.harmonics.run(&line, PITCH_MAX)) {
            *to -= x;
        }
        target
    }

    /// Brings the memories to where the other side is (section 2.19).
    fn follow(&mut self, excitation: &[i16; SUBFRAME], filter: &[f32; super::ORDER], weights: &Weights) {
        let made = self.synthesis.run(filter, weights, &excitation.map(f32::from));
        self.made.copy_within(SUBFRAME.., 0);
        self.made[PITCH_MAX - SUBFRAME..].copy_from_slice(&made);
    }

    /// A frame of silence.
    fn quiet(&mut self, weights: &[Weights; SUBFRAMES]) -> Frame {
        let descriptor = self.dtx.silence(&mut self.vad, &self.spectrum);
        let mut excitation = [0; FRAME];
        let voicing = noise::excite(self.dtx.level, &mut self.dtx.seed, &mut self.past, &mut excitation);
        let filters = self.move_to(self.dtx.spectrum);
        for index in 0..SUBFRAMES {
            self.taming.update(Rate::Low, voicing.lags[index / 2], voicing.deltas[index], voicing.taps[index]);
            let mut subframe = [0; SUBFRAME];
            subframe.copy_from_slice(&excitation[index * SUBFRAME..][..SUBFRAME]);
            self.follow(&subframe, &lsp::to_predictor(&filters[index]), &weights[index]);
        }
        descriptor.map_or(Frame::Untransmitted, Frame::Noise)
    }
}

/// What a unit impulse of excitation sounds like after all filters (section 2.12).
fn impulse_response(filters: &Filters) -> Block {
    let mut impulse = [0.0; SUBFRAME];
    impulse[0] = 1.0;
    let mut line = [0.0; PITCH_MAX + SUBFRAME];
    let response = Synthesis::default().run(&filters.synthesis, &filters.weights, &impulse);
    line[PITCH_MAX..].copy_from_slice(&response);
    filters.harmonics.run(&line, PITCH_MAX)
}

impl crate::Encoder for Encoder {
    fn sample_rate(&self) -> u32 {
        8000
    }

    fn frame_samples(&self) -> usize {
        FRAME
    }

    fn encode(&mut self, pcm: &[i16], payload: &mut [u8]) -> Result<usize, EncodeError> {
        if pcm.is_empty() || !pcm.len().is_multiple_of(FRAME) {
            return Err(EncodeError::Length(pcm.len()));
        }
        if payload.len() < pcm.len() / FRAME * MAX_BYTES {
            return Err(EncodeError::Room);
        }
        // Frames that are not sent keep a byte as a place holder where others follow in the same payload.
        let (mut written, mut end) = (0, 0);
        for pcm in pcm.chunks_exact(FRAME) {
            let frame = self.frame(pcm);
            let mut bytes = [0; MAX_BYTES];
            let length = bits::pack(&frame, &mut bytes);
            payload[written..written + length].copy_from_slice(&bytes[..length]);
            written += length;
            if frame != Frame::Untransmitted {
                end = written;
            }
        }
        Ok(end)
    }

    fn set_bitrate(&mut self, bits: u32) {
        self.rate = if bits < 6000 { Rate::Low } else { Rate::High };
    }
}
