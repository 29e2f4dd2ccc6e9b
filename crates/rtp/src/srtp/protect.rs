//! The sending end of a direction.

use super::context::{Context, ENCRYPTED, RTCP_CLEAR, RTCP_TAG, roll_over, rtcp_ssrc};
use super::source::Sources;
use super::{RTCP_LIFETIME, RTP_LIFETIME, SrtpError, Suite};
use crate::bytes::Writer;
use crate::packet::{Packet, payload_start};

/// Protects what is sent with one master key.
///
/// No index is used twice: a packet protected before is refused. To send a copy of it, keep what came out.
#[derive(Clone)]
pub struct Protect {
    context: Context,
    sources: Sources,
    rtp_left: u64,
    /// Of the next RTCP packet.
    rtcp_index: u64,
    rtcp_lifetime: u64,
}

impl Protect {
    /// `master` is the key with its salt, [`Suite::master_len`] bytes; `mki` is empty when packets carry none.
    ///
    /// # Errors
    /// When a length is wrong.
    pub fn new(suite: Suite, master: &[u8], mki: &[u8]) -> Result<Self, SrtpError> {
        Ok(Self {
            context: Context::new(suite, master, mki)?,
            sources: Sources::default(),
            rtp_left: RTP_LIFETIME,
            rtcp_index: 0,
            rtcp_lifetime: RTCP_LIFETIME,
        })
    }

    /// Lets the key protect no more than `packets` from now on, as a lifetime of SDP may say (RFC 4568 §6.1).
    pub fn limit(&mut self, packets: u64) {
        self.rtp_left = self.rtp_left.min(packets);
        self.rtcp_lifetime = self.rtcp_lifetime.min(self.rtcp_index.saturating_add(packets));
    }

    /// Protects the RTP packet in the first `len` bytes of `buf`; the length it has then.
    ///
    /// # Errors
    /// When it is no packet, `buf` has no room for MKI and tag, its index was used, or the key is used up.
    pub fn protect_rtp(&mut self, buf: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        if self.rtp_left == 0 {
            return Err(SrtpError::KeyUsedUp);
        }
        let packet = buf.get(..len).ok_or(SrtpError::Malformed)?;
        let header = Packet::parse(packet).map_err(|_| SrtpError::Malformed)?.header;
        let start = payload_start(packet).ok_or(SrtpError::Malformed)?;
        let index = self.sources.index(header.ssrc, header.sequence)?;
        let tag_len = self.context.suite.rtp_tag_len();
        let total = len + self.context.mki().len() + tag_len;
        let (packet, rest) = buf.get_mut(..total).and_then(|b| b.split_at_mut_checked(len)).ok_or(SrtpError::Buffer)?;
        let keys = &self.context.rtp;
        keys.apply(header.ssrc, index, packet.get_mut(start..).unwrap_or_default());
        let tag = keys.tag(packet, &roll_over(index));
        append(rest, &[self.context.mki(), tag.get(..tag_len).unwrap_or_default()])?;
        self.sources.accept(header.ssrc, index);
        self.rtp_left -= 1;
        Ok(total)
    }

    /// Protects the compound RTCP packet in the first `len` bytes of `buf`; the length it has then.
    ///
    /// # Errors
    /// As [`Self::protect_rtp`].
    pub fn protect_rtcp(&mut self, buf: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        if self.rtcp_index >= self.rtcp_lifetime {
            return Err(SrtpError::KeyUsedUp);
        }
        let ssrc = rtcp_ssrc(buf.get(..len).ok_or(SrtpError::Malformed)?)?;
        let total = len + 4 + self.context.mki().len() + RTCP_TAG;
        let (packet, rest) = buf.get_mut(..total).and_then(|b| b.split_at_mut_checked(len)).ok_or(SrtpError::Buffer)?;
        let index = self.rtcp_index;
        let keys = &self.context.rtcp;
        keys.apply(ssrc, index, packet.get_mut(RTCP_CLEAR..).unwrap_or_default());
        let field = (index as u32 | ENCRYPTED).to_be_bytes();
        let tag = keys.tag(packet, &field);
        append(rest, &[&field, self.context.mki(), tag.get(..RTCP_TAG).unwrap_or_default()])?;
        self.rtcp_index += 1;
        Ok(total)
    }
}

fn append(out: &mut [u8], parts: &[&[u8]]) -> Result<(), SrtpError> {
    let mut w = Writer::new(out);
    parts.iter().try_for_each(|part| w.bytes(part)).ok_or(SrtpError::Buffer)
}
