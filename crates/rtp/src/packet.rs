//! RTP packets (RFC 3550 §5.1), what tells them from RTCP (RFC 5761 §4), and numbers that wrap made to grow for ever.

use thiserror::Error;

use crate::bytes::{Writer, u8_at, u16_at, u32_at};

/// Bytes of the longest packet read: what an Ethernet frame carries.
pub const MAX_PACKET: usize = 1500;
/// Bytes of the fixed header.
pub const HEADER_LEN: usize = 12;

/// Why bytes are no RTP packet.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ParseError {
    /// Fewer bytes than a header has.
    #[error("shorter than an RTP header")]
    Short,
    /// More than [`MAX_PACKET`] bytes.
    #[error("longer than any RTP packet we take")]
    Oversize,
    /// Version 1: some phones send these to keep a binding of a NAT alive. They carry nothing.
    #[error("a keep-alive packet")]
    KeepAlive,
    /// Another version than 2.
    #[error("RTP version {0}")]
    Version(u8),
    /// The list of contributing sources or the extension is longer than the packet.
    #[error("the header ends beyond the packet")]
    Truncated,
    /// The padding is longer than the payload, or empty.
    #[error("impossible padding")]
    Padding,
}

/// The fixed header, without what we never send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// First packet of a talkspurt or of an event.
    pub marker: bool,
    /// 0-127.
    pub payload_type: u8,
    /// One more with each packet; wraps.
    pub sequence: u16,
    /// In units of the payload's clock; wraps.
    pub timestamp: u32,
    /// The source.
    pub ssrc: u32,
}

impl Header {
    /// Writes the header's 12 bytes, for the payload to follow; `None` when `out` is shorter.
    pub fn write(&self, out: &mut [u8]) -> Option<usize> {
        let mut w = Writer::new(out);
        w.u8(2 << 6)?;
        w.u8(u8::from(self.marker) << 7 | self.payload_type & 0x7f)?;
        w.u16(self.sequence)?;
        w.u32(self.timestamp)?;
        w.u32(self.ssrc)?;
        Some(w.len())
    }
}

/// A packet as it came, its payload borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The fixed header.
    pub header: Header,
    /// Without padding; may be empty.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a packet; contributing sources, an extension and padding are checked and skipped.
    ///
    /// # Errors
    /// When `data` is no packet of version 2, is over [`MAX_PACKET`] bytes, or promises more than it holds.
    pub fn parse(data: &'a [u8]) -> Result<Self, ParseError> {
        if data.len() > MAX_PACKET {
            return Err(ParseError::Oversize);
        }
        let first = u8_at(data, 0).ok_or(ParseError::Short)?;
        match first >> 6 {
            2 => {}
            1 => return Err(ParseError::KeepAlive),
            version => return Err(ParseError::Version(version)),
        }
        let header = read_header(data).ok_or(ParseError::Short)?;
        let start = payload_start(data).ok_or(ParseError::Truncated)?;
        let payload = data.get(start..).ok_or(ParseError::Truncated)?;
        Ok(Self { header, payload: if first & 0x20 != 0 { unpad(payload)? } else { payload } })
    }
}

/// The fixed header, its version not looked at.
fn read_header(data: &[u8]) -> Option<Header> {
    let second = u8_at(data, 1)?;
    Some(Header {
        marker: second & 0x80 != 0,
        payload_type: second & 0x7f,
        sequence: u16_at(data, 2)?,
        timestamp: u32_at(data, 4)?,
        ssrc: u32_at(data, 8)?,
    })
}

/// Where the payload starts: after the contributing sources and the extension. `None` when the packet ends before.
pub(crate) fn payload_start(data: &[u8]) -> Option<usize> {
    let first = u8_at(data, 0)?;
    let mut start = HEADER_LEN + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        start += 4 + 4 * usize::from(u16_at(data, start + 2)?);
    }
    (start <= data.len()).then_some(start)
}

/// Without the padding, whose last byte counts it.
fn unpad(payload: &[u8]) -> Result<&[u8], ParseError> {
    let count = usize::from(*payload.last().ok_or(ParseError::Padding)?);
    if count == 0 {
        return Err(ParseError::Padding);
    }
    let len = payload.len().checked_sub(count).ok_or(ParseError::Padding)?;
    payload.get(..len).ok_or(ParseError::Padding)
}

/// Writes a keep-alive packet: an empty one of RTP version 1, which no receiver takes for media. 12 bytes.
pub fn keep_alive(out: &mut [u8]) -> Option<usize> {
    let packet = out.get_mut(..HEADER_LEN)?;
    packet.fill(0);
    *packet.first_mut()? = 1 << 6;
    Some(HEADER_LEN)
}

/// Whether a packet on a port shared with RTP is RTCP: its second byte is 192-223 (RFC 5761 §4).
pub fn is_rtcp(data: &[u8]) -> bool {
    u8_at(data, 0).is_some_and(|first| first >> 6 == 2)
        && u8_at(data, 1).is_some_and(|kind| (192..=223).contains(&kind))
}

/// Sequence numbers made 64 bits long: each is taken as the one nearest to the highest so far.
///
/// The first comes out one turn above itself, so what is older than it stays positive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtendedSequence(Option<u64>);

impl ExtendedSequence {
    /// Before any packet.
    pub const fn new() -> Self {
        Self(None)
    }

    /// The highest so far.
    pub const fn highest(&self) -> Option<u64> {
        self.0
    }

    /// What `sequence` would come out as.
    pub fn peek(&self, sequence: u16) -> u64 {
        let Some(highest) = self.0 else { return u64::from(sequence) + 0x1_0000 };
        let ahead = sequence.wrapping_sub(highest as u16).cast_signed();
        highest.saturating_add_signed(i64::from(ahead))
    }

    /// The same, and remembers it when it is the highest.
    pub fn extend(&mut self, sequence: u16) -> u64 {
        let extended = self.peek(sequence);
        self.0 = Some(self.0.map_or(extended, |highest| highest.max(extended)));
        extended
    }
}

/// Timestamps made 64 bits long, as [`ExtendedSequence`] does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtendedTimestamp(Option<u64>);

impl ExtendedTimestamp {
    /// Before any packet.
    pub const fn new() -> Self {
        Self(None)
    }

    /// The highest so far.
    pub const fn highest(&self) -> Option<u64> {
        self.0
    }

    /// What `timestamp` would come out as.
    pub fn peek(&self, timestamp: u32) -> u64 {
        let Some(highest) = self.0 else { return u64::from(timestamp) + (1 << 32) };
        let ahead = timestamp.wrapping_sub(highest as u32).cast_signed();
        highest.saturating_add_signed(i64::from(ahead))
    }

    /// The same, and remembers it when it is the highest.
    pub fn extend(&mut self, timestamp: u32) -> u64 {
        let extended = self.peek(timestamp);
        self.0 = Some(self.0.map_or(extended, |highest| highest.max(extended)));
        extended
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header() -> Header {
        Header { marker: true, payload_type: 101, sequence: 0xfffe, timestamp: 0x1234_5678, ssrc: 0xdead_beef }
    }

    fn packet(first: u8, rest: &[u8]) -> Vec<u8> {
        let mut data = vec![0; HEADER_LEN];
        header().write(&mut data).unwrap();
        data[0] = first;
        data.extend_from_slice(rest);
        data
    }

    #[test]
    fn what_is_written_is_read() {
        let data = packet(0x80, b"voice");
        assert_eq!(Packet::parse(&data), Ok(Packet { header: header(), payload: b"voice" }));
        assert_eq!(header().write(&mut [0; 11]), None);
    }

    #[test]
    fn sources_extension_and_padding_are_skipped() {
        let mut rest = vec![1; 8];
        rest.extend_from_slice(&[0xbe, 0xde, 0, 1, 9, 9, 9, 9]);
        rest.extend_from_slice(b"voice\0\0\x03");
        let data = packet(0x80 | 0x20 | 0x10 | 2, &rest);
        assert_eq!(Packet::parse(&data).unwrap().payload, b"voice");
    }

    #[test]
    fn a_header_longer_than_its_packet_is_refused() {
        assert_eq!(Packet::parse(&packet(0x80, &[])[..11]), Err(ParseError::Short));
        assert_eq!(Packet::parse(&[]), Err(ParseError::Short));
        assert_eq!(Packet::parse(&packet(0x82, &[0; 7])), Err(ParseError::Truncated));
        assert_eq!(Packet::parse(&packet(0x90, &[0, 0])), Err(ParseError::Truncated));
        assert_eq!(Packet::parse(&packet(0x90, &[0, 0, 0, 1, 0, 0, 0])), Err(ParseError::Truncated));
        assert_eq!(Packet::parse(&packet(0x80, &[0; MAX_PACKET])), Err(ParseError::Oversize));
    }

    #[test]
    fn impossible_padding_is_refused() {
        assert_eq!(Packet::parse(&packet(0xa0, &[])), Err(ParseError::Padding));
        assert_eq!(Packet::parse(&packet(0xa0, &[7, 0])), Err(ParseError::Padding));
        assert_eq!(Packet::parse(&packet(0xa0, &[7, 3])), Err(ParseError::Padding));
        assert_eq!(Packet::parse(&packet(0xa0, &[7, 2])).unwrap().payload, b"");
    }

    #[test]
    fn a_keep_alive_is_known_and_no_media() {
        let mut out = [0xff; 20];
        let len = keep_alive(&mut out).unwrap();
        assert_eq!((len, Packet::parse(&out[..len])), (12, Err(ParseError::KeepAlive)));
        assert_eq!(Packet::parse(&packet(0xc0, &[])), Err(ParseError::Version(3)));
        assert_eq!(Packet::parse(&packet(0x00, &[])), Err(ParseError::Version(0)));
        assert_eq!(keep_alive(&mut [0; 11]), None);
    }

    #[test]
    fn rtcp_is_told_from_rtp_on_one_port() {
        assert!(is_rtcp(&[0x80, 200]) && is_rtcp(&[0x81, 207]) && is_rtcp(&[0x80, 192]));
        assert!(!is_rtcp(&[0x80, 0]) && !is_rtcp(&[0x80, 0x80 | 101]) && !is_rtcp(&[0x40, 200]) && !is_rtcp(&[0x80]));
    }

    #[test]
    fn sequence_numbers_grow_over_their_wrap_and_back() {
        let mut seq = ExtendedSequence::new();
        assert_eq!(seq.extend(65_534), 131_070);
        assert_eq!(seq.extend(1), 131_073);
        assert_eq!(seq.extend(65_535), 131_071);
        assert_eq!(seq.extend(2), 131_074);
        assert_eq!(seq.highest(), Some(131_074));
        let mut first = ExtendedSequence::new();
        assert_eq!((first.extend(0), first.extend(65_535)), (65_536, 65_535));
    }

    #[test]
    fn timestamps_grow_over_their_wrap_and_back() {
        let mut ts = ExtendedTimestamp::new();
        assert_eq!(ts.extend(u32::MAX - 10), 0x1_ffff_fff5);
        assert_eq!(ts.extend(149), 0x2_0000_0095);
        assert_eq!(ts.extend(u32::MAX - 20), 0x1_ffff_ffeb);
        assert_eq!(ts.highest(), Some(0x2_0000_0095));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(data in proptest::collection::vec(any::<u8>(), 0..1600)) {
            if let Ok(packet) = Packet::parse(&data) {
                prop_assert!(packet.payload.len() + HEADER_LEN <= data.len());
            }
        }

        #[test]
        fn any_header_of_version_2_is_read_or_refused(first in 0x80u8..=0xbf, rest in proptest::collection::vec(any::<u8>(), 0..64)) {
            let data = packet(first, &rest);
            if let Ok(packet) = Packet::parse(&data) {
                prop_assert_eq!(packet.header, header());
                prop_assert!(packet.payload.len() <= rest.len());
            }
        }

        #[test]
        fn an_extended_sequence_follows_any_walk(start in any::<u16>(), steps in proptest::collection::vec(-3000i64..3000, 1..100)) {
            let mut seq = ExtendedSequence::new();
            let mut at = i64::from(start) + 0x1_0000;
            let mut highest = at;
            seq.extend(start);
            for step in steps {
                at = (highest + step).max(0);
                prop_assert_eq!(seq.extend(at as u16), at as u64);
                highest = highest.max(at);
            }
            prop_assert!(at <= highest);
        }
    }
}
