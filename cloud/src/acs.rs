//! The TR-069 endpoint: one POST in, one answer out (TR-069 §3.4). Every limit applies before anything is parsed; what a
//! POST means is decided by `app::session`.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use cwmp::{Envelope, Limits, decode_body, encode};
use tokio::sync::Semaphore;

use crate::app::session::{self, Answer, Post};
use crate::app::{App, AppError, quarantine};
use crate::secrets::random_fraction;

/// POSTs answered at once. More would only wait for the database; here they wait without holding up people's requests,
/// which queue for the same writer.
const TURNS: usize = 32;

/// Serves `/acs`.
pub fn router(app: Arc<App>) -> Router {
    Router::new().route("/acs", post(receive)).with_state(Acs { app, turns: Arc::new(Semaphore::new(TURNS)) })
}

#[derive(Clone)]
struct Acs {
    app: Arc<App>,
    turns: Arc<Semaphore>,
}

async fn receive(
    State(Acs { app, turns }): State<Acs>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let limit = app.config.acs.max_body_bytes;
    let client = peer.ip().to_string();
    let body = match to_bytes(body, limit).await {
        Ok(body) => body,
        Err(_) => {
            let reason = format!("a body of more than {limit} bytes, or cut off");
            return refuse(&app, &client, StatusCode::PAYLOAD_TOO_LARGE, &reason, &[]).await;
        }
    };
    let limits = Limits { body: limit, ..Limits::default() };
    let encoding = parts.headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?"));
    let inflated = match decode_body(encoding, &body, &limits) {
        Ok(inflated) => inflated.into_owned(),
        Err(error) => return refuse(&app, &client, StatusCode::BAD_REQUEST, &error.to_string(), &body).await,
    };
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let post = Post {
        authorization: text(header::AUTHORIZATION),
        session: cookie(&parts.headers),
        host: host_of(text(header::HOST).as_deref().unwrap_or("127.0.0.1")),
        uri: parts.uri.path_and_query().map_or("/acs", |path| path.as_str()).to_owned(),
        client,
        body: inflated,
    };
    match session::answer(&app, &turns, &post, &limits).await {
        Ok(answer) => respond(&app, &post, answer).await,
        Err(AppError::Refused(problem)) => {
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
            let mut response = refuse(&app, &post.client, status, &problem.detail, &post.body).await;
            if status == StatusCode::SERVICE_UNAVAILABLE {
                retry_later(&mut response);
            }
            response
        }
        Err(AppError::Internal(error)) => {
            tracing::error!(client = post.client, error = format!("{error:#}"), "a CWMP POST failed");
            busy()
        }
    }
}

async fn respond(app: &App, post: &Post, answer: Answer) -> Response {
    match answer {
        Answer::Opened { reply, session } => {
            let mut response = soap(StatusCode::OK, &reply);
            if let Ok(cookie) = HeaderValue::from_str(&format!("{COOKIE}={session}; Path=/; HttpOnly")) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        Answer::Envelope(envelope) => soap(StatusCode::OK, &envelope),
        Answer::Ended => StatusCode::NO_CONTENT.into_response(),
        Answer::Challenge(challenges) => {
            let mut response = StatusCode::UNAUTHORIZED.into_response();
            for challenge in challenges {
                if let Ok(value) = HeaderValue::from_str(&challenge) {
                    response.headers_mut().append(header::WWW_AUTHENTICATE, value);
                }
            }
            response
        }
        Answer::Busy => busy(),
        Answer::AnsweredElsewhere => StatusCode::CONFLICT.into_response(),
        Answer::Forbidden(reason) => refuse(app, &post.client, StatusCode::FORBIDDEN, &reason, &[]).await,
        Answer::Bad { reason, fault } => {
            let refused = refuse(app, &post.client, StatusCode::BAD_REQUEST, &reason, &post.body).await;
            fault.map_or(refused, |fault| soap(StatusCode::INTERNAL_SERVER_ERROR, &fault))
        }
    }
}

fn soap(status: StatusCode, envelope: &Envelope) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8")),
        (header::HeaderName::from_static("soapaction"), HeaderValue::from_static("")),
    ];
    (status, headers, encode(envelope)).into_response()
}

/// Says no in a line of text, and keeps what was refused.
async fn refuse(app: &App, client: &str, status: StatusCode, reason: &str, body: &[u8]) -> Response {
    if let Err(error) = quarantine::keep(app, &format!("acs {client}"), reason, body).await {
        tracing::error!(%error, "cannot quarantine");
    }
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], Body::from(format!("{reason}\n"))).into_response()
}

/// "Come back a little later", to each phone at another moment.
fn busy() -> Response {
    let mut response = StatusCode::SERVICE_UNAVAILABLE.into_response();
    retry_later(&mut response);
    response
}

fn retry_later(response: &mut Response) {
    let seconds = 5 + (random_fraction() * 25.0) as u64;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
}

const COOKIE: &str = "bellhop_session";

fn cookie(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, token)| token.trim_matches('"').to_owned())
        .filter(|token| token.len() <= 64)
}

/// The host part of a Host header.
fn host_of(header: &str) -> String {
    match header.rsplit_once(':') {
        Some((host, port)) if port.chars().all(|c| c.is_ascii_digit()) && !host.ends_with(':') => host,
        _ => header,
    }
    .trim_matches(['[', ']'])
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_host_without_its_port() {
        for (header, host) in [("acs.example:7080", "acs.example"), ("10.0.0.1", "10.0.0.1"), ("[::1]:7080", "::1")] {
            assert_eq!(host_of(header), host);
        }
    }

    #[test]
    fn finds_its_cookie_among_others() {
        let mut headers = HeaderMap::new();
        assert_eq!(cookie(&headers), None);
        headers.append(header::COOKIE, "a=b; bellhop_session=\"abc\"; c=d".parse().unwrap());
        assert_eq!(cookie(&headers).as_deref(), Some("abc"));
        headers.clear();
        headers.append(header::COOKIE, format!("bellhop_session={}", "x".repeat(65)).parse().unwrap());
        assert_eq!(cookie(&headers), None);
    }
}
