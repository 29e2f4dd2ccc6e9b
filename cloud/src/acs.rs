//! The TR-069 endpoint: one POST in, one answer out (TR-069 §3.4). Every limit applies before anything is parsed; what a
//! POST means is decided by `app::session`.

mod intake;

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, FromRequestParts, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use cwmp::{Envelope, Limits, decode_body, encode};
use tokio::sync::Semaphore;

use self::intake::{Intake, Room, Unread};
use crate::app::session::trace::Exchange;
use crate::app::session::{self, Answer, Post};
use crate::app::{App, AppError, quarantine};
use crate::clock::now_ms;
use crate::files;
use crate::secrets::random_fraction;
use crate::serve::Line;

/// POSTs answered at once. More would only wait for the database; here they wait without holding up people's requests,
/// which queue for the same writer.
const TURNS: usize = 32;
/// Time for a whole body.
const BODY: Duration = Duration::from_secs(20);
/// How full the server at least counts as when it tells a phone to come back: not yet, for another reason than load.
const SOME_LOAD: f64 = 0.3;

/// Serves `/acs`, `/acs/CODE` for the phones of one property, and `/files` for all.
pub fn router(app: Arc<App>) -> Router {
    let acs = Acs {
        app,
        turns: Arc::new(Semaphore::new(TURNS)),
        intake: Arc::new(Intake::default()),
        waiting: Arc::new(AtomicUsize::new(0)),
    };
    let files = files::router(acs.app.clone());
    Router::new().route("/acs", post(receive)).route("/acs/{property}", post(receive)).with_state(acs).merge(files)
}

#[derive(Clone)]
struct Acs {
    app: Arc<App>,
    turns: Arc<Semaphore>,
    intake: Arc<Intake>,
    /// POSTs that were read and are not answered.
    waiting: Arc<AtomicUsize>,
}

/// One of the POSTs that wait, until dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Waiting<'_> {
    /// Comes in; also returns how full it is now, 1 being as much as may wait.
    fn enter(acs: &Acs) -> (Waiting<'_>, f64) {
        let before = acs.waiting.fetch_add(1, Ordering::Relaxed);
        (Waiting(&acs.waiting), before as f64 / acs.app.config.acs.max_waiting as f64)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn receive(
    State(acs): State<Acs>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(line): Extension<Line>,
    request: Request,
) -> Response {
    let app = &acs.app;
    let (mut parts, body) = request.into_parts();
    let property = match Path::<String>::from_request_parts(&mut parts, &()).await {
        // The address without a code has no such part.
        Err(_) => None,
        Ok(Path(code)) => match app.trust.now(app).await.map(|known| known.property(&code)) {
            Ok(Some(property)) => Some(property),
            Ok(None) => return StatusCode::NOT_FOUND.into_response(),
            Err(error) => {
                tracing::error!(%error, "cannot read the trust profiles");
                return busy(SOME_LOAD);
            }
        },
    };
    let limit = app.config.acs.max_body_bytes;
    // An IPv4 phone may come in on an IPv6 listener.
    let from = peer.ip().to_canonical();
    let client = from.to_string();
    let mut room = Room::new(&acs.intake, from);
    let body = match room.read(body, limit, BODY).await {
        Ok(body) => body,
        Err(Unread::TooLong | Unread::CutOff) => {
            let reason = format!("a body of more than {limit} bytes, or cut off");
            return refuse(app, &client, StatusCode::PAYLOAD_TOO_LARGE, &reason, &[]).await;
        }
        Err(Unread::TooSlow) => {
            return refuse(app, &client, StatusCode::REQUEST_TIMEOUT, "a body that took too long", &[]).await;
        }
        Err(Unread::NoRoom) => return busy(1.0),
    };
    let limits = Limits { body: limit, inflated: limit, ..Limits::default() };
    let encoding = parts.headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?"));
    let inflated = match decode_body(encoding, &body, &limits) {
        Ok(inflated) => inflated,
        Err(error) => return refuse(app, &client, StatusCode::BAD_REQUEST, &error.to_string(), &body).await,
    };
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let inflated = as_utf8(text(header::CONTENT_TYPE).as_deref().unwrap_or_default(), inflated).into_owned();
    drop(body);
    if !room.hold(inflated.len()) {
        return busy(1.0);
    }
    let (_waiting, load) = Waiting::enter(&acs);
    let session = cookie(&parts.headers);
    // Sessions under way go on a little longer than new ones begin: what is half done would be done again.
    if load >= if session.is_some() { 1.0 } else { 0.75 } {
        return busy(load);
    }
    let post = Post {
        authorization: text(header::AUTHORIZATION),
        session,
        host: host_of(text(header::HOST).as_deref().unwrap_or("127.0.0.1")),
        base: base_of(line.tls, text(header::HOST).as_deref().unwrap_or("127.0.0.1")),
        uri: parts.uri.path_and_query().map_or("/acs", |path| path.as_str()).to_owned(),
        client,
        tls: line.tls,
        shown: line.shown,
        property,
        body: inflated,
    };
    let load = load.max(SOME_LOAD);
    let began = Instant::now();
    match session::answer(app, &acs.turns, &post, &limits).await {
        Ok(answer) => {
            let (session, phone) = match &answer {
                Answer::Opened { session, phone, .. } => (Some(session.clone()), Some(*phone)),
                Answer::Challenge(_) => (None, None),
                _ => (post.session.clone(), None),
            };
            let (response, text) = respond(app, &post, answer, load).await;
            app.trace.record(Exchange {
                at: now_ms(),
                session: session.unwrap_or_default(),
                phone,
                peer,
                took: began.elapsed(),
                status: response.status().as_u16(),
                request: post.body,
                response: text,
            });
            response
        }
        Err(AppError::Refused(problem)) => {
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
            let mut response = refuse(app, &post.client, status, &problem.detail, &post.body).await;
            if status == StatusCode::SERVICE_UNAVAILABLE {
                retry_later(&mut response, load);
            }
            response
        }
        Err(AppError::Internal(error)) => {
            tracing::error!(client = post.client, error = format!("{error:#}"), "a CWMP POST failed");
            busy(load)
        }
    }
}

/// The name of the old western alphabet, as XML declarations and Content-Type have it.
const LATIN: &str = "iso-8859-1";

/// A body that says it is ISO-8859-1, as UTF-8, and saying so. What is UTF-8 all the same keeps its text: phones say one and
/// send the other.
fn as_utf8<'a>(content_type: &str, body: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
    let declared = body.starts_with(b"<?xml").then(|| &body[..body.len().min(100)]);
    let declared = declared.and_then(|head| {
        let head = &head[..head.windows(2).position(|two| two == b"?>")?];
        named(&String::from_utf8_lossy(head))
    });
    let is_utf8 = std::str::from_utf8(&body).is_ok();
    if declared.is_none() && (is_utf8 || named(content_type).is_none()) {
        return body;
    }
    let mut text = match is_utf8 {
        true => String::from_utf8_lossy(&body).into_owned(),
        false => body.iter().map(|byte| char::from(*byte)).collect(),
    };
    // Only ASCII stands before it, so it is where it was.
    if let Some(at) = declared {
        text.replace_range(at..at + LATIN.len(), "UTF-8");
    }
    Cow::Owned(text.into_bytes())
}

/// Where a text names the alphabet. Not one of -10 to -16, which are others.
fn named(text: &str) -> Option<usize> {
    let at = text.to_ascii_lowercase().find(LATIN)?;
    let next = text[at + LATIN.len()..].chars().next();
    (text.is_ascii() && !next.is_some_and(|next| next.is_ascii_digit())).then_some(at)
}

async fn respond(app: &App, post: &Post, answer: Answer, load: f64) -> (Response, Bytes) {
    let response = match answer {
        Answer::Opened { reply, session, .. } => {
            let (mut response, text) = soap(StatusCode::OK, &reply);
            let secure = if post.tls { "; Secure" } else { "" };
            if let Ok(cookie) = HeaderValue::from_str(&format!("{COOKIE}={session}; Path=/; HttpOnly{secure}")) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            return (response, text);
        }
        Answer::Envelope(envelope) => return soap(StatusCode::OK, &envelope),
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
        Answer::Busy => busy(load),
        Answer::AnsweredElsewhere => StatusCode::CONFLICT.into_response(),
        Answer::Forbidden(reason) => refuse(app, &post.client, StatusCode::FORBIDDEN, &reason, &[]).await,
        Answer::Bad { reason, fault } => {
            let refused = refuse(app, &post.client, StatusCode::BAD_REQUEST, &reason, &post.body).await;
            match fault {
                // A payload of CWMP, a fault as well, comes with 200 (TR-069 §3.4.1); SOAP 1.1 alone would say 500.
                Some(fault) => return soap(StatusCode::OK, &fault),
                None => return (refused, Bytes::from(reason)),
            }
        }
    };
    (response, Bytes::new())
}

fn soap(status: StatusCode, envelope: &Envelope) -> (Response, Bytes) {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8")),
        (header::HeaderName::from_static("soapaction"), HeaderValue::from_static("")),
    ];
    let text = Bytes::from(encode(envelope));
    ((status, headers, text.clone()).into_response(), text)
}

/// Says no in a line of text, and keeps what was refused.
async fn refuse(app: &App, client: &str, status: StatusCode, reason: &str, body: &[u8]) -> Response {
    if let Err(error) = quarantine::keep(app, &format!("acs {client}"), reason, body).await {
        tracing::error!(%error, "cannot quarantine");
    }
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], Body::from(format!("{reason}\n"))).into_response()
}

/// "Come back a little later", to each phone at another moment: within 5 to 15 seconds, and the fuller it is the later, up
/// to 65.
fn busy(load: f64) -> Response {
    let mut response = StatusCode::SERVICE_UNAVAILABLE.into_response();
    retry_later(&mut response, load);
    response
}

fn retry_later(response: &mut Response, load: f64) {
    let seconds = retry_after(load, random_fraction());
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
}

/// Seconds; `chance` is 0 to 1.
fn retry_after(load: f64, chance: f64) -> u64 {
    5 + ((10.0 + 50.0 * load.clamp(0.0, 1.0)) * chance) as u64
}

const COOKIE: &str = "bellhop_session";
/// Characters of a token of ours, and some to spare.
const LONGEST_TOKEN: usize = 96;

fn cookie(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, token)| token.trim_matches('"').to_owned())
        .filter(|token| token.len() <= LONGEST_TOKEN)
}

/// Scheme, host and port; a header that is no host and port makes an address nobody fetches from.
fn base_of(tls: bool, host: &str) -> String {
    let host: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || ".-_:[]".contains(*c)).take(255).collect();
    format!("{}://{host}", if tls { "https" } else { "http" })
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
    fn phones_that_are_sent_away_spread() {
        for (load, last) in [(0.0, 14), (0.5, 39), (1.0, 64), (7.0, 64)] {
            assert_eq!((retry_after(load, 0.0), retry_after(load, 0.999)), (5, last), "{load}");
        }
    }

    #[test]
    fn reads_the_old_western_alphabet() {
        let latin: &[u8] = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>Z\xfcrich</a>";
        let bare: &[u8] = b"<a>Z\xfcrich</a>";
        let utf8 = "<a>Z\u{fc}rich</a>".as_bytes();
        let read = String::from_utf8(as_utf8("text/xml", latin.into()).into_owned()).unwrap();
        assert_eq!(read, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>Z\u{fc}rich</a>");
        let ascii: &[u8] = b"<?xml version='1.0' encoding='iso-8859-1' ?><a/>";
        assert_eq!(*as_utf8("", ascii.into()), *b"<?xml version='1.0' encoding='UTF-8' ?><a/>");
        assert_eq!(*as_utf8("text/xml; charset=\"ISO-8859-1\"", bare.into()), *utf8);
        assert_eq!(*as_utf8("text/xml; charset=iso-8859-1", utf8.into()), *utf8, "it says one and sends the other");
        assert_eq!(*as_utf8("text/xml; charset=utf-8", bare.into()), *bare, "left to be refused");
        assert_eq!(*as_utf8("text/xml; charset=iso-8859-15", bare.into()), *bare);
    }

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
        headers.append(header::COOKIE, format!("bellhop_session={}", "x".repeat(LONGEST_TOKEN + 1)).parse().unwrap());
        assert_eq!(cookie(&headers), None);
    }
}
