//! What the end-to-end tests and the benchmarks share: a client of the REST API, the real programs as processes, and the
//! benchmarks themselves.

pub mod api;
pub mod bench;
pub mod certificates;
pub mod fleet;
pub mod hotel;
pub mod process;
pub mod wait;
