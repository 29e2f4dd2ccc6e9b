//! The TR-069 client: data model, sessions over HTTP, and the ACS's way to call.

mod auth;
pub mod connection_request;
mod driver;
mod http;
pub mod reasons;
mod rpc;
mod session;
pub mod tree;

pub use driver::{CpeOptions, run};
