//! Voices that are cut off in the middle of a wave, without a click: the step is spread over some milliseconds.

use audio::BLOCK;

/// Samples a step is spread over: 5 ms.
const SPREAD: usize = BLOCK / 2;

/// Follows a sound from block to block.
#[derive(Debug, Default)]
pub(super) struct Seam {
    last: i16,
    cut: bool,
}

impl Seam {
    /// The next block does not go on where the last one ended.
    pub const fn cut(&mut self) {
        self.cut = true;
    }

    /// Takes the next block; after a cut it begins where the last one ended.
    pub fn process(&mut self, block: &mut [i16; BLOCK]) {
        if std::mem::take(&mut self.cut) {
            let step = i32::from(self.last) - i32::from(block[0]);
            for (left, sample) in (1..=SPREAD as i32).rev().zip(block.iter_mut()) {
                let joined = i32::from(*sample) + step * left / SPREAD as i32;
                *sample = joined.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
            }
        }
        self.last = block[BLOCK - 1];
    }

    /// Nothing is left to be joined to.
    pub const fn is_quiet(&self) -> bool {
        self.last == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_that_is_cut_fades_without_a_step() {
        let mut seam = Seam::default();
        seam.process(&mut [20_000; BLOCK]);
        assert!(!seam.is_quiet());
        seam.cut();
        let mut block = [0; BLOCK];
        seam.process(&mut block);
        let steps = block.windows(2).map(|two| (i32::from(two[0]) - i32::from(two[1])).abs());
        assert!(block[0] == 20_000 && steps.max().unwrap() <= 20_000 / SPREAD as i32 + 1, "{block:?}");
        assert!(block[SPREAD..] == [0; BLOCK - SPREAD] && seam.is_quiet());
    }

    #[test]
    fn steps_of_the_sound_itself_stay_and_extremes_do_not_wrap() {
        let mut seam = Seam::default();
        seam.process(&mut [i16::MIN; BLOCK]);
        let mut block = [i16::MAX; BLOCK];
        seam.process(&mut block);
        assert_eq!(block, [i16::MAX; BLOCK]);
        seam.cut();
        let mut block = [i16::MIN; BLOCK];
        block[1] = i16::MAX;
        seam.process(&mut block);
        assert_eq!(block[..2], [i16::MAX; 2]);
    }
}
