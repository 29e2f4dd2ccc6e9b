//! From blocks of samples to RTP payloads: packets of the agreed length, copies of earlier ones as the loss asks for.

use codecs::Encoder;

use crate::config::Config;

pub mod redundancy;

use redundancy::Adaptation;

/// Packets remembered for copies: the farthest distance of any plan, and the one that is sent.
const HISTORY: usize = 7;
/// Bytes of one payload: what a packet holds.
const MAX_PAYLOAD: usize = 1400;
/// A copy's length and distance have to fit their fields (RFC 2198 §3).
const MOST_COPY: usize = 1023;
const MOST_OFFSET: u32 = (1 << 14) - 1;

struct Sent {
    timestamp: u32,
    length: usize,
    bytes: [u8; MAX_PAYLOAD],
}

/// A payload ready to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// RTP payload type.
    pub payload_type: u8,
    /// Of its first sample.
    pub timestamp: u32,
    /// The first after silence (RFC 3551 §4.1).
    pub marker: bool,
    /// Bytes of it.
    pub length: usize,
}

/// The sending half of a leg.
pub struct Sender {
    encoder: Box<dyn Encoder>,
    payload_type: u8,
    /// `red`, and how much of it.
    redundancy: Option<(u8, Adaptation)>,
    /// Samples of the packet that fills, at the codec's rate.
    pcm: Box<[i16]>,
    filled: usize,
    timestamp: u32,
    history: Box<[Sent; HISTORY]>,
    newest: usize,
    silent: bool,
    reported: u8,
    /// Bit/s alone, and beside copies.
    bitrates: (Option<u32>, Option<u32>),
    copies: bool,
}

impl Sender {
    /// For an encoder made for `config`.
    pub fn new(mut encoder: Box<dyn Encoder>, config: &Config) -> Self {
        let samples = (encoder.sample_rate() as usize * usize::from(config.ptime_ms) / 1000).max(1);
        if let Some(bits) = config.bitrate {
            encoder.set_bitrate(bits);
        }
        let sent = || Sent { timestamp: 0, length: 0, bytes: [0; MAX_PAYLOAD] };
        Self {
            encoder,
            payload_type: config.payload_types.send,
            redundancy: config.redundancy.map(|red| (red.payload_types.send, Adaptation::new(red.budget))),
            pcm: vec![0; samples].into(),
            filled: 0,
            timestamp: 0,
            history: Box::new(core::array::from_fn(|_| sent())),
            newest: 0,
            silent: true,
            reported: 0,
            bitrates: (config.bitrate, config.bitrate_with_copies),
            copies: false,
        }
    }

    /// Hz of the samples it takes.
    pub fn sample_rate(&self) -> u32 {
        self.encoder.sample_rate()
    }

    /// The other side says it loses `percent` of our packets.
    pub fn loss_reported(&mut self, percent: f32) {
        if let Some((_, adaptation)) = &mut self.redundancy {
            adaptation.reported(percent);
        }
        self.adapt(percent);
    }

    /// It has not said anything yet, and would probably say so.
    pub fn loss_guessed(&mut self, percent: f32) {
        if let Some((_, adaptation)) = &mut self.redundancy {
            adaptation.guessed(percent);
        }
        self.adapt(percent);
    }

    /// How much longer than by chance runs of losses are in the other direction.
    pub fn burst_ratio(&mut self, ratio: f32) {
        if let Some((_, adaptation)) = &mut self.redundancy {
            adaptation.burst_ratio(ratio);
        }
    }

    fn adapt(&mut self, percent: f32) {
        let fec = match &self.redundancy {
            Some((_, adaptation)) => adaptation.plan().fec_percent,
            None => percent.clamp(0.0, 100.0).round() as u8,
        };
        let copies = self.redundancy.as_ref().is_some_and(|(_, one)| !one.plan().copies.is_empty());
        if std::mem::replace(&mut self.copies, copies) != copies
            && let Some(bits) = if copies { self.bitrates.1 } else { self.bitrates.0 }
        {
            self.encoder.set_bitrate(bits);
        }
        // Set when it changes only: some encoders start over with it.
        if self.reported != fec {
            self.reported = fec;
            self.encoder.set_loss(fec);
        }
    }

    /// Percent of loss the redundancy goes by, and how many copies go along.
    pub fn redundancy(&self) -> (f32, usize) {
        self.redundancy.as_ref().map_or((0.0, 0), |(_, one)| (one.loss(), one.plan().copies.len()))
    }

    /// Nothing is said for a while: what is half collected is forgotten, and the next packet begins anew.
    pub fn pause(&mut self) {
        (self.filled, self.silent) = (0, true);
        self.history.iter_mut().for_each(|sent| sent.length = 0);
    }

    /// 10 ms of sound, the first sample of which has that RTP timestamp. Once a packet is full, writes its payload into `out`.
    pub fn push(&mut self, pcm: &[i16], timestamp: u32, out: &mut [u8]) -> Option<Ready> {
        if self.filled == 0 {
            self.timestamp = timestamp;
        }
        let room = self.pcm.get_mut(self.filled..)?;
        let taken = room.len().min(pcm.len());
        room.get_mut(..taken)?.copy_from_slice(pcm.get(..taken)?);
        self.filled += taken;
        if self.filled < self.pcm.len() {
            return None;
        }
        self.filled = 0;
        self.newest = (self.newest + 1) % HISTORY;
        let sent = self.history.get_mut(self.newest)?;
        sent.timestamp = self.timestamp;
        sent.length = self.encoder.encode(&self.pcm, &mut sent.bytes).unwrap_or(0);
        if sent.length == 0 {
            self.silent = true;
            return None;
        }
        let marker = std::mem::take(&mut self.silent);
        let (payload_type, length) = self.with_copies(out).or_else(|| self.alone(out))?;
        Some(Ready { payload_type, timestamp: self.timestamp, marker, length })
    }

    fn alone(&self, out: &mut [u8]) -> Option<(u8, usize)> {
        let sent = self.history.get(self.newest)?;
        out.get_mut(..sent.length)?.copy_from_slice(sent.bytes.get(..sent.length)?);
        Some((self.payload_type, sent.length))
    }

    /// As `red`, if copies are to go along and there are any that fit.
    fn with_copies(&self, out: &mut [u8]) -> Option<(u8, usize)> {
        let (payload_type, adaptation) = self.redundancy.as_ref()?;
        let primary = self.history.get(self.newest)?;
        let mut copies = [(0_u8, 0_u16, &[][..]); HISTORY];
        let (mut count, mut total) = (0, primary.length + 1);
        for distance in adaptation.plan().copies {
            let at = (self.newest + HISTORY - usize::from(*distance) % HISTORY) % HISTORY;
            let Some(copy) = self.history.get(at) else { continue };
            let offset = primary.timestamp.wrapping_sub(copy.timestamp);
            let fits = (1..=MOST_COPY).contains(&copy.length) && (1..=MOST_OFFSET).contains(&offset);
            if !fits || total + copy.length + 4 > out.len().min(MAX_PAYLOAD) {
                continue;
            }
            if let (Some(place), Ok(offset), Some(bytes)) =
                (copies.get_mut(count), u16::try_from(offset), copy.bytes.get(..copy.length))
            {
                *place = (self.payload_type, offset, bytes);
                (count, total) = (count + 1, total + copy.length + 4);
            }
        }
        if count == 0 {
            return None;
        }
        let primary = (self.payload_type, primary.bytes.get(..primary.length)?);
        Some((*payload_type, rtp::red::write(out, copies.get(..count)?, primary)?))
    }
}
