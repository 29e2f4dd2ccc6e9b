//! Packets that wait for their turn, by media timestamp, in storage of fixed size.

/// Frames that wait at most: more than a second of 10 ms packets.
pub(super) const SLOTS: usize = 128;
/// Bytes of one payload at most.
pub(super) const MAX_PAYLOAD: usize = 1400;

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A payload of the codec.
    Audio,
    /// A description of noise (RFC 3389).
    Noise,
}

/// One payload that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// First tick of it, extended.
    pub timestamp: i64,
    /// Ticks it lasts.
    pub duration: i64,
    pub kind: Kind,
    /// A copy that another packet carried (RFC 2198).
    pub redundant: bool,
    /// The other side said nothing before it: what is missing there was never sent.
    pub after_silence: bool,
}

impl Frame {
    /// The tick after its last.
    pub(super) fn end(&self) -> i64 {
        self.timestamp.saturating_add(self.duration)
    }
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It waits.
    Stored,
    /// The same frame waits already.
    Duplicate,
    /// No room.
    Full,
}

/// The storage.
pub(super) struct Slots {
    frames: Box<[Option<(Frame, usize)>]>,
    bytes: Box<[u8]>,
}

impl Slots {
    pub(super) fn new() -> Self {
        Self { frames: vec![None; SLOTS].into_boxed_slice(), bytes: vec![0; SLOTS * MAX_PAYLOAD].into_boxed_slice() }
    }

    /// Keeps a frame. One that came by itself takes the place of a copy, and of the oldest when all are taken.
    pub(super) fn put(&mut self, mut frame: Frame, payload: &[u8]) -> Put {
        let same = |held: &Option<(Frame, usize)>| held.is_some_and(|(held, _)| held.timestamp == frame.timestamp);
        let index = match self.frames.iter().position(same) {
            Some(index) => {
                let held = self.get(index);
                if frame.redundant || held.is_some_and(|held| !held.redundant) {
                    return Put::Duplicate;
                }
                frame.after_silence |= held.is_some_and(|held| held.after_silence);
                Some(index)
            }
            None => self.frames.iter().position(Option::is_none),
        };
        let index = match index {
            Some(index) => index,
            None if frame.redundant => return Put::Full,
            None => match self.oldest() {
                Some(index) => index,
                None => return Put::Full,
            },
        };
        let Some(room) = self.bytes.get_mut(index * MAX_PAYLOAD..).and_then(|room| room.get_mut(..payload.len()))
        else {
            return Put::Full;
        };
        room.copy_from_slice(payload);
        if let Some(slot) = self.frames.get_mut(index) {
            *slot = Some((frame, payload.len()));
        }
        Put::Stored
    }

    /// The frame of a slot.
    pub(super) fn get(&self, index: usize) -> Option<Frame> {
        self.frames.get(index).copied().flatten().map(|(frame, _)| frame)
    }

    /// The payload of a slot; empty if nothing is there.
    pub(super) fn payload(&self, index: usize) -> &[u8] {
        let len = self.frames.get(index).copied().flatten().map_or(0, |(_, len)| len);
        self.bytes.get(index * MAX_PAYLOAD..).and_then(|bytes| bytes.get(..len)).unwrap_or(&[])
    }

    /// The slot whose frame covers a tick: rather one that came by itself, rather the earliest.
    pub(super) fn at(&self, tick: i64) -> Option<usize> {
        self.best(|frame| frame.timestamp <= tick && tick < frame.end(), |frame| (frame.redundant, frame.timestamp))
    }

    /// The first slot after a tick.
    pub(super) fn after(&self, tick: i64) -> Option<usize> {
        self.best(|frame| frame.timestamp > tick, |frame| (false, frame.timestamp))
    }

    /// The slot with the first frame of all.
    pub(super) fn oldest(&self) -> Option<usize> {
        self.best(|_| true, |frame| (false, frame.timestamp))
    }

    fn best(&self, fits: impl Fn(&Frame) -> bool, rank: impl Fn(&Frame) -> (bool, i64)) -> Option<usize> {
        let held = self.frames.iter().enumerate();
        let held = held.filter_map(|(index, slot)| slot.as_ref().map(|(frame, _)| (index, frame)));
        held.filter(|(_, frame)| fits(frame)).min_by_key(|(_, frame)| rank(frame)).map(|(index, _)| index)
    }

    /// Frees a slot.
    pub(super) fn remove(&mut self, index: usize) {
        if let Some(slot) = self.frames.get_mut(index) {
            *slot = None;
        }
    }

    /// Frees all that end before or at a tick. Returns how many of them were no copies.
    pub(super) fn discard_until(&mut self, tick: i64) -> u64 {
        let mut gone = 0;
        for slot in &mut self.frames {
            if let Some((frame, _)) = slot
                && frame.end() <= tick
            {
                gone += u64::from(!frame.redundant);
                *slot = None;
            }
        }
        gone
    }

    /// Frees all.
    pub(super) fn clear(&mut self) {
        self.frames.fill(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(timestamp: i64, redundant: bool) -> Frame {
        Frame { timestamp, duration: 160, kind: Kind::Audio, redundant, after_silence: false }
    }

    #[test]
    fn a_packet_of_its_own_replaces_a_copy_and_not_the_other_way_round() {
        let mut slots = Slots::new();
        assert_eq!(slots.put(frame(0, true), b"copy"), Put::Stored);
        assert_eq!(slots.put(frame(0, true), b"again"), Put::Duplicate);
        assert_eq!(slots.put(frame(0, false), b"own"), Put::Stored);
        assert_eq!(slots.put(frame(0, true), b"copy"), Put::Duplicate);
        let index = slots.at(159).unwrap();
        assert_eq!(slots.payload(index), b"own");
        assert!(slots.at(160).is_none());
    }

    #[test]
    fn when_all_slots_are_taken_the_oldest_goes() {
        let mut slots = Slots::new();
        for n in 0..SLOTS as i64 {
            assert_eq!(slots.put(frame(n * 160, false), &[0; MAX_PAYLOAD]), Put::Stored);
        }
        assert_eq!(slots.put(frame(-160, true), b"copy"), Put::Full);
        assert_eq!(slots.put(frame(SLOTS as i64 * 160, false), b"new"), Put::Stored);
        assert!(slots.at(0).is_none());
        assert_eq!(slots.get(slots.oldest().unwrap()).unwrap().timestamp, 160);
        assert_eq!(slots.discard_until(480), 2);
        assert_eq!(slots.get(slots.after(0).unwrap()).unwrap().timestamp, 480);
    }
}
