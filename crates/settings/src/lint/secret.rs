//! How good a password is, said without the password.

/// Passwords of factories and of every attacker's list.
const KNOWN: [&str; 20] = [
    "admin",
    "password",
    "passw0rd",
    "123",
    "1234",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "000000",
    "111111",
    "0000",
    "1111",
    "user",
    "root",
    "guest",
    "secret",
    "changeme",
    "grandstream",
];

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
            known: KNOWN.contains(&lower.as_str()) || is_one_character(plain),
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

/// `1111`.
fn is_one_character(plain: &str) -> bool {
    let mut letters = plain.chars();
    letters.next().is_some_and(|first| letters.all(|letter| letter == first))
}
