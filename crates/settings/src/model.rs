//! The phone models the guide covers.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A phone model. `W` models have Wi-Fi and no PoE; 61x models have three programmable keys, 62x models six.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
pub enum Model {
    Ghp610,
    Ghp610W,
    Ghp611,
    Ghp611W,
    Ghp620,
    Ghp620W,
    Ghp621,
    Ghp621W,
}

impl Model {
    /// Every model, in the guide's order.
    pub const ALL: [Self; 8] = [
        Self::Ghp610,
        Self::Ghp610W,
        Self::Ghp611,
        Self::Ghp611W,
        Self::Ghp620,
        Self::Ghp620W,
        Self::Ghp621,
        Self::Ghp621W,
    ];

    /// The name as on the label: `GHP621W`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ghp610 => "GHP610",
            Self::Ghp610W => "GHP610W",
            Self::Ghp611 => "GHP611",
            Self::Ghp611W => "GHP611W",
            Self::Ghp620 => "GHP620",
            Self::Ghp620W => "GHP620W",
            Self::Ghp621 => "GHP621",
            Self::Ghp621W => "GHP621W",
        }
    }

    /// Whether the phone has Wi-Fi.
    pub const fn has_wifi(self) -> bool {
        matches!(self, Self::Ghp610W | Self::Ghp611W | Self::Ghp620W | Self::Ghp621W)
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names none of the eight models.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown model; one of GHP610, GHP610W, GHP611, GHP611W, GHP620, GHP620W, GHP621, GHP621W")]
pub struct UnknownModel;

impl FromStr for Model {
    type Err = UnknownModel;

    /// Any case.
    ///
    /// # Errors
    /// [`UnknownModel`] for anything but one of the eight names.
    fn from_str(text: &str) -> Result<Self, UnknownModel> {
        Self::ALL.into_iter().find(|m| m.as_str().eq_ignore_ascii_case(text.trim())).ok_or(UnknownModel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for model in Model::ALL {
            assert_eq!(model.as_str().to_lowercase().parse(), Ok(model));
        }
        assert_eq!("GXP2160".parse::<Model>(), Err(UnknownModel));
    }
}
