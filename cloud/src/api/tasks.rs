//! Tasks: what a person asks of one phone.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use contract::PhoneId;
use contract::problem::Problem;
use contract::rest::{JobView, Task};

use super::extract::{Body, Caller, Operation};
use crate::app::{App, Result, tasks};

/// Ask something of a phone: read or set parameters, restart it, send or fetch a file, measure. It is carried out when the
/// phone is there, in the order asked; the job shows how far it is and what came of it.
#[utoipa::path(post, path = "/api/v1/phones/{phone}/tasks", tag = "tasks", security(("token" = [])),
    params(("phone" = PhoneId, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = Task,
    responses((status = 202, body = JobView), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<PhoneId>,
    Body(body): Body<Task>,
) -> Result<(StatusCode, Json<JobView>)> {
    let once = operation.once(&app, &caller, &body)?;
    Ok((StatusCode::ACCEPTED, Json(tasks::create(&app, &caller.actor, &once, id, body).await?)))
}
