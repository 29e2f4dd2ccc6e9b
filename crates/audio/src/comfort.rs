//! Comfort noise (RFC 3389): the background of a silent talker, told in a few bytes and made again at the other end.
//!
//! A payload is one byte of level (-dBov) and up to ten reflection coefficients. Their sign is that of the last
//! coefficient of the prediction error filter `1 + a1 z^-1 + ..`, as in the reference of RFC 3389 and in WebRTC.

use crate::level::power_dbov;
use crate::to_i16;

/// Most coefficients of a payload of ours; more in one received are left out.
pub const MAX_ORDER: usize = 10;
/// Weight of a new block in the spectrum and the level.
const WEIGHT: f32 = 0.05;
/// Largest coefficient used: a filter still stable with rounding.
const LARGEST: f32 = 0.99;

/// Learns the background from blocks that are not speech.
#[derive(Clone, Debug, Default)]
pub struct NoiseAnalyser {
    /// Autocorrelation per sample.
    lags: [f32; MAX_ORDER + 1],
    /// The last samples of the block before, oldest first.
    before: [f32; MAX_ORDER],
    blocks: u32,
}

impl NoiseAnalyser {
    /// One that has heard nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a block into account.
    pub fn take(&mut self, block: &[i16]) {
        if block.len() < MAX_ORDER {
            return;
        }
        let sample = |at: usize, lag: usize| match at.checked_sub(lag) {
            Some(at) => f32::from(block[at]),
            None => self.before[MAX_ORDER + at - lag],
        };
        let mut fresh = [0.0; MAX_ORDER + 1];
        for (lag, sum) in fresh.iter_mut().enumerate() {
            *sum = (0..block.len()).map(|at| sample(at, 0) * sample(at, lag)).sum::<f32>() / block.len() as f32;
        }
        for (to, from) in self.before.iter_mut().zip(&block[block.len() - MAX_ORDER..]) {
            *to = f32::from(*from);
        }
        // The first blocks weigh more, so that the mean is right from the start.
        self.blocks = self.blocks.saturating_add(1);
        let weight = WEIGHT.max(1.0 / self.blocks as f32);
        for (mean, fresh) in self.lags.iter_mut().zip(fresh) {
            *mean += weight * (fresh - *mean);
        }
    }

    /// Level of the background, dBov.
    pub fn dbov(&self) -> f32 {
        power_dbov(self.lags[0])
    }

    /// Writes the payload and says how long it is: one byte, and one for each of `order` coefficients (at most 10).
    pub fn payload(&self, order: usize, out: &mut [u8; MAX_ORDER + 1]) -> usize {
        let order = order.min(MAX_ORDER);
        out[0] = (-self.dbov()).clamp(0.0, 127.0).round() as u8;
        for (byte, k) in out[1..].iter_mut().zip(self.reflections()).take(order) {
            *byte = (127.0 + k * 32_768.0 / 258.0).round().clamp(0.0, 254.0) as u8;
        }
        order + 1
    }

    /// The reflection coefficients, by Levinson's and Durbin's recursion.
    fn reflections(&self) -> [f32; MAX_ORDER] {
        let mut found = [0.0; MAX_ORDER];
        let mut a = [0.0_f32; MAX_ORDER + 1];
        a[0] = 1.0;
        // A little white noise keeps the recursion sound.
        let mut error = self.lags[0] * 1.0001;
        for m in 1..=MAX_ORDER {
            if error <= 1e-3 {
                break;
            }
            let sum: f32 = (0..m).map(|i| a[i] * self.lags[m - i]).sum();
            let k = (-sum / error).clamp(-LARGEST, LARGEST);
            let old = a;
            for i in 1..=m {
                a[i] = old[i] + k * old[m - i];
            }
            error *= 1.0 - k * k;
            found[m - 1] = k;
        }
        found
    }
}

/// Makes noise as a payload describes it.
#[derive(Clone, Debug)]
pub struct NoiseMaker {
    seed: u32,
    reflections: [f32; MAX_ORDER],
    /// Backward errors of the lattice.
    state: [f32; MAX_ORDER],
    target: f32,
    now: f32,
}

impl NoiseMaker {
    /// Silent until told otherwise; the seed decides what the noise is.
    pub fn new(seed: u32) -> Self {
        Self { seed: seed | 1, reflections: [0.0; MAX_ORDER], state: [0.0; MAX_ORDER], target: 0.0, now: 0.0 }
    }

    /// Takes a payload; an empty one changes nothing.
    pub fn describe(&mut self, payload: &[u8]) {
        let Some((level, coefficients)) = payload.split_first() else { return };
        self.reflections = [0.0; MAX_ORDER];
        for (k, byte) in self.reflections.iter_mut().zip(coefficients) {
            // 255 is reserved.
            *k = (258.0 * (f32::from((*byte).min(254)) - 127.0) / 32_768.0).clamp(-LARGEST, LARGEST);
        }
        self.set(-f32::from(*level & 0x7f));
    }

    /// White noise of a level, dBov.
    pub fn white(&mut self, dbov: f32) {
        self.reflections = [0.0; MAX_ORDER];
        self.set(dbov);
    }

    fn set(&mut self, dbov: f32) {
        // The filter adds power; the source has that much less.
        let gain: f32 = self.reflections.iter().map(|k| 1.0 - k * k).product();
        self.target = 32_768.0 * crate::db_to_factor(dbov.clamp(-127.0, 0.0)) * gain.max(0.0).sqrt();
    }

    /// Fills a block.
    pub fn fill(&mut self, block: &mut [i16]) {
        let step = (self.target - self.now) / block.len().max(1) as f32;
        for sample in block {
            self.now += step;
            let source = self.random() * self.now;
            *sample = to_i16(self.filter(source));
        }
        self.now = self.target;
        // Words of sound that no sum may reach, in case a payload changes the filter while it rings.
        for value in &mut self.state {
            *value = value.clamp(-1e6, 1e6);
        }
    }

    /// All-pole lattice.
    #[inline]
    fn filter(&mut self, source: f32) -> f32 {
        let mut forward = source;
        let mut backward = [0.0; MAX_ORDER + 1];
        for m in (0..MAX_ORDER).rev() {
            forward -= self.reflections[m] * self.state[m];
            backward[m + 1] = self.state[m] + self.reflections[m] * forward;
        }
        backward[0] = forward;
        self.state.copy_from_slice(&backward[..MAX_ORDER]);
        forward
    }

    /// About normal, mean 0, variance 1: the sum of four even numbers (xorshift32, G. Marsaglia).
    #[inline]
    fn random(&mut self) -> f32 {
        let mut sum = 0.0;
        for _ in 0..4 {
            self.seed ^= self.seed << 13;
            self.seed ^= self.seed >> 17;
            self.seed ^= self.seed << 5;
            sum += (self.seed >> 8) as f32 / (1_u32 << 24) as f32 - 0.5;
        }
        sum * 3.0_f32.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::level::dbov;
    use crate::signal::Noise;

    #[test]
    fn level_and_colour_come_through() {
        // Noise through a pole at 0.8 (dark) or -0.8 (bright).
        for pole in [0.8_f32, -0.8] {
            let mut noise = Noise::new(8);
            let mut last = 0.0;
            let sound: Vec<i16> = (0..8000)
                .map(|_| {
                    last = pole * last + noise.gaussian() * 100.0;
                    last as i16
                })
                .collect();
            let mut analyser = NoiseAnalyser::new();
            sound.chunks_exact(80).for_each(|block| analyser.take(block));
            let mut payload = [0; MAX_ORDER + 1];
            assert_eq!(analyser.payload(8, &mut payload), 9);
            assert!((-f32::from(payload[0]) - dbov(&sound)).abs() < 1.5);
            let first = (f32::from(payload[1]) - 127.0) * 258.0 / 32_768.0;
            assert!((first + pole).abs() < 0.1, "{first}");
            let mut maker = NoiseMaker::new(1);
            maker.describe(&payload[..9]);
            let mut again = vec![0; 16_000];
            again.chunks_exact_mut(80).for_each(|block| maker.fill(block));
            assert!((dbov(&again[800..]) - dbov(&sound)).abs() < 1.5);
            let mut check = NoiseAnalyser::new();
            again[800..].chunks_exact(80).for_each(|block| check.take(block));
            assert!((check.reflections()[0] + pole).abs() < 0.15);
        }
    }

    #[test]
    fn silence_is_the_least_level() {
        let mut analyser = NoiseAnalyser::new();
        analyser.take(&[0; 80]);
        let mut payload = [9; MAX_ORDER + 1];
        assert_eq!(analyser.payload(0, &mut payload), 1);
        assert_eq!(payload[0], 127);
    }

    proptest! {
        #[test]
        fn any_payload_makes_finite_noise(payload in prop::collection::vec(any::<u8>(), 0..14)) {
            let mut maker = NoiseMaker::new(3);
            let mut block = [0; 160];
            for _ in 0..5 {
                maker.describe(&payload);
                maker.fill(&mut block);
            }
            prop_assert!(maker.state.iter().all(|value| value.is_finite()));
        }

        #[test]
        fn any_sound_makes_a_stable_description(sound in prop::collection::vec(any::<i16>(), 0..200)) {
            let mut analyser = NoiseAnalyser::new();
            analyser.take(&sound);
            prop_assert!(analyser.reflections().iter().all(|k| k.abs() < 1.0));
        }
    }
}
