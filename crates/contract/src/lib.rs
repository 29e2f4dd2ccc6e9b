//! What cloud, agent and browser say to each other. Pure data: no I/O, compiles to WebAssembly.
//!
//! * [`event`]: what a phone tells (the Action URL vocabulary) and the `{boot, seq}` that makes it countable.
//! * [`mqtt`]: topics and payloads between the agent and the cloud.
//! * [`rest`]: requests and answers of `/api/v1`.
//! * [`live`]: what the server-sent event stream carries.
//! * [`problem`]: the error document every refused request gets (RFC 9457).

pub mod event;
pub mod ids;
pub mod live;
pub mod mac;
pub mod mqtt;
pub mod problem;
pub mod rest;
pub mod time;

pub use ids::*;
pub use mac::Mac;
pub use time::Timestamp;
