//! Locks: a value a layer has locked cannot be set on the layers below it.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::Scope;
use crate::app::Result;
use crate::app::error::{conflict, not_found};
use crate::db::entity::{brand, chain, layer_value, phone, property, room, room_type};
use crate::domain::catalogue;

/// Refuses (409, `locked`) where a layer above has locked one of `keys`; the outermost lock is named.
pub async fn refuse(tx: &impl ConnectionTrait, scope: Scope, keys: Vec<String>) -> Result<()> {
    let above = above(tx, scope).await?;
    if above.is_empty() || keys.is_empty() {
        return Ok(());
    }
    let rows = layer_value::Entity::find()
        .filter(layer_value::Column::ScopeId.is_in(above.iter().map(|scope| scope.id())))
        .filter(layer_value::Column::Locked.eq(true))
        .filter(layer_value::Column::Key.is_in(keys))
        .all(tx)
        .await?;
    let outermost = above.iter().find_map(|scope| {
        let row = rows.iter().find(|row| row.scope_id == Some(scope.id()) && row.layer == scope.layer().as_str())?;
        Some((*scope, row))
    });
    let Some((lock, row)) = outermost else { return Ok(()) };
    let title = catalogue::title_and_page(&row.key).0;
    let owner = name(tx, lock).await?;
    Err(conflict("locked", &row.key, format!("{title} is locked by the {owner}: {}", row.reason)))
}

/// The layers above one, the outermost first.
pub async fn above(tx: &impl ConnectionTrait, scope: Scope) -> Result<Vec<Scope>> {
    let (mut property_id, mut room_row, mut kind) = (None, None, None);
    match scope {
        Scope::Chain(_) => return Ok(Vec::new()),
        Scope::Brand(id) => {
            let row = brand::Entity::find_by_id(id).one(tx).await?;
            return Ok(row.map(|row| Scope::Chain(row.chain_id)).into_iter().collect());
        }
        Scope::Property(id) => property_id = Some(id),
        Scope::RoomType(id) => kind = room_type::Entity::find_by_id(id).one(tx).await?,
        Scope::Room(id) => room_row = room::Entity::find_by_id(id).one(tx).await?,
        Scope::Phone(id) => {
            let phone = phone::Entity::find_by_id(id).one(tx).await?;
            property_id = phone.as_ref().and_then(|phone| phone.property_id);
            if let Some(id) = phone.and_then(|phone| phone.room_id) {
                room_row = room::Entity::find_by_id(id).one(tx).await?;
            }
        }
    }
    property_id = room_row.as_ref().map(|room| room.property_id).or(kind.map(|kind| kind.property_id)).or(property_id);
    let property = match property_id {
        Some(id) => property::Entity::find_by_id(id).one(tx).await?,
        None => None,
    };
    let all = [
        property.as_ref().map(|property| Scope::Chain(property.chain_id)),
        property.as_ref().and_then(|property| property.brand_id).map(Scope::Brand),
        property.as_ref().map(|property| Scope::Property(property.id)),
        room_row.as_ref().and_then(|room| room.room_type_id).map(Scope::RoomType),
        room_row.as_ref().map(|room| Scope::Room(room.id)),
    ];
    Ok(all.into_iter().flatten().filter(|above| above.layer() < scope.layer()).collect())
}

/// Fails (404) when what a layer belongs to is not there.
pub async fn exists(tx: &impl ConnectionTrait, scope: Scope) -> Result<()> {
    let (what, there) = match scope {
        Scope::Chain(id) => ("chain", find::<chain::Entity>(tx, id).await?.is_some()),
        Scope::Brand(id) => ("brand", find::<brand::Entity>(tx, id).await?.is_some()),
        Scope::Property(id) => ("property", find::<property::Entity>(tx, id).await?.is_some()),
        Scope::RoomType(id) => ("room type", find::<room_type::Entity>(tx, id).await?.is_some()),
        Scope::Room(id) => ("room", find::<room::Entity>(tx, id).await?.is_some()),
        Scope::Phone(id) => ("phone", find::<phone::Entity>(tx, id).await?.is_some()),
    };
    if there { Ok(()) } else { Err(not_found(what)) }
}

/// A layer in words, such as `brand "Harbour Select"`.
async fn name(tx: &impl ConnectionTrait, scope: Scope) -> Result<String> {
    let found = |kind: &str, name: Option<String>| format!("{kind} \"{}\"", name.unwrap_or_default());
    Ok(match scope {
        Scope::Chain(id) => found("chain", find::<chain::Entity>(tx, id).await?.map(|row| row.name)),
        Scope::Brand(id) => found("brand", find::<brand::Entity>(tx, id).await?.map(|row| row.name)),
        Scope::Property(id) => found("property", find::<property::Entity>(tx, id).await?.map(|row| row.name)),
        Scope::RoomType(id) => found("room type", find::<room_type::Entity>(tx, id).await?.map(|row| row.name)),
        Scope::Room(id) => found("room", find::<room::Entity>(tx, id).await?.map(|row| row.number)),
        Scope::Phone(id) => found("phone", find::<phone::Entity>(tx, id).await?.map(|row| row.mac)),
    })
}

async fn find<E>(tx: &impl ConnectionTrait, id: Uuid) -> Result<Option<E::Model>>
where
    E: EntityTrait,
    E::PrimaryKey: sea_orm::PrimaryKeyTrait<ValueType = Uuid>,
{
    Ok(E::find_by_id(id).one(tx).await?)
}
