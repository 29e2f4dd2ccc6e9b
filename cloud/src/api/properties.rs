//! Properties, their layout and their room board.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use contract::PropertyId;
use contract::problem::Problem;
use contract::rest::{Accepted, Board, CallSummary, Layout, NewProperty, Progress, Property, PropertyChange};

use super::extract::{Body, Caller, Operation};
use crate::app::{App, Result, board, calls, layers, property, tree};

/// Every property.
#[utoipa::path(get, path = "/api/v1/properties", tag = "properties", security(("token" = [])),
    responses((status = 200, body = Vec<Property>)))]
pub async fn list(State(app): State<Arc<App>>, _: Caller) -> Result<Json<Vec<Property>>> {
    board::properties(&app).await.map(Json)
}

/// Make a property.
#[utoipa::path(post, path = "/api/v1/properties", tag = "properties", security(("token" = [])), request_body = NewProperty,
    responses((status = 201, body = Property), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(body): Body<NewProperty>,
) -> Result<(StatusCode, Json<Property>)> {
    Ok((StatusCode::CREATED, Json(tree::create_property(&app, &caller.actor, body).await?)))
}

/// One property.
#[utoipa::path(get, path = "/api/v1/properties/{property}", tag = "properties", security(("token" = [])),
    params(("property" = PropertyId, Path)), responses((status = 200, body = Property), (status = 404, body = Problem)))]
pub async fn one(State(app): State<Arc<App>>, _: Caller, Path(id): Path<PropertyId>) -> Result<Json<Property>> {
    board::property(&app, id).await.map(Json)
}

/// Change a property's name, time zone, numbers or brand; its phones follow.
#[utoipa::path(patch, path = "/api/v1/properties/{property}", tag = "properties", security(("token" = [])),
    params(("property" = PropertyId, Path), ("Idempotency-Key" = Option<String>, Header), ("dry_run" = Option<bool>, Query)),
    request_body = PropertyChange,
    responses((status = 202, body = Accepted), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<PropertyId>,
    Body(body): Body<PropertyChange>,
) -> Result<(StatusCode, Json<Accepted>)> {
    let once = operation.once_or_tried(&app, &caller, &body)?;
    Ok((StatusCode::ACCEPTED, Json(property::change(&app, &caller.actor, &once, id, body).await?)))
}

/// The room board: every room by building and floor.
#[utoipa::path(get, path = "/api/v1/properties/{property}/board", tag = "properties", security(("token" = [])),
    params(("property" = PropertyId, Path)), responses((status = 200, body = Board), (status = 404, body = Problem)))]
pub async fn board(State(app): State<Arc<App>>, _: Caller, Path(id): Path<PropertyId>) -> Result<Json<Board>> {
    board::board(&app, id).await.map(Json)
}

/// Add buildings, floors and rooms. What exists stays as it is.
#[utoipa::path(post, path = "/api/v1/properties/{property}/layout", tag = "properties", security(("token" = [])),
    params(("property" = PropertyId, Path)), request_body = Layout,
    responses((status = 200, body = Property), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn add_layout(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<PropertyId>,
    Body(body): Body<Layout>,
) -> Result<Json<Property>> {
    tree::add_layout(&app, &caller.actor, id, body).await.map(Json)
}

/// How far the phones of a property are with what they should be.
#[utoipa::path(get, path = "/api/v1/properties/{property}/progress", tag = "properties", security(("token" = [])),
    params(("property" = PropertyId, Path)), responses((status = 200, body = Progress), (status = 404, body = Problem)))]
pub async fn progress(State(app): State<Arc<App>>, _: Caller, Path(id): Path<PropertyId>) -> Result<Json<Progress>> {
    layers::progress(&app, id).await.map(Json)
}

/// How calls of a property's phones sounded in the last 24 hours.
#[utoipa::path(get, path = "/api/v1/properties/{property}/calls", tag = "properties", security(("token" = [])),
    params(("property" = PropertyId, Path)), responses((status = 200, body = CallSummary), (status = 404, body = Problem)))]
pub async fn calls(State(app): State<Arc<App>>, _: Caller, Path(id): Path<PropertyId>) -> Result<Json<CallSummary>> {
    calls::of_property(&app, id).await.map(Json)
}
