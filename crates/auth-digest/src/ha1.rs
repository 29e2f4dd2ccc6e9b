//! What a server keeps instead of the password.

use std::fmt;

use crate::{Algorithm, AuthError};

/// Hash of user, realm and password (RFC 7616 §3.4.2). As good as the password within its realm: seal it where it rests.
#[derive(Clone)]
pub struct Ha1 {
    algorithm: Algorithm,
    hex: String,
}

impl Ha1 {
    pub fn new(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> Self {
        Self { algorithm, hex: algorithm.hash(&[user.as_bytes(), realm.as_bytes(), password.as_bytes()]) }
    }

    /// From storage: what [`Self::expose`] gave. Fails with [`AuthError::Invalid`].
    pub fn from_hex(algorithm: Algorithm, hex: &str) -> Result<Self, AuthError> {
        if hex.len() == algorithm.digits() && hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Self { algorithm, hex: hex.to_ascii_lowercase() })
        } else {
            Err(AuthError::Invalid("ha1"))
        }
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The secret itself, in lower-case hexadecimal: for sealed storage only.
    pub fn expose(&self) -> &str {
        &self.hex
    }
}

impl fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ha1({}, ..)", self.algorithm.name())
    }
}
