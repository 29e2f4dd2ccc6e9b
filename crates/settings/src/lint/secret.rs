//! How good a password is, said without the password.

/// Passwords of factories and of every attacker's list; also with a few digits or signs before or behind them.
const KNOWN: [&str; 30] = [
    "admin",
    "administrator",
    "password",
    "passw0rd",
    "pass",
    "user",
    "root",
    "guest",
    "secret",
    "changeme",
    "default",
    "welcome",
    "letmein",
    "qwerty",
    "qwertz",
    "asdf",
    "abc",
    "test",
    "phone",
    "voip",
    "sip",
    "hotel",
    "room",
    "grandstream",
    "1234567890",
    "0123456789",
    "9876543210",
    "0987654321",
    "abcdefgh",
    "iloveyou",
];
/// Digits and signs around a known word that make nothing better of it: a year, the number of a room.
const AROUND: usize = 4;
/// Characters that are repeated: `1212`, `12341234`.
const BLOCK: usize = 4;

/// What is known of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secret {
    /// Characters.
    pub length: usize,
    /// It is one that everybody tries first.
    pub known: bool,
    /// It is the name of the user it belongs to.
    pub same_as_user: bool,
    /// Nothing but digits.
    pub digits_only: bool,
}

impl Secret {
    /// `user` is the name that goes with it; empty where there is none.
    pub fn of(plain: &str, user: &str) -> Self {
        let lower = plain.to_lowercase();
        Self {
            length: plain.chars().count(),
            known: is_known(&lower) || is_repeated(plain),
            same_as_user: !user.is_empty() && lower == user.to_lowercase(),
            digits_only: !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit()),
        }
    }

    /// Why it is weak, where at least so many characters are wanted.
    pub fn weakness(&self, least: usize) -> Option<String> {
        match self {
            _ if self.known => Some("it is one that everybody tries first".to_owned()),
            _ if self.same_as_user => Some("it is the same as the user".to_owned()),
            _ if self.length < least => Some(format!("it has {} characters; {least} are the least", self.length)),
            _ if self.digits_only && self.length < 2 * least => Some("it has nothing but digits".to_owned()),
            _ => None,
        }
    }
}

/// `admin`, `Password1`, `1207admin!`, `1234`.
fn is_known(lower: &str) -> bool {
    let is_row = |text: &str| {
        text.len() >= 3 && KNOWN.iter().any(|known| known.starts_with(char::is_numeric) && known.contains(text))
    };
    let stem = lower.trim_matches(|c: char| !c.is_alphabetic());
    let around = lower.chars().count() - stem.chars().count();
    is_row(lower) || KNOWN.contains(&lower) || (around <= AROUND && KNOWN.contains(&stem))
}

/// `1111`, `12341234`, `abcabcab`.
fn is_repeated(plain: &str) -> bool {
    let letters: Vec<char> = plain.chars().collect();
    (1..=BLOCK.min(letters.len() / 2)).any(|block| letters.iter().zip(letters.iter().skip(block)).all(|(a, b)| a == b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_tries_is_known_with_what_people_put_around_it() {
        for weak in [
            "admin",
            "ADMIN123",
            "password1",
            "Passw0rd!",
            "qwerty12",
            "grandstream1",
            "admin1207",
            "1207Admin",
            "12341234",
            "1111",
            "11",
            "abcabcab",
            "123",
            "123456789",
            "Hotel2024",
            "4321",
        ] {
            assert!(Secret::of(weak, "").known, "{weak}");
        }
        for good in
            ["", "8426", "84261", "kV7mQx2pRt9Lw4Zc", "admin-of-the-harbour", "adminton", "1a2b3c4d", "pass12345"]
        {
            assert!(!Secret::of(good, "").known, "{good}");
        }
    }
}
