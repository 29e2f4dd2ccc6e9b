//! A room: its number, extension and guest name, and the phone that stands in it.

use std::collections::HashMap;

use contract::rest::{Accepted, AssignPhone, Enrolment, RoomChange, RoomDetail};
use contract::{Mac, RoomId};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::accounts::assign;
use super::close::close;
use super::desired::{Change, refresh};
use super::error::{conflict, invalid, not_found};
use super::idempotency::Once;
use super::live::{Touched, touch};
use super::{Actor, App, Result, audit, claims, groups, views};
use crate::db::entity::{building, event, floor, job, phone, room};
use crate::db::is_duplicate;
use crate::domain::catalogue;

/// A room with what its panel shows.
pub async fn detail(app: &App, id: RoomId) -> Result<RoomDetail> {
    let db = app.db.read();
    let room = find(db, id).await?;
    let floor = floor::Entity::find_by_id(room.floor_id).one(db).await?.ok_or_else(|| not_found("floor"))?;
    let building =
        building::Entity::find_by_id(floor.building_id).one(db).await?.ok_or_else(|| not_found("building"))?;
    let phone = standing_in(db, room.id).await?;
    let (mut job, mut events) = (None, Vec::new());
    if let Some(phone) = &phone {
        job = job::Entity::find()
            .filter(job::Column::PhoneId.eq(phone.id))
            .order_by_desc(job::Column::CreatedAt)
            .order_by_desc(job::Column::Id)
            .one(db)
            .await?;
        events = event::Entity::find()
            .filter(event::Column::PhoneId.eq(phone.id))
            .order_by_desc(event::Column::Id)
            .limit(20)
            .all(db)
            .await?;
    }
    let names = views::Names::load(db).await?;
    Ok(RoomDetail {
        card: views::room_card(&room, phone.as_ref(), &names),
        building: building.name,
        floor: floor.name,
        phone: phone.as_ref().map(|phone| views::phone_row(phone, Some(&room), &names)),
        job: job.as_ref().map(|job| views::job_view(job, Some(&room))),
        events: events.iter().filter_map(views::event_view).collect(),
    })
}

/// Changes what is given; the phone in the room follows.
pub async fn change(app: &App, actor: &Actor, once: &Once, id: RoomId, wanted: RoomChange) -> Result<Accepted> {
    let write = app.db.write().await?;
    if let Some(answer) = once.replay(&write.tx).await? {
        return Ok(answer);
    }
    let old = find(&write.tx, id).await?;
    let mut row = old.clone().into_active_model();
    let mut said = Vec::new();
    if let Some(number) = wanted.number {
        let number = room_number(&number)?;
        said.push(format!("number {} → {number}", old.number));
        row.number = Set(number);
    }
    if let Some(extension) = wanted.extension {
        let extension = valid("extension", catalogue::SIP_USER, extension.trim())?;
        extension_is_free(&write.tx, old.property_id, &extension, Some(old.id)).await?;
        follows_account(&write.tx, &old, &extension).await?;
        said.push(format!("extension {} → {extension}", old.extension));
        row.extension = Set(extension);
    }
    if let Some(name) = wanted.guest_name {
        let name = valid("guest_name", catalogue::SIP_DISPLAY_NAME, name.trim())?;
        // The guest's name is personal: the audit says that it changed, not to what.
        said.push("guest name".to_owned());
        row.guest_name = Set(name);
    }
    if let Some(kind) = wanted.room_type {
        let kind = match kind {
            Some(kind) => Some(groups::type_of_property(&write.tx, kind.0, old.property_id).await?),
            None => None,
        };
        said.push(format!("type {}", kind.as_ref().map_or("none", |kind| &kind.name)));
        row.room_type_id = Set(kind.map(|kind| kind.id));
    }
    let room = match row.is_changed() {
        true => row.update(&write.tx).await.map_err(|error| taken(error, "number"))?,
        false => old,
    };
    let said = said.join(", ");
    audit::record(&write.tx, actor, "room.change", &room.id.to_string(), said.clone()).await?;
    let phone = standing_in(&write.tx, room.id).await?;
    let change = Change { actor, summary: format!("Room {}: {said}", room.number) };
    let jobs = refresh(app, &write.tx, phone.iter().cloned().collect(), &change).await?;
    touch(
        &write.tx,
        [Touched {
            property: Some(room.property_id),
            room: Some(room.id),
            phone: phone.map(|p| p.id),
            ..Touched::default()
        }],
    )
    .await?;
    close(app, write, once, &jobs, views::accepted(&jobs, Some(&room))).await
}

/// Puts a phone into a room. What it had of another room goes.
pub async fn assign(app: &App, actor: &Actor, once: &Once, id: RoomId, wanted: AssignPhone) -> Result<Accepted> {
    let write = app.db.write().await?;
    if let Some(answer) = once.replay(&write.tx).await? {
        return Ok(answer);
    }
    let room = find(&write.tx, id).await?;
    let phone = by_name(&write.tx, &wanted.phone).await?;
    let (touched, changed) = put(app, &write.tx, actor, phone, &room, wanted.replace).await?;
    audit::record(&write.tx, actor, "room.assign", &room.id.to_string(), changed[0].mac.clone()).await?;
    let change = Change { actor, summary: format!("Room {}: phone assigned", room.number) };
    let jobs = refresh(app, &write.tx, changed, &change).await?;
    touch(&write.tx, touched).await?;
    close(app, write, once, &jobs, views::accepted(&jobs, Some(&room))).await
}

/// Takes the phone out of its room; it stays with the property.
pub async fn unassign(app: &App, actor: &Actor, id: RoomId) -> Result<Accepted> {
    let write = app.db.write().await?;
    let room = find(&write.tx, id).await?;
    let phone = standing_in(&write.tx, room.id).await?.ok_or_else(|| not_found("phone in this room"))?;
    let before = Touched::phone(&phone);
    let mut row = phone.into_active_model();
    row.room_id = Set(None);
    let phone = row.update(&write.tx).await?;
    audit::record(&write.tx, actor, "room.unassign", &room.id.to_string(), phone.mac.clone()).await?;
    let change = Change { actor, summary: format!("Taken out of room {}", room.number) };
    let jobs = refresh(app, &write.tx, vec![phone], &change).await?;
    touch(&write.tx, [before]).await?;
    touch(&write.tx, claims::waiting_for(&write.tx, [room.id]).await?).await?;
    close(app, write, &Once::default(), &jobs, views::accepted(&jobs, None)).await
}

/// As [`place`], by a person's word: it answers what the phone itself has asked for.
pub async fn put(
    app: &App,
    tx: &impl ConnectionTrait,
    actor: &Actor,
    phone: phone::Model,
    room: &room::Model,
    replace: bool,
) -> Result<(Vec<Touched>, Vec<phone::Model>)> {
    claims::overtaken(app, tx, actor, &HashMap::from([(phone.id, room.id)])).await?;
    place(tx, phone, room, replace).await
}

/// Moves `phone` into `room` within the transaction. Returns what the live stream shall show, and the phones whose
/// documents follow, the moved one first.
pub async fn place(
    tx: &impl ConnectionTrait,
    phone: phone::Model,
    room: &room::Model,
    replace: bool,
) -> Result<(Vec<Touched>, Vec<phone::Model>)> {
    let mut touched = vec![Touched::phone(&phone)];
    let mut changed = Vec::new();
    if let Some(there) = standing_in(tx, room.id).await?
        && there.id != phone.id
    {
        if !replace {
            return Err(conflict(
                "room-occupied",
                "phone",
                format!(
                    "Room {} has the phone {} already. Replace it, or choose another room.",
                    room.number,
                    views::mac(&there)
                ),
            ));
        }
        let mut row = there.into_active_model();
        row.room_id = Set(None);
        let there = row.update(tx).await?;
        touched.push(Touched::phone(&there));
        changed.push(there);
    }
    touched.extend(claims::waiting_for(tx, phone.room_id.into_iter().chain([room.id])).await?);
    let enrolment = views::enrolment(&phone);
    let mut row = phone.into_active_model();
    row.room_id = Set(Some(room.id));
    row.property_id = Set(Some(room.property_id));
    if enrolment == Enrolment::New {
        row.enrolment = Set(Enrolment::Expected.as_str().to_owned());
    }
    let phone = row.update(tx).await.map_err(|error| taken(error, "phone"))?;
    touched.push(Touched::phone(&phone));
    changed.insert(0, phone);
    Ok((touched, changed))
}

/// A phone by its id or MAC address.
pub async fn by_name(tx: &impl ConnectionTrait, name: &str) -> Result<phone::Model> {
    let query = match (name.parse::<Uuid>(), name.parse::<Mac>()) {
        (Ok(id), _) => phone::Entity::find_by_id(id),
        (_, Ok(mac)) => phone::Entity::find().filter(phone::Column::Mac.eq(mac.compact())),
        (_, Err(error)) => return Err(invalid("phone", error.to_string())),
    };
    query.one(tx).await?.ok_or_else(|| not_found("phone"))
}

pub async fn find(tx: &impl ConnectionTrait, id: RoomId) -> Result<room::Model> {
    room::Entity::find_by_id(id.0).one(tx).await?.ok_or_else(|| not_found("room"))
}

pub async fn standing_in(tx: &impl ConnectionTrait, room: Uuid) -> Result<Option<phone::Model>> {
    Ok(phone::Entity::find().filter(phone::Column::RoomId.eq(room)).one(tx).await?)
}

/// A room number as it is stored, or what is wrong with it.
pub fn room_number(text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(invalid("number", "A room needs a number."));
    }
    valid("number", catalogue::ROOM_NUMBER, text)
}

/// Checks a field by the catalogue's setting it becomes. Empty is allowed: the setting is then not made.
pub fn valid(field: &str, key: &str, value: &str) -> Result<String> {
    if value.is_empty() {
        return Ok(String::new());
    }
    settings::validate(key, value).map_err(|error| invalid(field, error.to_string()))
}

/// Two rooms of a property never share an extension.
pub async fn extension_is_free(
    tx: &impl ConnectionTrait,
    property: Uuid,
    extension: &str,
    except: Option<Uuid>,
) -> Result<()> {
    if extension.is_empty() {
        return Ok(());
    }
    let other = room::Entity::find()
        .filter(room::Column::PropertyId.eq(property))
        .filter(room::Column::Extension.eq(extension))
        .one(tx)
        .await?
        .filter(|other| Some(other.id) != except);
    match other {
        Some(other) => Err(conflict(
            "extension-taken",
            "extension",
            format!("Extension {extension} belongs to room {}. Choose another one.", other.number),
        )),
        None => Ok(()),
    }
}

/// The extension of a room with an account of its own is the account's.
async fn follows_account(tx: &impl ConnectionTrait, room: &room::Model, extension: &str) -> Result<()> {
    if extension == room.extension {
        return Ok(());
    }
    match assign::main_account(tx, room.id).await? {
        // Of a shared one it is the room's own.
        Some(account) if !account.shared => Err(conflict(
            "extension-of-account",
            "extension",
            format!(
                "Room {} has the SIP account {}, which is its extension. Give it another account, or take this one back.",
                room.number, account.user
            ),
        )),
        _ => Ok(()),
    }
}

fn taken(error: sea_orm::DbErr, field: &str) -> super::AppError {
    if !is_duplicate(&error) {
        return error.into();
    }
    match field {
        "number" => {
            conflict("room-number-taken", field, "Another room of this property has this number. Choose another one.")
        }
        _ => conflict("room-occupied", field, "Another phone was put into this room just now. Look again."),
    }
}
