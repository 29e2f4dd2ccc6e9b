//! How long something stays allowed, as people choose it.

use contract::Timestamp;

use crate::time::now;

/// Words and labels.
pub const WINDOWS: [(&str, &str); 6] = [
    ("always", "Always"),
    ("1h", "For an hour from now"),
    ("8h", "For 8 hours from now"),
    ("24h", "For a day from now"),
    ("72h", "For 3 days from now"),
    ("168h", "For a week from now"),
];

/// The end of a window that begins at `now` (milliseconds since 1970); `None`: it has none.
fn until(word: &str, now: i64) -> Option<i64> {
    let hours: i64 = word.strip_suffix('h')?.parse().ok()?;
    Some(now + hours * 3_600_000)
}

/// The end somebody chose just now; `keep`: the one it has.
pub fn chosen(word: &str, kept: Option<Timestamp>) -> Option<Timestamp> {
    match word {
        "keep" => kept,
        word => until(word, now()).map(Timestamp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_window_has_its_end() {
        assert_eq!(until("always", 5), None);
        assert_eq!(until("8h", 5), Some(28_800_005));
        for (word, _) in WINDOWS.iter().skip(1) {
            assert!(until(word, 0).is_some_and(|end| end > 0), "{word}");
        }
    }
}
