//! Phones: lists, one phone, new phones.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use contract::problem::Problem;
use contract::rest::*;
use contract::{ChangeSetId, PhoneId, PropertyId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Body, Caller, Operation, fifty};
use crate::app::{App, Result, announce, desired, phones};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    property: Option<PropertyId>,
    /// Words to find in room number, MAC, serial number, model, firmware or IP address.
    #[serde(default)]
    q: String,
    state: Option<RoomState>,
    sync: Option<SyncState>,
    enrolment: Option<Enrolment>,
    /// Only phones of this change set.
    change: Option<ChangeSetId>,
    /// With `change`: only phones that are so far with it.
    reach: Option<ChangeReach>,
    sort: Option<PhoneSort>,
    /// Sort the other way round.
    #[serde(default)]
    desc: bool,
    #[serde(default)]
    offset: u64,
    /// 1 to 500.
    #[serde(default = "fifty")]
    limit: u32,
}

/// Phones, searched, filtered, sorted and in pages.
#[utoipa::path(get, path = "/api/v1/phones", tag = "phones", security(("token" = [])), params(ListQuery),
    responses((status = 200, body = PhonePage), (status = 422, body = Problem)))]
pub async fn list(State(app): State<Arc<App>>, _: Caller, Query(query): Query<ListQuery>) -> Result<Json<PhonePage>> {
    let query = phones::Query {
        property: query.property.map(|id| id.0),
        text: query.q,
        state: query.state,
        sync: query.sync,
        enrolment: query.enrolment,
        change: query.change.map(|id| id.0),
        reach: query.reach,
        sort: query.sort,
        descending: query.desc,
        offset: query.offset,
        limit: query.limit,
    };
    phones::list(&app, &query).await.map(Json)
}

/// Phones that phoned home unannounced.
#[utoipa::path(get, path = "/api/v1/phones/new", tag = "phones", security(("token" = [])),
    responses((status = 200, body = Vec<PhoneRow>)))]
pub async fn new_phones(State(app): State<Arc<App>>, _: Caller) -> Result<Json<Vec<PhoneRow>>> {
    phones::new_phones(&app).await.map(Json)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AnnounceQuery {
    property: PropertyId,
}

/// Announce a phone by MAC address and serial number, before it first phones home.
#[utoipa::path(post, path = "/api/v1/phones/announce", tag = "phones", security(("token" = [])), params(AnnounceQuery),
    request_body = AnnouncePhone,
    responses((status = 201, body = PhoneRow), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn announce(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<AnnounceQuery>,
    Body(body): Body<AnnouncePhone>,
) -> Result<(StatusCode, Json<PhoneRow>)> {
    Ok((StatusCode::CREATED, Json(announce::announce(&app, &caller.actor, query.property, body).await?)))
}

/// A phone: identity, state, desired against reported, jobs, events.
#[utoipa::path(get, path = "/api/v1/phones/{phone}", tag = "phones", security(("token" = [])),
    params(("phone" = PhoneId, Path)), responses((status = 200, body = PhoneDetail), (status = 404, body = Problem)))]
pub async fn one(State(app): State<Arc<App>>, _: Caller, Path(id): Path<PhoneId>) -> Result<Json<PhoneDetail>> {
    phones::detail(&app, id).await.map(Json)
}

/// Forget a phone. If it phones home again it is a new phone.
#[utoipa::path(delete, path = "/api/v1/phones/{phone}", tag = "phones", security(("token" = [])),
    params(("phone" = PhoneId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn remove(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<PhoneId>) -> Result<StatusCode> {
    announce::remove(&app, &caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a new phone into a property and a room.
#[utoipa::path(post, path = "/api/v1/phones/{phone}/accept", tag = "phones", security(("token" = [])),
    params(("phone" = PhoneId, Path)), request_body = AcceptPhone,
    responses((status = 200, body = PhoneRow), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn accept(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<PhoneId>,
    Body(body): Body<AcceptPhone>,
) -> Result<Json<PhoneRow>> {
    announce::accept(&app, &caller.actor, id, body).await.map(Json)
}

/// Bring a phone back to what it should be, for example after somebody changed it there.
#[utoipa::path(post, path = "/api/v1/phones/{phone}/push", tag = "phones", security(("token" = [])),
    params(("phone" = PhoneId, Path)), responses((status = 202, body = Accepted), (status = 404, body = Problem)))]
pub async fn push(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<PhoneId>,
) -> Result<(StatusCode, Json<Accepted>)> {
    operation.once(&app, &caller, &())?;
    Ok((StatusCode::ACCEPTED, Json(desired::push(&app, &caller.actor, id).await?)))
}
