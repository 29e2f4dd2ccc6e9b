//! Recognises events by their timestamps, whatever of their packets is lost, doubled or late.

use super::{Payload, key_of};

/// Events remembered, so that a late packet does not report one again. At 160 ms each they reach back 2.5 s.
const RECENT: usize = 16;
/// An event of which nothing more comes is over after this, ms.
const SILENT_MS: u32 = 500;
/// An event is over after this, ms, whether its end came or not.
const LONGEST_MS: u32 = 60_000;

#[derive(Clone, Copy, Debug)]
struct Seen {
    event: u8,
    timestamp: u32,
    duration: u16,
    ended: bool,
}

#[derive(Clone, Copy, Debug)]
struct Current {
    key: char,
    /// Timestamp units since its start, and since its last packet.
    age: u32,
    silent: u32,
}

/// The events of one stream. Each comes out once, with the first of its packets that arrives.
#[derive(Clone, Debug)]
pub struct EventReceiver {
    ssrc: Option<u32>,
    recent: [Option<Seen>; RECENT],
    next: usize,
    current: Option<Current>,
    silent: u32,
    longest: u32,
}

impl EventReceiver {
    /// For a clock in Hz.
    pub fn new(clock: u32) -> Self {
        let units = |ms: u32| u32::try_from(u64::from(clock) * u64::from(ms) / 1000).unwrap_or(u32::MAX);
        Self {
            ssrc: None,
            recent: [None; RECENT],
            next: 0,
            current: None,
            silent: units(SILENT_MS),
            longest: units(LONGEST_MS),
        }
    }

    /// Takes a packet's report; the key when this is the first of its event.
    ///
    /// A new timestamp is a new event even of the same key, unless it goes on where a segment that did not end left off.
    /// Events that are no key's are ignored. Another source starts afresh.
    pub fn receive(&mut self, ssrc: u32, marker: bool, timestamp: u32, payload: Payload) -> Option<char> {
        let key = key_of(payload.event)?;
        if self.ssrc != Some(ssrc) {
            self.ssrc = Some(ssrc);
            self.recent = [None; RECENT];
            self.current = None;
        }
        let known = self.recent.iter_mut().flatten().find(|s| s.timestamp == timestamp && s.event == payload.event);
        if let Some(seen) = known {
            seen.duration = seen.duration.max(payload.duration);
            seen.ended |= payload.end;
            let ended = seen.ended;
            self.go_on(key, timestamp, ended);
            return None;
        }
        let goes_on = !marker && self.recent.iter().flatten().any(|s| continues(s, timestamp, payload.event));
        let Payload { event, end: ended, duration, .. } = payload;
        if let Some(slot) = self.recent.get_mut(self.next) {
            *slot = Some(Seen { event, timestamp, duration, ended });
        }
        self.next = (self.next + 1) % RECENT;
        if goes_on {
            self.go_on(key, timestamp, ended);
            return None;
        }
        self.current = (!ended).then_some(Current { key, age: u32::from(duration), silent: 0 });
        Some(key)
    }

    /// The key that sounds at the far end.
    pub fn current(&self) -> Option<char> {
        self.current.map(|current| current.key)
    }

    /// Time has passed, in timestamp units: an event whose end is lost ends here.
    pub fn elapse(&mut self, units: u32) {
        let Some(current) = &mut self.current else { return };
        current.age = current.age.saturating_add(units);
        current.silent = current.silent.saturating_add(units);
        if current.silent >= self.silent || current.age >= self.longest {
            self.current = None;
        }
    }

    /// One more packet of a known event: the newest is kept alive or ends, older ones change nothing.
    fn go_on(&mut self, key: char, timestamp: u32, ended: bool) {
        let newest = self.recent.iter().flatten().all(|s| s.timestamp.wrapping_sub(timestamp).cast_signed() <= 0);
        let Some(current) = self.current.as_mut().filter(|current| newest && current.key == key) else { return };
        current.silent = 0;
        if ended {
            self.current = None;
        }
    }
}

/// Whether a packet starts the next segment of an event whose duration did not fit its field (RFC 4733 §2.5.1.3).
fn continues(seen: &Seen, timestamp: u32, event: u8) -> bool {
    let since = timestamp.wrapping_sub(seen.timestamp);
    seen.event == event && !seen.ended && since > 0 && (since == u32::from(seen.duration) || since == 0xffff)
}
