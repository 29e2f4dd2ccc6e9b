//! The room to the phone, or its old number back to the phone: both go the ordinary way down, as a desired document with
//! its job.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::app::desired::{self, Change, refresh};
use crate::app::live::touch;
use crate::app::{Actor, App, Result, rooms};
use crate::db::entity::{phone, room};

/// The room of a number.
pub async fn room_of(tx: &impl ConnectionTrait, property: Uuid, number: &str) -> Result<Option<room::Model>> {
    let rooms = room::Entity::find().filter(room::Column::PropertyId.eq(property));
    Ok(rooms.filter(room::Column::Number.eq(number)).one(tx).await?)
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
    let change = Change { actor, summary: format!("Room {}: dialled at the phone", room.number) };
    let jobs = refresh(app, tx, changed, &change).await?;
    touch(tx, touched).await?;
    Ok(jobs.into_iter().map(|job| job.phone_id).collect())
}

/// Has the phone take its room's account again. `None`: its room has none.
pub async fn extension(
    app: &App,
    tx: &impl ConnectionTrait,
    actor: &Actor,
    phone: &phone::Model,
) -> Result<Option<Uuid>> {
    let room = match phone.room_id {
        Some(id) => room::Entity::find_by_id(id).one(tx).await?,
        None => None,
    };
    let Some(room) = room.filter(|room| !room.extension.is_empty()) else {
        return Ok(None);
    };
    let change = Change { actor, summary: format!("Extension {}: asked for at the phone", room.extension) };
    desired::again(app, tx, phone, None, &change).await?;
    Ok(Some(room.id))
}

/// The number the phone had before goes back to it.
pub async fn old_number(app: &App, tx: &impl ConnectionTrait, actor: &Actor, phone: &phone::Model) -> Result<()> {
    let change = Change { actor, summary: "The room number dialled at the phone is taken back".to_owned() };
    desired::again(app, tx, phone, Some(crate::domain::catalogue::ROOM_NUMBER), &change).await
}
