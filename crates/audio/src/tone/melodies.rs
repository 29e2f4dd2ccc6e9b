//! The built-in rings: bells, warbles and short tunes, all made from sines.

use super::{Pattern, Step};

/// How many rings there are.
pub const RINGS: u8 = 6;

/// dBm0 of a note.
const LEVEL: f32 = -7.0;

// Notes, Hz.
const C5: f32 = 523.25;
const E5: f32 = 659.26;
const G5: f32 = 783.99;
const A5: f32 = 880.0;
const C6: f32 = 1046.5;
const D6: f32 = 1174.66;
const E6: f32 = 1318.51;
const G6: f32 = 1567.98;

/// Ring 1 to 6; another number is ring 1.
pub fn ring(number: u8) -> Pattern {
    match number {
        2 => tune(&[(E6, 150), (C6, 150), (G5, 150), (C6, 150), (E6, 150), (G6, 400)], 1800),
        3 => warble(1000.0, 1250.0, 60, 8, 2000),
        4 => tune(&[(G5, 300), (E5, 300), (C5, 600)], 2000),
        5 => tune(&[(A5, 120), (D6, 120), (A5, 120), (D6, 120), (A5, 120), (D6, 360)], 2400),
        6 => tune(&[(C6, 700), (G5, 900)], 2400),
        _ => warble(800.0, 1000.0, 50, 10, 2000),
    }
}

/// Two falling notes, again and again.
pub fn doorbell() -> Pattern {
    tune(&[(E5, 600), (C5, 900)], 1500)
}

/// Three rising notes, once.
pub fn boot_up() -> Pattern {
    tune(&[(C5, 140), (G5, 140), (C6, 500)], 0).once()
}

/// Struck notes, then a rest.
fn tune(notes: &[(f32, u32)], rest_ms: u32) -> Pattern {
    let mut pattern = Pattern::new(&[], true);
    for (hz, ms) in notes {
        pattern.push(Step::bell(*hz, LEVEL, *ms, ms / 2));
    }
    pattern.push(Step::pause(rest_ms));
    pattern
}

/// Two notes in quick turns, then a rest.
fn warble(low: f32, high: f32, ms: u32, turns: usize, rest_ms: u32) -> Pattern {
    let mut pattern = Pattern::new(&[], true);
    for _ in 0..turns {
        for hz in [low, high] {
            pattern.push(Step::sine(hz, LEVEL, ms));
        }
    }
    pattern.push(Step::pause(rest_ms));
    pattern
}
