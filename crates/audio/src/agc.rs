//! Brings speech to about the same level, -23 dBov, whoever speaks and however near.
//!
//! Only speech moves the gain, and only slowly: in pauses it stays, so that noise does not swell.

use crate::gain::soft_limit;
use crate::level::dbov;
use crate::to_i16;
use crate::vad::Vad;

/// Level of speech to come to, dBov.
pub const TARGET_DBOV: f32 = -23.0;
/// Most gain, and most attenuation, dB.
const MOST_DB: f32 = 18.0;
const LEAST_DB: f32 = -15.0;
/// Most change in a block of speech, dB: 6 dB a second up, 15 dB a second down.
const UP_DB: f32 = 0.06;
const DOWN_DB: f32 = 0.15;
/// dB off the target that are left as they are.
const NEAR_DB: f32 = 1.0;
/// Weight of a new block in the level of speech: about 0.7 s.
const WEIGHT: f32 = 0.015;
/// Least that a block must be above the background to count, dB.
const CLEAR_DB: f32 = 12.0;

/// Automatic gain for blocks of 10 ms, at any rate.
#[derive(Clone, Debug)]
pub struct Agc {
    vad: Vad,
    /// Mean power of speech before the gain, as a part of overload; `None` before there was any.
    power: Option<f32>,
    gain_db: f32,
    factor: f32,
}

impl Default for Agc {
    fn default() -> Self {
        Self::new()
    }
}

impl Agc {
    /// One that changes nothing yet.
    pub fn new() -> Self {
        Self { vad: Vad::new(), power: None, gain_db: 0.0, factor: 1.0 }
    }

    /// The present gain, dB.
    pub const fn gain_db(&self) -> f32 {
        self.gain_db
    }

    /// Works on a block.
    pub fn process(&mut self, block: &mut [i16]) {
        let level = dbov(block);
        if self.vad.process(block) && level > self.vad.floor_dbov() + CLEAR_DB {
            let power = 10.0_f32.powf(level / 10.0);
            let mean = self.power.map_or(power, |mean| mean + WEIGHT * (power - mean));
            self.power = Some(mean);
            let wanted = (TARGET_DBOV - 10.0 * mean.max(1e-12).log10()).clamp(LEAST_DB, MOST_DB);
            let off = wanted - self.gain_db;
            if off.abs() > NEAR_DB {
                self.gain_db += off.clamp(-DOWN_DB, UP_DB);
            }
        }
        let target = crate::db_to_factor(self.gain_db);
        let step = (target - self.factor) / block.len().max(1) as f32;
        for sample in block {
            self.factor += step;
            *sample = to_i16(soft_limit(f32::from(*sample) * self.factor));
        }
        self.factor = target;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::SpeechLevel;
    use crate::signal::{Noise, Speech};

    /// Speech of a level, dBov, at 8 kHz.
    fn speech(level: f32, seed: u64, seconds: usize) -> Vec<i16> {
        let sound: Vec<i16> = Speech::new(8000, seed).take(8000 * seconds).collect();
        let mut meter = SpeechLevel::new(8000);
        meter.take(&sound);
        let factor = crate::db_to_factor(level - meter.result().unwrap().0);
        sound.iter().map(|s| to_i16(soft_limit(f32::from(*s) * factor))).collect()
    }

    #[test]
    fn soft_and_loud_speech_come_to_the_target() {
        for level in [-38.0, -30.0, -23.0, -16.0] {
            let mut agc = Agc::new();
            let mut sound = speech(level, 4, 20);
            sound.chunks_exact_mut(80).for_each(|block| agc.process(block));
            let mut meter = SpeechLevel::new(8000);
            meter.take(&sound[8000 * 10..]);
            let heard = meter.result().unwrap().0;
            assert!((heard - TARGET_DBOV).abs() < 3.0, "{level} became {heard}");
        }
    }

    #[test]
    fn the_gain_rests_in_pauses_and_hardly_moves_in_steady_speech() {
        let mut agc = Agc::new();
        let mut sound = speech(-35.0, 9, 30);
        let (mut least, mut most) = (f32::MAX, f32::MIN);
        for (n, block) in sound.chunks_exact_mut(80).enumerate() {
            agc.process(block);
            if n > 1000 {
                least = least.min(agc.gain_db());
                most = most.max(agc.gain_db());
            }
        }
        assert!(most - least < 4.0, "{least} to {most}");
        let before = agc.gain_db();
        let mut noise = Noise::new(1);
        for _ in 0..1000 {
            let mut block: Vec<i16> = (0..80).map(|_| (noise.gaussian() * 30.0) as i16).collect();
            agc.process(&mut block);
        }
        assert!((agc.gain_db() - before).abs() < 0.5);
    }

    #[test]
    fn noise_alone_is_not_raised() {
        let mut agc = Agc::new();
        let mut noise = Noise::new(2);
        for _ in 0..2000 {
            let mut block: Vec<i16> = (0..80).map(|_| (noise.gaussian() * 150.0) as i16).collect();
            agc.process(&mut block);
        }
        assert!(agc.gain_db() < 2.0, "{}", agc.gain_db());
    }
}
