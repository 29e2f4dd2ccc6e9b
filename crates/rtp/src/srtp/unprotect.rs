//! The receiving end of a direction.

use subtle::ConstantTimeEq;

use super::context::{Context, ENCRYPTED, RTCP_CLEAR, RTCP_TAG, roll_over, rtcp_ssrc};
use super::source::Sources;
use super::{RTCP_LIFETIME, RTP_LIFETIME, SrtpError, Suite};
use crate::bytes::{u8_at, u16_at, u32_at};
use crate::packet::{MAX_PACKET, payload_start};

/// What was refused so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// Tags that were wrong, or identifiers of another key.
    pub unauthentic: u64,
    /// Packets that came before, or too late.
    pub replayed: u64,
    /// Everything else.
    pub other: u64,
}

/// Reads what another protected with one master key. Nothing a wrong packet says changes what is known of a source.
#[derive(Clone)]
pub struct Unprotect {
    pub(super) context: Context,
    pub(super) rtp_sources: Sources,
    pub(super) rtcp_sources: Sources,
    pub(super) rtp_left: u64,
    pub(super) rtcp_left: u64,
    refused: Refused,
}

impl Unprotect {
    /// `master` is the key with its salt, [`Suite::master_len`] bytes; `mki` is empty when packets carry none.
    ///
    /// # Errors
    /// When a length is wrong.
    pub fn new(suite: Suite, master: &[u8], mki: &[u8]) -> Result<Self, SrtpError> {
        Ok(Self {
            context: Context::new(suite, master, mki)?,
            rtp_sources: Sources::default(),
            rtcp_sources: Sources::default(),
            rtp_left: RTP_LIFETIME,
            rtcp_left: RTCP_LIFETIME,
            refused: Refused::default(),
        })
    }

    /// What was refused so far.
    pub fn refused(&self) -> Refused {
        self.refused
    }

    /// Checks and decrypts the RTP packet that fills `buf`; the length it has then.
    ///
    /// # Errors
    /// When it is no packet, not authentic, came before, or the key is used up.
    pub fn unprotect_rtp(&mut self, buf: &mut [u8]) -> Result<usize, SrtpError> {
        let result = self.rtp(buf);
        self.count(result)
    }

    /// Checks and decrypts the RTCP packet that fills `buf`; the length it has then.
    ///
    /// # Errors
    /// As [`Self::unprotect_rtp`], or when it is not encrypted.
    pub fn unprotect_rtcp(&mut self, buf: &mut [u8]) -> Result<usize, SrtpError> {
        let result = self.rtcp(buf);
        self.count(result)
    }

    fn rtp(&mut self, buf: &mut [u8]) -> Result<usize, SrtpError> {
        if self.rtp_left == 0 {
            return Err(SrtpError::KeyUsedUp);
        }
        let (len, tag) = self.split(buf, self.context.suite.rtp_tag_len())?;
        let packet = buf.get_mut(..len).ok_or(SrtpError::Malformed)?;
        let start = payload_start(packet).ok_or(SrtpError::Malformed)?;
        let (ssrc, sequence) = header_of(packet)?;
        let index = self.rtp_sources.index(ssrc, sequence)?;
        let keys = &self.context.rtp;
        verify(keys.tag(packet, &roll_over(index)), tag.bytes())?;
        keys.apply(ssrc, index, packet.get_mut(start..).unwrap_or_default());
        self.rtp_sources.accept(ssrc, index);
        self.rtp_left -= 1;
        Ok(len)
    }

    fn rtcp(&mut self, buf: &mut [u8]) -> Result<usize, SrtpError> {
        if self.rtcp_left == 0 {
            return Err(SrtpError::KeyUsedUp);
        }
        let (end, tag) = self.split(buf, RTCP_TAG)?;
        let len = end.checked_sub(4).filter(|len| *len >= RTCP_CLEAR).ok_or(SrtpError::Malformed)?;
        let field = u32_at(buf, len).ok_or(SrtpError::Malformed)?;
        let index = u64::from(field & !ENCRYPTED);
        let packet = buf.get_mut(..len).ok_or(SrtpError::Malformed)?;
        let ssrc = rtcp_ssrc(packet)?;
        self.rtcp_sources.check(ssrc, index)?;
        let keys = &self.context.rtcp;
        verify(keys.tag(packet, &field.to_be_bytes()), tag.bytes())?;
        if field & ENCRYPTED == 0 {
            return Err(SrtpError::Unencrypted);
        }
        keys.apply(ssrc, index, packet.get_mut(RTCP_CLEAR..).unwrap_or_default());
        self.rtcp_sources.accept(ssrc, index);
        self.rtcp_left -= 1;
        Ok(len)
    }

    /// The length before MKI and tag, and a copy of the tag.
    fn split(&self, buf: &[u8], tag_len: usize) -> Result<(usize, Tag), SrtpError> {
        if buf.len() > MAX_PACKET {
            return Err(SrtpError::Malformed);
        }
        let mki = self.context.mki();
        let tag_at = buf.len().checked_sub(tag_len).ok_or(SrtpError::Malformed)?;
        let mki_at = tag_at.checked_sub(mki.len()).ok_or(SrtpError::Malformed)?;
        if buf.get(mki_at..tag_at) != Some(mki) {
            return Err(SrtpError::Mki);
        }
        let mut tag = Tag { bytes: [0; RTCP_TAG], len: tag_len };
        for (kept, byte) in tag.bytes.iter_mut().zip(buf.get(tag_at..).unwrap_or_default()) {
            *kept = *byte;
        }
        Ok((mki_at, tag))
    }

    fn count(&mut self, result: Result<usize, SrtpError>) -> Result<usize, SrtpError> {
        match result {
            Ok(_) => {}
            Err(SrtpError::Tag | SrtpError::Mki) => self.refused.unauthentic += 1,
            Err(SrtpError::Replayed) => self.refused.replayed += 1,
            Err(_) => self.refused.other += 1,
        }
        result
    }
}

struct Tag {
    bytes: [u8; RTCP_TAG],
    len: usize,
}

impl Tag {
    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// Source and sequence number. Padding is encrypted, so nothing is said of it before the packet is known as authentic.
fn header_of(packet: &[u8]) -> Result<(u32, u16), SrtpError> {
    let version = u8_at(packet, 0).map(|first| first >> 6);
    let (ssrc, sequence) = u32_at(packet, 8).zip(u16_at(packet, 2)).ok_or(SrtpError::Malformed)?;
    if version == Some(2) { Ok((ssrc, sequence)) } else { Err(SrtpError::Malformed) }
}

/// In constant time.
fn verify(computed: [u8; 20], tag: &[u8]) -> Result<(), SrtpError> {
    let computed = computed.get(..tag.len()).unwrap_or_default();
    if !tag.is_empty() && bool::from(computed.ct_eq(tag)) { Ok(()) } else { Err(SrtpError::Tag) }
}
