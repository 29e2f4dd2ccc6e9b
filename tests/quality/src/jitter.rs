//! The jitter buffer under traces whose 99th percentile is given: how often it runs dry, and how much delay it takes for
//! that.

use std::time::Duration;

use anyhow::Result;
use audio::BLOCK;
use codecs::Codec;
use media::Session;
use serde::{Deserialize, Serialize};

use crate::call::{self, End, Network, Scene};
use crate::leg::{Agreed, session};
use crate::network::{PACKET, Random, Trace};

/// How delays are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A queue: many short, few long (exponential), none overtakes another.
    Queue,
    /// Each on its own, evenly up to the most: packets overtake each other.
    Even,
    /// Quiet, but for a hold-up every few seconds, after which all come at once: a wireless link.
    HoldUps,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Queue, Self::Even, Self::HoldUps];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Queue => "a queue (exponential, in order)",
            Self::Even => "even, out of order",
            Self::HoldUps => "hold-ups, in order",
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JitterRow {
    pub kind: Kind,
    /// 99th percentile asked for, and that of the traces, ms.
    pub asked_ms: u32,
    pub p99_ms: f64,
    pub minutes: f64,
    pub underruns_per_minute: f64,
    /// Of sound that was made up, ms.
    pub concealed_ms_per_minute: f64,
    /// From mouth to ear, by the buffer's own measure: its delay, a packet of 20 ms and a block of 10.
    pub delay_ms: f64,
}

/// `minutes` of a call with each kind of jitter, for each seed.
///
/// # Errors
/// If a leg cannot be made.
pub fn run(said: &[i16], minutes: usize, seeds: u64) -> Result<Vec<JitterRow>> {
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        for asked_ms in [20, 50, 100] {
            let (mut underruns, mut concealed, mut delay, mut p99) = (0, 0, 0.0, 0.0);
            for seed in 1..=seeds {
                let fates = trace(kind, f64::from(asked_ms), seed, minutes * 3000);
                p99 += percentile(&fates, 0.99) / seeds as f64;
                let clean: Trace = vec![Some(Duration::ZERO)];
                let agreed = Agreed { codec: Codec::Pcmu, redundancy: None, encrypted: false };
                let end = |number, clock| {
                    let phase = Duration::from_micros(number as u64 * 3700);
                    anyhow::Ok(End { session: session(&agreed, number, seed)?, clock, phase })
                };
                let mut ends = [end(0, 1.0001)?, end(1, 0.9999)?];
                let network = Network { rtp: [&fates, &clean], rtcp: [&clean, &clean] };
                let mut scene = Watched { said, delay: 0.0, blocks: 0 };
                call::make(&mut ends, &network, minutes * 6000, &mut scene);
                let stats = ends[1].session.quality(Duration::ZERO).buffer;
                underruns += stats.underruns;
                concealed += stats.concealed_ms;
                delay += scene.delay / f64::from(scene.blocks.max(1)) / seeds as f64;
            }
            let minutes = minutes as f64 * seeds as f64;
            rows.push(JitterRow {
                kind,
                asked_ms,
                p99_ms: p99,
                minutes,
                underruns_per_minute: underruns as f64 / minutes,
                concealed_ms_per_minute: concealed as f64 / minutes,
                delay_ms: delay + 30.0,
            });
        }
    }
    Ok(rows)
}

struct Watched<'a> {
    said: &'a [i16],
    delay: f64,
    blocks: u32,
}

impl Scene for Watched<'_> {
    fn say(&mut self, end: usize, block: usize) -> Option<&[i16; BLOCK]> {
        let block = block % (self.said.len() / BLOCK).max(1);
        self.said.get(block * BLOCK..(block + 1) * BLOCK).filter(|_| end == 0)?.try_into().ok()
    }

    fn passed(&mut self, end: usize, now: Duration, session: &Session) {
        // Ten times a second, once it has settled.
        if end == 1 && now > Duration::from_secs(5) && now.as_millis() % 100 < 10 {
            self.delay += f64::from(session.quality(now).buffer.delay_ms);
            self.blocks += 1;
        }
    }
}

/// Delays with that 99th percentile.
fn trace(kind: Kind, p99: f64, seed: u64, count: usize) -> Trace {
    let mut random = Random::new(seed);
    let (mut last, mut held_until) = (0.0_f64, 0.0_f64);
    let step = |number: usize| {
        let sent = number as f64 * PACKET.as_secs_f64() * 1000.0;
        let unit = random.unit();
        let arrival = match kind {
            // ln 100 times the mean is the 99th percentile; in order, those behind a late one are late too.
            Kind::Queue => (sent - (1.0 - unit).ln() * p99 / 4.6).max(last),
            Kind::Even => sent + unit * p99 / 0.99,
            Kind::HoldUps => {
                // Half of p99 beyond it in the mean, each 20 ms of which is a packet: 1 % of all are those, with the first.
                if unit < 0.01 / (0.5 + p99 / 40.0) && sent >= held_until {
                    held_until = sent + p99 * (1.0 + random.unit());
                }
                (sent + 2.0 * random.unit()).max(held_until).max(last)
            }
        };
        if kind != Kind::Even {
            last = arrival;
        }
        Some(Duration::from_secs_f64((arrival - sent) / 1000.0))
    };
    (0..count).map(step).collect()
}

/// ms.
fn percentile(fates: &Trace, share: f64) -> f64 {
    let mut delays: Vec<Duration> = fates.iter().flatten().copied().collect();
    delays.sort_unstable();
    let rank = (share * delays.len() as f64) as usize;
    delays.get(rank).map_or(0.0, |delay| delay.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_have_about_the_percentile_that_was_asked_for() {
        for kind in Kind::ALL {
            for asked in [20.0, 50.0, 100.0] {
                let p99 = percentile(&trace(kind, asked, 1, 100_000), 0.99);
                assert!((asked * 0.75..asked * 1.35).contains(&p99), "{kind:?} {asked}: {p99}");
            }
        }
    }
}
