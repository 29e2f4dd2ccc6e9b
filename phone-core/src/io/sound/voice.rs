//! What the microphone hears on its way out: without the loudspeaker's echo, as loud as people expect.

use audio::BLOCK;
use audio::agc::Agc;
use audio::echo::{Aec3, EchoCanceller};
use audio::gain::Gain;

use crate::phone::Ear;

/// The chain of one microphone.
pub(super) struct Voice {
    echo: Aec3,
    agc: Agc,
    gain: Gain,
    speaker: [i16; BLOCK],
}

impl Voice {
    pub fn new() -> Self {
        Self { echo: Aec3::new(true), agc: Agc::new(), gain: Gain::new(0.0), speaker: [0; BLOCK] }
    }

    /// What the loudspeaker plays now, which the microphone will hear.
    pub fn plays(&mut self, speaker: &[i16; BLOCK]) {
        self.speaker = *speaker;
    }

    /// Cleans 10 ms of what is said.
    pub fn says(&mut self, said: &mut [i16; BLOCK], ear: Ear, tx_db: f32) {
        match ear {
            Ear::None => return,
            Ear::Speaker => {
                self.echo.process(said, &self.speaker);
                self.agc.process(said);
            }
            // Ear and mouth are coupled little: what "Handset TX Gain" says is what is heard.
            Ear::Handset => {}
        }
        self.gain.set_db(tx_db);
        self.gain.process(said);
    }
}
