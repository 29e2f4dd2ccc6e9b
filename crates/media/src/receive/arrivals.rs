//! Sequence numbers: which packets came, which did not.

/// Numbers further apart than this belong to a stream that started again.
const JUMP: i64 = 3000;
/// Numbers behind the highest that are remembered.
const REMEMBERED: i64 = 128;

/// Numbers after which a missing one counts as lost: until then it may have been overtaken.
const PATIENCE: u32 = 6;

/// What a sequence number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// The highest so far; as many before it are missing.
    Next { missing: u32 },
    /// One that was missing.
    Reordered,
    /// One that came before.
    Duplicate,
    /// Numbering started again.
    Jump,
}

/// The numbers of one stream.
#[derive(Default)]
pub(super) struct Arrivals {
    highest: Option<i64>,
    seen: u128,
    /// Numbers since the first, up to [`PATIENCE`].
    since: u32,
    count: u32,
    loss: f32,
}

impl Arrivals {
    /// Notes a number.
    pub(super) fn note(&mut self, sequence: u16) -> Arrival {
        let Some(highest) = self.highest else {
            self.restart(sequence);
            return Arrival::Next { missing: 0 };
        };
        #[expect(clippy::cast_possible_truncation, reason = "distance of two numbers that wrap")]
        let ahead = i64::from(sequence.wrapping_sub(highest as u16).cast_signed());
        if ahead > JUMP || ahead <= -REMEMBERED {
            self.restart(sequence);
            return Arrival::Jump;
        }
        if ahead <= 0 {
            let bit = 1u128 << ahead.unsigned_abs();
            if self.seen & bit != 0 {
                return Arrival::Duplicate;
            }
            self.seen |= bit;
            return Arrival::Reordered;
        }
        self.highest = Some(highest + ahead);
        for _ in 0..ahead.min(REMEMBERED) {
            self.seen <<= 1;
            if self.since >= PATIENCE {
                self.expect(if self.seen >> PATIENCE & 1 == 0 { 1.0 } else { 0.0 });
            } else {
                self.since += 1;
            }
        }
        self.seen |= 1;
        Arrival::Next { missing: u32::try_from(ahead - 1).unwrap_or(0) }
    }

    /// Share of packets lost of late, 0 to 1.
    pub(super) fn loss(&self) -> f32 {
        self.loss
    }

    fn restart(&mut self, sequence: u16) {
        self.highest = Some(i64::from(sequence));
        self.seen = 1;
        self.since = 0;
    }

    #[expect(clippy::cast_precision_loss, reason = "small")]
    fn weight(&self) -> f32 {
        (1.0 / (self.count + 16) as f32).max(1.0 / 256.0)
    }

    fn expect(&mut self, lost: f32) {
        self.loss += self.weight() * (lost - self.loss);
        self.count = (self.count + 1).min(1000);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_wrap_and_losses_are_seen() {
        let mut arrivals = Arrivals::default();
        assert_eq!(arrivals.note(65_534), Arrival::Next { missing: 0 });
        assert_eq!(arrivals.note(1), Arrival::Next { missing: 2 });
        assert_eq!(arrivals.note(0), Arrival::Reordered);
        assert_eq!(arrivals.note(0), Arrival::Duplicate);
        assert_eq!(arrivals.note(65_534), Arrival::Duplicate);
        assert_eq!(arrivals.note(30_000), Arrival::Jump);
        assert_eq!(arrivals.note(30_001), Arrival::Next { missing: 0 });
    }

    #[test]
    fn a_third_lost_is_measured_as_a_third() {
        let mut arrivals = Arrivals::default();
        for n in (0..6000u16).filter(|n| n % 3 != 0) {
            arrivals.note(n);
        }
        assert!((arrivals.loss() - 1.0 / 3.0).abs() < 0.02, "{}", arrivals.loss());
    }
}
