//! TR-069 (CWMP) messages and sessions, both ends, without sockets, clock or tasks.
//!
//! Bytes go through [`guard::decode_body`] (bounded inflate) and [`decode`] (limits, well-formedness, then types); every
//! RPC is declared once in `rpc.rs` and listed once in `message.rs`. [`cpe::CpeSession`] is the phone's half of a
//! session, [`acs::AcsSession`] the server's.
//!
//! Section numbers refer to TR-069 Issue 1 Amendment 5/6.

pub mod acs;
pub mod cpe;
pub mod error;
pub mod fault;
pub mod guard;
pub mod message;
pub mod model;
pub mod retry;
pub mod rpc;
pub mod time;

mod decode;
mod encode;
mod tree;
mod wire;

pub use acs::{AcsInput, AcsSession};
pub use cpe::{CpeSession, CpeStep, SessionOutcome};
pub use decode::{decode, decode_post};
pub use encode::{encode, illegal_char};
pub use error::{CwmpError, ErrorKind, Side};
pub use fault::{Fault, FaultCode, SetParameterValuesFault, TransferFault};
pub use guard::{Limits, decode_body};
pub use message::{CwmpVersion, Envelope, Message, MessageKind};
pub use model::{DeviceId, Event, EventCode, ParameterValue, Secret, Value, XsdType};
pub use retry::retry_wait;
pub use rpc::*;
pub use time::CwmpTime;
