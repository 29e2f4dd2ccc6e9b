//! Why a value was refused, in words for the person who typed it.

use crate::Model;

/// A key or value the catalogue does not allow. Never contains a secret's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// No such key.
    #[error("unknown setting {key}{}", suggest(.suggestion.as_deref()))]
    Unknown {
        /// What was asked for, shortened and printable.
        key: String,
        /// The nearest key.
        suggestion: Option<String>,
    },
    /// The setting does not exist on this model.
    #[error("{key} does not exist on the {model}")]
    NotOnModel {
        /// The concrete key.
        key: String,
        /// The model.
        model: Model,
    },
    /// The value does not fit.
    #[error("{key}: {} {reason}", subject(.shown.as_deref()))]
    Invalid {
        /// The concrete key.
        key: String,
        /// The value, shortened and printable; absent for secrets.
        shown: Option<String>,
        /// What is wrong and what is allowed.
        reason: String,
    },
}

impl SettingError {
    /// The key it is about.
    pub fn key(&self) -> &str {
        match self {
            Self::Unknown { key, .. } | Self::NotOnModel { key, .. } | Self::Invalid { key, .. } => key,
        }
    }
}

fn suggest(nearest: Option<&str>) -> String {
    nearest.map(|key| format!("; did you mean {key}?")).unwrap_or_default()
}

fn subject(shown: Option<&str>) -> String {
    shown.map_or_else(|| "the value".to_owned(), |value| format!("\"{value}\""))
}

/// At most 40 characters, control characters replaced.
pub(crate) fn printable(text: &str) -> String {
    let mut short: String =
        text.chars().take(40).map(|c| if crate::check::is_bad_char(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(40).is_some() {
        short.push('…');
    }
    short
}
