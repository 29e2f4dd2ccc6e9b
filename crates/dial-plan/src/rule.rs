//! One rule, and how far the keys follow it. The work is bounded by items times keys, whatever repeats there are: of
//! every item only the places are kept at which it can begin.

use crate::item::{Item, Repeat};
use crate::keys::{KeySet, Places};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// As it was written.
    pub text: String,
    /// It begins with `^`.
    pub blocks: bool,
    pub items: Vec<Item>,
}

/// What a rule makes of some keys.
pub struct Progress {
    /// What would be sent, if the rule takes the keys as they are.
    pub number: Option<String>,
    /// All keys that may occur in what could still follow; empty if nothing can.
    pub ahead: KeySet,
    /// The rule takes the keys, and any number of these after them.
    pub endless: KeySet,
}

impl Rule {
    /// Follows at most [`crate::MAX_KEYS`] keys, all ASCII.
    ///
    /// A rule never takes no keys at all, and one that dials never takes keys of which it would send nothing.
    pub fn follow(&self, keys: &str) -> Progress {
        let mut starts = Vec::with_capacity(self.items.len());
        let mut here = Places::start();
        let mut hungry = false;
        let mut ahead = KeySet::default();
        for item in &self.items {
            starts.push(here);
            let ends = item.ends(here, keys.as_bytes());
            here = ends.places;
            hungry |= ends.hungry;
            if hungry {
                ahead = ahead.or(item.keys());
            }
        }
        let number = if here.has(keys.len()) && !keys.is_empty() { self.number(keys, &starts) } else { None }
            .filter(|number| self.blocks || !number.is_empty());
        let endless = match self.items.last() {
            Some(Item::Take { set, repeat: Repeat::OnceOrMore | Repeat::NeverOrMore }) if number.is_some() => *set,
            _ => KeySet::default(),
        };
        Progress { number, ahead, endless }
    }

    /// What is sent for keys the rule takes. `starts` has, for each item, the places where it can begin.
    ///
    /// From the last item back, each begins as late as it can. That leaves the most to the items before it, and is the
    /// same as letting each repeat, from the first on, take the most: of two ways to cut the keys, the later of each
    /// two cuts are a way as well.
    fn number(&self, keys: &str, starts: &[Places]) -> Option<String> {
        let mut end = keys.len();
        let mut pieces = Vec::with_capacity(self.items.len());
        for (item, starts) in self.items.iter().zip(starts).rev() {
            let taken = |start: &usize| keys.get(*start..end).is_some_and(|keys| item.takes(keys.as_bytes()));
            let start = (0..=end).rev().filter(|start| starts.has(*start)).find(taken)?;
            pieces.push(match item {
                Item::Take { .. } => keys.get(start..end)?,
                Item::Replace { to, .. } => to,
            });
            end = start;
        }
        pieces.reverse();
        Some(pieces.concat())
    }
}
