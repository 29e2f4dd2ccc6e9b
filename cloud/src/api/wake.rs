//! Waking a phone.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use contract::PhoneId;
use contract::problem::Problem;
use contract::rest::WakeResult;

use super::extract::Caller;
use crate::app::{App, Result, wake};

/// Ask a phone to open a session now, by every way it can be reached by. Answers when it came, or nothing is left to try.
#[utoipa::path(post, path = "/api/v1/phones/{phone}/wake", tag = "phones", security(("token" = [])),
    params(("phone" = PhoneId, Path)), responses((status = 200, body = WakeResult), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)))]
pub async fn wake(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<PhoneId>) -> Result<Json<WakeResult>> {
    wake::wake(&app, &caller.actor, id).await.map(Json)
}
