//! A compiled plan, and what it says to the keys pressed so far.

use crate::MAX_KEYS;
use crate::parse::{self, DialPlanError};
use crate::rule::{Progress, Rule};

/// A dial plan, compiled once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialPlan {
    rules: Vec<Rule>,
}

/// What a plan says to the keys pressed so far. Rules are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A rule takes the keys.
    Dial {
        /// What is sent: the keys as typed, with the rule's replacements done. Not empty; never longer than
        /// [`MAX_KEYS`] and [`crate::MAX_PLAN`] together.
        number: String,
        rule: usize,
        /// Further keys may make another number that can be dialled, so the phone waits for its no-key time-out. If
        /// not, it may send at once.
        more: bool,
    },
    /// No rule takes the keys yet, but one may with further keys: to dial, or to block.
    Incomplete,
    /// A rule that begins with `^` takes the keys.
    Blocked {
        rule: usize,
        /// Further keys may make a number that can be dialled. If not, the phone may say so at once.
        more: bool,
    },
    /// No rule takes the keys, whatever follows.
    Refused,
}

/// What one rule makes of the keys, for people who try a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTrace {
    /// As it was written, `^` included.
    pub text: String,
    pub state: RuleState,
    /// It begins with `^`.
    pub blocks: bool,
    /// It is the first that matches.
    pub decides: bool,
}

/// How far keys match a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleState {
    /// The rule takes the keys as they are.
    Matches,
    /// It may with further keys.
    MayMatch,
    /// It does not, whatever follows.
    No,
}

impl DialPlan {
    /// Reads a plan of at most [`crate::MAX_PLAN`] characters.
    ///
    /// # Errors
    /// [`DialPlanError`] with the position of the first mistake.
    pub fn parse(text: &str) -> Result<Self, DialPlanError> {
        Ok(Self { rules: parse::rules(text)? })
    }

    /// The plan as it was written, without the blanks around its rules.
    pub fn canonical(&self) -> String {
        let rules: Vec<&str> = self.rules().collect();
        format!("{{{}}}", rules.join("|"))
    }

    /// The rules as they were written, `^` included.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.text.as_str())
    }

    /// What to do with the keys pressed so far: digits, letters, `*`, `#` and `+`. Others, and more than [`MAX_KEYS`],
    /// are refused. Without any key nothing is taken.
    ///
    /// `more` is never false where a further key could make a number that can be dialled. It can be true without need
    /// where all such numbers are blocked, unless an earlier rule blocks whatever follows (as `^1900x.` does).
    pub fn dial(&self, keys: &str) -> Verdict {
        let Some(progress) = self.follow(keys) else { return Verdict::Refused };
        let further = keys.len() < MAX_KEYS;
        let more = further && self.may_dial(&progress);
        for (rule, (found, one)) in self.rules.iter().zip(&progress).enumerate() {
            match &one.number {
                Some(_) if found.blocks => return Verdict::Blocked { rule, more },
                Some(number) => return Verdict::Dial { number: number.clone(), rule, more },
                None => {}
            }
        }
        let alive = further && progress.iter().any(|one| !one.ahead.is_empty());
        if alive { Verdict::Incomplete } else { Verdict::Refused }
    }

    /// What each rule makes of the keys, in the order of the plan.
    pub fn trace(&self, keys: &str) -> Vec<RuleTrace> {
        let progress = self.follow(keys);
        let mut decided = false;
        let one = |(index, rule): (usize, &Rule)| {
            let state = match progress.as_ref().and_then(|all| all.get(index)) {
                Some(Progress { number: Some(_), .. }) => RuleState::Matches,
                Some(one) if keys.len() < MAX_KEYS && !one.ahead.is_empty() => RuleState::MayMatch,
                _ => RuleState::No,
            };
            let decides = state == RuleState::Matches && !decided;
            decided |= decides;
            RuleTrace { text: rule.text.clone(), state, blocks: rule.blocks, decides }
        };
        self.rules.iter().enumerate().map(one).collect()
    }

    /// One for each rule; none if there are too many keys, or such as no rule can take.
    fn follow(&self, keys: &str) -> Option<Vec<Progress>> {
        let fit = keys.len() <= MAX_KEYS && keys.is_ascii();
        fit.then(|| self.rules.iter().map(|rule| rule.follow(keys)).collect())
    }

    /// Whether further keys may make a number that can be dialled.
    fn may_dial(&self, progress: &[Progress]) -> bool {
        let mut rules = self.rules.iter().zip(progress).enumerate();
        rules.any(|(index, (rule, one))| {
            let earlier = self.rules.iter().zip(progress).take(index);
            let mut blocked = earlier.filter(|(rule, _)| rule.blocks).map(|(_, earlier)| earlier.endless);
            !rule.blocks && !one.ahead.is_empty() && !blocked.any(|endless| one.ahead.is_within(endless))
        })
    }
}
