//! Concealment of lost frames (RFC 3951 §4.5): the last excitation goes on, periodic or random as it was, and fades.

use super::filter::{FLAT, Lpc, dot, energy};
use super::{Frame, MAX_FRAME};

/// Samples whose likeness decides.
const COMPARED: usize = 60;
/// Pitch lags around the estimate that are tried.
const AROUND: usize = 3;
/// Periodicity from which on nothing random is mixed in, and below which all is random.
const PERIODIC: f32 = 0.7;
const RANDOM: f32 = 0.4;
/// Least root mean square that is repeated periodically: below, all is random.
const QUIET: f32 = 30.0;

/// The last excitation, and how the loss goes on.
pub struct Concealer {
    frame: Frame,
    excitation: [f32; MAX_FRAME],
    filter: Lpc,
    /// Frames lost in a row.
    lost: usize,
    lag: usize,
    periodicity: f32,
    seed: u32,
}

impl Concealer {
    /// Before the first frame.
    pub const fn new(frame: Frame) -> Self {
        Self { frame, excitation: [0.0; MAX_FRAME], filter: FLAT, lost: 0, lag: 120, periodicity: 0.0, seed: 777 }
    }

    /// Keeps a received frame's excitation, and the filter of its end.
    pub fn received(&mut self, excitation: &[f32], filter: &Lpc) {
        self.excitation[..excitation.len()].copy_from_slice(excitation);
        self.filter = *filter;
        self.lost = 0;
    }

    /// Makes a lost frame's excitation and returns its filter. `lag` is the pitch estimated last, at most 118.
    pub fn lost(&mut self, lag: usize, out: &mut [f32]) -> Lpc {
        let length = self.frame.samples();
        let last = &self.excitation[..length];
        if self.lost == 0 {
            (self.lag, self.periodicity) = refine(last, lag);
        }
        self.lost += 1;
        let gain = fade(self.lost * length);
        let periodic = ((self.periodicity - RANDOM) / (PERIODIC - RANDOM)).clamp(0.0, 1.0);
        // Two periods, lest the same one comes too often.
        let lag = if self.lag < 80 { 2 * self.lag } else { self.lag };

        let mut random = [0.0; MAX_FRAME];
        for n in 0..length {
            self.seed = self.seed.wrapping_mul(69_069).wrapping_add(1) & 0x7fff_ffff;
            let back = 50 + self.seed as usize % 70;
            let before = |made: &[f32], back: usize| match n.checked_sub(back) {
                Some(at) => made[at],
                None => last[length + n - back],
            };
            random[n] = before(&random, back);
            let again = before(out, lag);
            out[n] = gain * (1.0 - 0.05 * (n / 80) as f32) * (periodic * again + (1.0 - periodic) * random[n]);
        }
        if energy(out) < QUIET * QUIET * length as f32 {
            self.periodicity = 0.0;
            for (x, random) in out.iter_mut().zip(random) {
                *x = gain * random;
            }
        }
        self.excitation[..length].copy_from_slice(out);
        self.filter
    }
}

/// The gain of a frame that is lost after so many samples, itself among them. It adds up: after 160 ms there is silence.
const fn fade(lost: usize) -> f32 {
    match lost {
        0..=320 => 1.0,
        321..=640 => 0.9,
        641..=960 => 0.7,
        961..=1280 => 0.5,
        _ => 0.0,
    }
}

/// The lag near an estimate that the end of `x` is most like itself at, and how like it is, 0 to 1.
fn refine(x: &[f32], estimate: usize) -> (usize, f32) {
    let (_, target) = x.split_at(x.len() - COMPARED);
    let longest = x.len().saturating_sub(COMPARED);
    let mut best = (estimate.min(longest), -1.0, 0.0);
    for lag in estimate.saturating_sub(AROUND).max(1)..=(estimate + AROUND).min(longest) {
        let start = x.len() - COMPARED - lag;
        let other = &x[start..start + COMPARED];
        let cross = dot(target, other);
        let power = energy(other);
        let measure = if power > 0.0 { cross * cross / power } else { 0.0 };
        if measure > best.1 {
            let own = energy(target);
            best = (lag, measure, if power * own > 0.0 { cross.abs() / (power * own).sqrt() } else { 0.0 });
        }
    }
    (best.0, best.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_periodic_excitation_goes_on() {
        let mut concealer = Concealer::new(Frame::Ms20);
        let excitation: [f32; 160] = std::array::from_fn(|n| if n % 40 == 0 { 3000.0 } else { 0.0 });
        concealer.received(&excitation, &FLAT);
        let mut out = [0.0; 160];
        concealer.lost(41, &mut out);
        for (n, (x, wanted)) in out.iter().zip(excitation).enumerate() {
            assert!((x - wanted).abs() <= 0.06 * wanted, "{n}: {x}");
        }
    }

    #[test]
    fn a_long_loss_fades_to_silence() {
        for frame in [Frame::Ms20, Frame::Ms30] {
            let mut concealer = Concealer::new(frame);
            let excitation: [f32; MAX_FRAME] = std::array::from_fn(|n| (n * n * 37 % 211) as f32 * 10.0 - 1050.0);
            concealer.received(&excitation[..frame.samples()], &FLAT);
            let mut levels = vec![energy(&excitation[..frame.samples()])];
            for _ in 0..12 {
                let mut out = vec![0.0; frame.samples()];
                concealer.lost(60, &mut out);
                levels.push(energy(&out));
            }
            assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] * 1.6), "never louder: {levels:?}");
            assert!(levels[2] > 0.3 * levels[0] && levels[12] == 0.0, "{levels:?}");
        }
    }
}
