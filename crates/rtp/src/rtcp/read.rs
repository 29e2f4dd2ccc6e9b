//! Reads compound packets. All lengths are checked before anything is given out.

use thiserror::Error;

use super::xr::XrBlocks;
use super::{
    CNAME, EXTENDED_REPORT, GOODBYE, MAX_PACKETS, RECEIVER_REPORT, ReportBlock, SENDER_REPORT, SOURCE_DESCRIPTION,
    SenderInfo,
};
use crate::bytes::{u8_at, u16_at, u32_at};
use crate::packet::MAX_PACKET;

/// Bytes of a report block.
const BLOCK_LEN: usize = 24;
/// Bytes of a header, and of a sender's information.
const HEADER_LEN: usize = 4;
const SENDER_INFO_LEN: usize = 20;

/// Why bytes are no compound packet.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RtcpError {
    /// More than [`MAX_PACKET`] bytes.
    #[error("longer than any RTCP packet we take")]
    Oversize,
    /// A header of another version.
    #[error("not RTCP version 2")]
    Version,
    /// Lengths that do not add up.
    #[error("the lengths do not add up")]
    Length,
    /// Padding where there may be none, or more than there is room for.
    #[error("impossible padding")]
    Padding,
    /// More than [`MAX_PACKETS`].
    #[error("too many packets")]
    TooMany,
}

/// One packet of a compound one.
#[derive(Clone, Copy, Debug)]
pub enum Rtcp<'a> {
    /// SR: of one who sends.
    SenderReport {
        /// Who reports.
        ssrc: u32,
        /// What it sent.
        info: SenderInfo,
        /// What it received.
        blocks: ReportBlocks<'a>,
    },
    /// RR: of one who only receives.
    ReceiverReport {
        /// Who reports.
        ssrc: u32,
        /// What it received.
        blocks: ReportBlocks<'a>,
    },
    /// SDES.
    SourceDescription(Description<'a>),
    /// BYE.
    Goodbye(Goodbye<'a>),
    /// XR.
    ExtendedReport {
        /// Who reports.
        ssrc: u32,
        /// Its blocks.
        blocks: XrBlocks<'a>,
    },
    /// APP, feedback and what is not known, by its type.
    Other(u8),
}

/// The packets of a checked compound one. A packet shorter than its kind is left out.
#[derive(Clone, Copy, Debug)]
pub struct Packets<'a> {
    data: &'a [u8],
}

/// Reads a compound packet (RFC 3550 appendix A.2); one that starts with no report is taken too (RFC 5506).
///
/// # Errors
/// When a header is of another version, the lengths do not add up, or there are more than [`MAX_PACKETS`].
pub fn parse(data: &[u8]) -> Result<Packets<'_>, RtcpError> {
    if data.len() > MAX_PACKET {
        return Err(RtcpError::Oversize);
    }
    if data.len() < HEADER_LEN {
        return Err(RtcpError::Length);
    }
    let mut rest = data;
    let mut count = 0;
    while let Some(first) = rest.first() {
        count += 1;
        if count > MAX_PACKETS {
            return Err(RtcpError::TooMany);
        }
        if first >> 6 != 2 {
            return Err(RtcpError::Version);
        }
        let (packet, after) = split(rest).ok_or(RtcpError::Length)?;
        if first & 0x20 != 0 {
            // Only the last may be padded.
            let padding = usize::from(packet.last().copied().unwrap_or(0));
            let fits = padding != 0 && padding % 4 == 0 && padding <= packet.len() - HEADER_LEN;
            if !after.is_empty() || !fits {
                return Err(RtcpError::Padding);
            }
        }
        rest = after;
    }
    Ok(Packets { data })
}

/// The first packet, as long as its header says, and what follows.
fn split(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = HEADER_LEN + 4 * usize::from(u16_at(data, 2)?);
    data.split_at_checked(len)
}

impl<'a> Iterator for Packets<'a> {
    type Item = Rtcp<'a>;

    fn next(&mut self) -> Option<Rtcp<'a>> {
        loop {
            let (packet, rest) = split(self.data)?;
            self.data = rest;
            if let Some(read) = read_one(packet) {
                return Some(read);
            }
        }
    }
}

fn read_one(packet: &[u8]) -> Option<Rtcp<'_>> {
    let first = u8_at(packet, 0)?;
    let count = usize::from(first & 0x1f);
    let padding = if first & 0x20 != 0 { usize::from(*packet.last()?) } else { 0 };
    let body = packet.get(HEADER_LEN..packet.len().checked_sub(padding)?)?;
    Some(match u8_at(packet, 1)? {
        SENDER_REPORT => Rtcp::SenderReport {
            ssrc: u32_at(body, 0)?,
            info: SenderInfo {
                ntp: u64::from(u32_at(body, 4)?) << 32 | u64::from(u32_at(body, 8)?),
                timestamp: u32_at(body, 12)?,
                packets: u32_at(body, 16)?,
                bytes: u32_at(body, 20)?,
            },
            blocks: ReportBlocks::new(body.get(4 + SENDER_INFO_LEN..)?, count)?,
        },
        RECEIVER_REPORT => {
            Rtcp::ReceiverReport { ssrc: u32_at(body, 0)?, blocks: ReportBlocks::new(body.get(4..)?, count)? }
        }
        SOURCE_DESCRIPTION => Rtcp::SourceDescription(Description { chunks: body, count }),
        GOODBYE => {
            let (sources, rest) = body.split_at_checked(4 * count)?;
            let reason = u8_at(rest, 0).and_then(|len| rest.get(1..=usize::from(len)));
            Rtcp::Goodbye(Goodbye { sources, reason })
        }
        EXTENDED_REPORT => Rtcp::ExtendedReport { ssrc: u32_at(body, 0)?, blocks: XrBlocks::new(body.get(4..)?) },
        other => Rtcp::Other(other),
    })
}

/// The blocks of a report, at most 31.
#[derive(Clone, Copy, Debug)]
pub struct ReportBlocks<'a>(&'a [u8]);

impl<'a> ReportBlocks<'a> {
    fn new(data: &'a [u8], count: usize) -> Option<Self> {
        data.get(..count * BLOCK_LEN).map(Self)
    }
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (block, rest) = self.0.split_at_checked(BLOCK_LEN)?;
        self.0 = rest;
        let loss = u32_at(block, 4)?;
        Some(ReportBlock {
            ssrc: u32_at(block, 0)?,
            fraction_lost: (loss >> 24) as u8,
            // The sign is that of 24 bits.
            lost: (loss << 8).cast_signed() >> 8,
            highest: u32_at(block, 8)?,
            jitter: u32_at(block, 12)?,
            last_sr: u32_at(block, 16)?,
            delay_since_last_sr: u32_at(block, 20)?,
        })
    }
}

/// Names of sources.
#[derive(Clone, Copy, Debug)]
pub struct Description<'a> {
    chunks: &'a [u8],
    count: usize,
}

impl<'a> Description<'a> {
    /// The first source with a canonical name, and the name.
    pub fn cname(&self) -> Option<(u32, &'a [u8])> {
        let mut at = 0;
        for _ in 0..self.count {
            let ssrc = u32_at(self.chunks, at)?;
            at += 4;
            loop {
                let kind = u8_at(self.chunks, at)?;
                if kind == 0 {
                    break;
                }
                let len = usize::from(u8_at(self.chunks, at + 1)?);
                let text = self.chunks.get(at + 2..at + 2 + len)?;
                if kind == CNAME {
                    return Some((ssrc, text));
                }
                at += 2 + len;
            }
            // At least one zero, and as many as fill the word.
            at = (at + 4) & !3;
        }
        None
    }
}

/// Sources that leave.
#[derive(Clone, Copy, Debug)]
pub struct Goodbye<'a> {
    sources: &'a [u8],
    /// Why, if said.
    pub reason: Option<&'a [u8]>,
}

impl Goodbye<'_> {
    /// Whether `ssrc` leaves.
    pub fn names(&self, ssrc: u32) -> bool {
        self.sources.chunks_exact(4).any(|source| source == ssrc.to_be_bytes())
    }
}
