//! Gains that move without a click, a soft limit, the steps of a volume, and the boost for hearing aids.

use crate::biquad::Biquad;
use crate::{RATE, db_to_factor, to_i16};

/// Where the soft limit begins to bend, about 2.5 dB below full scale.
const KNEE: f32 = 24_576.0;
const FULL: f32 = 32_767.0;
/// dB from one step of a volume to the next.
const STEP_DB: f32 = 4.0;

/// Bends what is loud so that it never passes full scale; below 3/4 of it nothing is changed.
#[inline]
pub fn soft_limit(x: f32) -> f32 {
    let size = x.abs();
    if size <= KNEE {
        return x;
    }
    let over = (size - KNEE) / (FULL - KNEE);
    // The slope is 1 at the knee and falls to nothing.
    let bent = if over.is_finite() { over / (1.0 + over) } else { 1.0 };
    (KNEE + (FULL - KNEE) * bent).copysign(x)
}

/// A gain with a soft limit. A change is spread over the next block.
#[derive(Clone, Copy, Debug)]
pub struct Gain {
    factor: f32,
    muted: bool,
    now: f32,
}

impl Gain {
    /// Of `db`, held within -100 to +40.
    pub fn new(db: f32) -> Self {
        let factor = factor(db);
        Self { factor, muted: false, now: factor }
    }

    /// Goes to `db` in the next block.
    pub fn set_db(&mut self, db: f32) {
        self.factor = factor(db);
    }

    /// Goes to silence, or back, in the next block.
    pub const fn set_muted(&mut self, muted: bool) {
        self.muted = muted;
    }

    /// Whether it is muted.
    pub const fn is_muted(&self) -> bool {
        self.muted
    }

    /// Works on a block.
    pub fn process(&mut self, block: &mut [i16]) {
        let target = if self.muted { 0.0 } else { self.factor };
        if self.now == target {
            if target == 0.0 {
                block.fill(0);
            } else if target != 1.0 {
                for sample in block {
                    *sample = to_i16(soft_limit(f32::from(*sample) * target));
                }
            }
            return;
        }
        let step = (target - self.now) / block.len().max(1) as f32;
        for (n, sample) in block.iter_mut().enumerate() {
            let gain = self.now + step * (n + 1) as f32;
            *sample = to_i16(soft_limit(f32::from(*sample) * gain));
        }
        self.now = target;
    }
}

fn factor(db: f32) -> f32 {
    if db.is_nan() { 1.0 } else { db_to_factor(db.clamp(-100.0, 40.0)) }
}

/// dB of the setting "Handset TX Gain", `-6db` to `6db`.
pub fn tx_gain_db(text: &str) -> Option<f32> {
    let number = text.trim().to_ascii_lowercase();
    let db: i8 = number.strip_suffix("db")?.trim().parse().ok()?;
    (-6..=6).contains(&db).then_some(f32::from(db))
}

/// dB of a step of a volume: the highest is 0 dB, each below it 4 dB less; 0 is silence, `None`.
pub fn volume_db(step: u8, highest: u8) -> Option<f32> {
    (step > 0).then(|| -STEP_DB * f32::from(highest.saturating_sub(step)))
}

/// dB all sound gains for hearing aids.
const AID_DB: f32 = 8.0;
/// And the low middle of speech besides.
const AID_PEAK_DB: f32 = 3.0;
const AID_PEAK_HZ: f32 = 750.0;
/// What the limiter lets through: 3 dB below full scale.
const AID_CEILING: f32 = 23_197.0;
/// Time in which the limiter lets go by 8.7 dB, seconds.
const AID_RELEASE_S: f32 = 0.15;

/// The boost for hearing aids in the receiving path: louder by 8 dB, the low middle by 11 dB, and held below full scale
/// by a limiter that turns the gain down instead of bending the wave. At [`RATE`].
#[derive(Clone, Copy, Debug)]
pub struct HearingAid {
    peak: Biquad,
    gain: f32,
    release: f32,
    envelope: f32,
}

impl Default for HearingAid {
    fn default() -> Self {
        Self::new()
    }
}

impl HearingAid {
    /// One that has heard nothing.
    pub fn new() -> Self {
        Self {
            peak: Biquad::peak(AID_PEAK_HZ, 0.6, AID_PEAK_DB, RATE),
            gain: db_to_factor(AID_DB),
            release: (-1.0 / (AID_RELEASE_S * RATE as f32)).exp(),
            envelope: 0.0,
        }
    }

    /// Works on a block.
    pub fn process(&mut self, block: &mut [i16]) {
        for sample in block {
            let x = self.peak.take(f32::from(*sample)) * self.gain;
            self.envelope = x.abs().max(self.envelope * self.release);
            let held = if self.envelope > AID_CEILING { AID_CEILING / self.envelope } else { 1.0 };
            *sample = to_i16(x * held);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::level::dbov;

    fn sine(hz: f32, peak: f32, len: usize) -> Vec<i16> {
        (0..len).map(|i| (peak * (std::f32::consts::TAU * hz * i as f32 / 48_000.0).sin()) as i16).collect()
    }

    #[test]
    fn a_gain_is_what_it_says() {
        for db in [-20.0, -6.0, 0.0, 6.0] {
            let mut sound = sine(500.0, 8000.0, 480);
            let before = dbov(&sound);
            Gain::new(db).process(&mut sound);
            assert!((dbov(&sound) - before - db).abs() < 0.05);
        }
    }

    #[test]
    fn mute_and_unmute_do_not_click() {
        let mut gain = Gain::new(0.0);
        let mut all = sine(200.0, 20_000.0, 4800);
        let most = |sound: &[i16]| sound.windows(2).map(|w| w[0].abs_diff(w[1])).max();
        let before = most(&all);
        for (n, block) in all.chunks_exact_mut(480).enumerate() {
            gain.set_muted((3..6).contains(&n));
            gain.process(block);
        }
        assert!(all[480 * 4..480 * 6].iter().all(|s| *s == 0));
        assert_ne!(all[480 * 8 + 100], 0);
        // A ramp of a block adds at most its own slope.
        assert!(most(&all).unwrap() <= before.unwrap() + 42);
    }

    #[test]
    fn settings_have_their_decibels() {
        assert_eq!((tx_gain_db("-6db"), tx_gain_db("0dB"), tx_gain_db("3db")), (Some(-6.0), Some(0.0), Some(3.0)));
        assert_eq!((tx_gain_db("7db"), tx_gain_db("loud"), tx_gain_db("")), (None, None, None));
        assert_eq!((volume_db(8, 8), volume_db(1, 8), volume_db(0, 8)), (Some(0.0), Some(-28.0), None));
    }

    #[test]
    fn hearing_aids_get_more_but_never_too_much() {
        let gain = |hz, peak| {
            let mut sound = sine(hz, peak, 48_000);
            let before = dbov(&sound);
            HearingAid::new().process(&mut sound);
            dbov(&sound[24_000..]) - before
        };
        assert!((gain(750.0, 1000.0) - 11.0).abs() < 0.2);
        assert!((gain(3400.0, 1000.0) - 8.0).abs() < 0.8);
        // A loud sine is not raised beyond -3 dB of full scale.
        let mut loud = sine(750.0, 30_000.0, 4800);
        HearingAid::new().process(&mut loud);
        assert!(loud.iter().all(|s| f32::from(*s).abs() <= AID_CEILING + 1.0));
    }

    proptest! {
        #[test]
        fn the_soft_limit_is_odd_grows_and_stays_in_range(a in any::<f32>(), b in any::<f32>()) {
            prop_assume!(!a.is_nan() && !b.is_nan());
            prop_assert!(soft_limit(a).abs() <= FULL);
            prop_assert_eq!(soft_limit(-a), -soft_limit(a));
            prop_assert!(a > b || soft_limit(a) <= soft_limit(b));
        }

        #[test]
        fn no_sound_and_no_gain_wraps(sound in prop::collection::vec(any::<i16>(), 480), db in any::<f32>()) {
            let mut block = sound.clone();
            let mut gain = Gain::new(0.0);
            gain.set_db(db);
            gain.process(&mut block);
            gain.process(&mut block);
            prop_assert!(sound.iter().zip(&block).all(|(a, b)| i32::from(*a) * i32::from(*b) >= 0));
            HearingAid::new().process(&mut block);
        }
    }
}
