//! Scores gathered into figures: one row for who, codec and conditions.

use serde::{Deserialize, Serialize};

use crate::network::Conditions;
use crate::score::Scored;

/// Mean, spread and median.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Stat {
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
    pub median: f64,
    pub count: usize,
}

impl Stat {
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let count = values.len();
        let mean = values.iter().sum::<f64>() / count.max(1) as f64;
        let square = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        let median = values.get(count / 2).copied().unwrap_or_default();
        Self { mean, sd: (square / count.saturating_sub(1).max(1) as f64).sqrt(), median, count }
    }
}

/// What was scored of one clip in one call.
#[derive(Clone, Debug)]
pub struct Sample {
    pub row: usize,
    /// The first clip of a call, while both sides still learn what the network is like.
    pub warm_up: bool,
    pub scored: Scored,
    pub delay_ms: Option<f64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    pub who: String,
    pub codec: String,
    pub conditions: Conditions,
    pub pesq: Stat,
    pub stoi: Stat,
    /// From mouth to ear, the network's own delay (no more than its jitter) included.
    pub delay_ms: Stat,
    /// Of RTP payload (redundancy and its headers included, RTP, UDP and IP not), and with these (40 bytes a packet).
    pub kbit_s: f64,
    pub gross_kbit_s: f64,
    /// Percent of the frames that were played from copies or in-band error correction, and that were made up; where known.
    pub repaired: Option<(f64, f64)>,
    /// PESQ of the first clip of each call.
    pub first: Stat,
    /// Clips that could not be scored, silence mostly: counted as 1, the worst.
    pub unscored: usize,
}

impl Row {
    /// `kbit_s` and `repaired` one value a call.
    pub fn new(
        (who, codec): (&str, &str),
        conditions: Conditions,
        samples: &[&Sample],
        kbit_s: &[f64],
        repaired: &[(f64, f64)],
    ) -> Self {
        let pesq = |warm_up| {
            let of = samples.iter().filter(move |sample| sample.warm_up == warm_up);
            Stat::of(of.map(|sample| sample.scored.pesq.unwrap_or(1.0)))
        };
        let settled = || samples.iter().filter(|sample| !sample.warm_up);
        let mean = |values: &mut dyn Iterator<Item = f64>| Stat::of(values).mean;
        let kbit_s = mean(&mut kbit_s.iter().copied());
        let both = || (mean(&mut repaired.iter().map(|one| one.0)), mean(&mut repaired.iter().map(|one| one.1)));
        Self {
            who: who.to_owned(),
            codec: codec.to_owned(),
            conditions,
            pesq: pesq(false),
            stoi: Stat::of(settled().filter_map(|sample| sample.scored.stoi)),
            delay_ms: Stat::of(settled().filter_map(|sample| sample.delay_ms)),
            kbit_s,
            gross_kbit_s: kbit_s + 40.0 * 8.0 * 50.0 / 1000.0,
            repaired: (!repaired.is_empty()).then(both),
            first: pesq(true),
            unscored: samples.iter().filter(|sample| sample.scored.pesq.is_none()).count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_spread_and_median_are_those_of_the_values() {
        let stat = Stat::of([1.0, 4.0, 2.0, 9.0]);
        assert_eq!((stat.mean, stat.median, stat.count), (4.0, 4.0, 4));
        assert!((stat.sd - (38.0_f64 / 3.0).sqrt()).abs() < 1e-12);
    }
}
