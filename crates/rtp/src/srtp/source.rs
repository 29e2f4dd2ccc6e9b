//! What is remembered of a source: the highest index, and which of those before it came (RFC 3711 §3.3.1, §3.3.2).

use super::SrtpError;

/// Most sources one key serves in one direction.
pub const MAX_SOURCES: usize = 16;
/// Indices before the highest whose coming is remembered.
const WINDOW: u64 = 128;

/// One source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    ssrc: u32,
    highest: u64,
    /// Bit n: the index n below the highest came.
    came: u128,
}

impl Source {
    /// The index of a sequence number, the one nearest to the highest (RFC 3711 appendix A).
    fn estimate(&self, sequence: u16) -> Result<u64, SrtpError> {
        let ahead = sequence.wrapping_sub(self.highest as u16).cast_signed();
        let index = self.highest.checked_add_signed(i64::from(ahead)).ok_or(SrtpError::Replayed)?;
        if index >> 48 == 0 { Ok(index) } else { Err(SrtpError::KeyUsedUp) }
    }

    /// Whether `index` came before, or is too old to tell.
    fn is_old(&self, index: u64) -> bool {
        match self.highest.checked_sub(index) {
            None => false,
            Some(back) => back >= WINDOW || self.came >> back & 1 == 1,
        }
    }

    fn accept(&mut self, index: u64) {
        if let Some(ahead) = index.checked_sub(self.highest).filter(|ahead| *ahead > 0) {
            self.came = if ahead < WINDOW { self.came << ahead } else { 0 };
            self.highest = index;
        }
        let back = self.highest - index;
        if back < WINDOW {
            self.came |= 1 << back;
        }
    }
}

/// The sources of one key in one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    table: [Option<Source>; MAX_SOURCES],
}

impl Sources {
    /// The index a packet would have, when it may be taken; changes nothing. A new source starts at a roll-over of 0.
    pub fn index(&self, ssrc: u32, sequence: u16) -> Result<u64, SrtpError> {
        match self.find(ssrc) {
            Some(source) => source.estimate(sequence).and_then(|index| self.check(ssrc, index)),
            None => self.check(ssrc, u64::from(sequence)),
        }
    }

    /// Whether a packet with this index may be taken; changes nothing.
    pub fn check(&self, ssrc: u32, index: u64) -> Result<u64, SrtpError> {
        match self.find(ssrc) {
            Some(source) if source.is_old(index) => Err(SrtpError::Replayed),
            None if self.table.iter().all(Option::is_some) => Err(SrtpError::Sources),
            _ => Ok(index),
        }
    }

    /// The packet is taken.
    pub fn accept(&mut self, ssrc: u32, index: u64) {
        if let Some(source) = self.table.iter_mut().flatten().find(|source| source.ssrc == ssrc) {
            source.accept(index);
        } else if let Some(free) = self.table.iter_mut().find(|entry| entry.is_none()) {
            *free = Some(Source { ssrc, highest: index, came: 1 });
        }
    }

    fn find(&self, ssrc: u32) -> Option<&Source> {
        self.table.iter().flatten().find(|source| source.ssrc == ssrc)
    }
}
