//! The network between two phones: which packets it loses and how late it brings the others, from a seed, so that our
//! phone and its peer meet the same fate packet by packet.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Packets are sent this often.
pub const PACKET: Duration = Duration::from_millis(20);

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    /// Percent of the packets.
    pub loss: u8,
    /// Mean packets lost in a row where losses come in bursts (Gilbert's model); each alone otherwise.
    pub burst: Option<f64>,
    /// Largest delay, ms; most are far shorter (exponential, a quarter of that in the mean).
    pub jitter_ms: u32,
    /// Percent of the packets that the next one overtakes.
    pub reordered: u8,
}

/// What becomes of each packet: its delay, or nothing if it is lost.
pub type Trace = Vec<Option<Duration>>;

/// The fates of `count` packets sent every [`PACKET`].
pub fn trace(conditions: &Conditions, seed: u64, count: usize) -> Trace {
    let mut random = Random::new(seed);
    let mut gilbert = Gilbert { conditions, bad: false };
    let mut last_arrival = 0.0_f64;
    let jitter = f64::from(conditions.jitter_ms);
    let step = |number: usize| {
        // All three are drawn for every packet, so that the same packets are late at any loss.
        let (loss, delay, order) = (random.unit(), random.unit(), random.unit());
        let sent = number as f64 * PACKET.as_secs_f64() * 1000.0;
        let mut arrival = sent + (-(1.0 - delay).ln() * jitter / 4.0).min(jitter);
        if order < f64::from(conditions.reordered) / 100.0 {
            // Late by a packet and a bit: the next one comes first.
            arrival = arrival.max(last_arrival) + 25.0;
        } else {
            arrival = arrival.max(last_arrival);
            last_arrival = arrival;
        }
        (!gilbert.loses(loss)).then(|| Duration::from_secs_f64((arrival - sent) / 1000.0))
    };
    (0..count).map(step).collect()
}

/// Two states, one of which loses all.
struct Gilbert<'a> {
    conditions: &'a Conditions,
    bad: bool,
}

impl Gilbert<'_> {
    fn loses(&mut self, unit: f64) -> bool {
        let share = f64::from(self.conditions.loss) / 100.0;
        let Some(burst) = self.conditions.burst else { return unit < share };
        // To leave a burst, and to fall into one, so that `share` is lost in the long run.
        let leave = 1.0 / burst;
        let fall = leave * share / (1.0 - share);
        self.bad = if self.bad { unit >= leave } else { unit < fall };
        self.bad
    }
}

/// SplitMix64: small, good enough, the same everywhere.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to just under 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(loss: u8, burst: Option<f64>, jitter_ms: u32, reordered: u8) -> Trace {
        trace(&Conditions { loss, burst, jitter_ms, reordered }, 7, 100_000)
    }

    fn bursts(trace: &Trace) -> (f64, f64) {
        let lost = trace.iter().filter(|fate| fate.is_none()).count() as f64;
        let begins = trace.windows(2).filter(|pair| pair[0].is_some() && pair[1].is_none()).count() as f64;
        (lost / trace.len() as f64, lost / begins)
    }

    #[test]
    fn loss_and_length_of_bursts_are_what_was_asked_for() {
        let (share, mean) = bursts(&fates(30, Some(2.5), 20, 1));
        assert!((share - 0.3).abs() < 0.01 && (mean - 2.5).abs() < 0.1, "{share} {mean}");
        let (share, mean) = bursts(&fates(20, None, 20, 1));
        assert!((share - 0.2).abs() < 0.01 && (mean - 1.25).abs() < 0.05, "{share} {mean}");
    }

    #[test]
    fn a_clean_network_changes_nothing() {
        assert!(fates(0, None, 0, 0).iter().all(|fate| *fate == Some(Duration::ZERO)));
    }

    #[test]
    fn packets_are_late_by_the_jitter_at_most_and_overtaken_as_often_as_asked() {
        let trace = fates(0, None, 40, 2);
        let arrivals: Vec<Duration> =
            trace.iter().enumerate().filter_map(|(n, fate)| Some(PACKET * n as u32 + (*fate)?)).collect();
        let overtaken = arrivals.windows(2).filter(|pair| pair[1] < pair[0]).count() as f64 / arrivals.len() as f64;
        assert!((0.005..=0.02).contains(&overtaken), "{overtaken}");
        assert!(trace.iter().flatten().max() <= Some(&Duration::from_millis(65)));
    }

    #[test]
    fn the_same_seed_is_the_same_network() {
        let conditions = Conditions { loss: 10, burst: Some(2.5), jitter_ms: 20, reordered: 1 };
        assert_eq!(trace(&conditions, 3, 500), trace(&conditions, 3, 500));
        assert_ne!(trace(&conditions, 3, 500), trace(&conditions, 4, 500));
    }
}
