//! What the parts of the editor share.

use std::collections::BTreeMap;

use contract::rest::{Layer, LayerValue};
use leptos::prelude::*;

use super::below::Ground;
use super::draft::Draft;

#[derive(Clone, Copy)]
pub struct EditorScope {
    pub layer: Layer,
    /// What the layer sets now, by key.
    pub here: Signal<BTreeMap<String, LayerValue>>,
    /// What the layers below set.
    pub ground: Signal<Ground>,
    /// What is to be changed.
    pub draft: RwSignal<Draft>,
    /// What is questionable, by key.
    pub notes: Signal<BTreeMap<String, Vec<String>>>,
    /// The zone times are shown in.
    pub zone: Signal<String>,
}

impl EditorScope {
    /// The value of a setting with the changes made, and whatever it stands on.
    pub fn effective(self, key: &str) -> Option<String> {
        let wish = self.draft.with(|draft| draft.get(key).cloned());
        let here = match wish {
            Some(said) => said.value,
            None => self.here.with(|here| here.get(key).map(|value| value.value.clone())),
        };
        here.or_else(|| self.ground.with(|ground| ground.value(key)).map(|below| below.value))
    }
}
