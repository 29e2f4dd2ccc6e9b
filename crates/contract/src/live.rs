//! What the live stream (`GET /api/v1/live`, server-sent events) carries. Every message holds whole objects as they
//! are now, so receiving one twice or out of order does no harm; a client that lost the stream resumes after the
//! last id it saw.

use serde::{Deserialize, Serialize};

use crate::rest::{ClaimView, EventView, JobView, PhoneRow, RoomCard};
use crate::{PhoneId, PropertyId};

/// One change. Absent fields did not change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LiveChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<PropertyId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomCard>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneRow>,
    /// The phone was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<PhoneId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventView>,
    /// A phone asks for a room, or what became of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimView>,
    /// The stream could not be resumed from where the client was: load everything again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reload: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}
