//! Why a file was refused as a whole, in words for the person who made it. Single settings are put aside instead.

use std::fmt;

use contract::mac::Mac;

/// Where in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Place {
    /// Nowhere in particular.
    #[default]
    Whole,
    /// Line of XML or text, from 1.
    Line(usize),
    /// Entry of a binary file, from 1.
    Entry(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("the file"),
            Self::Line(line) => write!(f, "line {line}"),
            Self::Entry(entry) => write!(f, "entry {entry}"),
        }
    }
}

/// What kind of refusal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Larger, deeper or more than allowed.
    Limit,
    /// Neither UTF-8 nor ASCII.
    Encoding,
    /// Not what its format asks for.
    Malformed,
    /// A document type declaration, or an entity only one could define.
    Doctype,
    /// Made for another phone.
    WrongMac,
    /// Cut short or altered on its way.
    Damaged,
    /// Encrypted, and no password was given.
    NoPassword,
    /// The password does not fit, or the file is damaged: the cipher cannot tell which.
    WrongPassword,
}

/// A file that cannot be taken. Never quotes a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}{}: {reason}", of(.name.as_deref()))]
pub struct ReadError {
    /// Where.
    pub place: Place,
    /// Element or setting, shortened and printable.
    pub name: Option<String>,
    /// Which kind.
    pub kind: ErrorKind,
    /// Why, as the end of a sentence.
    pub reason: String,
}

impl ReadError {
    pub(crate) fn new(kind: ErrorKind, place: Place, reason: impl Into<String>) -> Self {
        Self { place, name: None, kind, reason: reason.into() }
    }

    pub(crate) fn named(mut self, name: &str) -> Self {
        self.name = Some(printable(name));
        self
    }

    pub(crate) fn wrong_mac(place: Place, found: &Mac, expected: &Mac) -> Self {
        Self::new(ErrorKind::WrongMac, place, format!("it is for {found}, not for {expected}"))
    }
}

fn of(name: Option<&str>) -> String {
    name.map(|name| format!(", {name}")).unwrap_or_default()
}

/// A document that cannot be written in the format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// Binary files carry the phone's address.
    #[error("a binary file needs the phone's MAC address")]
    NoMac,
    /// The file would be larger than phones take.
    #[error("the file has {0} bytes; phones take at most {1}")]
    TooLarge(usize, usize),
}

/// At most 60 characters, control characters replaced.
pub(crate) fn printable(text: &str) -> String {
    let mut short: String = text.chars().take(60).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(60).is_some() {
        short.push('…');
    }
    short
}
