//! Jobs, and messages that could not be read.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use contract::JobId;
use contract::problem::Problem;
use contract::rest::{JobView, QuarantinePage};

use super::extract::Caller;
use crate::app::{App, Result, jobs, quarantine};

/// Put a parked job back to work.
#[utoipa::path(post, path = "/api/v1/jobs/{job}/retry", tag = "jobs", security(("token" = [])), params(("job" = JobId, Path)),
    responses((status = 200, body = JobView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn retry(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<JobId>) -> Result<Json<JobView>> {
    jobs::retry(&app, &caller.actor, id).await.map(Json)
}

/// Give a waiting job up.
#[utoipa::path(post, path = "/api/v1/jobs/{job}/cancel", tag = "jobs", security(("token" = [])), params(("job" = JobId, Path)),
    responses((status = 200, body = JobView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn cancel(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<JobId>) -> Result<Json<JobView>> {
    jobs::cancel(&app, &caller.actor, id).await.map(Json)
}

/// The newest messages that could not be read, and how many there are.
#[utoipa::path(get, path = "/api/v1/quarantine", tag = "jobs", security(("token" = [])),
    responses((status = 200, body = QuarantinePage)))]
pub async fn quarantine(State(app): State<Arc<App>>, _: Caller) -> Result<Json<QuarantinePage>> {
    quarantine::list(&app, 100).await.map(Json)
}
