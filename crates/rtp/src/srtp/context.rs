//! What both ends of a direction share: keys, the key's identifier, and where the parts of a packet lie.

use super::keys::{Kind, SessionKeys};
use super::{MAX_MKI, SrtpError, Suite};
use crate::bytes::{u8_at, u32_at};

/// Bytes of RTCP that stay readable: the first header and its source.
pub const RTCP_CLEAR: usize = 8;
/// Bytes of the tag of RTCP.
pub const RTCP_TAG: usize = 10;
/// The bit of RTCP's index that says the packet is encrypted.
pub const ENCRYPTED: u32 = 1 << 31;

/// Keys of one direction. No `Debug`: keys are never printed.
#[derive(Clone)]
pub struct Context {
    pub suite: Suite,
    pub rtp: SessionKeys,
    pub rtcp: SessionKeys,
    mki: [u8; MAX_MKI],
    mki_len: usize,
}

impl Context {
    pub fn new(suite: Suite, master: &[u8], mki: &[u8]) -> Result<Self, SrtpError> {
        let mut kept = [0; MAX_MKI];
        kept.get_mut(..mki.len()).ok_or(SrtpError::MkiLength)?.copy_from_slice(mki);
        Ok(Self {
            suite,
            rtp: SessionKeys::derive(suite, master, Kind::Rtp)?,
            rtcp: SessionKeys::derive(suite, master, Kind::Rtcp)?,
            mki: kept,
            mki_len: mki.len(),
        })
    }

    pub fn mki(&self) -> &[u8] {
        self.mki.get(..self.mki_len).unwrap_or_default()
    }
}

/// The source of a whole RTCP packet, by its header.
pub fn rtcp_ssrc(packet: &[u8]) -> Result<u32, SrtpError> {
    let version = u8_at(packet, 0).map(|first| first >> 6);
    u32_at(packet, 4).filter(|_| version == Some(2)).ok_or(SrtpError::Malformed)
}

/// What ends the authenticated part of an RTP packet, unsent: the roll-over counter.
pub fn roll_over(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}
