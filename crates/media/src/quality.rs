//! How a leg sounds: the figures of its two directions, and what the E-model makes of them.

use core::time::Duration;

use codecs::Codec;
use rtp::quality::{Coder, Plc, Report, emodel};

use crate::control::Control;
use crate::fates::Fates;
use crate::receive::Stats;
use crate::session::Counters;

/// Milliseconds from the wire to the ear and from the mouth to the wire, beside jitter buffer and packets: a block each way,
/// and 5 for filters.
const DEVICE_MS: u32 = 25;

/// How a leg sounds, so far. `Default` is a leg nothing was heard of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quality {
    /// Since the leg began.
    pub duration: Duration,
    /// What was counted.
    pub counters: Counters,
    /// Of the jitter buffer.
    pub buffer: Stats,
    /// Packets of strangers.
    pub strangers: u64,
    /// Percent of packets lost on the way to us, over the whole call.
    pub loss_percent: f32,
    /// Percent that came too late to be played.
    pub discard_percent: f32,
    /// Mean deviation of the time on the way, now and at the most.
    pub jitter: Duration,
    /// The highest so far.
    pub max_jitter: Duration,
    /// There and back, once measured.
    pub round_trip: Option<Duration>,
    /// From the other side's mouth to our ear, estimated.
    pub mouth_to_ear: Duration,
    /// Copies that go along in each packet we send.
    pub copies: u8,
    /// As RTCP-XR carries it (RFC 3611 §4.7), MOS among it.
    pub report: Report,
    /// How the other side says it hears us.
    pub remote: Option<Report>,
    /// Percent of our packets it lost of late, if it says so.
    pub remote_loss_percent: Option<f32>,
    /// Numbers of the two streams, ours first.
    pub sources: (u32, u32),
}

/// Everything the figures come from.
pub struct Inputs<'a> {
    pub codec: &'a Codec,
    pub ptime_ms: u16,
    pub jitter_ms: u16,
    pub adaptive: bool,
    pub control: &'a Control,
    pub fates: &'a Fates,
    pub buffer: Stats,
}

impl Inputs<'_> {
    /// The report on what is heard here.
    pub fn report(&self) -> Report {
        let burst = self.fates.burst();
        let ms = |ms: u32| u16::try_from(ms).unwrap_or(u16::MAX);
        let round_trip = self.control.round_trip().map_or(0, |trip| trip.as_millis() as u32);
        let own_delay = self.buffer.delay_ms + u32::from(self.ptime_ms) + DEVICE_MS;
        let mut report = Report {
            round_trip: ms(round_trip),
            end_system_delay: ms(own_delay),
            plc: Plc::Enhanced,
            adaptive: Some(self.adaptive),
            adjustment_rate: if self.adaptive { 1 } else { 0 },
            buffer_nominal: ms(self.buffer.target_ms),
            buffer_maximum: if self.adaptive { self.jitter_ms } else { ms(self.buffer.target_ms) },
            buffer_limit: self.jitter_ms,
            ..Report::default()
        };
        report.set_losses(burst, self.ptime_ms);
        // What was repaired is not missing: only what had to be made up counts against the sound.
        let played = self.buffer.received.saturating_add(self.buffer.lost) * u64::from(self.ptime_ms);
        let made_up = self.buffer.concealed_ms as f64 * 100.0 / played.max(1) as f64;
        let delay = f64::from(own_delay) + f64::from(round_trip) / 2.0;
        report.set_rating(&emodel::rate(coder(self.codec), made_up.min(100.0), burst.ratio(), delay));
        report
    }

    /// From the other side's mouth to our ear, if its end is made like ours.
    pub fn mouth_to_ear(&self) -> Duration {
        let way = self.control.round_trip().unwrap_or_default() / 2;
        way + Duration::from_millis(u64::from(self.buffer.delay_ms) + u64::from(self.ptime_ms) + u64::from(DEVICE_MS))
    }
}

const fn coder(codec: &Codec) -> Coder {
    match codec {
        Codec::Pcmu | Codec::Pcma => Coder::G711,
        Codec::G722 => Coder::G722,
        Codec::G726(_) => Coder::G726,
        Codec::G729 { .. } => Coder::G729,
        Codec::Ilbc(_) => Coder::Ilbc,
        Codec::G723 { .. } => Coder::G723,
        Codec::Opus(_) => Coder::Opus,
    }
}
