//! Keeps loud pitch predictors from piling up: an error that a lost frame left in the other side's memory would grow.

use super::tables::{PITCH_WORST_LONG, PITCH_WORST_SHORT};
use super::{LONG_LAG, Rate, SUBFRAME};

/// What an error is at first, and the amplification of it that is allowed.
const FIRST: f32 = 3.814_69e-6;
const ALLOWED: f32 = 128.0;
/// It counts no further.
const MOST: f32 = 256.0;

/// The worst that errors may have grown to, for each half subframe of the past, latest first.
pub(super) struct Taming([f32; 5]);

impl Taming {
    pub(super) fn new() -> Self {
        Self([FIRST; 5])
    }

    /// How many rows of the codebooks of predictors, short and long, may be used with the lags `from..=to`.
    pub(super) fn rows(&self, from: usize, to: usize, tone: bool) -> [usize; 2] {
        let first = (from + 1).saturating_sub(SUBFRAME + 2).max(1) / 30;
        let last = ((to + 2) / 30).min(self.0.len() - 1);
        let worst = self.0[first.min(last)..=last].iter().fold(0.0, |a: f32, b| a.max(*b));
        let spare = if tone { 0 } else { (ALLOWED - worst).max(0.0) as usize };
        [(51 + 4 * spare).min(85), (93 + 8 * spare).min(170)]
    }

    /// The predictor `taps` was used with `lag + delta - 1`.
    pub(super) fn update(&mut self, rate: Rate, lag: usize, delta: usize, taps: usize) {
        let short = rate == Rate::High && lag < LONG_LAG;
        let worst = if short { PITCH_WORST_SHORT.get(taps) } else { PITCH_WORST_LONG.get(taps) };
        let gain = f32::from(worst.copied().unwrap_or(0)) / 8192.0;
        let grown = |index: usize| (self.0[index.min(4)] * gain + FIRST).min(MOST);
        let lag = lag + delta - 1;
        let zone = (lag * 1092) >> 15;
        let (first, second) = if lag <= SUBFRAME / 2 {
            (grown(0), grown(0))
        } else if 30 * (zone + 1) == lag {
            (grown(zone.saturating_sub(1)), grown(zone))
        } else if zone == 1 {
            (grown(0).max(grown(1)), grown(0).max(grown(1)))
        } else {
            let middle = grown(zone.saturating_sub(1));
            (middle.max(grown(zone.saturating_sub(2))), middle.max(grown(zone)))
        };
        self.0.copy_within(..3, 2);
        self.0[0] = first;
        self.0[1] = second;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tables::{PITCH_TAPS_LONG, PITCH_TAPS_SHORT};
    use super::*;

    /// The largest amplification of `taps` at any frequency.
    fn loudest(taps: &[i16; 5]) -> f64 {
        let at = |step: u32| {
            let w = std::f64::consts::PI * f64::from(step) / 256.0;
            let part = |f: fn(f64) -> f64| -> f64 {
                taps.iter().enumerate().map(|(k, &x)| f64::from(x) / 16384.0 * f(w * k as f64)).sum()
            };
            part(f64::cos).hypot(part(f64::sin))
        };
        (0..=256).map(at).fold(0.0, f64::max)
    }

    #[test]
    fn the_worst_gains_are_those_of_the_taps() {
        let short = PITCH_TAPS_SHORT.iter().zip(PITCH_WORST_SHORT);
        for (taps, worst) in short.chain(PITCH_TAPS_LONG.iter().zip(PITCH_WORST_LONG)) {
            let found = loudest(taps).max(0.125);
            assert!((found - f64::from(worst) / 8192.0).abs() < 0.02, "{taps:?}: {found} {worst}");
        }
    }

    #[test]
    fn loud_predictors_in_a_row_are_tamed_and_quiet_ones_let_go() {
        let mut taming = Taming::new();
        assert_eq!(taming.rows(39, 41, false), [85, 170]);
        assert_eq!(taming.rows(39, 41, true), [51, 93]);
        for _ in 0..200 {
            taming.update(Rate::Low, 40, 1, 169);
        }
        assert_eq!(taming.rows(39, 41, false), [51, 93]);
        for _ in 0..20 {
            taming.update(Rate::Low, 40, 1, 0);
        }
        assert_eq!(taming.rows(39, 41, false), [85, 170]);
    }
}
