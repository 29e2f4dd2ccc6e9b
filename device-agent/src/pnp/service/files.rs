//! Hands out the files over HTTP: by the names of the template alone, to the phone that was told, at the address it asked
//! from.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, HeaderValue};
use hyper::{Method, Request, StatusCode};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::kept;
use crate::clock;
use crate::pnp::Pnp;
use crate::serve::{self, Answer, Peer, plain, with_type};

/// Phones keep the URL they were told, so it should be the same after a restart. Any other if it is taken.
const PORT: u16 = 8089;
const FOLDER: &str = "/pnp/";
const CONNECTIONS: usize = 32;

/// Serves until `end`. Gives the folder's URL.
pub(super) async fn start(ip: Ipv4Addr, pnp: &Arc<Pnp>, end: CancellationToken) -> io::Result<String> {
    let listener = match TcpListener::bind((ip, PORT)).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind((ip, 0)).await?,
    };
    let folder = format!("http://{}{FOLDER}", listener.local_addr()?);
    tokio::spawn(kept::keep(pnp.clone(), end.clone()));
    let pnp = pnp.clone();
    tokio::spawn(serve::serve(listener, CONNECTIONS, end, move |request| {
        let answer = answer(&pnp, &request);
        std::future::ready(answer)
    }));
    Ok(folder)
}

fn answer<B>(pnp: &Pnp, request: &Request<B>) -> Answer {
    let head = match *request.method() {
        Method::GET => false,
        Method::HEAD => true,
        _ => return plain(StatusCode::METHOD_NOT_ALLOWED, "GET or HEAD\n"),
    };
    let name = request.uri().path().strip_prefix(FOLDER).unwrap_or_default();
    let Some(Peer(peer)) = request.extensions().get::<Peer>() else {
        return plain(StatusCode::NOT_FOUND, "not found\n");
    };
    // The same answer for a name that nobody has and for another phone's.
    match pnp.service.lock().fetch(clock::now(), name, peer.ip(), !head) {
        Some(file) => {
            let kind = if file.starts_with('<') { "application/xml" } else { "text/plain; charset=utf-8" };
            let mut answer = with_type(StatusCode::OK, kind, Bytes::from(file));
            answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            answer
        }
        None => plain(StatusCode::NOT_FOUND, "not found\n"),
    }
}
