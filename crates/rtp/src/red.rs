//! Redundant audio (RFC 2198): a payload that carries earlier frames along with the newest.

use thiserror::Error;

use crate::bytes::{Writer, u8_at, u16_at};

/// Most blocks in one payload, the primary one counted.
pub const MAX_BLOCKS: usize = 32;
/// First offset, in timestamp units, that a header's 14 bits cannot say.
pub const OFFSET_LIMIT: u16 = 1 << 14;
/// First length, in bytes, that a header's 10 bits cannot say.
pub const LENGTH_LIMIT: usize = 1 << 10;
/// Bytes of the header of a redundant block.
const BLOCK_HEADER: usize = 4;

/// Why a payload is no redundant audio.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RedError {
    /// It ends within its headers.
    #[error("the block headers do not end")]
    Headers,
    /// More than [`MAX_BLOCKS`].
    #[error("too many blocks")]
    TooMany,
    /// Its headers promise more than follows.
    #[error("the blocks are longer than the payload")]
    Length,
}

/// One block of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// What its data is.
    pub payload_type: u8,
    /// How much earlier than the packet's timestamp it began; 0 for the primary one.
    pub timestamp_offset: u16,
    /// May be empty.
    pub data: &'a [u8],
    /// The newest one, whose timestamp is the packet's.
    pub primary: bool,
}

/// The blocks of a checked payload in their order: redundant ones first, the primary one last.
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a> {
    headers: &'a [u8],
    data: &'a [u8],
}

/// Reads a payload: all headers and lengths are checked before any block is given out.
///
/// # Errors
/// When the headers do not end, promise more data than there is, or are more than [`MAX_BLOCKS`].
pub fn parse(payload: &[u8]) -> Result<Blocks<'_>, RedError> {
    let mut at = 0;
    let mut promised = 0;
    for _ in 0..MAX_BLOCKS {
        let first = u8_at(payload, at).ok_or(RedError::Headers)?;
        if first & 0x80 == 0 {
            let (headers, data) = payload.split_at_checked(at + 1).ok_or(RedError::Headers)?;
            return if promised <= data.len() { Ok(Blocks { headers, data }) } else { Err(RedError::Length) };
        }
        promised += usize::from(u16_at(payload, at + 2).ok_or(RedError::Headers)?) & (LENGTH_LIMIT - 1);
        at += BLOCK_HEADER;
    }
    Err(RedError::TooMany)
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        let first = u8_at(self.headers, 0)?;
        let payload_type = first & 0x7f;
        if first & 0x80 == 0 {
            let data = self.data;
            *self = Self { headers: &[], data: &[] };
            return Some(Block { payload_type, timestamp_offset: 0, data, primary: true });
        }
        let timestamp_offset = u16_at(self.headers, 1)? >> 2;
        let len = usize::from(u16_at(self.headers, 2)?) & (LENGTH_LIMIT - 1);
        let (data, rest) = self.data.split_at_checked(len)?;
        *self = Self { headers: self.headers.get(BLOCK_HEADER..)?, data: rest };
        Some(Block { payload_type, timestamp_offset, data, primary: false })
    }
}

/// Writes a payload of `(payload type, offset, data)` blocks, oldest first, and the primary one; its length.
///
/// `None` when `out` is too short, or a redundant block cannot be said: an offset of [`OFFSET_LIMIT`] or more, a length
/// of [`LENGTH_LIMIT`] or more, or more than [`MAX_BLOCKS`] in all. The caller leaves such a block out.
pub fn write(out: &mut [u8], redundant: &[(u8, u16, &[u8])], primary: (u8, &[u8])) -> Option<usize> {
    if redundant.len() >= MAX_BLOCKS {
        return None;
    }
    let mut w = Writer::new(out);
    for &(payload_type, offset, data) in redundant {
        if offset >= OFFSET_LIMIT || data.len() >= LENGTH_LIMIT {
            return None;
        }
        let fields = u32::from(offset) << 10 | u32::try_from(data.len()).ok()?;
        w.u32(1 << 31 | u32::from(payload_type & 0x7f) << 24 | fields)?;
    }
    w.u8(primary.0 & 0x7f)?;
    for &(_, _, data) in redundant {
        w.bytes(data)?;
    }
    w.bytes(primary.1)?;
    Some(w.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_packet_of_the_rfc_is_written_bit_by_bit() {
        // RFC 2198 §4: DVI4 (5) 20 ms at 8 kHz, LPC (7) redundant by one packet.
        let mut out = [0; 64];
        let len = write(&mut out, &[(7, 160, &[0xaa; 14])], (5, &[0xbb; 16])).unwrap();
        assert_eq!(len, 4 + 1 + 14 + 16);
        assert_eq!(out[..5], [0x87, 160 >> 6, ((160 & 0x3f) << 2) as u8, 14, 5]);
        let blocks: Vec<_> = parse(&out[..len]).unwrap().collect();
        assert_eq!(
            blocks,
            [
                Block { payload_type: 7, timestamp_offset: 160, data: &[0xaa; 14], primary: false },
                Block { payload_type: 5, timestamp_offset: 0, data: &[0xbb; 16], primary: true },
            ]
        );
    }

    #[test]
    fn a_block_that_cannot_be_said_is_refused() {
        let mut out = [0; 4096];
        assert_eq!(write(&mut out, &[(0, OFFSET_LIMIT, &[1])], (0, &[1])), None);
        assert_eq!(write(&mut out, &[(0, 1, &[1; LENGTH_LIMIT])], (0, &[1])), None);
        assert_eq!(write(&mut out, &[(0, 1, &[1; LENGTH_LIMIT - 1])], (0, &[1; 2000])), Some(5 + 1023 + 2000));
        assert_eq!(write(&mut out, &[(0, 1, [].as_slice()); MAX_BLOCKS], (0, &[1])), None);
        assert_eq!(write(&mut out[..8], &[(0, 1, &[1, 2, 3])], (0, &[1])), None);
    }

    #[test]
    fn headers_that_lie_are_refused() {
        assert_eq!(parse(&[]).unwrap_err(), RedError::Headers);
        assert_eq!(parse(&[0x80]).unwrap_err(), RedError::Headers);
        assert_eq!(parse(&[0x80, 0, 0, 0]).unwrap_err(), RedError::Headers);
        assert_eq!(parse(&[0x80, 0, 0, 2, 0, 1]).unwrap_err(), RedError::Length);
        assert_eq!(parse(&[0x80; 4 * MAX_BLOCKS + 1]).unwrap_err(), RedError::TooMany);
    }

    #[test]
    fn as_many_blocks_as_allowed_are_read() {
        let mut out = [0; 1024];
        let len = write(&mut out, &[(3, 16_383, [9, 9].as_slice()); MAX_BLOCKS - 1], (4, &[])).unwrap();
        let blocks = parse(&out[..len]).unwrap();
        assert_eq!(blocks.count(), MAX_BLOCKS);
        assert!(blocks.filter(|b| !b.primary).all(|b| b.timestamp_offset == 16_383 && b.data == [9, 9]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(payload in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(blocks) = parse(&payload) {
                let blocks: Vec<_> = blocks.collect();
                prop_assert!(blocks.len() <= MAX_BLOCKS);
                prop_assert_eq!(blocks.iter().filter(|b| b.primary).count(), 1);
                let carried: usize = blocks.iter().map(|b| b.data.len()).sum();
                prop_assert_eq!(carried + 4 * (blocks.len() - 1) + 1, payload.len());
            }
        }

        #[test]
        fn what_is_written_is_read(
            redundant in proptest::collection::vec((0u8..128, 0u16..OFFSET_LIMIT, proptest::collection::vec(any::<u8>(), 0..50)), 0..5),
            primary in proptest::collection::vec(any::<u8>(), 0..50),
        ) {
            let given: Vec<_> = redundant.iter().map(|(pt, offset, data)| (*pt, *offset, data.as_slice())).collect();
            let mut out = [0; 512];
            let len = write(&mut out, &given, (9, &primary)).unwrap();
            let mut read: Vec<_> = parse(&out[..len]).unwrap().map(|b| (b.payload_type, b.timestamp_offset, b.data)).collect();
            prop_assert_eq!(read.pop(), Some((9, 0, primary.as_slice())));
            prop_assert_eq!(read, given);
        }
    }
}
