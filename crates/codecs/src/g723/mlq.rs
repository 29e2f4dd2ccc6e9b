//! Multi-pulse excitation with maximum likelihood quantisation: the fixed codebook at 6.3 kbit/s (section 2.15).

use super::bits::Subframe;
use super::excitation::number_pulses;
use super::shaping::{Block, correlate, dot};
use super::tables::LEVEL;
use super::{LONG_LAG, SUBFRAME};

/// Pulses that are tried together.
const MAX_PULSES: usize = 6;

/// Pulses and how much of the target's energy they take away.
struct Candidate {
    score: f32,
    odd: bool,
    level: usize,
    train: bool,
    /// Places, and whether they are negative.
    pulses: [(usize, bool); MAX_PULSES],
}

/// Finds `count` pulses for `target`, and writes them to `subframe`. `lag` is the half frame's.
pub(super) fn search(target: &Block, response: &Block, lag: usize, count: usize, subframe: &mut Subframe) {
    let count = count.min(MAX_PULSES);
    let mut best = Candidate { score: f32::MIN, odd: false, level: 0, train: false, pulses: [(0, false); MAX_PULSES] };
    try_response(target, response, false, count, &mut best);
    if lag < LONG_LAG {
        let mut train = *response;
        for start in (lag..SUBFRAME).step_by(lag.max(1)) {
            for (to, h) in train[start..].iter_mut().zip(response) {
                *to += h;
            }
        }
        try_response(target, &train, true, count, &mut best);
    }
    let (positions, signs) = number_pulses(&best.pulses[..count]);
    subframe.train = best.train;
    subframe.odd = best.odd;
    subframe.level = best.level;
    subframe.positions = positions;
    subframe.signs = signs;
}

/// How loud a pulse of `level` is in the excitation.
fn amplitude(level: usize) -> f32 {
    2.0 * f32::from(LEVEL[level])
}

fn try_response(target: &Block, response: &Block, train: bool, count: usize, best: &mut Candidate) {
    let likeness = correlate(target, response);
    let mut own = [0.0; SUBFRAME];
    for (distance, to) in own.iter_mut().enumerate() {
        *to = dot(&response[distance..], response);
    }
    for odd in [false, true] {
        let grid = || (usize::from(odd)..SUBFRAME).step_by(2);
        let loudest = grid().fold(usize::from(odd), |a, b| if likeness[b].abs() >= likeness[a].abs() { b } else { a });
        // The level that suits the loudest pulse alone, and its neighbours.
        let wanted = likeness[loudest].abs() / own[0].max(f32::MIN_POSITIVE);
        let off = |level: usize| (amplitude(level) - wanted).abs();
        let level = (2..LEVEL.len() - 1).rev().fold(LEVEL.len() - 2, |a, b| if off(b) < off(a) { b } else { a });
        for level in level - 2..=level + 1 {
            let mut pulses = [(0, false); MAX_PULSES];
            let pulses = &mut pulses[..count];
            place(&likeness, &own, odd, loudest, amplitude(level), pulses);
            let score = score(target, response, amplitude(level), pulses);
            if score > best.score {
                *best = Candidate { score, odd, level, train, pulses: best.pulses };
                best.pulses[..count].copy_from_slice(pulses);
            }
        }
    }
}

/// Places pulses one after the other, each where the most is left of the target.
fn place(likeness: &Block, own: &Block, odd: bool, first: usize, amplitude: f32, pulses: &mut [(usize, bool)]) {
    let mut rest = *likeness;
    let mut taken = [false; SUBFRAME];
    let mut next = first;
    for pulse in pulses.iter_mut() {
        let negative = rest[next] < 0.0;
        *pulse = (next, negative);
        taken[next] = true;
        let signed = if negative { -amplitude } else { amplitude };
        let mut loudest = (-1.0, next);
        for place in (usize::from(odd)..SUBFRAME).step_by(2) {
            if taken[place] {
                continue;
            }
            rest[place] -= signed * own[place.abs_diff(pulse.0)];
            if rest[place].abs() > loudest.0 {
                loudest = (rest[place].abs(), place);
            }
        }
        next = loudest.1;
    }
}

/// The energy that the pulses take away from the target.
fn score(target: &Block, response: &Block, amplitude: f32, pulses: &[(usize, bool)]) -> f32 {
    let mut made = [0.0; SUBFRAME];
    for &(place, negative) in pulses {
        let signed = if negative { -amplitude } else { amplitude };
        for (to, h) in made[place..].iter_mut().zip(response) {
            *to += signed * h;
        }
    }
    2.0 * dot(target, &made) - dot(&made, &made)
}
