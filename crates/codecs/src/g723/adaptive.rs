//! The adaptive codebook: which past excitation, weighted by which five taps, comes nearest to the target (section
//! 2.14).

use super::excitation::{REACH, TAPS, delayed, predictors};
use super::shaping::{Block, dot};
use super::{LONG_LAG, PITCH_MAX, PITCH_MIN, Rate, SUBFRAME};

/// What to search, and where.
pub(super) struct Search<'a> {
    pub(super) target: &'a Block,
    pub(super) response: &'a Block,
    pub(super) history: &'a [i16; PITCH_MAX],
    pub(super) rate: Rate,
}

/// What is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    /// The half frame's lag.
    pub(super) lag: usize,
    /// See [`super::bits::Subframe`].
    pub(super) delta: usize,
    pub(super) taps: usize,
}

/// The lag that a first subframe searches around.
pub(super) fn centre(lag: usize) -> usize {
    lag.clamp(PITCH_MIN + 1, PITCH_MAX - 5)
}

impl Search<'_> {
    /// Searches around `lag`: a half's first subframe moves it by -1..=1, its second one departs from it by -1..=2.
    /// `rows` limits the codebooks, short and long.
    pub(super) fn run(&self, lag: usize, second: bool, rows: [usize; 2]) -> Found {
        let mut found = Found { lag, delta: 1, taps: 0 };
        let mut best = 0.0;
        for delta in 0..3 + usize::from(second) {
            let here = lag + delta - 1;
            let decisive = if second { lag } else { here };
            let book = predictors(self.rate, decisive);
            let limit = rows[usize::from(self.rate == Rate::Low || decisive >= LONG_LAG)];
            let products = self.products(here);
            for (taps, row) in book.iter().take(limit).enumerate() {
                let gain = products.gain(row);
                if gain > best {
                    best = gain;
                    found = if second { Found { lag, delta, taps } } else { Found { lag: here, delta: 1, taps } };
                }
            }
        }
        found
    }

    fn products(&self, lag: usize) -> Products {
        let past = delayed(self.history, lag);
        let mut filtered = [[0.0; SUBFRAME]; TAPS];
        let mut samples = [0.0; REACH];
        for (to, &x) in samples.iter_mut().zip(&past) {
            *to = f32::from(x);
        }
        // Each tap sees the past one sample earlier: the rest of its response is the one before, moved.
        let (newest, older) = (TAPS - 1, &samples[TAPS - 1..]);
        for (start, &x) in older.iter().enumerate() {
            for (to, h) in filtered[newest][start..].iter_mut().zip(self.response) {
                *to += x * h;
            }
        }
        for tap in (0..newest).rev() {
            let x = samples[tap];
            filtered[tap][0] = x * self.response[0];
            for index in 1..SUBFRAME {
                filtered[tap][index] = x * self.response[index] + filtered[tap + 1][index - 1];
            }
        }
        let mut products = Products { target: [0.0; TAPS], own: [[0.0; TAPS]; TAPS] };
        for tap in 0..TAPS {
            products.target[tap] = dot(self.target, &filtered[tap]);
            for other in 0..=tap {
                products.own[tap][other] = dot(&filtered[tap], &filtered[other]);
            }
        }
        products
    }
}

/// Scalar products of the five filtered pasts with the target and each other.
struct Products {
    target: [f32; TAPS],
    own: [[f32; TAPS]; TAPS],
}

impl Products {
    /// Half of the energy that `row` takes away from the target.
    fn gain(&self, row: &[i16; TAPS]) -> f32 {
        let mut taps = [0.0; TAPS];
        for (to, &x) in taps.iter_mut().zip(row) {
            *to = f32::from(x) / 16384.0;
        }
        let mut gain = 0.0;
        for tap in 0..TAPS {
            let mut inner = self.target[tap] - 0.5 * taps[tap] * self.own[tap][tap];
            inner -= dot(&taps[..tap], &self.own[tap]);
            gain += taps[tap] * inner;
        }
        gain
    }
}
