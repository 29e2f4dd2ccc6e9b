//! Filters of the encoder that hide its errors behind the speech (sections 2.8, 2.11 to 2.13 and 2.19).

use super::lpc::Predictor;
use super::{ORDER, SUBFRAME};

/// A subframe of floating-point samples.
pub(super) type Block = [f32; SUBFRAME];

/// The filter for perception: errors may be louder where the speech is loud.
#[derive(Clone, Copy)]
pub(super) struct Weights {
    zeros: Predictor,
    poles: Predictor,
}

impl Weights {
    pub(super) fn new(predictor: &Predictor) -> Self {
        let expanded = |factor: f32| {
            let mut out = *predictor;
            let mut power = 1.0;
            for value in &mut out {
                power *= factor;
                *value *= power;
            }
            out
        };
        Self { zeros: expanded(0.9), poles: expanded(0.5) }
    }
}

fn product(coefficients: &Predictor, past: &[f32; ORDER]) -> f32 {
    coefficients.iter().zip(past).map(|(a, b)| a * b).sum()
}

/// `x` becomes the latest of `past`.
fn remember(past: &mut [f32; ORDER], x: f32) {
    past.copy_within(..ORDER - 1, 1);
    past[0] = x;
}

/// Weights samples. Memories have the latest sample first.
#[derive(Clone, Default)]
pub(super) struct Weighting {
    input: [f32; ORDER],
    output: [f32; ORDER],
}

impl Weighting {
    /// Filters `samples` in place.
    pub(super) fn run(&mut self, weights: &Weights, samples: &mut [f32]) {
        for x in samples {
            let y = *x - product(&weights.zeros, &self.input) + product(&weights.poles, &self.output);
            remember(&mut self.input, *x);
            remember(&mut self.output, y);
            *x = y;
        }
    }
}

/// Makes weighted speech of an excitation.
#[derive(Clone, Default)]
pub(super) struct Synthesis {
    speech: [f32; ORDER],
    output: [f32; ORDER],
}

impl Synthesis {
    pub(super) fn run(&mut self, filter: &Predictor, weights: &Weights, excitation: &Block) -> Block {
        let mut out = [0.0; SUBFRAME];
        for (to, &x) in out.iter_mut().zip(excitation) {
            let speech = x + product(filter, &self.speech);
            *to = speech - product(&weights.zeros, &self.speech) + product(&weights.poles, &self.output);
            remember(&mut self.speech, speech);
            remember(&mut self.output, *to);
        }
        out
    }
}

/// The filter for harmonics: errors may be louder at multiples of the pitch.
#[derive(Clone, Copy)]
pub(super) struct Harmonics {
    /// In samples, 15..=145.
    pub(super) lag: usize,
    pub(super) gain: f32,
}

impl Harmonics {
    /// The subframe that starts at `start` of `line`, filtered.
    pub(super) fn run(self, line: &[f32], start: usize) -> Block {
        let mut out = [0.0; SUBFRAME];
        for (index, to) in out.iter_mut().enumerate() {
            *to = line[start + index] - self.gain * line[start + index - self.lag];
        }
        out
    }
}

/// `excitation` through the filter whose response to an impulse is `response`.
pub(super) fn convolve(excitation: &Block, response: &Block) -> Block {
    let mut out = [0.0; SUBFRAME];
    for (start, &x) in excitation.iter().enumerate() {
        if x != 0.0 {
            for (to, h) in out[start..].iter_mut().zip(response) {
                *to += x * h;
            }
        }
    }
    out
}

/// How much a unit impulse at each place, filtered, is like `target`.
pub(super) fn correlate(target: &Block, response: &Block) -> Block {
    let mut out = [0.0; SUBFRAME];
    for (start, to) in out.iter_mut().enumerate() {
        *to = dot(&target[start..], response);
    }
    out
}

/// The scalar product of the shorter one's length.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
