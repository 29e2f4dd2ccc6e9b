//! `GET /sound`: a WebSocket (RFC 6455) that carries the phone's sound to and from one browser.
//!
//! Binary messages of 10 ms or a few times that, 48 kHz mono, i16 little endian, both ways. A browser cannot set
//! `Authorization` here, so the token may come as a subprotocol: `sound, bearer.TOKEN`.

use std::time::Duration;

use audio::BLOCK;
use audio::device::BrowserEnd;
use futures_util::{SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_util::sync::CancellationToken;

use super::{authorized, is_token};
use crate::phone::sound::Seat;
use crate::serve::{Answer, plain};

/// The subprotocol's name.
const PROTOCOL: &str = "sound";
/// Bytes of 10 ms.
const BYTES: usize = 2 * BLOCK;
/// Bytes of one message: 100 ms.
const MOST: usize = 10 * BYTES;
/// How often the loudspeaker's blocks are looked for.
const EVERY: Duration = Duration::from_millis(5);
/// A browser sends a hundred blocks a second: one that is silent for so long is gone.
const PATIENCE: Duration = Duration::from_secs(15);
/// A browser that takes nothing for so long is gone as well.
const SEND_TIME: Duration = Duration::from_secs(2);

/// Makes the connection a WebSocket, if the seat is free.
pub(super) fn join(seat: &Seat, mut request: Request<Incoming>, token: &str, stop: CancellationToken) -> Answer {
    if !authorized(&request, token) && !names_token(&request, token) {
        return plain(StatusCode::UNAUTHORIZED, "the bearer token is in control.token\n");
    }
    let Some(key) = accept_key(&request) else {
        return plain(StatusCode::UPGRADE_REQUIRED, "a WebSocket, version 13\n");
    };
    let Some(mut end) = seat.take() else {
        return plain(
            StatusCode::CONFLICT,
            "another browser is connected, or the phone runs without --sound browser\n",
        );
    };
    let names = has(&request, SEC_WEBSOCKET_PROTOCOL, |word| word == PROTOCOL);
    let upgrade = hyper::upgrade::on(&mut request);
    let seat = seat.clone();
    tokio::spawn(async move {
        match upgrade.await {
            Ok(upgraded) => {
                tokio::select! {
                    () = talk(TokioIo::new(upgraded), &mut end) => {}
                    () = stop.cancelled() => {}
                }
            }
            Err(error) => tracing::debug!(%error, "no WebSocket"),
        }
        seat.leave(end);
    });
    let mut answer = plain(StatusCode::SWITCHING_PROTOCOLS, "");
    let headers = answer.headers_mut();
    headers.clear();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, key);
    if names {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    }
    answer
}

/// The answer to the handshake's key; `None` if it is no handshake (RFC 6455 §4.2.1).
fn accept_key<B>(request: &Request<B>) -> Option<HeaderValue> {
    let upgrades = has(request, UPGRADE, |word| word.eq_ignore_ascii_case("websocket"))
        && has(request, CONNECTION, |word| word.eq_ignore_ascii_case("upgrade"))
        && has(request, SEC_WEBSOCKET_VERSION, |word| word == "13");
    let key = request.headers().get(SEC_WEBSOCKET_KEY).filter(|_| upgrades && request.method() == Method::GET);
    key.and_then(|key| HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok())
}

fn names_token<B>(request: &Request<B>, token: &str) -> bool {
    has(request, SEC_WEBSOCKET_PROTOCOL, |word| {
        word.strip_prefix("bearer.").is_some_and(|given| is_token(given, token))
    })
}

/// Whether a header's list has such a word.
fn has<B>(request: &Request<B>, name: HeaderName, fits: impl Fn(&str) -> bool) -> bool {
    let values = request.headers().get_all(name);
    values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| fits(word.trim()))
}

/// Carries sound until either side goes.
async fn talk(io: impl AsyncRead + AsyncWrite + Unpin, end: &mut BrowserEnd) {
    let config = WebSocketConfig::default().max_message_size(Some(MOST)).max_frame_size(Some(MOST));
    let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut heard = Instant::now();
    let mut block = [0; BYTES];
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Binary(bytes))) => {
                    heard = Instant::now();
                    if end.push_microphone(&bytes).is_err() {
                        break;
                    }
                }
                // Pings are answered by the crate.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => break,
            },
            _ = ticks.tick() => {
                if end.is_abandoned() || heard.elapsed() > PATIENCE {
                    break;
                }
                while end.pull_speaker(&mut block) {
                    let sent = timeout(SEND_TIME, socket.send(Message::Binary(block.to_vec().into()))).await;
                    if !matches!(sent, Ok(Ok(()))) {
                        return;
                    }
                }
            }
        }
    }
    // A farewell nobody may be there to hear.
    let _ = timeout(SEND_TIME, socket.close(None)).await;
}
