//! Orders that come by MQTT beside the settings: done once, and what came of them told until it is acknowledged.
//!
//! Before an order is begun its id is on disk, and when it is over its result is. The last 256 are remembered, in both
//! lanes, since a CommandKey of TR-069 names the same order: one that comes again is answered with what is known.

mod memory;
mod orders;

pub(crate) use memory::{Begin, Known, Memory};
pub(crate) use orders::Orders;
