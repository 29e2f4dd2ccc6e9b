//! Comfort noise (Annex A, sections A.3 and A.4.4 to A.4.6): its excitation and how its level is sent.

use super::excitation::{adaptive, pulses};
use super::fixed::{half_root, narrow, narrow_long};
use super::{FRAME, PITCH_MAX, Rate, SUBFRAME, SUBFRAMES};

/// What the generator of random numbers starts with after speech.
pub(super) const SEED: u16 = 12345;

/// Samples that share a level.
const BLOCK: usize = 2 * SUBFRAME;
/// Pulses in them.
const BLOCK_PULSES: usize = 11;
/// 1/11, Q15.
const PULSE_SHARE: i64 = 2979;
/// Lags of the subframes, less their block's lag, plus 1.
const DELTAS: [usize; SUBFRAMES] = [1, 0, 1, 3];
/// Largest amplitude of a pulse, doubled.
const LOUDEST: i32 = 10_000;
/// Where the segments of the level's quantiser start, and where they end in terms of energy.
const SEGMENTS: [(f32, f32); 3] = [(0.0, 1024.0), (32.0, 9216.0), (96.0, 115_616.5)];

/// The pitch predictors that a frame of noise was made with.
pub(super) struct Voicing {
    pub(super) lags: [usize; SUBFRAMES / 2],
    pub(super) deltas: [usize; SUBFRAMES],
    pub(super) taps: [usize; SUBFRAMES],
}

/// The next random number below `end`.
fn random(seed: &mut u16, end: usize) -> usize {
    *seed = seed.wrapping_mul(521).wrapping_add(259);
    (usize::from(*seed & 0x7fff) * end) >> 15
}

/// Fills `out` with the excitation of one frame of noise whose level is `gain` (in 1/32), after `history`, which goes
/// on.
pub(super) fn excite(gain: i32, seed: &mut u16, history: &mut [i16; PITCH_MAX], out: &mut [i16; FRAME]) -> Voicing {
    let lags = [random(seed, 21) + 123, random(seed, 19) + 123];
    let taps = [(); SUBFRAMES].map(|()| random(seed, 50) + 1);
    let mut odd = [false; SUBFRAMES];
    let mut signs = [0; SUBFRAMES / 2];
    for (block, signs) in signs.iter_mut().enumerate() {
        let bits = random(seed, 1 << (BLOCK_PULSES + 2));
        odd[2 * block] = bits & 1 != 0;
        odd[2 * block + 1] = bits & 2 != 0;
        *signs = bits >> 2;
    }
    let mut places = [[0; BLOCK_PULSES]; SUBFRAMES / 2];
    for subframe in 0..SUBFRAMES {
        let mut free = [0; SUBFRAME / 2];
        for (index, place) in free.iter_mut().enumerate() {
            *place = index;
        }
        let first = if subframe % 2 == 0 { 0 } else { pulses(0) };
        for taken in 0..pulses(subframe) {
            let left = free.len() - taken;
            let drawn = random(seed, left);
            let place = 2 * free[drawn] + usize::from(odd[subframe]) + SUBFRAME * (subframe % 2);
            places[subframe / 2][first + taken] = place;
            free[drawn] = free[left - 1];
        }
    }
    for (block, out) in out.chunks_exact_mut(BLOCK).enumerate() {
        // The second subframe's past ends with the first one.
        let mut line = [0; PITCH_MAX + BLOCK];
        line[..PITCH_MAX].copy_from_slice(history);
        for half in 0..2 {
            let index = 2 * block + half;
            // All lags are long ones: the rate does not matter.
            let voiced =
                adaptive(&line[SUBFRAME * half..][..PITCH_MAX], Rate::Low, lags[block], DELTAS[index], taps[index]);
            line[PITCH_MAX + SUBFRAME * half..][..SUBFRAME].copy_from_slice(&voiced);
        }
        out.copy_from_slice(&line[PITCH_MAX..]);
        let sign = |index: usize| if signs[block] >> index & 1 != 0 { 1 } else { -1 };
        let amplitude = amplitude(gain, out, &places[block], sign);
        for (index, &place) in places[block].iter().enumerate() {
            // Half of it, rounded down either way.
            out[place] = narrow(i32::from(out[place]) + ((amplitude * sign(index)) >> 1));
        }
        history.copy_within(BLOCK.., 0);
        history[PITCH_MAX - BLOCK..].copy_from_slice(out);
    }
    Voicing { lags, deltas: DELTAS, taps }
}

/// The amplitude (doubled) of pulses at `places` that brings `block` to the level `gain`.
fn amplitude(gain: i32, block: &[i16], places: &[usize; BLOCK_PULSES], sign: impl Fn(usize) -> i32) -> i32 {
    let loudest = block.iter().fold(0u32, |all, x| all | u32::from(x.unsigned_abs())).min(0x7fff);
    let shift = if loudest == 0 { 0 } else { (loudest.ilog2() as i32 - 10).max(-2) };
    let shifted = |x: i16| if shift < 0 { i32::from(x) << -shift } else { i32::from(x) >> shift };
    let energy: i64 = block.iter().map(|&x| i64::from(shifted(x)).pow(2)).sum();
    let along: i64 =
        places.iter().enumerate().map(|(index, &place)| i64::from(shifted(block[place]) * sign(index))).sum();
    // The amplitude x solves x² + 2bx + c = 0.
    let b = ((along * PULSE_SHARE + (1 << 14)) >> 15) as i32;
    let wanted = i64::from(gain) * ((i64::from(gain) * SUBFRAME as i64) >> 5);
    let scale = 2 * shift + 3;
    let wanted = if scale >= 0 { wanted >> scale } else { wanted << -scale };
    let c = ((i64::from(narrow_long(2 * energy)) - wanted) * PULSE_SHARE) >> 15;
    let discriminant = narrow_long(2 * i64::from(b) * i64::from(b) - c);
    let mut x = -b;
    if discriminant > 0 {
        let root = half_root(discriminant.unsigned_abs());
        x = if (root + b).abs() < (root - b).abs() { -(root + b) } else { root - b };
    }
    let x = if shift + 1 < 0 { x >> -(shift + 1) } else { narrow_long(i64::from(x) << (shift + 1)) };
    x.clamp(-LOUDEST, LOUDEST)
}

/// The code for noise whose samples have the mean square `energy`: 0..64.
pub(super) fn quantise(energy: f32) -> u8 {
    if energy >= SEGMENTS[2].1 {
        return 63;
    }
    let segment = SEGMENTS.iter().position(|segment| energy < segment.1).unwrap_or(2);
    let steps = if segment == 2 { 32.0 } else { 16.0 };
    let step = (2 << segment) as f32;
    let index = ((energy.max(0.0).sqrt() - SEGMENTS[segment].0) / step).round().clamp(0.0, steps);
    ((segment << 4) + index as usize).min(63) as u8
}

/// The level that `code` stands for, in 1/32.
pub(super) fn dequantise(code: u8) -> i32 {
    let segment = usize::from(code >> 4).min(2);
    let index = i32::from(code) - ((segment as i32) << 4);
    ((SEGMENTS[segment].0 as i32) + (index << (segment + 1))) << 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_is_the_code_of_itself() {
        for code in 0..64 {
            let level = dequantise(code) as f32 / 32.0;
            assert_eq!(quantise(level * level), code);
        }
        assert_eq!(quantise(1e12), 63);
    }

    #[test]
    fn noise_has_the_level_that_is_asked_for() {
        let (mut seed, mut history) = (SEED, [0; PITCH_MAX]);
        for gain in [10, 50, 300] {
            let mut energy = 0.0;
            for _ in 0..20 {
                let mut out = [0; FRAME];
                excite(gain * 32, &mut seed, &mut history, &mut out);
                energy += out.iter().map(|&x| f32::from(x) * f32::from(x)).sum::<f32>();
            }
            let level = (energy / (20 * FRAME) as f32).sqrt();
            assert!((level / gain as f32 - 1.0).abs() < 0.1, "{gain}: {level}");
        }
    }
}
