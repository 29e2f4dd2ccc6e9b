//! The local control endpoint: loopback only, for whoever may read the token in the state directory.
//!
//! `GET /state`, `GET /phone`, `GET /effects`, `POST /hook {"hook":"off"|"on"}`, `POST /key {"keys":"1207#"}`,
//! `POST /press {"key":"hold"}`, `/pnp` ([`pnp`]), and files of settings ([`config`]). `GET /` is a page to use the phone by,
//! `GET /sound` its WebSocket, `GET /pnp.html` the PnP service's page. With `--test-faults` also
//! `GET /rehearsal` and `POST /rehearsal`, see [`crate::rehearsal`].

mod config;
mod page;
mod pnp;
mod sound;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::{Method, Request, StatusCode};
use phone_core::Key;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::agent::{AgentConfig, Shared, control_files};
use crate::atomic::{self, Survive};
use crate::clock;
use crate::rehearsal::Rehearsal;
use crate::serve::{self, Answer, json, plain};

/// Holds the bearer token, for the owner alone.
pub const TOKEN_FILE: &str = "control.token";
/// Holds the endpoint's address.
pub const ADDRESS_FILE: &str = "control.addr";
const CONNECTIONS: usize = 16;
const MOST_KEYS: usize = 64;
/// What there is to ask for.
const WAYS: &str = "GET /state, GET /phone, GET /effects, POST /hook, POST /key, POST /press, GET or POST /provision, \
    GET /config.txt, GET /config.xml, POST /config, GET or POST /config/user, GET or POST /backup\n";

/// `POST /hook`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookRequest {
    pub hook: Hook,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Hook {
    /// Lift the handset.
    Off,
    /// Put it back.
    On,
}

/// `POST /key`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    pub keys: String,
}

/// `POST /press`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PressRequest {
    pub key: NamedKey,
}

/// A key other than a digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum NamedKey {
    /// The second call, back and forth.
    Flash,
    /// Hold and resume.
    Hold,
    /// Pass the call on: press, number, press again.
    Transfer,
    /// Join two calls, and part them again.
    Conference,
    /// The number dialled last.
    Redial,
    /// The voice mailbox.
    Message,
    /// The microphone off and on; do-not-disturb while idle.
    Mute,
    /// The loudspeaker.
    Speaker,
    /// Send the digits entered.
    Send,
}

impl From<NamedKey> for Key {
    fn from(key: NamedKey) -> Self {
        match key {
            NamedKey::Flash => Key::Flash,
            NamedKey::Hold => Key::Hold,
            NamedKey::Transfer => Key::Transfer,
            NamedKey::Conference => Key::Conference,
            NamedKey::Redial => Key::Redial,
            NamedKey::Message => Key::Message,
            NamedKey::Mute => Key::Mute,
            NamedKey::Speaker => Key::Speaker,
            NamedKey::Send => Key::Send,
        }
    }
}

/// Opens the endpoint and leaves token and address in the state directory.
pub(crate) async fn start(
    address: SocketAddr,
    config: &AgentConfig,
    shared: Arc<Shared>,
    stop: CancellationToken,
) -> anyhow::Result<SocketAddr> {
    let (token_file, address_file) = control_files(&config.storage)?;
    let (listener, token) = open(address, &token_file, &address_file).await?;
    let bound = listener.local_addr()?;
    let (rehearses, end) = (config.test_faults, stop.clone());
    tokio::spawn(serve::serve(listener, CONNECTIONS, stop, move |request| {
        let (shared, token, end) = (shared.clone(), token.clone(), end.clone());
        async move {
            // There is no secret in the page, and it is the one to ask for the token.
            if let Some(page) = page::of(&request) {
                return page;
            }
            if request.uri().path() == "/sound" {
                return sound::join(&shared.seat(), request, &token, end);
            }
            if !authorized(&request, &token) {
                return plain(StatusCode::UNAUTHORIZED, "the bearer token is in control.token\n");
            }
            match request.uri().path() {
                "/rehearsal" if rehearses => rehearsal(&shared, request).await,
                path if path == "/pnp" || path.starts_with("/pnp/") => pnp::answer(&shared, request).await,
                _ => answer(&shared, request).await,
            }
        }
    }));
    Ok(bound)
}

/// A listener on loopback and a new token.
pub(crate) async fn open(
    address: SocketAddr,
    token_file: &Path,
    address_file: &Path,
) -> io::Result<(TcpListener, Arc<str>)> {
    if !address.ip().is_loopback() {
        return Err(io::Error::other("the control endpoint listens on loopback only, for example 127.0.0.1:9470"));
    }
    let listener = TcpListener::bind(address).await?;
    let token = clock::token(24)?;
    atomic::replace(token_file, token.as_bytes(), Survive::Kill)?;
    atomic::replace(address_file, listener.local_addr()?.to_string().as_bytes(), Survive::Kill)?;
    Ok((listener, token.into()))
}

pub(crate) fn authorized<B>(request: &Request<B>, token: &str) -> bool {
    let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    is_token(given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default(), token)
}

fn is_token(given: &str, token: &str) -> bool {
    given.as_bytes().ct_eq(token.as_bytes()).into()
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> Answer {
    if config::is_ours(request.uri().path()) {
        return config::answer(&shared.now().0, shared.pnp(), request).await;
    }
    match (request.method().clone(), request.uri().path().to_owned().as_str()) {
        (Method::GET, "/state") => json(StatusCode::OK, &shared.now().0.state()),
        (Method::GET, "/effects") => json(StatusCode::OK, &shared.now().0.effects()),
        (Method::POST, "/hook") => match read::<HookRequest>(request).await {
            Ok(HookRequest { hook }) => {
                shared.hook(hook == Hook::Off).await;
                json(StatusCode::OK, &HookRequest { hook })
            }
            Err(refused) => refused,
        },
        (Method::POST, "/key") => match read::<KeyRequest>(request).await {
            Ok(KeyRequest { keys }) if valid_keys(&keys) => {
                for key in keys.chars() {
                    shared.key(key).await;
                }
                json(StatusCode::OK, &KeyRequest { keys })
            }
            Ok(_) => plain(StatusCode::BAD_REQUEST, "keys are 1 to 64 of 0-9 * #\n"),
            Err(refused) => refused,
        },
        (Method::GET, "/phone") => match shared.now().1.shown() {
            Some(shown) => json(StatusCode::OK, &shown),
            None => plain(StatusCode::NOT_FOUND, "this phone is simulated\n"),
        },
        (Method::POST, "/press") => match read::<PressRequest>(request).await {
            Ok(PressRequest { key }) => {
                shared.now().1.press(key.into()).await;
                json(StatusCode::OK, &PressRequest { key })
            }
            Err(refused) => refused,
        },
        (_, "/state" | "/phone" | "/effects" | "/hook" | "/key" | "/press") => {
            plain(StatusCode::METHOD_NOT_ALLOWED, "GET or POST\n")
        }
        _ => plain(StatusCode::NOT_FOUND, WAYS),
    }
}

async fn rehearsal(shared: &Shared, request: Request<Incoming>) -> Answer {
    let (device, _) = shared.now();
    if request.method() == Method::GET {
        return json(StatusCode::OK, &device.rehearsal_heard());
    }
    let script = match read::<Rehearsal>(request).await {
        Ok(script) => script,
        Err(refused) => return refused,
    };
    match device.blocking(move |device| device.rehearse(script)).await {
        Ok(Ok(())) => json(StatusCode::OK, &()),
        Ok(Err(why)) => plain(StatusCode::BAD_REQUEST, &format!("offer: {why}\n")),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
    }
}

fn valid_keys(keys: &str) -> bool {
    (1..=MOST_KEYS).contains(&keys.len()) && keys.chars().all(|key| matches!(key, '0'..='9' | '*' | '#'))
}

/// A JSON body, or the answer that says what is wrong.
pub(crate) async fn read<T: for<'de> Deserialize<'de>>(request: Request<Incoming>) -> Result<T, Answer> {
    let body = serve::body(request).await.map_err(|status| plain(status, "the body is too long or broke off\n"))?;
    serde_json::from_slice(&body).map_err(|error| plain(StatusCode::BAD_REQUEST, &format!("{error}\n")))
}
