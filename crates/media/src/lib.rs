//! One leg of a call as sound: what is said goes in as samples and comes out as packets, and the other way round. Sans-IO:
//! time is a parameter, packets and samples are handed over.
//!
//! Nothing in here allocates, locks or blocks once a leg is made, so it may run in a real-time thread.

//!
//! | file | what |
//! |---|---|
//! | `config` | what a leg is told |
//! | `session` | the leg: ties the others together |
//! | `send` | from samples to payloads, with as much redundancy as the loss asks for |
//! | `receive` | the jitter buffer: from payloads to samples |
//! | `control`, `fates`, `quality` | RTCP: what arrives, how it sounds |
//! | `digits` | digits as events and tones, both ways |
//! | `source` | who is the other side, and who a stranger |
//! | `transmit`, `events` | queues |

pub mod config;
mod control;
mod digits;
mod events;
mod fates;
#[cfg(any(test, feature = "netsim"))]
pub mod netsim;
mod quality;
pub mod receive;
pub mod send;
mod session;
mod source;
mod transmit;

#[cfg(test)]
mod tests;

pub use config::Config;
pub use events::Event;
pub use quality::Quality;
pub use session::{Counters, Parts, Session};
pub use transmit::{MAX_PACKET, Port};
