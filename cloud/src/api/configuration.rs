//! A phone's configuration as a file, and backup packages. Files come and go as their bytes; passwords are never in an
//! address.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body as Bytes, to_bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use contract::problem::Problem;
use contract::rest::{BackupOrder, ConfigAudience, ConfigFormat, ConfigurationPreview, RestorePreview, SealedExport};
use contract::{PhoneId, PropertyId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Body, Caller, Operation};
use crate::app::error::invalid;
use crate::app::provision::{Export, MOST_PACKAGE, backup, export, restore, upload};
use crate::app::{App, Result};

/// The largest configuration file taken, in bytes: more than any is read from.
const MOST_FILE: usize = 1 << 20;
/// The header with the password of a file or package.
const PASSWORD: &str = "x-file-password";
/// What an encoded password begins with.
const EXTENDED: &str = "UTF-8''";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// `xml` (the default), `grouped-xml`, `p-xml`, `txt`, `p-txt` or `binary`.
    format: Option<ConfigFormat>,
    /// `bellhop` (the default): everything. `vendor`: what the vendor's phones read.
    audience: Option<ConfigAudience>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Apply {
    /// Change it; otherwise it is only said what would change.
    #[serde(default)]
    apply: bool,
}

/// A file to be kept by whoever asked.
pub(super) fn attachment(export: Export) -> Response {
    let mut response = export.bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(export.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = export.name.chars().map(plain).collect();
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

async fn whole(body: Bytes, most: usize, field: &str) -> Result<Vec<u8>> {
    let bytes = to_bytes(body, most).await;
    let bytes = bytes.map_err(|_| invalid(field, format!("The body is larger than {most} bytes, or was cut off.")))?;
    Ok(bytes.to_vec())
}

fn password(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get(PASSWORD) else { return Ok(None) };
    let text = std::str::from_utf8(value.as_bytes()).ok().filter(|text| text.len() <= 800);
    // Browsers send Latin-1 and drop blanks at the ends; in this form everything arrives (RFC 8187 §3.2).
    let text = text.and_then(|text| match text.strip_prefix(EXTENDED) {
        Some(encoded) => percent_encoding::percent_decode_str(encoded).decode_utf8().ok().map(String::from),
        None => Some(text.to_owned()),
    });
    match text.filter(|text| text.len() <= 256) {
        Some(text) => Ok(Some(text)),
        None => Err(invalid("X-File-Password", "The password is at most 256 bytes of UTF-8.")),
    }
}

/// A package and its password.
async fn package(request: Request) -> Result<(Vec<u8>, String)> {
    let password = password(request.headers())?.unwrap_or_default();
    Ok((whole(request.into_body(), MOST_PACKAGE, "package").await?, password))
}

/// What a phone is to be, as a file; secrets are left out.
#[utoipa::path(get, path = "/api/v1/phones/{phone}/configuration/file", tag = "configuration", security(("token" = [])),
    params(("phone" = PhoneId, Path), Wanted),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>), (status = 404, body = Problem)))]
pub async fn download(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<PhoneId>,
    Query(wanted): Query<Wanted>,
) -> Result<Response> {
    let format = wanted.format.unwrap_or(ConfigFormat::Xml);
    let audience = wanted.audience.unwrap_or(ConfigAudience::Bellhop);
    export::plain(&app, id, format, audience).await.map(attachment)
}

/// The same with every secret, encrypted with a password.
#[utoipa::path(post, path = "/api/v1/phones/{phone}/configuration/file/sealed", tag = "configuration",
    security(("token" = [])), params(("phone" = PhoneId, Path)), request_body = SealedExport,
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub async fn download_sealed(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<PhoneId>,
    Body(body): Body<SealedExport>,
) -> Result<Response> {
    export::sealed(&app, &caller.actor, id, &body).await.map(attachment)
}

/// What a configuration file of any format changes on a phone, or changing it; the body is the file.
#[utoipa::path(post, path = "/api/v1/phones/{phone}/configuration/file", tag = "configuration", security(("token" = [])),
    params(("phone" = PhoneId, Path), Apply, ("X-File-Password" = Option<String>, Header),
        ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = ConfigurationPreview), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn send(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<PhoneId>,
    Query(query): Query<Apply>,
    request: Request,
) -> Result<Json<ConfigurationPreview>> {
    let password = password(request.headers())?;
    let file = whole(request.into_body(), MOST_FILE, "file").await?;
    let once = operation.once(&app, &caller, &(&file, query.apply))?;
    let file = (file.as_slice(), password.as_deref());
    upload(&app, &caller.actor, &once, id, file, query.apply).await.map(Json)
}

/// A package of a phone's configuration, room and layers.
#[utoipa::path(post, path = "/api/v1/phones/{phone}/backup", tag = "configuration", security(("token" = [])),
    params(("phone" = PhoneId, Path)), request_body = BackupOrder,
    responses((status = 200, content_type = "application/x-tar", body = Vec<u8>), (status = 404, body = Problem)))]
pub async fn backup_phone(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<PhoneId>,
    Body(body): Body<BackupOrder>,
) -> Result<Response> {
    backup::of_phone(&app, &caller.actor, id, &body).await.map(attachment)
}

/// A package of a property's rooms, phones and layers.
#[utoipa::path(post, path = "/api/v1/properties/{property}/backup", tag = "configuration", security(("token" = [])),
    params(("property" = PropertyId, Path)), request_body = BackupOrder,
    responses((status = 200, content_type = "application/x-tar", body = Vec<u8>), (status = 404, body = Problem)))]
pub async fn backup_property(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<PropertyId>,
    Body(body): Body<BackupOrder>,
) -> Result<Response> {
    backup::of_property(&app, &caller.actor, id, &body).await.map(attachment)
}

/// What a package changes on a phone's own layer, or putting it back; the body is the package.
#[utoipa::path(post, path = "/api/v1/phones/{phone}/restore", tag = "configuration", security(("token" = [])),
    params(("phone" = PhoneId, Path), Apply, ("X-File-Password" = Option<String>, Header)),
    request_body(content = Vec<u8>, content_type = "application/x-tar"),
    responses((status = 200, body = RestorePreview), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn restore_phone(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<PhoneId>,
    Query(query): Query<Apply>,
    request: Request,
) -> Result<Json<RestorePreview>> {
    restore::of_phone(&app, &caller.actor, id, package(request).await?, query.apply).await.map(Json)
}

/// The same for all layers of a property.
#[utoipa::path(post, path = "/api/v1/properties/{property}/restore", tag = "configuration", security(("token" = [])),
    params(("property" = PropertyId, Path), Apply, ("X-File-Password" = Option<String>, Header)),
    request_body(content = Vec<u8>, content_type = "application/x-tar"),
    responses((status = 200, body = RestorePreview), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn restore_property(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<PropertyId>,
    Query(query): Query<Apply>,
    request: Request,
) -> Result<Json<RestorePreview>> {
    restore::of_property(&app, &caller.actor, id, package(request).await?, query.apply).await.map(Json)
}
