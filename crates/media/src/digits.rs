//! Digits in a leg's sound: sent as RTP events (RFC 4733) or tones, one after the other, and heard as either.

use audio::tone::dtmf::{DtmfDetector, DtmfEvent};
use audio::tone::{Pattern, TonePlayer, dtmf};
use audio::{BLOCK, RATE, Resampler};
use rtp::event::{EventReceiver, EventSender, Outgoing, Payload};

use crate::config::{Events, PayloadTypes};

/// Length of a digit as a tone, and of the silence after it, ms.
const TONE_MS: u32 = 100;
const GAP_MS: u32 = 60;
/// Tones that wait.
const QUEUE: usize = 64;
/// Hz the detector works at.
const DETECTOR_RATE: u32 = 8000;
const DETECTOR_BLOCK: usize = DETECTOR_RATE as usize / 100;

/// Sends events in place of audio, with the stream's timestamps.
pub struct EventsOut {
    sender: EventSender,
    payload_types: PayloadTypes,
    /// Hz of the events' clock and of the audio's, which ought to be the same and sometimes are not.
    clock: u32,
    audio_clock: u32,
}

impl EventsOut {
    pub fn new(events: Events, audio_clock: u32, ptime_ms: u16) -> Self {
        let packet = events.clock / 1000 * u32::from(ptime_ms);
        let sender = EventSender::new(events.clock, packet);
        Self {
            sender,
            payload_types: events.payload_types,
            clock: events.clock.max(1),
            audio_clock: audio_clock.max(1),
        }
    }

    pub fn push(&mut self, digit: char) -> bool {
        self.sender.push(digit)
    }

    /// Whether a digit sounds or waits.
    pub fn is_active(&self) -> bool {
        self.sender.is_active()
    }

    pub fn payload_type(&self) -> u8 {
        self.payload_types.send
    }

    /// What to send in the packet that begins at `position` (units of the audio's clock since the stream began), with the
    /// timestamp it carries, as a distance back from now in units of the audio's clock.
    pub fn tick(&mut self, position: u64) -> Option<(Outgoing, u32)> {
        let scaled = position * u64::from(self.clock) / u64::from(self.audio_clock);
        // Timestamps wrap: only distances count.
        let now = scaled as u32;
        let out = self.sender.tick(now)?;
        let back = u64::from(now.wrapping_sub(out.timestamp)) * u64::from(self.audio_clock) / u64::from(self.clock);
        Some((out, back as u32))
    }
}

/// Hears events.
pub struct EventsIn {
    receiver: EventReceiver,
    payload_type: u8,
    block: u32,
}

impl EventsIn {
    pub fn new(events: Events) -> Self {
        let receiver = EventReceiver::new(events.clock);
        Self { receiver, payload_type: events.payload_types.receive, block: events.clock / 100 }
    }

    pub fn payload_type(&self) -> u8 {
        self.payload_type
    }

    /// The digit, when this is the first of its packets.
    pub fn receive(&mut self, header: &rtp::Header, payload: &[u8]) -> Option<char> {
        let payload = Payload::parse(payload)?;
        self.receiver.receive(header.ssrc, header.marker, header.timestamp, payload)
    }

    /// 10 ms have passed.
    pub fn elapse(&mut self) {
        self.receiver.elapse(self.block);
    }
}

/// Sends tones in place of what the microphone hears.
pub struct TonesOut {
    player: TonePlayer,
    queue: [char; QUEUE],
    count: usize,
    blocks_left: u32,
}

impl TonesOut {
    pub fn new() -> Self {
        Self { player: TonePlayer::new(RATE), queue: ['\0'; QUEUE], count: 0, blocks_left: 0 }
    }

    pub fn push(&mut self, digit: char) -> bool {
        let known = dtmf::step(digit, TONE_MS).is_some();
        match self.queue.get_mut(self.count) {
            Some(place) if known => {
                *place = digit;
                self.count += 1;
                true
            }
            _ => false,
        }
    }

    /// Puts the tones that are due in place of 10 ms of speech. False: there are none, the block is untouched.
    pub fn fill(&mut self, block: &mut [i16; BLOCK]) -> bool {
        if self.blocks_left == 0 {
            if self.count == 0 {
                return false;
            }
            let digit = self.queue[0];
            self.queue.copy_within(1..self.count, 0);
            self.count -= 1;
            if let Some(step) = dtmf::step(digit, TONE_MS) {
                self.player.play(Pattern::new(&[step], false));
            }
            self.blocks_left = (TONE_MS + GAP_MS) / 10;
        }
        self.blocks_left -= 1;
        self.player.fill(block);
        true
    }
}

/// Hears tones in what the other side says.
pub struct TonesIn {
    detector: DtmfDetector,
    down: Option<Resampler>,
}

impl TonesIn {
    pub fn new(rate: u32) -> Self {
        let down = (rate != DETECTOR_RATE).then(|| Resampler::new(rate, DETECTOR_RATE).ok()).flatten();
        Self { detector: DtmfDetector::new(), down }
    }

    /// The digit that begins in these 10 ms.
    pub fn hear(&mut self, pcm: &[i16]) -> Option<char> {
        let mut narrow = [0; DETECTOR_BLOCK];
        let event = match &mut self.down {
            Some(down) => {
                down.process(pcm, &mut narrow);
                self.detector.process(&narrow)
            }
            None => self.detector.process(pcm),
        };
        match event {
            Some(DtmfEvent::Start(digit)) => Some(digit),
            _ => None,
        }
    }
}
