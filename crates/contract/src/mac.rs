//! MAC addresses: twelve hex digits, whatever separators they were typed with.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A MAC address. It is a name, never a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac([u8; 6]);

/// Why a text is not a MAC address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a MAC address; write twelve hexadecimal digits, for example c0:74:ad:12:07:01")]
pub struct MacError(String);

impl Mac {
    pub const fn new(bytes: [u8; 6]) -> Self {
        Self(bytes)
    }

    pub const fn bytes(&self) -> [u8; 6] {
        self.0
    }

    /// Twelve lower-case hex digits without separators: the form in file names and the database.
    pub fn compact(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The manufacturer's part, six upper-case hex digits, as TR-069 writes an OUI.
    pub fn oui(&self) -> String {
        self.0[..3].iter().map(|byte| format!("{byte:02X}")).collect()
    }
}

impl FromStr for Mac {
    type Err = MacError;

    /// Accepts `:`, `-`, `.` and spaces between digits; refuses multicast and all-zero addresses, which no phone has.
    fn from_str(text: &str) -> Result<Self, MacError> {
        let refuse = || MacError(text.chars().take(40).collect());
        if text.len() > 40 {
            return Err(refuse());
        }
        let mut digits = Vec::with_capacity(12);
        for character in text.trim().chars() {
            match character.to_digit(16) {
                Some(digit) => digits.push(digit as u8),
                None if matches!(character, ':' | '-' | '.' | ' ') => {}
                None => return Err(refuse()),
            }
        }
        if digits.len() != 12 {
            return Err(refuse());
        }
        let mut bytes = [0; 6];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        if bytes[0] & 1 == 1 || bytes == [0; 6] {
            return Err(refuse());
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Mac {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^[0-9a-f]{2}(:[0-9a-f]{2}){5}$"))
            .description(Some("MAC address. Any usual separators are accepted, colons are written."))
            .build()
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Mac {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn takes_the_usual_spellings() {
        for text in ["C0:74:AD:12:07:01", "c074ad120701", "c0-74-ad-12-07-01", "c074.ad12.0701", " c0 74 ad 12 07 01 "]
        {
            assert_eq!(text.parse::<Mac>().unwrap().to_string(), "c0:74:ad:12:07:01", "{text}");
        }
    }

    #[test]
    fn refuses_what_no_phone_has() {
        for text in ["", "c074ad1207", "c074ad12070g", "000000000000", "ffffffffffff", "01:00:5e:00:00:01"] {
            assert!(text.parse::<Mac>().is_err(), "{text}");
        }
    }

    #[test]
    fn knows_its_oui() {
        assert_eq!("c074ad120701".parse::<Mac>().unwrap().oui(), "C074AD");
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = text.parse::<Mac>();
        }

        #[test]
        fn round_trips(mut bytes: [u8; 6]) {
            bytes[0] &= 0xfe;
            bytes[5] |= 1;
            let mac = Mac::new(bytes);
            prop_assert_eq!(mac.to_string().parse::<Mac>().unwrap(), mac);
            prop_assert_eq!(mac.compact().parse::<Mac>().unwrap(), mac);
        }
    }
}
