//! Pure rules: no database, no network, no clock. Time is a parameter.

pub mod catalogue;
pub mod claims;
pub mod document;
pub mod layers;
pub mod phone_state;
pub mod retry;
