//! The schemas' bounds, for what we send: lengths, counts and forms (cwmp-1-0 to cwmp-1-4).

use std::ops::RangeInclusive;

use crate::error::{CwmpError, ErrorKind};
use crate::wire::Res;

/// What a field may hold. The default allows everything.
pub(crate) struct Bounds {
    /// Characters of a text, or of each text of a list.
    pub(crate) max: usize,
    /// Members of a list.
    pub(crate) count: RangeInclusive<usize>,
    pub(crate) form: Option<Form>,
}

/// The form a text must have; the error says what was expected.
pub(crate) type Form = fn(&str) -> Result<(), &'static str>;

impl Bounds {
    pub(crate) const NONE: Self = Self { max: usize::MAX, count: 0..=usize::MAX, form: None };

    pub(crate) fn text(&self, text: &str) -> Res<()> {
        // Bytes are at least characters: most texts need no counting.
        if text.len() > self.max && text.chars().count() > self.max {
            return Err(unfit(format!("is longer than {} characters", self.max)));
        }
        match self.form {
            Some(form) => form(text).map_err(|expected| unfit(format!("is not {expected}"))),
            None => Ok(()),
        }
    }

    pub(crate) fn count(&self, count: usize) -> Res<()> {
        if self.count.contains(&count) {
            return Ok(());
        }
        let reason = if count == 0 {
            "is empty".to_owned()
        } else {
            format!("has {count} members, at most {} are allowed", self.count.end())
        };
        Err(unfit(reason))
    }
}

fn unfit(reason: String) -> CwmpError {
    CwmpError::new(ErrorKind::OutOfBounds, reason)
}

fn fits(fits: bool, expected: &'static str) -> Result<(), &'static str> {
    if fits { Ok(()) } else { Err(expected) }
}

/// `ObjectNameType`.
pub(crate) fn object_name(text: &str) -> Result<(), &'static str> {
    fits(text.ends_with('.'), "a path that ends in a dot")
}

/// `DownloadFileType` and `TimeWindowModeValueType`: a number and words, or a vendor's own after "X ".
pub(crate) fn numbered_name(text: &str) -> Result<(), &'static str> {
    fits(is_numbered(text) || is_vendors(text), "a number and a name")
}

/// `EventCodeType`.
pub(crate) fn event_code(text: &str) -> Result<(), &'static str> {
    let known = text.strip_prefix("0 ").is_some_and(words) || text.strip_prefix("M ").is_some_and(word);
    fits(known || is_numbered(text) || is_vendors(text), "an event code")
}

pub(crate) fn oui(text: &str) -> Result<(), &'static str> {
    let digits = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'));
    fits(digits && text.len() == 6, "six upper-case hexadecimal digits")
}

/// `DeploymentUnitUUID`.
pub(crate) fn uuid(text: &str) -> Result<(), &'static str> {
    let lengths = text.split('-').map(str::len);
    let digits = text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    fits(digits && lengths.eq([8, 4, 4, 4, 12]), "a UUID")
}

/// `ParameterAttributeNotificationValueType`.
pub(crate) fn notification(text: &str) -> Result<(), &'static str> {
    fits(matches!(text.as_bytes(), [b'0'..=b'6']), "a number from 0 to 6")
}

/// `CPEFaultCodeType` and `CPEVendorFaultCodeType`.
pub(crate) fn cpe_code(text: &str) -> Result<(), &'static str> {
    fits(text.parse().is_ok_and(|code: u16| (9000..=9899).contains(&code)), "a fault code of a CPE")
}

pub(crate) fn cpe_code_or_none(text: &str) -> Result<(), &'static str> {
    if text == "0" { Ok(()) } else { cpe_code(text) }
}

/// `[1-9]\d*( \S+)+`
fn is_numbered(text: &str) -> bool {
    text.split_once(' ').is_some_and(|(number, name)| {
        number.starts_with(|c: char| matches!(c, '1'..='9'))
            && number.bytes().all(|b| b.is_ascii_digit())
            && words(name)
    })
}

/// `X \S+ .+`
fn is_vendors(text: &str) -> bool {
    let parts = text.strip_prefix("X ").and_then(|rest| rest.split_once(' '));
    parts.is_some_and(|(vendor, name)| word(vendor) && !name.is_empty() && !name.contains(['\n', '\r']))
}

/// Words with one space between them.
fn words(text: &str) -> bool {
    text.split(' ').all(word)
}

fn word(text: &str) -> bool {
    !text.is_empty() && !text.contains([' ', '\t', '\n', '\r'])
}
