//! Values of a layer, from the chain down to a phone.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use contract::problem::Problem;
use contract::rest::{Accepted, LayerChange, LayerValues};
use contract::{BrandId, ChainId, PhoneId, PropertyId, RoomId, RoomTypeId};

use super::extract::{Body, Caller, Operation};
use crate::app::layers::{self, Scope};
use crate::app::{App, Result};

type Answer = Result<(StatusCode, Json<Accepted>)>;

async fn put(app: &App, caller: &Caller, operation: &Operation, scope: Scope, body: LayerChange) -> Answer {
    let once = operation.once(app, caller, &body)?;
    Ok((StatusCode::ACCEPTED, Json(layers::change(app, &caller.actor, &once, scope, body).await?)))
}

/// What a chain sets for its phones.
#[utoipa::path(get, path = "/api/v1/chains/{chain}/settings", tag = "settings", security(("token" = [])),
    params(("chain" = ChainId, Path)), responses((status = 200, body = LayerValues), (status = 404, body = Problem)))]
pub async fn of_chain(State(app): State<Arc<App>>, _: Caller, Path(id): Path<ChainId>) -> Result<Json<LayerValues>> {
    layers::values(&app, Scope::Chain(id.0)).await.map(Json)
}

/// Set or remove values for a whole chain; it may lock them.
#[utoipa::path(put, path = "/api/v1/chains/{chain}/settings", tag = "settings", security(("token" = [])),
    params(("chain" = ChainId, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = LayerChange,
    responses((status = 202, body = Accepted), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn change_chain(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<ChainId>,
    Body(body): Body<LayerChange>,
) -> Answer {
    put(&app, &caller, &operation, Scope::Chain(id.0), body).await
}

/// What a brand sets for its phones.
#[utoipa::path(get, path = "/api/v1/brands/{brand}/settings", tag = "settings", security(("token" = [])),
    params(("brand" = BrandId, Path)), responses((status = 200, body = LayerValues), (status = 404, body = Problem)))]
pub async fn of_brand(State(app): State<Arc<App>>, _: Caller, Path(id): Path<BrandId>) -> Result<Json<LayerValues>> {
    layers::values(&app, Scope::Brand(id.0)).await.map(Json)
}

/// Set or remove values for all properties of a brand; it may lock them.
#[utoipa::path(put, path = "/api/v1/brands/{brand}/settings", tag = "settings", security(("token" = [])),
    params(("brand" = BrandId, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = LayerChange,
    responses((status = 202, body = Accepted), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn change_brand(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<BrandId>,
    Body(body): Body<LayerChange>,
) -> Answer {
    put(&app, &caller, &operation, Scope::Brand(id.0), body).await
}

/// What a room type sets for its phones.
#[utoipa::path(get, path = "/api/v1/room-types/{room_type}/settings", tag = "settings", security(("token" = [])),
    params(("room_type" = RoomTypeId, Path)), responses((status = 200, body = LayerValues), (status = 404, body = Problem)))]
pub async fn of_room_type(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<RoomTypeId>,
) -> Result<Json<LayerValues>> {
    layers::values(&app, Scope::RoomType(id.0)).await.map(Json)
}

/// Set or remove values for all rooms of a type; it may lock them.
#[utoipa::path(put, path = "/api/v1/room-types/{room_type}/settings", tag = "settings", security(("token" = [])),
    params(("room_type" = RoomTypeId, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = LayerChange,
    responses((status = 202, body = Accepted), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn change_room_type(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<RoomTypeId>,
    Body(body): Body<LayerChange>,
) -> Answer {
    put(&app, &caller, &operation, Scope::RoomType(id.0), body).await
}

/// What a property sets for all its phones.
#[utoipa::path(get, path = "/api/v1/properties/{property}/settings", tag = "settings", security(("token" = [])),
    params(("property" = PropertyId, Path)), responses((status = 200, body = LayerValues), (status = 404, body = Problem)))]
pub async fn of_property(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<PropertyId>,
) -> Result<Json<LayerValues>> {
    layers::values(&app, Scope::Property(id.0)).await.map(Json)
}

/// Set or remove values for a whole property; it may lock them.
#[utoipa::path(put, path = "/api/v1/properties/{property}/settings", tag = "settings", security(("token" = [])),
    params(("property" = PropertyId, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = LayerChange,
    responses((status = 202, body = Accepted), (status = 422, body = Problem)))]
pub async fn change_property(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<PropertyId>,
    Body(body): Body<LayerChange>,
) -> Answer {
    put(&app, &caller, &operation, Scope::Property(id.0), body).await
}

/// What a room sets for its phone.
#[utoipa::path(get, path = "/api/v1/rooms/{room}/settings", tag = "settings", security(("token" = [])),
    params(("room" = RoomId, Path)), responses((status = 200, body = LayerValues), (status = 404, body = Problem)))]
pub async fn of_room(State(app): State<Arc<App>>, _: Caller, Path(id): Path<RoomId>) -> Result<Json<LayerValues>> {
    layers::values(&app, Scope::Room(id.0)).await.map(Json)
}

/// Set or remove values of a room, for example its SIP password.
#[utoipa::path(put, path = "/api/v1/rooms/{room}/settings", tag = "settings", security(("token" = [])),
    params(("room" = RoomId, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = LayerChange,
    responses((status = 202, body = Accepted), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn change_room(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<RoomId>,
    Body(body): Body<LayerChange>,
) -> Answer {
    put(&app, &caller, &operation, Scope::Room(id.0), body).await
}

/// What is set for one phone alone.
#[utoipa::path(get, path = "/api/v1/phones/{phone}/settings", tag = "settings", security(("token" = [])),
    params(("phone" = PhoneId, Path)), responses((status = 200, body = LayerValues), (status = 404, body = Problem)))]
pub async fn of_phone(State(app): State<Arc<App>>, _: Caller, Path(id): Path<PhoneId>) -> Result<Json<LayerValues>> {
    layers::values(&app, Scope::Phone(id.0)).await.map(Json)
}

/// Set or remove values of one phone.
#[utoipa::path(put, path = "/api/v1/phones/{phone}/settings", tag = "settings", security(("token" = [])),
    params(("phone" = PhoneId, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = LayerChange,
    responses((status = 202, body = Accepted), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn change_phone(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<PhoneId>,
    Body(body): Body<LayerChange>,
) -> Answer {
    put(&app, &caller, &operation, Scope::Phone(id.0), body).await
}
