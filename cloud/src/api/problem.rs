//! Errors as RFC 9457 problem documents.

use axum::body::{Body, to_bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use contract::problem::Problem;

use crate::app::AppError;

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        match self {
            AppError::Refused(problem) => respond(&problem),
            AppError::Internal(error) => {
                tracing::error!(error = format!("{error:#}"), "a request failed");
                respond(&Problem {
                    kind: "internal".to_owned(),
                    title: "Something broke on our side".to_owned(),
                    status: 500,
                    detail: "Nothing was changed. Try again; if it stays, look at the server's log.".to_owned(),
                    field: None,
                })
            }
        }
    }
}

fn respond(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_string(problem).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
}

/// Turns the framework's own refusals (an id that is none, a query that does not read, a wrong method) into problem
/// documents.
pub async fn explain(response: Response) -> Response {
    let status = response.status();
    let typed = response.headers().get(header::CONTENT_TYPE).is_some_and(|value| {
        value.to_str().is_ok_and(|value| value.contains("json") || value.starts_with("text/event-stream"))
    });
    if !(status.is_client_error() || status.is_server_error()) || typed {
        return response;
    }
    let (parts, body) = response.into_parts();
    let text =
        to_bytes(body, 4096).await.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()).unwrap_or_default();
    let detail = match status {
        StatusCode::NOT_FOUND => "There is nothing under this address.".to_owned(),
        StatusCode::METHOD_NOT_ALLOWED => "This address does not take this method.".to_owned(),
        StatusCode::PAYLOAD_TOO_LARGE => "The request body is larger than 1 MiB.".to_owned(),
        // An id that is no id names nothing.
        StatusCode::BAD_REQUEST if text.contains("Invalid URL") => "There is nothing under this address.".to_owned(),
        _ if text.is_empty() => "The request was refused.".to_owned(),
        _ => text.clone(),
    };
    let status = if text.contains("Invalid URL") { StatusCode::NOT_FOUND } else { status };
    let mut explained = respond(&Problem {
        kind: if status == StatusCode::NOT_FOUND { "not-found" } else { "bad-request" }.to_owned(),
        title: status.canonical_reason().unwrap_or("Refused").to_owned(),
        status: status.as_u16(),
        detail,
        field: None,
    });
    if let Some(allow) = parts.headers.get(header::ALLOW) {
        explained.headers_mut().insert(header::ALLOW, allow.clone());
    }
    explained.map(Body::new)
}
