//! Whom properties take for their phones, and their PBX.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use contract::PropertyId;
use contract::problem::Problem;
use contract::rest::{Pbx, PbxChange, Trust, TrustChange};

use super::extract::{Body, Caller};
use crate::app::{App, Result, pbx, trust};

/// The trust profile in force for a property.
#[utoipa::path(get, path = "/api/v1/properties/{property}/trust", tag = "trust", security(("token" = [])),
    params(("property" = PropertyId, Path)), responses((status = 200, body = Trust), (status = 404, body = Problem)))]
pub async fn of_property(State(app): State<Arc<App>>, _: Caller, Path(id): Path<PropertyId>) -> Result<Json<Trust>> {
    trust::of_property(&app, id).await.map(Json)
}

/// Give a property a trust profile of its own.
#[utoipa::path(put, path = "/api/v1/properties/{property}/trust", tag = "trust", security(("token" = [])),
    params(("property" = PropertyId, Path)), request_body = TrustChange,
    responses((status = 200, body = Trust), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn set(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<PropertyId>,
    Body(body): Body<TrustChange>,
) -> Result<Json<Trust>> {
    trust::set(&app, &caller.actor, id, body).await.map(Json)
}

/// Have a property follow the default profile again.
#[utoipa::path(delete, path = "/api/v1/properties/{property}/trust", tag = "trust", security(("token" = [])),
    params(("property" = PropertyId, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub async fn remove(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<PropertyId>) -> Result<StatusCode> {
    trust::remove(&app, &caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The trust profile of all properties without one of their own.
#[utoipa::path(get, path = "/api/v1/trust", tag = "trust", security(("token" = [])),
    responses((status = 200, body = Trust)))]
pub async fn default_of_all(State(app): State<Arc<App>>, _: Caller) -> Result<Json<Trust>> {
    trust::default_of_all(&app).await.map(Json)
}

/// Change the default trust profile.
#[utoipa::path(put, path = "/api/v1/trust", tag = "trust", security(("token" = [])), request_body = TrustChange,
    responses((status = 200, body = Trust), (status = 422, body = Problem)))]
pub async fn set_default(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(body): Body<TrustChange>,
) -> Result<Json<Trust>> {
    trust::set_default(&app, &caller.actor, body).await.map(Json)
}

/// The PBX of a property.
#[utoipa::path(get, path = "/api/v1/properties/{property}/pbx", tag = "trust", security(("token" = [])),
    params(("property" = PropertyId, Path)), responses((status = 200, body = Pbx), (status = 404, body = Problem)))]
pub async fn pbx(State(app): State<Arc<App>>, _: Caller, Path(id): Path<PropertyId>) -> Result<Json<Pbx>> {
    pbx::of_property(&app, id).await.map(Json)
}

/// Change the PBX of a property; an empty address takes it away.
#[utoipa::path(put, path = "/api/v1/properties/{property}/pbx", tag = "trust", security(("token" = [])),
    params(("property" = PropertyId, Path)), request_body = PbxChange,
    responses((status = 200, body = Pbx), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn set_pbx(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<PropertyId>,
    Body(body): Body<PbxChange>,
) -> Result<Json<Pbx>> {
    pbx::set(&app, &caller.actor, id, body).await.map(Json)
}
