//! Writes compound packets.

use super::xr::{self, XrBlock};
use super::{
    CNAME, EXTENDED_REPORT, GOODBYE, RECEIVER_REPORT, ReportBlock, SENDER_REPORT, SOURCE_DESCRIPTION, SenderInfo,
};
use crate::bytes::Writer;

/// Most blocks of a report, by its header's field.
const MAX_BLOCKS: usize = 31;

/// A compound packet in a caller's buffer: a report first, then the canonical name, then the rest.
///
/// What does not fit is left out whole, and says so by `None`.
pub struct CompoundWriter<'a>(Writer<'a>);

impl<'a> CompoundWriter<'a> {
    /// Starts at the beginning of `out`.
    pub fn new(out: &'a mut [u8]) -> Self {
        Self(Writer::new(out))
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is written yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// SR, with at most 31 blocks.
    pub fn sender_report(&mut self, ssrc: u32, info: &SenderInfo, blocks: &[ReportBlock]) -> Option<()> {
        self.packet(SENDER_REPORT, blocks.len(), |w| {
            w.u32(ssrc)?;
            w.bytes(&info.ntp.to_be_bytes())?;
            w.u32(info.timestamp)?;
            w.u32(info.packets)?;
            w.u32(info.bytes)?;
            blocks.iter().try_for_each(|block| write_block(w, block))
        })
    }

    /// RR, with at most 31 blocks.
    pub fn receiver_report(&mut self, ssrc: u32, blocks: &[ReportBlock]) -> Option<()> {
        self.packet(RECEIVER_REPORT, blocks.len(), |w| {
            w.u32(ssrc)?;
            blocks.iter().try_for_each(|block| write_block(w, block))
        })
    }

    /// SDES with the canonical name, at most 255 bytes.
    pub fn cname(&mut self, ssrc: u32, cname: &str) -> Option<()> {
        self.packet(SOURCE_DESCRIPTION, 1, |w| {
            w.u32(ssrc)?;
            w.u8(CNAME)?;
            w.u8(u8::try_from(cname.len()).ok()?)?;
            w.bytes(cname.as_bytes())?;
            // The list of items ends with at least one zero; the rest is filled below.
            w.u8(0)
        })
    }

    /// XR.
    pub fn extended_report(&mut self, ssrc: u32, blocks: &[XrBlock]) -> Option<()> {
        self.packet(EXTENDED_REPORT, 0, |w| {
            w.u32(ssrc)?;
            blocks.iter().try_for_each(|block| xr::write(w, block))
        })
    }

    /// BYE; no reason when `reason` is empty, at most 255 bytes.
    pub fn goodbye(&mut self, ssrc: u32, reason: &str) -> Option<()> {
        self.packet(GOODBYE, 1, |w| {
            w.u32(ssrc)?;
            if reason.is_empty() {
                return Some(());
            }
            w.u8(u8::try_from(reason.len()).ok()?)?;
            w.bytes(reason.as_bytes())
        })
    }

    /// A header, what `body` writes, zeros up to the next word, and the length.
    fn packet(&mut self, kind: u8, count: usize, body: impl FnOnce(&mut Writer<'a>) -> Option<()>) -> Option<()> {
        let start = self.0.len();
        let written = self.try_packet(kind, count, body);
        if written.is_none() {
            self.0.rewind(start);
        }
        written
    }

    fn try_packet(&mut self, kind: u8, count: usize, body: impl FnOnce(&mut Writer<'a>) -> Option<()>) -> Option<()> {
        if count > MAX_BLOCKS {
            return None;
        }
        let w = &mut self.0;
        let start = w.len();
        w.bytes(&[2 << 6 | count as u8, kind, 0, 0])?;
        body(w)?;
        while !w.len().is_multiple_of(4) {
            w.u8(0)?;
        }
        let words = u16::try_from((w.len() - start) / 4 - 1).ok()?;
        w.patch_u16(start + 2, words)
    }
}

fn write_block(w: &mut Writer<'_>, block: &ReportBlock) -> Option<()> {
    w.u32(block.ssrc)?;
    let lost = block.lost.clamp(-0x80_0000, 0x7f_ffff).cast_unsigned() & 0xff_ffff;
    w.u32(u32::from(block.fraction_lost) << 24 | lost)?;
    w.u32(block.highest)?;
    w.u32(block.jitter)?;
    w.u32(block.last_sr)?;
    w.u32(block.delay_since_last_sr)
}
