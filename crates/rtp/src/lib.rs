//! RTP and what goes with it, without sockets, clocks or tasks: packets (RFC 3550), control packets and extended reports
//! (RFC 3611), redundancy (RFC 2198), telephone events (RFC 4733), SRTP (RFC 3711) and the measures of a call's quality.
//!
//! Nothing in here allocates, locks or blocks while packets pass, so it may run in a real-time thread.

mod bytes;
pub mod event;
pub mod packet;
pub mod quality;
pub mod reception;
pub mod red;
pub mod rtcp;
pub mod srtp;

pub use packet::{
    ExtendedSequence, ExtendedTimestamp, HEADER_LEN, Header, MAX_PACKET, Packet, ParseError, is_rtcp, keep_alive,
};
