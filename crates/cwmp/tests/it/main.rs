//! Messages and sessions of TR-069, from outside.

#![allow(clippy::unwrap_used)]

mod bounds;
mod common;
mod cost;
mod events;
mod golden;
mod hostile;
mod lenient;
mod properties;
mod schema;
mod server;
mod sessions;
