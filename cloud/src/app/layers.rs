//! Values set on a layer: a chain, a brand, a property, a room type, a room or a phone.

pub mod locks;

use std::collections::BTreeMap;

use contract::rest::{Accepted, Layer, LayerChange, LayerValue, LayerValues, Progress, SECRET_MASK, SyncState};
use contract::{PhoneId, PropertyId, Timestamp};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, sea_query::OnConflict,
};
use uuid::Uuid;

use super::desired::{Change, accepted, refresh};
use super::error::{invalid, not_found};
use super::idempotency::Once;
use super::{Actor, App, Result, audit, views};
use crate::clock::now_ms;
use crate::db::entity::{brand, chain, layer_value, phone, property, room, room_type};
use crate::domain::catalogue;

/// The layer a change is made on.
#[derive(Clone, Copy, Debug)]
pub enum Scope {
    Chain(Uuid),
    Brand(Uuid),
    Property(Uuid),
    RoomType(Uuid),
    Room(Uuid),
    Phone(Uuid),
}

impl Scope {
    pub fn layer(self) -> Layer {
        match self {
            Scope::Chain(_) => Layer::Chain,
            Scope::Brand(_) => Layer::Brand,
            Scope::Property(_) => Layer::Property,
            Scope::RoomType(_) => Layer::RoomType,
            Scope::Room(_) => Layer::Room,
            Scope::Phone(_) => Layer::Phone,
        }
    }

    pub fn id(self) -> Uuid {
        match self {
            Scope::Chain(id)
            | Scope::Brand(id)
            | Scope::Property(id)
            | Scope::RoomType(id)
            | Scope::Room(id)
            | Scope::Phone(id) => id,
        }
    }

    /// The phones this layer reaches. Fails when the scope does not exist.
    async fn phones(self, tx: &impl ConnectionTrait) -> Result<(String, Vec<phone::Model>)> {
        let query = phone::Entity::find();
        let of_properties = |column: property::Column, id: Uuid| {
            let mut ids = property::Entity::find().select_only().column(property::Column::Id);
            ids = ids.filter(column.eq(id));
            phone::Column::PropertyId.in_subquery(ids.into_query())
        };
        match self {
            Scope::Chain(id) => {
                let row = chain::Entity::find_by_id(id).one(tx).await?.ok_or_else(|| not_found("chain"))?;
                let phones = query.filter(of_properties(property::Column::ChainId, id)).all(tx).await?;
                Ok((format!("Chain {}", row.name), phones))
            }
            Scope::Brand(id) => {
                let row = brand::Entity::find_by_id(id).one(tx).await?.ok_or_else(|| not_found("brand"))?;
                let phones = query.filter(of_properties(property::Column::BrandId, id)).all(tx).await?;
                Ok((format!("Brand {}", row.name), phones))
            }
            Scope::RoomType(id) => {
                let row = room_type::Entity::find_by_id(id).one(tx).await?.ok_or_else(|| not_found("room type"))?;
                let mut rooms = room::Entity::find().select_only().column(room::Column::Id);
                rooms = rooms.filter(room::Column::RoomTypeId.eq(id));
                let phones = query.filter(phone::Column::RoomId.in_subquery(rooms.into_query())).all(tx).await?;
                Ok((row.name, phones))
            }
            Scope::Property(id) => {
                let row = property::Entity::find_by_id(id).one(tx).await?.ok_or_else(|| not_found("property"))?;
                Ok((row.name, query.filter(phone::Column::PropertyId.eq(id)).all(tx).await?))
            }
            Scope::Room(id) => {
                let row = room::Entity::find_by_id(id).one(tx).await?.ok_or_else(|| not_found("room"))?;
                Ok((format!("Room {}", row.number), query.filter(phone::Column::RoomId.eq(id)).all(tx).await?))
            }
            Scope::Phone(id) => {
                let row = phone::Entity::find_by_id(id).one(tx).await?.ok_or_else(|| not_found("phone"))?;
                Ok((format!("Phone {}", views::mac(&row)), vec![row]))
            }
        }
    }
}

/// The name of a layer and the phones it reaches.
pub async fn phones_of(tx: &impl ConnectionTrait, scope: Scope) -> Result<(String, Vec<phone::Model>)> {
    scope.phones(tx).await
}

/// The values of one layer, secrets masked.
pub async fn values(app: &App, scope: Scope) -> Result<LayerValues> {
    scope.phones(app.db.read()).await?;
    let rows = layer_value::Entity::find()
        .filter(layer_value::Column::ScopeId.eq(scope.id()))
        .filter(layer_value::Column::Layer.eq(scope.layer().as_str()))
        .order_by_asc(layer_value::Column::Key)
        .all(app.db.read())
        .await?;
    let values = rows
        .into_iter()
        .map(|row| {
            let (title, page) = catalogue::title_and_page(&row.key);
            let secret = catalogue::is_secret(&row.key);
            LayerValue {
                title,
                page,
                value: if secret { SECRET_MASK.to_owned() } else { row.value },
                secret,
                locked: row.locked,
                reason: row.reason,
                changed_at: Timestamp(row.changed_at),
                changed_by: row.changed_by,
                key: row.key,
            }
        })
        .collect();
    Ok(LayerValues { layer: scope.layer(), values })
}

/// Sets and removes values of one layer; every phone below it follows.
pub async fn change(app: &App, actor: &Actor, once: &Once, scope: Scope, wanted: LayerChange) -> Result<Accepted> {
    let checked = check(scope, &wanted)?;
    let write = app.db.write().await?;
    let tx = &write.tx;
    if let Some(answer) = once.replay(tx).await? {
        return Ok(answer);
    }
    let (name, phones) = scope.phones(tx).await?;
    if let (Scope::Phone(_), Some(phone)) = (scope, phones.first()) {
        accepted(phone)?;
    }
    let set = checked.iter().filter(|(_, value)| value.is_some()).map(|(key, _)| key.clone());
    locks::refuse(tx, scope, set.collect()).await?;
    let now = now_ms();
    let (mut set, mut removed) = (Vec::new(), Vec::new());
    for (key, value) in &checked {
        match value {
            None => removed.push(key.clone()),
            Some(value) => set.push(layer_value::ActiveModel {
                layer: Set(scope.layer().as_str().to_owned()),
                scope_id: Set(Some(scope.id())),
                value: Set(if catalogue::is_secret(key) { app.secrets.seal(key, value)? } else { value.clone() }),
                key: Set(key.clone()),
                locked: Set(wanted.locked),
                reason: Set(wanted.reason.clone()),
                changed_at: Set(now),
                changed_by: Set(actor.0.clone()),
                ..Default::default()
            }),
        }
    }
    layer_value::Entity::delete_many()
        .filter(layer_value::Column::ScopeId.eq(scope.id()))
        .filter(layer_value::Column::Layer.eq(scope.layer().as_str()))
        .filter(layer_value::Column::Key.is_in(removed))
        .exec(tx)
        .await?;
    if !set.is_empty() {
        use layer_value::Column::{ChangedAt, ChangedBy, Key, Locked, Reason, ScopeId, Value};
        layer_value::Entity::insert_many(set)
            .on_conflict(
                OnConflict::columns([ScopeId, layer_value::Column::Layer, Key])
                    .update_columns([Value, Locked, Reason, ChangedAt, ChangedBy])
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    let keys = checked.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    audit::record(tx, actor, "settings.change", &scope.id().to_string(), keys).await?;
    let title = match checked.keys().next() {
        Some(key) if checked.len() == 1 => catalogue::title_and_page(key).0,
        _ => format!("{} settings", checked.len()),
    };
    let jobs = refresh(app, tx, phones, &Change { actor, summary: format!("{name}: {title}") }).await?;
    let answer = views::accepted_many(&jobs);
    once.keep(tx, &answer).await?;
    write.commit().await?;
    app.live.wake();
    app.nudge(jobs.iter().map(|job| PhoneId(job.phone_id)));
    Ok(answer)
}

fn check(scope: Scope, wanted: &LayerChange) -> Result<BTreeMap<String, Option<String>>> {
    if wanted.values.is_empty() || wanted.values.len() > 500 {
        return Err(invalid("values", format!("{} values; a change has 1 to 500.", wanted.values.len())));
    }
    if wanted.locked && matches!(scope, Scope::Phone(_)) {
        return Err(invalid("locked", "Nothing lies below a phone: its values need no lock."));
    }
    if wanted.locked && wanted.reason.trim().is_empty() {
        return Err(invalid("reason", "Say why these values are locked; people who are refused will read it."));
    }
    if wanted.reason.chars().count() > 300 {
        return Err(invalid("reason", "At most 300 characters."));
    }
    let mut checked = BTreeMap::new();
    for (key, value) in &wanted.values {
        let canonical = match value {
            Some(value) => Some(settings::validate(key, value).map_err(|error| invalid(key, error.to_string()))?),
            None if catalogue::find(key).is_none() => return Err(invalid(key, format!("There is no setting {key}."))),
            None => None,
        };
        let key = catalogue::find(key).map_or_else(|| key.clone(), |found| found.key());
        checked.insert(key, canonical);
    }
    Ok(checked)
}

/// How far the phones of a property are.
pub async fn progress(app: &App, id: PropertyId) -> Result<Progress> {
    let db = app.db.read();
    property::Entity::find_by_id(id.0).one(db).await?.ok_or_else(|| not_found("property"))?;
    let count = async |sync: Option<SyncState>| -> Result<u32> {
        let mut query = phone::Entity::find().filter(phone::Column::PropertyId.eq(id.0));
        if let Some(sync) = sync {
            query = query.filter(phone::Column::Sync.eq(sync.as_str()));
        }
        Ok(query.count(db).await? as u32)
    };
    Ok(Progress {
        phones: count(None).await?,
        in_sync: count(Some(SyncState::InSync)).await?,
        pending: count(Some(SyncState::Pending)).await?,
        failed: count(Some(SyncState::Failed)).await?,
    })
}
