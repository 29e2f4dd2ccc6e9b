//! Requests and answers of `/api/v1`. Bodies are JSON, times RFC 3339 in UTC, errors [`crate::problem::Problem`].
//! No answer holds a secret: a secret's value is always [`SECRET_MASK`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::EventKind;
use crate::mqtt::AccountState;
use crate::*;

mod task;

pub use task::*;

/// What stands in place of a secret's value.
pub const SECRET_MASK: &str = "••••••";

/// The largest number of rows one page of a list may have.
pub const MAX_PAGE: u32 = 500;

macro_rules! body {
    ($($(#[$attr:meta])* pub struct $name:ident { $($(#[$fattr:meta])* pub $field:ident: $type:ty,)* })*) => {$(
        $(#[$attr])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $name { $($(#[$fattr])* pub $field: $type,)* }
    )*};
}

/// A request body: unknown fields are refused, so a misspelt one is never silently ignored.
macro_rules! request {
    ($($(#[$attr:meta])* pub struct $name:ident { $($(#[$fattr:meta])* pub $field:ident: $type:ty,)* })*) => {$(
        $(#[$attr])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$fattr])* pub $field: $type,)* }
    )*};
}

macro_rules! words {
    ($($(#[$attr:meta])* pub enum $name:ident { $($(#[$vattr:meta])* $variant:ident = $text:literal,)* })*) => {$(
        $(#[$attr])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum $name { $($(#[$vattr])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];
            /// The word in JSON and in the database.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($text => Ok($name::$variant),)* _ => Err(()) }
            }
        }
    )*};
}

mod accounts;
mod claim;
mod import;
mod layers;
mod lint;
mod provision;
mod trust;

pub use accounts::*;
pub use claim::*;
pub use import::*;
pub use layers::*;
pub use lint::*;
pub use provision::*;
pub use trust::*;

// ---- signing in ----

request! {
    pub struct Login {
        pub email: String,
        pub password: String,
    }
    pub struct Refresh {
        pub refresh_token: String,
    }
}

body! {
    /// Hand `access_token` over as `Authorization: Bearer …`; before it ends, trade `refresh_token` (once) for the next pair.
    pub struct Tokens {
        pub access_token: String,
        /// Seconds.
        pub expires_in: u32,
        pub refresh_token: String,
        pub user: Me,
    }
    pub struct Me {
        pub id: UserId,
        pub email: String,
        pub name: String,
    }
    /// A ticket that opens the live stream once, within a minute: `GET /api/v1/live?ticket=…`.
    pub struct LiveTicket {
        pub ticket: String,
    }
}

// ---- the tree: chain > property > building > floor > room ----

body! {
    pub struct Property {
        pub id: PropertyId,
        pub chain: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub chain_id: Option<ChainId>,
        /// The brand it belongs to, and its name.
        #[serde(default)]
        pub brand: Option<BrandId>,
        #[serde(default)]
        pub brand_name: Option<String>,
        /// Short and unique, for example `harbour`.
        pub code: String,
        pub name: String,
        /// IANA name, for example `Europe/Lisbon`. Times are shown in it.
        pub time_zone: String,
        /// Its telephone number; empty = not known.
        #[serde(default)]
        pub phone: String,
        /// The front desk, as dialled from a room; empty = not known.
        #[serde(default)]
        pub front_desk: String,
        pub rooms: u32,
        pub phones: u32,
        pub online: u32,
        /// Phones a person should look at: offline, not registered, or with a change that failed.
        pub attention: u32,
    }
    /// The room board.
    pub struct Board {
        pub property: Property,
        pub buildings: Vec<BoardBuilding>,
        /// Where the live stream continues from this answer.
        pub live_after: i64,
    }
    pub struct BoardBuilding {
        pub id: BuildingId,
        pub name: String,
        pub floors: Vec<BoardFloor>,
    }
    pub struct BoardFloor {
        pub id: FloorId,
        pub name: String,
        /// Ground floor is 0.
        pub level: i32,
        pub rooms: Vec<RoomCard>,
    }
    /// A room as the board shows it.
    pub struct RoomCard {
        pub id: RoomId,
        pub property: PropertyId,
        pub floor: FloorId,
        pub number: String,
        /// SIP user id the room is reached at; empty = none yet.
        pub extension: String,
        /// The name a guest sees and is greeted with; empty = none.
        pub guest_name: String,
        #[serde(default)]
        pub room_type: Option<RoomTypeId>,
        #[serde(default)]
        pub room_type_name: Option<String>,
        pub state: RoomState,
        /// Since when `state` holds; its age is shown beside it.
        pub since: Timestamp,
        pub sync: SyncState,
        pub phone: Option<PhoneId>,
        pub mac: Option<Mac>,
        pub model: Option<String>,
        pub last_seen: Option<Timestamp>,
    }
    pub struct RoomDetail {
        pub card: RoomCard,
        pub building: String,
        pub floor: String,
        pub phone: Option<PhoneRow>,
        /// The newest change on its way, or the last one made.
        pub job: Option<JobView>,
        pub events: Vec<EventView>,
    }
}

words! {
    /// What a room's phone is doing. The order is how much it needs a person.
    pub enum RoomState {
        /// No phone stands here.
        NoPhone = "no-phone",
        /// Announced for this room, never phoned home.
        Expected = "expected",
        /// Not heard of for longer than its interval allows.
        Offline = "offline",
        RegisterFailed = "register-failed",
        /// Connected to Bellhop, no SIP account registered.
        Unregistered = "unregistered",
        /// Fetches its configuration as files, and nothing else was ever heard of it: whether it is registered or in a call
        /// is not known.
        FilesOnly = "files-only",
        Idle = "idle",
        OffHook = "off-hook",
    }
    /// Desired against reported.
    pub enum SyncState {
        InSync = "in-sync",
        /// The phone fetched the file that says it, and cannot be asked what it made of it.
        Fetched = "fetched",
        /// A change is on its way.
        Pending = "pending",
        /// A change was parked after its last try.
        Failed = "failed",
        /// Nothing was ever reported.
        Unknown = "unknown",
    }
    /// How far one phone is with one change set.
    pub enum ChangeReach {
        /// It applied the change, or a later one.
        Done = "done",
        /// It fetched the file that says it, and cannot be asked what it made of it.
        Fetched = "fetched",
        Pending = "pending",
        /// It did not take it, and nobody tries any more.
        Failed = "failed",
    }
    pub enum JobState {
        Ready = "ready",
        /// A session carries it out now; its step is saved before it leaves.
        Running = "running",
        Done = "done",
        /// Given up after its last try, with a reason; a person may retry it.
        Parked = "parked",
        Cancelled = "cancelled",
        /// A newer change covers it.
        Superseded = "superseded",
    }
    pub enum Enrolment {
        /// Phoned home unannounced: waits to be accepted.
        New = "new",
        /// Announced or accepted; gets its credentials when it next phones home.
        Expected = "expected",
        /// Has its own credentials and must use them.
        Enrolled = "enrolled",
    }
    /// Where an effective value comes from; later ones win.
    pub enum Layer {
        ModelDefault = "model-default",
        Chain = "chain",
        Brand = "brand",
        Property = "property",
        RoomType = "room-type",
        Room = "room",
        Phone = "phone",
    }
    pub enum ValueState {
        InSync = "in-sync",
        Pending = "pending",
        /// The phone reports something else although it applied our document: somebody changed it there.
        Drift = "drift",
        NotReported = "not-reported",
        /// The phone reports something else, and somebody chose to leave it.
        Kept = "kept",
        /// As drift, on a phone that protects what its user set ("user protection").
        Protected = "protected",
    }
    pub enum PhoneSort {
        Mac = "mac",
        Room = "room",
        Model = "model",
        Firmware = "firmware",
        State = "state",
        LastSeen = "last-seen",
    }
}

request! {
    pub struct NewProperty {
        /// Name of the chain; made when it does not exist yet.
        pub chain: String,
        pub code: String,
        pub name: String,
        pub time_zone: String,
    }
    /// Buildings, floors and rooms in one request. What exists already (by name or number) stays as it is.
    pub struct Layout {
        pub buildings: Vec<LayoutBuilding>,
    }
    pub struct LayoutBuilding {
        pub name: String,
        pub floors: Vec<LayoutFloor>,
    }
    pub struct LayoutFloor {
        pub name: String,
        pub level: i32,
        pub rooms: Vec<LayoutRoom>,
    }
    pub struct LayoutRoom {
        pub number: String,
        #[serde(default)]
        pub extension: String,
    }
    /// Fields left out stay as they are.
    pub struct RoomChange {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub number: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub extension: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub guest_name: Option<String>,
        /// `null` takes the room out of its type.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "layers::given")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<RoomTypeId>))]
        pub room_type: Option<Option<RoomTypeId>>,
    }
    /// Puts a phone into a room. The phone may come from another room or from "new phones".
    pub struct AssignPhone {
        /// The phone's id or MAC address.
        pub phone: String,
        /// The room has a phone already: take it out (it keeps nothing of the room).
        #[serde(default)]
        pub replace: bool,
    }
}

// ---- phones ----

body! {
    /// A phone as lists show it.
    pub struct PhoneRow {
        pub id: PhoneId,
        pub mac: Mac,
        pub serial: String,
        pub manufacturer: String,
        pub model: String,
        pub firmware: String,
        pub ip: String,
        pub enrolment: Enrolment,
        pub property: Option<PropertyId>,
        pub property_name: Option<String>,
        pub room: Option<RoomId>,
        pub room_number: Option<String>,
        pub state: RoomState,
        pub since: Timestamp,
        pub sync: SyncState,
        pub last_seen: Option<Timestamp>,
    }
    pub struct PhonePage {
        pub items: Vec<PhoneRow>,
        /// How many match, on all pages.
        pub total: u64,
        pub offset: u64,
    }
    pub struct PhoneDetail {
        pub phone: PhoneRow,
        /// Connected over MQTT.
        pub connected: bool,
        pub accounts: Vec<AccountState>,
        pub uptime_s: Option<u64>,
        pub desired_version: i64,
        pub applied_version: i64,
        pub values: Vec<EffectiveValue>,
        pub jobs: Vec<JobView>,
        pub events: Vec<EventView>,
        /// How its last calls sounded, newest first.
        #[serde(default)]
        pub calls: Vec<CallView>,
        /// The last file it fetched, if any.
        #[serde(default)]
        pub fetched: Option<FileFetch>,
    }
    /// How a call sounded at the phone. Scores are from 1 to 5 (ITU-T G.107).
    pub struct CallView {
        /// When it ended.
        pub at: Timestamp,
        pub account: u8,
        pub duration_s: u32,
        pub codec: String,
        /// Of listening, here.
        pub mos: f32,
        pub loss_percent: f32,
        pub jitter_ms: f32,
        pub round_trip_ms: Option<f32>,
        /// From the other side's mouth to this ear, estimated.
        pub delay_ms: Option<u32>,
        /// As the other side says it heard this phone.
        pub remote_mos: Option<f32>,
    }
    /// How the calls of a property's phones sounded in the last 24 hours.
    pub struct CallSummary {
        pub calls: u32,
        /// Mean score of listening; `None` without calls.
        pub mos: Option<f32>,
        /// The phones that fare worst, by their mean score; at most ten.
        pub worst: Vec<PhoneCalls>,
    }
    pub struct PhoneCalls {
        pub phone: PhoneId,
        pub room_number: Option<String>,
        pub calls: u32,
        pub mos: f32,
        pub loss_percent: f32,
    }
    /// One setting of one phone: what it should be, why, and what the phone says.
    pub struct EffectiveValue {
        pub key: String,
        pub title: String,
        pub page: String,
        pub desired: Option<String>,
        pub layer: Option<Layer>,
        pub locked: bool,
        pub secret: bool,
        pub reported: Option<String>,
        pub state: ValueState,
    }
    pub struct JobView {
        pub id: JobId,
        pub phone: PhoneId,
        pub room_number: Option<String>,
        /// `configure` for a change of settings, else [`Task::kind`].
        pub kind: String,
        pub state: JobState,
        /// What it does, in words.
        pub summary: String,
        /// How far it is, or why it failed and what to do.
        pub note: String,
        pub attempts: i32,
        pub max_attempts: i32,
        pub created_at: Timestamp,
        pub created_by: String,
        /// Done by a file the phone fetched: nothing was read back.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub fetched: bool,
        /// When it is tried next, while ready.
        pub run_at: Option<Timestamp>,
        pub done_at: Option<Timestamp>,
        /// What was asked; `None` for a change of settings.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub task: Option<Task>,
        /// What came of it so far.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub result: Option<TaskResult>,
    }
    pub struct EventView {
        pub id: i64,
        pub phone: PhoneId,
        pub kind: EventKind,
        pub at: Timestamp,
        pub account: Option<u8>,
        pub detail: Option<String>,
    }
    /// A change was accepted and is on its way.
    pub struct Accepted {
        /// How many phones it concerns.
        pub phones: u32,
        pub jobs: Vec<JobView>,
        /// What it is called in the history, for a change of a layer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub change_set: Option<ChangeSetId>,
        /// What it would do, of a request with `dry_run=true`. Nothing of it is stored.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub preview: Option<Preview>,
    }
}

request! {
    /// A phone that will phone home: bound to its room beforehand.
    pub struct AnnouncePhone {
        pub mac: String,
        /// As printed on the label; whoever knows it holds the phone.
        pub serial: String,
        #[serde(default)]
        pub model: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub room: Option<RoomId>,
    }
    /// Takes a new phone into a property, and into a room at once if one is given.
    pub struct AcceptPhone {
        pub property: Option<PropertyId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub room: Option<RoomId>,
    }
    /// Values of one layer. `null` removes a value, so the layer below it shows through.
    pub struct LayerChange {
        pub values: BTreeMap<String, Option<String>>,
        /// No layer below may override these values. Every layer but the phone's can lock.
        #[serde(default)]
        pub locked: bool,
        /// Why they are locked; shown to whoever tries to change one. At most 300 characters.
        #[serde(default)]
        pub reason: String,
        /// Without `locked`: the keys of `values` that are locked all the same, each with its own reason.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub locks: BTreeMap<String, String>,
        /// What the change is for, for the history. At most 300 characters.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        pub comment: String,
        /// When the layer's values were changed last (`changed_at`) as far as whoever asks has seen, by key; `null`: nothing was
        /// set. Where it is otherwise by now, nothing is changed (409, `changed-since`). Keys left out are not compared.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, Option<String>>))]
        pub expected: BTreeMap<String, Option<Timestamp>>,
    }
}

body! {
    pub struct LayerValues {
        pub layer: Layer,
        pub values: Vec<LayerValue>,
    }
    pub struct LayerValue {
        pub key: String,
        pub title: String,
        pub page: String,
        pub value: String,
        pub locked: bool,
        pub reason: String,
        pub secret: bool,
        pub changed_at: Timestamp,
        pub changed_by: String,
    }
    /// How far a property-wide change has come.
    pub struct Progress {
        pub phones: u32,
        /// Done, with those that fetched it as a file.
        pub in_sync: u32,
        /// Of them, those that fetched it as a file and cannot be asked.
        #[serde(default)]
        pub fetched: u32,
        pub pending: u32,
        pub failed: u32,
    }
    /// A message that could not be read; kept with its reason so that nothing is lost.
    pub struct Quarantined {
        pub id: i64,
        pub at: Timestamp,
        pub source: String,
        pub reason: String,
        pub sample: String,
    }
    pub struct QuarantinePage {
        pub total: u64,
        pub items: Vec<Quarantined>,
    }
}
