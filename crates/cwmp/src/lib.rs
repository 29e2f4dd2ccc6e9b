//! TR-069 (CWMP) messages and sessions, both ends, without sockets, clock or tasks.
//!
//! Bytes go through [`guard::decode_body`] (bounded inflate) and [`decode`] (one pass: limits, form, types); every
//! RPC is declared once in `rpc/` and listed once in `message.rs`. [`cpe::CpeSession`] is the phone's half of a
//! session, [`acs::AcsSession`] the server's.
//!
//! What we are about to send can be held against the schemas' bounds ([`Message::check`]); what a phone tells, and until
//! when, is kept by [`EventQueue`].
//!
//! Section numbers refer to TR-069 Issue 1 Amendment 5/6.

pub mod acs;
pub mod cpe;
pub mod error;
pub mod events;
pub mod fault;
pub mod guard;
pub mod message;
pub mod model;
pub mod retry;
pub mod rpc;
pub mod time;

mod check;
mod decode;
mod encode;
mod field;
mod reader;
mod scope;
mod wire;

pub use acs::{AcsInput, AcsSession, RequestError};
pub use cpe::{CpeSession, CpeStep, SessionOutcome};
pub use decode::{decode, decode_post};
pub use encode::{encode, illegal_char};
pub use error::{CwmpError, ErrorKind, Side};
pub use events::EventQueue;
pub use fault::{Fault, FaultCode, SetParameterValuesFault, TransferFault};
pub use guard::{Limits, decode_body};
pub use message::{CwmpVersion, Envelope, Message, MessageKind};
pub use model::{DeviceId, Event, EventCode, ParameterValue, Secret, Value, XsdType};
pub use retry::retry_wait;
pub use rpc::*;
pub use time::CwmpTime;
