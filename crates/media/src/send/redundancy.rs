//! How much is said twice: copies of earlier packets (RFC 2198) and the codec's own error correction, by what the other side
//! says it loses. On a clean line there are none.

use crate::config::Budget;

/// What goes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Copies of the packets so many before the one that is sent, oldest first. Copies at a distance outlive bursts that
    /// would take neighbours together.
    pub copies: &'static [u8],
    /// Error correction inside the codec's own packets.
    pub fec: bool,
}

/// From so many percent of loss on: one copy's plan, two copies' plan. Measured; see docs/quality.
const PLANS: [(f32, Plan, Plan); 4] = [
    (0.0, Plan { copies: &[], fec: false }, Plan { copies: &[], fec: false }),
    (0.5, Plan { copies: &[1], fec: false }, Plan { copies: &[2, 1], fec: false }),
    (6.0, Plan { copies: &[2], fec: true }, Plan { copies: &[2, 1], fec: false }),
    (15.0, Plan { copies: &[2], fec: true }, Plan { copies: &[4, 2], fec: true }),
];
/// How fast a better report is believed: worse ones count at once.
const RECOVERY: f32 = 0.5;
/// A step down waits until the loss is so much below the step, as a factor: no to and fro at its edge.
const HYSTERESIS: f32 = 0.6;

/// Keeps the plan in step with the loss.
#[derive(Debug)]
pub struct Adaptation {
    budget: Budget,
    loss: f32,
    step: usize,
    /// The other side has said something.
    told: bool,
}

impl Adaptation {
    /// Nothing is known to be lost.
    pub fn new(budget: Budget) -> Self {
        Self { budget, loss: 0.0, step: 0, told: false }
    }

    /// The other side says that it loses `percent` (0..=100) of what we send.
    pub fn reported(&mut self, percent: f32) {
        // The first report ends all guessing.
        let first = !std::mem::replace(&mut self.told, true);
        self.take(percent, if first { 1.0 } else { RECOVERY });
    }

    /// It has said nothing yet, and would probably say `percent`.
    pub fn guessed(&mut self, percent: f32) {
        if !self.told {
            self.take(percent, RECOVERY);
        }
    }

    fn take(&mut self, percent: f32, recovery: f32) {
        let percent = if percent.is_finite() { percent.clamp(0.0, 100.0) } else { 0.0 };
        let weight = if percent > self.loss { 1.0 } else { recovery };
        self.loss += (percent - self.loss) * weight;
        while self.step + 1 < PLANS.len() && PLANS.get(self.step + 1).is_some_and(|next| self.loss >= next.0) {
            self.step += 1;
        }
        while self.step > 0 && PLANS.get(self.step).is_some_and(|now| self.loss < now.0 * HYSTERESIS) {
            self.step -= 1;
        }
    }

    /// Percent of loss, smoothed.
    pub fn loss(&self) -> f32 {
        self.loss
    }

    /// What to send along now.
    pub fn plan(&self) -> Plan {
        let (_, one, two) = PLANS.get(self.step).unwrap_or(&PLANS[0]);
        match self.budget {
            Budget::OneCopy => *one,
            Budget::TwoCopies => *two,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_line_costs_nothing() {
        let mut adaptation = Adaptation::new(Budget::TwoCopies);
        (0..100).for_each(|_| adaptation.reported(0.0));
        assert_eq!(adaptation.plan(), Plan { copies: &[], fec: false });
    }

    #[test]
    fn loss_is_answered_at_once_and_forgotten_slowly() {
        let mut adaptation = Adaptation::new(Budget::TwoCopies);
        adaptation.reported(30.0);
        assert_eq!(adaptation.plan().copies, [4, 2]);
        adaptation.reported(0.0);
        assert_eq!(adaptation.plan().copies, [4, 2], "one good report is not believed");
        let reports = (1..).find(|_| {
            adaptation.reported(0.0);
            adaptation.plan().copies.is_empty()
        });
        assert!((3..12).contains(&reports.unwrap()), "{reports:?}");
    }

    #[test]
    fn a_guess_holds_until_the_first_report() {
        let mut adaptation = Adaptation::new(Budget::OneCopy);
        adaptation.guessed(30.0);
        assert_eq!(adaptation.plan().copies.len(), 1);
        adaptation.reported(0.0);
        assert!(adaptation.plan().copies.is_empty());
        adaptation.guessed(30.0);
        assert!(adaptation.plan().copies.is_empty());
    }

    #[test]
    fn at_the_edge_of_a_step_nothing_flutters() {
        let mut adaptation = Adaptation::new(Budget::OneCopy);
        adaptation.reported(15.5);
        let plans: Vec<_> = (0..50)
            .map(|turn| {
                adaptation.reported(if turn % 2 == 0 { 14.0 } else { 15.5 });
                adaptation.plan()
            })
            .collect();
        assert!(plans.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn nonsense_is_no_loss() {
        let mut adaptation = Adaptation::new(Budget::OneCopy);
        adaptation.reported(f32::NAN);
        assert!(adaptation.plan().copies.is_empty());
        adaptation.reported(f32::INFINITY);
        adaptation.reported(-3.0);
        assert!(adaptation.loss() >= 0.0);
    }
}
