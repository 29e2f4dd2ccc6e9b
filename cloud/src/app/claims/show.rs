//! Claims as the REST API and the live stream show them.

use std::collections::{BTreeSet, HashMap};

use contract::rest::{ClaimKind, ClaimView};
use contract::{ClaimId, Mac, PhoneId, PropertyId, RoomId, Timestamp};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::{kind, reason, state};
use crate::app::{Result, views as rows};
use crate::db::entity::{claim, phone, room};

/// Rows with what they name, in few queries however many they are (at most some hundred).
pub async fn views(db: &impl ConnectionTrait, claims: &[claim::Model]) -> Result<Vec<ClaimView>> {
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    let ids: BTreeSet<Uuid> = claims.iter().map(|row| row.phone_id).collect();
    let phones = phone::Entity::find().filter(phone::Column::Id.is_in(ids)).all(db).await?;
    let phones: HashMap<Uuid, phone::Model> = phones.into_iter().map(|phone| (phone.id, phone)).collect();
    let wanted: BTreeSet<Uuid> = claims.iter().filter_map(|row| row.room_id).collect();
    let there = phone::Entity::find().filter(phone::Column::RoomId.is_in(wanted)).all(db).await?;
    let there: HashMap<Uuid, &phone::Model> = there.iter().filter_map(|phone| Some((phone.room_id?, phone))).collect();
    let from: BTreeSet<Uuid> = phones.values().filter_map(|phone| phone.room_id).collect();
    let from = room::Entity::find().filter(room::Column::Id.is_in(from)).all(db).await?;
    let from: HashMap<Uuid, String> = from.into_iter().map(|room| (room.id, room.number)).collect();
    Ok(claims
        .iter()
        .filter_map(|row| {
            let phone = phones.get(&row.phone_id)?;
            let other = row.room_id.and_then(|room| there.get(&room)).filter(|other| other.id != phone.id);
            Some(view(
                row,
                phone,
                phone.room_id.and_then(|room| from.get(&room)).cloned(),
                other.map(|one| rows::mac(one)),
            ))
        })
        .collect())
}

fn view(row: &claim::Model, phone: &phone::Model, from_room: Option<String>, other: Option<Mac>) -> ClaimView {
    ClaimView {
        id: ClaimId(row.id),
        kind: kind(row),
        state: state(row),
        property: PropertyId(row.property_id.unwrap_or_default()),
        phone: PhoneId(phone.id),
        mac: rows::mac(phone),
        model: phone.model.clone(),
        number: row.number.clone(),
        room: row.room_id.map(RoomId),
        from_room,
        // Who has a room and asks for its extension replaces nobody.
        replaces: other
            .filter(|_| (kind(row) == ClaimKind::Room || phone.room_id.is_none()) && row.decided_at.is_none()),
        at: Timestamp(row.at),
        reason: reason(row),
        note: row.note.clone(),
        decided_at: row.decided_at.map(Timestamp),
        decided_by: row.decided_by.clone(),
    }
}
