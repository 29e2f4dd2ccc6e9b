//! Files for phones, and files from phones.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use contract::FileId;
use contract::problem::Problem;
use contract::rest::FileView;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::Caller;
use crate::app::{App, Result, files};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct NewFile {
    /// 1 to 120 characters.
    name: String,
    /// One of TR-069's, for example `1 Firmware Upgrade Image`.
    file_type: String,
}

/// All files, the newest first.
#[utoipa::path(get, path = "/api/v1/files", tag = "files", security(("token" = [])),
    responses((status = 200, body = Vec<FileView>)))]
pub async fn list(State(app): State<Arc<App>>, _: Caller) -> Result<Json<Vec<FileView>>> {
    files::list(&app).await.map(Json)
}

/// Keep a file of at most 64 MiB; the body is its bytes.
#[utoipa::path(post, path = "/api/v1/files", tag = "files", security(("token" = [])), params(NewFile),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = FileView), (status = 422, body = Problem)))]
pub async fn store(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<NewFile>,
    request: Request,
) -> Result<(StatusCode, Json<FileView>)> {
    let new = files::New { name: query.name, file_type: query.file_type, phone: None };
    let body = request.into_body().into_data_stream();
    Ok((StatusCode::CREATED, Json(files::store(&app, &caller.actor, new, body).await?)))
}

/// A file's bytes.
#[utoipa::path(get, path = "/api/v1/files/{file}", tag = "files", security(("token" = [])),
    params(("file" = FileId, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>), (status = 404, body = Problem)))]
pub async fn content(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<FileId>,
    headers: HeaderMap,
) -> Result<Response> {
    let row = files::find(&app, id).await?;
    Ok(crate::files::content(app, &row, &headers, true))
}

/// Remove a file. Phones that were told to fetch it find nothing.
#[utoipa::path(delete, path = "/api/v1/files/{file}", tag = "files", security(("token" = [])),
    params(("file" = FileId, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub async fn remove(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<FileId>) -> Result<StatusCode> {
    files::remove(&app, &caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
