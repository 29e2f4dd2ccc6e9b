//! Which phones that are there follow an import.

use std::collections::BTreeMap;

use contract::rest::{ImportReach, Layer};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};
use settings::Effect;
use uuid::Uuid;

use crate::app::Result;
use crate::db::entity::phone;
use crate::domain::catalogue;
use crate::domain::import::plan::{Known, PhoneStep, Step};

/// Phones of one statement.
const ROWS: usize = 500;

pub async fn of(tx: &impl ConnectionTrait, known: &Known, steps: &[Step]) -> Result<ImportReach> {
    let phones = followers(known, steps);
    let ids: Vec<Uuid> = phones.keys().copied().collect();
    let mut in_call = 0;
    for some in ids.chunks(ROWS) {
        let lifted = phone::Entity::find().filter(phone::Column::Id.is_in(some.iter().copied()));
        let lifted = lifted.filter(phone::Column::Connected.eq(true)).filter(phone::Column::OffHook.eq(true));
        in_call += lifted.count(tx).await? as u32;
    }
    let restart = phones.values().filter(|restarts| **restarts).count() as u32;
    Ok(ImportReach { phones: phones.len() as u32, restart, in_call })
}

/// The phones, and whether they restart for it. A phone that the file makes has nothing yet that could change.
fn followers(known: &Known, steps: &[Step]) -> BTreeMap<Uuid, bool> {
    let standing = known.standing();
    let mut phones = BTreeMap::new();
    for step in steps {
        let restarts = |layer: Layer| {
            let of_layer =
                |(at, key, _): &&(Layer, String, String)| *at == layer && catalogue::effect(key) == Effect::Reboot;
            step.values.iter().any(|value| of_layer(&value))
        };
        let sets = |layer: Layer| step.values.iter().any(|(at, ..)| *at == layer);
        let room = step.room_number.as_ref().and_then(|number| known.rooms.get(number));
        if let Some(phone) = room.and_then(|room| standing.get(&room.id))
            && (step.room.is_some() || step.account.is_some() || sets(Layer::Room))
        {
            *phones.entry(*phone).or_default() |= restarts(Layer::Room);
        }
        let own = step.mac.and_then(|mac| known.phones.get(&mac));
        let moves =
            matches!(step.phone, Some(PhoneStep::Change { moves: true, .. } | PhoneStep::Change { accept: true, .. }));
        if let Some(phone) = own.filter(|_| moves || sets(Layer::Phone)) {
            *phones.entry(phone.id).or_default() |= restarts(Layer::Phone);
        }
    }
    phones
}
