//! Where phones fetch files and send them, beside the TR-069 endpoint. The address is the permission: it holds a signed
//! token for one phone, one thing and a while.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use contract::{FileId, PhoneId};
use futures_util::{StreamExt, stream};

use crate::app::files::token::{Purpose, check};
use crate::app::tasks::{self, MAX_TEST_BYTES};
use crate::app::{App, AppError, files, phones};
use crate::clock::now_ms;
use crate::db::entity::file;

/// Serves `/files/…`.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/files/upload/{token}", put(receive).post(receive))
        .route("/files/test/{token}/{bytes}", get(test))
        .route("/files/test/{token}", put(drain).post(drain))
        .route("/files/{file}/{token}", get(fetch))
        .with_state(app)
}

fn refuse(status: StatusCode, reason: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{reason}\n")).into_response()
}

fn expired() -> Response {
    refuse(StatusCode::FORBIDDEN, "This address is not good, or not any more.")
}

fn broken(error: &AppError) -> Response {
    match error {
        AppError::Refused(problem) => {
            refuse(StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST), &problem.detail)
        }
        AppError::Internal(error) => {
            tracing::error!(error = format!("{error:#}"), "a file could not be served");
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "Something broke on our side.")
        }
    }
}

/// GET and HEAD, whole or a range.
async fn fetch(State(app): State<Arc<App>>, Path((id, token)): Path<(FileId, String)>, headers: HeaderMap) -> Response {
    let Some(grant) = check(&app.secrets, Purpose::Fetch, &token, now_ms()).filter(|grant| grant.subject == id.0)
    else {
        return expired();
    };
    match phones::find(&app, PhoneId(grant.phone)).await {
        Ok(Some(_)) => {}
        // Removed since.
        Ok(None) => return expired(),
        Err(error) => return broken(&error),
    }
    match files::find(&app, id).await {
        Ok(row) => content(app, &row, &headers, false),
        Err(error) => broken(&error),
    }
}

/// A file's bytes as an answer, whole or the range that was asked for (RFC 9110 §14).
pub fn content(app: Arc<App>, row: &file::Model, headers: &HeaderMap, attachment: bool) -> Response {
    let size = u64::try_from(row.size).unwrap_or(0);
    let etag = format!("\"{}\"", row.sha256);
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    // A range of another version than the phone began with would make a broken file.
    let same = text(header::IF_RANGE).is_none_or(|given| given == etag);
    let range = match text(header::RANGE).filter(|_| same).map(|range| parse_range(range, size)) {
        Some(Range::Unsatisfiable) => {
            let all = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, all).into_response();
        }
        Some(Range::Part(start, end)) => Some((start, end)),
        Some(Range::Whole) | None => None,
    };
    let (start, end) = range.unwrap_or((0, size));
    let mut response = Response::new(Body::from_stream(files::bytes(app, row.id, start, end)));
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    out.insert(header::CONTENT_LENGTH, HeaderValue::from(end - start));
    let mut set = |name, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            out.insert(name, value);
        }
    };
    set(header::ETAG, etag);
    if attachment {
        let name: String = row.name.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '_' }).collect();
        set(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""));
    }
    if range.is_some() {
        set(header::CONTENT_RANGE, format!("bytes {start}-{}/{size}", end - 1));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

#[derive(Debug, PartialEq, Eq)]
enum Range {
    Whole,
    /// Start, and end exclusive.
    Part(u64, u64),
    Unsatisfiable,
}

/// One range of bytes; what does not read is as if it were not there.
fn parse_range(text: &str, size: u64) -> Range {
    let Some((from, to)) = text.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Range::Whole;
    };
    let (start, end) = match (from.trim().parse::<u64>(), to.trim()) {
        (Ok(start), "") => (start, size),
        (Ok(start), to) => match to.parse::<u64>() {
            Ok(last) if last >= start => (start, last.saturating_add(1).min(size)),
            _ => return Range::Whole,
        },
        (Err(_), to) => match to.parse::<u64>() {
            Ok(last) if from.trim().is_empty() && last > 0 => (size.saturating_sub(last), size),
            _ => return Range::Whole,
        },
    };
    if start >= size { Range::Unsatisfiable } else { Range::Part(start, end) }
}

/// PUT (some phones POST) of what an Upload asked for.
async fn receive(State(app): State<Arc<App>>, Path(token): Path<String>, request: Request) -> Response {
    let Some(grant) = check(&app.secrets, Purpose::Send, &token, now_ms()) else { return expired() };
    let body = request.into_body().into_data_stream();
    match tasks::told::sent_file(&app, PhoneId(grant.phone), grant.subject, body).await {
        Ok(()) => StatusCode::CREATED.into_response(),
        Err(error) => broken(&error),
    }
}

/// As many bytes as were asked for, as fast as they go.
async fn test(State(app): State<Arc<App>>, Path((token, bytes)): Path<(String, u64)>) -> Response {
    if check(&app.secrets, Purpose::Test, &token, now_ms()).is_none() || bytes > MAX_TEST_BYTES {
        return expired();
    }
    static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
    let parts = stream::unfold(bytes, |left| async move {
        let now = left.min(ZEROS.len() as u64);
        (now > 0).then(|| (Ok::<_, std::io::Error>(bytes::Bytes::from_static(&ZEROS[..now as usize])), left - now))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_LENGTH, HeaderValue::from(bytes)),
    ];
    (headers, Body::from_stream(parts)).into_response()
}

/// Takes what a phone sends to measure how fast it can, and forgets it.
async fn drain(State(app): State<Arc<App>>, Path(token): Path<String>, request: Request) -> Response {
    if check(&app.secrets, Purpose::Test, &token, now_ms()).is_none() {
        return expired();
    }
    let mut body = request.into_body().into_data_stream();
    let mut size = 0;
    while let Some(Ok(bytes)) = body.next().await {
        size += bytes.len() as u64;
        if size > MAX_TEST_BYTES {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, "More than a test may send.");
        }
    }
    StatusCode::CREATED.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_range() {
        for (text, range) in [
            ("bytes=0-0", Range::Part(0, 1)),
            ("bytes=90-", Range::Part(90, 100)),
            ("bytes=90-200", Range::Part(90, 100)),
            ("bytes=-10", Range::Part(90, 100)),
            ("bytes=-200", Range::Part(0, 100)),
            ("bytes=100-", Range::Unsatisfiable),
            ("bytes=5-2", Range::Whole),
            ("bytes=0-1,5-6", Range::Whole),
            ("items=0-1", Range::Whole),
        ] {
            assert_eq!(parse_range(text, 100), range, "{text}");
        }
    }
}
