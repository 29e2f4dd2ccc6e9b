//! Phones whose documents may change, with no more of them than that needs.

use sea_orm::sea_query::{Condition, IntoCondition};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::layers::IDS;
use crate::app::{Result, views};
use crate::db::entity::phone;

/// What phones that have a change to fetch wait for.
pub const WAITS: [&str; 3] = [
    "Waiting for the phone to come in.",
    "The phone gets this change when it next fetches its file.",
    "The phone is not connected; it gets this change when it next phones home.",
];

#[derive(Clone, Debug, FromQueryResult)]
pub struct Target {
    pub id: Uuid,
    pub mac: String,
    pub serial: String,
    pub model: String,
    pub enrolment: String,
    pub property_id: Option<Uuid>,
    pub room_id: Option<Uuid>,
    pub connected: bool,
    pub off_hook: bool,
    pub desired_version: i64,
    pub last_seen: Option<i64>,
    pub last_inform: Option<i64>,
    pub mqtt_hash: String,
}

impl Target {
    pub fn of(phone: &phone::Model) -> Self {
        Self {
            id: phone.id,
            mac: phone.mac.clone(),
            serial: phone.serial.clone(),
            model: phone.model.clone(),
            enrolment: phone.enrolment.clone(),
            property_id: phone.property_id,
            room_id: phone.room_id,
            connected: phone.connected,
            off_hook: phone.off_hook,
            desired_version: phone.desired_version,
            last_seen: phone.last_seen,
            last_inform: phone.last_inform,
            mqtt_hash: phone.mqtt_hash.clone(),
        }
    }

    /// Whether it was heard, and only by the files it fetches.
    pub fn only_files(&self) -> bool {
        self.last_seen.is_some() && views::heard_by_files(&self.mqtt_hash, self.last_inform)
    }

    /// What is said of a change until the phone comes for it.
    pub fn note(&self) -> &'static str {
        match (self.connected, self.only_files()) {
            (true, _) => WAITS[0],
            (false, true) => WAITS[1],
            (false, false) => WAITS[2],
        }
    }
}

/// The phones of which a condition holds.
pub async fn load(tx: &impl ConnectionTrait, of: impl IntoCondition) -> Result<Vec<Target>> {
    use phone::Column::*;
    let columns = [Id, Mac, Serial, Model, Enrolment, PropertyId, RoomId, Connected, OffHook];
    let query = phone::Entity::find()
        .select_only()
        .columns(columns)
        .columns([DesiredVersion, LastSeen, LastInform, MqttHash])
        .filter(of.into_condition());
    Ok(query.into_model::<Target>().all(tx).await?)
}

/// The same by their ids, in their order.
pub async fn by_id(tx: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Target>> {
    let mut all = Vec::with_capacity(ids.len());
    for part in ids.chunks(IDS) {
        all.extend(load(tx, Condition::all().add(phone::Column::Id.is_in(part.iter().copied()))).await?);
    }
    let place: std::collections::HashMap<Uuid, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    all.sort_by_key(|target| place.get(&target.id).copied());
    Ok(all)
}
