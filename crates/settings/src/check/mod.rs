//! Validators by type. Each takes trimmed, non-empty text and returns the canonical form, or what is wrong with it.

pub mod choice;
pub mod dial_plan;
pub mod lists;
pub mod net;
pub mod pem;
pub mod time;
pub mod tone;
pub mod url;

/// What is wrong, where more can be said than "not allowed". May quote the value.
pub type Refusal = Option<String>;

/// Shorthand for a refusal with words.
pub fn refuse<T>(what: impl Into<String>) -> Result<T, Refusal> {
    Err(Some(what.into()))
}

/// Control characters, and the invisible ones that change how text reads.
pub fn is_bad_char(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

pub fn boolean(value: &str) -> Result<String, Refusal> {
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" | "on" => Ok("yes".into()),
        "no" | "false" | "0" | "off" => Ok("no".into()),
        _ => Err(None),
    }
}

pub fn integer(value: &str, min: i64, max: i64) -> Result<String, Refusal> {
    match value.parse::<i64>() {
        Ok(n) if (min..=max).contains(&n) => Ok(n.to_string()),
        _ => Err(None),
    }
}

pub fn text(value: &str, min: usize, max: usize) -> Result<String, Refusal> {
    if (min..=max).contains(&value.len()) {
        Ok(value.to_owned())
    } else {
        refuse(format!("it has {} bytes", value.len()))
    }
}

/// A part of a file's name, which phones ask for in URLs and by TFTP.
pub fn name_part(value: &str) -> Result<(), Refusal> {
    let bad = value.chars().find(|c| !c.is_ascii_graphic() || matches!(c, '/' | '?' | '#' | '%'));
    let Some(bad) = bad else { return Ok(()) };
    let what = if bad == ' ' { "a blank".to_owned() } else { format!("'{bad}'") };
    refuse(format!(
        "{what} cannot stand in a file's name that phones ask a server for; use letters, digits and signs such as - _ ."
    ))
}

pub fn number(value: &str, min: usize, max: usize) -> Result<String, Refusal> {
    if let Some(bad) = value.chars().find(|c| !matches!(c, '0'..='9' | '*' | '#' | '+')) {
        return refuse(format!("'{bad}' cannot be dialled"));
    }
    text(value, min, max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans() {
        for yes in ["yes", "TRUE", "1", "On"] {
            assert_eq!(boolean(yes).as_deref(), Ok("yes"));
        }
        for no in ["No", "false", "0", "OFF"] {
            assert_eq!(boolean(no).as_deref(), Ok("no"));
        }
        assert!(boolean("maybe").is_err());
    }

    #[test]
    fn parts_of_file_names_survive_every_way_of_asking() {
        for good in ["hotel_", "a-", ".v2", "Room+A(1)"] {
            assert_eq!(name_part(good), Ok(()), "{good}");
        }
        for (bad, named) in [
            ("Room A", "a blank"),
            ("\u{fc}_", "'\u{fc}'"),
            ("a/b", "'/'"),
            ("a?", "'?'"),
            ("#", "'#'"),
            ("%41", "'%'"),
        ] {
            let refused = name_part(bad).unwrap_err().unwrap();
            assert!(refused.starts_with(named), "{bad}: {refused}");
        }
    }

    #[test]
    fn integers_are_normalised_and_bounded() {
        assert_eq!(integer("+007", 1, 10).as_deref(), Ok("7"));
        assert_eq!(integer("-6", -6, 6).as_deref(), Ok("-6"));
        assert_eq!(integer("-0", 0, 6).as_deref(), Ok("0"));
        for bad in ["0", "11", "1.5", "1 ", "ten", "99999999999999999999"] {
            assert!(integer(bad, 1, 10).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers() {
        assert_eq!(number("*47#", 0, 64).as_deref(), Ok("*47#"));
        assert!(number("12a", 0, 64).is_err());
        assert!(number("123", 0, 2).is_err());
    }
}
