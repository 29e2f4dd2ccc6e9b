//! The receive side of one call leg: packets go in as they come, sound comes out at the pace of the loudspeaker.
//!
//! Frames wait by their media timestamps (`slots`). How long a packet on the fastest path waits, the delay, is led to a target:
//! what the jitter of late asks for (`delay`), and while packets are lost, what their copies in later packets need. It is
//! led by stretching time where that is not heard (`sound`), and in pauses for nothing. A frame that is missing at its
//! turn is taken from a copy (RFC 2198), else from what the next packet carries of it, else made up (`playout`).
//!
//! Times are microseconds inside; media time is in ticks of the RTP clock, extended to 64 bits.

mod arrivals;
mod delay;
mod insert;
mod playout;
mod slots;
mod sound;
mod stats;
#[cfg(test)]
mod tests;

use core::time::Duration;

use audio::comfort::NoiseMaker;
use codecs::Decoder;

use self::arrivals::Arrivals;
use self::delay::Delays;
pub use self::insert::Inserted;
use self::slots::{Frame, Slots};
use self::sound::Sound;
pub use self::stats::Stats;

/// Least delay an adaptive buffer aims at, in microseconds.
const LEAST_DELAY: i64 = 20_000;
/// Aimed at before anything was measured.
const FIRST_DELAY: i64 = 40_000;
/// Milliseconds of the longest payload.
const LONGEST_PAYLOAD_MS: u32 = 180;

/// How a leg is to be received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The delay follows the network; otherwise it is fixed.
    pub adaptive: bool,
    /// Milliseconds, 100 to 800: the fixed delay, or the most that an adaptive one grows to.
    pub length_ms: u16,
    /// Hz of the RTP timestamps.
    pub clock: u32,
    /// Milliseconds of one packet, as agreed; others are understood too.
    pub ptime_ms: u16,
}

/// What payload types mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadTypes {
    /// The codec's.
    pub audio: u8,
    /// Redundancy (RFC 2198), if agreed.
    pub red: Option<u8>,
    /// Comfort noise (RFC 3389), if agreed.
    pub comfort_noise: Option<u8>,
}

/// The receive side of one leg.
pub struct Receiver {
    settings: Settings,
    types: PayloadTypes,
    decoder: Box<dyn Decoder>,
    rate: u32,
    slots: Slots,
    arrivals: Arrivals,
    delays: Delays,
    sound: Sound,
    noise: NoiseMaker,
    scratch: Box<[i16]>,
    timeline: Timeline,
    /// The latest time we were told.
    now: i64,
    /// When the sound that was pulled last will have been heard.
    handed: i64,
    /// Ticks of a frame of late.
    frame: i64,
    /// Next tick to be decoded.
    position: i64,
    /// Something waits to be played, or was played and the stream goes on.
    state: State,
    /// Ticks of sound made up because nothing newer had come: whether they stand for a lost frame shows later.
    credit: i64,
    /// The other side said that it says nothing: a description of noise or a frame of discontinuous transmission.
    quiet: bool,
    /// Noise was described: it fills what is quiet.
    noisy: bool,
    newest: Newest,
    /// Packets are being lost.
    lossy: bool,
    redundancy: Redundancy,
    /// Samples until time may be stretched again.
    rest: usize,
    /// Late packets in a row.
    late_streak: u32,
    silent: u64,
    concealed: u64,
    accelerated: u64,
    expanded: u64,
    stats: Stats,
}

/// Where a receiver stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing came yet.
    Idle,
    /// The first packets wait for their turn.
    Filling,
    /// Sound goes out.
    Playing,
}

/// Where the newest sound is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Newest {
    /// The other side, one way or another.
    Received,
    /// The decoder, without a packet.
    MadeUp,
    /// A description of noise.
    Noise,
}

/// Timestamps made to grow for ever.
#[derive(Clone, Copy, Debug, Default)]
struct Timeline {
    /// Highest timestamp so far, extended, and the tick after it.
    highest: Option<i64>,
    end: i64,
    /// Offset and number of packets far out of their time, in a row.
    strayed: Option<(i64, u32)>,
}

/// What the other side does for frames that get lost.
#[derive(Clone, Copy, Debug, Default)]
struct Redundancy {
    /// Ticks between a frame and its farthest copy.
    distance: i64,
    /// When that was seen last, in microseconds.
    seen: i64,
    /// A packet helps to make the frame before it.
    in_band: bool,
}

impl Receiver {
    /// A receiver that plays through `decoder`. Allocates all it will ever need.
    pub fn new(settings: Settings, decoder: Box<dyn Decoder>, payload_types: PayloadTypes) -> Self {
        let rate = decoder.sample_rate().clamp(8000, 48_000);
        let clock = settings.clock.clamp(8000, 192_000);
        let settings = Settings { clock, length_ms: settings.length_ms.clamp(20, 800), ..settings };
        Self {
            settings,
            types: payload_types,
            decoder,
            rate,
            slots: Slots::new(),
            arrivals: Arrivals::default(),
            delays: Delays::new(),
            sound: Sound::new(rate),
            noise: NoiseMaker::new(0x9e37_79b9),
            scratch: vec![0; (rate * LONGEST_PAYLOAD_MS / 1000) as usize].into_boxed_slice(),
            timeline: Timeline::default(),
            now: 0,
            handed: 0,
            frame: i64::from(settings.ptime_ms.clamp(5, 120)) * i64::from(clock) / 1000,
            position: 0,
            state: State::Idle,
            credit: 0,
            quiet: false,
            noisy: false,
            newest: Newest::MadeUp,
            lossy: false,
            redundancy: Redundancy::default(),
            rest: 0,
            late_streak: 0,
            silent: 0,
            concealed: 0,
            accelerated: 0,
            expanded: 0,
            stats: Stats::default(),
        }
    }

    /// The stream will start again from nothing: another source, or a call that was held. What waits is dropped, the sound
    /// fades out; counters go on.
    pub fn reset(&mut self) {
        self.slots.clear();
        self.arrivals = Arrivals::default();
        self.delays.reset();
        self.timeline = Timeline::default();
        self.state = State::Idle;
        self.credit = 0;
        self.quiet = false;
        self.noisy = false;
        self.lossy = false;
        self.redundancy = Redundancy::default();
        self.late_streak = 0;
    }

    /// Share of packets lost of late, in percent.
    pub fn loss_percent(&self) -> f32 {
        self.arrivals.loss() * 100.0
    }

    /// Counters and measures. Looks through the delays of late: not for every block.
    pub fn stats(&self) -> Stats {
        let ms = |samples: u64| samples * 1000 / u64::from(self.rate);
        let playing = self.state == State::Playing;
        let waits = self.us(self.ticks(self.sound.len())).saturating_add(self.handed - self.now);
        let delay =
            if playing { self.delay(self.position.saturating_add(self.credit)).saturating_add(waits) } else { 0 };
        let whole = |us: i64| u32::try_from(us / 1000).unwrap_or(0);
        Stats {
            concealed_ms: ms(self.concealed),
            silent_ms: ms(self.silent),
            accelerated_ms: ms(self.accelerated),
            expanded_ms: ms(self.expanded),
            delay_ms: whole(delay),
            target_ms: whole(self.target()),
            loss_percent: self.loss_percent(),
            drift_ppm: self.delays.drift(),
            ..self.stats
        }
    }

    /// Microseconds a packet on the fastest path waits when media of this tick is decoded now.
    fn delay(&self, tick: i64) -> i64 {
        self.delays.base().map_or(0, |base| self.now.saturating_sub(self.us(tick)).saturating_sub(base))
    }

    /// Microseconds a packet on the fastest path should wait.
    fn target(&self) -> i64 {
        let most = i64::from(self.settings.length_ms) * 1000;
        if !self.settings.adaptive {
            return most;
        }
        if self.delays.base().is_none() {
            return FIRST_DELAY.min(most);
        }
        let mut target = self.delays.quantile(0.97).max(self.delays.peak() + 5_000).max(LEAST_DELAY);
        if self.lossy {
            // What repairs a frame comes with a later packet: wait for that one, as late as most come.
            let mut later = self.redundancy.distance;
            if self.redundancy.in_band {
                later = later.max(self.frame);
            }
            if self.arrivals.loss() > HEAVY_LOSS && self.redundancy.distance > 0 {
                later += self.frame;
            }
            target = target.max(self.us(later) + self.delays.quantile(0.97) + 5_000);
        }
        target.min(most)
    }

    /// Microseconds of ticks.
    fn us(&self, ticks: i64) -> i64 {
        ticks.saturating_mul(1_000_000) / i64::from(self.settings.clock)
    }

    /// Ticks of microseconds.
    fn ticks_of_us(&self, us: i64) -> i64 {
        us.saturating_mul(i64::from(self.settings.clock)) / 1_000_000
    }

    /// Samples of ticks.
    fn samples(&self, ticks: i64) -> usize {
        let samples = ticks.saturating_mul(i64::from(self.rate)) / i64::from(self.settings.clock);
        usize::try_from(samples).unwrap_or(0)
    }

    /// Ticks of samples.
    fn ticks(&self, samples: usize) -> i64 {
        let samples = i64::try_from(samples).unwrap_or(0);
        samples.saturating_mul(i64::from(self.settings.clock)) / i64::from(self.rate)
    }

    /// Takes the time, which never goes back.
    fn advance(&mut self, now: Duration) {
        let now = i64::try_from(now.as_micros()).unwrap_or(i64::MAX).min(i64::MAX / 4);
        self.now = self.now.max(now);
    }
}

/// Share of packets lost from which the copy of the packet after a lost one is waited for too: it may repair it.
const HEAVY_LOSS: f32 = 0.15;
