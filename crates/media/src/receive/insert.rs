//! A packet comes: what it is, where it belongs, and what its time of arrival tells.

use core::time::Duration;

use super::arrivals::Arrival;
use super::slots::{Kind, MAX_PAYLOAD, Put};
use super::{Frame, Receiver, State};

/// Microseconds off from where a packet's timestamp should be that no network explains: the stream started again.
const ASTRAY: i64 = 1_500_000;
/// Microseconds that packets of a stream that started again agree within.
const AGREE: i64 = 10_000;
/// Packets astray, or late, in a row after which theirs is the time to go by.
const PERSISTENT: u32 = 10;
/// Microseconds for which copies count as still sent.
const COPIES_KEEP: i64 = 5_000_000;
/// Share of packets lost above which, and until below which, packets count as being lost.
const LOSSY: (f32, f32) = (0.01, 0.003);

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It waits for its turn.
    Taken,
    /// Its turn is over.
    Late,
    /// It came before.
    Duplicate,
    /// Its payload type is none of ours.
    Foreign,
    /// It is no payload of the codec, or too long, or its redundancy is not what it says.
    Malformed,
    /// No room, or far out of its time.
    Discarded,
}

impl Receiver {
    /// Takes a packet of the stream that came at `now`, a time since any fixed moment. It is authenticated, and its source
    /// is the one that is listened to.
    pub fn insert(&mut self, now: Duration, header: &rtp::Header, payload: &[u8]) -> Inserted {
        self.advance(now);
        let inserted = self.take(header, payload);
        let stats = &mut self.stats;
        match inserted {
            Inserted::Taken => {}
            Inserted::Late => stats.late += 1,
            Inserted::Duplicate => stats.duplicate += 1,
            Inserted::Foreign => stats.foreign += 1,
            Inserted::Malformed => stats.malformed += 1,
            Inserted::Discarded => stats.discarded += 1,
        }
        if !matches!(inserted, Inserted::Foreign | Inserted::Malformed) {
            stats.received += 1;
        }
        inserted
    }

    fn take(&mut self, header: &rtp::Header, payload: &[u8]) -> Inserted {
        let is_red = self.types.red == Some(header.payload_type);
        let (payload_type, primary) = if is_red {
            match self.primary_of(payload) {
                Some(primary) => primary,
                None => return Inserted::Malformed,
            }
        } else {
            (header.payload_type, payload)
        };
        let Some(kind) = self.kind(payload_type) else {
            // Telephone events share the numbering: they are not lost.
            self.count(header.sequence);
            return Inserted::Foreign;
        };
        let Some(duration) = self.duration(kind, primary) else { return Inserted::Malformed };
        let Some(timestamp) = self.place(header.timestamp) else { return Inserted::Discarded };

        let arrival = self.count(header.sequence);
        if arrival == Arrival::Duplicate {
            return Inserted::Duplicate;
        }
        let after_silence = self.follows_silence(timestamp, arrival);
        self.delays.note(self.now, self.now - self.us(timestamp));
        if timestamp >= self.timeline.highest.unwrap_or(timestamp) {
            self.timeline.highest = Some(timestamp);
            self.timeline.end = timestamp + duration;
        }
        if kind == Kind::Audio {
            self.frame = duration;
        }
        self.begin(timestamp);
        if is_red {
            self.take_copies(timestamp, payload);
        }
        let frame = Frame { timestamp, duration, kind, redundant: false, after_silence };
        self.put(frame, primary)
    }

    fn put(&mut self, frame: Frame, payload: &[u8]) -> Inserted {
        if frame.end() <= self.position {
            self.late_streak += 1;
            if self.late_streak >= PERSISTENT {
                // All come too late: theirs is the time to go by.
                self.stats.resets += 1;
                self.start_again();
                self.timeline.highest = Some(frame.timestamp);
                self.timeline.end = frame.end();
                self.begin(frame.timestamp);
                self.delays.note(self.now, self.now - self.us(frame.timestamp));
                self.slots.put(frame, payload);
            }
            return Inserted::Late;
        }
        self.late_streak = 0;
        match self.slots.put(frame, payload) {
            Put::Stored => Inserted::Taken,
            Put::Duplicate => Inserted::Duplicate,
            Put::Full => Inserted::Discarded,
        }
    }

    /// Type and data of the primary block of a redundant payload whose blocks are all in order.
    fn primary_of<'a>(&self, payload: &'a [u8]) -> Option<(u8, &'a [u8])> {
        let mut blocks = rtp::red::parse(payload).ok()?;
        if blocks.any(|block| Some(block.payload_type) == self.types.red) {
            return None;
        }
        let primary = rtp::red::parse(payload).ok()?.find(|block| block.primary)?;
        Some((primary.payload_type, primary.data))
    }

    /// Keeps the copies that a packet carries of earlier frames.
    fn take_copies(&mut self, timestamp: i64, payload: &[u8]) {
        let Ok(blocks) = rtp::red::parse(payload) else { return };
        let mut distance = 0;
        for block in blocks.filter(|block| !block.primary && !block.data.is_empty()) {
            let offset = i64::from(block.timestamp_offset);
            let timestamp = timestamp - offset;
            let Some(kind) = self.kind(block.payload_type) else { continue };
            let Some(duration) = self.duration(kind, block.data) else { continue };
            distance = offset.max(distance);
            let frame = Frame { timestamp, duration, kind, redundant: true, after_silence: false };
            if frame.end() > self.position && offset > 0 {
                self.slots.put(frame, block.data);
            }
        }
        let copies = &mut self.redundancy;
        if distance >= copies.distance || self.now - copies.seen > COPIES_KEEP {
            copies.distance = distance;
            copies.seen = self.now;
        }
    }

    fn kind(&self, payload_type: u8) -> Option<Kind> {
        if payload_type == self.types.audio {
            Some(Kind::Audio)
        } else {
            (self.types.comfort_noise == Some(payload_type)).then_some(Kind::Noise)
        }
    }

    /// Ticks of a payload; none if it is none of the codec's.
    fn duration(&self, kind: Kind, payload: &[u8]) -> Option<i64> {
        if payload.is_empty() || payload.len() > MAX_PAYLOAD {
            return None;
        }
        match kind {
            Kind::Noise => Some(self.frame),
            Kind::Audio => {
                let samples = self.decoder.samples(payload).ok()?;
                (samples > 0 && samples <= self.scratch.len()).then(|| self.ticks(samples).max(1))
            }
        }
    }

    /// The extended timestamp; none for a packet that is out of its time and alone with that.
    fn place(&mut self, timestamp: u32) -> Option<i64> {
        let Some(highest) = self.timeline.highest else { return Some(i64::from(timestamp)) };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "distance of two that wrap")]
        let ahead = timestamp.wrapping_sub(highest as u32).cast_signed();
        let placed = highest + i64::from(ahead);
        let offset = self.now - self.us(placed);
        let base = self.delays.base().unwrap_or(offset);
        if (offset - base).abs() < ASTRAY {
            self.timeline.strayed = None;
            return Some(placed);
        }
        let strays = match self.timeline.strayed {
            Some((before, strays)) if strays + 1 >= PERSISTENT || (offset - before).abs() <= AGREE => {
                self.stats.resets += 1;
                self.start_again();
                return Some(i64::from(timestamp));
            }
            Some((_, strays)) => strays + 1,
            None => 1,
        };
        self.timeline.strayed = Some((offset, strays));
        None
    }

    /// The same source with other timestamps: what waits is dropped, what was learnt of the other side stays.
    fn start_again(&mut self) {
        self.slots.clear();
        self.delays.reset();
        self.timeline = super::Timeline::default();
        self.state = State::Idle;
        self.credit = 0;
        self.late_streak = 0;
    }

    /// The first packet is where to start, or one before it that comes while the first still waits.
    fn begin(&mut self, timestamp: i64) {
        match self.state {
            State::Idle => {
                self.state = State::Filling;
                self.position = timestamp;
            }
            State::Filling => self.position = self.position.min(timestamp),
            State::Playing => {}
        }
    }

    /// Counts a sequence number.
    fn count(&mut self, sequence: u16) -> Arrival {
        let arrival = self.arrivals.note(sequence);
        match arrival {
            Arrival::Next { missing } => self.stats.lost += u64::from(missing),
            Arrival::Reordered => {
                self.stats.reordered += 1;
                self.stats.lost = self.stats.lost.saturating_sub(1);
            }
            Arrival::Duplicate | Arrival::Jump => {}
        }
        let loss = self.arrivals.loss();
        self.lossy = loss > if self.lossy { LOSSY.1 } else { LOSSY.0 };
        arrival
    }

    /// Whether more time passed before a packet than the packets missing before it can have filled.
    fn follows_silence(&self, timestamp: i64, arrival: Arrival) -> bool {
        let Arrival::Next { missing } = arrival else { return false };
        let gap = timestamp - self.timeline.end;
        let filled = i64::from(missing) * self.frame;
        self.timeline.highest.is_some() && gap > filled + filled / 2 + if missing > 0 { 4 * self.frame } else { 0 }
    }
}
