//! Signing in and out.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use contract::problem::Problem;
use contract::rest::{Login, Me, Refresh, Tokens};

use super::extract::{Body, Caller};
use crate::app::{App, Result, people};

/// Sign in with e-mail and password.
#[utoipa::path(post, path = "/api/v1/login", tag = "people", request_body = Login,
    responses((status = 200, body = Tokens), (status = 401, body = Problem), (status = 429, body = Problem)))]
pub async fn login(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Body(login): Body<Login>,
) -> Result<Json<Tokens>> {
    people::login(&app, login, peer.ip()).await.map(Json)
}

/// Trade a refresh token, once, for the next pair of tokens.
#[utoipa::path(post, path = "/api/v1/refresh", tag = "people", request_body = Refresh,
    responses((status = 200, body = Tokens), (status = 401, body = Problem)))]
pub async fn refresh(State(app): State<Arc<App>>, Body(body): Body<Refresh>) -> Result<Json<Tokens>> {
    people::refresh(&app, &body.refresh_token).await.map(Json)
}

/// End a session.
#[utoipa::path(post, path = "/api/v1/logout", tag = "people", request_body = Refresh, responses((status = 204)))]
pub async fn logout(State(app): State<Arc<App>>, Body(body): Body<Refresh>) -> Result<StatusCode> {
    people::logout(&app, &body.refresh_token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who am I?
#[utoipa::path(get, path = "/api/v1/me", tag = "people", security(("token" = [])),
    responses((status = 200, body = Me), (status = 401, body = Problem)))]
pub async fn me(caller: Caller) -> Json<Me> {
    Json(caller.me)
}
