//! SIP (RFC 3261): message layer, transactions, server side, registration. Sans-IO throughout.

pub mod auth;
pub mod message;
pub mod registration;
pub mod server;
pub mod transaction;
