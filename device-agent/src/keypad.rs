//! The keypad password, and what is dialled behind it.

use std::time::{Duration, Instant};

/// Wrong passwords in a row after which none is taken for a while.
const MOST_WRONG: u32 = 5;
const LOCKED_FOR: Duration = Duration::from_secs(60);

/// Who may do what the password protects.
#[derive(Debug, Default)]
pub struct Keypad {
    wrong: u32,
    locked_until: Option<Instant>,
}

/// Why what was dialled is not taken.
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
        let room = self.checked(dialled.strip_prefix(password), now)?;
        number(room.strip_prefix('*').unwrap_or(room))
    }

    /// Whether this is the password. Nothing is, where there is none. Who guesses has to wait.
    ///
    /// # Errors
    /// Why not.
    pub fn opens(&mut self, dialled: &str, password: &str, now: Instant) -> Result<(), NoRoom> {
        self.checked((!password.is_empty() && dialled == password).then_some(()), now)
    }

    fn checked<T>(&mut self, right: Option<T>, now: Instant) -> Result<T, NoRoom> {
        if self.locked_until.is_some_and(|until| now < until) {
            return Err(NoRoom::Locked);
        }
        self.wrong = if right.is_some() { 0 } else { self.wrong + 1 };
        if self.wrong >= MOST_WRONG {
            (self.wrong, self.locked_until) = (0, Some(now + LOCKED_FOR));
        }
        right.ok_or(NoRoom::Password)
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
    use super::*;

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

    #[test]
    fn the_password_alone_opens_and_guesses_count_together() {
        let (mut keypad, now) = (Keypad::default(), Instant::now());
        assert_eq!(keypad.opens("4711", "4711", now), Ok(()));
        for (dialled, password) in [("47110", "4711"), ("", "4711"), ("1", "")] {
            assert_eq!(keypad.opens(dialled, password, now), Err(NoRoom::Password), "{dialled} {password}");
        }
        assert_eq!(keypad.room_of("1", "101", "4711", now), Err(NoRoom::Password));
        assert_eq!(keypad.opens("1", "4711", now), Err(NoRoom::Password));
        assert_eq!(keypad.opens("4711", "4711", now), Err(NoRoom::Locked));
    }
}
