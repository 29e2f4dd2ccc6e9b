//! Records of a phone's CWMP sessions.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use contract::PhoneId;
use contract::problem::Problem;
use contract::rest::{SessionPage, StepXml};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::Caller;
use crate::app::session::trace;
use crate::app::{App, Result};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    #[serde(default)]
    offset: u64,
    /// 1 to 100.
    #[serde(default = "twenty")]
    limit: u32,
}

fn twenty() -> u32 {
    20
}

/// The last sessions of a phone, the newest first: each step, bytes, time.
#[utoipa::path(get, path = "/api/v1/phones/{phone}/sessions", tag = "tasks", security(("token" = [])),
    params(("phone" = PhoneId, Path), PageQuery),
    responses((status = 200, body = SessionPage), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn list(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<PhoneId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<SessionPage>> {
    trace::page(&app, id, query.offset, query.limit).await.map(Json)
}

/// A step's message as it was, secrets masked.
#[utoipa::path(get, path = "/api/v1/phones/{phone}/sessions/{session}/steps/{index}", tag = "tasks",
    security(("token" = [])),
    params(("phone" = PhoneId, Path), ("session" = i64, Path), ("index" = usize, Path)),
    responses((status = 200, body = StepXml), (status = 404, body = Problem)))]
pub async fn step(
    State(app): State<Arc<App>>,
    _: Caller,
    Path((phone, session, index)): Path<(PhoneId, i64, usize)>,
) -> Result<Json<StepXml>> {
    trace::step(&app, phone, session, index).await.map(Json)
}
