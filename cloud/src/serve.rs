//! Serving HTTP/1.1, plain or over TLS, with every limit set: time for the handshake, for headers, for the answer, connections at once. (`axum::serve` has no
//! header time-out, so a client that sends one byte a minute would hold its connection for ever.)

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tower_http::timeout::TimeoutLayer;

use crate::tls::Shown;

/// Time for a request's headers; a connection that is kept open sends nothing for as long at most.
const HEADERS: Duration = Duration::from_secs(10);
/// Time from the headers to the answer, the request's body included. A stream's answer has begun by then.
const ANSWER: Duration = Duration::from_secs(30);
/// Connections at once, per listener; more wait to be accepted.
const CONNECTIONS: usize = 20_000;
/// What a connection buffers each way, a request's head included.
const BUFFER: usize = 16 * 1024;
/// Time for requests under way when the server stops.
const DRAIN: Duration = Duration::from_secs(3);

/// Time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// What is known of the connection a request came over; an extension of each request.
#[derive(Clone, Debug)]
pub struct Line {
    pub tls: bool,
    /// The certificates the client showed.
    pub shown: Option<Shown>,
}

/// Binds `listen` (port 0: any free one) and serves `router` until `stop`. Returns the address bound.
pub async fn start(listen: SocketAddr, router: Router, stop: CancellationToken) -> anyhow::Result<SocketAddr> {
    serve(listen, router, None, stop).await
}

/// The same over TLS.
pub async fn start_tls(
    listen: SocketAddr,
    router: Router,
    tls: Arc<ServerConfig>,
    stop: CancellationToken,
) -> anyhow::Result<SocketAddr> {
    serve(listen, router, Some(tls.into()), stop).await
}

async fn serve(
    listen: SocketAddr,
    router: Router,
    tls: Option<TlsAcceptor>,
    stop: CancellationToken,
) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener.local_addr()?;
    let router = router.layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, ANSWER));
    tokio::spawn(accept(listener, router, tls, stop));
    Ok(address)
}

async fn accept(listener: TcpListener, router: Router, tls: Option<TlsAcceptor>, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: existing connections must end first.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let (router, watcher) = (router.clone(), graceful.watcher());
        // A peer that goes away, or speaks no HTTP, is no error of ours.
        match tls.clone() {
            None => {
                let line = Line { tls: false, shown: None };
                let connection = watcher.watch(connection(stream, peer, line, router));
                tokio::spawn(async move {
                    let _ = connection.await;
                    drop(place);
                });
            }
            Some(tls) => {
                let stop = stop.clone();
                tokio::spawn(async move {
                    let handshake = tokio::select! {
                        () = stop.cancelled() => return,
                        handshake = tokio::time::timeout(HANDSHAKE, tls.accept(stream)) => handshake,
                    };
                    match handshake {
                        Ok(Ok(stream)) => {
                            let shown = stream.get_ref().1.peer_certificates();
                            let shown =
                                shown.map(|all| Shown(all.iter().map(|one| one.clone().into_owned()).collect()));
                            let line = Line { tls: true, shown };
                            let _ = watcher.watch(connection(stream, peer, line, router)).await;
                        }
                        Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS handshake"),
                        Err(_) => tracing::debug!(%peer, "no TLS handshake in time"),
                    }
                    drop(place);
                });
            }
        }
    }
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(DRAIN) => {}
    }
}

fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    peer: SocketAddr,
    line: Line,
    router: Router,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(line.clone());
        router.clone().oneshot(request)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        // A file counts as handed over when its last piece is taken: then little of it may wait here.
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service)
}
