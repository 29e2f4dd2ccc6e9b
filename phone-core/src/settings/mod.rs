//! What the phone is told, as plain values, and how they are read from the catalogue's keys.

mod account;
pub mod read;
pub mod servers;

pub use account::{AccountSettings, OutboundProxyMode, Secret, UnregisterOnReboot};
