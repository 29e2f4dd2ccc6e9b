//! Pitch estimates of the decoder (RFC 3951 §4.6).

use super::filter::{dot, energy};
use super::tables::HALF_BAND;

/// Samples before a stretch that the estimate needs: twice the longest lag, and the filter's memory.
pub const BEFORE: usize = 120;
/// Lags at half the rate.
const SHORTEST: usize = 10;
const LONGEST: usize = 59;
/// Most samples at half the rate.
const HALF: usize = (super::MAX_FRAME + BEFORE) / 2;
/// Samples the low-pass filter is late.
const LATE: usize = 3;

/// How much of `target` is a scaled `other`: an energy. 0 if they are opposed.
pub fn likeness(target: &[f32], other: &[f32]) -> f32 {
    let cross = dot(target, other);
    if cross > 0.0 { cross * cross / energy(other) } else { 0.0 }
}

/// Estimates the pitch lag, in samples, of each 80 samples of `signal` from `from` on, into `lags`.
pub fn estimate(signal: &[f32], from: usize, lags: &mut [f32]) {
    let mut half = [0.0; HALF];
    let start = from - BEFORE;
    let length = (signal.len() - start) / 2;
    for (n, x) in half.iter_mut().enumerate().take(length) {
        let newest = start + LATE + 2 * n;
        *x = (0..HALF_BAND.len()).filter_map(|k| Some(HALF_BAND[k] * signal.get(newest - k)?)).sum();
    }
    for (block, lag) in lags.iter_mut().enumerate() {
        let at = BEFORE / 2 + block * 40;
        let target = &half[at..at + 40];
        let mut best = (0, -1.0);
        for candidate in SHORTEST..=LONGEST {
            let measure = likeness(target, &half[at - candidate..at - candidate + 40]);
            if measure > best.1 {
                best = (candidate, measure);
            }
        }
        *lag = 2.0 * best.0 as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lag_of_a_pulse_train_is_found() {
        for period in [32, 46, 60, 100] {
            let signal: Vec<f32> = (0..640).map(|n| if n % period < 3 { 1000.0 } else { 1.0 }).collect();
            let mut lags = [0.0; 3];
            estimate(&signal, 400, &mut lags);
            for lag in lags {
                let periods = lag / period as f32;
                assert!((periods - periods.round()).abs() * (period as f32) < 2.1 && periods > 0.9, "{period}: {lag}");
            }
        }
    }
}
