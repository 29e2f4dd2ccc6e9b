//! One leg of a call as sound: what is said goes in as samples and comes out as packets, and the other way round. Sans-IO:
//! time is a parameter, packets and samples are handed over.
//!
//! Nothing in here allocates, locks or blocks once a leg is made, so it may run in a real-time thread.

#[cfg(any(test, feature = "netsim"))]
pub mod netsim;
pub mod receive;
