//! Every setting that concerns signalling changes what the phone does: each test sets one by its catalogue key, and holds
//! the phone against one that has the default. `docs/SIP-SETTINGS.md` names the test of each.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod audio;
mod bench;
mod dialling;
mod headers;
mod ignored;
mod in_call;
mod incoming;
mod leg;
mod outgoing;
mod quality;
mod registration;
mod security;
mod servers;
mod session_timer;
mod transport;
