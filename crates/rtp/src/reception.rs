//! What was received of a source: loss, order, jitter, and the block of a report on it (RFC 3550 appendices A.1, A.3, A.8).

use crate::packet::ExtendedSequence;

/// A step forward over this many is another numbering, or a jump.
pub const MAX_DROPOUT: u16 = 3000;
/// A step back over this many is too.
pub const MAX_MISORDER: u16 = 100;
/// Packets in order before a source is believed.
pub const MIN_SEQUENTIAL: u8 = 2;

/// What a packet was to its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The source is not yet believed; its next packet in order will be.
    Probation,
    /// Newer than all before it; so many are missing between.
    Newer {
        /// Sequence numbers skipped.
        missing: u16,
    },
    /// Missed before, and late.
    Reordered,
    /// It came before.
    Duplicate,
    /// Far from the others: counted only when the next one follows it.
    Jump,
    /// The source numbers anew from here: what was known of it is gone.
    Restarted,
}

/// A report on a source (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source it is on.
    pub ssrc: u32,
    /// Lost since the report before, of 256.
    pub fraction_lost: u8,
    /// Lost in all; below zero when duplicates are more. 24 bits.
    pub lost: i32,
    /// Highest sequence number, with its wraps above.
    pub highest: u32,
    /// Mean deviation of the time on the way, timestamp units.
    pub jitter: u32,
    /// Middle of the NTP time of its last sender report; 0 when none came.
    pub last_sr: u32,
    /// Since that came, 1/65536 s.
    pub delay_since_last_sr: u32,
}

/// Counts of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reception {
    ssrc: u32,
    sequence: ExtendedSequence,
    base: u64,
    /// Bit n: the packet n below the highest came.
    came: u128,
    probation: u8,
    expected_next: u16,
    received: u64,
    duplicates: u64,
    reordered: u64,
    restarts: u64,
    /// The number that would confirm a jump.
    jumped_to: Option<u16>,
    expected_prior: u64,
    received_prior: u64,
    transit: Option<u32>,
    /// In sixteenths.
    jitter: u64,
    max_jitter: u32,
    last_sr: Option<(u32, u32)>,
}

impl Reception {
    /// Of a source nothing came from yet.
    pub const fn new(ssrc: u32) -> Self {
        Self {
            ssrc,
            sequence: ExtendedSequence::new(),
            base: 0,
            came: 0,
            probation: MIN_SEQUENTIAL,
            expected_next: 0,
            received: 0,
            duplicates: 0,
            reordered: 0,
            restarts: 0,
            jumped_to: None,
            expected_prior: 0,
            received_prior: 0,
            transit: None,
            jitter: 0,
            max_jitter: 0,
            last_sr: None,
        }
    }

    /// Counts a packet by its sequence number.
    pub fn receive(&mut self, sequence: u16) -> Verdict {
        if self.probation > 0 {
            return self.prove(sequence);
        }
        let index = self.sequence.peek(sequence);
        let highest = self.sequence.highest().unwrap_or(index);
        if index > highest {
            let ahead = index - highest;
            if ahead >= u64::from(MAX_DROPOUT) {
                return self.jump(sequence);
            }
            self.jumped_to = None;
            self.sequence.extend(sequence);
            self.came = if ahead < 128 { self.came << ahead } else { 0 } | 1;
            self.received += 1;
            return Verdict::Newer { missing: (ahead - 1) as u16 };
        }
        let back = highest - index;
        if back > u64::from(MAX_MISORDER) {
            return self.jump(sequence);
        }
        if index < self.base {
            // Sent before the first that counts.
            return Verdict::Reordered;
        }
        self.received += 1;
        if self.came >> back & 1 == 1 {
            self.duplicates += 1;
            return Verdict::Duplicate;
        }
        self.came |= 1 << back;
        self.reordered += 1;
        Verdict::Reordered
    }

    /// Counts the time a packet was on its way, for the jitter: both in timestamp units, `arrival` on our clock.
    ///
    /// Not for packets whose timestamp is not the time they were sent at, as those of telephone events.
    pub fn timing(&mut self, timestamp: u32, arrival: u32) {
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let deviation = u64::from(transit.wrapping_sub(before).cast_signed().unsigned_abs());
            self.jitter = (self.jitter + deviation).saturating_sub((self.jitter + 8) >> 4);
            self.max_jitter = self.max_jitter.max(self.jitter());
        }
    }

    /// Timestamps go on from elsewhere, after a pause or by another clock: the next packet's time is compared with nothing.
    pub fn restart_timing(&mut self, another_clock: bool) {
        self.transit = None;
        if another_clock {
            self.jitter = 0;
        }
    }

    /// A sender report of the source came: the middle of its NTP time, and ours now, both 1/65536 s.
    pub fn sender_report(&mut self, ntp_middle: u32, now: u32) {
        self.last_sr = Some((ntp_middle, now));
    }

    /// The block for the next report; `now` is the middle of our NTP time. Starts the next interval.
    pub fn report(&mut self, now: u32) -> ReportBlock {
        let expected = self.expected();
        let expected_interval = expected.saturating_sub(self.expected_prior);
        let received_interval = self.received.saturating_sub(self.received_prior);
        let lost_interval = expected_interval.saturating_sub(received_interval);
        (self.expected_prior, self.received_prior) = (expected, self.received);
        let fraction = (lost_interval << 8).checked_div(expected_interval).unwrap_or(0);
        let lost = (expected.cast_signed() - self.received.cast_signed()).clamp(-0x80_0000, 0x7f_ffff);
        let (last_sr, since) = self.last_sr.map_or((0, 0), |(sr, came)| (sr, now.wrapping_sub(came)));
        ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            lost: lost as i32,
            highest: self.sequence.highest().unwrap_or(0).saturating_sub(0x1_0000) as u32,
            jitter: self.jitter(),
            last_sr,
            delay_since_last_sr: since,
        }
    }

    /// The source.
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Whether it is believed: it has sent packets in order.
    pub const fn is_valid(&self) -> bool {
        self.probation == 0
    }

    /// Packets that came, duplicates too.
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Packets that should have come.
    pub fn expected(&self) -> u64 {
        self.sequence.highest().filter(|_| self.is_valid()).map_or(0, |highest| highest - self.base + 1)
    }

    /// Packets that did not come at all.
    pub fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.received - self.duplicates)
    }

    /// Packets that came more than once.
    pub const fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Packets that came late.
    pub const fn reordered(&self) -> u64 {
        self.reordered
    }

    /// How often the source began to number anew.
    pub const fn restarts(&self) -> u64 {
        self.restarts
    }

    /// Jitter now, timestamp units.
    pub fn jitter(&self) -> u32 {
        u32::try_from(self.jitter >> 4).unwrap_or(u32::MAX)
    }

    /// The highest jitter so far.
    pub const fn max_jitter(&self) -> u32 {
        self.max_jitter
    }

    /// A source must send [`MIN_SEQUENTIAL`] in order; the last of them is the first that counts.
    fn prove(&mut self, sequence: u16) -> Verdict {
        let follows = self.sequence.highest().is_some() && sequence == self.expected_next;
        self.probation = if follows { self.probation - 1 } else { MIN_SEQUENTIAL - 1 };
        self.expected_next = sequence.wrapping_add(1);
        self.start(sequence);
        if self.probation == 0 {
            self.received = 1;
            return Verdict::Newer { missing: 0 };
        }
        self.received = 0;
        Verdict::Probation
    }

    fn jump(&mut self, sequence: u16) -> Verdict {
        if self.jumped_to.replace(sequence.wrapping_add(1)) != Some(sequence) {
            return Verdict::Jump;
        }
        *self = Self { restarts: self.restarts + 1, probation: 0, last_sr: self.last_sr, ..Self::new(self.ssrc) };
        self.start(sequence);
        self.received = 1;
        Verdict::Restarted
    }

    fn start(&mut self, sequence: u16) {
        self.sequence = ExtendedSequence::new();
        self.base = self.sequence.extend(sequence);
        self.came = 1;
    }
}

/// The round trip a report block about ourselves shows, 1/65536 s; `now` is the middle of our NTP time at its arrival.
///
/// `None` when the other side had no report of ours yet, or its numbers cannot be.
pub fn round_trip(now: u32, last_sr: u32, delay_since_last_sr: u32) -> Option<u32> {
    if last_sr == 0 {
        return None;
    }
    let trip = now.wrapping_sub(last_sr).wrapping_sub(delay_since_last_sr);
    // Clocks are read in steps, so a little below zero is none at all.
    match trip.cast_signed() {
        -655..0 => Some(0),
        0.. => Some(trip),
        _ => None,
    }
}

/// What the source of a packet is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The one we hear.
    Current,
    /// Another, which we hear from now on: start its counts and its decoder afresh.
    Changed,
    /// Another, not believed yet: not to be played.
    Stray,
    /// Our own number: the other side's by chance (RFC 3550 §8.2), or a loop.
    Collision,
}

/// Which source of those that reach us is heard: the first, and another once it sends two packets in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceWatch {
    own: u32,
    current: Option<u32>,
    candidate: Option<u32>,
}

impl SourceWatch {
    /// `own` is the number we send with.
    pub const fn new(own: u32) -> Self {
        Self { own, current: None, candidate: None }
    }

    /// We send with another number now.
    pub fn set_own(&mut self, own: u32) {
        self.own = own;
    }

    /// The source heard.
    pub const fn current(&self) -> Option<u32> {
        self.current
    }

    /// Takes the source of a packet.
    pub fn see(&mut self, ssrc: u32) -> Origin {
        if ssrc == self.own {
            return Origin::Collision;
        }
        if self.current == Some(ssrc) {
            self.candidate = None;
            return Origin::Current;
        }
        if self.current.is_none() || self.candidate == Some(ssrc) {
            (self.current, self.candidate) = (Some(ssrc), None);
            return Origin::Changed;
        }
        self.candidate = Some(ssrc);
        Origin::Stray
    }
}

#[cfg(test)]
mod tests;
