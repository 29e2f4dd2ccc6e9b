//! What a setting would be without the layer being edited: the values of the layers it stands on.

use std::collections::BTreeMap;

use contract::rest::{Configuration, Layer, LayerValue};

use crate::catalogue;

/// A layer below the edited one, and what it sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Stratum {
    pub layer: Layer,
    /// What it belongs to, for example the chain's name.
    pub name: String,
    pub values: Vec<LayerValue>,
}

/// A value of a layer below.
#[derive(Clone, Debug, PartialEq)]
pub struct Below {
    pub layer: Layer,
    pub name: String,
    pub value: String,
    pub locked: bool,
    pub reason: String,
}

/// The values below by key, those that count first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ground(BTreeMap<String, Vec<Below>>);

impl Ground {
    /// `strata` from the outermost (the chain) inwards. The outermost lock counts, or else the innermost value.
    pub fn of(strata: &[Stratum]) -> Self {
        let mut found: BTreeMap<String, Vec<Below>> = BTreeMap::new();
        for stratum in strata {
            for value in &stratum.values {
                let below = Below {
                    layer: stratum.layer,
                    name: stratum.name.clone(),
                    value: value.value.clone(),
                    locked: value.locked,
                    reason: value.reason.clone(),
                };
                let all = found.entry(value.key.clone()).or_default();
                if all.first().is_some_and(|first| first.locked) {
                    all.push(below);
                } else {
                    all.insert(0, below);
                }
            }
        }
        Self(found)
    }

    /// What a phone would have without values of its own.
    pub fn of_configuration(configuration: &Configuration) -> Self {
        let mut found = BTreeMap::new();
        for value in &configuration.values {
            let own = value.layer.zip(value.desired.clone()).map(|(layer, desired)| Below {
                layer,
                name: value.scope_name.clone(),
                value: value.template.clone().unwrap_or(desired),
                locked: value.locked,
                reason: value.reason.clone(),
            });
            let others = value.overrides.iter().map(|other| Below {
                layer: other.layer,
                name: other.scope_name.clone(),
                value: other.value.clone(),
                locked: false,
                reason: String::new(),
            });
            let below = own.into_iter().chain(others);
            let all: Vec<Below> =
                below.filter(|below| !matches!(below.layer, Layer::Phone | Layer::ModelDefault)).collect();
            if !all.is_empty() {
                found.insert(value.key.clone(), all);
            }
        }
        Self(found)
    }

    /// Values set below, the one that counts first.
    pub fn set(&self, key: &str) -> &[Below] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    /// What counts below, the factory's value where no layer says anything.
    pub fn value(&self, key: &str) -> Option<Below> {
        self.set(key).first().cloned().or_else(|| {
            let default = catalogue::find(key)?.setting.default.clone()?;
            let layer = Layer::ModelDefault;
            Some(Below { layer, name: String::new(), value: default, locked: false, reason: String::new() })
        })
    }
}

#[cfg(test)]
mod tests {
    use contract::Timestamp;

    use super::*;

    fn stratum(layer: Layer, value: &str, locked: bool) -> Stratum {
        let value = LayerValue {
            key: "audio.volume.ring".into(),
            title: String::new(),
            page: String::new(),
            value: value.into(),
            locked,
            reason: String::new(),
            secret: false,
            changed_at: Timestamp(0),
            changed_by: String::new(),
        };
        Stratum { layer, name: String::new(), values: vec![value] }
    }

    fn counts(strata: &[Stratum]) -> Option<(Layer, String)> {
        Ground::of(strata).value("audio.volume.ring").map(|below| (below.layer, below.value))
    }

    #[test]
    fn the_innermost_value_counts_unless_one_further_out_is_locked() {
        let (chain, property) = (stratum(Layer::Chain, "1", false), stratum(Layer::Property, "2", false));
        assert_eq!(counts(&[chain, property.clone()]), Some((Layer::Property, "2".into())));
        assert_eq!(counts(&[stratum(Layer::Chain, "1", true), property]), Some((Layer::Chain, "1".into())));
        let factory = counts(&[]).map(|(layer, _)| layer);
        assert_eq!(factory, Some(Layer::ModelDefault));
    }
}
