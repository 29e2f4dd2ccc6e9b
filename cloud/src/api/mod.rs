//! The REST API, `/api/v1`. Handlers take what was asked apart and call a use case; the OpenAPI document is made from
//! the same declarations that make the routes.

mod accounts;
mod auth;
mod claims;
mod configuration;
mod extract;
mod files;
mod groups;
mod imports;
mod jobs;
mod layers;
mod lint;
mod live;
mod parameters;
mod phones;
mod problem;
mod properties;
mod provision;
mod rooms;
mod sessions;
mod settings;
mod tasks;
mod trust;
mod wake;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use contract::rest::MAX_IMPORT_BYTES;
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use crate::app::App;

/// The largest request body, in bytes: a layout of some thousand rooms fits.
const MAX_BODY: usize = 1024 * 1024;

#[derive(OpenApi)]
#[openapi(
    info(title = "Bellhop", description = "Rooms and phones of a hotel chain.", license(name = "Apache-2.0")),
    modifiers(&BearerToken)
)]
struct Document;

struct BearerToken;

impl utoipa::Modify for BearerToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(auth::login))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::logout))
        .routes(routes!(auth::me))
        .routes(routes!(properties::list, properties::create))
        .routes(routes!(properties::one, properties::change))
        .routes(routes!(properties::board))
        .routes(routes!(properties::add_layout))
        .routes(routes!(properties::progress))
        .routes(routes!(properties::calls))
        .routes(routes!(groups::chains))
        .routes(routes!(groups::brands, groups::create_brand))
        .routes(routes!(groups::rename_brand, groups::remove_brand))
        .routes(routes!(groups::room_types, groups::create_room_type))
        .routes(routes!(groups::rename_room_type, groups::remove_room_type))
        .routes(routes!(groups::set_type_of_rooms))
        .routes(routes!(settings::of_chain, settings::change_chain))
        .routes(routes!(settings::of_brand, settings::change_brand))
        .routes(routes!(settings::of_room_type, settings::change_room_type))
        .routes(routes!(settings::of_property, settings::change_property))
        .routes(routes!(settings::of_room, settings::change_room))
        .routes(routes!(settings::of_phone, settings::change_phone))
        .routes(routes!(layers::variables))
        .routes(routes!(layers::configuration))
        .routes(routes!(layers::history_of_chain))
        .routes(routes!(layers::history_of_brand))
        .routes(routes!(layers::history_of_property))
        .routes(routes!(layers::history_of_room_type))
        .routes(routes!(layers::history_of_room))
        .routes(routes!(layers::history_of_phone))
        .routes(routes!(layers::preview_chain))
        .routes(routes!(layers::preview_brand))
        .routes(routes!(layers::preview_property))
        .routes(routes!(layers::preview_room_type))
        .routes(routes!(layers::preview_room))
        .routes(routes!(layers::preview_phone))
        .routes(routes!(layers::change_set))
        .routes(routes!(layers::retry))
        .routes(routes!(layers::undo))
        .routes(routes!(layers::preview_undo))
        .routes(routes!(layers::drift))
        .routes(routes!(layers::decide))
        .routes(routes!(rooms::one, rooms::change))
        .routes(routes!(rooms::assign, rooms::unassign))
        .routes(routes!(phones::list))
        .routes(routes!(phones::new_phones))
        .routes(routes!(phones::announce))
        .routes(routes!(phones::one, phones::remove))
        .routes(routes!(phones::accept))
        .routes(routes!(phones::push))
        .routes(routes!(tasks::create))
        .routes(routes!(parameters::page))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::step))
        .routes(routes!(files::list, files::store))
        .routes(routes!(files::content, files::remove))
        .routes(routes!(imports::list, imports::create).layer(DefaultBodyLimit::max(MAX_IMPORT_BYTES)))
        .routes(routes!(imports::one, imports::remove))
        .routes(routes!(imports::findings))
        .routes(routes!(imports::rows))
        .routes(routes!(imports::remap))
        .routes(routes!(imports::apply))
        .routes(routes!(imports::undo))
        .routes(routes!(imports::export))
        .routes(routes!(imports::gdms_addresses))
        .routes(routes!(imports::gdms_sites))
        .routes(routes!(imports::from_gdms))
        .routes(routes!(wake::wake))
        .routes(routes!(trust::of_property, trust::set, trust::remove))
        .routes(routes!(trust::default_of_all, trust::set_default))
        .routes(routes!(trust::pbx, trust::set_pbx))
        .routes(routes!(accounts::servers, accounts::create_server))
        .routes(routes!(accounts::change_server, accounts::remove_server))
        .routes(routes!(accounts::pools, accounts::create_pool))
        .routes(routes!(accounts::change_pool, accounts::remove_pool))
        .routes(routes!(accounts::fill))
        .routes(routes!(accounts::list, accounts::create))
        .routes(routes!(accounts::export))
        .routes(routes!(accounts::one, accounts::change, accounts::remove))
        .routes(routes!(accounts::assign))
        .routes(routes!(accounts::unassign))
        .routes(routes!(accounts::renew))
        .routes(routes!(lint::of_phone))
        .routes(routes!(lint::of_property))
        .routes(routes!(lint::emergency_numbers, lint::set_emergency_numbers))
        .routes(routes!(provision::of_property, provision::set))
        .routes(routes!(provision::first_fetch))
        .routes(routes!(configuration::download, configuration::send))
        .routes(routes!(configuration::download_sealed))
        .routes(routes!(configuration::backup_phone))
        .routes(routes!(configuration::backup_property))
        .routes(routes!(configuration::restore_phone))
        .routes(routes!(configuration::restore_property))
        .routes(routes!(claims::settings, claims::set))
        .routes(routes!(claims::list))
        .routes(routes!(claims::accept))
        .routes(routes!(claims::reject))
        .routes(routes!(jobs::retry))
        .routes(routes!(jobs::cancel))
        .routes(routes!(jobs::quarantine))
        .routes(routes!(live::ticket))
        .routes(routes!(live::stream))
}

/// The API with its document, and the browser application.
pub fn router(app: Arc<App>) -> Router {
    let (api, document) = operations().split_for_parts();
    let api = api
        .route("/api/v1/openapi.json", get(move || async move { Json(document) }))
        .route("/api/v1/health", get(health))
        .route("/api/{*rest}", axum::routing::any(|| async { StatusCode::NOT_FOUND }))
        .layer(middleware::map_response(problem::explain))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(app.clone());
    let root = &app.config.server.web_root;
    let pages = ServeDir::new(root).precompressed_gzip().fallback(ServeFile::new(root.join("index.html")));
    let pages = Router::new().fallback_service(pages).layer(middleware::from_fn(keep_fingerprinted));
    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    Router::new()
        .merge(api)
        .merge(pages)
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::REFERRER_POLICY, "same-origin"))
        .layer(header(header::X_FRAME_OPTIONS, "DENY"))
        .layer(header(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; \
             img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
        ))
        .layer(header(header::CACHE_CONTROL, "no-cache"))
}

/// A file with its content's fingerprint in the name never changes, so a browser may keep it; everything else is asked
/// for again.
async fn keep_fingerprinted(request: Request, next: middleware::Next) -> Response {
    let fingerprinted = is_fingerprinted(request.uri().path());
    let mut response = next.run(request).await;
    if fingerprinted && response.status().is_success() {
        let keep = HeaderValue::from_static("public, max-age=31536000, immutable");
        response.headers_mut().insert(header::CACHE_CONTROL, keep);
    }
    response
}

fn is_fingerprinted(path: &str) -> bool {
    let Some((_, name)) = path.rsplit_once('-') else { return false };
    name.len() > 16
        && name.bytes().take(16).all(|byte| byte.is_ascii_hexdigit())
        && matches!(name.as_bytes()[16], b'.' | b'_')
}

/// The OpenAPI document as JSON.
pub fn openapi_json() -> anyhow::Result<String> {
    Ok(operations().split_for_parts().1.to_pretty_json()?)
}

/// 200 while the database answers.
async fn health(axum::extract::State(app): axum::extract::State<Arc<App>>) -> impl IntoResponse {
    match app.db.read().ping().await {
        Ok(()) => (StatusCode::OK, "ok\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::is_fingerprinted;

    #[test]
    fn tells_fingerprinted_files_from_pages() {
        assert!(is_fingerprinted("/app-506b4047b69218a3_bg.wasm"));
        assert!(is_fingerprinted("/start-0dca4caf8eb8fdfe.js"));
        for path in [
            "/",
            "/index.html",
            "/p/0190-4c5e/rooms",
            "/phones/01a206ce-a34a-73b1-86e9-9887e518d3ea",
            "/a-506b4047b69218a3",
        ] {
            assert!(!is_fingerprinted(path), "{path}");
        }
    }
}
