//! The room to the phone, or its old number back to the phone: both go the ordinary way down, as a desired document with
//! its job.

use contract::RoomId;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::app::accounts::fill;
use crate::app::desired::{self, Change, refresh};
use crate::app::live::touch;
use crate::app::{Actor, App, Result, rooms};
use crate::db::entity::{extension_pool, phone, room};
use crate::domain::catalogue::ROOM_NUMBER;
use crate::domain::document::Reported;

/// The room of a number.
pub async fn room_of(tx: &impl ConnectionTrait, property: Uuid, number: &str) -> Result<Option<room::Model>> {
    let rooms = room::Entity::find().filter(room::Column::PropertyId.eq(property));
    Ok(rooms.filter(room::Column::Number.eq(number)).one(tx).await?)
}

/// The room somebody means who dials this number: the one of the number, else the one with this extension, since a room
/// whose number has letters cannot be dialled.
pub async fn room_to_pick(tx: &impl ConnectionTrait, property: Uuid, number: &str) -> Result<Option<room::Model>> {
    if let Some(room) = room_of(tx, property, number).await? {
        return Ok(Some(room));
    }
    let rooms = room::Entity::find().filter(room::Column::PropertyId.eq(property));
    let with_extension = rooms.filter(room::Column::Extension.eq(number)).order_by_asc(room::Column::Number);
    Ok(with_extension.one(tx).await?)
}

/// The room number that is set at the phone, as it reports it.
pub async fn number_set(tx: &impl ConnectionTrait, phone: Uuid) -> Result<Option<String>> {
    let Some(row) = desired::of(tx, phone).await? else { return Ok(None) };
    let mut reported: Reported = serde_json::from_str(&row.reported)?;
    Ok(reported.remove(ROOM_NUMBER).filter(|number| !number.is_empty()))
}

/// Puts the phone into the room it picked. `None`, and nothing is changed: the room has no extension and gets none.
///
/// # Errors
/// As [`room`].
pub async fn picked(
    app: &App,
    tx: &impl ConnectionTrait,
    actor: &Actor,
    phone: &phone::Model,
    picked: &room::Model,
    replace: bool,
) -> Result<Option<Vec<Uuid>>> {
    if account(app, tx, picked.id).await?.is_none() {
        return Ok(None);
    }
    room(app, tx, actor, phone, picked, replace).await.map(Some)
}

/// Puts the phone into the room, as a person does. Returns the phones that have something to fetch.
///
/// # Errors
/// A conflict, where another phone stands there and `replace` is not given.
pub async fn room(
    app: &App,
    tx: &impl ConnectionTrait,
    actor: &Actor,
    phone: &phone::Model,
    room: &room::Model,
    replace: bool,
) -> Result<Vec<Uuid>> {
    let (touched, changed) = rooms::place(tx, phone.clone(), room, replace).await?;
    account(app, tx, room.id).await?;
    let change = Change { actor, summary: format!("Room {}: dialled at the phone", room.number) };
    let jobs = refresh(app, tx, changed, &change).await?;
    touch(tx, touched).await?;
    Ok(jobs.into_iter().map(|job| job.phone_id).collect())
}

/// A room that has no extension gets one from its property's pools. Returns the one it has then.
async fn account(app: &App, tx: &impl ConnectionTrait, room: Uuid) -> Result<Option<String>> {
    let Some(room) = room::Entity::find_by_id(room).one(tx).await? else { return Ok(None) };
    if !room.extension.is_empty() {
        return Ok(Some(room.extension));
    }
    let pools = extension_pool::Entity::find().filter(extension_pool::Column::PropertyId.eq(room.property_id));
    for pool in pools.order_by_asc(extension_pool::Column::Name).all(tx).await? {
        let filled = fill::give(app, tx, &pool, Some(&[RoomId(room.id)]), "").await?;
        if let Some((room, _)) = filled.given.into_iter().next() {
            return Ok(Some(room.extension));
        }
    }
    Ok(None)
}

/// Has the phone take its room's account. `None`: its room has none and gets none.
pub async fn extension(
    app: &App,
    tx: &impl ConnectionTrait,
    actor: &Actor,
    phone: &phone::Model,
) -> Result<Option<Uuid>> {
    let Some(room) = phone.room_id else { return Ok(None) };
    let Some(extension) = account(app, tx, room).await? else { return Ok(None) };
    let change = Change { actor, summary: format!("Extension {extension}: asked for at the phone") };
    if refresh(app, tx, vec![phone.clone()], &change).await?.is_empty() {
        // It has been told: once more, since it asks.
        desired::push_again(app, tx, actor, phone.id, change.summary.clone()).await?;
    }
    Ok(Some(room))
}

/// The number the phone had before goes back to it.
pub async fn old_number(app: &App, tx: &impl ConnectionTrait, actor: &Actor, phone: &phone::Model) -> Result<()> {
    let change = Change { actor, summary: "The room number dialled at the phone is taken back".to_owned() };
    desired::push_default(app, tx, phone, ROOM_NUMBER, &change).await
}
