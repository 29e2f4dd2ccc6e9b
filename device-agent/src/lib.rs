//! The phone's resident program, as a library: one phone ([`Agent`]) or thousands without audio ([`Simulator`]) in one
//! process, by the same code.

mod agent;
mod apply;
mod atomic;
mod boot;
mod claim;
mod clock;
mod command;
pub mod control;
pub mod cpe;
pub mod device;
pub mod diagnostics;
mod held;
mod keypad;
mod mqtt;
mod net;
mod ntp;
pub mod outbox;
mod phone;
mod pnp;
pub mod provision;
pub mod rehearsal;
mod route;
mod serve;
mod simulator;
pub mod store;
mod telemetry;
pub mod tls;
pub mod transfer;
mod zone;

pub use agent::{Agent, AgentConfig, AgentHandle};
pub use device::{Device, StateFile};
pub use phone::sound::Choice as SoundChoice;
pub use pnp::Offer;
pub use simulator::{Counters, SimConfig, SimHandle, Simulator};
pub use store::{Effect, Storage};
