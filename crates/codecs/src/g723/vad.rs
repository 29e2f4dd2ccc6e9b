//! Tells speech from silence (Annex A, section A.2).

use super::lpc::Predictor;
use super::{FRAME, ORDER, PITCH_MAX, SUBFRAME};

/// How far above the noise speech has to be, Q12, by the noise's power of 2 from 2^7 on: from 7 dB down to 3.5 dB.
const FACTORS: [f32; 11] =
    [20529.0, 18296.0, 16306.0, 14533.0, 12953.0, 11544.0, 10289.0, 9170.0, 9170.0, 9170.0, 9170.0];
/// Least and largest level that noise is thought to have.
const NOISE: (f32, f32) = (128.0, 131_071.0);

/// The detector. Energies are half a mean square.
pub(super) struct Vad {
    /// What predicts the noise.
    pub(super) noise: Predictor,
    level: f32,
    last: f32,
    /// Above 0 nothing is learnt: there is voice, or a tone.
    hold: i32,
    voiced: i32,
    hangover: i32,
    /// Lags of the last four half frames, latest last.
    lags: [usize; 4],
}

impl Vad {
    pub(super) fn new() -> Self {
        Self {
            noise: [0.0; ORDER],
            level: 1024.0,
            last: 1024.0,
            hold: 0,
            voiced: 0,
            hangover: 3,
            lags: [1, 1, SUBFRAME, SUBFRAME],
        }
    }

    /// The noise may be learnt from.
    pub(super) fn learns(&self) -> bool {
        self.hold == 0
    }

    /// The last frame's open-loop lags.
    pub(super) fn remember(&mut self, lags: [usize; 2]) {
        self.lags[2..].copy_from_slice(&lags);
    }

    /// True if `frame` is speech.
    pub(super) fn update(&mut self, frame: &[f32; FRAME], tone: bool) -> bool {
        self.hold = (self.hold + if self.periodic() || tone { 2 } else { -1 }).clamp(0, 6);
        self.lags.copy_within(2.., 0);
        let energy = self.energy(frame);
        if self.level > self.last {
            self.level = 0.25 * self.level + 0.75 * self.last;
        }
        self.level *= if self.learns() { 33.0 / 32.0 } else { 2047.0 / 2048.0 };
        self.level = self.level.clamp(NOISE.0, NOISE.1);
        self.last = energy;
        self.hang(energy >= self.level * factor(self.level))
    }

    /// All lags are multiples of the shortest.
    fn periodic(&self) -> bool {
        let shortest = self.lags.iter().fold(PITCH_MAX, |a, &b| a.min(b));
        let hits: usize =
            self.lags.iter().map(|lag| (1..=8).filter(|n| (n * shortest).abs_diff(*lag) <= 3).count()).sum();
        hits == 4
    }

    /// What is left of the frame when the noise is predicted.
    fn energy(&self, frame: &[f32; FRAME]) -> f32 {
        let mut sum = 0.0;
        for index in SUBFRAME..FRAME {
            let past = frame[index - ORDER..index].iter().rev();
            let predicted: f32 = past.zip(&self.noise).map(|(x, a)| x * a).sum();
            sum += (frame[index] - predicted) * (frame[index] - predicted);
        }
        0.5 * sum / (FRAME - SUBFRAME) as f32
    }

    /// Speech goes on for a while after it was last seen.
    fn hang(&mut self, speech: bool) -> bool {
        if speech {
            self.voiced += 1;
            self.hangover += 1;
        } else {
            self.voiced = (self.voiced - 1).max(0);
        }
        if self.voiced >= 2 {
            self.hangover = 6;
            self.voiced = self.voiced.min(3);
        }
        let active = self.hangover > 0;
        if active && self.voiced == 0 {
            self.hangover -= 1;
        }
        active || speech
    }
}

/// How far above noise of `level` speech has to be.
fn factor(level: f32) -> f32 {
    let power = level.clamp(NOISE.0, NOISE.1).log2();
    let index = ((power - 7.0) as usize).min(FACTORS.len() - 2);
    // In 64 steps from one power of 2 to the next.
    let rest = ((level / 128.0 / (1u32 << index) as f32 - 1.0) * 64.0).floor() / 64.0;
    ((1.0 - rest) * FACTORS[index] + rest * FACTORS[index + 1]) / 4096.0
}
