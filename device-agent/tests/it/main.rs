//! The agent as a whole, against servers of the tests' own.

#![allow(clippy::unwrap_used)]

mod broker;
mod crash;
mod notifications;
mod ntp;
mod phone;
mod pnp;
mod provision;
mod rehearsal;
mod session;
mod simulator;
mod sound;
mod support;
mod tr069_settings;
mod transfers;
mod udp;
