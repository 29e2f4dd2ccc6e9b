//! SIP (RFC 3261), sans-IO.

pub mod account;
pub mod auth;
pub mod call;
pub mod dialog;
pub mod events;
pub mod identity;
pub mod inbox;
pub mod keep_alive;
pub mod late;
pub mod line;
pub mod locate;
pub mod message;
pub mod outgoing;
pub mod publication;
pub mod registration;
pub mod stun;
pub mod subscription;
pub mod transaction;
pub mod transport;
