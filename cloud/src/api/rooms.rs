//! Rooms and the phone in them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use contract::RoomId;
use contract::problem::Problem;
use contract::rest::{Accepted, AssignPhone, RoomChange, RoomDetail};

use super::extract::{Body, Caller, Operation};
use crate::app::{App, Result, rooms};

/// A room.
#[utoipa::path(get, path = "/api/v1/rooms/{room}", tag = "rooms", security(("token" = [])),
    params(("room" = RoomId, Path)), responses((status = 200, body = RoomDetail), (status = 404, body = Problem)))]
pub async fn one(State(app): State<Arc<App>>, _: Caller, Path(id): Path<RoomId>) -> Result<Json<RoomDetail>> {
    rooms::detail(&app, id).await.map(Json)
}

/// Change a room's number, extension or guest name; its phone follows.
#[utoipa::path(patch, path = "/api/v1/rooms/{room}", tag = "rooms", security(("token" = [])),
    params(("room" = RoomId, Path), ("Idempotency-Key" = Option<String>, Header), ("dry_run" = Option<bool>, Query)),
    request_body = RoomChange,
    responses((status = 202, body = Accepted), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<RoomId>,
    Body(body): Body<RoomChange>,
) -> Result<(StatusCode, Json<Accepted>)> {
    let once = operation.once_or_tried(&app, &caller, &body)?;
    Ok((StatusCode::ACCEPTED, Json(rooms::change(&app, &caller.actor, &once, id, body).await?)))
}

/// Put a phone into a room, or swap the one there.
#[utoipa::path(put, path = "/api/v1/rooms/{room}/phone", tag = "rooms", security(("token" = [])),
    params(("room" = RoomId, Path), ("Idempotency-Key" = Option<String>, Header), ("dry_run" = Option<bool>, Query)),
    request_body = AssignPhone,
    responses((status = 202, body = Accepted), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn assign(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<RoomId>,
    Body(body): Body<AssignPhone>,
) -> Result<(StatusCode, Json<Accepted>)> {
    let once = operation.once_or_tried(&app, &caller, &body)?;
    Ok((StatusCode::ACCEPTED, Json(rooms::assign(&app, &caller.actor, &once, id, body).await?)))
}

/// Take the phone out of a room.
#[utoipa::path(delete, path = "/api/v1/rooms/{room}/phone", tag = "rooms", security(("token" = [])),
    params(("room" = RoomId, Path)), responses((status = 202, body = Accepted), (status = 404, body = Problem)))]
pub async fn unassign(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<RoomId>,
) -> Result<(StatusCode, Json<Accepted>)> {
    Ok((StatusCode::ACCEPTED, Json(rooms::unassign(&app, &caller.actor, id).await?)))
}
