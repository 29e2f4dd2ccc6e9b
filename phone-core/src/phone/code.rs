//! Codes of the phone's own (guide, "Zero config" and "Restore to Factory Default via Keypad"), dialled like numbers and ended
//! by `#`. Every other number that begins with `**` is one of the dial plan's.

use std::fmt;

/// A code that was dialled. Whoever has the phone carries it out. Debug shows none of the digits behind it: the keypad
/// password is among them.
#[derive(Clone, PartialEq, Eq)]
pub enum Code {
    /// `**766*` room number: with what followed the code.
    SetRoom(String),
    /// `**766`: have the room number read aloud.
    ReadRoom,
    /// `**82`: ask for an extension.
    PickExtension,
    /// `**37*` keypad password: with what followed the code.
    FactoryReset(String),
}

const SET_ROOM: &str = "**766*";
const READ_ROOM: &str = "**766";
const PICK_EXTENSION: &str = "**82";
const FACTORY_RESET: &str = "**37*";

impl Code {
    /// The code these digits are.
    pub fn read(digits: &str) -> Option<Self> {
        let behind = |code| digits.strip_prefix(code).filter(|rest| !rest.is_empty()).map(str::to_owned);
        match digits {
            READ_ROOM => Some(Self::ReadRoom),
            PICK_EXTENSION => Some(Self::PickExtension),
            _ => behind(SET_ROOM).map(Self::SetRoom).or_else(|| behind(FACTORY_RESET).map(Self::FactoryReset)),
        }
    }

    /// Whether these digits are the beginning of a code that is nothing else: a room number or a password follows, which no
    /// dial plan is to have.
    pub(super) fn is_begun(digits: &str) -> bool {
        digits.starts_with(SET_ROOM) || digits.starts_with(FACTORY_RESET)
    }

    /// Whether these digits are a code, or its beginning.
    pub(super) fn may_become(digits: &str) -> bool {
        let begins = |code: &str| code.starts_with(digits);
        begins(SET_ROOM) || begins(PICK_EXTENSION) || begins(FACTORY_RESET) || Self::read(digits).is_some()
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SetRoom(_) => "SetRoom",
            Self::ReadRoom => "ReadRoom",
            Self::PickExtension => "PickExtension",
            Self::FactoryReset(_) => "FactoryReset",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_and_nothing_else() {
        assert_eq!(Code::read("**766*1207"), Some(Code::SetRoom("1207".to_owned())));
        assert_eq!(Code::read("**766"), Some(Code::ReadRoom));
        assert_eq!(Code::read("**82"), Some(Code::PickExtension));
        assert_eq!(Code::read("**37*123"), Some(Code::FactoryReset("123".to_owned())));
        for digits in ["", "1207", "**766*", "**821", "**76", "9**82", "**37", "**37*", "**1207", "**47"] {
            assert_eq!(Code::read(digits), None, "{digits}");
        }
        for digits in ["*", "**", "**7", "**766*", "**766*1", "**8", "**37"] {
            assert!(Code::may_become(digits), "{digits}");
        }
        for digits in ["1", "**1", "**821", "**761", "**47"] {
            assert!(!Code::may_become(digits), "{digits}");
        }
    }
}
