//! Hash algorithms (RFC 7616 §6.1).

use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

use crate::AuthError;

/// The end of the names of algorithms whose first hash is that of a session.
const SESSION: &str = "-sess";

/// Ordered from weak to strong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// What a missing parameter means.
    #[default]
    Md5,
    Sha256,
    Sha512_256,
}

impl Algorithm {
    pub const ALL: [Self; 3] = [Self::Md5, Self::Sha256, Self::Sha512_256];

    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512_256 => "SHA-512-256",
        }
    }

    /// Any case.
    ///
    /// # Errors
    /// [`AuthError::UnknownAlgorithm`].
    pub fn from_name(name: &str) -> Result<Self, AuthError> {
        let found = Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name));
        found.ok_or(AuthError::UnknownAlgorithm)
    }

    /// What stands in a header, and whether it is the session form, `-sess`. Without a parameter it is MD5.
    pub(crate) fn of(parameter: Option<&str>) -> Result<(Self, bool), AuthError> {
        let Some(name) = parameter else { return Ok((Self::default(), false)) };
        let at = name.len().saturating_sub(SESSION.len());
        match (name.get(..at), name.get(at..)) {
            (Some(name), Some(end)) if end.eq_ignore_ascii_case(SESSION) => Ok((Self::from_name(name)?, true)),
            _ => Ok((Self::from_name(name)?, false)),
        }
    }

    /// The form in a header.
    pub(crate) fn parameter(self, session: bool) -> String {
        format!("{}{}", self.name(), if session { SESSION } else { "" })
    }

    /// Hexadecimal digits of a hash.
    pub fn digits(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha256 | Self::Sha512_256 => 64,
        }
    }

    /// Lower-case hexadecimal hash of the parts with a colon between each two.
    pub(crate) fn hash(self, parts: &[&[u8]]) -> String {
        fn run<D: Digest>(parts: &[&[u8]]) -> String {
            let mut digest = D::new();
            for (i, part) in parts.iter().enumerate() {
                if i > 0 {
                    digest.update(b":");
                }
                digest.update(part);
            }
            hex::encode(digest.finalize())
        }
        match self {
            Self::Md5 => run::<Md5>(parts),
            Self::Sha256 => run::<Sha256>(parts),
            Self::Sha512_256 => run::<Sha512_256>(parts),
        }
    }
}
