//! What the phone itself does with dialled digits (guide, "Zero config"):
//!
//! * `**766*` room number `#` says which room it stands in. A number that is set already is only replaced by someone who
//!   knows the keypad password, which then comes first, with or without a `*` behind it.
//! * `**766#` has it read back.
//! * `**82#` asks for an extension.

use std::time::{Duration, Instant};

const SET_ROOM: &str = "**766*";
const READ_ROOM: &str = "**766";
const PICK_EXTENSION: &str = "**82";
const MOST_DIGITS: usize = 64;
/// Wrong passwords in a row after which none is taken for a while.
const MOST_WRONG: u32 = 5;
const LOCKED_FOR: Duration = Duration::from_secs(60);

/// A code that was dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// With what followed it.
    SetRoom(String),
    ReadRoom,
    PickExtension,
}

/// Digits since the handset was lifted.
#[derive(Debug, Default)]
pub struct Keypad {
    digits: String,
    wrong: u32,
    locked_until: Option<Instant>,
}

/// Why a dialled room number is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// It, or what stands before the number, is not the keypad password.
    Password,
    /// The password was wrong too often.
    Locked,
    /// There was none.
    Empty,
    /// A star stands in it, where there are digits alone.
    Star,
}

impl Keypad {
    /// The handset moved.
    pub fn clear(&mut self) {
        self.digits.clear();
    }

    /// A key was pressed; returns the code that `#` ends, if it is one of the phone's own.
    pub fn press(&mut self, key: char) -> Option<Code> {
        if key == '#' {
            return match std::mem::take(&mut self.digits).as_str() {
                READ_ROOM => Some(Code::ReadRoom),
                PICK_EXTENSION => Some(Code::PickExtension),
                digits => {
                    let room = digits.strip_prefix(SET_ROOM).filter(|rest| !rest.is_empty());
                    room.map(|room| Code::SetRoom(room.to_owned()))
                }
            };
        }
        if self.digits.len() < MOST_DIGITS && matches!(key, '0'..='9' | '*') {
            self.digits.push(key);
        }
        None
    }

    /// The room number out of what followed the code. Who guesses passwords has to wait.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn room_of<'a>(
        &mut self,
        dialled: &'a str,
        current: &str,
        password: &str,
        now: Instant,
    ) -> Result<&'a str, NoRoom> {
        // Some dial the password though none is needed yet; a star tells it from the number.
        let behind = |password| dialled.strip_prefix(password).and_then(|rest| rest.strip_prefix('*'));
        if password.is_empty() {
            return number(dialled);
        }
        if current.is_empty() {
            return number(behind(password).unwrap_or(dialled));
        }
        if self.locked_until.is_some_and(|until| now < until) {
            return Err(NoRoom::Locked);
        }
        let Some(room) = dialled.strip_prefix(password) else {
            self.wrong += 1;
            if self.wrong >= MOST_WRONG {
                (self.wrong, self.locked_until) = (0, Some(now + LOCKED_FOR));
            }
            return Err(NoRoom::Password);
        };
        self.wrong = 0;
        number(room.strip_prefix('*').unwrap_or(room))
    }
}

fn number(room: &str) -> Result<&str, NoRoom> {
    match room {
        "" => Err(NoRoom::Empty),
        room if room.contains('*') => Err(NoRoom::Star),
        room => Ok(room),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dial(keypad: &mut Keypad, keys: &str) -> Option<Code> {
        keys.chars().filter_map(|key| keypad.press(key)).last()
    }

    #[test]
    fn the_codes_and_nothing_else() {
        let mut keypad = Keypad::default();
        assert_eq!(dial(&mut keypad, "**766*1207#"), Some(Code::SetRoom("1207".to_owned())));
        assert_eq!(dial(&mut keypad, "**766#"), Some(Code::ReadRoom));
        assert_eq!(dial(&mut keypad, "**82#"), Some(Code::PickExtension));
        for keys in ["1207#", "**766*#", "**821#", "**76#", "9**82#", "#"] {
            assert_eq!(dial(&mut keypad, keys), None, "{keys}");
        }
        dial(&mut keypad, "**766*12");
        keypad.clear();
        assert_eq!(dial(&mut keypad, "07#"), None);
        dial(&mut keypad, &"9".repeat(1000));
        assert_eq!(keypad.digits.len(), MOST_DIGITS);
    }

    #[test]
    fn a_number_in_use_needs_the_password() {
        let (mut keypad, now) = (Keypad::default(), Instant::now());
        let mut room = |dialled, current, password| keypad.room_of(dialled, current, password, now);
        assert_eq!(room("1207", "", "4711"), Ok("1207"));
        assert_eq!(room("47111207", "101", "4711"), Ok("1207"));
        assert_eq!(room("1207", "101", ""), Ok("1207"));
        assert_eq!(room("1207", "101", "4711"), Err(NoRoom::Password));
        assert_eq!(room("4711", "101", "4711"), Err(NoRoom::Empty));
    }

    #[test]
    fn a_star_may_stand_behind_the_password_and_nowhere_else() {
        let (mut keypad, now) = (Keypad::default(), Instant::now());
        let mut room = |dialled, current, password| keypad.room_of(dialled, current, password, now);
        assert_eq!(room("123*1207", "101", "123"), Ok("1207"));
        assert_eq!(room("1231207", "101", "123"), Ok("1207"));
        assert_eq!(room("123*1207", "", "123"), Ok("1207"), "not needed yet");
        assert_eq!(room("123*", "101", "123"), Err(NoRoom::Empty));
        assert_eq!(room("123*", "", "123"), Err(NoRoom::Empty));
        for (dialled, current, password) in [
            ("123**1207", "101", "123"),
            ("123*12*07", "101", "123"),
            ("12312*07", "101", "123"),
            ("1207*", "", "123"),
            ("*1207", "", ""),
            ("123*1207", "101", ""),
        ] {
            assert_eq!(room(dialled, current, password), Err(NoRoom::Star), "{dialled} {current} {password}");
        }
    }

    #[test]
    fn whoever_guesses_has_to_wait_and_a_right_one_counts_from_the_start() {
        let (mut keypad, now) = (Keypad::default(), Instant::now());
        for _ in 0..MOST_WRONG - 1 {
            assert_eq!(keypad.room_of("1", "101", "4711", now), Err(NoRoom::Password));
        }
        assert_eq!(keypad.room_of("47111", "101", "4711", now), Ok("1"));
        for _ in 0..MOST_WRONG {
            assert_eq!(keypad.room_of("1", "101", "4711", now), Err(NoRoom::Password));
        }
        assert_eq!(keypad.room_of("47111", "101", "4711", now), Err(NoRoom::Locked));
        assert_eq!(keypad.room_of("47111", "101", "4711", now + LOCKED_FOR), Ok("1"));
    }

    proptest! {
        #[test]
        fn a_code_is_found_whatever_was_dialled_and_ended_before(
            before in "[0-9*]{0,80}#", room in "[0-9*]{1,40}"
        ) {
            let mut keypad = Keypad::default();
            dial(&mut keypad, &before);
            prop_assert_eq!(dial(&mut keypad, &format!("**766*{room}#")), Some(Code::SetRoom(room)));
        }
    }
}
