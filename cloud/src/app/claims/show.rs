//! Claims as the REST API and the live stream show them.

use std::collections::{BTreeSet, HashMap};

use contract::rest::{ClaimKind, ClaimView};
use contract::{ClaimId, Mac, PhoneId, PropertyId, RoomId, Timestamp};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::{kind, reason, state};
use crate::app::{Result, views as rows};
use crate::db::entity::{claim, phone, room};

/// How far the phone's clock may be from ours to be believed. What it says may wait at the phone, too.
const MOST_APART_MS: u64 = 24 * 3_600_000;

/// Rows with what they name, in few queries however many they are (at most some hundred).
pub async fn views(db: &impl ConnectionTrait, claims: &[claim::Model]) -> Result<Vec<ClaimView>> {
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    let ids: BTreeSet<Uuid> = claims.iter().map(|row| row.phone_id).collect();
    let phones = phone::Entity::find().filter(phone::Column::Id.is_in(ids)).all(db).await?;
    let phones: HashMap<Uuid, phone::Model> = phones.into_iter().map(|phone| (phone.id, phone)).collect();
    let wanted: BTreeSet<Uuid> = claims.iter().filter_map(|row| row.room_id).collect();
    let there = phone::Entity::find().filter(phone::Column::RoomId.is_in(wanted.clone())).all(db).await?;
    let there: HashMap<Uuid, &phone::Model> = there.iter().filter_map(|phone| Some((phone.room_id?, phone))).collect();
    let named: BTreeSet<Uuid> = phones.values().filter_map(|phone| phone.room_id).chain(wanted.clone()).collect();
    let rooms = room::Entity::find().filter(room::Column::Id.is_in(named)).all(db).await?;
    let numbers: HashMap<Uuid, String> = rooms.into_iter().map(|room| (room.id, room.number)).collect();
    let number = |room: Option<Uuid>| room.and_then(|room| numbers.get(&room)).cloned();
    Ok(claims
        .iter()
        .filter_map(|row| {
            let phone = phones.get(&row.phone_id)?;
            let other = row.room_id.and_then(|room| there.get(&room)).filter(|other| other.id != phone.id);
            let (room, from) = (number(row.room_id), number(phone.room_id));
            Some(view(row, phone, (room, from), other.map(|one| rows::mac(one))))
        })
        .collect())
}

/// When it was dialled; a phone out of its box may be in 1970, and then it is when it was heard.
const fn dialled_at(said: i64, received: i64) -> i64 {
    if received.abs_diff(said) > MOST_APART_MS { received } else { said }
}

fn view(
    row: &claim::Model,
    phone: &phone::Model,
    (room_number, from_room): (Option<String>, Option<String>),
    other: Option<Mac>,
) -> ClaimView {
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
        room_number,
        from_room,
        // Who has a room and asks for its extension replaces nobody.
        replaces: other
            .filter(|_| (kind(row) == ClaimKind::Room || phone.room_id.is_none()) && row.decided_at.is_none()),
        at: Timestamp(dialled_at(row.at, row.received_at)),
        reason: reason(row),
        note: row.note.clone(),
        decided_at: row.decided_at.map(Timestamp),
        decided_by: row.decided_by.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::dialled_at;

    #[test]
    fn a_clock_that_cannot_be_right_is_not_believed() {
        let heard = 1_795_000_000_000;
        for (said, shown) in
            [(heard - 3_600_000, heard - 3_600_000), (heard + 1, heard + 1), (56, heard), (i64::MAX, heard)]
        {
            assert_eq!(dialled_at(said, heard), shown);
        }
    }
}
