//! SIP servers, extension pools and SIP accounts of a property.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use contract::problem::Problem;
use contract::rest::*;
use contract::{ExtensionPoolId, PropertyId, SipAccountId, SipServerId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::configuration::attachment;
use super::extract::{Body, Caller, Operation, fifty};
use crate::app::accounts::{assign as assigning, change as changing, export as exporting, fill as filling};
use crate::app::accounts::{list as listing, pools as pooling, servers as serving};
use crate::app::provision::Export;
use crate::app::{App, Result};

type Changed = Result<(StatusCode, Json<Accepted>)>;

fn changed(accepted: Accepted) -> (StatusCode, Json<Accepted>) {
    (StatusCode::ACCEPTED, Json(accepted))
}

/// The SIP servers of a property.
#[utoipa::path(get, path = "/api/v1/properties/{property}/sip-servers", tag = "accounts", security(("token" = [])),
    params(("property" = PropertyId, Path)),
    responses((status = 200, body = Vec<SipServer>), (status = 404, body = Problem)))]
pub async fn servers(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<PropertyId>,
) -> Result<Json<Vec<SipServer>>> {
    serving::list(&app, id).await.map(Json)
}

/// Add a SIP server.
#[utoipa::path(post, path = "/api/v1/properties/{property}/sip-servers", tag = "accounts", security(("token" = [])),
    params(("property" = PropertyId, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = SipServerSpec,
    responses((status = 201, body = SipServer), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn create_server(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<PropertyId>,
    Body(body): Body<SipServerSpec>,
) -> Result<(StatusCode, Json<SipServer>)> {
    let once = operation.once(&app, &caller, &body)?;
    Ok((StatusCode::CREATED, Json(serving::create(&app, &caller.actor, &once, id, body).await?)))
}

/// Change a SIP server; every phone with an account on it follows.
#[utoipa::path(put, path = "/api/v1/properties/{property}/sip-servers/{server}", tag = "accounts",
    security(("token" = [])), params(("property" = PropertyId, Path), ("server" = SipServerId, Path),
        ("Idempotency-Key" = Option<String>, Header), ("dry_run" = Option<bool>, Query)),
    request_body = SipServerSpec,
    responses((status = 202, body = Accepted), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn change_server(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path((id, which)): Path<(PropertyId, SipServerId)>,
    Body(body): Body<SipServerSpec>,
) -> Changed {
    let once = operation.once_or_tried(&app, &caller, &body)?;
    serving::change(&app, &caller.actor, &once, id, which, body).await.map(changed)
}

/// Remove a SIP server that no account and no pool is on.
#[utoipa::path(delete, path = "/api/v1/properties/{property}/sip-servers/{server}", tag = "accounts",
    security(("token" = [])), params(("property" = PropertyId, Path), ("server" = SipServerId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn remove_server(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((id, which)): Path<(PropertyId, SipServerId)>,
) -> Result<StatusCode> {
    serving::remove(&app, &caller.actor, id, which).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The extension pools of a property.
#[utoipa::path(get, path = "/api/v1/properties/{property}/extension-pools", tag = "accounts",
    security(("token" = [])), params(("property" = PropertyId, Path)),
    responses((status = 200, body = Vec<ExtensionPool>), (status = 404, body = Problem)))]
pub async fn pools(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<PropertyId>,
) -> Result<Json<Vec<ExtensionPool>>> {
    pooling::list(&app, id).await.map(Json)
}

/// Add an extension pool.
#[utoipa::path(post, path = "/api/v1/properties/{property}/extension-pools", tag = "accounts",
    security(("token" = [])), params(("property" = PropertyId, Path),
        ("Idempotency-Key" = Option<String>, Header)), request_body = ExtensionPoolSpec,
    responses((status = 201, body = ExtensionPool), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn create_pool(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<PropertyId>,
    Body(body): Body<ExtensionPoolSpec>,
) -> Result<(StatusCode, Json<ExtensionPool>)> {
    let once = operation.once(&app, &caller, &body)?;
    Ok((StatusCode::CREATED, Json(pooling::create(&app, &caller.actor, &once, id, body).await?)))
}

/// Change an extension pool; accounts made from it stay as they are.
#[utoipa::path(put, path = "/api/v1/properties/{property}/extension-pools/{pool}", tag = "accounts",
    security(("token" = [])), params(("property" = PropertyId, Path), ("pool" = ExtensionPoolId, Path),
        ("Idempotency-Key" = Option<String>, Header)),
    request_body = ExtensionPoolSpec,
    responses((status = 200, body = ExtensionPool), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn change_pool(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path((id, which)): Path<(PropertyId, ExtensionPoolId)>,
    Body(body): Body<ExtensionPoolSpec>,
) -> Result<Json<ExtensionPool>> {
    let once = operation.once(&app, &caller, &body)?;
    pooling::change(&app, &caller.actor, &once, id, which, body).await.map(Json)
}

/// Remove an extension pool; accounts made from it stay.
#[utoipa::path(delete, path = "/api/v1/properties/{property}/extension-pools/{pool}", tag = "accounts",
    security(("token" = [])), params(("property" = PropertyId, Path), ("pool" = ExtensionPoolId, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn remove_pool(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((id, which)): Path<(PropertyId, ExtensionPoolId)>,
) -> Result<StatusCode> {
    pooling::remove(&app, &caller.actor, id, which).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give every room without an account one from the pool. Repeated, it gives only what is missing.
#[utoipa::path(post, path = "/api/v1/properties/{property}/extension-pools/{pool}/fill", tag = "accounts",
    security(("token" = [])), params(("property" = PropertyId, Path), ("pool" = ExtensionPoolId, Path),
        ("Idempotency-Key" = Option<String>, Header)),
    request_body = FillPool,
    responses((status = 202, body = PoolFilled), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn fill(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path((id, which)): Path<(PropertyId, ExtensionPoolId)>,
    Body(body): Body<FillPool>,
) -> Result<(StatusCode, Json<PoolFilled>)> {
    let once = operation.once(&app, &caller, &body)?;
    Ok((StatusCode::ACCEPTED, Json(filling::fill(&app, &caller.actor, &once, id, which, body).await?)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    server: Option<SipServerId>,
    /// Found in the user, or the start of the number of the room that has it.
    #[serde(default)]
    q: String,
    /// Only accounts that a room or phone has, or only the others.
    used: Option<bool>,
    #[serde(default)]
    offset: u64,
    /// 1 to 500.
    #[serde(default = "fifty")]
    limit: u32,
}

/// The SIP accounts of a property, searched, filtered and in pages.
#[utoipa::path(get, path = "/api/v1/properties/{property}/sip-accounts", tag = "accounts", security(("token" = [])),
    params(("property" = PropertyId, Path), ListQuery),
    responses((status = 200, body = SipAccountPage), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn list(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<PropertyId>,
    Query(query): Query<ListQuery>,
) -> Result<Json<SipAccountPage>> {
    let query = listing::Query {
        server: query.server.map(|id| id.0),
        text: query.q,
        used: query.used,
        offset: query.offset,
        limit: query.limit,
    };
    listing::list(&app, id, &query).await.map(Json)
}

/// Add a SIP account; without a password it gets a random one.
#[utoipa::path(post, path = "/api/v1/properties/{property}/sip-accounts", tag = "accounts", security(("token" = [])),
    params(("property" = PropertyId, Path),
        ("Idempotency-Key" = Option<String>, Header)), request_body = SipAccountSpec,
    responses((status = 201, body = SipAccount), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path(id): Path<PropertyId>,
    Body(body): Body<SipAccountSpec>,
) -> Result<(StatusCode, Json<SipAccount>)> {
    let once = operation.once(&app, &caller, &body)?;
    Ok((StatusCode::CREATED, Json(changing::create(&app, &caller.actor, &once, id, body).await?)))
}

/// The accounts with their passwords, as CSV for the PBX: user, auth_user, password, display_name.
#[utoipa::path(post, path = "/api/v1/properties/{property}/sip-accounts/export", tag = "accounts",
    security(("token" = [])), params(("property" = PropertyId, Path)), request_body = ExportAccounts,
    responses((status = 200, content_type = "text/csv", body = String), (status = 404, body = Problem)))]
pub async fn export(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<PropertyId>,
    Body(body): Body<ExportAccounts>,
) -> Result<Response> {
    let bytes = exporting::csv(&app, &caller.actor, id, body).await?.into();
    Ok(attachment(Export { name: "sip-accounts.csv".to_owned(), content_type: "text/csv; charset=utf-8", bytes }))
}

/// A SIP account, without its password.
#[utoipa::path(get, path = "/api/v1/properties/{property}/sip-accounts/{account}", tag = "accounts",
    security(("token" = [])), params(("property" = PropertyId, Path), ("account" = SipAccountId, Path)),
    responses((status = 200, body = SipAccount), (status = 404, body = Problem)))]
pub async fn one(
    State(app): State<Arc<App>>,
    _: Caller,
    Path((id, which)): Path<(PropertyId, SipAccountId)>,
) -> Result<Json<SipAccount>> {
    listing::one(&app, id, which).await.map(Json)
}

/// Change a SIP account; whoever has it follows.
#[utoipa::path(put, path = "/api/v1/properties/{property}/sip-accounts/{account}", tag = "accounts",
    security(("token" = [])), params(("property" = PropertyId, Path), ("account" = SipAccountId, Path),
        ("Idempotency-Key" = Option<String>, Header), ("dry_run" = Option<bool>, Query)),
    request_body = SipAccountSpec,
    responses((status = 202, body = Accepted), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path((id, which)): Path<(PropertyId, SipAccountId)>,
    Body(body): Body<SipAccountSpec>,
) -> Changed {
    let once = operation.once_or_tried(&app, &caller, &body)?;
    changing::change(&app, &caller.actor, &once, id, which, body).await.map(changed)
}

/// Remove a SIP account; whoever had it has none.
#[utoipa::path(delete, path = "/api/v1/properties/{property}/sip-accounts/{account}", tag = "accounts",
    security(("token" = [])), params(("property" = PropertyId, Path), ("account" = SipAccountId, Path)),
    responses((status = 202, body = Accepted), (status = 404, body = Problem)))]
pub async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((id, which)): Path<(PropertyId, SipAccountId)>,
) -> Changed {
    changing::remove(&app, &caller.actor, id, which).await.map(changed)
}

/// Give an account to a room or a phone.
#[utoipa::path(post, path = "/api/v1/properties/{property}/sip-accounts/{account}/assign", tag = "accounts",
    security(("token" = [])), params(("property" = PropertyId, Path), ("account" = SipAccountId, Path),
        ("Idempotency-Key" = Option<String>, Header), ("dry_run" = Option<bool>, Query)),
    request_body = AssignAccount,
    responses((status = 202, body = Accepted), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn assign(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path((id, which)): Path<(PropertyId, SipAccountId)>,
    Body(body): Body<AssignAccount>,
) -> Changed {
    let once = operation.once_or_tried(&app, &caller, &body)?;
    assigning::assign(&app, &caller.actor, &once, id, which, body).await.map(changed)
}

/// Take an account back from a room or phone, or from all that have it.
#[utoipa::path(post, path = "/api/v1/properties/{property}/sip-accounts/{account}/unassign", tag = "accounts",
    security(("token" = [])), params(("property" = PropertyId, Path), ("account" = SipAccountId, Path),
        ("Idempotency-Key" = Option<String>, Header), ("dry_run" = Option<bool>, Query)),
    request_body = UnassignAccount,
    responses((status = 202, body = Accepted), (status = 404, body = Problem)))]
pub async fn unassign(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path((id, which)): Path<(PropertyId, SipAccountId)>,
    Body(body): Body<UnassignAccount>,
) -> Changed {
    let once = operation.once_or_tried(&app, &caller, &body)?;
    assigning::unassign(&app, &caller.actor, &once, id, which, body).await.map(changed)
}

/// Give an account a new random password.
#[utoipa::path(post, path = "/api/v1/properties/{property}/sip-accounts/{account}/password", tag = "accounts",
    security(("token" = [])), params(("property" = PropertyId, Path), ("account" = SipAccountId, Path),
        ("Idempotency-Key" = Option<String>, Header), ("dry_run" = Option<bool>, Query)),
    responses((status = 202, body = Accepted), (status = 404, body = Problem)))]
pub async fn renew(
    State(app): State<Arc<App>>,
    caller: Caller,
    operation: Operation,
    Path((id, which)): Path<(PropertyId, SipAccountId)>,
) -> Changed {
    let once = operation.once_or_tried(&app, &caller, &())?;
    changing::renew(&app, &caller.actor, &once, id, which).await.map(changed)
}
