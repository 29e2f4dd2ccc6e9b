//! Importing rooms and phones, and exporting them.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use contract::problem::Problem;
use contract::rest::*;
use contract::{ImportId, PropertyId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Body, Caller, Operation};
use crate::app::error::invalid;
use crate::app::{App, Result, imports};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct NewImport {
    /// The file's name, for people.
    #[serde(default)]
    name: String,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct FindingQuery {
    #[serde(default)]
    offset: u32,
    /// 1 to 500; 50 unless given.
    limit: Option<u32>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct RowQuery {
    /// Only rows with this action.
    action: Option<RowAction>,
    #[serde(default)]
    offset: u32,
    /// 1 to 500; 50 unless given.
    limit: Option<u32>,
}

/// Imports of a property, the newest first. They are kept for a day.
#[utoipa::path(get, path = "/api/v1/properties/{property}/imports", tag = "imports", security(("token" = [])),
    params(("property" = PropertyId, Path)),
    responses((status = 200, body = Vec<ImportSummary>), (status = 404, body = Problem)))]
pub async fn list(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<PropertyId>,
) -> Result<Json<Vec<ImportSummary>>> {
    imports::list(&app, id).await.map(Json)
}

/// Read a file of rooms and phones (CSV, .xlsx or .ods, at most 10 MiB; the body is its bytes) and try it. Nothing is changed yet.
#[utoipa::path(post, path = "/api/v1/properties/{property}/imports", tag = "imports", security(("token" = [])),
    params(("property" = PropertyId, Path), NewImport),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = Import), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<PropertyId>,
    Query(query): Query<NewImport>,
    request: Request,
) -> Result<(StatusCode, Json<Import>)> {
    let place = imports::reader(&app)?;
    let bytes = Bytes::from_request(request, &app)
        .await
        .map_err(|_| invalid("file", "The file is larger than 10 MiB, or was cut off. Split it."))?;
    Ok((StatusCode::CREATED, Json(imports::create(&app, &caller.actor, id, &query.name, bytes, place).await?)))
}

/// One import: what its columns were taken for, what applying it would do, and what is wrong.
#[utoipa::path(get, path = "/api/v1/imports/{import}", tag = "imports", security(("token" = [])),
    params(("import" = ImportId, Path)), responses((status = 200, body = Import), (status = 404, body = Problem)))]
pub async fn one(State(app): State<Arc<App>>, _: Caller, Path(id): Path<ImportId>) -> Result<Json<Import>> {
    imports::one(&app, id).await.map(Json)
}

/// Errors and warnings of an import, in the order of its rows.
#[utoipa::path(get, path = "/api/v1/imports/{import}/findings", tag = "imports", security(("token" = [])),
    params(("import" = ImportId, Path), FindingQuery),
    responses((status = 200, body = FindingPage), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn findings(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<ImportId>,
    Query(query): Query<FindingQuery>,
) -> Result<Json<FindingPage>> {
    imports::findings(&app, id, query.offset, query.limit.unwrap_or(50)).await.map(Json)
}

/// Rows of an import with what they change.
#[utoipa::path(get, path = "/api/v1/imports/{import}/rows", tag = "imports", security(("token" = [])),
    params(("import" = ImportId, Path), RowQuery),
    responses((status = 200, body = ImportRowPage), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn rows(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<ImportId>,
    Query(query): Query<RowQuery>,
) -> Result<Json<ImportRowPage>> {
    imports::rows(&app, id, query.action, query.offset, query.limit.unwrap_or(50)).await.map(Json)
}

/// Take columns for something else, and try it again.
#[utoipa::path(put, path = "/api/v1/imports/{import}/mapping", tag = "imports", security(("token" = [])),
    params(("import" = ImportId, Path)), request_body = ImportMapping,
    responses((status = 200, body = Import), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn remap(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<ImportId>,
    Body(body): Body<ImportMapping>,
) -> Result<Json<Import>> {
    imports::remap(&app, &caller.actor, id, body).await.map(Json)
}

/// Begin to apply an import; it goes on beside, and `rows_done` shows how far it is.
#[utoipa::path(post, path = "/api/v1/imports/{import}/apply", tag = "imports", security(("token" = [])),
    params(("import" = ImportId, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = ApplyImport,
    responses((status = 202, body = ImportSummary), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn apply(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<ImportId>,
    Body(body): Body<ApplyImport>,
) -> Result<(StatusCode, Json<ImportSummary>)> {
    let once = operation.once(&app, &caller, &body)?;
    Ok((StatusCode::ACCEPTED, Json(imports::apply(&app, &caller.actor, &once, id, body).await?)))
}

/// Take back what an import set among the settings of rooms and phones. Rooms, phones and accounts stay as they are. Values
/// that were changed again since are left alone, unless `force`. Repeated, it goes on with what is left.
#[utoipa::path(post, path = "/api/v1/imports/{import}/undo", tag = "imports", security(("token" = [])),
    params(("import" = ImportId, Path)), request_body = Undo,
    responses((status = 202, body = ImportUndone), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub async fn undo(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<ImportId>,
    Body(body): Body<Undo>,
) -> Result<(StatusCode, Json<ImportUndone>)> {
    Ok((StatusCode::ACCEPTED, Json(imports::undo(&app, &caller.actor, id, body).await?)))
}

/// Forget an import. What it did stays.
#[utoipa::path(delete, path = "/api/v1/imports/{import}", tag = "imports", security(("token" = [])),
    params(("import" = ImportId, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub async fn remove(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<ImportId>) -> Result<StatusCode> {
    imports::remove(&app, &caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A property's rooms and phones as CSV, in the shape an import takes. Secrets are masked.
#[utoipa::path(get, path = "/api/v1/properties/{property}/export.csv", tag = "imports", security(("token" = [])),
    params(("property" = PropertyId, Path)),
    responses((status = 200, content_type = "text/csv", body = String), (status = 404, body = Problem)))]
pub async fn export(State(app): State<Arc<App>>, _: Caller, Path(id): Path<PropertyId>) -> Result<impl IntoResponse> {
    let (name, bytes) = imports::csv(&app, id).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, bytes))
}

/// Addresses at which this server may read GDMS accounts: `import.gdms` of its configuration.
#[utoipa::path(get, path = "/api/v1/gdms/addresses", tag = "imports", security(("token" = [])),
    responses((status = 200, body = Vec<String>)))]
pub async fn gdms_addresses(State(app): State<Arc<App>>, _: Caller) -> Json<Vec<String>> {
    Json(imports::gdms_addresses(&app))
}

/// Organisations and sites of a GDMS account. Nothing of the login is stored.
#[utoipa::path(post, path = "/api/v1/gdms/sites", tag = "imports", security(("token" = [])), request_body = GdmsLogin,
    responses((status = 200, body = Vec<GdmsOrganisation>), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn gdms_sites(
    State(app): State<Arc<App>>,
    _: Caller,
    Body(body): Body<GdmsLogin>,
) -> Result<Json<Vec<GdmsOrganisation>>> {
    imports::gdms_sites(&app, body).await.map(Json)
}

/// Begin to read a GDMS account's devices; it goes on beside, and ends as an import that may be applied.
#[utoipa::path(post, path = "/api/v1/properties/{property}/imports/gdms", tag = "imports", security(("token" = [])),
    params(("property" = PropertyId, Path)), request_body = GdmsImport,
    responses((status = 202, body = ImportSummary), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn from_gdms(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<PropertyId>,
    Body(body): Body<GdmsImport>,
) -> Result<(StatusCode, Json<ImportSummary>)> {
    Ok((StatusCode::ACCEPTED, Json(imports::create_from_gdms(&app, &caller.actor, id, body).await?)))
}
