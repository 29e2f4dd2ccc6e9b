//! A network between two clocks, from a seed: loss (Bernoulli, or bursts by Gilbert), jitter, reordering, copies and drift.
//! For simulations in virtual time; nothing of it is in the product.

use std::collections::BTreeMap;

use core::time::Duration;

/// Numbers that look random and are the same for the same seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// From 0 up to, not including, 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }
}

/// Which packets get lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// None.
    None,
    /// Each with this probability.
    Bernoulli(f64),
    /// This share, in bursts of this mean length (Gilbert's model: all is lost in the bad state).
    Bursts {
        /// 0 to 1.
        share: f64,
        /// Packets, 1 or more.
        mean: f64,
    },
}

/// How long packets take beyond the least.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Jitter {
    /// No longer.
    None,
    /// Evenly spread up to this; packets overtake each other.
    Uniform(Duration),
    /// Evenly spread up to this, but none overtakes another.
    Ordered(Duration),
    /// Mostly little; now and then all are held up and come together, by up to this: a wireless link.
    Spikes(Duration),
}

/// A network, one way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conditions {
    /// The least a packet takes.
    pub delay: Duration,
    /// What gets lost.
    pub loss: Loss,
    /// What takes longer.
    pub jitter: Jitter,
    /// Probability that a packet comes after the two that follow it.
    pub reorder: f64,
    /// Probability that it comes twice.
    pub duplicate: f64,
}

impl Default for Conditions {
    fn default() -> Self {
        Self { delay: Duration::from_millis(20), loss: Loss::None, jitter: Jitter::None, reorder: 0.0, duplicate: 0.0 }
    }
}

/// One direction of a network with packets under way.
#[derive(Clone, Debug)]
pub struct Link<T> {
    conditions: Conditions,
    random: Random,
    bad: bool,
    last: Duration,
    held_until: Duration,
    sent: u64,
    lost: u64,
    under_way: BTreeMap<(Duration, u64), T>,
}

impl<T: Clone> Link<T> {
    /// An empty one.
    pub fn new(conditions: Conditions, seed: u64) -> Self {
        let zero = Duration::ZERO;
        let under_way = BTreeMap::new();
        Self {
            conditions,
            random: Random::new(seed),
            bad: false,
            last: zero,
            held_until: zero,
            sent: 0,
            lost: 0,
            under_way,
        }
    }

    /// Other conditions from now on.
    pub fn set(&mut self, conditions: Conditions) {
        self.conditions = conditions;
    }

    /// Sends a packet at `now`. False: it is lost.
    pub fn send(&mut self, now: Duration, packet: T) -> bool {
        self.sent += 1;
        if self.loses() {
            self.lost += 1;
            return false;
        }
        let Conditions { delay, jitter, reorder, duplicate, .. } = self.conditions;
        let mut due = now + delay;
        match jitter {
            Jitter::None => {}
            Jitter::Uniform(most) => due += most.mul_f64(self.random.unit()),
            Jitter::Ordered(most) => {
                due = (due + most.mul_f64(self.random.unit())).max(self.last);
                self.last = due;
            }
            Jitter::Spikes(most) => {
                if now >= self.held_until && self.random.chance(0.01) {
                    self.held_until = now + most.mul_f64(self.random.unit());
                }
                due = due.max(self.held_until + delay) + Duration::from_millis(3).mul_f64(self.random.unit());
                due = due.max(self.last);
                self.last = due;
            }
        }
        if self.random.chance(reorder) {
            due += Duration::from_millis(45);
        }
        if self.random.chance(duplicate) {
            let again = due + Duration::from_millis(30).mul_f64(self.random.unit());
            self.under_way.insert((again, self.sent << 1 | 1), packet.clone());
        }
        self.under_way.insert((due, self.sent << 1), packet);
        true
    }

    /// The next packet that has come by `now`, and when it came.
    pub fn receive(&mut self, now: Duration) -> Option<(Duration, T)> {
        let next = self.under_way.first_entry()?;
        let (due, _) = *next.key();
        (due <= now).then(|| (due, next.remove()))
    }

    /// Packets sent, and how many of them are lost.
    pub fn counts(&self) -> (u64, u64) {
        (self.sent, self.lost)
    }

    fn loses(&mut self) -> bool {
        match self.conditions.loss {
            Loss::None => false,
            Loss::Bernoulli(share) => self.random.chance(share),
            Loss::Bursts { share, mean } => {
                let leaves = 1.0 / mean.max(1.0);
                let enters = share * leaves / (1.0 - share).max(0.01);
                self.bad = if self.bad { !self.random.chance(leaves) } else { self.random.chance(enters) };
                self.bad
            }
        }
    }
}

/// A clock that runs a little fast (millionths above 0) or slow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    /// Millionths.
    pub ppm: f64,
}

impl Clock {
    /// The true time at which this clock shows `shown`.
    pub fn when(self, shown: Duration) -> Duration {
        shown.mul_f64(1.0 / (1.0 + self.ppm * 1e-6))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bursts_have_their_share_and_their_length() {
        let loss = Loss::Bursts { share: 0.3, mean: 2.5 };
        let mut link = Link::new(Conditions { loss, ..Conditions::default() }, 1);
        let arrived: Vec<bool> = (0..100_000).map(|n| link.send(Duration::from_millis(n), ())).collect();
        let lost = arrived.iter().filter(|came| !**came).count() as f64;
        let bursts = arrived.windows(2).filter(|pair| pair[0] && !pair[1]).count() as f64;
        assert!((lost / 100_000.0 - 0.3).abs() < 0.01, "{lost}");
        assert!((lost / bursts - 2.5).abs() < 0.1, "{}", lost / bursts);
    }

    #[test]
    fn packets_come_in_the_order_of_their_arrival() {
        let jitter = Jitter::Uniform(Duration::from_millis(100));
        let mut link = Link::new(Conditions { jitter, ..Conditions::default() }, 2);
        for n in 0..100u64 {
            link.send(Duration::from_millis(n * 20), n);
        }
        let came: Vec<_> = std::iter::from_fn(|| link.receive(Duration::from_secs(9))).collect();
        assert_eq!(came.len(), 100);
        assert!(came.is_sorted_by_key(|(due, _)| *due));
        assert!(!came.is_sorted_by_key(|(_, n)| *n));
    }
}
