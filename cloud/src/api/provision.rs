//! Where a property's phones fetch their configuration files.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use contract::problem::Problem;
use contract::rest::{FirstFetch, Provisioning, ProvisioningChange};
use contract::{PhoneId, PropertyId};

use super::extract::{Body, Caller};
use crate::app::{App, Result, provision};

/// Where a property's phones fetch configuration files, and whether new phones are taken by it.
#[utoipa::path(get, path = "/api/v1/properties/{property}/provisioning", tag = "provisioning", security(("token" = [])),
    params(("property" = PropertyId, Path)),
    responses((status = 200, body = Provisioning), (status = 404, body = Problem)))]
pub async fn of_property(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<PropertyId>,
) -> Result<Json<Provisioning>> {
    provision::of_property(&app, id).await.map(Json)
}

/// Serve files to a property's phones or not, make a new address, take new phones until a time.
#[utoipa::path(put, path = "/api/v1/properties/{property}/provisioning", tag = "provisioning", security(("token" = [])),
    params(("property" = PropertyId, Path)), request_body = ProvisioningChange,
    responses((status = 200, body = Provisioning), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn set(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<PropertyId>,
    Body(body): Body<ProvisioningChange>,
) -> Result<Json<Provisioning>> {
    provision::set(&app, &caller.actor, id, body).await.map(Json)
}

/// Make what a phone fetches its file with once, before it has credentials of its own.
#[utoipa::path(post, path = "/api/v1/phones/{phone}/first-fetch", tag = "provisioning", security(("token" = [])),
    params(("phone" = PhoneId, Path)),
    responses((status = 200, body = FirstFetch), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn first_fetch(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<PhoneId>,
) -> Result<Json<FirstFetch>> {
    provision::first_fetch(&app, &caller.actor, id).await.map(Json)
}
