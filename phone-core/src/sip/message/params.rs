//! `;name=value` parameters (RFC 3261 §25.1 `generic-param`, §19.1.1 `uri-parameter`).

use std::fmt;

use super::ParseError;
use super::scan::{is_lws, is_token_char, split, take_quoted, write_quoted};

/// Parameters in order of appearance. Names compare without case; values are held unquoted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, Option<String>)>);

impl Params {
    /// Reads what follows a value: empty, or `;a;b=c;d="e"`. Empty pieces (`;;`) are skipped.
    pub(crate) fn parse(text: &str) -> Result<Self, ParseError> {
        let mut params = Vec::new();
        let text = text.trim_matches(is_lws);
        if text.is_empty() {
            return Ok(Self::default());
        }
        let text = text.strip_prefix(';').ok_or(ParseError::Syntax)?;
        for piece in split(text, ';').filter(|piece| !piece.is_empty()) {
            let Some((name, value)) = piece.split_once('=') else {
                params.push((piece.to_owned(), None));
                continue;
            };
            let (name, value) = (name.trim_end_matches(is_lws), value.trim_start_matches(is_lws));
            if name.is_empty() {
                return Err(ParseError::Syntax);
            }
            let value =
                if value.starts_with('"') { take_quoted(value).ok_or(ParseError::Syntax)?.0 } else { value.to_owned() };
            params.push((name.to_owned(), Some(value)));
        }
        Ok(Self(params))
    }

    /// The value of `name`: `None` if it is not there, `Some(None)` if it stands alone.
    pub fn get(&self, name: &str) -> Option<Option<&str>> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_deref())
    }

    /// The value of `name`, if it is there and has one.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.get(name).flatten()
    }

    /// Whether `name` is there.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Sets or replaces `name`.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        let value = value.map(str::to_owned);
        match self.0.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(name)) {
            Some(slot) => slot.1 = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// No parameters.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_deref()))
    }
}

/// Writes `;name=value…`, quoting values that are neither tokens nor hosts.
impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.0 {
            write!(f, ";{name}")?;
            let Some(value) = value else { continue };
            f.write_str("=")?;
            // Brackets and colons: an IPv6 host stands bare.
            let bare = |c: char| is_token_char(c) || matches!(c, '[' | ']' | ':');
            if !value.is_empty() && value.chars().all(bare) {
                f.write_str(value)?;
            } else {
                write_quoted(f, value)?;
            }
        }
        Ok(())
    }
}
