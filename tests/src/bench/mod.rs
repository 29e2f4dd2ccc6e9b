//! Benchmarks with real processes on this machine.

pub mod acs;
pub mod config;
pub mod mqtt;
pub mod sip;
pub mod usage;
