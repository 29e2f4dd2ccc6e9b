//! `xsd:dateTime` as TR-106 §3.2.1 narrows it.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, SecondsFormat, Timelike, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment, in UTC. Equality ignores whether the zone was written.
#[derive(Clone, Copy, Debug)]
pub struct CwmpTime {
    /// Years 1 to 9999. Year 1 is "unknown", or time since boot (TR-106 §3.2.1).
    pub at: DateTime<Utc>,
    /// The text had no zone and was taken as UTC.
    pub zone_assumed: bool,
}

impl PartialEq for CwmpTime {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for CwmpTime {}

impl CwmpTime {
    /// `0001-01-01T00:00:00Z`: the device does not know.
    pub const UNKNOWN: Self = Self {
        at: match DateTime::from_timestamp(-62_135_596_800, 0) {
            Some(at) => at,
            None => DateTime::UNIX_EPOCH,
        },
        zone_assumed: false,
    };

    pub fn new(at: DateTime<Utc>) -> Self {
        Self { at, zone_assumed: false }
    }

    /// Milliseconds since 1970; out of range (years 1 to 9999) is [`Self::UNKNOWN`].
    pub fn from_unix_ms(ms: i64) -> Self {
        match DateTime::from_timestamp_millis(ms) {
            Some(at) if (1..=9999).contains(&at.year()) => Self::new(at),
            _ => Self::UNKNOWN,
        }
    }

    /// No calendar time: unknown, or counted from boot.
    pub fn is_unknown(&self) -> bool {
        self.at.year() <= 1
    }

    /// Accepts a zone as `Z`, `+01:00` or `+0100`, or none (UTC, flagged), a space for the `T`, fractions of a second;
    /// empty is unknown. The error says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self { zone_assumed: true, ..Self::UNKNOWN });
        }
        let bad = || "is not a date and time such as 2026-01-31T12:00:00Z".to_owned();
        if text.len() > 40 || !text.is_ascii() {
            return Err(bad());
        }
        let text = text.replacen(' ', "T", 1).to_ascii_uppercase();
        let (at, zone_assumed) = if let Some(local) = text.strip_suffix('Z') {
            (naive(local).ok_or_else(bad)?.and_utc(), false)
        } else if let Ok(zoned) = DateTime::<FixedOffset>::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f%z") {
            (zoned.with_timezone(&Utc), false)
        } else {
            (naive(&text).ok_or_else(bad)?.and_utc(), true)
        };
        if (1..=9999).contains(&at.year()) { Ok(Self { at, zone_assumed }) } else { Err(bad()) }
    }

    /// UTC with `Z`; fractions only where there are any.
    pub fn print(&self) -> String {
        if !(1..=9999).contains(&self.at.year()) {
            return Self::UNKNOWN.print();
        }
        let precision = match self.at.nanosecond() {
            0 => SecondsFormat::Secs,
            n if n % 1_000_000 == 0 => SecondsFormat::Millis,
            _ => SecondsFormat::Nanos,
        };
        self.at.to_rfc3339_opts(precision, true)
    }
}

fn naive(text: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()
}

impl Serialize for CwmpTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.print())
    }
}

impl<'de> Deserialize<'de> for CwmpTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_time_prints_as_the_standard_says() {
        assert_eq!(CwmpTime::UNKNOWN.print(), "0001-01-01T00:00:00Z");
        assert!(CwmpTime::parse("0001-01-01T00:00:00Z").unwrap().is_unknown());
        assert!(CwmpTime::parse("").unwrap().is_unknown());
    }

    #[test]
    fn zones() {
        let utc = CwmpTime::parse("2026-01-31T12:00:00Z").unwrap();
        assert!(!utc.zone_assumed);
        assert_eq!(CwmpTime::parse("2026-01-31T13:00:00+01:00").unwrap(), utc);
        assert_eq!(CwmpTime::parse("2026-01-31T13:00:00+0100").unwrap(), utc);
        assert_eq!(CwmpTime::parse(" 2026-01-31 12:00:00.000 ").unwrap(), utc);
        assert!(CwmpTime::parse("2026-01-31T12:00:00").unwrap().zone_assumed);
    }

    #[test]
    fn nonsense_is_an_error() {
        for text in ["yesterday", "2026-13-01T00:00:00Z", "2026-01-01", "12026-01-01T00:00:00Z", "0000-01-01T00:00:00Z"]
        {
            assert!(CwmpTime::parse(text).is_err(), "{text}");
        }
    }
}
