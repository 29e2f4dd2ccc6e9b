//! Rooms that phones take by themselves.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use contract::problem::Problem;
use contract::rest::{ClaimAccept, ClaimReject, ClaimSettings, ClaimSettingsChange, ClaimState, ClaimView};
use contract::{ClaimId, PropertyId};
use serde::Deserialize;

use super::extract::{Body, Caller};
use crate::app::{App, Result, claims};

/// Claims in a list, unless asked for otherwise.
const USUAL: u32 = 50;

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ClaimQuery {
    /// Those in this state only.
    pub state: Option<ClaimState>,
    /// 1 to 500; 50 unless given.
    pub limit: Option<u32>,
}

/// What a property lets its phones take.
#[utoipa::path(get, path = "/api/v1/properties/{property}/claim-settings", tag = "claims", security(("token" = [])),
    params(("property" = PropertyId, Path)),
    responses((status = 200, body = ClaimSettings), (status = 404, body = Problem)))]
pub async fn settings(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<PropertyId>,
) -> Result<Json<ClaimSettings>> {
    claims::of_property(&app, id).await.map(Json)
}

/// Change what a property lets its phones take.
#[utoipa::path(put, path = "/api/v1/properties/{property}/claim-settings", tag = "claims", security(("token" = [])),
    params(("property" = PropertyId, Path)), request_body = ClaimSettingsChange,
    responses((status = 200, body = ClaimSettings), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn set(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<PropertyId>,
    Body(body): Body<ClaimSettingsChange>,
) -> Result<Json<ClaimSettings>> {
    claims::set(&app, &caller.actor, id, body).await.map(Json)
}

/// What phones of a property asked for, the newest first.
#[utoipa::path(get, path = "/api/v1/properties/{property}/claims", tag = "claims", security(("token" = [])),
    params(("property" = PropertyId, Path), ClaimQuery),
    responses((status = 200, body = Vec<ClaimView>), (status = 404, body = Problem)))]
pub async fn list(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<PropertyId>,
    Query(query): Query<ClaimQuery>,
) -> Result<Json<Vec<ClaimView>>> {
    claims::list(&app, id, query.state, query.limit.unwrap_or(USUAL)).await.map(Json)
}

/// Give a phone the room it asks for.
#[utoipa::path(post, path = "/api/v1/claims/{claim}/accept", tag = "claims", security(("token" = [])),
    params(("claim" = ClaimId, Path)), request_body = ClaimAccept,
    responses((status = 200, body = ClaimView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn accept(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<ClaimId>,
    Body(body): Body<ClaimAccept>,
) -> Result<Json<ClaimView>> {
    claims::accept(&app, &caller.actor, id, body).await.map(Json)
}

/// Turn a phone that asks for a room away; it goes back to the number it had.
#[utoipa::path(post, path = "/api/v1/claims/{claim}/reject", tag = "claims", security(("token" = [])),
    params(("claim" = ClaimId, Path)), request_body = ClaimReject,
    responses((status = 200, body = ClaimView), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub async fn reject(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<ClaimId>,
    Body(body): Body<ClaimReject>,
) -> Result<Json<ClaimView>> {
    claims::reject(&app, &caller.actor, id, body).await.map(Json)
}
