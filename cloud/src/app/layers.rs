//! Values set on a layer: a chain, a brand, a property, a room type, a room or a phone.

mod change;
mod history;
pub mod locks;
mod preview;
pub mod reach;
mod seen;
#[cfg(test)]
mod tests;
mod undo;
mod write;

use contract::rest::{Layer, LayerValue, LayerValues, Progress, SECRET_MASK, SyncState, VariableInfo};
use contract::{PropertyId, Timestamp};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use uuid::Uuid;

use super::desired::targets::{self, Target};
use super::error::not_found;
use super::{App, Result, views};
use crate::db::entity::{brand, chain, layer_value, phone, property, room, room_type};
use crate::domain::catalogue;

pub use change::{Edit, New, Purpose, apply, canonical, change, said};
pub use history::{detail, history};
pub use preview::{preview, taken_back};
pub use reach::retry;
pub use undo::{preview_undo, undo};
pub use write::{Stored, Written, write};

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

    /// As a row names it.
    pub fn of(layer: &str, id: Option<Uuid>) -> Option<Self> {
        let id = id?;
        Some(match layer.parse().ok()? {
            Layer::ModelDefault => return None,
            Layer::Chain => Scope::Chain(id),
            Layer::Brand => Scope::Brand(id),
            Layer::Property => Scope::Property(id),
            Layer::RoomType => Scope::RoomType(id),
            Layer::Room => Scope::Room(id),
            Layer::Phone => Scope::Phone(id),
        })
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

    /// What it is called in summaries, and the phones it reaches. Fails when it does not exist.
    pub async fn targets(self, tx: &impl ConnectionTrait) -> Result<(String, Vec<Target>)> {
        let of_properties = |column: property::Column, id: Uuid| {
            let ids = property::Entity::find().select_only().column(property::Column::Id).filter(column.eq(id));
            phone::Column::PropertyId.in_subquery(ids.into_query())
        };
        let (name, phones) = match self {
            Scope::Chain(id) => {
                let row = chain::Entity::find_by_id(id).one(tx).await?.ok_or_else(|| not_found("chain"))?;
                (format!("Chain {}", row.name), of_properties(property::Column::ChainId, id))
            }
            Scope::Brand(id) => {
                let row = brand::Entity::find_by_id(id).one(tx).await?.ok_or_else(|| not_found("brand"))?;
                (format!("Brand {}", row.name), of_properties(property::Column::BrandId, id))
            }
            Scope::Property(id) => {
                let row = property::Entity::find_by_id(id).one(tx).await?.ok_or_else(|| not_found("property"))?;
                (row.name, phone::Column::PropertyId.eq(id))
            }
            Scope::RoomType(id) => {
                let row = room_type::Entity::find_by_id(id).one(tx).await?.ok_or_else(|| not_found("room type"))?;
                let rooms = room::Entity::find().select_only().column(room::Column::Id);
                let rooms = rooms.filter(room::Column::RoomTypeId.eq(id)).into_query();
                (format!("Room type {}", row.name), phone::Column::RoomId.in_subquery(rooms))
            }
            Scope::Room(id) => {
                let row = room::Entity::find_by_id(id).one(tx).await?.ok_or_else(|| not_found("room"))?;
                (format!("Room {}", row.number), phone::Column::RoomId.eq(id))
            }
            Scope::Phone(id) => {
                let row = phone::Entity::find_by_id(id).one(tx).await?.ok_or_else(|| not_found("phone"))?;
                (format!("Phone {}", views::mac(&row)), phone::Column::Id.eq(id))
            }
        };
        Ok((name, targets::load(tx, phones).await?))
    }
}

/// What values may say with braces around it.
pub fn variables() -> Vec<VariableInfo> {
    let all = provisioning::variables::VARIABLES.iter().map(|variable| VariableInfo {
        name: variable.name.to_owned(),
        help: variable.help.to_owned(),
        example: variable.example.to_owned(),
        secret: variable.secret,
    });
    all.collect()
}

/// The values of one layer, secrets masked.
pub async fn values(app: &App, scope: Scope) -> Result<LayerValues> {
    locks::exists(app.db.read(), scope).await?;
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
    let fetched = count(Some(SyncState::Fetched)).await?;
    Ok(Progress {
        phones: count(None).await?,
        in_sync: count(Some(SyncState::InSync)).await? + fetched,
        fetched,
        pending: count(Some(SyncState::Pending)).await?,
        failed: count(Some(SyncState::Failed)).await?,
    })
}
