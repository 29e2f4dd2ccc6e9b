//! What the phone itself does with dialled digits: `**766*` room number `#` tells it which room it stands in (guide,
//! "Set room number"). A number that is set already is only replaced by someone who knows the keypad password.

const SET_ROOM: &str = "**766*";
const MOST_DIGITS: usize = 64;

/// Digits since the handset was lifted.
#[derive(Debug, Default)]
pub struct Keypad {
    digits: String,
}

impl Keypad {
    /// The handset moved.
    pub fn clear(&mut self) {
        self.digits.clear();
    }

    /// A key was pressed; returns what was dialled when `#` ends a room code, without the code.
    pub fn press(&mut self, key: char) -> Option<String> {
        if key == '#' {
            let digits = std::mem::take(&mut self.digits);
            return digits.strip_prefix(SET_ROOM).filter(|rest| !rest.is_empty()).map(str::to_owned);
        }
        if self.digits.len() < MOST_DIGITS && matches!(key, '0'..='9' | '*') {
            self.digits.push(key);
        }
        None
    }
}

/// The room number out of what followed the code.
///
/// # Errors
/// Why it is not accepted.
pub fn room_of<'a>(dialled: &'a str, current_room: &str, password: &str) -> Result<&'a str, &'static str> {
    let room = if current_room.is_empty() || password.is_empty() {
        dialled
    } else {
        dialled.strip_prefix(password).ok_or("the room number is set; the keypad password has to come first")?
    };
    if room.is_empty() { Err("no room number was dialled") } else { Ok(room) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dial(keypad: &mut Keypad, keys: &str) -> Option<String> {
        keys.chars().filter_map(|key| keypad.press(key)).last()
    }

    #[test]
    fn the_code_and_nothing_else() {
        let mut keypad = Keypad::default();
        assert_eq!(dial(&mut keypad, "**766*1207#").as_deref(), Some("1207"));
        assert_eq!(dial(&mut keypad, "1207#"), None);
        assert_eq!(dial(&mut keypad, "**766*#"), None);
        dial(&mut keypad, "**766*12");
        keypad.clear();
        assert_eq!(dial(&mut keypad, "07#"), None);
        dial(&mut keypad, &"9".repeat(1000));
        assert_eq!(keypad.digits.len(), MOST_DIGITS);
    }

    #[test]
    fn a_number_in_use_needs_the_password() {
        assert_eq!(room_of("1207", "", "4711"), Ok("1207"));
        assert_eq!(room_of("47111207", "101", "4711"), Ok("1207"));
        assert_eq!(room_of("1207", "101", ""), Ok("1207"));
        assert!(room_of("1207", "101", "4711").is_err());
        assert!(room_of("4711", "101", "4711").is_err());
    }
}
