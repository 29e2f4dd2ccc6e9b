//! The error document of the REST API: RFC 9457, `application/problem+json`.

use serde::{Deserialize, Serialize};

/// What went wrong, for a person and for a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A stable word for programs, for example `room-number-taken`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A short sentence that is the same for every problem of this kind.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened here and what to do next.
    pub detail: String,
    /// The field of the request that is wrong, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}
