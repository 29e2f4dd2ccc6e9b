//! What the phone says itself is really to be heard, and by whom.

use audio::speech::{Word, digits, utterance};
use phone_core::{HookSwitch, Input, Tone};

use super::measure::level;
use super::room::Room;

fn say(room: &mut Room, aloud: bool) -> Vec<Word> {
    let words: Vec<Word> = std::iter::once(Word::RoomNumber).chain(digits("1207")).collect();
    room.bench.input(Input::Say { words: words.clone(), aloud });
    words
}

/// Where the utterance stands in what was heard, sample by sample; `None` if it does not. What was heard before may fade in
/// its first block.
fn is_said(heard: &[i16], words: &[Word]) -> Option<usize> {
    let said = utterance(words);
    let same = |start: usize| {
        let part = heard.get(start..start + said.len());
        part.is_some_and(|part| part.iter().zip(&said).skip(480).all(|(one, other)| one.abs_diff(*other) <= 2))
    };
    (0..heard.len()).step_by(480).find(|start| same(*start))
}

#[test]
fn a_number_is_heard_in_the_handset_in_place_of_the_dial_tone() {
    let mut room = Room::new(&[("audio.sidetone.handset", "0")]);
    room.bench.hook(HookSwitch::Off);
    room.run(500);
    let words = say(&mut room, false);
    assert_eq!(room.bench.phone.state().saying, ["room number", "1", "2", "0", "7"]);
    let heard = room.run(6000);
    assert!(is_said(&heard, &words).is_some_and(|start| start < 4800), "it begins at once");
    assert_eq!(room.bench.phone.state().tone, Tone::None);
    assert!(level(&heard[heard.len() - 4800..]) < -80.0, "and ends");
}

#[test]
fn a_key_or_the_cradle_cuts_it_off_and_the_same_words_are_said_again() {
    let mut room = Room::new(&[]);
    room.bench.hook(HookSwitch::Off);
    for _ in 0..2 {
        let words = say(&mut room, false);
        assert!(is_said(&room.run(6000), &words).is_some());
    }
    say(&mut room, false);
    room.run(300);
    room.bench.input(Input::KeyPress('1'));
    room.run(20);
    assert!(level(&room.run(300)) < -80.0);
    say(&mut room, false);
    room.run(300);
    room.bench.hook(HookSwitch::On);
    room.run(20);
    assert!(level(&room.run(300)) < -80.0);
}

#[test]
fn in_the_cradle_only_what_is_asked_for_is_said_aloud() {
    let mut room = Room::new(&[]);
    say(&mut room, false);
    assert!(level(&room.run(2000)) < -80.0, "nobody asked");
    say(&mut room, true);
    assert!(level(&room.run(2000)) > -50.0);
    assert!(room.bench.phone.state().speaker);
}

#[test]
fn in_a_call_nothing_is_said() {
    let mut room = Room::talk(&[]);
    say(&mut room, true);
    assert!(room.bench.phone.state().saying.is_empty());
    assert!(room.bench.phone.sound().saying.is_none());
}
