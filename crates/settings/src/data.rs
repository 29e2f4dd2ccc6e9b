//! The entries of the catalogue.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Model, ValueType};

/// What a setting belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The phone.
    Device,
    /// One of its SIP accounts.
    Account,
    /// One of its programmable keys.
    Key,
}

impl Scope {
    /// `device`, `account` or `key`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Account => "account",
            Self::Key => "key",
        }
    }
}

/// What has to happen before a change counts, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// At once, at the latest with the next call.
    Live,
    /// The account registers anew.
    ReRegister,
    /// The phone restarts.
    Reboot,
}

impl Effect {
    /// `live`, `re-register` or `reboot`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::ReRegister => "re-register",
            Self::Reboot => "reboot",
        }
    }
}

/// An index range, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Instances {
    pub first: u16,
    pub last: u16,
}

impl Instances {
    /// Every index.
    pub fn iter(self) -> impl Iterator<Item = u16> {
        self.first..=self.last
    }

    /// Whether the index lies inside.
    pub const fn contains(self, index: u16) -> bool {
        self.first <= index && index <= self.last
    }
}

/// One vendor item of a setting that is several values on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Which part of the value (see the catalogue's README).
    pub of: String,
    /// The vendor's alias, `{account}` or `{key}` in place of the index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The P-values by instance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub p: Vec<String>,
}

/// Something a phone can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Key template, lower case: `account.{account}.sip.userid`.
    pub key: String,
    /// The guide's page.
    pub page: String,
    /// The guide's section, perhaps empty.
    pub section: String,
    /// The guide's name.
    pub title: String,
    /// What it does, in our words.
    pub help: String,
    /// What it belongs to.
    pub scope: Scope,
    /// The indices of the key template; absent for device settings.
    pub instances: Option<Instances>,
    /// Other index ranges by the beginning of the model's name.
    pub instances_on: BTreeMap<String, Instances>,
    /// Type and limits.
    #[serde(flatten)]
    pub value_type: ValueType,
    /// A number must be a multiple of this.
    pub step: Option<i64>,
    /// Text that becomes a part of a file's name: printable ASCII without blanks, `/`, `?`, `#` and `%`.
    pub name_part: bool,
    /// Values allowed besides the type's range.
    pub extra: Vec<String>,
    /// The factory's value, canonical.
    pub default: Option<String>,
    /// Never shown, logged or sent back.
    pub secret: bool,
    /// Where it exists; empty means on all models.
    pub models: Vec<Model>,
    /// P-values by instance; an empty string where one is unknown.
    pub p: Vec<String>,
    /// The P-value is the negation (of a `bool`).
    pub p_inverted: bool,
    /// Whether the key is the vendor's alias.
    pub vendor_alias: bool,
    /// The alias in the vendor's spelling, where its case differs from the key's.
    pub alias: Option<String>,
    /// Vendor items, where the value is several on the wire.
    pub parts: Vec<Part>,
    /// The known TR-069 path template.
    pub tr069: Option<String>,
    /// What a change needs.
    pub effect: Effect,
    /// Why the phone cannot honour it, where it cannot.
    pub unsupported: Option<String>,
}

/// Something a phone can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Status {
    /// Key template beginning with `status.`.
    pub key: String,
    pub page: String,
    pub section: String,
    pub title: String,
    pub help: String,
    pub instances: Option<Instances>,
    #[serde(flatten)]
    pub value_type: ValueType,
    /// Where the value comes from.
    pub source: String,
    pub tr069: Option<String>,
    /// Empty means on all models.
    pub models: Vec<Model>,
}

/// Something a phone can be made to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Action {
    /// Key beginning with `action.`.
    pub key: String,
    pub page: String,
    pub section: String,
    pub title: String,
    pub help: String,
    /// What it starts.
    pub starts: String,
    /// Empty means on all models.
    pub models: Vec<Model>,
}

impl Setting {
    /// Whether the setting exists on the model.
    pub fn on(&self, model: Model) -> bool {
        self.models.is_empty() || self.models.contains(&model)
    }

    /// The indices that exist on the model.
    pub fn instances_for(&self, model: Model) -> Option<Instances> {
        let special = self.instances_on.iter().find(|(start, _)| model.as_str().starts_with(start.as_str()));
        special.map(|(_, range)| *range).or(self.instances)
    }

    /// The key with the index filled in.
    pub fn key_at(&self, instance: Option<u16>) -> String {
        fill(&self.key, instance)
    }
}

/// Puts the index in place of `{account}` or `{key}`.
pub(crate) fn fill(template: &str, instance: Option<u16>) -> String {
    match instance {
        Some(index) => {
            let index = index.to_string();
            template.replace("{account}", &index).replace("{key}", &index)
        }
        None => template.to_owned(),
    }
}
