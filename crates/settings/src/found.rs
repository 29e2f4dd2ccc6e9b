//! What a lookup gives: a declaration and the index it was asked for.

use crate::{
    Model,
    data::{Setting, Status, fill},
};

/// A setting at one index, or a device setting.
#[derive(Debug, Clone, Copy)]
pub struct SettingRef {
    /// The declaration.
    pub setting: &'static Setting,
    /// Account or key index; absent for device settings.
    pub instance: Option<u16>,
}

/// A status at one index, or a device status.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct StatusRef {
    pub status: &'static Status,
    pub instance: Option<u16>,
}

impl SettingRef {
    /// The concrete key.
    pub fn key(&self) -> String {
        self.setting.key_at(self.instance)
    }

    /// The P-value, such as `P404`, where known.
    pub fn p_value(&self) -> Option<&'static str> {
        pick(&self.setting.p, self)
    }

    /// The known TR-069 path, with the index filled in.
    pub fn tr069_path(&self) -> Option<String> {
        self.setting.tr069.as_deref().map(|path| fill(path, self.instance))
    }

    /// Whether this index exists on the model.
    pub fn on(&self, model: Model) -> bool {
        let range = self.setting.instances_for(model);
        self.setting.on(model) && self.instance.is_none_or(|at| range.is_some_and(|range| range.contains(at)))
    }
}

/// The instance's entry of a list kept by instance.
pub(crate) fn pick<'a>(list: &'a [String], at: &SettingRef) -> Option<&'a str> {
    let first = at.setting.instances.map_or(0, |range| range.first);
    let position = at.instance.map_or(0, |index| usize::from(index.saturating_sub(first)));
    list.get(position).map(String::as_str).filter(|p| !p.is_empty())
}
