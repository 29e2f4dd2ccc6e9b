//! HTTP and SIP Digest authentication, both ends, pure (RFC 7616, RFC 8760; RFC 2617 peers understood), and Basic.
//!
//! A client: [`Challenge::parse`] the `WWW-Authenticate` values, [`respond`] to the [`strongest`], send
//! [`Credentials`]' text. A server: [`NonceIssuer::issue`], print a [`Challenge`] for each algorithm it has a [`Ha1`]
//! for, [`Credentials::parse`] what comes back, [`NonceIssuer::check`], then [`verify`]. Randomness and time are the
//! caller's.

mod algorithm;
mod basic;
mod challenge;
mod credentials;
mod ha1;
mod nonce;
mod params;
mod proof;

pub use algorithm::Algorithm;
pub use basic::BasicCredentials;
pub use challenge::{Challenge, Qop, strongest};
pub use credentials::Credentials;
pub use ha1::Ha1;
pub use nonce::{Freshness, NonceIssuer};
pub use proof::{Mismatch, respond, respond_with, verify};

/// Longest header value read, in bytes.
pub const MAX_HEADER: usize = 4096;
/// Most parameters read from one header value.
pub const MAX_PARAMETERS: usize = 64;

/// Why a header value was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    #[error("the authentication header is longer than {MAX_HEADER} bytes")]
    TooLong,
    #[error("the authentication header has more than {MAX_PARAMETERS} parameters")]
    TooManyParameters,
    #[error("the authentication header is malformed")]
    Malformed,
    #[error("the parameter {0} is there twice")]
    Duplicate(&'static str),
    #[error("the parameter {0} is missing")]
    Missing(&'static str),
    #[error("the parameter {0} has no valid value")]
    Invalid(&'static str),
    #[error("the header holds no Digest (or Basic) authentication")]
    OtherScheme,
    #[error("the algorithm is not supported")]
    UnknownAlgorithm,
    #[error("the quality of protection is not supported")]
    UnknownQop,
}
