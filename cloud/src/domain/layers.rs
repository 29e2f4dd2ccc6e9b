//! Folding layers: model default < chain < brand < property < room type < room < phone. The nearest layer wins, unless
//! one above locked the key; the outermost lock holds.

use std::collections::BTreeMap;

use contract::rest::{Layer, Overridden};
use serde::{Deserialize, Serialize};

/// What a layer says about one key, as far as the rules need to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bid {
    pub layer: Layer,
    /// Nothing below counts.
    pub locked: bool,
    /// It has a value. One that cannot be filled in has none, but its lock holds.
    pub usable: bool,
}

/// The bid that counts. `bids` of one key, from the outermost layer inwards; of one layer the last counts.
pub fn winner(bids: &[Bid]) -> Option<usize> {
    let open = bids.iter().position(|bid| bid.locked).map_or(bids.len(), |lock| lock + 1);
    bids.iter().take(open).rposition(|bid| bid.usable)
}

/// Why a bid does not count; `None` for the one that does.
pub fn why_not(bids: &[Bid], index: usize) -> Option<Overridden> {
    if winner(bids) == Some(index) {
        return None;
    }
    let lock = bids.iter().position(|bid| bid.locked);
    let usable = bids.get(index).is_some_and(|bid| bid.usable);
    Some(match lock {
        _ if !usable => Overridden::NotFilledIn,
        Some(lock) if lock < index => Overridden::Locked,
        _ => Overridden::Nearer,
    })
}

/// A value as it is to be on a phone, and why. Short names: one of these is stored per value and phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effective {
    #[serde(rename = "v")]
    pub value: String,
    #[serde(rename = "l")]
    pub layer: Layer,
    #[serde(rename = "k", default, skip_serializing_if = "std::ops::Not::not")]
    pub locked: bool,
}

/// What a phone is to be: key → value with its layer.
pub type Desired = BTreeMap<String, Effective>;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bid(layer: Layer, locked: bool) -> Bid {
        Bid { layer, locked, usable: true }
    }

    #[test]
    fn the_nearer_layer_wins() {
        let bids = [bid(Layer::Chain, false), bid(Layer::Property, false), bid(Layer::Room, false)];
        assert_eq!(winner(&bids), Some(2));
        assert_eq!(why_not(&bids, 0), Some(Overridden::Nearer));
        assert_eq!(why_not(&bids, 2), None);
        assert_eq!(winner(&[]), None);
    }

    #[test]
    fn the_outermost_lock_holds() {
        let bids =
            [bid(Layer::Chain, false), bid(Layer::Brand, true), bid(Layer::Room, true), bid(Layer::Phone, false)];
        assert_eq!(winner(&bids), Some(1));
        assert_eq!(why_not(&bids, 0), Some(Overridden::Nearer), "above a lock, and not locked itself");
        assert_eq!(why_not(&bids, 2), Some(Overridden::Locked));
        assert_eq!(why_not(&bids, 3), Some(Overridden::Locked));
    }

    #[test]
    fn what_cannot_be_filled_in_is_passed_over_but_its_lock_holds() {
        let empty = Bid { usable: false, ..bid(Layer::Property, false) };
        let bids = [bid(Layer::Chain, false), empty, bid(Layer::Room, false)];
        assert_eq!(winner(&bids), Some(2));
        assert_eq!(why_not(&bids, 1), Some(Overridden::NotFilledIn));
        let bids = [bid(Layer::Chain, false), Bid { locked: true, ..empty }, bid(Layer::Room, false)];
        assert_eq!(winner(&bids), Some(0));
        assert_eq!(why_not(&bids, 2), Some(Overridden::Locked));
        assert_eq!(winner(&[Bid { locked: true, ..empty }, bid(Layer::Room, false)]), None);
    }

    prop_compose! {
        /// Seven layers, each with a value or not, usable or not, locked or not; the phone cannot lock.
        fn seven()(there in 1u8..128, usable in 0u8..128, locks in 0u8..64) -> Vec<Bid> {
            let bit = |bits: u8, index: usize| bits >> index & 1 == 1;
            let all = Layer::ALL.iter().enumerate().filter(|(index, _)| bit(there, *index));
            all.map(|(index, layer)| Bid { layer: *layer, locked: bit(locks, index), usable: bit(usable, index) }).collect()
        }
    }

    proptest! {
        #[test]
        fn nothing_beats_a_lock_above_and_nothing_usable_lies_between(bids in seven()) {
            let lock = bids.iter().position(|bid| bid.locked);
            match winner(&bids) {
                Some(won) => {
                    prop_assert!(bids[won].usable);
                    prop_assert!(lock.is_none_or(|lock| won <= lock));
                    let open = lock.map_or(bids.len(), |lock| lock + 1);
                    prop_assert!(bids[won + 1..open].iter().all(|bid| !bid.usable));
                }
                None => prop_assert!(bids.iter().take(lock.map_or(bids.len(), |lock| lock + 1)).all(|bid| !bid.usable)),
            }
            let counts = (0..bids.len()).filter(|index| why_not(&bids, *index).is_none()).count();
            prop_assert_eq!(counts, usize::from(winner(&bids).is_some()));
        }

        #[test]
        fn a_value_below_a_lock_changes_nothing(bids in seven(), usable in any::<bool>()) {
            let Some(lock) = bids.iter().position(|bid| bid.locked) else { return Ok(()) };
            let mut more: Vec<Bid> = bids[..=lock].to_vec();
            more.push(Bid { layer: Layer::Phone, locked: false, usable });
            prop_assert_eq!(winner(&bids[..=lock]), winner(&more));
        }
    }
}
