//! Concealment of lost frames (RFC 3951 §4.5): the last excitation goes on, periodic or random as it was, and fades.

use super::filter::{FLAT, Lpc, energy};
use super::{Frame, MAX_FRAME, pitch};

/// Samples whose likeness decides, or as many as the frame has.
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
    let longest = estimate + AROUND;
    let compared = COMPARED.min(x.len().saturating_sub(longest));
    let start = x.len() - compared;
    let target = &x[start..];
    let mut best = (estimate, 0.0);
    for lag in estimate.saturating_sub(AROUND)..=longest {
        let measure = pitch::likeness(target, &x[start - lag..][..compared]);
        if measure > best.1 {
            best = (lag, measure);
        }
    }
    let periodicity = if best.1 > 0.0 { (best.1 / energy(target)).sqrt() } else { 0.0 };
    (best.0, periodicity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_periodic_excitation_goes_on() {
        for (period, estimate) in [(40, 41), (115, 118)] {
            let pulse = |n: usize| if n % period < 20 { 500.0 + n as f32 % period as f32 } else { 0.0 };
            let mut concealer = Concealer::new(Frame::Ms20);
            let excitation: [f32; 160] = std::array::from_fn(pulse);
            concealer.received(&excitation, &FLAT);
            let mut out = [0.0; 160];
            concealer.lost(estimate, &mut out);
            for (n, x) in out.iter().enumerate() {
                let wanted = pulse(160 + n);
                assert!((x - wanted).abs() <= 0.06 * wanted, "{period}, {n}: {x} for {wanted}");
            }
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
