//! The pitch, as the weighted speech itself shows it (sections 2.9 and 2.11).

use super::shaping::{Harmonics, dot};
use super::{FRAME, PITCH_MAX, PITCH_MIN, SUBFRAME};

/// Past weighted speech and a frame of it.
pub(super) type Line = [f32; PITCH_MAX + FRAME];

/// The lag that the half frame from `start` on repeats itself with.
pub(super) fn open_loop(line: &Line, start: usize) -> usize {
    const HALF: usize = FRAME / 2;
    let now = &line[start..start + HALF];
    let mut best = (PITCH_MIN, 0.0f32);
    for lag in PITCH_MIN..=PITCH_MAX - 3 {
        let before = &line[start - lag..][..HALF];
        let likeness = dot(now, before);
        if likeness <= 0.0 {
            continue;
        }
        let score = likeness * likeness / dot(before, before).max(1e-6);
        // A multiple of a lag found already has to be clearly better.
        let needed = if lag - best.0 < PITCH_MIN { best.1 } else { best.1 / 0.75 };
        if score > needed {
            best = (lag, score);
        }
    }
    best.0
}

/// The filter for harmonics of the subframe from `start` on, around the open-loop `lag`.
pub(super) fn harmonics(line: &Line, start: usize, lag: usize) -> Harmonics {
    let now = &line[start..start + SUBFRAME];
    let mut best = (lag, 0.0, 1.0);
    let mut score = 0.0;
    for lag in lag - 3..=lag + 3 {
        let before = &line[start - lag..][..SUBFRAME];
        let likeness = dot(now, before);
        let energy = dot(before, before).max(1e-6);
        if likeness > 0.0 && likeness * likeness / energy > score {
            score = likeness * likeness / energy;
            best = (lag, likeness, energy);
        }
    }
    let (lag, likeness, energy) = best;
    let worth = score > 0.375 * dot(now, now);
    Harmonics { lag, gain: if worth { 0.3125 * (likeness / energy).min(1.0) } else { 0.0 } }
}
