//! What stands between a chain and its rooms besides properties: brands and room types, and what belongs to them.

use std::collections::{BTreeSet, HashMap};

use contract::rest::{Accepted, Brand, Chain, Named, RoomType, RoomsOfType};
use contract::{BrandId, ChainId, PropertyId, RoomTypeId};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};
use uuid::Uuid;

use super::close::close;
use super::desired::targets::{self, Target};
use super::desired::{Change, refresh_targets};
use super::error::{conflict, invalid, not_found};
use super::idempotency::Once;
use super::layers::Scope;
use super::live::{Touched, touch};
use super::tree::name;
use super::{Actor, App, Result, audit, views};
use crate::db::entity::{brand, chain, layer_value, phone, property, room, room_type};
use crate::db::{WriteTx, is_duplicate};

/// Rooms one request may put into a type.
const MAX_ROOMS: usize = 5_000;

/// Every chain, by name.
pub async fn chains(app: &App) -> Result<Vec<Chain>> {
    let db = app.db.read();
    let rows = chain::Entity::find().order_by_asc(chain::Column::Name).all(db).await?;
    let chain_of: HashMap<Uuid, Uuid> =
        property::Entity::find().all(db).await?.into_iter().map(|row| (row.id, row.chain_id)).collect();
    let phones: Vec<(Option<Uuid>, i64)> = phone::Entity::find()
        .select_only()
        .column(phone::Column::PropertyId)
        .column_as(phone::Column::Id.count(), "count")
        .group_by(phone::Column::PropertyId)
        .into_tuple()
        .all(db)
        .await?;
    let sum = |chain: Uuid| {
        let own = phones.iter().filter(|(property, _)| property.and_then(|id| chain_of.get(&id)) == Some(&chain));
        own.map(|(_, count)| *count as u32).sum()
    };
    let chains = rows.into_iter().map(|row| Chain {
        id: ChainId(row.id),
        properties: chain_of.values().filter(|chain| **chain == row.id).count() as u32,
        phones: sum(row.id),
        name: row.name,
    });
    Ok(chains.collect())
}

/// The brands of a chain, by name.
pub async fn brands(app: &App, id: ChainId) -> Result<Vec<Brand>> {
    let db = app.db.read();
    chain::Entity::find_by_id(id.0).one(db).await?.ok_or_else(|| not_found("chain"))?;
    let query = brand::Entity::find().filter(brand::Column::ChainId.eq(id.0));
    let mut brands = Vec::new();
    for row in query.order_by_asc(brand::Column::Name).all(db).await? {
        brands.push(brand_view(db, row).await?);
    }
    Ok(brands)
}

async fn brand_view(tx: &impl ConnectionTrait, row: brand::Model) -> Result<Brand> {
    let own = property::Entity::find().filter(property::Column::BrandId.eq(row.id));
    let properties = own.count(tx).await? as u32;
    Ok(Brand { id: BrandId(row.id), chain: ChainId(row.chain_id), name: row.name, properties })
}

pub async fn create_brand(app: &App, actor: &Actor, id: ChainId, wanted: Named) -> Result<Brand> {
    let name = name("name", &wanted.name)?;
    let write = app.db.write().await?;
    chain::Entity::find_by_id(id.0).one(&write.tx).await?.ok_or_else(|| not_found("chain"))?;
    let row = brand::Model { id: Uuid::now_v7(), chain_id: id.0, name };
    brand::Entity::insert(row.clone().into_active_model())
        .exec(&write.tx)
        .await
        .map_err(|error| taken(error, "brand"))?;
    audit::record(&write.tx, actor, "brand.create", &row.id.to_string(), row.name.clone()).await?;
    write.commit().await?;
    Ok(Brand { id: BrandId(row.id), chain: id, name: row.name, properties: 0 })
}

pub async fn rename_brand(app: &App, actor: &Actor, id: BrandId, wanted: Named) -> Result<Brand> {
    let name = name("name", &wanted.name)?;
    let write = app.db.write().await?;
    let row = brand::Entity::find_by_id(id.0).one(&write.tx).await?.ok_or_else(|| not_found("brand"))?;
    audit::record(&write.tx, actor, "brand.rename", &id.to_string(), format!("{} → {name}", row.name)).await?;
    let mut row = row.into_active_model();
    row.name = Set(name);
    let row = row.update(&write.tx).await.map_err(|error| taken(error, "brand"))?;
    let view = brand_view(&write.tx, row).await?;
    write.commit().await?;
    Ok(view)
}

/// Removes a brand with its values; its properties stay without one.
pub async fn remove_brand(app: &App, actor: &Actor, id: BrandId) -> Result<Accepted> {
    let write = app.db.write().await?;
    let row = brand::Entity::find_by_id(id.0).one(&write.tx).await?.ok_or_else(|| not_found("brand"))?;
    let (_, phones) = Scope::Brand(id.0).targets(&write.tx).await?;
    brand::Entity::delete_by_id(id.0).exec(&write.tx).await?;
    audit::record(&write.tx, actor, "brand.remove", &id.to_string(), row.name.clone()).await?;
    remove_values(&write.tx, Scope::Brand(id.0)).await?;
    follow(app, actor, write, &Once::default(), phones, format!("Brand {} removed", row.name), Vec::new()).await
}

/// The room types of a property, by name.
pub async fn room_types(app: &App, id: PropertyId) -> Result<Vec<RoomType>> {
    let db = app.db.read();
    property::Entity::find_by_id(id.0).one(db).await?.ok_or_else(|| not_found("property"))?;
    let rooms: HashMap<Option<Uuid>, i64> = room::Entity::find()
        .select_only()
        .column(room::Column::RoomTypeId)
        .column_as(room::Column::Id.count(), "count")
        .filter(room::Column::PropertyId.eq(id.0))
        .group_by(room::Column::RoomTypeId)
        .into_tuple::<(Option<Uuid>, i64)>()
        .all(db)
        .await?
        .into_iter()
        .collect();
    let query = room_type::Entity::find().filter(room_type::Column::PropertyId.eq(id.0));
    let rows = query.order_by_asc(room_type::Column::Name).all(db).await?;
    let view = |row: room_type::Model| RoomType {
        id: RoomTypeId(row.id),
        property: id,
        rooms: rooms.get(&Some(row.id)).copied().unwrap_or_default() as u32,
        name: row.name,
    };
    Ok(rows.into_iter().map(view).collect())
}

pub async fn create_room_type(app: &App, actor: &Actor, id: PropertyId, wanted: Named) -> Result<RoomType> {
    let name = name("name", &wanted.name)?;
    let write = app.db.write().await?;
    property::Entity::find_by_id(id.0).one(&write.tx).await?.ok_or_else(|| not_found("property"))?;
    let row = room_type::Model { id: Uuid::now_v7(), property_id: id.0, name };
    let insert = room_type::Entity::insert(row.clone().into_active_model());
    insert.exec(&write.tx).await.map_err(|error| taken(error, "room type"))?;
    audit::record(&write.tx, actor, "room-type.create", &row.id.to_string(), row.name.clone()).await?;
    write.commit().await?;
    Ok(RoomType { id: RoomTypeId(row.id), property: id, name: row.name, rooms: 0 })
}

pub async fn rename_room_type(app: &App, actor: &Actor, id: RoomTypeId, wanted: Named) -> Result<RoomType> {
    let name = name("name", &wanted.name)?;
    let write = app.db.write().await?;
    let row = find_type(&write.tx, id.0).await?;
    audit::record(&write.tx, actor, "room-type.rename", &id.to_string(), format!("{} → {name}", row.name)).await?;
    let mut row = row.into_active_model();
    row.name = Set(name);
    let row = row.update(&write.tx).await.map_err(|error| taken(error, "room type"))?;
    let own = room::Entity::find().filter(room::Column::RoomTypeId.eq(row.id)).all(&write.tx).await?;
    touch(&write.tx, own.iter().map(of_room)).await?;
    write.commit().await?;
    app.live.wake();
    Ok(RoomType { id, property: PropertyId(row.property_id), name: row.name, rooms: own.len() as u32 })
}

/// Removes a room type with its values; its rooms stay without one.
pub async fn remove_room_type(app: &App, actor: &Actor, id: RoomTypeId) -> Result<Accepted> {
    let write = app.db.write().await?;
    let row = find_type(&write.tx, id.0).await?;
    let (_, phones) = Scope::RoomType(id.0).targets(&write.tx).await?;
    let own = room::Entity::find().filter(room::Column::RoomTypeId.eq(id.0)).all(&write.tx).await?;
    room_type::Entity::delete_by_id(id.0).exec(&write.tx).await?;
    audit::record(&write.tx, actor, "room-type.remove", &id.to_string(), row.name.clone()).await?;
    remove_values(&write.tx, Scope::RoomType(id.0)).await?;
    let touched = own.iter().map(of_room).collect();
    follow(app, actor, write, &Once::default(), phones, format!("Room type {} removed", row.name), touched).await
}

/// Puts rooms into a type, or takes them out of theirs; their phones follow.
pub async fn set_type_of_rooms(
    app: &App,
    actor: &Actor,
    once: &Once,
    id: PropertyId,
    wanted: RoomsOfType,
) -> Result<Accepted> {
    if wanted.rooms.is_empty() || wanted.rooms.len() > MAX_ROOMS {
        return Err(invalid("rooms", format!("{} rooms; write 1 to {MAX_ROOMS}.", wanted.rooms.len())));
    }
    let write = app.db.write().await?;
    let tx = &write.tx;
    if let Some(answer) = once.replay(tx).await? {
        return Ok(answer);
    }
    let kind = match wanted.room_type {
        Some(kind) => Some(type_of_property(tx, kind.0, id.0).await?),
        None => None,
    };
    let ids: BTreeSet<Uuid> = wanted.rooms.iter().map(|room| room.0).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let query = room::Entity::find().filter(room::Column::Id.is_in(ids.clone()));
    let rooms = query.filter(room::Column::PropertyId.eq(id.0)).all(tx).await?;
    if rooms.len() < ids.len() {
        let detail = format!("{} of these rooms are not rooms of this property.", ids.len() - rooms.len());
        return Err(invalid("rooms", detail));
    }
    room::Entity::update_many()
        .col_expr(room::Column::RoomTypeId, Expr::value(kind.as_ref().map(|kind| kind.id)))
        .filter(room::Column::Id.is_in(ids.clone()))
        .exec(tx)
        .await?;
    let phones = targets::load(tx, phone::Column::RoomId.is_in(ids)).await?;
    let into = kind.map_or_else(|| "none".to_owned(), |kind| kind.name);
    let detail = format!("{} rooms, type {into}", rooms.len());
    audit::record(tx, actor, "room-type.rooms", &id.to_string(), detail).await?;
    let touched = rooms.iter().map(of_room).collect();
    follow(app, actor, write, once, phones, format!("Room type: {into}"), touched).await
}

/// A room type, if it is one of this property.
pub async fn type_of_property(tx: &impl ConnectionTrait, id: Uuid, property: Uuid) -> Result<room_type::Model> {
    match room_type::Entity::find_by_id(id).one(tx).await? {
        Some(row) if row.property_id == property => Ok(row),
        Some(_) => Err(invalid("room_type", "This is a room type of another property.")),
        None => Err(invalid("room_type", "There is no such room type any more. Choose another one.")),
    }
}

async fn find_type(tx: &impl ConnectionTrait, id: Uuid) -> Result<room_type::Model> {
    room_type::Entity::find_by_id(id).one(tx).await?.ok_or_else(|| not_found("room type"))
}

fn of_room(room: &room::Model) -> Touched {
    Touched { property: Some(room.property_id), room: Some(room.id), ..Touched::default() }
}

async fn remove_values(tx: &impl ConnectionTrait, scope: Scope) -> Result<()> {
    layer_value::Entity::delete_many()
        .filter(layer_value::Column::ScopeId.eq(scope.id()))
        .filter(layer_value::Column::Layer.eq(scope.layer().as_str()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Has phones follow a change of what they belong to, and ends it.
pub async fn follow(
    app: &App,
    actor: &Actor,
    write: WriteTx,
    once: &Once,
    phones: Vec<Target>,
    summary: String,
    touched: Vec<Touched>,
) -> Result<Accepted> {
    let jobs = refresh_targets(app, &write.tx, &phones, &Change { actor, summary }, None, None).await?;
    touch(&write.tx, touched).await?;
    close(app, write, once, &jobs, views::accepted_many(&jobs)).await
}

fn taken(error: sea_orm::DbErr, what: &str) -> super::AppError {
    match is_duplicate(&error) {
        true => conflict("name-taken", "name", format!("There is a {what} of this name already. Choose another one.")),
        false => error.into(),
    }
}
