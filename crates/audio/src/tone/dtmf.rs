//! DTMF digits (Q.23): the sound of a digit, and a detector for digits in sound (Q.24).
//!
//! The detector works at 8 kHz on frames of 12.75 ms, each half over the one before: eight Goertzel filters and the
//! frame's energy. Three frames of the same digit at about the same level begin it, five without it end it.

use super::{Pattern, Step};

/// Milliseconds a digit sounds unless told otherwise.
pub const ON_MS: u32 = 100;
/// Milliseconds between digits.
pub const OFF_MS: u32 = 50;
/// Hz the detector works at.
pub const RATE: u32 = 8000;
/// The low group, a row of the keypad each.
pub const LOW_HZ: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
/// The high group, a column each.
pub const HIGH_HZ: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
/// dBm0 of the low group; the high one is 2 dB louder, for lines lose more of it.
const LOW_DBM0: f32 = -10.0;
const HIGH_DBM0: f32 = -8.0;
const KEYS: [[char; 4]; 4] = [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// Samples of a frame.
const FRAME: usize = 102;
/// Samples from one frame to the next.
const HOP: usize = FRAME / 2;
/// Frames alike that begin a digit: 25 ms, so that 40 ms are surely heard and 20 ms are not.
const HITS_TO_BEGIN: u32 = 3;
/// Frames without it that end a digit: a gap of 10 ms does not, one of 40 ms does.
const MISSES_TO_END: u32 = 5;
/// Least power of each of the two, per sample: -36 dBm0.
const LEAST_POWER: f32 = 65_000.0;
/// The high group may be 4 dB louder than the low one and 8 dB softer (Q.24, North America); 1 dB more for noise.
const MOST_TWIST: f32 = 3.16;
const MOST_REVERSE_TWIST: f32 = 7.94;
/// How far a group's best stands out from its others: 6 dB, for a loud tone of the other group leaks into them.
const STAND_OUT: f32 = 4.0;
/// Least share of the frame's energy in the two sines.
const LEAST_SHARE: f32 = 0.87;
/// How far beside its nominal frequency a sine is looked for too: Q.24 lets it be 1.5 % off.
const BESIDE: [f32; 2] = [0.988, 1.012];
/// Most change of level from one frame to the next while a digit begins: 3 dB.
const MOST_CHANGE: f32 = 2.0;

/// The sound of a digit (`0`-`9`, `*`, `#`, `A`-`D`) for `ms`; `None` for another character.
pub fn step(digit: char, ms: u32) -> Option<Step> {
    let digit = digit.to_ascii_uppercase();
    KEYS.iter().zip(LOW_HZ).find_map(|(row, low)| {
        let column = row.iter().position(|key| *key == digit)?;
        Some(Step::tone((low, LOW_DBM0), (*HIGH_HZ.get(column)?, HIGH_DBM0), ms))
    })
}

/// Digits one after another; other characters are left out. As many as fit a pattern: 24.
pub fn pattern(digits: &str, on_ms: u32, off_ms: u32) -> Pattern {
    let mut pattern = Pattern::new(&[], false);
    for step in digits.chars().filter_map(|digit| step(digit, on_ms)) {
        pattern.push(step);
        pattern.push(Step::pause(off_ms));
    }
    pattern
}

/// What the detector has heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtmfEvent {
    /// A digit sounds.
    Start(char),
    /// It has ended after about so many milliseconds.
    End(char, u32),
}

/// Power of a sine in a frame, by Goertzel's filter; `factor` is twice the cosine of its angle per sample.
fn power(frame: &[f32; FRAME], factor: f32) -> f32 {
    let (mut one, mut two) = (0.0_f32, 0.0_f32);
    for sample in frame {
        (one, two) = (sample + factor * one - two, one);
    }
    (one * one + two * two - factor * one * two).max(0.0) * 2.0 / (FRAME * FRAME) as f32
}

fn factors(hz: f32) -> [f32; 3] {
    [hz, hz * BESIDE[0], hz * BESIDE[1]].map(|hz| 2.0 * (std::f32::consts::TAU * hz / RATE as f32).cos())
}

/// A digit in frames that follow each other.
#[derive(Clone, Copy, Debug)]
struct Run {
    digit: char,
    /// Of the last frame.
    power: f32,
    frames: u32,
}

/// Finds digits in sound of 8 kHz.
#[derive(Clone, Debug)]
pub struct DtmfDetector {
    /// Factors of the filters: at the nominal frequency, and on both sides of it.
    low: [[f32; 3]; 4],
    high: [[f32; 3]; 4],
    frame: [f32; FRAME],
    /// Samples in the frame.
    filled: usize,
    run: Option<Run>,
    /// The digit that sounds, and frames without it since.
    sounding: Option<(Run, u32)>,
}

impl Default for DtmfDetector {
    fn default() -> Self {
        Self::new()
    }
}

impl DtmfDetector {
    /// One that has heard nothing.
    pub fn new() -> Self {
        Self {
            low: LOW_HZ.map(factors),
            high: HIGH_HZ.map(factors),
            frame: [0.0; FRAME],
            filled: 0,
            run: None,
            sounding: None,
        }
    }

    /// Hears samples of 8 kHz, best 80 (10 ms) at a time: of more than one event, only the last is told.
    pub fn process(&mut self, samples: &[i16]) -> Option<DtmfEvent> {
        let mut event = None;
        for sample in samples {
            if let Some(place) = self.frame.get_mut(self.filled) {
                *place = f32::from(*sample);
            }
            self.filled += 1;
            if self.filled >= FRAME {
                event = self.hear().or(event);
                self.frame.copy_within(HOP.., 0);
                self.filled = FRAME - HOP;
            }
        }
        event
    }

    fn hear(&mut self) -> Option<DtmfEvent> {
        let mean = self.frame.iter().map(|sample| sample * sample).sum::<f32>() / FRAME as f32;
        let found = digit(strongest(&self.frame, &self.low), strongest(&self.frame, &self.high), mean);
        self.run = found.map(|(digit, power)| match self.run {
            Some(run) if run.digit == digit && power < run.power * MOST_CHANGE && run.power < power * MOST_CHANGE => {
                Run { power, frames: run.frames + 1, ..run }
            }
            _ => Run { digit, power, frames: 1 },
        });
        if let Some((run, misses)) = &mut self.sounding {
            run.frames += 1;
            *misses = if found.is_some_and(|(now, _)| now == run.digit) { 0 } else { *misses + 1 };
            if *misses < MISSES_TO_END {
                return None;
            }
            let samples = (run.frames - *misses + 1) * HOP as u32;
            let ended = DtmfEvent::End(run.digit, samples * 1000 / RATE);
            self.sounding = None;
            return Some(ended);
        }
        let run = self.run.filter(|run| run.frames >= HITS_TO_BEGIN)?;
        self.sounding = Some((run, 0));
        Some(DtmfEvent::Start(run.digit))
    }
}

/// The digit of a frame and its power, if there is one.
fn digit(low: Option<(usize, f32)>, high: Option<(usize, f32)>, mean: f32) -> Option<(char, f32)> {
    let ((row, low), (column, high)) = (low?, high?);
    let twist = high <= low * MOST_TWIST && low <= high * MOST_REVERSE_TWIST;
    // Speech has much besides the two: its pitch below, harmonics above.
    let pure = low + high >= mean * LEAST_SHARE;
    let loud = low >= LEAST_POWER && high >= LEAST_POWER;
    (twist && pure && loud).then_some((*KEYS.get(row)?.get(column)?, low + high))
}

/// The strongest of a group and its power, if it stands out.
fn strongest(frame: &[f32; FRAME], group: &[[f32; 3]; 4]) -> Option<(usize, f32)> {
    let powers = group.map(|factors| power(frame, factors[0]));
    let (at, most) = powers.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let alone = powers.iter().enumerate().all(|(i, power)| i == at || most >= power * STAND_OUT);
    let beside = group.get(at)?[1..].iter().map(|factor| power(frame, *factor));
    alone.then_some((at, beside.fold(most, f32::max)))
}

#[cfg(test)]
#[path = "dtmf_tests.rs"]
mod tests;
