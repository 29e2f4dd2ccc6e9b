//! Linear prediction of the encoder (sections 2.3 and 2.4).

use super::tables::{HAMMING, LAG_WINDOW};
use super::{FRAME, ORDER, SUBFRAME, SUBFRAMES};

/// Coefficients 1..=10 of a predictor: what to add up of the past samples, the latest first.
pub(super) type Predictor = [f32; ORDER];
/// Autocorrelation at lags 0..=10.
pub(super) type Acf = [f32; ORDER + 1];

/// Samples of a window of analysis: a subframe and one on each side.
pub(super) const WINDOW: usize = 3 * SUBFRAME;
/// Samples that the analysis of a frame has.
pub(super) const SPAN: usize = FRAME + WINDOW - SUBFRAME;

/// Takes away what is below speech.
#[derive(Default)]
pub(super) struct HighPass {
    input: f32,
    output: f32,
}

impl HighPass {
    pub(super) fn run(&mut self, pcm: &[i16], to: &mut [f32]) {
        for (to, &x) in to.iter_mut().zip(pcm) {
            let x = f32::from(x);
            self.output = x - self.input + self.output * (127.0 / 128.0);
            self.input = x;
            *to = self.output;
        }
    }
}

/// What the analysis of a frame finds.
pub(super) struct Analysis {
    pub(super) predictors: [Predictor; SUBFRAMES],
    /// Sum of the four windows' autocorrelations.
    pub(super) acf: Acf,
    /// For each subframe: the second reflection coefficient is that of a tone.
    pub(super) tonal: [bool; SUBFRAMES],
}

/// Analyses `signal`, one window for each subframe.
pub(super) fn analyse(signal: &[f32; SPAN]) -> Analysis {
    let mut analysis =
        Analysis { predictors: [[0.0; ORDER]; SUBFRAMES], acf: [0.0; ORDER + 1], tonal: [false; SUBFRAMES] };
    for subframe in 0..SUBFRAMES {
        let acf = autocorrelation(&signal[subframe * SUBFRAME..][..WINDOW]);
        let (predictor, _, second) = levinson(&acf);
        analysis.predictors[subframe] = predictor;
        analysis.tonal[subframe] = second > 0.95;
        for (sum, x) in analysis.acf.iter_mut().zip(acf) {
            *sum += x;
        }
    }
    analysis
}

fn autocorrelation(window: &[f32]) -> Acf {
    let mut weighted = [0.0; WINDOW];
    for ((to, x), weight) in weighted.iter_mut().zip(window).zip(HAMMING) {
        *to = x * f32::from(weight) / 32768.0;
    }
    let mut acf = [0.0; ORDER + 1];
    for (lag, to) in acf.iter_mut().enumerate() {
        *to = weighted[lag..].iter().zip(&weighted).map(|(a, b)| a * b).sum();
    }
    // A little white noise keeps the filter tame.
    acf[0] *= 1025.0 / 1024.0;
    for (to, weight) in acf[1..].iter_mut().zip(LAG_WINDOW) {
        *to *= f32::from(weight) / 32768.0;
    }
    acf
}

/// The predictor for `acf`, the energy it leaves, and the second reflection coefficient (0.99 where the recursion broke
/// off before).
pub(super) fn levinson(acf: &Acf) -> (Predictor, f32, f32) {
    let mut predictor = [0.0; ORDER];
    let mut error = acf[0];
    let mut second = 0.0;
    for order in 0..ORDER {
        let mut rest = acf[order + 1];
        for k in 0..order {
            rest -= predictor[k] * acf[order - k];
        }
        if rest.abs() >= error {
            second = 0.99;
            break;
        }
        let reflection = rest / error;
        error -= rest * reflection;
        if order == 1 {
            second = -reflection;
        }
        let before = predictor;
        for k in 0..order {
            predictor[k] -= reflection * before[order - 1 - k];
        }
        predictor[order] = reflection;
    }
    (predictor, error, second)
}

/// What the autocorrelation `acf` of a signal leaves behind `predictor`: the energy of the residual.
pub(super) fn residual_energy(predictor: &Predictor, acf: &Acf) -> f32 {
    let mut filter = [1.0; ORDER + 1];
    for (to, x) in filter[1..].iter_mut().zip(predictor) {
        *to = -x;
    }
    let mut energy = 0.0;
    for lag in 0..=ORDER {
        let own: f32 = filter[lag..].iter().zip(&filter).map(|(a, b)| a * b).sum();
        energy += if lag == 0 { own * acf[0] } else { 2.0 * own * acf[lag] };
    }
    energy
}

/// Tells steady tones from speech: predictors of the pitch are not to be trusted with them.
#[derive(Default)]
pub(super) struct ToneDetector {
    /// The last 15 subframes, a bit each.
    past: u16,
    tone: bool,
}

impl ToneDetector {
    pub(super) fn update(&mut self, tonal: [bool; SUBFRAMES]) {
        for tonal in tonal {
            self.past = (self.past << 1 | u16::from(tonal)) & 0x7fff;
        }
        self.tone = self.past.count_ones() >= 14;
    }

    pub(super) fn is_tone(&self) -> bool {
        self.tone
    }
}
