//! A tone as the settings write it: `f1=440@-19,f2=480@-19,c=200/400;`.
//!
//! `f1` and `f2` are Hz with a level in dBm0; `c` is up to three cadences `on/off` in units of 10 ms. A cadence without
//! a pause sounds without end; `0/0` beside others is a place not used.

/// Most cadences of a tone.
pub const MAX_CADENCES: usize = 3;
/// Highest frequency, Hz.
const MAX_HZ: u16 = 4000;
/// Level of a frequency that says none, dBm0.
const DEFAULT_DBM0: i8 = -13;

/// One of the frequencies of a tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frequency {
    /// 0 to 4000; 0 is silence.
    pub hz: u16,
    /// -96 to 0.
    pub dbm0: i8,
}

/// Sound and pause, each in units of 10 ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cadence {
    /// Sound.
    pub on: u16,
    /// Pause after it.
    pub off: u16,
}

/// A call progress tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToneSpec {
    /// One or two.
    pub frequencies: [Option<Frequency>; 2],
    /// In order; all `None` sounds without end.
    pub cadences: [Option<Cadence>; MAX_CADENCES],
}

/// What is wrong with a tone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// A part that is no `name=value`.
    #[error("a part has no =")]
    NoValue,
    /// Another name than `f1`, `f2`, `c`.
    #[error("a part is not f1, f2 or c")]
    UnknownName,
    /// A name a second time.
    #[error("{0} appears twice")]
    Twice(&'static str),
    /// Not 0 to 4000.
    #[error("a frequency must be 0 to 4000 Hz")]
    Frequency,
    /// Not -96 to 0.
    #[error("a level must be -96 to 0 dBm")]
    Level,
    /// Not two numbers of 16 bits.
    #[error("a cadence is on/off, each 0 to 65535")]
    Cadence,
    /// More than three.
    #[error("more than three cadences")]
    TooMany,
    /// No `f1`.
    #[error("f1 is missing")]
    NoFrequency,
}

impl ToneSpec {
    /// Reads the value of a setting.
    ///
    /// # Errors
    /// Says what part cannot be read.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let mut frequencies = [None; 2];
        let mut cadences = None;
        for part in text.trim().trim_end_matches(';').split(',') {
            let (name, value) = part.split_once('=').ok_or(SpecError::NoValue)?;
            let (name, value) = (name.trim(), value.trim());
            if name.eq_ignore_ascii_case("f1") {
                set(&mut frequencies[0], frequency(value)?, "f1")?;
            } else if name.eq_ignore_ascii_case("f2") {
                set(&mut frequencies[1], frequency(value)?, "f2")?;
            } else if name.eq_ignore_ascii_case("c") {
                set(&mut cadences, list(value)?, "c")?;
            } else {
                return Err(SpecError::UnknownName);
            }
        }
        if frequencies[0].is_none() {
            return Err(SpecError::NoFrequency);
        }
        Ok(Self { frequencies, cadences: cadences.unwrap_or_default() })
    }
}

fn set<T>(place: &mut Option<T>, value: T, name: &'static str) -> Result<(), SpecError> {
    if place.replace(value).is_some() { Err(SpecError::Twice(name)) } else { Ok(()) }
}

fn frequency(text: &str) -> Result<Frequency, SpecError> {
    let (hz, level) = match text.split_once('@') {
        Some((hz, level)) => (hz.trim(), Some(level.trim())),
        None => (text, None),
    };
    let hz = hz.parse().ok().filter(|hz| *hz <= MAX_HZ).ok_or(SpecError::Frequency)?;
    let dbm0 = match level {
        Some(level) => level.parse().ok().filter(|dbm| (-96..=0).contains(dbm)).ok_or(SpecError::Level)?,
        None => DEFAULT_DBM0,
    };
    Ok(Frequency { hz, dbm0 })
}

fn list(text: &str) -> Result<[Option<Cadence>; MAX_CADENCES], SpecError> {
    let mut cadences = [None; MAX_CADENCES];
    for (i, pair) in text.split('-').enumerate() {
        let (on, off) = pair.split_once('/').ok_or(SpecError::Cadence)?;
        let number = |text: &str| text.trim().parse().map_err(|_| SpecError::Cadence);
        *cadences.get_mut(i).ok_or(SpecError::TooMany)? = Some(Cadence { on: number(on)?, off: number(off)? });
    }
    Ok(cadences)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn frequencies_levels_and_cadences_are_read() {
        let spec = ToneSpec::parse(" F1=440@-19, f2=480 ,c=200/400-0/0; ").unwrap();
        let frequencies = [Some(Frequency { hz: 440, dbm0: -19 }), Some(Frequency { hz: 480, dbm0: -13 })];
        let cadences = [Some(Cadence { on: 200, off: 400 }), Some(Cadence::default()), None];
        assert_eq!(spec, ToneSpec { frequencies, cadences });
        assert_eq!(ToneSpec::parse("f1=350").unwrap().cadences, [None; 3]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, error) in [
            ("", SpecError::NoValue),
            ("f1", SpecError::NoValue),
            ("f2=440", SpecError::NoFrequency),
            ("f1=5000", SpecError::Frequency),
            ("f1=440@3", SpecError::Level),
            ("f1=1,c=1", SpecError::Cadence),
            ("f1=1,c=70000/1", SpecError::Cadence),
            ("f1=1,c=1/1-1/1-1/1-1/1", SpecError::TooMany),
            ("f1=1,f1=2", SpecError::Twice("f1")),
            ("f3=1", SpecError::UnknownName),
        ] {
            assert_eq!(ToneSpec::parse(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[f12c=@/,;0-9 \\-]{0,60}") {
            let _ = ToneSpec::parse(&text);
        }
    }
}
