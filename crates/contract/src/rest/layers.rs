//! Layers of settings: chains, brands and room types, change sets, previews, where a value comes from, drift.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use super::{Layer, LintGroup, ValueState};
use crate::*;

/// A field that is there, even with `null`: for `Option<Option<…>>`, where left out means "as it is".
pub(super) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

body! {
    pub struct Chain {
        pub id: ChainId,
        pub name: String,
        pub properties: u32,
        pub phones: u32,
    }
    /// A brand of a chain, or another group of its properties.
    pub struct Brand {
        pub id: BrandId,
        pub chain: ChainId,
        pub name: String,
        pub properties: u32,
    }
    /// A kind of rooms of a property, such as suites.
    pub struct RoomType {
        pub id: RoomTypeId,
        pub property: PropertyId,
        pub name: String,
        pub rooms: u32,
    }
    /// What a value may say with braces around it, such as `{room.number}`.
    pub struct VariableInfo {
        pub name: String,
        pub help: String,
        pub example: String,
        /// Only secret settings may hold it.
        pub secret: bool,
    }
}

request! {
    /// The name of a brand or a room type, 1 to 100 characters, unique beside its likes.
    pub struct Named {
        pub name: String,
    }
    /// Fields left out stay as they are.
    pub struct PropertyChange {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub name: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub time_zone: Option<String>,
        /// Its telephone number; empty takes it away.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub phone: Option<String>,
        /// The front desk, as dialled from a room; empty takes it away.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub front_desk: Option<String>,
        /// A brand of the same chain; `null` takes the property out of its brand.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<BrandId>))]
        pub brand: Option<Option<BrandId>>,
    }
    /// Puts rooms of one property into a room type; without one, takes them out of theirs.
    pub struct RoomsOfType {
        /// 1 to 5,000.
        pub rooms: Vec<RoomId>,
        #[serde(default)]
        pub room_type: Option<RoomTypeId>,
    }
    /// Takes a change set back.
    pub struct Undo {
        /// Also where values were changed again since.
        #[serde(default)]
        pub force: bool,
        #[serde(default)]
        pub comment: String,
    }
    /// What to do with values a phone has of its own, by key.
    pub struct DriftDecision {
        /// 1 to 500.
        pub choices: BTreeMap<String, DriftChoice>,
    }
}

words! {
    /// What to do where a phone has another value than it should.
    pub enum DriftChoice {
        /// Send ours again.
        Restore = "restore",
        /// The phone's value becomes the value of its phone layer.
        Adopt = "adopt",
        /// Leave the phone's value, and do not show it as drift while it stays.
        Keep = "keep",
    }
    /// Who set the value a phone runs with, as far as the phone says so.
    pub enum ValueOwner {
        /// We, or nobody.
        Bellhop = "bellhop",
        /// A guest or a technician, at the phone.
        User = "user",
        /// The same, on a phone that keeps files from changing it ("user protection").
        ProtectedUser = "protected-user",
    }
    /// Why a value of a layer does not count.
    pub enum Overridden {
        /// A nearer layer has another one.
        Nearer = "nearer",
        /// A layer above locked its own.
        Locked = "locked",
        /// Its variables make no value that is allowed.
        NotFilledIn = "not-filled-in",
    }
}

body! {
    /// Every effective value of a phone, and why it is so.
    pub struct Configuration {
        pub phone: PhoneId,
        pub desired_version: i64,
        pub applied_version: i64,
        pub values: Vec<ConfigurationValue>,
        /// Values that cannot be filled in for this phone; what lies below them counts instead.
        pub left_out: Vec<LeftOut>,
    }
    pub struct ConfigurationValue {
        pub key: String,
        pub title: String,
        pub page: String,
        pub section: String,
        pub secret: bool,
        /// What the phone should have; `None` for what it reports and nobody sets.
        pub desired: Option<String>,
        pub layer: Option<Layer>,
        /// The name of what the layer belongs to, such as the brand's.
        pub scope_name: String,
        pub scope: Option<Uuid>,
        /// It follows from the room, the property or an account, and nobody set it by hand.
        pub derived: bool,
        pub locked: bool,
        pub reason: String,
        /// The text with its variables, where the value has any.
        pub template: Option<String>,
        /// Values of other layers that do not count, the nearest first.
        pub overrides: Vec<OverriddenValue>,
        /// The factory's value.
        pub default: Option<String>,
        /// What the phone said it runs with; `None` where it has not said, or not since somebody set it there.
        pub reported: Option<String>,
        pub state: ValueState,
        pub owner: ValueOwner,
    }
    pub struct OverriddenValue {
        pub layer: Layer,
        pub scope_name: String,
        pub scope: Option<Uuid>,
        pub derived: bool,
        /// As it was set, with its variables; secrets are masked.
        pub value: String,
        pub why: Overridden,
    }
    pub struct LeftOut {
        pub key: String,
        pub title: String,
        pub layer: Layer,
        pub scope_name: String,
        pub template: String,
        /// Why, in words.
        pub reason: String,
    }
}

body! {
    /// Values of one layer that were changed together.
    pub struct ChangeSet {
        pub id: ChangeSetId,
        pub layer: Layer,
        pub scope: Option<Uuid>,
        /// The name of what the layer belongs to, as it was then.
        pub scope_name: String,
        pub at: Timestamp,
        pub by: String,
        pub comment: String,
        /// Phones it reached.
        pub phones: u32,
        pub values: Vec<ChangedValue>,
        /// The change set it takes back.
        pub undoes: Option<ChangeSetId>,
        /// The change set that takes it back.
        pub undone_by: Option<ChangeSetId>,
    }
    pub struct ChangedValue {
        pub key: String,
        pub title: String,
        pub secret: bool,
        /// `None`: it was not set.
        pub before: Option<SetValue>,
        /// `None`: it was removed.
        pub after: Option<SetValue>,
    }
    /// A value as a layer has it; secrets are masked.
    #[derive(Eq)]
    pub struct SetValue {
        pub value: String,
        pub locked: bool,
        pub reason: String,
    }
    pub struct ChangeSetDetail {
        pub change: ChangeSet,
        pub progress: ChangeProgress,
    }
    /// How far a change set has come.
    pub struct ChangeProgress {
        pub phones: u32,
        /// With those that fetched it as a file.
        pub done: u32,
        /// Of them, those that cannot be asked what they made of it.
        #[serde(default)]
        pub fetched: u32,
        pub pending: u32,
        pub failed: u32,
        /// Of those that are done: how many are still to restart. A phone in a call does when the call has ended.
        #[serde(default)]
        pub restarting: u32,
    }
    /// The newest first.
    pub struct History {
        pub items: Vec<ChangeSet>,
        /// Where older ones continue: `before=…`. `None`: these are all.
        pub next: Option<ChangeSetId>,
    }
}

body! {
    /// What a change would do. Nothing of it is stored.
    pub struct Preview {
        /// Phones below this layer; 0 of a change of something else.
        pub in_scope: u32,
        /// Phones whose configuration would change.
        pub phones: u32,
        /// Of those: how many restart for it, and how many register anew.
        pub reboot: u32,
        pub re_register: u32,
        /// Of those: how many have the handset lifted now.
        pub in_call: u32,
        /// Of those with the handset lifted: how many restart, when their call has ended.
        #[serde(default)]
        pub in_call_reboot: u32,
        /// Of those that restart: of how many nobody hears whether they are in a call, as they have no broker.
        #[serde(default)]
        pub reboot_unheard: u32,
        /// Of those: how many are not connected, and get it later.
        pub offline: u32,
        /// Of those: how many only fetch files, and get it when they next do.
        pub by_file: u32,
        /// The first of the phones that restart, by room; at most 20. So with the two that follow.
        #[serde(default)]
        pub reboot_phones: Vec<PreviewPhone>,
        #[serde(default)]
        pub in_call_phones: Vec<PreviewPhone>,
        #[serde(default)]
        pub offline_phones: Vec<PreviewPhone>,
        pub by_property: Vec<PreviewCount>,
        pub by_room_type: Vec<PreviewCount>,
        pub keys: Vec<PreviewKey>,
        pub lint: PreviewLint,
    }
    /// What the rules of `docs/LINT.md` say to a change, the worst first.
    pub struct PreviewLint {
        /// Phones looked at: all that change, or of very many an even sample. Counts in the groups are of these. That two
        /// phones have one extension is looked for only where it is all.
        pub looked_at: u32,
        /// Broken with the change, and not before.
        pub brings: Vec<LintGroup>,
        /// Broken before, and not with the change.
        pub mends: Vec<LintGroup>,
        /// Broken before and after, by settings of the change.
        pub stays: Vec<LintGroup>,
    }
    pub struct PreviewCount {
        /// The property, or the room type; `None`: phones without one.
        pub id: Option<Uuid>,
        pub name: String,
        /// For a room type: its property.
        pub property_name: String,
        pub phones: u32,
    }
    pub struct PreviewPhone {
        pub phone: PhoneId,
        pub mac: Mac,
        pub room_number: Option<String>,
    }
    pub struct PreviewKey {
        pub key: String,
        pub title: String,
        pub page: String,
        pub secret: bool,
        /// What the layer itself says now, with its lock; `None`: nothing. Secrets are masked.
        #[serde(default)]
        pub own_before: Option<SetValue>,
        /// What it says with the change.
        #[serde(default)]
        pub own_after: Option<SetValue>,
        /// `live`, `re-register` or `reboot`.
        pub effect: String,
        /// Phones whose value changes.
        pub phones: u32,
        /// Equal changes, the most frequent first; at most 20.
        pub groups: Vec<PreviewGroup>,
        /// Phones that keep their value, because a nearer layer has another one.
        pub overridden: u32,
        /// Phones that keep their value, because a layer above locked it.
        pub locked: u32,
        /// Phones for which the value cannot be filled in.
        pub left_out: u32,
        /// The first of those; at most 20.
        pub left_out_examples: Vec<PreviewLeftOut>,
    }
    pub struct PreviewGroup {
        /// `None`: not set so far.
        pub before: Option<String>,
        /// `None`: not set any more; the phone keeps what it has.
        pub after: Option<String>,
        pub phones: u32,
    }
    pub struct PreviewLeftOut {
        pub phone: PhoneId,
        pub mac: Mac,
        pub room_number: Option<String>,
        pub reason: String,
    }
}

body! {
    /// Values phones have of their own.
    pub struct DriftPage {
        pub items: Vec<Drift>,
        pub total: u64,
    }
    pub struct Drift {
        pub phone: PhoneId,
        pub mac: Mac,
        pub room: Option<RoomId>,
        pub room_number: Option<String>,
        pub key: String,
        pub title: String,
        pub page: String,
        /// [`SECRET_MASK`](super::SECRET_MASK) for a secret.
        pub desired: String,
        /// `None`: the phone has not said it since somebody set it there.
        pub reported: Option<String>,
        pub layer: Layer,
        /// [`ValueState::Drift`], [`ValueState::Protected`] or [`ValueState::Kept`].
        pub state: ValueState,
        pub owner: ValueOwner,
        /// When the phone last told its values.
        pub reported_at: Timestamp,
    }
}
