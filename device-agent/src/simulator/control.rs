//! The fleet's control endpoint: `GET /counters`, `GET /phones/{index}`, `POST /phones/{index}/hook {"hook":"off"|"on"}`.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use tokio_util::sync::CancellationToken;

use super::Fleet;
use crate::control::{ADDRESS_FILE, Hook, HookRequest, TOKEN_FILE, authorized, open, read};
use crate::serve::{self, Answer, json, plain};

const CONNECTIONS: usize = 64;

pub(super) async fn start(address: SocketAddr, fleet: Arc<Fleet>) -> anyhow::Result<SocketAddr> {
    let directory = fleet.config.state_dir.clone();
    let directory = directory.ok_or_else(|| anyhow::anyhow!("the control endpoint needs a state directory"))?;
    crate::atomic::private_directory(&directory)?;
    let (listener, token) = open(address, &directory.join(TOKEN_FILE), &directory.join(ADDRESS_FILE)).await?;
    let bound = listener.local_addr()?;
    let stop: CancellationToken = fleet.stop.clone();
    tokio::spawn(serve::serve(listener, CONNECTIONS, stop, move |request| {
        let (fleet, token) = (fleet.clone(), token.clone());
        async move {
            if !authorized(&request, &token) {
                return plain(StatusCode::UNAUTHORIZED, "the bearer token is in control.token\n");
            }
            answer(&fleet, request).await
        }
    }));
    Ok(bound)
}

async fn answer(fleet: &Fleet, request: Request<Incoming>) -> Answer {
    let path = request.uri().path().to_owned();
    let mut parts = path.trim_start_matches('/').split('/');
    match (request.method().clone(), parts.next(), parts.next(), parts.next(), parts.next()) {
        (Method::GET, Some("counters"), None, ..) => json(StatusCode::OK, &fleet.counters()),
        (method, Some("phones"), Some(index), what, None) => {
            let device = index.parse().ok().and_then(|index: usize| Some((index, fleet.device(index)?)));
            let Some((index, device)) = device else {
                return plain(StatusCode::NOT_FOUND, "no such phone, or it has not started\n");
            };
            match (method, what) {
                (Method::GET, None) => json(StatusCode::OK, &device.state()),
                (Method::POST, Some("hook")) => match read::<HookRequest>(request).await {
                    Ok(HookRequest { hook }) => {
                        fleet.hook(index, hook == Hook::Off).await;
                        json(StatusCode::OK, &HookRequest { hook })
                    }
                    Err(refused) => refused,
                },
                _ => plain(StatusCode::NOT_FOUND, HELP),
            }
        }
        _ => plain(StatusCode::NOT_FOUND, HELP),
    }
}

const HELP: &str = "GET /counters, GET /phones/{index}, POST /phones/{index}/hook\n";
