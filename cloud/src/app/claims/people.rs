//! The front desk's word on a claim, and what a property lets its phones take.

use std::collections::HashMap;

use contract::rest::{
    ClaimAccept, ClaimKind, ClaimReject, ClaimSettings, ClaimSettingsChange, ClaimState, ClaimView, MAX_PAGE,
};
use contract::{ClaimId, PhoneId, PropertyId, Timestamp};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{End, OPEN, end, give, kind, load, rules, rules_of, show, state};
use crate::app::error::{conflict, invalid, not_found};
use crate::app::{Actor, App, Result, audit};
use crate::db::entity::{claim, claim_settings, phone, property, room};
use crate::domain::claims::{Rooms, Rules};

/// Phones of one statement.
const ROWS: usize = 500;

/// Characters of a note.
const MOST_NOTE: usize = 200;

/// What a property lets its phones take.
pub async fn of_property(app: &App, id: PropertyId) -> Result<ClaimSettings> {
    property::Entity::find_by_id(id.0).one(app.db.read()).await?.ok_or_else(|| not_found("property"))?;
    let row = claim_settings::Entity::find_by_id(id.0).one(app.db.read()).await?;
    let rules = row.as_ref().map_or_else(Rules::default, rules_of);
    Ok(ClaimSettings {
        mode: rules.mode,
        rooms: row.map(|row| row.rooms).unwrap_or_default(),
        replace: rules.replace,
        until: rules.until.map(Timestamp),
    })
}

/// Changes it.
pub async fn set(app: &App, actor: &Actor, id: PropertyId, wanted: ClaimSettingsChange) -> Result<ClaimSettings> {
    let rooms = wanted.rooms.trim().to_owned();
    let list = Rooms::parse(&rooms).map_err(|error| invalid("rooms", error))?;
    if rooms.chars().any(char::is_control) {
        return Err(invalid("rooms", "Write numbers and ranges between commas, such as 1201-1299, 1401."));
    }
    let write = app.db.write().await?;
    let tx = &write.tx;
    property::Entity::find_by_id(id.0).one(tx).await?.ok_or_else(|| not_found("property"))?;
    // A room that is no more does not keep the rest from being changed.
    let before = rules(tx, id.0).await?.rooms;
    for number in list.numbers().filter(|number| !before.numbers().any(|named| named == *number)) {
        if give::room_of(tx, id.0, number).await?.is_none() {
            let why = "is neither a room of this property nor a range. Write numbers and ranges between commas, such as \
                       1201-1299, 1401.";
            return Err(invalid("rooms", format!("\"{number}\" {why}")));
        }
    }
    let row = claim_settings::Model {
        property_id: id.0,
        mode: wanted.mode.as_str().to_owned(),
        rooms,
        replace_phone: wanted.replace.as_str().to_owned(),
        until: wanted.until.map(|until| until.0),
    };
    let until = wanted.until.map_or("always".to_owned(), |until| format!("until {}", until.rfc3339()));
    let detail = format!("{}, rooms {:?}, replace {}, {until}", row.mode, row.rooms, row.replace_phone);
    use claim_settings::Column;
    let columns = [Column::Mode, Column::Rooms, Column::ReplacePhone, Column::Until];
    let same = OnConflict::column(Column::PropertyId).update_columns(columns).to_owned();
    claim_settings::Entity::insert(row.into_active_model()).on_conflict(same).exec_without_returning(tx).await?;
    audit::record(tx, actor, "claim-settings.change", &id.to_string(), detail).await?;
    write.commit().await?;
    of_property(app, id).await
}

/// A property's claims, the newest first; those in one state, if one is given.
pub async fn list(app: &App, id: PropertyId, only: Option<ClaimState>, limit: u32) -> Result<Vec<ClaimView>> {
    let db = app.db.read();
    property::Entity::find_by_id(id.0).one(db).await?.ok_or_else(|| not_found("property"))?;
    let mut query = claim::Entity::find().filter(claim::Column::PropertyId.eq(id.0));
    if let Some(only) = only {
        query = query.filter(claim::Column::State.eq(only.as_str()));
    }
    let newest = query.order_by_desc(claim::Column::ReceivedAt).order_by_desc(claim::Column::Id);
    let rows = newest.limit(u64::from(limit.clamp(1, MAX_PAGE))).all(db).await?;
    show::views(db, &rows).await
}

/// The phone gets what it asked for.
pub async fn accept(app: &App, actor: &Actor, id: ClaimId, wanted: ClaimAccept) -> Result<ClaimView> {
    let write = app.db.write().await?;
    let tx = &write.tx;
    let (row, phone) = load(tx, id.0).await?.ok_or_else(|| not_found("claim"))?;
    if state(&row) == ClaimState::Accepted {
        drop(write);
        return one(app, &row).await;
    }
    open(&row)?;
    let mut wakes = vec![phone.id];
    let room = match kind(&row) {
        ClaimKind::Room => {
            let property = phone.property_id.ok_or_else(|| not_found("property of this phone"))?;
            let room = give::room_to_pick(tx, property, &row.number).await?.ok_or_else(|| not_found("room"))?;
            wakes.extend(give::room(app, tx, actor, &phone, &room, wanted.replace).await?);
            room.id
        }
        ClaimKind::Extension => {
            let none =
                || conflict("no-extension", "claim", "The room has no extension. Give it one, and accept again.");
            match row.room_id.filter(|_| phone.room_id.is_none()) {
                Some(id) => {
                    let room = room::Entity::find_by_id(id).one(tx).await?.ok_or_else(|| not_found("room"))?;
                    let given = give::picked(app, tx, actor, &phone, &room, wanted.replace).await?;
                    wakes.extend(given.ok_or_else(none)?);
                    room.id
                }
                None => give::extension(app, tx, actor, &phone).await?.ok_or_else(none)?,
            }
        }
    };
    let end_of = End { state: ClaimState::Accepted, reason: None, note: "", by: actor, room: Some(room) };
    end(tx, &row, end_of).await?;
    let detail = format!("{} {} {}", phone.mac, row.kind, row.number);
    audit::record(tx, actor, "claim.accept", &id.to_string(), detail).await?;
    write.commit().await?;
    app.live.wake();
    app.nudge(wakes.into_iter().map(PhoneId));
    one(app, &row).await
}

/// The phone goes back to the number it had.
pub async fn reject(app: &App, actor: &Actor, id: ClaimId, wanted: ClaimReject) -> Result<ClaimView> {
    let note = wanted.note.trim();
    if note.chars().count() > MOST_NOTE || note.chars().any(char::is_control) {
        return Err(invalid("note", format!("A note has at most {MOST_NOTE} characters, on one line.")));
    }
    let write = app.db.write().await?;
    let tx = &write.tx;
    let (row, phone): (claim::Model, phone::Model) = load(tx, id.0).await?.ok_or_else(|| not_found("claim"))?;
    if state(&row) == ClaimState::Rejected {
        drop(write);
        return one(app, &row).await;
    }
    open(&row)?;
    end(tx, &row, End { state: ClaimState::Rejected, reason: None, note, by: actor, room: None }).await?;
    if kind(&row) == ClaimKind::Room {
        give::old_number(app, tx, actor, &phone).await?;
    }
    let detail = format!("{} {} {}", phone.mac, row.kind, row.number);
    audit::record(tx, actor, "claim.reject", &id.to_string(), detail).await?;
    write.commit().await?;
    app.live.wake();
    app.nudge([PhoneId(phone.id)]);
    one(app, &row).await
}

/// A person puts phones into rooms, by their ids: what they asked for is answered by that. Before their documents follow.
pub async fn overtaken(app: &App, tx: &impl ConnectionTrait, actor: &Actor, moves: &HashMap<Uuid, Uuid>) -> Result<()> {
    let phones: Vec<Uuid> = moves.keys().copied().collect();
    let mut rows = Vec::new();
    for some in phones.chunks(ROWS) {
        let of_phones = claim::Entity::find().filter(claim::Column::PhoneId.is_in(some.iter().copied()));
        rows.extend(of_phones.filter(claim::Column::State.is_in(OPEN)).all(tx).await?);
    }
    for row in rows {
        let Some(room) = moves.get(&row.phone_id) else { continue };
        let is_it = row.room_id == Some(*room) && (kind(&row) == ClaimKind::Room || has_extension(tx, *room).await?);
        let (state, note) = match is_it {
            true => (ClaimState::Accepted, ""),
            false => (ClaimState::Expired, "Somebody put the phone into a room."),
        };
        end(tx, &row, End { state, reason: None, note, by: actor, room: None }).await?;
        if !is_it
            && kind(&row) == ClaimKind::Room
            && let Some(phone) = phone::Entity::find_by_id(row.phone_id).one(tx).await?
        {
            give::old_number(app, tx, actor, &phone).await?;
        }
    }
    Ok(())
}

async fn has_extension(tx: &impl ConnectionTrait, room: Uuid) -> Result<bool> {
    let room = room::Entity::find_by_id(room).one(tx).await?;
    Ok(room.is_some_and(|room| !room.extension.is_empty()))
}

fn open(row: &claim::Model) -> Result<()> {
    match state(row) {
        ClaimState::Waiting => Ok(()),
        other => Err(conflict(
            "claim-state",
            "claim",
            format!("This claim is {} already. Have the number dialled again.", other.as_str()),
        )),
    }
}

async fn one(app: &App, row: &claim::Model) -> Result<ClaimView> {
    let now = claim::Entity::find_by_id(row.id).one(app.db.read()).await?;
    let mut views = show::views(app.db.read(), now.as_slice()).await?;
    views.pop().ok_or_else(|| not_found("claim"))
}
