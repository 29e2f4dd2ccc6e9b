//! What the server is measured against: a bare axum handler that reads each POST and answers with bytes kept in memory,
//! served with the server's own HTTP settings.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::post;
use tokio_util::sync::CancellationToken;

use super::script::Script;

struct Ready {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

/// Answers `POST /{script}/{turn}` until the process ends. `scripts` is a file with a JSON list.
///
/// # Errors
/// If the file cannot be read, or the port is taken.
pub async fn serve(listen: SocketAddr, scripts: &Path) -> Result<()> {
    let text = std::fs::read_to_string(scripts).with_context(|| format!("cannot read {}", scripts.display()))?;
    let scripts: Vec<Script> = serde_json::from_str(&text)?;
    let mut ready: Vec<Vec<Ready>> = Vec::new();
    for script in scripts {
        let mut turns = Vec::new();
        for turn in script.turns {
            let headers = turn.answer.headers.iter().map(|(name, value)| Ok((name.parse()?, value.parse()?)));
            let (status, headers) = (turn.answer.status.try_into()?, headers.collect::<Result<_>>()?);
            turns.push(Ready { status, headers, body: Bytes::from(turn.answer.body) });
        }
        ready.push(turns);
    }
    let router = Router::new().route("/{script}/{turn}", post(answer)).with_state(Arc::new(ready));
    cloud::serve::start(listen, router, CancellationToken::new()).await?;
    println!("ready");
    std::future::pending().await
}

async fn answer(
    State(ready): State<Arc<Vec<Vec<Ready>>>>,
    UrlPath((script, turn)): UrlPath<(usize, usize)>,
    sent: Bytes,
) -> Response {
    let mut response = Response::new(Body::empty());
    let Some(ready) = ready.get(script).and_then(|turns| turns.get(turn)) else {
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    std::hint::black_box(sent);
    *response.status_mut() = ready.status;
    for (name, value) in &ready.headers {
        response.headers_mut().insert(name, value.clone());
    }
    *response.body_mut() = Body::from(ready.body.clone());
    response
}
