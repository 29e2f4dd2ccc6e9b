//! How loud sound is: dBov of a block, and the active speech level of a recording (ITU-T P.56, method B).

/// Full scale of 16 bits; a square wave of it is 0 dBov, a sine of it -3.01 dBov.
const OVERLOAD: f32 = 32_768.0;
/// What silence counts as, dBov: the least that RFC 6464 and RFC 3389 can say.
pub const SILENCE_DBOV: f32 = -127.0;

/// Mean power of a block, relative to overload: 0 to [`SILENCE_DBOV`].
pub fn dbov(block: &[i16]) -> f32 {
    if block.is_empty() {
        return SILENCE_DBOV;
    }
    let energy: i64 = block.iter().map(|sample| i64::from(*sample) * i64::from(*sample)).sum();
    power_dbov(energy as f32 / block.len() as f32)
}

/// dBov of a mean square of samples.
pub fn power_dbov(power: f32) -> f32 {
    let relative = power / (OVERLOAD * OVERLOAD);
    if relative > 0.0 { (10.0 * relative.log10()).clamp(SILENCE_DBOV, 0.0) } else { SILENCE_DBOV }
}

/// Thresholds of the envelope: 1, 2, 4 ... 16,384.
const THRESHOLDS: usize = 15;
/// Seconds over which the envelope is smoothed.
const SMOOTH_S: f32 = 0.03;
/// Seconds that activity lasts beyond the threshold.
const HANGOVER_S: f32 = 0.2;
/// dB between the active level and its threshold.
const MARGIN_DB: f32 = 15.9;

/// Measures the active speech level of what it is given.
#[derive(Clone, Debug)]
pub struct SpeechLevel {
    keep: f32,
    hangover: u32,
    smooth: [f32; 2],
    energy: f64,
    samples: u64,
    active: [u64; THRESHOLDS],
    since: [u32; THRESHOLDS],
}

impl SpeechLevel {
    /// For sound of `rate` Hz.
    pub fn new(rate: u32) -> Self {
        let rate = rate.max(1000) as f32;
        let hangover = (HANGOVER_S * rate) as u32;
        Self {
            keep: (-1.0 / (SMOOTH_S * rate)).exp(),
            hangover,
            smooth: [0.0; 2],
            energy: 0.0,
            samples: 0,
            active: [0; THRESHOLDS],
            since: [hangover; THRESHOLDS],
        }
    }

    /// Takes samples into account.
    pub fn take(&mut self, block: &[i16]) {
        for sample in block {
            let x = f32::from(*sample);
            self.energy += f64::from(x * x);
            let [first, second] = &mut self.smooth;
            *first = self.keep * *first + (1.0 - self.keep) * x.abs();
            *second = self.keep * *second + (1.0 - self.keep) * *first;
            let mut threshold = 1.0;
            for (active, since) in self.active.iter_mut().zip(&mut self.since) {
                if *second >= threshold {
                    *since = 0;
                    *active += 1;
                } else if *since < self.hangover {
                    *since += 1;
                    *active += 1;
                }
                threshold *= 2.0;
            }
        }
        self.samples += block.len() as u64;
    }

    /// The level in dBov and the share of time with speech (0 to 1); `None` if there was none.
    pub fn result(&self) -> Option<(f32, f32)> {
        let mut last: Option<(f32, f32)> = None;
        for (j, active) in self.active.iter().enumerate() {
            if *active == 0 {
                return None;
            }
            let level = power_dbov((self.energy / *active as f64) as f32);
            let threshold = 20.0 * ((1_u32 << j) as f32 / OVERLOAD).log10();
            let over = level - threshold - MARGIN_DB;
            if over <= 0.0 {
                let share = *active as f32 / self.samples as f32;
                let (level_before, over_before) = last?;
                // Between the two thresholds where the margin is met.
                let part = over_before / (over_before - over);
                return Some((level_before + (level - level_before) * part, share));
            }
            last = Some((level, over));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Speech;

    #[test]
    fn full_scale_is_0_dbov() {
        assert!(dbov(&[i16::MIN; 10]).abs() < 1e-3);
        assert_eq!((dbov(&[]), dbov(&[0; 5])), (SILENCE_DBOV, SILENCE_DBOV));
        let sine: Vec<i16> =
            (0..4800).map(|i| (32_767.0 * (std::f32::consts::TAU * i as f32 / 48.0).sin()) as i16).collect();
        assert!((dbov(&sine) + 3.01).abs() < 0.02);
    }

    #[test]
    fn pauses_do_not_lower_the_active_level() {
        let mut dense = SpeechLevel::new(8000);
        let mut sparse = SpeechLevel::new(8000);
        let speech: Vec<i16> = Speech::new(8000, 1).take(8000 * 10).collect();
        for second in speech.chunks(8000) {
            dense.take(second);
            sparse.take(second);
            sparse.take(&[0; 8000]);
        }
        let ((a, activity), (b, less)) = (dense.result().unwrap(), sparse.result().unwrap());
        assert!((a - b).abs() < 1.5, "{a} and {b}");
        assert!(activity > 0.7 && less < activity * 0.75, "{activity} and {less}");
        // The long-term level of the second is 3 dB lower.
        assert!(a > dbov(&speech));
        assert_eq!(SpeechLevel::new(8000).result(), None);
    }
}
