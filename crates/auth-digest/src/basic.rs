//! Basic authentication (RFC 7617), for phones that know nothing better, over TLS.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

use crate::{AuthError, MAX_HEADER};

/// Debug prints no password.
#[derive(Clone, PartialEq, Eq)]
pub struct BasicCredentials {
    /// Without a colon.
    pub username: String,
    pub password: String,
}

impl fmt::Debug for BasicCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicCredentials").field("username", &self.username).finish_non_exhaustive()
    }
}

impl BasicCredentials {
    /// An `Authorization` value. UTF-8 only.
    pub fn parse(value: &str) -> Result<Self, AuthError> {
        if value.len() > MAX_HEADER {
            return Err(AuthError::TooLong);
        }
        let (scheme, token) = value.trim().split_once(' ').ok_or(AuthError::OtherScheme)?;
        if !scheme.eq_ignore_ascii_case("Basic") {
            return Err(AuthError::OtherScheme);
        }
        let bytes = STANDARD.decode(token.trim()).map_err(|_| AuthError::Malformed)?;
        let text = String::from_utf8(bytes).map_err(|_| AuthError::Malformed)?;
        let (username, password) = text.split_once(':').ok_or(AuthError::Malformed)?;
        if text.chars().any(char::is_control) {
            return Err(AuthError::Malformed);
        }
        Ok(Self { username: username.to_owned(), password: password.to_owned() })
    }

    /// Compares both in constant time (their lengths may show).
    pub fn matches(&self, username: &str, password: &str) -> bool {
        let user = self.username.as_bytes().ct_eq(username.as_bytes());
        let pass = self.password.as_bytes().ct_eq(password.as_bytes());
        (user & pass).into()
    }
}

/// The header's value.
impl fmt::Display for BasicCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Basic {}", STANDARD.encode(format!("{}:{}", self.username, self.password)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_7617_vector() {
        let credentials = BasicCredentials::parse("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==").unwrap();
        assert!(credentials.matches("Aladdin", "open sesame"));
        assert!(!credentials.matches("Aladdin", "open sesam"));
        assert!(!credentials.matches("aladdin", "open sesame"));
        assert_eq!(credentials.to_string(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{credentials:?}").contains("sesame"));
    }

    #[test]
    fn a_password_may_hold_colons() {
        let text = BasicCredentials { username: "u".into(), password: "a:b".into() }.to_string();
        assert_eq!(BasicCredentials::parse(&text).unwrap().password, "a:b");
    }

    #[test]
    fn refuses_what_is_not_basic() {
        for value in ["", "Basic", "Digest QTpC", "Basic !!", "Basic QUJD", "Basic /w=="] {
            assert!(BasicCredentials::parse(value).is_err(), "{value}");
        }
        assert_eq!(BasicCredentials::parse(&"x".repeat(5000)), Err(AuthError::TooLong));
    }
}
