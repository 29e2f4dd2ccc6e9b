//! The talker's own voice in their ear: without it a handset feels dead.

use crate::to_i16;

/// Highest level of the setting.
pub const MAX_LEVEL: u8 = 30;
/// Level unless set otherwise.
pub const DEFAULT_LEVEL: u8 = 15;
/// dB of the highest level; each below it is 1 dB less. The usual 15 is -18 dB.
const LOUDEST_DB: f32 = -3.0;

/// dB of a level of the setting; 0 is off, `None`. More than 30 counts as 30.
pub fn gain_db(level: u8) -> Option<f32> {
    (level > 0).then(|| LOUDEST_DB - f32::from(MAX_LEVEL.saturating_sub(level)))
}

/// Adds the microphone to the loudspeaker.
#[derive(Clone, Copy, Debug)]
pub struct Sidetone {
    target: f32,
    now: f32,
}

impl Sidetone {
    /// At a level of the setting.
    pub fn new(level: u8) -> Self {
        let target = gain_db(level).map_or(0.0, crate::db_to_factor);
        Self { target, now: target }
    }

    /// Goes to a level in the next block.
    pub fn set_level(&mut self, level: u8) {
        self.target = Self::new(level).target;
    }

    /// Adds a block of the microphone to one of the loudspeaker; what is too loud is cut.
    pub fn process(&mut self, microphone: &[i16], speaker: &mut [i16]) {
        if self.now == 0.0 && self.target == 0.0 {
            return;
        }
        let step = (self.target - self.now) / speaker.len().max(1) as f32;
        for (out, own) in speaker.iter_mut().zip(microphone) {
            self.now += step;
            *out = out.saturating_add(to_i16(f32::from(*own) * self.now));
        }
        self.now = self.target;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_decibels_and_0_is_off() {
        assert_eq!((gain_db(0), gain_db(1), gain_db(15), gain_db(30)), (None, Some(-32.0), Some(-18.0), Some(-3.0)));
        assert_eq!(gain_db(200), Some(-3.0));
        let mut speaker = [100; 480];
        Sidetone::new(0).process(&[10_000; 480], &mut speaker);
        assert_eq!(speaker, [100; 480]);
        Sidetone::new(DEFAULT_LEVEL).process(&[10_000; 480], &mut speaker);
        assert_eq!(speaker, [1359; 480]);
    }

    #[test]
    fn loud_voices_are_cut_and_a_new_level_comes_smoothly() {
        let mut speaker = [32_000; 480];
        Sidetone::new(30).process(&[30_000; 480], &mut speaker);
        assert_eq!(speaker, [i16::MAX; 480]);
        let mut sidetone = Sidetone::new(0);
        sidetone.set_level(30);
        let mut speaker = [0; 480];
        sidetone.process(&[10_000; 480], &mut speaker);
        assert!(speaker.windows(2).all(|w| (0..=16).contains(&(w[1] - w[0]))));
        assert_eq!(speaker[479], 7079);
    }
}
