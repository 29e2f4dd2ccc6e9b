//! The TR-069 client: data model, sessions over HTTP, and the ACS's ways to call.

pub(crate) mod auth;
pub(crate) mod bucket;
mod connection;
pub mod connection_request;
mod driver;
pub(crate) mod http;
mod notify;
pub mod reasons;
mod rpc;
pub(crate) mod session;
pub mod tree;
mod udp;

pub use driver::{CpeOptions, run};
