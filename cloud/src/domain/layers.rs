//! Folding layers: model default < chain < brand < property < room type < room < phone. A later layer wins, unless an earlier
//! one locked the value; every effective value knows where it came from.

use std::collections::BTreeMap;

use contract::rest::Layer;
use serde::{Deserialize, Serialize};

/// A value set on one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub layer: Layer,
    pub key: String,
    pub value: String,
    pub locked: bool,
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

/// Folds entries, in whatever order they come.
pub fn fold(entries: impl IntoIterator<Item = Entry>) -> Desired {
    let mut entries: Vec<Entry> = entries.into_iter().collect();
    entries.sort_by_key(|entry| entry.layer);
    let mut folded = Desired::new();
    for Entry { layer, key, value, locked } in entries {
        if folded.get(&key).is_some_and(|below| below.locked) {
            continue;
        }
        folded.insert(key, Effective { value, layer, locked });
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(layer: Layer, value: &str, locked: bool) -> Entry {
        Entry { layer, key: "hotel.name".into(), value: value.into(), locked }
    }

    #[test]
    fn the_later_layer_wins_and_is_named() {
        let folded = fold([
            entry(Layer::Room, "room", false),
            entry(Layer::Chain, "chain", false),
            entry(Layer::Property, "property", false),
        ]);
        assert_eq!(folded["hotel.name"], Effective { value: "room".into(), layer: Layer::Room, locked: false });
    }

    #[test]
    fn a_lock_holds_against_later_layers() {
        let folded = fold([entry(Layer::Phone, "phone", false), entry(Layer::Chain, "chain", true)]);
        assert_eq!(folded["hotel.name"].value, "chain");
        assert!(folded["hotel.name"].locked);
    }

    proptest! {
        #[test]
        fn order_does_not_matter(mut layers in Just(vec![0usize, 1, 2, 3, 4, 5, 6]).prop_shuffle(), locks in 0u8..128) {
            let make = |order: &[usize]| fold(order.iter().map(|index| {
                entry(Layer::ALL[*index], &index.to_string(), locks >> index & 1 == 1)
            }));
            let shuffled = make(&layers);
            layers.sort_unstable();
            prop_assert_eq!(shuffled, make(&layers));
        }
    }
}
