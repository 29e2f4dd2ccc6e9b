//! How good a call is: losses in bursts and gaps (RFC 3611 §4.7.2), the E-model's rating (ITU-T G.107), and the report made
//! of them, sent as extended report or published to a collector (RFC 6035).

pub mod burst;
pub mod emodel;
pub mod vq;

pub use burst::{Burst, Fate};
pub use emodel::{Coder, Rating};

/// How missing sound is replaced (RFC 3611 §4.7.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plc {
    /// Not said.
    #[default]
    Unspecified,
    /// By silence.
    Disabled,
    /// By more than repetition.
    Enhanced,
    /// By simple repetition or interpolation.
    Standard,
}

impl Plc {
    /// From the two bits of a receiver's configuration.
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            1 => Self::Disabled,
            2 => Self::Enhanced,
            3 => Self::Standard,
            _ => Self::Unspecified,
        }
    }

    /// As those two bits, and as RFC 6035 writes it.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::Disabled => 1,
            Self::Enhanced => 2,
            Self::Standard => 3,
        }
    }
}

/// The measures of one direction of a call, as its receiver has them (RFC 3611 §4.7). Rates and densities are of 256,
/// durations and delays in ms, scores in tenths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Packets lost on the way.
    pub loss_rate: u8,
    /// Packets that came too late or too early to be played.
    pub discard_rate: u8,
    /// Lost or discarded within bursts.
    pub burst_density: u8,
    /// Lost or discarded within gaps.
    pub gap_density: u8,
    /// Mean length of a burst.
    pub burst_duration: u16,
    /// Mean length of a gap.
    pub gap_duration: u16,
    /// Between the two ends' RTP interfaces and back.
    pub round_trip: u16,
    /// From the RTP interface to the ear and from the mouth back to it.
    pub end_system_delay: u16,
    /// Of the voice, dBm0.
    pub signal_level: Option<i8>,
    /// Of the silence, dBm0.
    pub noise_level: Option<i8>,
    /// Residual echo return loss, dB.
    pub residual_echo: Option<u8>,
    /// Received packets that end a burst.
    pub gmin: u8,
    /// 0-100.
    pub r_factor: Option<u8>,
    /// Of a network beyond this one, 0-100.
    pub external_r_factor: Option<u8>,
    /// Score of listening, 10-50.
    pub mos_lq: Option<u8>,
    /// Score of conversation, 10-50.
    pub mos_cq: Option<u8>,
    /// How losses are concealed.
    pub plc: Plc,
    /// Whether the jitter buffer adapts.
    pub adaptive: Option<bool>,
    /// How fast, 0-15.
    pub adjustment_rate: u8,
    /// Delay of the jitter buffer now.
    pub buffer_nominal: u16,
    /// Its longest delay now.
    pub buffer_maximum: u16,
    /// The longest it can ever be.
    pub buffer_limit: u16,
}

impl Report {
    /// Takes over what the packets' fates say; `packet_ms` is how long one plays.
    pub fn set_losses(&mut self, burst: &Burst, packet_ms: u16) {
        let measured = burst.measure(packet_ms);
        self.loss_rate = burst.loss_rate();
        self.discard_rate = burst.discard_rate();
        self.burst_density = measured.burst_density;
        self.gap_density = measured.gap_density;
        self.burst_duration = measured.burst_duration;
        self.gap_duration = measured.gap_duration;
        self.gmin = burst::GMIN;
    }

    /// Takes over a rating.
    pub fn set_rating(&mut self, rating: &Rating) {
        self.r_factor = Some(rating.r.round() as u8);
        self.mos_lq = Some((rating.mos_lq * 10.0).round() as u8);
        self.mos_cq = Some((rating.mos_cq * 10.0).round() as u8);
    }
}
