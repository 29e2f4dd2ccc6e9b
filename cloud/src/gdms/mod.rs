//! A client of GDMS, the phone maker's own fleet manager, by its documented API: to read what a customer has there, never
//! to change it.

mod client;
mod reply;
mod sign;

pub use client::{Client, Login};

/// Why GDMS could not be read; the text is for the person who asked, and holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum GdmsError {
    /// User, password, client id or secret.
    #[error("GDMS does not let us in: {0}. Look at user name, password, client id and secret.")]
    Login(String),
    /// It understood, and does not want to.
    #[error("GDMS refuses {0}")]
    Refused(String),
    /// No answer after several tries.
    #[error("GDMS does not answer: {0}. Try again later.")]
    Unreachable(String),
    /// An answer that means nothing.
    #[error("GDMS answered what we do not understand: {0}.")]
    Nonsense(String),
}

/// An organisation or a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub id: String,
    pub name: String,
}
