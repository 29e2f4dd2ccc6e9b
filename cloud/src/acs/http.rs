//! The TR-069 endpoint: one POST in, one answer out (TR-069 §3.4). Every limit applies before anything is parsed, and
//! each POST is one transaction: the session's move, the job's step and what was heard are kept together or not at all.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use contract::PhoneId;
use contract::rest::Enrolment;
use cwmp::{AcsInput, AcsSession, Envelope, Inform, Limits, decode_body, decode_post, encode};

use super::auth::{self, Proof};
use super::drive;
use super::session::{self, State as SessionState};
use super::work::Work;
use crate::app::{App, AppError, Result, enrol, heard, quarantine, views};
use crate::broker::external;
use crate::clock::now_ms;
use crate::db::entity::phone;
use crate::secrets::{random_fraction, random_token};
use sea_orm::EntityTrait;
use tokio::sync::Semaphore;

/// How long making an account keeps other POSTs of the phone away: longer than it can take.
const ACCOUNT_MS: i64 = external::WAIT.as_millis() as i64 + 2_000;

/// Serves `/acs`.
pub fn router(app: Arc<App>) -> Router {
    Router::new().route("/acs", post(receive)).with_state(Acs { app, turns: Arc::new(Semaphore::new(TURNS)) })
}

/// POSTs answered at once. More would only wait for the database; here they wait without holding up people's requests,
/// which queue for the same writer.
const TURNS: usize = 32;

#[derive(Clone)]
struct Acs {
    app: Arc<App>,
    turns: Arc<Semaphore>,
}

/// A POST after its limits were checked.
struct Post {
    headers: HeaderMap,
    uri: String,
    client: String,
    body: Vec<u8>,
}

async fn receive(
    State(Acs { app, turns }): State<Acs>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let limit = app.config.acs.max_body_bytes;
    let uri = parts.uri.path_and_query().map_or("/acs", |path| path.as_str()).to_owned();
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
    let post = Post { headers: parts.headers, uri, client, body: inflated };
    match answer(&app, &turns, &post, &limits).await {
        Ok(response) => response,
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

async fn answer(app: &App, turns: &Semaphore, post: &Post, limits: &Limits) -> Result<Response> {
    let decoded = decode_post(&post.body, limits);
    // Only an empty POST asks for something to do.
    let account = match &decoded {
        Ok(None) => make_account(app, turns, post).await?,
        _ => Account::NotNeeded,
    };
    let _turn = turns.acquire().await.map_err(anyhow::Error::from)?;
    let account = match account {
        Account::NotNeeded => None,
        Account::Made(phone, password) => Some((phone, password)),
        Account::Not(response) => return Ok(response),
    };
    match decoded {
        Ok(Some(envelope)) if matches!(envelope.body, cwmp::Message::Inform(_)) => begin(app, post, envelope).await,
        decoded => go_on(app, post, decoded, account).await,
    }
}

/// An Inform opens a session.
async fn begin(app: &App, post: &Post, envelope: Envelope) -> Result<Response> {
    let mut acs = AcsSession::new();
    let AcsInput::Informed { inform, reply } = acs.on_message(Some(envelope)) else {
        return Ok(StatusCode::BAD_REQUEST.into_response());
    };
    let write = app.db.write().await?;
    let tx = &write.tx;
    if session::running(tx).await? >= app.config.acs.max_sessions as u64 {
        return Ok(busy());
    }
    let phone = enrol::find_or_make(app, tx, &inform).await?;
    let proof = auth::check(app, &post.headers, &phone, &post.uri, &post.body, &post.client);
    let enrolment = views::enrolment(&phone);
    match (enrolment, proof) {
        (Enrolment::Enrolled, Proof::Missing | Proof::Stale) => {
            return Ok(challenge(app, &post.client, proof == Proof::Stale));
        }
        (Enrolment::Expected, Proof::Missing | Proof::Stale) if !enrol::serial_matches(&phone, &inform) => {
            drop(write);
            return Ok(wrong_serial(app, post, &phone, &inform).await);
        }
        _ => {}
    }
    if app.accounts.is_some() && session::makes_account(tx, phone.id).await? {
        // Two at work on one account could leave the phone with the password of the other.
        return Ok(busy());
    }
    let proven = proof == Proof::Valid;
    let phone = heard::inform(app, tx, phone, &inform).await?;
    if proven {
        enrol::enrolled(tx, &phone).await?;
    }
    let host = post.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    let state = SessionState {
        acs,
        work: Work::Nothing,
        enrol: enrolment == Enrolment::Expected && !proven,
        // Once: not at each of its visits.
        welcome: enrolment == Enrolment::New
            && inform.events.iter().any(|event| event.code != cwmp::EventCode::PERIODIC),
        account_until: 0,
        trusted: enrolment != Enrolment::New,
        host: host_of(host),
    };
    let cookie = session::begin(tx, phone.id, &state, app.config.acs.session_timeout_s).await?;
    write.commit().await?;
    app.live.wake();
    let mut response = soap(StatusCode::OK, &reply);
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// What became of a phone's account on an external broker.
enum Account {
    NotNeeded,
    /// It is there, with this password.
    Made(PhoneId, String),
    /// The phone is answered so, and hears nothing of credentials.
    Not(Response),
}

/// Makes the account before the credentials leave. The broker may take seconds, so this happens between two transactions
/// and not in the one that answers the POST, and without a turn: SQLite has one writer, and every other phone would wait
/// for it. In between, the session says that it is being done: no other POST nor session of this phone makes another one meanwhile, in
/// whatever process. Nothing of it is lasting: after a crash the time runs out and the next session starts anew.
async fn make_account(app: &App, turns: &Semaphore, post: &Post) -> Result<Account> {
    let Some(accounts) = &app.accounts else { return Ok(Account::NotNeeded) };
    let turn = turns.acquire().await.map_err(anyhow::Error::from)?;
    let Some(mut session) = session::load(app.db.read(), &post.headers).await? else { return Ok(Account::NotNeeded) };
    if !session.state.enrol {
        return Ok(Account::NotNeeded);
    }
    if session.state.account_until > now_ms() {
        return Ok(Account::Not(StatusCode::CONFLICT.into_response()));
    }
    let phone = phone::Entity::find_by_id(session.phone).one(app.db.read()).await?;
    if !phone.is_some_and(|phone| heard::is_ours(&phone)) {
        return Ok(Account::NotNeeded);
    }
    let id = PhoneId(session.phone);
    let write = app.db.write().await?;
    session.state.account_until = now_ms() + ACCOUNT_MS;
    if !session::save(&write.tx, &session, app.config.acs.session_timeout_s).await? {
        return Ok(Account::Not(StatusCode::CONFLICT.into_response()));
    }
    write.commit().await?;
    drop(turn);

    let password = random_token();
    let Err(error) = accounts.make(id, &password).await else { return Ok(Account::Made(id, password)) };
    let error = format!("{error:#}");
    tracing::warn!(phone = %id, error, "not enrolled: the MQTT broker has no account for the phone; it will try again");
    let _turn = turns.acquire().await.map_err(anyhow::Error::from)?;
    let write = app.db.write().await?;
    session::end(&write.tx, &session).await?;
    write.commit().await?;
    // A failed session, not an ended one: the phone repeats it soon rather than at its interval.
    Ok(Account::Not(busy()))
}

/// Every POST after the Inform.
async fn go_on(
    app: &App,
    post: &Post,
    decoded: std::result::Result<Option<Envelope>, cwmp::CwmpError>,
    account: Option<(PhoneId, String)>,
) -> Result<Response> {
    let write = app.db.write().await?;
    let tx = &write.tx;
    let Some(mut session) = session::load(tx, &post.headers).await? else {
        drop(write);
        return Ok(match decoded {
            Ok(None) => StatusCode::NO_CONTENT.into_response(),
            Ok(Some(envelope)) => {
                let reason = format!("{} outside a session", envelope.body.name());
                refuse(app, &post.client, StatusCode::BAD_REQUEST, &reason, &post.body).await
            }
            Err(error) => {
                let fault = error.fault_envelope(cwmp::error::Side::Acs);
                let mut refused =
                    refuse(app, &post.client, StatusCode::BAD_REQUEST, &error.to_string(), &post.body).await;
                if error.version.is_some() {
                    refused = soap(StatusCode::INTERNAL_SERVER_ERROR, &fault);
                }
                refused
            }
        });
    };
    let input = match decoded {
        Ok(envelope) => session.state.acs.on_message(envelope),
        Err(error) => session.state.acs.on_error(error),
    };
    let Some(phone) = phone::Entity::find_by_id(session.phone).one(tx).await? else {
        // Removed meanwhile: it comes back as a new phone.
        drop(write);
        if let (Some(accounts), Some((id, _))) = (&app.accounts, account)
            && let Err(error) = accounts.remove(id).await
        {
            let error = format!("{error:#}");
            tracing::warn!(phone = %id, error, "a removed phone's account stays on the MQTT broker; nobody has its password");
        }
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    if account.is_some() {
        session.state.account_until = 0;
    }
    let password = account.map(|(_, password)| password);
    let response = match input {
        AcsInput::CpeRequest { reply, .. } | AcsInput::Refused { reply, .. } => soap(StatusCode::OK, &reply),
        AcsInput::Unexpected { reason } => {
            session::end(tx, &session).await?;
            write.commit().await?;
            return Ok(refuse(app, &post.client, StatusCode::BAD_REQUEST, &reason, &post.body).await);
        }
        input => match drive::step(app, tx, &phone, &mut session.state, input, password).await? {
            Some(message) => match session.state.acs.request(message) {
                Ok(envelope) => soap(StatusCode::OK, &envelope),
                Err(_) => StatusCode::NO_CONTENT.into_response(),
            },
            None => StatusCode::NO_CONTENT.into_response(),
        },
    };
    if response.status() == StatusCode::NO_CONTENT {
        session::end(tx, &session).await?;
    } else if !session::save(tx, &session, app.config.acs.session_timeout_s).await? {
        // The same session was answered at the same time; the other answer counts.
        return Ok(StatusCode::CONFLICT.into_response());
    }
    write.commit().await?;
    app.live.wake();
    Ok(response)
}

fn soap(status: StatusCode, envelope: &Envelope) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8")),
        (header::HeaderName::from_static("soapaction"), HeaderValue::from_static("")),
    ];
    (status, headers, encode(envelope)).into_response()
}

fn challenge(app: &App, client: &str, stale: bool) -> Response {
    let mut response = StatusCode::UNAUTHORIZED.into_response();
    for value in auth::challenges(app, client, stale) {
        response.headers_mut().append(header::WWW_AUTHENTICATE, value);
    }
    response
}

async fn wrong_serial(app: &App, post: &Post, phone: &phone::Model, inform: &Inform) -> Response {
    let reason = format!(
        "phone {} was announced with serial number {}, but shows {}",
        views::mac(phone),
        phone.serial,
        inform.device_id.serial_number
    );
    refuse(app, &post.client, StatusCode::FORBIDDEN, &reason, b"").await
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
    use super::host_of;

    #[test]
    fn takes_the_host_without_its_port() {
        for (header, host) in [("acs.example:7080", "acs.example"), ("10.0.0.1", "10.0.0.1"), ("[::1]:7080", "::1")] {
            assert_eq!(host_of(header), host);
        }
    }
}
