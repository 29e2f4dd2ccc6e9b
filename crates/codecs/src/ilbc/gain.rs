//! Codebook gains (RFC 3951 §3.6.4.1, §4.4.2): each stage's is relative to the one before.

use super::tables::{GAINS_FIRST, GAINS_SECOND, GAINS_THIRD};

/// Least a gain is relative to.
const LEAST_SCALE: f32 = 0.1;

fn levels(stage: usize) -> &'static [f32] {
    match stage {
        0 => &GAINS_FIRST,
        1 => &GAINS_SECOND,
        _ => &GAINS_THIRD,
    }
}

/// What a gain of a stage (0 to 2) is relative to, by the stage before's gain.
fn scale(stage: usize, before: f32) -> f32 {
    if stage == 0 { 1.0 } else { before.abs().max(LEAST_SCALE) }
}

/// Index of the nearest gain, and that gain.
pub fn quantise(stage: usize, gain: f32, before: f32) -> (u16, f32) {
    let scale = scale(stage, before);
    let mut best = (0, f32::MAX, 0.0);
    for (index, level) in (0..).zip(levels(stage)) {
        let error = (gain - scale * level).abs();
        if error < best.1 {
            best = (index, error, scale * level);
        }
    }
    (best.0, best.2)
}

/// Gains of the three stages.
pub fn dequantise(indices: [u16; 3]) -> [f32; 3] {
    let mut gains = [0.0; 3];
    let mut before = 1.0;
    for (stage, (gain, index)) in gains.iter_mut().zip(indices).enumerate() {
        *gain = scale(stage, before) * levels(stage).get(usize::from(index)).copied().unwrap_or_default();
        before = *gain;
    }
    gains
}

/// Raises the first gain until the vector has the target's energy again, which quantising took from it, but not beyond
/// twice the gain (RFC 3951 §3.6.5). `made` and `wanted` are energies of the coded vector and of the target.
pub fn match_energy(index: u16, made: f32, wanted: f32) -> u16 {
    let at = usize::from(index);
    let Some(gain) = GAINS_FIRST.get(at) else { return index };
    let mut best = at;
    for (candidate, level) in GAINS_FIRST.iter().enumerate().skip(at) {
        if made * level * level < wanted * gain * gain && GAINS_FIRST[best] < 2.0 * gain {
            best = candidate;
        }
    }
    best as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantised_gains_are_what_is_dequantised() {
        let mut before = 1.0;
        let mut indices = [0; 3];
        let mut gains = [0.0; 3];
        for (stage, gain) in [0.8, -0.3, 0.13].into_iter().enumerate() {
            (indices[stage], gains[stage]) = quantise(stage, gain, before);
            before = gains[stage];
            assert!((gains[stage] - gain).abs() < 0.06, "stage {stage}: {gain} became {before}");
        }
        assert_eq!(dequantise(indices), gains);
    }

    #[test]
    fn energy_is_matched_up_to_twice_the_gain() {
        assert_eq!(match_energy(3, 1.0, 1.0), 3);
        let twice = match_energy(3, 1.0, 4.1);
        assert!((GAINS_FIRST[usize::from(twice)] / GAINS_FIRST[3] - 2.0).abs() < 0.3);
        let bounded = match_energy(3, 1.0, 1e9);
        assert!(GAINS_FIRST[usize::from(bounded)] < 2.3 * GAINS_FIRST[3]);
    }
}
