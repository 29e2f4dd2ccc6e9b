//! What the phone itself says: digits and a few sentences, from clips in the program, and two signals that need no language.
//! The clips are 8 kHz, mu-law (ITU-T G.711); how they are made stands in `clips/make.sh`.

use crate::tone::{Pattern, Step, TonePlayer};
use crate::{RATE, Resampler};

/// Hz of the clips.
const CLIP_RATE: u32 = 8000;
/// Milliseconds between two words.
const GAP_MS: u32 = 90;
/// Words of an utterance; further ones are left unsaid.
pub const MOST_WORDS: usize = 80;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $file:literal;)*) => {
        /// Something the phone can say.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Word {
            /// Two tones that rise: done.
            Yes,
            /// Two low tones: not done.
            No,
            $($(#[$doc])* $name,)*
        }

        impl Word {
            /// All of them.
            pub const ALL: &'static [Word] = &[Word::Yes, Word::No, $(Word::$name,)*];

            /// What is heard, in writing.
            pub const fn text(self) -> &'static str {
                match self { Self::Yes => "(done)", Self::No => "(not done)", $(Self::$name => $text,)* }
            }

            const fn clip(self) -> &'static [u8] {
                match self {
                    Self::Yes | Self::No => &[],
                    $(Self::$name => include_bytes!(concat!("clips/", $file, ".ulaw")),)*
                }
            }
        }
    };
}

words! {
    /// A digit.
    Zero = "0", "0";
    /// A digit.
    One = "1", "1";
    /// A digit.
    Two = "2", "2";
    /// A digit.
    Three = "3", "3";
    /// A digit.
    Four = "4", "4";
    /// A digit.
    Five = "5", "5";
    /// A digit.
    Six = "6", "6";
    /// A digit.
    Seven = "7", "7";
    /// A digit.
    Eight = "8", "8";
    /// A digit.
    Nine = "9", "9";
    /// Digits follow.
    RoomNumber = "room number", "room-number";
    /// Nobody has set one.
    NoRoomNumber = "no room number is set", "no-room-number";
    /// Digits follow.
    Extension = "extension", "extension";
    /// The phone has what it asked for.
    Accepted = "accepted", "accepted";
    /// It is asked for.
    Moment = "one moment, please", "moment";
    /// Somebody has to say yes or no.
    FrontDesk = "please wait for the front desk", "front-desk";
    /// The phone does not get it.
    Refused = "not accepted", "refused";
    /// Why.
    UnknownRoom = "there is no such room", "unknown-room";
    /// Why.
    Taken = "another phone is in this room", "taken";
    /// Why.
    Over = "the time for this is over", "over";
    /// Why.
    OtherRoom = "this room can not be taken from the phone", "other-room";
    /// What is missing.
    Password = "please dial the keypad password before the room number", "password";
    /// Nobody said anything.
    NoAnswer = "no answer yet", "no-answer";
}

impl Word {
    /// A digit; `None` of what is none.
    pub const fn digit(character: char) -> Option<Self> {
        Some(match character {
            '0' => Self::Zero,
            '1' => Self::One,
            '2' => Self::Two,
            '3' => Self::Three,
            '4' => Self::Four,
            '5' => Self::Five,
            '6' => Self::Six,
            '7' => Self::Seven,
            '8' => Self::Eight,
            '9' => Self::Nine,
            _ => return None,
        })
    }

    /// Its sound at [`RATE`]. Allocates.
    pub fn samples(self) -> Vec<i16> {
        match self {
            Self::Yes => signal(&[Step::sine(660.0, -12.0, 120), Step::pause(40), Step::sine(880.0, -12.0, 200)]),
            Self::No => signal(&[Step::sine(330.0, -12.0, 220), Step::pause(80), Step::sine(260.0, -12.0, 320)]),
            _ => spoken(self.clip()),
        }
    }
}

/// The digits of a number one by one; other characters are not said.
pub fn digits(number: &str) -> impl Iterator<Item = Word> + '_ {
    number.chars().filter_map(Word::digit)
}

/// Words one after the other, at [`RATE`]. Allocates: not for the real-time thread.
pub fn utterance(words: &[Word]) -> Vec<i16> {
    let gap = samples_of(GAP_MS);
    let mut said = Vec::new();
    for word in words.iter().take(MOST_WORDS) {
        said.extend(word.samples());
        said.resize(said.len() + gap, 0);
    }
    said
}

const fn samples_of(ms: u32) -> usize {
    (RATE / 1000 * ms) as usize
}

fn signal(steps: &[Step]) -> Vec<i16> {
    let length: u32 = steps.iter().map(|step| step.ms).sum();
    let mut player = TonePlayer::new(RATE);
    player.play(Pattern::new(steps, false));
    let mut samples = vec![0; samples_of(length)];
    player.fill(&mut samples);
    samples
}

fn spoken(clip: &[u8]) -> Vec<i16> {
    let Ok(mut resampler) = Resampler::new(CLIP_RATE, RATE) else { return Vec::new() };
    let (input, output) = (resampler.input_len(), resampler.output_len());
    let mut samples = Vec::with_capacity((clip.len() / input + 1) * output);
    let mut block = vec![0; output];
    for chunk in clip.chunks(input) {
        let linear: Vec<i16> = chunk.iter().map(|byte| linear(*byte)).collect();
        resampler.process(&linear, &mut block);
        samples.extend_from_slice(&block);
    }
    samples
}

/// A sample of mu-law (ITU-T G.711 §3, table 2).
const fn linear(byte: u8) -> i16 {
    let byte = !byte;
    let size = ((((byte & 0x0f) as i16) << 3) + 0x84) << ((byte >> 4) & 7);
    if byte & 0x80 == 0 { size - 0x84 } else { 0x84 - size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_heard_and_short() {
        for word in Word::ALL {
            let samples = word.samples();
            let seconds = samples.len() as f32 / RATE as f32;
            assert!((0.2..3.5).contains(&seconds), "{word:?} takes {seconds} s");
            let loudest = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
            assert!((4_000..32_768).contains(&u32::from(loudest)), "{word:?} peaks at {loudest}");
        }
    }

    #[test]
    fn a_number_is_said_digit_by_digit() {
        let said: Vec<Word> = digits("1A2-07").collect();
        assert_eq!(said, [Word::One, Word::Two, Word::Zero, Word::Seven]);
        let gap = samples_of(GAP_MS);
        let expected: usize = said.iter().map(|word| word.samples().len() + gap).sum();
        assert_eq!(utterance(&said).len(), expected);
        assert_eq!(utterance(&[Word::Yes; MOST_WORDS + 1]).len(), utterance(&[Word::Yes; MOST_WORDS]).len());
    }

    #[test]
    fn mu_law_is_that_of_the_standard() {
        for (byte, value) in [(0xff, 0), (0x7f, 0), (0x80, 32124), (0x00, -32124), (0xf0, 120), (0x70, -120)] {
            assert_eq!(linear(byte), value, "{byte:#x}");
        }
    }
}
