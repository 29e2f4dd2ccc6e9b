//! Where phones fetch their configuration files: GET and HEAD of any name, every limit first. What a request is answered is
//! decided by `app::provision`.

mod body;
pub mod tftp;
mod tftp_packet;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_digest::BasicCredentials;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use tokio::sync::Semaphore;

use crate::app::provision::answer::{Answer, Asked, answer};
use crate::app::{App, AppError};
use crate::secrets::random_fraction;
use crate::serve::Line;

/// Requests answered at once; more are asked to come back.
const AT_ONCE: usize = 128;
/// The longest target, and the longest value of a header that is looked at, in bytes.
const MOST_TARGET: usize = 512;
const MOST_VALUE: usize = 4096;

#[derive(Clone)]
struct Desk {
    app: Arc<App>,
    places: Arc<Semaphore>,
}

/// Serves every path.
pub fn router(app: Arc<App>) -> Router {
    Router::new().fallback(serve).with_state(Desk { app, places: Arc::new(Semaphore::new(AT_ONCE)) })
}

async fn serve(
    State(desk): State<Desk>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(line): Extension<Line>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    if target.len() > MOST_TARGET {
        return StatusCode::URI_TOO_LONG.into_response();
    }
    if parts.headers.values().any(|value| value.len() > MOST_VALUE) {
        return StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response();
    }
    let Ok(_place) = desk.places.try_acquire() else { return later(StatusCode::SERVICE_UNAVAILABLE, 5, 10) };
    let client = peer.ip().to_canonical().to_string();
    let asked = Asked {
        method: parts.method.as_str(),
        target,
        path: parts.uri.path(),
        authorization: text(&parts.headers, header::AUTHORIZATION).filter(|value| !is_blank(value)),
        user_agent: text(&parts.headers, header::USER_AGENT).unwrap_or_default(),
        if_none_match: text(&parts.headers, header::IF_NONE_MATCH),
        if_modified_since: text(&parts.headers, header::IF_MODIFIED_SINCE).and_then(parse_date),
        client: &client,
        tls: line.tls,
        shown: line.shown.as_ref(),
        tftp: false,
    };
    match answer(&desk.app, &asked).await {
        Ok(answer) => respond(answer),
        Err(AppError::Refused(problem)) => {
            (StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST), problem.detail).into_response()
        }
        Err(AppError::Internal(error)) => {
            tracing::error!(client, error = format!("{error:#}"), "a configuration file could not be served");
            later(StatusCode::SERVICE_UNAVAILABLE, 5, 10)
        }
    }
}

fn respond(answer: Answer) -> Response {
    match answer {
        Answer::File { bytes, binary, tag, modified, handover } => {
            let kind = if binary { "application/octet-stream" } else { "text/xml; charset=utf-8" };
            let length = bytes.as_ref().map(|bytes| HeaderValue::from(bytes.len()));
            let body = bytes.map_or_else(Body::empty, |bytes| Body::from_stream(body::Whole::new(bytes, handover)));
            let mut response = (StatusCode::OK, [(header::CONTENT_TYPE, kind)], body).into_response();
            if let Some(length) = length {
                response.headers_mut().insert(header::CONTENT_LENGTH, length);
            }
            version(response.headers_mut(), &tag, modified);
            response
        }
        Answer::NotModified { tag, modified } => {
            let mut response = StatusCode::NOT_MODIFIED.into_response();
            version(response.headers_mut(), &tag, modified);
            response
        }
        Answer::NotFound => StatusCode::NOT_FOUND.into_response(),
        Answer::Challenge(challenges) => {
            let mut response = StatusCode::UNAUTHORIZED.into_response();
            for challenge in challenges {
                if let Ok(value) = HeaderValue::from_str(&challenge) {
                    response.headers_mut().append(header::WWW_AUTHENTICATE, value);
                }
            }
            response
        }
        Answer::NeedsTls => (StatusCode::FORBIDDEN, "Over TLS only (https).\n").into_response(),
        Answer::TooMany => later(StatusCode::TOO_MANY_REQUESTS, 30, 60),
    }
}

/// `modified`: in seconds since 1970.
fn version(headers: &mut HeaderMap, tag: &str, modified: i64) {
    let modified = UNIX_EPOCH + Duration::from_secs(modified.max(0) as u64);
    for (name, value) in [
        (header::ETAG, format!("\"{tag}\"")),
        (header::LAST_MODIFIED, httpdate::fmt_http_date(modified)),
        // No cache on the way may keep it, and none need ask here for another phone.
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

/// "Come back later", to each phone at another moment: after `least` seconds, and up to `more` beyond.
fn later(status: StatusCode, least: u64, more: u64) -> Response {
    let seconds = least + (more as f64 * random_fraction()) as u64;
    (status, [(header::RETRY_AFTER, HeaderValue::from(seconds))]).into_response()
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What phones send that are told to show their credentials unasked and have none.
fn is_blank(authorization: &str) -> bool {
    BasicCredentials::parse(authorization).is_ok_and(|basic| basic.username.is_empty() && basic.password.is_empty())
}

/// A date of HTTP, in milliseconds since 1970.
fn parse_date(text: &str) -> Option<i64> {
    let date: SystemTime = httpdate::parse_http_date(text).ok()?;
    i64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_credentials_are_none() {
        assert!(is_blank("Basic Og=="));
        assert!(!is_blank("Basic YTo=") && !is_blank("Digest username=\"\"") && !is_blank(""));
    }

    #[test]
    fn dates_are_read() {
        assert_eq!(parse_date("Thu, 01 Jan 1970 00:01:00 GMT"), Some(60_000));
        assert_eq!(parse_date("yesterday"), None);
    }
}
