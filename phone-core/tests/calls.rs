//! Calls in virtual time: phones, a proxy and hand-made peers, joined by a network that can lose, delay, repeat and reorder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "calls/basic.rs"]
mod basic;
#[path = "calls/cancel.rs"]
mod cancel;
#[path = "calls/dialling.rs"]
mod dialling;
#[path = "calls/emergency.rs"]
mod emergency;
#[path = "calls/events.rs"]
mod events;
#[path = "calls/fork.rs"]
mod fork;
#[path = "calls/hold.rs"]
mod hold;
#[path = "calls/incoming.rs"]
mod incoming;
#[path = "calls/loss.rs"]
mod loss;
#[path = "calls/peer.rs"]
mod peer;
#[path = "calls/proxy.rs"]
mod proxy;
#[path = "calls/random.rs"]
mod random;
#[path = "calls/reliable.rs"]
mod reliable;
#[path = "calls/requests.rs"]
mod requests;
#[path = "calls/storm.rs"]
mod storm;
#[path = "calls/strangers.rs"]
mod strangers;
#[path = "calls/streams.rs"]
mod streams;
#[path = "calls/timers.rs"]
mod timers;
#[path = "calls/transfer.rs"]
mod transfer;
#[path = "calls/world.rs"]
mod world;
