//! Sets of keys, and sets of places between the keys of a number, as bits.

use crate::MAX_KEYS;

/// Some of the keys (ASCII characters). Letters are in it in both cases or not at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeySet(u128);

impl KeySet {
    /// `x`: any digit.
    pub fn digits() -> Self {
        Self::range('0', '9')
    }

    /// `X`: any digit or letter.
    pub fn alphanumerics() -> Self {
        Self::digits().or(Self::range('a', 'z'))
    }

    /// One key.
    pub fn one(key: char) -> Self {
        Self::range(key, key)
    }

    /// From `low` to `high`.
    pub fn range(low: char, high: char) -> Self {
        let bits = (low..=high)
            .filter(char::is_ascii)
            .fold(0, |bits, key| bits | bit(key.to_ascii_lowercase() as u32) | bit(key.to_ascii_uppercase() as u32));
        Self(bits)
    }

    /// What is in either.
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn has(self, key: u8) -> bool {
        self.0 & bit(u32::from(key)) != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

/// Some of the places in a number: 0 before its first key, 1 after it, up to [`MAX_KEYS`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Places(u128);

const _: () = assert!(MAX_KEYS < 128, "every place has a bit");

impl Places {
    /// Before the first key.
    pub fn start() -> Self {
        Self(1)
    }

    pub fn has(self, place: usize) -> bool {
        self.0 & place_bit(place) != 0
    }

    pub fn add(&mut self, place: usize) {
        self.0 |= place_bit(place);
    }

    /// What is in either.
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

fn place_bit(place: usize) -> u128 {
    u32::try_from(place).map_or(0, bit)
}

/// No bit beyond the 128th.
fn bit(index: u32) -> u128 {
    1u128.checked_shl(index).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_in_in_both_cases() {
        let set = KeySet::range('B', 'D').or(KeySet::one('z'));
        for key in *b"bcdBCDzZ" {
            assert!(set.has(key));
        }
        for key in *b"aAeEyY1*" {
            assert!(!set.has(key));
        }
        assert!(set.is_within(KeySet::alphanumerics()) && !set.is_within(KeySet::digits()));
    }

    #[test]
    fn what_is_no_key_is_in_no_set() {
        assert!(KeySet::one('é').is_empty());
        assert!(!KeySet::alphanumerics().has(0xe9));
        let mut places = Places::start();
        places.add(500);
        assert_eq!(places, Places::start());
    }
}
