//! Sends keys as events: one report a packet time, ends three times over, a gap before the next (RFC 4733 §2.5.1).

use super::{Payload, of_key};

/// Most keys that wait for their turn.
pub const MAX_QUEUE: usize = 64;
/// Shortest event, ms.
const MIN_MS: u32 = 100;
/// Shortest silence between two, ms.
const GAP_MS: u32 = 60;
/// How often the last report of an event or a segment is sent (RFC 4733 §2.5.1.4).
const FINALS: u8 = 3;
/// Level of our tones, dB below 0 dBm0.
const VOLUME: u8 = 10;

/// What one packet of an event carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The report.
    pub payload: Payload,
    /// The RTP timestamp: that of the event's start, not of now.
    pub timestamp: u32,
    /// The RTP marker: the first packet of an event.
    pub marker: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Idle,
    /// A key sounds. `segment` is the timestamp its current segment began at.
    On {
        event: u8,
        began: u32,
        segment: u32,
        held: bool,
        first: bool,
        finals: u8,
    },
    /// Its end is told again.
    Ending {
        event: u8,
        segment: u32,
        duration: u16,
        left: u8,
        ended: u32,
    },
    /// Silence until `GAP_MS` after `ended`.
    Gap {
        ended: u32,
    },
}

/// Sends keys, one after the other. Timestamps are those of the stream's clock.
#[derive(Clone, Debug)]
pub struct EventSender {
    packet: u32,
    min: u32,
    gap: u32,
    queue: [u8; MAX_QUEUE],
    head: usize,
    queued: usize,
    /// The newest key of the queue is still held down.
    held: bool,
    state: State,
}

impl EventSender {
    /// For a clock in Hz and packets of `packet` timestamp units, of which one is asked for at a time.
    pub fn new(clock: u32, packet: u32) -> Self {
        let units = |ms: u32| u32::try_from(u64::from(clock) * u64::from(ms) / 1000).unwrap_or(u32::MAX);
        Self {
            packet: packet.clamp(1, 0xffff),
            min: units(MIN_MS),
            gap: units(GAP_MS),
            queue: [0; MAX_QUEUE],
            head: 0,
            queued: 0,
            held: false,
            state: State::Idle,
        }
    }

    /// Queues a key for the shortest time. `false` when it is none, or [`MAX_QUEUE`] wait already.
    pub fn push(&mut self, key: char) -> bool {
        let Some(event) = of_key(key) else { return false };
        self.release();
        let tail = (self.head + self.queued) % MAX_QUEUE;
        match self.queue.get_mut(tail) {
            Some(slot) if self.queued < MAX_QUEUE => *slot = event,
            _ => return false,
        }
        self.queued += 1;
        true
    }

    /// Queues a key that is held down until [`Self::release`] or the next key. `false` as with [`Self::push`].
    pub fn press(&mut self, key: char) -> bool {
        self.held = self.push(key);
        self.held
    }

    /// The key is up: its event ends, though not before its shortest time.
    pub fn release(&mut self) {
        self.held = false;
        if let State::On { held, .. } = &mut self.state {
            *held = false;
        }
    }

    /// Whether a key sounds, waits, or its silence is not over.
    pub fn is_active(&self) -> bool {
        self.queued > 0 || !matches!(self.state, State::Idle)
    }

    /// What to send instead of audio in the packet that starts at `timestamp`, if anything. Asked once a packet time.
    pub fn tick(&mut self, timestamp: u32) -> Option<Outgoing> {
        if let State::Gap { ended } = self.state {
            if timestamp.wrapping_sub(ended).cast_signed() < self.gap.cast_signed() {
                return None;
            }
            self.state = State::Idle;
        }
        match self.state {
            State::Ending { event, segment, duration, left, ended } => {
                self.state = match left {
                    0 | 1 => State::Gap { ended },
                    _ => State::Ending { event, segment, duration, left: left - 1, ended },
                };
                Some(Self::report(event, segment, duration, true, false))
            }
            State::On { .. } => self.report_on(timestamp),
            State::Idle | State::Gap { .. } => {
                let event = self.pop()?;
                let held = self.held && self.queued == 0;
                self.state = State::On { event, began: timestamp, segment: timestamp, held, first: true, finals: 0 };
                self.report_on(timestamp)
            }
        }
    }

    /// The report of a key that sounds.
    fn report_on(&mut self, timestamp: u32) -> Option<Outgoing> {
        let State::On { event, began, segment, held, first, finals } = self.state else { return None };
        let now = timestamp.wrapping_add(self.packet);
        let duration = now.wrapping_sub(segment);
        let Ok(duration) = u16::try_from(duration) else {
            // The field is full: the segment ends, the event goes on with the timestamp of the next one.
            let finals = finals + 1;
            let (segment_next, finals_next) =
                if finals >= FINALS { (segment.wrapping_add(0xffff), 0) } else { (segment, finals) };
            self.state = State::On { event, began, segment: segment_next, held, first: false, finals: finals_next };
            return Some(Self::report(event, segment, 0xffff, false, false));
        };
        if !held && now.wrapping_sub(began) >= self.min {
            self.state = State::Ending { event, segment, duration, left: FINALS - 1, ended: now };
            return Some(Self::report(event, segment, duration, true, first));
        }
        self.state = State::On { event, began, segment, held, first: false, finals };
        Some(Self::report(event, segment, duration, false, first))
    }

    fn report(event: u8, timestamp: u32, duration: u16, end: bool, marker: bool) -> Outgoing {
        Outgoing { payload: Payload { event, end, volume: VOLUME, duration }, timestamp, marker }
    }

    fn pop(&mut self) -> Option<u8> {
        self.queued = self.queued.checked_sub(1)?;
        let event = self.queue.get(self.head).copied();
        self.head = (self.head + 1) % MAX_QUEUE;
        event
    }
}
