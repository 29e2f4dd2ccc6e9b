//! What is wrong with configurations, and the numbers help is called by.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use contract::problem::Problem;
use contract::rest::{EmergencyNumbers, EmergencyNumbersChange, PhoneLint, PropertyLint};
use contract::{PhoneId, PropertyId};

use super::extract::{Body, Caller};
use crate::app::lint::{self, emergency};
use crate::app::{App, Result};

/// What is wrong with a phone's configuration.
#[utoipa::path(get, path = "/api/v1/phones/{phone}/lint", tag = "lint", security(("token" = [])),
    params(("phone" = PhoneId, Path)), responses((status = 200, body = PhoneLint), (status = 404, body = Problem)))]
pub async fn of_phone(State(app): State<Arc<App>>, _: Caller, Path(id): Path<PhoneId>) -> Result<Json<PhoneLint>> {
    lint::of_phone(&app, id).await.map(Json)
}

/// What is wrong with the configurations of a property: rule by rule, with how many phones, and some of them.
#[utoipa::path(get, path = "/api/v1/properties/{property}/lint", tag = "lint", security(("token" = [])),
    params(("property" = PropertyId, Path)),
    responses((status = 200, body = PropertyLint), (status = 404, body = Problem)))]
pub async fn of_property(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<PropertyId>,
) -> Result<Json<PropertyLint>> {
    lint::of_property(&app, id).await.map(Json)
}

/// The numbers every phone of a property must be able to dial.
#[utoipa::path(get, path = "/api/v1/properties/{property}/emergency-numbers", tag = "lint", security(("token" = [])),
    params(("property" = PropertyId, Path)),
    responses((status = 200, body = EmergencyNumbers), (status = 404, body = Problem)))]
pub async fn emergency_numbers(
    State(app): State<Arc<App>>,
    _: Caller,
    Path(id): Path<PropertyId>,
) -> Result<Json<EmergencyNumbers>> {
    emergency::of_property(&app, id).await.map(Json)
}

/// Name them; an empty list: those of the property's time zone.
#[utoipa::path(put, path = "/api/v1/properties/{property}/emergency-numbers", tag = "lint", security(("token" = [])),
    params(("property" = PropertyId, Path)), request_body = EmergencyNumbersChange,
    responses((status = 200, body = EmergencyNumbers), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn set_emergency_numbers(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<PropertyId>,
    Body(body): Body<EmergencyNumbersChange>,
) -> Result<Json<EmergencyNumbers>> {
    emergency::set(&app, &caller.actor, id, body).await.map(Json)
}
