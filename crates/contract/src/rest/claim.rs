//! Rooms that phones take by themselves: somebody dials a room number at a phone, and the property's settings, or the front
//! desk, say whether it is this phone's room.

use serde::{Deserialize, Serialize};

use crate::{ClaimId, Mac, PhoneId, PropertyId, RoomId, Timestamp};

words! {
    /// What becomes of a room number dialled at a phone.
    pub enum ClaimMode {
        /// Nothing: it shows as a value that was changed at the phone.
        Off = "off",
        /// The front desk says yes or no.
        Confirm = "confirm",
        /// The phone gets its room at once.
        AtOnce = "at-once",
    }
}

words! {
    /// The same, where another phone stands in the room already.
    pub enum ClaimReplace {
        Refuse = "refuse",
        Confirm = "confirm",
        AtOnce = "at-once",
    }
}

words! {
    /// What was dialled.
    pub enum ClaimKind {
        /// A room number (`**766*1207#`).
        Room = "room",
        /// The phone's number is wanted (`**82#`).
        Extension = "extension",
    }
}

words! {
    pub enum ClaimState {
        /// It came just now; it is decided within a moment.
        New = "new",
        /// The front desk has to say yes or no.
        Waiting = "waiting",
        /// The phone has what it asked for.
        Accepted = "accepted",
        /// A person said no.
        Rejected = "rejected",
        /// The property's settings say no; see the reason.
        Refused = "refused",
        /// Nobody answered in time, or the phone has asked for something else meanwhile.
        Expired = "expired",
    }
}

words! {
    /// Why a claim was refused.
    pub enum ClaimReason {
        /// The property takes none.
        Off = "off",
        /// The time in which rooms may be taken is over.
        Over = "over",
        /// The property has no such room.
        UnknownRoom = "unknown-room",
        /// The room is not among those that may be taken.
        OtherRoom = "other-room",
        /// Another phone stands there.
        Taken = "taken",
        /// The phone belongs to no property yet.
        NoProperty = "no-property",
        /// There is no number for it: neither its room nor the property has one to give.
        NoExtension = "no-extension",
    }
}

body! {
    /// `GET` and `PUT /api/v1/properties/{property}/claim-settings`.
    pub struct ClaimSettings {
        pub mode: ClaimMode,
        /// Which rooms may be taken: numbers and ranges such as `1201-1299, 1401`. Empty: all.
        pub rooms: String,
        /// What happens where another phone stands in the room.
        pub replace: ClaimReplace,
        /// Until when rooms may be taken. `None`: always.
        pub until: Option<Timestamp>,
    }

    /// A phone that asks for a room, or for a number.
    pub struct ClaimView {
        pub id: ClaimId,
        pub kind: ClaimKind,
        pub state: ClaimState,
        pub property: PropertyId,
        pub phone: PhoneId,
        pub mac: Mac,
        pub model: String,
        /// What was dialled; empty for an extension.
        pub number: String,
        /// The room of that number; for an extension the phone's own, or the one it asks for with it.
        pub room: Option<RoomId>,
        /// The number of that room.
        pub room_number: Option<String>,
        /// The room the phone stands in until then.
        pub from_room: Option<String>,
        /// The phone that stands in the room now, and would have to leave it.
        pub replaces: Option<Mac>,
        /// When it was dialled, by the phone's clock; when it was heard, where that is more than a day apart.
        pub at: Timestamp,
        /// Why it was refused.
        pub reason: Option<ClaimReason>,
        /// The same in words, or what a person said to it.
        pub note: String,
        pub decided_at: Option<Timestamp>,
        /// Who decided; `Bellhop` by the settings.
        pub decided_by: String,
    }
}

/// `PUT /api/v1/properties/{property}/claim-settings`: all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ClaimSettingsChange {
    pub mode: ClaimMode,
    #[serde(default)]
    pub rooms: String,
    pub replace: ClaimReplace,
    #[serde(default)]
    pub until: Option<Timestamp>,
}

request! {
    /// `POST /api/v1/claims/{claim}/accept`.
    pub struct ClaimAccept {
        /// Another phone stands in the room: take it out.
        #[serde(default)]
        pub replace: bool,
    }
    /// `POST /api/v1/claims/{claim}/reject`.
    pub struct ClaimReject {
        /// Why, for whoever looks later. At most 200 characters.
        #[serde(default)]
        pub note: String,
    }
}
