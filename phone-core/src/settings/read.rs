//! Reading settings from the catalogue's keys, in the catalogue's canonical spelling (`yes`, `until_ttl`, `0.5`).

use std::time::Duration;

/// Settings by key; a key that is not set, or whose value makes no sense, takes the default the reader names.
pub struct Values<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
    prefix: String,
}

impl<'a> Values<'a> {
    /// Of the phone itself.
    pub fn phone(get: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { get, prefix: String::new() }
    }

    /// Of account `index` (1-based): keys are read below `account.N.`.
    pub fn account(get: &'a dyn Fn(&str) -> Option<String>, index: u8) -> Self {
        Self { get, prefix: format!("account.{index}.") }
    }

    /// As it stands, blanks included; empty if not set.
    pub fn raw(&self, key: &str) -> String {
        (self.get)(&format!("{}{key}", self.prefix)).unwrap_or_default()
    }

    /// Trimmed; empty if not set.
    pub fn text(&self, key: &str) -> String {
        self.raw(key).trim().to_owned()
    }

    /// A yes or no.
    pub fn yes(&self, key: &str, default: bool) -> bool {
        match self.text(key).to_ascii_lowercase().as_str() {
            "yes" | "1" | "true" | "enabled" | "on" => true,
            "no" | "0" | "false" | "disabled" | "off" => false,
            _ => default,
        }
    }

    /// A whole number, held within `low..=high`.
    pub fn number(&self, key: &str, default: u32, low: u32, high: u32) -> u32 {
        self.text(key).parse().unwrap_or(default).clamp(low, high)
    }

    /// A whole number of seconds.
    pub fn seconds(&self, key: &str, default: u32, low: u32, high: u32) -> Duration {
        Duration::from_secs(u64::from(self.number(key, default, low, high)))
    }

    /// One of some choices, by their canonical or other spellings in any case; the default if it is none of them.
    pub fn choice<T: Copy>(&self, key: &str, default: T, choices: &[(&str, T)]) -> T {
        let text = self.text(key);
        choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(&text)).map_or(default, |(_, choice)| *choice)
    }

    /// Comma- or semicolon-separated values, trimmed, without empty ones.
    pub fn list(&self, key: &str) -> Vec<String> {
        let text = self.text(key);
        text.split([',', ';']).map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_make_no_sense_take_the_default() {
        let get = |key: &str| {
            let value = match key {
                "account.2.a" => " Yes ",
                "account.2.n" => "99999",
                "account.2.c" => "UNTIL_TTL",
                "account.2.l" => "1, 2;;3 ",
                "b" => "perhaps",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let account = Values::account(&get, 2);
        assert!(account.yes("a", false) && !account.yes("missing", false));
        assert_eq!(account.number("n", 1, 0, 64_800), 64_800);
        assert_eq!(account.number("a", 7, 0, 10), 7);
        assert_eq!(account.choice("c", 0, &[("default", 0), ("until_ttl", 1)]), 1);
        assert_eq!(account.choice("a", 0, &[("default", 0), ("until_ttl", 1)]), 0);
        assert_eq!(account.list("l"), ["1", "2", "3"]);
        assert_eq!(account.seconds("missing", 30, 10, 60), Duration::from_secs(30));
        assert!(Values::phone(&get).yes("b", true));
    }
}
