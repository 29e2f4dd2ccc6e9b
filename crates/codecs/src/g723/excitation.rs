//! The excitation of a subframe, as both sides compute it (sections 2.17, 2.18, 3.4 and 3.5).

use super::bits::{Speech, Subframe};
use super::fixed::{narrow, narrow_long};
use super::tables::{ECHO_GAIN, ECHO_SHIFT, LEVEL, PITCH_TAPS_LONG, PITCH_TAPS_SHORT};
use super::{LONG_LAG, PITCH_MAX, Rate, SUBFRAME};

/// Taps of a pitch predictor.
pub(super) const TAPS: usize = 5;
/// Samples that a pitch predictor makes a subframe of.
pub(super) const REACH: usize = SUBFRAME + TAPS - 1;
/// Pulses of a subframe at 6.3 kbit/s, at most.
const MAX_PULSES: usize = 6;
/// Places that a pulse can have at 6.3 kbit/s.
const PLACES: usize = SUBFRAME / 2;

/// Pulses of subframe `index` at 6.3 kbit/s.
pub(super) fn pulses(index: usize) -> usize {
    MAX_PULSES - index % 2
}

/// `k` out of `n`, for k up to 6.
fn choose(n: usize, k: usize) -> u32 {
    (0..k).fold(1, |product, i| if i < n { product * (n - i) as u32 / (i as u32 + 1) } else { 0 })
}

/// The codebook of pitch predictors in use.
pub(super) fn predictors(rate: Rate, lag: usize) -> &'static [[i16; TAPS]] {
    if rate == Rate::High && lag < LONG_LAG { &PITCH_TAPS_SHORT } else { &PITCH_TAPS_LONG }
}

/// The past excitation, `lag` samples ago and around; where that would be the future, the last period repeats.
/// `history` is the last [`PITCH_MAX`] samples; `lag` is 16..=143.
pub(super) fn delayed(history: &[i16], lag: usize) -> [i16; REACH] {
    let start = PITCH_MAX - TAPS / 2 - lag;
    let mut samples = [0; REACH];
    for (index, to) in samples.iter_mut().enumerate() {
        *to = history[if index < 2 { start + index } else { start + 2 + (index - 2) % lag }];
    }
    samples
}

/// What the pitch predictor makes of `history`.
pub(super) fn adaptive(history: &[i16], rate: Rate, lag: usize, delta: usize, taps: usize) -> [i16; SUBFRAME] {
    let past = delayed(history, lag + delta - 1);
    let row = predictors(rate, lag)[taps];
    let mut out = [0; SUBFRAME];
    for (index, to) in out.iter_mut().enumerate() {
        let sum: i64 = past[index..].iter().zip(row).map(|(&x, tap)| i64::from(i32::from(x) * i32::from(tap))).sum();
        *to = (narrow_long(4 * sum + (1 << 15)) >> 16) as i16;
    }
    out
}

/// The whole excitation of subframe `index` of `speech`.
pub(super) fn subframe(history: &[i16], speech: &Speech, index: usize) -> [i16; SUBFRAME] {
    let subframe = &speech.subframes[index];
    let lag = speech.lags[index / 2];
    let mut out = adaptive(history, speech.rate, lag, subframe.delta, subframe.taps);
    let fixed = match speech.rate {
        Rate::High => multipulse(subframe, lag, pulses(index)),
        Rate::Low => algebraic(subframe, lag),
    };
    for (to, x) in out.iter_mut().zip(fixed) {
        *to = narrow(i32::from(narrow(2 * i32::from(x))) + i32::from(*to));
    }
    out
}

/// Pulses at 6.3 kbit/s: places are numbered as combinations.
fn multipulse(subframe: &Subframe, lag: usize, pulses: usize) -> [i16; SUBFRAME] {
    let mut out = [0; SUBFRAME];
    if subframe.positions >= choose(PLACES, pulses) {
        return out;
    }
    let level = LEVEL[subframe.level];
    let mut rest = subframe.positions;
    let mut left = pulses;
    for place in 0..PLACES {
        if left == 0 {
            break;
        }
        let without = choose(PLACES - 1 - place, left - 1);
        if rest >= without {
            rest -= without;
            continue;
        }
        left -= 1;
        let negative = subframe.signs >> left & 1 != 0;
        out[2 * place + usize::from(subframe.odd)] = if negative { -level } else { level };
    }
    if subframe.train { repeat(&out, lag) } else { out }
}

/// The number of the combination and the signs of `pulses` (places and whether they are negative), in any order.
pub(super) fn number_pulses(pulses: &[(usize, bool)]) -> (u32, u32) {
    let (mut positions, mut signs) = (0, 0);
    let mut left = pulses.len();
    for place in 0..PLACES {
        if left == 0 {
            break;
        }
        match pulses.iter().find(|pulse| pulse.0 / 2 == place) {
            None => positions += choose(PLACES - 1 - place, left - 1),
            Some(&(_, negative)) => {
                left -= 1;
                signs |= u32::from(negative) << left;
            }
        }
    }
    (positions, signs)
}

/// `pulses` and themselves again after each `lag`.
fn repeat(pulses: &[i16; SUBFRAME], lag: usize) -> [i16; SUBFRAME] {
    let mut out = *pulses;
    for start in (lag..SUBFRAME).step_by(lag.max(1)) {
        for (to, x) in out[start..].iter_mut().zip(pulses) {
            *to = to.saturating_add(*x);
        }
    }
    out
}

/// Pulses at 5.3 kbit/s: four tracks, eight places each, the last of which may lie behind the subframe.
fn algebraic(subframe: &Subframe, lag: usize) -> [i16; SUBFRAME] {
    let mut out = [0; SUBFRAME];
    let level = LEVEL[subframe.level];
    for track in 0..4 {
        let place = (subframe.positions as usize >> (3 * track) & 7) * 8 + 2 * track + usize::from(subframe.odd);
        if let Some(to) = out.get_mut(place) {
            *to = if subframe.signs >> track & 1 != 0 { level } else { -level };
        }
    }
    let (lag, gain) = echo(lag + subframe.delta - 1, subframe.taps);
    if lag < LONG_LAG {
        for index in lag..SUBFRAME {
            let echoed = (i32::from(gain) * i32::from(out[index - lag])) >> 15;
            out[index] = narrow(i32::from(out[index]) + echoed);
        }
    }
    out
}

/// Lag and loudness (Q15) of the echo that the row `taps` of predictors gives pulses at 5.3 kbit/s. It has one if the
/// lag is below [`LONG_LAG`].
pub(super) fn echo(lag: usize, taps: usize) -> (usize, i16) {
    let lag = lag.saturating_add_signed(isize::from(ECHO_SHIFT[taps]));
    (lag.max(1), ECHO_GAIN[taps])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_of_pulses_has_its_number() {
        for (count, all) in [(6, 593_775), (5, 142_506)] {
            for positions in (0..all).step_by(997).chain([all - 1]) {
                for signs in [0, 1, 0b10110 & ((1 << count) - 1), (1 << count) - 1] {
                    let subframe = Subframe { positions, signs, level: 10, odd: true, ..Subframe::default() };
                    let out = multipulse(&subframe, 60, count);
                    let pulses: Vec<(usize, bool)> =
                        (0..SUBFRAME).filter(|&place| out[place] != 0).map(|place| (place, out[place] < 0)).collect();
                    assert_eq!(pulses.len(), count);
                    assert_eq!(number_pulses(&pulses), (positions, signs));
                }
            }
        }
    }

    #[test]
    fn a_number_that_is_none_has_no_pulses() {
        let subframe = Subframe { positions: 142_506, level: 10, ..Subframe::default() };
        assert_eq!(multipulse(&subframe, 60, 5), [0; SUBFRAME]);
    }

    #[test]
    fn a_train_repeats_its_pulses() {
        let subframe = Subframe { level: 0, train: true, ..Subframe::default() };
        let out = multipulse(&subframe, 18, 5);
        assert_eq!(out[..5], [1, 0, 1, 0, 1]);
        assert_eq!((out[18], out[36], out[54]), (1, 1, 1));
    }

    #[test]
    fn a_period_shorter_than_a_subframe_repeats() {
        let mut history = [0; PITCH_MAX];
        history[PITCH_MAX - 17] = 100;
        let out = delayed(&history, 17);
        let at: Vec<usize> = (0..REACH).filter(|&index| out[index] != 0).collect();
        assert_eq!(at, [2, 19, 36, 53]);
    }
}
