//! Pure rules: no database, no network, no clock. Time is a parameter.

pub mod account;
pub mod catalogue;
pub mod claims;
pub mod document;
pub mod emergency;
pub mod extensions;
pub mod import;
pub mod layers;
pub mod phone_state;
pub mod retry;
pub mod value;
pub mod zones;
