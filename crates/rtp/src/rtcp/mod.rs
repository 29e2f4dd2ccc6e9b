//! RTCP (RFC 3550 §6) with extended reports (RFC 3611): compound packets read with limits, written into a caller's buffer.

mod read;
mod write;
mod xr;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use read::{Description, Goodbye, Packets, ReportBlocks, Rtcp, RtcpError, parse};
pub use write::CompoundWriter;
pub use xr::{Dlrr, XrBlock, XrBlocks};

pub use crate::reception::ReportBlock;

/// Most packets in a compound one.
pub const MAX_PACKETS: usize = 16;
/// Shortest mean time between two reports (RFC 3550 §6.2).
pub const MIN_INTERVAL: Duration = Duration::from_secs(5);

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
const EXTENDED_REPORT: u8 = 207;
/// Item of a source description: the canonical name.
const CNAME: u8 = 1;

/// What a sender says of itself (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SenderInfo {
    /// Wall clock as NTP writes it: seconds since 1900 in the upper half.
    pub ntp: u64,
    /// The same moment in units of the stream's timestamps.
    pub timestamp: u32,
    /// Packets sent.
    pub packets: u32,
    /// Bytes of payload sent.
    pub bytes: u32,
}

/// The middle 32 bits of an NTP time, 1/65536 s: what reports carry back.
pub const fn ntp_middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// Time to the next report of one of two members (RFC 3550 §6.3.1): between half and one and a half of `min`.
///
/// `random` is drawn evenly from the whole range; the first report of a session waits half as long. With two members of a
/// call the share of the bandwidth never asks for more than `min`, so it is not counted.
pub fn interval(min: Duration, first: bool, random: u32) -> Duration {
    /// e - 3/2: what reconsidering a timer takes off the mean.
    const COMPENSATION: f64 = 1.218_28;
    let min = if first { min / 2 } else { min };
    min.mul_f64((0.5 + f64::from(random) / f64::from(u32::MAX)) / COMPENSATION)
}
