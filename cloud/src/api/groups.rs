//! Chains, brands and room types.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use contract::problem::Problem;
use contract::rest::{Accepted, Brand, Chain, Named, RoomType, RoomsOfType};
use contract::{BrandId, ChainId, PropertyId, RoomTypeId};

use super::extract::{Body, Caller, Operation};
use crate::app::{App, Result, groups};

/// Every chain.
#[utoipa::path(get, path = "/api/v1/chains", tag = "properties", security(("token" = [])),
    responses((status = 200, body = Vec<Chain>)))]
pub async fn chains(State(app): State<Arc<App>>, _: Caller) -> Result<Json<Vec<Chain>>> {
    groups::chains(&app).await.map(Json)
}

/// The brands of a chain.
#[utoipa::path(get, path = "/api/v1/chains/{chain}/brands", tag = "properties", security(("token" = [])),
    params(("chain" = ChainId, Path)), responses((status = 200, body = Vec<Brand>), (status = 404, body = Problem)))]
pub async fn brands(State(app): State<Arc<App>>, _: Caller, Path(id): Path<ChainId>) -> Result<Json<Vec<Brand>>> {
    groups::brands(&app, id).await.map(Json)
}

/// Make a brand. Properties are put into it by changing them.
#[utoipa::path(post, path = "/api/v1/chains/{chain}/brands", tag = "properties", security(("token" = [])),
    params(("chain" = ChainId, Path)), request_body = Named,
    responses((status = 201, body = Brand), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn create_brand(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<ChainId>,
    Body(body): Body<Named>,
) -> Result<(StatusCode, Json<Brand>)> {
    Ok((StatusCode::CREATED, Json(groups::create_brand(&app, &caller.actor, id, body).await?)))
}

/// Rename a brand.
#[utoipa::path(patch, path = "/api/v1/brands/{brand}", tag = "properties", security(("token" = [])),
    params(("brand" = BrandId, Path)), request_body = Named,
    responses((status = 200, body = Brand), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn rename_brand(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<BrandId>,
    Body(body): Body<Named>,
) -> Result<Json<Brand>> {
    groups::rename_brand(&app, &caller.actor, id, body).await.map(Json)
}

/// Remove a brand and its values; its properties stay.
#[utoipa::path(delete, path = "/api/v1/brands/{brand}", tag = "properties", security(("token" = [])),
    params(("brand" = BrandId, Path)), responses((status = 202, body = Accepted), (status = 404, body = Problem)))]
pub async fn remove_brand(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<BrandId>,
) -> Result<(StatusCode, Json<Accepted>)> {
    Ok((StatusCode::ACCEPTED, Json(groups::remove_brand(&app, &caller.actor, id).await?)))
}

/// The room types of a property.
#[utoipa::path(get, path = "/api/v1/properties/{property}/room-types", tag = "rooms", security(("token" = [])),
    params(("property" = PropertyId, Path)),
    responses((status = 200, body = Vec<RoomType>), (status = 404, body = Problem)))]
pub async fn room_types(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<PropertyId>,
) -> Result<Json<Vec<RoomType>>> {
    groups::room_types(&app, id).await.map(Json)
}

/// Make a room type.
#[utoipa::path(post, path = "/api/v1/properties/{property}/room-types", tag = "rooms", security(("token" = [])),
    params(("property" = PropertyId, Path)), request_body = Named,
    responses((status = 201, body = RoomType), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn create_room_type(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<PropertyId>,
    Body(body): Body<Named>,
) -> Result<(StatusCode, Json<RoomType>)> {
    Ok((StatusCode::CREATED, Json(groups::create_room_type(&app, &caller.actor, id, body).await?)))
}

/// Rename a room type.
#[utoipa::path(patch, path = "/api/v1/room-types/{room_type}", tag = "rooms", security(("token" = [])),
    params(("room_type" = RoomTypeId, Path)), request_body = Named,
    responses((status = 200, body = RoomType), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn rename_room_type(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<RoomTypeId>,
    Body(body): Body<Named>,
) -> Result<Json<RoomType>> {
    groups::rename_room_type(&app, &caller.actor, id, body).await.map(Json)
}

/// Remove a room type and its values; its rooms stay.
#[utoipa::path(delete, path = "/api/v1/room-types/{room_type}", tag = "rooms", security(("token" = [])),
    params(("room_type" = RoomTypeId, Path)),
    responses((status = 202, body = Accepted), (status = 404, body = Problem)))]
pub async fn remove_room_type(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<RoomTypeId>,
) -> Result<(StatusCode, Json<Accepted>)> {
    Ok((StatusCode::ACCEPTED, Json(groups::remove_room_type(&app, &caller.actor, id).await?)))
}

/// Put many rooms into a type, or take them out of theirs.
#[utoipa::path(put, path = "/api/v1/properties/{property}/rooms/type", tag = "rooms", security(("token" = [])),
    params(("property" = PropertyId, Path), ("Idempotency-Key" = Option<String>, Header), ("dry_run" = Option<bool>, Query)),
    request_body = RoomsOfType,
    responses((status = 202, body = Accepted), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn set_type_of_rooms(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<PropertyId>,
    Body(body): Body<RoomsOfType>,
) -> Result<(StatusCode, Json<Accepted>)> {
    let once = operation.once_or_tried(&app, &caller, &body)?;
    Ok((StatusCode::ACCEPTED, Json(groups::set_type_of_rooms(&app, &caller.actor, &once, id, body).await?)))
}
