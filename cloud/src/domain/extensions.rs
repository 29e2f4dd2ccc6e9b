//! Which extensions a pool has, and which room gets which.

use std::collections::HashSet;

/// The most numbers of one pool.
pub const MOST_NUMBERS: u64 = 100_000;
/// The most digits of a number.
const MOST_DIGITS: usize = 15;
/// Numbers that mean help somewhere: no room is ever called like this.
const HELP: [&str; 12] = ["000", "110", "111", "112", "113", "117", "118", "119", "911", "933", "995", "999"];

/// Numbers from one to another, of equal length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    first: u64,
    last: u64,
    digits: usize,
}

impl Span {
    /// # Errors
    /// What is wrong, for people.
    pub fn new(first: &str, last: &str) -> Result<Self, String> {
        let number = |text: &str| -> Result<u64, String> {
            let digits = (1..=MOST_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            let wrong = || format!("\"{}\" is no number of 1 to {MOST_DIGITS} digits.", short(text));
            if digits { text.parse().map_err(|_| wrong()) } else { Err(wrong()) }
        };
        let span = Self { first: number(first)?, last: number(last)?, digits: first.len() };
        if first.len() != last.len() {
            return Err(format!("{first} and {last} must have as many digits as each other."));
        }
        if span.first > span.last {
            return Err(format!("{first} comes after {last}."));
        }
        Ok(span)
    }

    /// `1000`, or `1900-1999`.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Self::new(first.trim(), last.trim())
    }

    /// How many numbers it holds.
    pub fn count(self) -> u64 {
        self.last - self.first + 1
    }

    pub fn holds(self, number: &str) -> bool {
        let digits = number.len() == self.digits && number.bytes().all(|byte| byte.is_ascii_digit());
        digits && number.parse().is_ok_and(|number: u64| (self.first..=self.last).contains(&number))
    }

    fn numbers(self) -> impl Iterator<Item = String> {
        (self.first..=self.last).map(move |number| format!("{number:0digits$}", digits = self.digits))
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:0digits$}", self.first, digits = self.digits)?;
        if self.first != self.last {
            write!(f, "-{:0digits$}", self.last, digits = self.digits)?;
        }
        Ok(())
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The numbers of a pool.
#[derive(Clone, Debug)]
pub struct Pool {
    pub span: Span,
    pub reserved: Vec<Span>,
}

impl Pool {
    /// Whether a number may be given out, as far as the pool is concerned.
    pub fn offers(&self, number: &str) -> bool {
        self.span.holds(number) && !self.reserved.iter().any(|span| span.holds(number)) && !HELP.contains(&number)
    }

    pub fn numbers(&self) -> impl Iterator<Item = String> {
        self.span.numbers().filter(|number| self.offers(number))
    }
}

/// A room that wants an extension.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    pub number: &'a str,
    /// The one it has; empty: none. It keeps it, in the pool or not: people know it.
    pub extension: &'a str,
}

/// An extension for each wish, in their order: the one the room has, or its number, or the lowest that is free and, as
/// long as there are others, no other room's number. `None` where the pool has no more. `taken` are the numbers that
/// belong to somebody else.
pub fn choose(wishes: &[Wish], pool: &Pool, taken: &HashSet<String>, rooms: &HashSet<String>) -> Vec<Option<String>> {
    let mut used: HashSet<String> = taken.clone();
    let mut chosen: Vec<Option<String>> = vec![None; wishes.len()];
    for (wish, chosen) in wishes.iter().zip(&mut chosen) {
        if !wish.extension.is_empty() && used.insert(wish.extension.to_owned()) {
            *chosen = Some(wish.extension.to_owned());
        }
    }
    for (wish, chosen) in wishes.iter().zip(&mut chosen) {
        if chosen.is_none() && pool.offers(wish.number) && used.insert(wish.number.to_owned()) {
            *chosen = Some(wish.number.to_owned());
        }
    }
    let strange = pool.numbers().filter(|number| !rooms.contains(number));
    let own = pool.numbers().filter(|number| rooms.contains(number));
    let mut free = strange.chain(own).filter(|number| !used.contains(number));
    for chosen in chosen.iter_mut().filter(|chosen| chosen.is_none()) {
        *chosen = free.next();
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pool(first: &str, last: &str, reserved: &[&str]) -> Pool {
        let reserved = reserved.iter().map(|text| Span::parse(text).unwrap()).collect();
        Pool { span: Span::new(first, last).unwrap(), reserved }
    }

    fn wish(number: &'static str, extension: &'static str) -> Wish<'static> {
        Wish { number, extension }
    }

    fn set(numbers: &[&str]) -> HashSet<String> {
        numbers.iter().map(|number| (*number).to_owned()).collect()
    }

    fn given(wishes: &[Wish], pool: &Pool, taken: &[&str]) -> Vec<String> {
        let rooms = wishes.iter().map(|wish| wish.number.to_owned()).collect();
        choose(wishes, pool, &set(taken), &rooms).into_iter().map(Option::unwrap_or_default).collect()
    }

    #[test]
    fn a_span_has_ends_of_equal_length() {
        assert_eq!(Span::parse("1900-1999").map(Span::count), Ok(100));
        assert_eq!(Span::parse("0007").unwrap().to_string(), "0007");
        assert_eq!(Span::parse("0098 - 0101").unwrap().numbers().collect::<Vec<_>>(), ["0098", "0099", "0100", "0101"]);
        for bad in ["", "a", "1-", "99-100", "20-10", "1234567890123456", "-1", "1-2-3", "１"] {
            assert!(Span::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_room_keeps_its_extension_or_gets_its_number_or_the_lowest_that_is_free() {
        let pool = pool("1200", "1299", &["1200-1201"]);
        let wishes = [wish("Spa", ""), wish("1207", ""), wish("1208", "77"), wish("1202", ""), wish("1300", "")];
        assert_eq!(given(&wishes, &pool, &[]), ["1203", "1207", "77", "1202", "1204"]);
        // Its number belongs to somebody else, and so does its extension.
        assert_eq!(given(&[wish("1207", ""), wish("1208", "77")], &pool, &["1207", "77"]), ["1202", "1208"]);
    }

    #[test]
    fn another_room_s_number_is_given_last_and_then_none() {
        let pool = pool("10", "12", &[]);
        let wishes = [wish("10", "501"), wish("Bar", ""), wish("Spa", ""), wish("Gym", ""), wish("Spa 2", "")];
        assert_eq!(given(&wishes, &pool, &[]), ["501", "11", "12", "10", ""]);
    }

    #[test]
    fn numbers_for_help_are_never_given() {
        let pool = pool("911", "913", &[]);
        assert_eq!(given(&[wish("911", "")], &pool, &[]), ["912"]);
    }

    proptest! {
        #[test]
        fn nobody_gets_what_somebody_has(rooms in prop::collection::vec((0u32..60, 0u32..90), 0..40), taken in prop::collection::hash_set(20u32..70, 0..20)) {
            let texts: Vec<(String, String)> = rooms.iter().map(|(number, extension)| {
                (format!("{number:02}"), if *extension < 60 { String::new() } else { extension.to_string() })
            }).collect();
            let wishes: Vec<Wish> = texts.iter().map(|(number, extension)| Wish { number, extension }).collect();
            let taken: HashSet<String> = taken.iter().map(ToString::to_string).collect();
            let numbers = texts.iter().map(|(number, _)| number.clone()).collect();
            let pool = pool("20", "49", &["25-27"]);
            let chosen = choose(&wishes, &pool, &taken, &numbers);
            let all: Vec<&String> = chosen.iter().flatten().collect();
            let distinct: HashSet<&&String> = all.iter().collect();
            prop_assert_eq!(distinct.len(), all.len());
            for (number, wish) in chosen.iter().zip(&wishes) {
                if let Some(number) = number {
                    prop_assert!(!taken.contains(number));
                    prop_assert!(pool.offers(number) || number == wish.extension);
                }
            }
            // Whoever got none: nothing was left.
            if chosen.iter().any(Option::is_none) {
                prop_assert!(pool.numbers().all(|number| taken.contains(&number) || all.contains(&&number)));
            }
        }
    }
}
