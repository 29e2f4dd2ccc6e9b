//! Where values come from, change sets, previews, drift.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use contract::problem::Problem;
use contract::rest::*;
use contract::*;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Body, Caller, Operation, fifty};
use crate::app::layers::{self, Scope};
use crate::app::{App, Result, configuration, drift};

/// Variables that values may hold.
#[utoipa::path(get, path = "/api/v1/settings/variables", tag = "settings", security(("token" = [])),
    responses((status = 200, body = Vec<VariableInfo>)))]
pub async fn variables(_: Caller) -> Json<Vec<VariableInfo>> {
    Json(layers::variables())
}

/// Every effective value of a phone, with its layer, what it overrides and what the phone says.
#[utoipa::path(get, path = "/api/v1/phones/{phone}/configuration", tag = "settings", security(("token" = [])),
    params(("phone" = PhoneId, Path)),
    responses((status = 200, body = Configuration), (status = 404, body = Problem)))]
pub async fn configuration(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<PhoneId>,
) -> Result<Json<Configuration>> {
    configuration::of_phone(&app, id).await.map(Json)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct HistoryQuery {
    /// `next` of the page before.
    before: Option<ChangeSetId>,
    /// 1 to 100.
    #[serde(default = "fifty")]
    limit: u32,
}

macro_rules! of_layer {
    ($($history:ident $preview:ident $id:ident $scope:ident $param:tt $path:tt $what:tt;)*) => {$(
        #[doc = concat!("Change sets of ", $what, ", the newest first.")]
        #[utoipa::path(get, path = concat!("/api/v1/", $path, "/settings/history"), tag = "settings",
            security(("token" = [])), params(($param = $id, Path), HistoryQuery),
            responses((status = 200, body = History), (status = 404, body = Problem)))]
        pub async fn $history(
            State(app): State<Arc<App>>,
            _: Caller,
            Path(id): Path<$id>,
            Query(query): Query<HistoryQuery>,
        ) -> Result<Json<History>> {
            layers::history(&app, Scope::$scope(id.0), query.before, query.limit).await.map(Json)
        }

        #[doc = concat!("What a change of ", $what, " would do. Nothing is stored.")]
        #[utoipa::path(post, path = concat!("/api/v1/", $path, "/settings/preview"), tag = "settings",
            security(("token" = [])), params(($param = $id, Path)), request_body = LayerChange,
            responses((status = 200, body = Preview), (status = 409, body = Problem), (status = 422, body = Problem)))]
        pub async fn $preview(
            State(app): State<Arc<App>>,
            _: Caller,
            Path(id): Path<$id>,
            Body(body): Body<LayerChange>,
        ) -> Result<Json<Preview>> {
            layers::preview(&app, Scope::$scope(id.0), body).await.map(Json)
        }
    )*};
}

of_layer! {
    history_of_chain preview_chain ChainId Chain "chain" "chains/{chain}" "a chain";
    history_of_brand preview_brand BrandId Brand "brand" "brands/{brand}" "a brand";
    history_of_property preview_property PropertyId Property "property" "properties/{property}" "a property";
    history_of_room_type preview_room_type RoomTypeId RoomType "room_type" "room-types/{room_type}" "a room type";
    history_of_room preview_room RoomId Room "room" "rooms/{room}" "a room";
    history_of_phone preview_phone PhoneId Phone "phone" "phones/{phone}" "a phone and every layer over it";
}

/// A change set, and how far it has come.
#[utoipa::path(get, path = "/api/v1/change-sets/{change_set}", tag = "settings", security(("token" = [])),
    params(("change_set" = ChangeSetId, Path)),
    responses((status = 200, body = ChangeSetDetail), (status = 404, body = Problem)))]
pub async fn change_set(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<ChangeSetId>,
) -> Result<Json<ChangeSetDetail>> {
    layers::detail(&app, id).await.map(Json)
}

/// Try again what phones of a change set did not take. Phones that have it, or are on their way to it, are left alone.
#[utoipa::path(post, path = "/api/v1/change-sets/{change_set}/retry", tag = "settings", security(("token" = [])),
    params(("change_set" = ChangeSetId, Path)),
    responses((status = 202, body = Accepted), (status = 404, body = Problem)))]
pub async fn retry(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<ChangeSetId>,
) -> Result<(StatusCode, Json<Accepted>)> {
    operation.once(&app, &caller, &())?;
    Ok((StatusCode::ACCEPTED, Json(layers::retry(&app, &caller.actor, id).await?)))
}

/// Take a change set back, by a new one.
#[utoipa::path(post, path = "/api/v1/change-sets/{change_set}/undo", tag = "settings", security(("token" = [])),
    params(("change_set" = ChangeSetId, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = Undo,
    responses((status = 202, body = Accepted), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub async fn undo(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<ChangeSetId>,
    Body(body): Body<Undo>,
) -> Result<(StatusCode, Json<Accepted>)> {
    let once = operation.once(&app, &caller, &body)?;
    Ok((StatusCode::ACCEPTED, Json(layers::undo(&app, &caller.actor, &once, id, body).await?)))
}

/// What taking a change set back would do. Nothing is stored.
#[utoipa::path(post, path = "/api/v1/change-sets/{change_set}/undo/preview", tag = "settings",
    security(("token" = [])), params(("change_set" = ChangeSetId, Path)), request_body = Undo,
    responses((status = 200, body = Preview), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub async fn preview_undo(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<ChangeSetId>,
    Body(body): Body<Undo>,
) -> Result<Json<Preview>> {
    layers::preview_undo(&app, id, body).await.map(Json)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct DriftQuery {
    /// Also values that were chosen to be left.
    #[serde(default)]
    kept: bool,
    #[serde(default)]
    offset: u64,
    /// 1 to 500.
    #[serde(default = "fifty")]
    limit: u32,
}

/// What phones of a property have of their own, because somebody changed it there.
#[utoipa::path(get, path = "/api/v1/properties/{property}/drift", tag = "settings", security(("token" = [])),
    params(("property" = PropertyId, Path), DriftQuery),
    responses((status = 200, body = DriftPage), (status = 404, body = Problem)))]
pub async fn drift(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<PropertyId>,
    Query(query): Query<DriftQuery>,
) -> Result<Json<DriftPage>> {
    drift::of_property(&app, id, query.kept, query.offset, query.limit).await.map(Json)
}

/// Restore, adopt or keep what a phone has of its own.
#[utoipa::path(post, path = "/api/v1/phones/{phone}/drift", tag = "settings", security(("token" = [])),
    params(("phone" = PhoneId, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = DriftDecision,
    responses((status = 202, body = Accepted), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn decide(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<PhoneId>,
    Body(body): Body<DriftDecision>,
) -> Result<(StatusCode, Json<Accepted>)> {
    let once = operation.once(&app, &caller, &body)?;
    Ok((StatusCode::ACCEPTED, Json(drift::decide(&app, &caller.actor, &once, id, body).await?)))
}
