//! Whether somebody speaks: the level of a block against the least level of the last two seconds.

use crate::level::{SILENCE_DBOV, dbov};

/// Blocks of one part of the time over which the floor is sought, and how many parts there are: 2 s.
const PART: u32 = 25;
const PARTS: usize = 8;
/// dB above the floor that are speech.
const OVER_FLOOR_DB: f32 = 9.0;
/// What is softer is never speech, dBov.
const LEAST_DBOV: f32 = -58.0;
/// Highest the floor may be, dBov: a voice without pauses is not noise.
const HIGHEST_FLOOR_DBOV: f32 = -30.0;
/// Blocks that count as speech after the last that was: 200 ms.
const HANGOVER: u32 = 20;

/// Voice activity of blocks of 10 ms, at any rate.
#[derive(Clone, Debug)]
pub struct Vad {
    smooth: f32,
    least: [f32; PARTS],
    part: usize,
    blocks: u32,
    hangover: u32,
}

impl Default for Vad {
    fn default() -> Self {
        Self::new()
    }
}

impl Vad {
    /// One that has heard nothing: it takes the first loud sound for speech.
    pub fn new() -> Self {
        Self { smooth: SILENCE_DBOV, least: [LEAST_DBOV; PARTS], part: 0, blocks: 0, hangover: 0 }
    }

    /// Level of the background, dBov.
    pub fn floor_dbov(&self) -> f32 {
        self.least.iter().copied().fold(HIGHEST_FLOOR_DBOV, f32::min)
    }

    /// Whether a block of 10 ms is speech, or right after it.
    pub fn process(&mut self, block: &[i16]) -> bool {
        let level = dbov(block);
        // The mean of a few blocks, for noise moves from one to the next.
        self.smooth = if self.smooth <= SILENCE_DBOV { level } else { 0.75 * self.smooth + 0.25 * level };
        if self.blocks == PART {
            self.blocks = 0;
            self.part = (self.part + 1) % PARTS;
            self.least[self.part] = self.smooth;
        }
        self.blocks += 1;
        self.least[self.part] = self.least[self.part].min(self.smooth);
        if level > LEAST_DBOV && level > self.floor_dbov() + OVER_FLOOR_DB {
            self.hangover = HANGOVER;
            return true;
        }
        let still = self.hangover > 0;
        self.hangover = self.hangover.saturating_sub(1);
        still
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{Noise, Speech};

    fn noise(noise: &mut Noise, size: f32, blocks: usize) -> Vec<i16> {
        (0..blocks * 80).map(|_| (noise.gaussian() * size) as i16).collect()
    }

    fn share(vad: &mut Vad, sound: &[i16]) -> f32 {
        let blocks = sound.chunks_exact(80);
        let all = blocks.len() as f32;
        blocks.filter(|block| vad.process(block)).count() as f32 / all
    }

    #[test]
    fn speech_is_heard_over_noise_and_noise_is_not_speech() {
        let mut source = Noise::new(5);
        // -46 dBov of noise.
        for size in [20.0, 160.0] {
            let mut vad = Vad::new();
            share(&mut vad, &noise(&mut source, size, 250));
            assert!(share(&mut vad, &noise(&mut source, size, 500)) < 0.01);
            let mut speech: Vec<i16> = Speech::new(8000, 2).take(8000 * 10).collect();
            for (sample, noise) in speech.iter_mut().zip(noise(&mut source, size, 1000)) {
                *sample = sample.saturating_add(noise);
            }
            assert!(share(&mut vad, &speech) > 0.8);
            share(&mut vad, &noise(&mut source, size, 25));
            assert!(share(&mut vad, &noise(&mut source, size, 500)) < 0.01);
        }
    }

    #[test]
    fn silence_is_not_speech_and_speech_lasts_200_ms_longer() {
        let mut vad = Vad::new();
        assert!(!vad.process(&[0; 80]));
        assert!(vad.process(&[5000; 80]));
        assert_eq!((0..100).filter(|_| vad.process(&[0; 80])).count(), HANGOVER as usize);
    }
}
