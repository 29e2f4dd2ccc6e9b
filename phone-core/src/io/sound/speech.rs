//! An utterance that is being played.

use audio::BLOCK;
use audio::speech::{Word, utterance};

/// Samples, and how far they have been played. Made and dropped beside the real-time thread.
pub(super) struct Speech {
    samples: Box<[i16]>,
    at: usize,
    fades: bool,
}

impl Speech {
    pub fn of(words: &[Word]) -> Self {
        Self { samples: utterance(words).into(), at: 0, fades: false }
    }

    /// The next block is the last one, and falls silent in it.
    pub const fn fade(&mut self) {
        self.fades = true;
    }

    /// The next 10 ms, and whether more follow.
    pub fn block(&mut self) -> ([i16; BLOCK], bool) {
        let mut block = [0; BLOCK];
        let rest = self.samples.get(self.at..).unwrap_or_default();
        for (at, (to, from)) in block.iter_mut().zip(rest).enumerate() {
            let left = if self.fades { BLOCK - at } else { BLOCK } as i32;
            *to = (i32::from(*from) * left / BLOCK as i32) as i16;
        }
        self.at += BLOCK;
        (block, !self.fades && self.at < self.samples.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_played_to_its_end_or_fades_in_one_block() {
        let mut speech = Speech::of(&[Word::Yes]);
        let blocks = (1..).take_while(|_| speech.block().1).count() + 1;
        assert_eq!(blocks, utterance(&[Word::Yes]).len().div_ceil(BLOCK));
        let mut speech = Speech::of(&[Word::Yes]);
        speech.block();
        speech.fade();
        let (block, goes_on) = speech.block();
        assert!(!goes_on && block[BLOCK - 1].abs() < 100);
    }
}
