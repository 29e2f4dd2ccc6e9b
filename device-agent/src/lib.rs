//! The phone's resident program, as a library: one phone ([`Agent`]) or thousands without audio ([`Simulator`]) in one
//! process, by the same code.

mod agent;
mod apply;
mod atomic;
mod boot;
mod clock;
pub mod control;
pub mod cpe;
pub mod device;
mod keypad;
mod mqtt;
mod net;
pub mod outbox;
mod phone;
mod serve;
mod simulator;
pub mod store;

pub use agent::{Agent, AgentConfig, AgentHandle};
pub use device::{Device, StateFile};
pub use simulator::{Counters, SimConfig, SimHandle, Simulator};
pub use store::{Effect, Storage};
