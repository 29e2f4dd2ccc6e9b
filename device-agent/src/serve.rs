//! A small HTTP server with limits on everything a stranger can stretch: connections, headers, bodies, time.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Who is at the other end; in a request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// An answer.
pub type Answer = Response<Full<Bytes>>;

const HEADER_TIME: Duration = Duration::from_secs(5);
/// A whole connection: nobody has long conversations with a phone.
const CONNECTION_TIME: Duration = Duration::from_secs(30);
const MOST_HEADERS: usize = 32;
/// hyper's least.
const MOST_HEADER_BYTES: usize = 8192;
const MOST_BODY: usize = 4096;

/// Serves until `stop`. `connections` at once; further ones wait in the system's queue.
pub async fn serve<H, F>(listener: TcpListener, connections: usize, stop: CancellationToken, handler: H)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let room = Arc::new(Semaphore::new(connections));
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, most likely: it passes.
                tracing::debug!(%error, "accept failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let (handler, stop) = (handler.clone(), stop.clone());
        tokio::spawn(async move {
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(Peer(peer));
                let answer = handler(request);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIME)
                .max_headers(MOST_HEADERS)
                .max_buf_size(MOST_HEADER_BYTES)
                .serve_connection(TokioIo::new(stream), service)
                // What becomes of a connection that is upgraded is its handler's business, and not counted here.
                .with_upgrades();
            tokio::select! {
                // Whatever ends it: the peer is a stranger, its faults are not worth a line.
                _ = tokio::time::timeout(CONNECTION_TIME, connection) => {}
                () = stop.cancelled() => {}
            }
            drop(permit);
        });
    }
}

/// The body, if it is short enough and comes.
pub async fn body(request: Request<Incoming>) -> Result<Bytes, StatusCode> {
    body_up_to(request, MOST_BODY).await
}

/// The body, if it has at most so many bytes and comes.
pub async fn body_up_to(request: Request<Incoming>, most: usize) -> Result<Bytes, StatusCode> {
    match Limited::new(request.into_body(), most).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(_) => Err(StatusCode::PAYLOAD_TOO_LARGE),
    }
}

/// A status and a short text.
pub fn plain(status: StatusCode, text: &str) -> Answer {
    with_type(status, "text/plain; charset=utf-8", Bytes::copy_from_slice(text.as_bytes()))
}

/// A JSON document.
pub fn json(status: StatusCode, value: &impl serde::Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(text) => with_type(status, "application/json", text.into()),
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n"),
    }
}

/// A file to be saved under this name.
pub fn attachment(kind: &'static str, name: &str, bytes: impl Into<Bytes>) -> Answer {
    let mut answer = with_type(StatusCode::OK, kind, bytes.into());
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        answer.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
    answer
}

/// Bytes of some media type.
pub fn with_type(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}
