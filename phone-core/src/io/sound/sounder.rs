//! One tone at a time, with a volume of its own: turning it up does not begin the tone anew.

use audio::gain::Gain;
use audio::tone::{Pattern, TonePlayer};
use audio::{BLOCK, RATE};

/// Plays what it is told to.
pub(super) struct Sounder {
    player: TonePlayer,
    gain: Gain,
    pattern: Option<Pattern>,
    block: [i16; BLOCK],
}

impl Sounder {
    pub fn new() -> Self {
        Self { player: TonePlayer::new(RATE), gain: Gain::new(0.0), pattern: None, block: [0; BLOCK] }
    }

    /// Plays this from now on, so much louder or softer. One that plays already, or has been played, goes on as it is.
    pub fn set(&mut self, pattern: Option<Pattern>, db: f32) {
        self.gain.set_db(db);
        if self.pattern == pattern {
            return;
        }
        self.pattern = pattern;
        match pattern {
            Some(pattern) => self.player.play(pattern),
            None => self.player.stop(),
        }
    }

    /// Whether something is played, be it a pause.
    pub fn is_playing(&self) -> bool {
        self.player.is_playing()
    }

    /// Adds 10 ms of it.
    pub fn mix(&mut self, speaker: &mut [i16; BLOCK]) {
        if !self.is_playing() {
            return;
        }
        self.player.fill(&mut self.block);
        self.gain.process(&mut self.block);
        for (out, tone) in speaker.iter_mut().zip(&self.block) {
            *out = out.saturating_add(*tone);
        }
    }
}

#[cfg(test)]
mod tests {
    use audio::tone::ToneName;

    use super::*;

    #[test]
    fn a_tone_that_plays_once_is_not_played_again_when_it_gets_louder() {
        let mut sounder = Sounder::new();
        let warning = Some(ToneName::Warning.pattern());
        sounder.set(warning, 0.0);
        let mut block = [0; BLOCK];
        (0..100).for_each(|_| sounder.mix(&mut block));
        assert!(!sounder.is_playing());
        sounder.set(warning, 4.0);
        assert!(!sounder.is_playing());
        sounder.set(None, 4.0);
        sounder.set(warning, 4.0);
        assert!(sounder.is_playing());
    }
}
