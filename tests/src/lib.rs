//! What the end-to-end tests and the fleet benchmark share: a client of the REST API, the real programs as processes,
//! and the benchmark itself.

pub mod api;
pub mod fleet;
pub mod hotel;
pub mod process;
pub mod wait;
