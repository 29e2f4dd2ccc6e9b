//! Every setting that concerns signalling or sound changes what the phone does: each test sets one by its catalogue key, and
//! holds the phone against one that has the default. `docs/SIP-SETTINGS.md` and `docs/AUDIO-SETTINGS.md` name the test of
//! each.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod audio;
mod bench;
mod dialling;
mod headers;
mod ignored;
mod in_call;
mod incoming;
mod leg;
mod listening;
mod measure;
mod outgoing;
mod packets;
mod quality;
mod registration;
mod room;
mod saying;
mod security;
mod servers;
mod session_timer;
mod streams;
mod transport;
mod volumes;
