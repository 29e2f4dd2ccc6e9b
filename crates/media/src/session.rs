//! One leg: sound on one side, packets on the other.
//!
//! Every 10 ms: hand over what came ([`Session::receive`]), take what is heard ([`Session::play`]), give what is said
//! ([`Session::capture`]), let time pass ([`Session::tick`]), then send what [`Session::poll_transmit`] gives.

use core::time::Duration;
use std::net::SocketAddr;

use audio::{BLOCK, RATE, Resampler};
use codecs::Unavailable;
use rtp::quality::Fate;
use rtp::srtp::{Protect, Unprotect};
use rtp::{Header, Packet};

use crate::config::{Config, Keys};
use crate::control::{Control, Heard, Sends};
use crate::digits::{EventsIn, EventsOut, TonesIn, TonesOut};
use crate::events::{Event, Events};
use crate::fates::Fates;
use crate::quality::{Inputs, Quality};
use crate::receive::{self, Inserted, Receiver};
use crate::send::Sender;
use crate::source::Source;
use crate::transmit::{MAX_PACKET, Port, Queue};

/// RTP keep-alives while nothing is sent (RFC 6263 §4 asks for 15 s at the most apart).
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Blocks between two guesses of how we are heard, while the other side does not say.
const GUESS_EVERY: u64 = 50;
/// Samples of the highest codec's blocks.
const WIDEST: usize = BLOCK;

/// What depends on codec and keys. Made outside the real-time thread; see [`Session::change`].
pub struct Parts {
    config: Config,
    sender: Sender,
    receiver: Receiver,
    down: Option<Resampler>,
    up: Option<Resampler>,
    protect: Option<Protect>,
    unprotect: Option<Unprotect>,
    events_out: Option<EventsOut>,
    events_in: Option<EventsIn>,
    tones_in: Option<TonesIn>,
    block: usize,
}

impl Parts {
    /// Makes codecs, buffers and keys for a configuration.
    ///
    /// # Errors
    /// The codec cannot be had.
    pub fn new(config: Config) -> Result<Box<Self>, Unavailable> {
        let (encoder, decoder) = (config.codec.encoder()?, config.codec.decoder()?);
        let rate = config.codec.sample_rate();
        let resampler = |from, to| (from != to).then(|| Resampler::new(from, to).ok()).flatten();
        let (protect, unprotect) = config.keys.as_ref().map_or((None, None), |keys| (keys.protect(), keys.unprotect()));
        let settings = receive::Settings {
            adaptive: config.jitter_adaptive,
            length_ms: config.jitter_ms,
            clock: config.codec.rtp_clock(),
            ptime_ms: config.ptime_ms,
        };
        let payload_types = receive::PayloadTypes {
            audio: config.payload_types.receive,
            red: config.redundancy.map(|red| red.payload_types.receive),
            comfort_noise: Some(COMFORT_NOISE),
        };
        Ok(Box::new(Self {
            sender: Sender::new(encoder, &config),
            receiver: Receiver::new(settings, decoder, payload_types),
            down: resampler(RATE, rate),
            up: resampler(rate, RATE),
            protect,
            unprotect,
            events_out: config.events.map(|events| EventsOut::new(events, config.codec.rtp_clock(), config.ptime_ms)),
            events_in: config.events.map(EventsIn::new),
            tones_in: config.events.is_none().then(|| TonesIn::new(rate)),
            block: rate as usize / 100,
            config,
        }))
    }
}

/// Payload type of comfort noise (RFC 3389 §4).
const COMFORT_NOISE: u8 = 13;

impl Keys {
    fn protect(&self) -> Option<Protect> {
        Protect::new(self.suite, &self.send.master, &self.send.mki).ok()
    }

    fn unprotect(&self) -> Option<Unprotect> {
        Unprotect::new(self.suite, &self.receive.master, &self.receive.mki).ok()
    }
}

/// What a leg has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// RTP packets sent.
    pub sent: u64,
    /// Bytes of RTP payload sent.
    pub sent_bytes: u64,
    /// RTP packets taken.
    pub received: u64,
    /// Datagrams that are no RTP or RTCP.
    pub malformed: u64,
    /// Packets that failed authentication, or came before.
    pub forged: u64,
    /// Packets with a payload type that was not agreed.
    pub unknown: u64,
    /// Times the other side began a new stream.
    pub sources: u32,
}

/// One leg of a call.
pub struct Session {
    parts: Box<Parts>,
    ssrc: u32,
    sequence: u16,
    /// Of the block that is said next.
    timestamp: u32,
    /// Units of the RTP clock since the leg began.
    position: u64,
    /// Blocks until the next event packet is due.
    event_wait: u16,
    tones_out: TonesOut,
    queue: Queue,
    events: Events,
    source: Source,
    control: Control,
    fates: Fates,
    began: Duration,
    counters: Counters,
    /// When audio was last sent, or the leg began.
    sent_at: Duration,
    /// When audio last came, or was first expected.
    heard_at: Duration,
    /// Our number was seen in what came.
    collided: bool,
    random: u64,
    blocks: u64,
    closed: bool,
}

impl Session {
    /// A leg that has not begun. `seed` is random: its identifiers come from it.
    pub fn new(parts: Box<Parts>, seed: u64) -> Self {
        let now = Duration::ZERO;
        let mut random = seed | 1;
        let ssrc = next(&mut random) as u32;
        let (sequence, timestamp) = (next(&mut random) as u16 & 0x7fff, next(&mut random) as u32);
        let source = Source::new(&parts.config);
        let cname = [next(&mut random), next(&mut random)];
        let control = Control::new(parts.config.codec.rtp_clock(), ssrc, cname);
        Self {
            parts,
            ssrc,
            sequence,
            timestamp,
            position: 0,
            event_wait: 0,
            tones_out: TonesOut::new(),
            queue: Queue::new(),
            events: Events::default(),
            source,
            control,
            fates: Fates::default(),
            began: now,
            counters: Counters::default(),
            sent_at: now,
            heard_at: now,
            collided: false,
            random,
            blocks: 0,
            closed: false,
        }
    }

    /// It begins: times count from now on.
    pub fn begin(&mut self, now: Duration) {
        (self.began, self.sent_at, self.heard_at) = (now, now, now);
        self.control.begin(now, next(&mut self.random) as u32);
    }

    /// Goes on with other parts: codec, addresses or keys have changed. What is replaced comes back, to be dropped where that
    /// may take its time. Keys that stay the same keep their counters (RFC 3711 §3.3.1).
    pub fn change(&mut self, now: Duration, mut parts: Box<Parts>) -> Box<Parts> {
        let (old, new) = (&mut self.parts.config, &mut parts.config);
        self.source.told(new);
        let another_clock = old.codec.rtp_clock() != new.codec.rtp_clock();
        let (had, has) = (old.keys.as_ref(), new.keys.as_ref());
        let another_key = had.map(|keys| &keys.send) != has.map(|keys| &keys.send);
        if another_clock || another_key {
            // Another clock is another stream (RFC 7160 §4.1); and a key that counts its packets from none is best given one.
            self.ssrc = next(&mut self.random) as u32;
            self.sequence &= 0x7fff;
            self.control.sends_anew(self.ssrc, new.codec.rtp_clock());
        }
        let resumes = new.receives && !old.receives;
        if resumes || (new.timeout.is_some() && old.timeout.is_none()) {
            self.heard_at = now;
        }
        if resumes {
            self.fates.restart();
        }
        if resumes || another_clock {
            self.control.hears_anew(another_clock);
        }
        if had.map(|keys| (keys.suite, &keys.send)) == has.map(|keys| (keys.suite, &keys.send)) {
            std::mem::swap(&mut self.parts.protect, &mut parts.protect);
        }
        if had.map(|keys| (keys.suite, &keys.receive)) == has.map(|keys| (keys.suite, &keys.receive)) {
            std::mem::swap(&mut self.parts.unprotect, &mut parts.unprotect);
        }
        let same_codec = old.codec == new.codec
            && old.payload_types == new.payload_types
            && old.redundancy == new.redundancy
            && old.ptime_ms == new.ptime_ms
            && (old.jitter_adaptive, old.jitter_ms) == (new.jitter_adaptive, new.jitter_ms);
        if same_codec {
            // A hold or a new address is no reason to stutter.
            std::mem::swap(&mut self.parts.sender, &mut parts.sender);
            std::mem::swap(&mut self.parts.receiver, &mut parts.receiver);
            std::mem::swap(&mut self.parts.up, &mut parts.up);
            std::mem::swap(&mut self.parts.down, &mut parts.down);
            if old.events == new.events {
                std::mem::swap(&mut self.parts.events_out, &mut parts.events_out);
                std::mem::swap(&mut self.parts.events_in, &mut parts.events_in);
            }
        }
        std::mem::replace(&mut self.parts, parts)
    }

    /// What it is told.
    pub fn config(&self) -> &Config {
        &self.parts.config
    }

    /// The next 10 ms of what the other side says, at 48 kHz.
    pub fn play(&mut self, now: Duration, out: &mut [i16; BLOCK]) {
        let Parts { config, receiver, up, tones_in, block, .. } = &mut *self.parts;
        if !config.receives {
            out.fill(0);
            return;
        }
        let mut narrow = [0; WIDEST];
        let Some(narrow) = narrow.get_mut(..*block) else { return };
        receiver.pull(now, narrow);
        if let Some(digit) = tones_in.as_mut().and_then(|tones| tones.hear(narrow)) {
            self.events.push(Event::Digit(digit));
        }
        match up {
            Some(up) => up.process(narrow, out),
            None => out.copy_from_slice(narrow),
        }
    }

    /// The next 10 ms of what is said here, at 48 kHz. `None`: nobody is to be heard.
    pub fn capture(&mut self, now: Duration, said: Option<&[i16; BLOCK]>) {
        let mut block = said.copied().unwrap_or([0; BLOCK]);
        // One after the other, where both are asked for: events take the place of audio.
        let by_event = self.parts.events_out.as_ref().is_some_and(EventsOut::is_active);
        let tones = !by_event && self.tones_out.fill(&mut block);
        let step = self.parts.config.codec.rtp_clock() / 100;
        let timestamp = self.timestamp;
        self.timestamp = timestamp.wrapping_add(step);
        let position = self.position;
        self.position += u64::from(step);
        let Parts { config, sender, down, protect, events_out, block: length, .. } = &mut *self.parts;
        // Agreed to be encrypted, and there is no key to do it with.
        let bare = config.keys.is_some() && protect.is_none();
        if !config.sends || self.source.target().is_none() || self.closed || bare {
            sender.pause();
            return;
        }
        if let Some(out) = events_out.as_mut().filter(|out| out.is_active()) {
            if self.event_wait == 0 {
                self.event_wait = (config.ptime_ms / 10).max(1);
                if let Some((event, back)) = out.tick(position) {
                    let header = Header {
                        marker: event.marker,
                        payload_type: out.payload_type(),
                        sequence: self.sequence,
                        timestamp: timestamp.wrapping_sub(back),
                        ssrc: self.ssrc,
                    };
                    let mut payload = [0; 4];
                    let length = event.payload.write(&mut payload).unwrap_or(0);
                    let sent = send(&mut self.queue, protect, header, payload.get(..length).unwrap_or_default());
                    self.sent(now, sent, length);
                    self.parts.sender.pause();
                    self.event_wait -= 1;
                    return;
                }
            }
            self.event_wait -= 1;
            // Between two digits there is silence, or the second would sound like the first.
            sender.pause();
            return;
        }
        self.event_wait = 0;
        if said.is_none() && !tones {
            sender.pause();
            return;
        }
        let mut narrow = [0; WIDEST];
        let Some(narrow) = narrow.get_mut(..*length) else { return };
        match down {
            Some(down) => down.process(&block, narrow),
            None => narrow.copy_from_slice(&block),
        }
        let mut payload = [0; MAX_PACKET];
        let Some(ready) = sender.push(narrow, timestamp, &mut payload) else { return };
        let header = Header {
            marker: ready.marker,
            payload_type: ready.payload_type,
            sequence: self.sequence,
            timestamp: ready.timestamp,
            ssrc: self.ssrc,
        };
        let sent = send(&mut self.queue, protect, header, payload.get(..ready.length).unwrap_or_default());
        self.sent(now, sent, ready.length);
    }

    fn sent(&mut self, now: Duration, sent: bool, bytes: usize) {
        // Also when it did not leave: the number is used up, as it would be had it been lost.
        self.sequence = self.sequence.wrapping_add(1);
        if sent {
            self.sent_at = now;
            self.counters.sent += 1;
            self.counters.sent_bytes += bytes as u64;
            self.control.sent(now, bytes);
        }
    }

    /// A datagram came. It is deciphered in place.
    pub fn receive(&mut self, now: Duration, port: Port, from: SocketAddr, datagram: &mut [u8]) {
        if port == Port::Rtcp || (self.parts.config.rtcp_mux && rtp::is_rtcp(datagram)) {
            return self.receive_rtcp(now, from, datagram);
        }
        // Before deciphering: what is no RTP does not cost us that. Padding cannot be read yet.
        match datagram.first().map(|first| first >> 6) {
            Some(2) if datagram.len() >= rtp::HEADER_LEN => {}
            Some(1) => return,
            _ => return self.counters.malformed += 1,
        }
        let proven = self.parts.unprotect.is_some();
        let length = match &mut self.parts.unprotect {
            Some(unprotect) => match unprotect.unprotect_rtp(datagram) {
                Ok(length) => length,
                Err(_) => return self.counters.forged += 1,
            },
            // Agreed to be encrypted, and there is no key to read it with.
            None if self.parts.config.keys.is_some() => return self.counters.forged += 1,
            None => datagram.len(),
        };
        let Some(Ok(packet)) = datagram.get(..length).map(Packet::parse) else {
            self.counters.malformed += 1;
            return;
        };
        let Packet { header, payload } = packet;
        let Parts { config, receiver, events_in, .. } = &mut *self.parts;
        let is_event = events_in.as_ref().is_some_and(|events| events.payload_type() == header.payload_type);
        let is_audio = header.payload_type == config.payload_types.receive
            || header.payload_type == COMFORT_NOISE
            || config.redundancy.is_some_and(|red| red.payload_types.receive == header.payload_type);
        if !is_event && !is_audio {
            self.counters.unknown += 1;
            return;
        }
        // On hold nobody new is taken up.
        if !config.receives && !proven && !self.source.is_host(from) {
            self.source.strangers += 1;
            return;
        }
        if !self.source.accept(now, from, proven) {
            return;
        }
        match self.control.received(now, &header, is_event) {
            Heard::Known => {}
            // Not yet believed: a stream that is over may still have a packet on its way.
            Heard::Unproven => return,
            // Somebody else drew our number, or what we send comes back (RFC 3550 §8.2).
            // Once more, and it is a loop.
            Heard::Collision if self.collided => return,
            Heard::Collision => {
                self.collided = true;
                self.ssrc = next(&mut self.random) as u32;
                self.control.sends_anew(self.ssrc, config.codec.rtp_clock());
                return;
            }
            Heard::New => {
                self.counters.sources += 1;
                self.fates.restart();
                receiver.reset();
            }
        }
        self.counters.received += 1;
        self.heard_at = now;
        if !config.receives {
            return;
        }
        // Events share the numbering: the receiver has to know that they are not missing.
        let inserted = receiver.insert(now, &header, payload);
        let in_time = !matches!(inserted, Inserted::Late | Inserted::Discarded);
        self.fates.came(header.sequence, if in_time { Fate::Received } else { Fate::Discarded });
        if is_event && let Some(digit) = events_in.as_mut().and_then(|events| events.receive(&header, payload)) {
            self.events.push(Event::Digit(digit));
        }
    }

    fn receive_rtcp(&mut self, now: Duration, from: SocketAddr, datagram: &mut [u8]) {
        let length = match &mut self.parts.unprotect {
            Some(unprotect) => match unprotect.unprotect_rtcp(datagram) {
                Ok(length) => length,
                Err(_) => return self.counters.forged += 1,
            },
            None if self.parts.config.keys.is_some() => return self.counters.forged += 1,
            // Whoever is not the other side does not tell how it hears us.
            None if !self.source.is_host(from) => {
                self.source.strangers += 1;
                return;
            }
            None => datagram.len(),
        };
        let Some(report) = datagram.get(..length) else { return };
        match self.control.take(now, self.ssrc, report) {
            Some(taken) => {
                if let Some(loss) = taken.loss_percent {
                    self.parts.sender.loss_reported(loss);
                }
                if taken.bye {
                    self.events.push(Event::Bye);
                }
            }
            None => self.counters.malformed += 1,
        }
    }

    /// A digit to send: as an event, as a tone, or both. What cannot be queued is dropped.
    pub fn digit(&mut self, digit: char, event: bool, tone: bool) {
        if event && let Some(out) = &mut self.parts.events_out {
            out.push(digit);
        }
        if tone {
            self.tones_out.push(digit);
        }
    }

    /// Lets 10 ms pass: reports, keep-alives, and silence that lasts too long.
    pub fn tick(&mut self, now: Duration) {
        if self.closed {
            return;
        }
        if let Some(events) = &mut self.parts.events_in {
            events.elapse();
        }
        let config = &self.parts.config;
        if let Some(most) = config.timeout
            && config.receives
            && now.saturating_sub(self.heard_at) >= most
        {
            // Said again as long as nothing comes: it may not have been acted on yet.
            self.heard_at = now;
            self.events.push(Event::TimedOut);
        }
        if config.rtp_keep_alive && now.saturating_sub(self.sent_at) >= KEEP_ALIVE && self.source.target().is_some() {
            self.sent_at = now;
            self.queue.push(Port::Rtp, |bytes| rtp::keep_alive(bytes.as_mut_slice()));
        }
        let loss = self.parts.receiver.loss_percent();
        self.blocks = self.blocks.wrapping_add(1);
        if self.blocks.is_multiple_of(GUESS_EVERY) {
            self.parts.sender.burst_ratio(self.fates.burst().ratio() as f32);
            if self.control.reports() == 0 {
                // Nobody says how we are heard: most likely as we hear.
                self.parts.sender.loss_guessed(loss);
            }
        }
        if self.control.is_due(now, loss) {
            self.report(now, false);
        }
    }

    /// Says goodbye (RTCP BYE). Nothing is sent after it.
    pub fn close(&mut self, now: Duration) {
        if !self.closed {
            self.report(now, true);
            self.closed = true;
        }
    }

    fn report(&mut self, now: Duration, leaves: bool) {
        let quality = self.inputs().report();
        let random = next(&mut self.random) as u32;
        let Parts { config, protect, receiver, .. } = &mut *self.parts;
        let loss = receiver.loss_percent();
        let sends =
            Sends { ssrc: self.ssrc, timestamp: self.timestamp, says_sender: config.rtcp_sender_reports, leaves };
        let mut written = [0; MAX_PACKET];
        let Some(length) = self.control.write(now, &sends, &quality, loss, random, &mut written) else { return };
        let bare = config.keys.is_some() && protect.is_none();
        if !config.rtcp || bare || (config.remote_rtcp.is_none() && !config.rtcp_mux) {
            return;
        }
        self.queue.push(Port::Rtcp, |bytes| {
            bytes.get_mut(..length)?.copy_from_slice(written.get(..length)?);
            match protect {
                Some(protect) => protect.protect_rtcp(bytes, length).ok(),
                None => Some(length),
            }
        });
    }

    fn inputs(&self) -> Inputs<'_> {
        let Parts { config, receiver, .. } = &*self.parts;
        Inputs {
            codec: &config.codec,
            ptime_ms: config.ptime_ms,
            jitter_ms: config.jitter_ms,
            adaptive: config.jitter_adaptive,
            control: &self.control,
            fates: &self.fates,
            buffer: receiver.stats(),
        }
    }

    /// How it sounds so far.
    pub fn quality(&self, now: Duration) -> Quality {
        let inputs = self.inputs();
        let clock = self.parts.config.codec.rtp_clock().max(1);
        let time = |ticks: u32| Duration::from_micros(u64::from(ticks) * 1_000_000 / u64::from(clock));
        let reception = self.control.reception();
        let report = inputs.report();
        Quality {
            duration: now.saturating_sub(self.began),
            counters: self.counters,
            buffer: inputs.buffer,
            strangers: self.source.strangers,
            loss_percent: f32::from(report.loss_rate) * 100.0 / 256.0,
            discard_percent: f32::from(report.discard_rate) * 100.0 / 256.0,
            jitter: time(reception.map_or(0, |one| one.jitter())),
            max_jitter: time(reception.map_or(0, |one| one.max_jitter())),
            round_trip: self.control.round_trip(),
            mouth_to_ear: inputs.mouth_to_ear(),
            copies: self.parts.sender.redundancy().1 as u8,
            report,
            remote: self.control.remote(),
            remote_loss_percent: self.control.remote_loss(),
            sources: (self.ssrc, self.control.heard_ssrc().unwrap_or(0)),
        }
    }

    /// The next packet to send, and where.
    pub fn poll_transmit(&mut self) -> Option<(Port, SocketAddr, &[u8])> {
        let config = &self.parts.config;
        let rtp = self.source.target();
        let (port, bytes) = self.queue.pop()?;
        match port {
            Port::Rtp => Some((Port::Rtp, rtp?, bytes)),
            Port::Rtcp if config.rtcp_mux => Some((Port::Rtp, rtp?, bytes)),
            Port::Rtcp => Some((Port::Rtcp, self.source.rtcp_target(config.remote_rtcp)?, bytes)),
        }
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// What it has counted.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Packets of others than the other side.
    pub fn strangers(&self) -> u64 {
        self.source.strangers
    }
}

fn send(queue: &mut Queue, protect: &mut Option<Protect>, header: Header, payload: &[u8]) -> bool {
    queue.push(Port::Rtp, |bytes| {
        let start = header.write(bytes)?;
        let length = start + payload.len();
        bytes.get_mut(start..length)?.copy_from_slice(payload);
        match protect {
            Some(protect) => protect.protect_rtp(bytes, length).ok(),
            None => Some(length),
        }
    })
}

/// xorshift64*: enough for identifiers and for spreading reports.
fn next(state: &mut u64) -> u64 {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    state.wrapping_mul(0x2545_f491_4f6c_dd1d)
}
