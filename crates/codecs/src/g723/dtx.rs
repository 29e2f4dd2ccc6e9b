//! What to send of silence (Annex A, section A.4): descriptors where it changes, nothing where it does not.

use super::bits::Noise;
use super::lpc::{Acf, Predictor, levinson, residual_energy};
use super::lsp::{self, Lsp};
use super::vad::Vad;
use super::{ORDER, noise};

/// Frames that levels are averaged over.
const AVERAGED: usize = 3;
/// How much worse another filter may be before it is another noise.
const DIFFERENT: f32 = 1.2136;
/// Steps of level that may go unsaid.
const STEPS: u8 = 3;
/// Energy of the four windows of analysis, for a unit signal.
const WINDOWS: f32 = 286.1;

/// The encoder's side of discontinuous transmission.
pub(super) struct Dtx {
    /// Autocorrelation of the last frames, latest first.
    acf: [Acf; AVERAGED + 1],
    /// Energy of their residuals, in silence.
    energies: [f32; AVERAGED],
    known: usize,
    /// What the last descriptor says.
    filter: Predictor,
    code: u8,
    pub(super) spectrum: Lsp,
    /// Level of the noise, in 1/32.
    pub(super) level: i32,
    pub(super) seed: u16,
    after_speech: bool,
}

impl Dtx {
    pub(super) fn new() -> Self {
        Self {
            acf: [[0.0; ORDER + 1]; AVERAGED + 1],
            energies: [0.0; AVERAGED],
            known: 0,
            filter: [0.0; ORDER],
            code: 0,
            spectrum: lsp::mean(),
            level: 0,
            seed: noise::SEED,
            after_speech: true,
        }
    }

    /// Takes note of a frame, be it speech or not.
    pub(super) fn observe(&mut self, acf: &Acf) {
        self.acf.copy_within(..AVERAGED, 1);
        self.acf[0] = *acf;
    }

    /// The frame was speech.
    pub(super) fn speech(&mut self) {
        self.after_speech = true;
        self.seed = noise::SEED;
    }

    /// The frame was silence: what to send of it, if anything. `last` is the last frame's spectrum.
    pub(super) fn silence(&mut self, vad: &mut Vad, last: &Lsp) -> Option<Noise> {
        let (current, energy, _) = levinson(&self.acf[0]);
        self.energies.copy_within(..AVERAGED - 1, 1);
        self.energies[0] = energy;
        self.known = if self.after_speech { 1 } else { (self.known + 1).min(AVERAGED) };
        let mean = self.energies[..self.known].iter().sum::<f32>() / self.known as f32;
        let code = noise::quantise(mean / WINDOWS);
        let news = self.after_speech || !self.similar(&self.filter, energy) || code.abs_diff(self.code) > STEPS;
        let descriptor = news.then(|| self.describe(current, energy, code, vad, last));
        let target = noise::dequantise(self.code);
        self.level = if self.after_speech { target } else { (self.level * 7 + target) >> 3 };
        self.after_speech = false;
        descriptor
    }

    /// `filter` suits the current frame, whose own filter leaves `energy`.
    fn similar(&self, filter: &Predictor, energy: f32) -> bool {
        residual_energy(filter, &self.acf[0]) <= energy * DIFFERENT
    }

    fn describe(&mut self, current: Predictor, energy: f32, code: u8, vad: &mut Vad, last: &Lsp) -> Noise {
        let mut past = [0.0; ORDER + 1];
        for acf in &self.acf[1..] {
            for (sum, x) in past.iter_mut().zip(acf) {
                *sum += x;
            }
        }
        let (average, _, _) = levinson(&past);
        if vad.learns() {
            vad.noise = average;
        }
        self.filter = if self.similar(&average, energy) { average } else { current };
        self.code = code;
        let spectrum = lsp::quantise(&lsp::from_predictor(&self.filter, last), last);
        self.spectrum = lsp::dequantise(Some(spectrum), last);
        Noise { spectrum, gain: code }
    }
}
