//! The tree of parameters a phone showed.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use contract::PhoneId;
use contract::problem::Problem;
use contract::rest::ParameterPage;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::Caller;
use crate::app::{App, Result, parameters};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct TreeQuery {
    /// An object, ending in a dot; empty: the root.
    #[serde(default)]
    path: String,
    /// Words to find in paths and values anywhere below, instead of one level.
    #[serde(default)]
    search: String,
    /// Only what the last reading found changed, anywhere below.
    #[serde(default)]
    changed: bool,
    #[serde(default)]
    offset: u64,
    /// 1 to 500.
    #[serde(default = "hundred")]
    limit: u32,
}

fn hundred() -> u32 {
    100
}

/// One level of a phone's parameters as last read, or what matches below it. A `refresh` task reads them anew.
#[utoipa::path(get, path = "/api/v1/phones/{phone}/parameters", tag = "tasks", security(("token" = [])),
    params(("phone" = PhoneId, Path), TreeQuery),
    responses((status = 200, body = ParameterPage), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn page(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<PhoneId>,
    Query(query): Query<TreeQuery>,
) -> Result<Json<ParameterPage>> {
    let TreeQuery { path, search, changed, offset, limit } = query;
    parameters::page(&app, id, &parameters::Query { path, search, changed, offset, limit }).await.map(Json)
}
