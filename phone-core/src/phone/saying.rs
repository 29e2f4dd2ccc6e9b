//! What the phone says itself, while nobody talks in it: a room number, or what became of something dialled.

use std::sync::Arc;

use audio::speech::Word;

use super::{Ear, Phone};
use crate::state::Tone;
use crate::time::Instant;

/// Words to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saying {
    /// Each utterance has its own, so that the same words are said again.
    pub turn: u32,
    /// In their order.
    pub words: Arc<[Word]>,
}

impl Phone {
    /// Says something instead of any tone, if somebody listens. `aloud`: over the loudspeaker if the handset lies in its
    /// cradle. In calls nothing is said.
    pub(super) fn say(&mut self, now: Instant, words: &[Word], aloud: bool) {
        if words.is_empty() || self.has_calls() {
            return;
        }
        if !self.is_open() {
            if !aloud {
                return;
            }
            self.speaker = true;
        }
        self.dialler.start_over(now + self.settings.off_hook_timeout);
        self.set_tone(Tone::None);
        self.said = self.said.wrapping_add(1);
        self.saying = Some(Saying { turn: self.said, words: words.into() });
    }

    /// What is said now. A call, or the handset in its cradle, cuts it off.
    pub(super) fn saying(&self, ear: Ear) -> Option<Saying> {
        self.saying.clone().filter(|_| ear != Ear::None && !self.has_calls())
    }
}
