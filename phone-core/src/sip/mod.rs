//! SIP (RFC 3261), sans-IO.

pub mod auth;
pub mod locate;
pub mod message;
pub mod registration;
pub mod server;
pub mod transaction;
pub mod transport;
