//! How much is said twice: copies of earlier packets (RFC 2198) and the codec's own error correction, by what the other side
//! says it loses. On a clean line there are none.

use crate::config::Budget;

/// What goes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Copies of the packets so many before the one that is sent, oldest first. Copies at a distance outlive bursts that
    /// would take neighbours together.
    pub copies: &'static [u8],
    /// Error correction inside the codec's own packets, made for so many percent of loss; 0 for none. Beside copies, less than
    /// what is lost: it takes bits from the packet itself.
    pub fec_percent: u8,
}

const fn plan(copies: &'static [u8], fec_percent: u8) -> Plan {
    Plan { copies, fec_percent }
}

/// What is sent from so many percent of loss on. Measured; see docs/quality.
struct Step {
    percent: f32,
    one_copy: Plan,
    two_copies: Plan,
    /// The same where losses come in bursts: farther away, so that one burst does not take packet and copies, for more delay.
    one_in_bursts: Plan,
    two_in_bursts: Plan,
}

const STEPS: [Step; 3] = [
    Step {
        percent: 0.0,
        one_copy: plan(&[], 0),
        two_copies: plan(&[], 0),
        one_in_bursts: plan(&[], 0),
        two_in_bursts: plan(&[], 0),
    },
    Step {
        percent: 0.5,
        one_copy: plan(&[1], 0),
        two_copies: plan(&[2, 1], 0),
        one_in_bursts: plan(&[2], 0),
        two_in_bursts: plan(&[4, 2], 0),
    },
    Step {
        percent: 14.0,
        one_copy: plan(&[2], 10),
        // Bursts that only the other side sees are outlived too.
        two_copies: plan(&[4, 2], 5),
        one_in_bursts: plan(&[3], 10),
        two_in_bursts: plan(&[6, 3], 10),
    },
];
/// Runs of losses so much longer than by chance are bursts (ITU-T G.107 §7.7), and are none any more below the second.
const BURSTS: (f32, f32) = (1.4, 1.2);
/// How far a report is believed: the packets of two seconds are a small sample.
const WEIGHT: f32 = 0.25;
/// One that is so much worse counts at once, and one that is much better twice as much.
const MUCH_WORSE: f32 = 10.0;
const MUCH_BETTER: f32 = 0.25;
/// A step down waits until the loss is so much below the step, as a factor: no to and fro at its edge.
const HYSTERESIS: f32 = 0.7;

/// Keeps the plan in step with the loss.
#[derive(Debug)]
pub struct Adaptation {
    budget: Budget,
    loss: f32,
    step: usize,
    bursts: bool,
    /// The other side has said something.
    told: bool,
}

impl Adaptation {
    /// Nothing is known to be lost.
    pub fn new(budget: Budget) -> Self {
        Self { budget, loss: 0.0, step: 0, bursts: false, told: false }
    }

    /// The other side says that it loses `percent` (0..=100) of what we send.
    pub fn reported(&mut self, percent: f32) {
        // The first report ends all guessing.
        let first = !std::mem::replace(&mut self.told, true);
        self.take(percent, if first { 1.0 } else { WEIGHT });
    }

    /// It has said nothing yet, and would probably say `percent`.
    pub fn guessed(&mut self, percent: f32) {
        if !self.told {
            self.take(percent, WEIGHT);
        }
    }

    fn take(&mut self, percent: f32, weight: f32) {
        let percent = if percent.is_finite() { percent.clamp(0.0, 100.0) } else { 0.0 };
        let weight = match percent {
            worse if worse > self.loss + MUCH_WORSE => 1.0,
            better if better < self.loss * MUCH_BETTER => weight.max(2.0 * WEIGHT),
            _ => weight,
        };
        self.loss += (percent - self.loss) * weight;
        while self.step + 1 < STEPS.len() && STEPS.get(self.step + 1).is_some_and(|next| self.loss >= next.percent) {
            self.step += 1;
        }
        while self.step > 0 && STEPS.get(self.step).is_some_and(|now| self.loss < now.percent * HYSTERESIS) {
            self.step -= 1;
        }
    }

    /// How much longer than by chance runs of losses are. Reports do not say; the other direction, which we see, is mostly
    /// alike.
    pub fn burst_ratio(&mut self, ratio: f32) {
        self.bursts = ratio > if self.bursts { BURSTS.1 } else { BURSTS.0 };
    }

    /// Percent of loss, smoothed.
    pub fn loss(&self) -> f32 {
        self.loss
    }

    /// What to send along now.
    pub fn plan(&self) -> Plan {
        let step = STEPS.get(self.step).unwrap_or(&STEPS[0]);
        match (self.budget, self.bursts) {
            (Budget::OneCopy, false) => step.one_copy,
            (Budget::TwoCopies, false) => step.two_copies,
            (Budget::OneCopy, true) => step.one_in_bursts,
            (Budget::TwoCopies, true) => step.two_in_bursts,
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
        assert_eq!(adaptation.plan(), plan(&[], 0));
    }

    #[test]
    fn loss_is_answered_at_once_and_forgotten_slowly() {
        let mut adaptation = Adaptation::new(Budget::TwoCopies);
        adaptation.reported(30.0);
        assert_eq!(adaptation.plan().copies, [4, 2]);
        adaptation.reported(0.0);
        assert_eq!(adaptation.plan().copies, [4, 2], "one good report is not believed");
        adaptation.burst_ratio(1.7);
        assert_eq!(adaptation.plan().copies, [6, 3], "copies are taken farther from where bursts are");
        adaptation.burst_ratio(1.0);
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
        adaptation.reported(14.5);
        let plans: Vec<_> = (0..50)
            .map(|turn| {
                adaptation.reported(if turn % 2 == 0 { 12.0 } else { 14.5 });
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
