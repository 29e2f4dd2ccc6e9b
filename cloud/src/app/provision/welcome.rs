//! Phones nobody announced: who fetches a property's bootstrap file while it takes new phones, and then phones home, is
//! taken in without a person.

use contract::Mac;
use contract::rest::Enrolment;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
};
use uuid::Uuid;

use crate::app::desired::{Change, refresh};
use crate::app::live::{Touched, touch};
use crate::app::{Actor, App, Result, audit};
use crate::clock::now_ms;
use crate::db::entity::{bootstrap_fetch, phone, provisioning};

/// How long a fetch is good for, in milliseconds.
pub(super) const GOOD_MS: i64 = 3_600_000;

/// The property that takes a phone in: one whose bootstrap file it fetched, within the last hour and from the same address,
/// and which takes new phones still.
pub async fn welcomed(db: &impl ConnectionTrait, mac: Mac, client: &str) -> Result<Option<Uuid>> {
    let now = now_ms();
    let Some(fetch) = bootstrap_fetch::Entity::find_by_id(mac.compact()).one(db).await? else { return Ok(None) };
    if fetch.at < now - GOOD_MS || fetch.address != client {
        return Ok(None);
    }
    let row = provisioning::Entity::find_by_id(fetch.property_id).one(db).await?;
    let open = row.is_some_and(|row| row.enabled && row.accept_until.is_some_and(|until| now < until));
    Ok(open.then_some(fetch.property_id))
}

/// Takes a phone that is `new` into the property that welcomed it. It gets its credentials as an announced one does.
pub async fn take_in(
    app: &App,
    tx: &impl ConnectionTrait,
    phone: phone::Model,
    property: Uuid,
) -> Result<phone::Model> {
    bootstrap_fetch::Entity::delete_by_id(phone.mac.clone()).exec(tx).await?;
    let mut row = phone.into_active_model();
    row.enrolment = Set(Enrolment::Expected.as_str().to_owned());
    row.property_id = Set(Some(property));
    let phone = row.update(tx).await?;
    let actor = Actor::system();
    let detail = format!("{}: fetched the property's bootstrap file while it takes new phones", phone.mac);
    audit::record(tx, &actor, "phone.accept", &phone.id.to_string(), detail).await?;
    let change = Change { actor: &actor, summary: "First configuration for the property".to_owned() };
    refresh(app, tx, vec![phone.clone()], &change).await?;
    touch(tx, [Touched::phone(&phone)]).await?;
    Ok(phone::Entity::find_by_id(phone.id).one(tx).await?.unwrap_or(phone))
}

/// Forgets fetches that are good for nothing any more.
pub async fn forget_old(tx: &impl ConnectionTrait) -> Result<()> {
    bootstrap_fetch::Entity::delete_many().filter(bootstrap_fetch::Column::At.lt(now_ms() - GOOD_MS)).exec(tx).await?;
    Ok(())
}
