//! What the phone is told, as plain values, and how they are read from the catalogue's keys.

mod account;
pub mod calls;
pub mod headers;
pub mod media;
pub mod phone;
pub mod read;
pub mod servers;
pub mod session_timer;
pub mod sound;
pub mod tls;

pub use account::{
    AccountSettings, ListeningMode, NatTraversal, OptionsKeepAlive, OutboundProxyMode, Secret, UnregisterOnReboot,
};
pub use phone::PhoneSettings;
