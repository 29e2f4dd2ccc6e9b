//! Whether a phone gets the room whose number was dialled at it: the property's rules against what is there.

use contract::rest::{ClaimMode, ClaimReason, ClaimReplace};

/// Items of a list of rooms at most.
const MOST_ITEMS: usize = 200;
/// Characters of a list of rooms at most.
const MOST_CHARACTERS: usize = 2000;

/// What a property lets its phones take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    pub mode: ClaimMode,
    pub rooms: Rooms,
    pub replace: ClaimReplace,
    /// Milliseconds since 1970.
    pub until: Option<i64>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { mode: ClaimMode::Off, rooms: Rooms::default(), replace: ClaimReplace::Refuse, until: None }
    }
}

/// Rooms by number; none given: all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rooms(Vec<Item>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    One(String),
    /// Numbers of as many digits, both ends included.
    Range {
        digits: usize,
        first: u64,
        last: u64,
    },
}

impl Rooms {
    /// Numbers and ranges between commas: `1201-1299, 1401, PH1`. A range is of numbers with the same number of digits, so
    /// that `101-199` does not take `0150` in.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.chars().count() > MOST_CHARACTERS {
            return Err(format!("A list of rooms has at most {MOST_CHARACTERS} characters."));
        }
        let items: Vec<&str> = text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
        if items.len() > MOST_ITEMS {
            return Err(format!("A list of rooms has at most {MOST_ITEMS} numbers and ranges."));
        }
        items.into_iter().map(Item::parse).collect::<Result<_, _>>().map(Self)
    }

    /// Those that are named one by one.
    pub fn numbers(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|item| match item {
            Item::One(number) => Some(number.as_str()),
            Item::Range { .. } => None,
        })
    }

    pub fn hold(&self, number: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|item| item.holds(number))
    }
}

impl Item {
    fn parse(text: &str) -> Result<Self, String> {
        // The longer ones are what word processors make of it.
        let Some((first, last)) = text.split_once(['-', '–', '—']) else { return Ok(Self::One(text.to_owned())) };
        let (first, last) = (first.trim(), last.trim());
        let digits = first.len();
        match (number_of(first), number_of(last)) {
            (Some(_), Some(_)) if last.len() != digits => {
                Err(format!("\"{text}\": both ends of a range have the same number of digits."))
            }
            (Some(first), Some(last)) if first <= last => Ok(Self::Range { digits, first, last }),
            (Some(_), Some(_)) => Err(format!("\"{text}\": the first room of a range is the smaller one.")),
            // A number with a hyphen in it: "A-12".
            _ => Ok(Self::One(text.to_owned())),
        }
    }

    fn holds(&self, number: &str) -> bool {
        match self {
            Self::One(one) => one == number,
            Self::Range { digits, first, last } => {
                number.len() == *digits && number_of(number).is_some_and(|number| (*first..=*last).contains(&number))
            }
        }
    }
}

/// Digits and nothing else, few enough to count with.
fn number_of(text: &str) -> Option<u64> {
    let digits = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Who stands in the room that was dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is no such room.
    NoRoom,
    Nobody,
    /// The phone itself.
    Itself,
    Another,
}

/// What becomes of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The phone gets the room; whoever stands there leaves it.
    Accept,
    /// The front desk says.
    Ask,
    Refuse(ClaimReason),
}

/// Judges a dialled room number. What could not be had by anybody's word is said first.
pub fn judge(rules: &Rules, number: &str, standing: Standing, now: i64) -> Verdict {
    if rules.mode == ClaimMode::Off {
        return Verdict::Refuse(ClaimReason::Off);
    }
    match standing {
        Standing::NoRoom => return Verdict::Refuse(ClaimReason::UnknownRoom),
        // It has what it asks for: nothing is taken from anybody.
        Standing::Itself => return Verdict::Accept,
        Standing::Nobody | Standing::Another => {}
    }
    if rules.until.is_some_and(|until| now >= until) {
        return Verdict::Refuse(ClaimReason::Over);
    }
    if !rules.rooms.hold(number) {
        return Verdict::Refuse(ClaimReason::OtherRoom);
    }
    let asks = rules.mode == ClaimMode::Confirm;
    match (standing, rules.replace) {
        (Standing::Another, ClaimReplace::Refuse) => Verdict::Refuse(ClaimReason::Taken),
        (Standing::Another, ClaimReplace::Confirm) => Verdict::Ask,
        _ if asks => Verdict::Ask,
        _ => Verdict::Accept,
    }
}

/// Whether a phone may have an extension now.
pub fn judge_extension(rules: &Rules, now: i64) -> Option<ClaimReason> {
    match rules.mode {
        ClaimMode::Off => Some(ClaimReason::Off),
        _ if rules.until.is_some_and(|until| now >= until) => Some(ClaimReason::Over),
        _ => None,
    }
}

/// Why, for people.
pub fn words(reason: ClaimReason) -> &'static str {
    match reason {
        ClaimReason::Off => "This property takes no rooms from phones. Switch it on, or put the phone into its room.",
        ClaimReason::Over => "The time in which rooms may be taken is over. Set a later one, and dial again.",
        ClaimReason::UnknownRoom => "The property has no room of this number. Add it, and dial again.",
        ClaimReason::OtherRoom => "This room is not among those that may be taken.",
        ClaimReason::Taken => "Another phone stands in this room. Take it out, and dial again.",
        ClaimReason::NoProperty => "The phone belongs to no property yet. Accept it, and dial again.",
        ClaimReason::NoExtension => {
            "Neither the phone's room nor the property has an extension to give. At a phone in no room, dial the room's \
             number first."
        }
    }
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
