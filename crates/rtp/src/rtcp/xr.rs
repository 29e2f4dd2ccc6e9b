//! Blocks of extended reports (RFC 3611 §4.4, §4.5, §4.7).

use crate::bytes::{Writer, u8_at, u16_at, u32_at};
use crate::quality::{Plc, Report};

const REFERENCE_TIME: u8 = 4;
const DLRR: u8 = 5;
const VOIP_METRICS: u8 = 7;
/// Bytes of one sub-block of DLRR.
const DLRR_LEN: usize = 12;
/// A level, an R factor or a score that is not known.
const UNAVAILABLE: u8 = 127;

/// When a receiver's last reference time came: with it, those who only receive learn the round trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dlrr {
    /// The receiver.
    pub ssrc: u32,
    /// Middle of its reference time; 0 when none came.
    pub last_rr: u32,
    /// Since that came, 1/65536 s.
    pub delay: u32,
}

/// One block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum XrBlock {
    /// NTP time at the reporter (§4.4).
    ReferenceTime(u64),
    /// An answer to such a time (§4.5). A block of several is read as several.
    Dlrr(Dlrr),
    /// The measures of a call as the reporter hears it (§4.7).
    VoipMetrics {
        /// The source it hears.
        ssrc: u32,
        /// The measures.
        report: Report,
    },
    /// Of another type.
    Other(u8),
}

/// The blocks of a packet; one that is cut short ends them.
#[derive(Clone, Copy, Debug)]
pub struct XrBlocks<'a> {
    data: &'a [u8],
    /// What remains of a DLRR block.
    answers: &'a [u8],
}

impl<'a> XrBlocks<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, answers: &[] }
    }
}

impl Iterator for XrBlocks<'_> {
    type Item = XrBlock;

    fn next(&mut self) -> Option<XrBlock> {
        loop {
            if let Some((answer, rest)) = self.answers.split_at_checked(DLRR_LEN) {
                self.answers = rest;
                let (last_rr, delay) = (u32_at(answer, 4)?, u32_at(answer, 8)?);
                return Some(XrBlock::Dlrr(Dlrr { ssrc: u32_at(answer, 0)?, last_rr, delay }));
            }
            let len = 4 + 4 * usize::from(u16_at(self.data, 2)?);
            let (block, rest) = self.data.split_at_checked(len)?;
            self.data = rest;
            let body = block.get(4..)?;
            match u8_at(block, 0)? {
                DLRR => self.answers = body,
                REFERENCE_TIME if body.len() == 8 => {
                    let (seconds, fraction) = (u32_at(body, 0)?, u32_at(body, 4)?);
                    return Some(XrBlock::ReferenceTime(u64::from(seconds) << 32 | u64::from(fraction)));
                }
                VOIP_METRICS if body.len() == 32 => {
                    return Some(XrBlock::VoipMetrics { ssrc: u32_at(body, 0)?, report: read_metrics(body)? });
                }
                other => return Some(XrBlock::Other(other)),
            }
        }
    }
}

/// Reads the body of a VoIP metrics block, its source first.
fn read_metrics(body: &[u8]) -> Option<Report> {
    let level = |at| Some(u8_at(body, at)?).map(|byte| (byte != UNAVAILABLE).then_some(byte));
    let config = u8_at(body, 24)?;
    Some(Report {
        loss_rate: u8_at(body, 4)?,
        discard_rate: u8_at(body, 5)?,
        burst_density: u8_at(body, 6)?,
        gap_density: u8_at(body, 7)?,
        burst_duration: u16_at(body, 8)?,
        gap_duration: u16_at(body, 10)?,
        round_trip: u16_at(body, 12)?,
        end_system_delay: u16_at(body, 14)?,
        signal_level: level(16)?.map(u8::cast_signed),
        noise_level: level(17)?.map(u8::cast_signed),
        residual_echo: level(18)?,
        gmin: u8_at(body, 19)?,
        r_factor: level(20)?,
        external_r_factor: level(21)?,
        mos_lq: level(22)?,
        mos_cq: level(23)?,
        plc: Plc::from_bits(config >> 6),
        adaptive: match config >> 4 & 3 {
            3 => Some(true),
            2 => Some(false),
            _ => None,
        },
        adjustment_rate: config & 0x0f,
        buffer_nominal: u16_at(body, 26)?,
        buffer_maximum: u16_at(body, 28)?,
        buffer_limit: u16_at(body, 30)?,
    })
}

/// Writes a block.
pub(super) fn write(w: &mut Writer<'_>, block: &XrBlock) -> Option<()> {
    match block {
        XrBlock::ReferenceTime(ntp) => {
            w.bytes(&[REFERENCE_TIME, 0, 0, 2])?;
            w.bytes(&ntp.to_be_bytes())
        }
        XrBlock::Dlrr(dlrr) => {
            w.bytes(&[DLRR, 0, 0, 3])?;
            w.u32(dlrr.ssrc)?;
            w.u32(dlrr.last_rr)?;
            w.u32(dlrr.delay)
        }
        XrBlock::VoipMetrics { ssrc, report } => {
            w.bytes(&[VOIP_METRICS, 0, 0, 8])?;
            w.u32(*ssrc)?;
            write_metrics(w, report)
        }
        XrBlock::Other(_) => None,
    }
}

fn write_metrics(w: &mut Writer<'_>, r: &Report) -> Option<()> {
    let level = |level: Option<u8>| level.unwrap_or(UNAVAILABLE);
    let adaptive = match r.adaptive {
        Some(true) => 3,
        Some(false) => 2,
        None => 0,
    };
    w.bytes(&[r.loss_rate, r.discard_rate, r.burst_density, r.gap_density])?;
    w.u16(r.burst_duration)?;
    w.u16(r.gap_duration)?;
    w.u16(r.round_trip)?;
    w.u16(r.end_system_delay)?;
    w.u8(level(r.signal_level.map(i8::cast_unsigned)))?;
    w.u8(level(r.noise_level.map(i8::cast_unsigned)))?;
    w.bytes(&[level(r.residual_echo), r.gmin, level(r.r_factor), level(r.external_r_factor)])?;
    w.bytes(&[level(r.mos_lq), level(r.mos_cq)])?;
    w.bytes(&[r.plc.bits() << 6 | adaptive << 4 | r.adjustment_rate & 0x0f, 0])?;
    w.u16(r.buffer_nominal)?;
    w.u16(r.buffer_maximum)?;
    w.u16(r.buffer_limit)
}
