//! Phones whose documents may change, with no more of them than that needs.

use sea_orm::sea_query::{Condition, IntoCondition};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::layers::IDS;
use crate::app::Result;
use crate::db::entity::phone;

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
        }
    }
}

/// The phones of which a condition holds.
pub async fn load(tx: &impl ConnectionTrait, of: impl IntoCondition) -> Result<Vec<Target>> {
    use phone::Column::*;
    let columns = [Id, Mac, Serial, Model, Enrolment, PropertyId, RoomId, Connected, OffHook, DesiredVersion];
    let query = phone::Entity::find().select_only().columns(columns).filter(of.into_condition());
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
