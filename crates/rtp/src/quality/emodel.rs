//! The E-model: narrowband by ITU-T G.107, wideband by G.107.1, with what coders cost by G.113.
//!
//! Everything but coder, loss and delay has the recommendations' default values.

/// Rating of a narrowband connection before delay and coder: Ro - Is with all defaults.
const BASIC: f64 = 93.355;
/// The same, wideband (G.107.1 §7.2).
const BASIC_WIDEBAND: f64 = 129.0;
/// What maps a wideband rating onto the scale of scores (G.107.1 annex A).
const WIDEBAND_SCALE: f64 = 1.29;
/// Ro, and the talker echo loudness rating, with all defaults.
const RO: f64 = 94.77;
const TELR: f64 = 65.0;
const WEPL: f64 = 110.0;

/// A coder, as far as the model tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coder {
    /// G.711 with concealment.
    G711,
    /// G.711 without concealment.
    G711Bare,
    /// G.723.1 at 6.3 kbit/s.
    G723,
    /// G.726 at 32 kbit/s.
    G726,
    /// G.729 Annex A.
    G729,
    /// iLBC at 13.3 or 15.2 kbit/s.
    Ilbc,
    /// G.722 at 64 kbit/s.
    G722,
    /// Opus, wideband or wider, with its own redundancy.
    Opus,
    /// Opus in narrowband.
    OpusNarrow,
}

/// What a coder costs: impairment, robustness against loss in per cent, and whether on the wideband scale.
struct Cost {
    ie: f64,
    bpl: f64,
    wideband: bool,
}

impl Coder {
    /// G.113 appendices I (narrowband) and IV (wideband). Not in them, so estimated here: the robustness of G.726 and G.722,
    /// iLBC, and Opus.
    const fn cost(self) -> Cost {
        let (ie, bpl, wideband) = match self {
            Self::G711 => (0.0, 25.1, false),
            Self::G711Bare => (0.0, 4.3, false),
            Self::G723 => (15.0, 16.1, false),
            Self::G726 => (7.0, 12.0, false),
            Self::G729 => (11.0, 19.0, false),
            Self::Ilbc => (11.0, 32.0, false),
            Self::G722 => (13.0, 10.0, true),
            Self::Opus => (6.0, 20.0, true),
            Self::OpusNarrow => (5.0, 20.0, false),
        };
        Cost { ie, bpl, wideband }
    }
}

/// What a call is rated at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rating {
    /// With delay, 0-100; a wideband one brought to that scale.
    pub r: f64,
    /// With delay on the coder's own scale: up to 93.2, or 129 when wideband.
    pub r_own_scale: f64,
    /// Score of listening, delay left out, 1-4.5.
    pub mos_lq: f64,
    /// Score of conversation, 1-4.5.
    pub mos_cq: f64,
}

/// Rates a call: `loss` in per cent with discarded packets, `burst_ratio` 1 for losses by chance, `delay_ms` from mouth to ear.
pub fn rate(coder: Coder, loss: f64, burst_ratio: f64, delay_ms: f64) -> Rating {
    let Cost { ie, bpl, wideband } = coder.cost();
    let loss = sane(loss, 0.0, 100.0);
    let lossy = ie + (95.0 - ie) * loss / (loss / sane(burst_ratio, 1.0, 100.0) + bpl);
    let delay = sane(delay_ms, 0.0, 60_000.0);
    let (basic, scale) = if wideband { (BASIC_WIDEBAND, WIDEBAND_SCALE) } else { (BASIC, 1.0) };
    // On the wideband scale echo is taken as cancelled, and only the delay itself counts.
    let impairment = |delay| if wideband { pure_delay(delay) } else { delay_narrowband(delay) };
    let listening = ((basic - impairment(0.0) - lossy) / scale).clamp(0.0, 100.0);
    let own = (basic - impairment(delay) - lossy).max(0.0);
    let r = (own / scale).clamp(0.0, 100.0);
    Rating { r, r_own_scale: own, mos_lq: mos(listening), mos_cq: mos(r) }
}

/// The score of a rating (G.107 annex B).
pub fn mos(r: f64) -> f64 {
    match r {
        r if r <= 0.0 => 1.0,
        r if r >= 100.0 => 4.5,
        // Below 6.5 the curve dips under 1.
        r => (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).clamp(1.0, 4.5),
    }
}

/// Id (G.107 §7.4): talker's echo, listener's echo, and the delay itself. No echo is worse than the default one here.
fn delay_narrowband(delay: f64) -> f64 {
    let terv =
        TELR - 40.0 * ((1.0 + delay / 10.0) / (1.0 + delay / 150.0)).log10() + 6.0 * (-0.3 * delay * delay).exp();
    let talker = 80.0 + 2.5 * (terv - 14.0);
    let talker = half_root(RO - talker, 100.0) - 1.0;
    // Up to a millisecond it is taken as sidetone.
    let talker = if delay < 1.0 { 0.0 } else { (talker * (1.0 - (-delay).exp())).max(0.0) };
    let listener = 10.5 * (WEPL + 7.0) * (2.0 * delay + 1.0).powf(-0.25);
    talker + half_root(RO - listener, 169.0) + pure_delay(delay)
}

/// Idd (G.107 §7.4): nothing up to 100 ms.
fn pure_delay(delay: f64) -> f64 {
    if delay <= 100.0 {
        return 0.0;
    }
    let x = (delay / 100.0).log2();
    25.0 * ((1.0 + x.powi(6)).powf(1.0 / 6.0) - 3.0 * (1.0 + (x / 3.0).powi(6)).powf(1.0 / 6.0) + 2.0)
}

fn half_root(difference: f64, plus: f64) -> f64 {
    difference / 2.0 + (difference * difference / 4.0 + plus).sqrt()
}

/// Within its bounds; the lower one when it is no number.
fn sane(value: f64, low: f64, high: f64) -> f64 {
    if value.is_nan() { low } else { value.clamp(low, high) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Coder; 9] = [
        Coder::G711,
        Coder::G711Bare,
        Coder::G723,
        Coder::G726,
        Coder::G729,
        Coder::Ilbc,
        Coder::G722,
        Coder::Opus,
        Coder::OpusNarrow,
    ];

    fn near(value: f64, expected: f64, within: f64) {
        assert!((value - expected).abs() <= within, "{value} is not {expected}");
    }

    #[test]
    fn scores_are_those_of_the_recommendation() {
        // G.107 annex B, table B.1: lower limits of its categories.
        for (r, score) in [(90.0, 4.34), (80.0, 4.03), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58)] {
            // The table rounds up.
            near(mos(r), score, 0.007);
        }
        assert_eq!((mos(-1.0), mos(0.0), mos(100.0), mos(120.0)), (1.0, 1.0, 4.5, 4.5));
        assert!(mos(3.0) >= 1.0);
    }

    #[test]
    fn all_defaults_come_to_93_2() {
        let rating = rate(Coder::G711, 0.0, 1.0, 0.0);
        near(rating.r, 93.2, 0.05);
        near(rating.mos_lq, 4.41, 0.005);
        near(rating.mos_cq, 4.41, 0.005);
    }

    #[test]
    fn coders_cost_what_g_113_says() {
        near(rate(Coder::G729, 0.0, 1.0, 0.0).r, 82.2, 0.05);
        near(rate(Coder::G723, 0.0, 1.0, 0.0).r, 78.2, 0.05);
        // G.711 at 5 %: 95 * 5 / (5 + 25.1) with concealment, 95 * 5 / (5 + 4.3) without.
        near(rate(Coder::G711, 5.0, 1.0, 0.0).r, 93.2 - 15.78, 0.05);
        near(rate(Coder::G711Bare, 5.0, 1.0, 0.0).r, 93.2 - 51.08, 0.05);
        // In bursts twice as long as by chance.
        near(rate(Coder::G711, 5.0, 2.0, 0.0).r, 93.2 - 17.21, 0.05);
    }

    #[test]
    fn delay_itself_costs_as_g_107_has_it() {
        assert_eq!((pure_delay(0.0), pure_delay(100.0)), (0.0, 0.0));
        // By hand: at 200 ms x is 1, at 400 ms 2, at 800 ms 3.
        near(pure_delay(200.0), 25.0 * (2f64.powf(1.0 / 6.0) - 3.0 * (730f64 / 729.0).powf(1.0 / 6.0) + 2.0), 1e-9);
        near(pure_delay(200.0), 3.04, 0.01);
        near(pure_delay(400.0), 24.1, 0.1);
        near(pure_delay(800.0), 40.9, 0.1);
    }

    #[test]
    fn a_second_of_delay_spoils_conversation_and_not_listening() {
        let rating = rate(Coder::G711, 0.0, 1.0, 1000.0);
        near(rating.mos_lq, 4.41, 0.005);
        assert!(rating.mos_cq < 2.6, "{rating:?}");
    }

    #[test]
    fn wideband_is_rated_on_its_scale() {
        let g722 = rate(Coder::G722, 0.0, 1.0, 0.0);
        near(g722.r_own_scale, 116.0, 0.01);
        near(g722.r, 89.9, 0.05);
        let opus = rate(Coder::Opus, 10.0, 1.0, 100.0);
        assert!(opus.mos_lq > rate(Coder::G722, 10.0, 1.0, 100.0).mos_lq, "{opus:?}");
    }

    proptest! {
        #[test]
        fn more_loss_or_delay_is_never_better(loss in 0f64..100.0, more in 0f64..20.0, burst in 1f64..10.0, delay in 0f64..2000.0, later in 0f64..500.0) {
            for coder in ALL {
                let rating = rate(coder, loss, burst, delay);
                prop_assert!(rate(coder, loss + more, burst, delay).r <= rating.r + 1e-9);
                prop_assert!(rate(coder, loss, burst, delay + later).r <= rating.r + 1e-9);
                prop_assert!((1.0..=4.5).contains(&rating.mos_cq) && rating.mos_cq <= rating.mos_lq + 1e-9);
            }
        }

        #[test]
        fn any_numbers_are_rated(loss in any::<f64>(), burst in any::<f64>(), delay in any::<f64>()) {
            for coder in ALL {
                let rating = rate(coder, loss, burst, delay);
                prop_assert!((0.0..=100.0).contains(&rating.r) && (1.0..=4.5).contains(&rating.mos_lq));
            }
        }
    }
}
