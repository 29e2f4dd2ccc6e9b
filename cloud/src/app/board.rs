//! Properties and the room board.

use std::collections::HashMap;

use contract::rest::{Board, BoardBuilding, BoardFloor, Property, RoomState, SyncState};
use contract::{BrandId, BuildingId, ChainId, FloorId, PropertyId};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::error::not_found;
use super::{App, Result, live, views};
use crate::db::entity::{brand, building, chain, floor, phone, property, room};

/// Every property, by name, with its counts.
pub async fn properties(app: &App) -> Result<Vec<Property>> {
    let rows = property::Entity::find().order_by_asc(property::Column::Name).all(app.db.read()).await?;
    with_counts(app, rows).await
}

pub async fn property(app: &App, id: PropertyId) -> Result<Property> {
    let row = property::Entity::find_by_id(id.0).one(app.db.read()).await?.ok_or_else(|| not_found("property"))?;
    with_counts(app, vec![row]).await?.pop().ok_or_else(|| not_found("property"))
}

#[derive(FromQueryResult)]
struct RoomCount {
    property_id: Uuid,
    count: i64,
}

#[derive(FromQueryResult)]
struct PhoneCount {
    property_id: Option<Uuid>,
    state: String,
    sync: String,
    count: i64,
}

async fn with_counts(app: &App, rows: Vec<property::Model>) -> Result<Vec<Property>> {
    let db = app.db.read();
    let chains: HashMap<Uuid, String> =
        chain::Entity::find().all(db).await?.into_iter().map(|chain| (chain.id, chain.name)).collect();
    let brands: HashMap<Uuid, String> =
        brand::Entity::find().all(db).await?.into_iter().map(|brand| (brand.id, brand.name)).collect();
    let rooms: HashMap<Uuid, i64> = room::Entity::find()
        .select_only()
        .column(room::Column::PropertyId)
        .column_as(room::Column::Id.count(), "count")
        .group_by(room::Column::PropertyId)
        .into_model::<RoomCount>()
        .all(db)
        .await?
        .into_iter()
        .map(|row| (row.property_id, row.count))
        .collect();
    let phones: Vec<PhoneCount> = phone::Entity::find()
        .select_only()
        .column(phone::Column::PropertyId)
        .column(phone::Column::State)
        .column(phone::Column::Sync)
        .column_as(phone::Column::Id.count(), "count")
        .group_by(phone::Column::PropertyId)
        .group_by(phone::Column::State)
        .group_by(phone::Column::Sync)
        .into_model()
        .all(db)
        .await?;
    let online = |state: &str| {
        use RoomState::{FilesOnly, Idle, OffHook, RegisterFailed, Unregistered};
        [Idle, OffHook, Unregistered, RegisterFailed, FilesOnly].iter().any(|online| online.as_str() == state)
    };
    let attention = |row: &PhoneCount| {
        let states = [RoomState::RegisterFailed, RoomState::Offline, RoomState::Unregistered];
        row.sync == SyncState::Failed.as_str() || states.iter().any(|state| state.as_str() == row.state)
    };
    Ok(rows
        .into_iter()
        .map(|row| {
            let own: Vec<&PhoneCount> = phones.iter().filter(|count| count.property_id == Some(row.id)).collect();
            let sum = |wanted: &dyn Fn(&PhoneCount) -> bool| {
                own.iter().filter(|count| wanted(count)).map(|count| count.count as u32).sum()
            };
            Property {
                id: PropertyId(row.id),
                chain: chains.get(&row.chain_id).cloned().unwrap_or_default(),
                chain_id: Some(ChainId(row.chain_id)),
                brand: row.brand_id.map(BrandId),
                brand_name: row.brand_id.and_then(|id| brands.get(&id).cloned()),
                phone: row.phone,
                front_desk: row.front_desk,
                rooms: rooms.get(&row.id).copied().unwrap_or_default() as u32,
                phones: sum(&|_| true),
                online: sum(&|count| online(&count.state)),
                attention: sum(&attention),
                code: row.code,
                name: row.name,
                time_zone: row.time_zone,
            }
        })
        .collect())
}

/// The room board. Where the live stream continues is read before the rooms, so nothing falls between.
pub async fn board(app: &App, id: PropertyId) -> Result<Board> {
    let live_after = live::newest(app).await?;
    let property = property(app, id).await?;
    let db = app.db.read();
    let buildings = building::Entity::find()
        .filter(building::Column::PropertyId.eq(id.0))
        .order_by_asc(building::Column::Position)
        .order_by_asc(building::Column::Name)
        .all(db)
        .await?;
    let mut floors = floor::Entity::find()
        .filter(floor::Column::BuildingId.is_in(buildings.iter().map(|building| building.id)))
        .all(db)
        .await?;
    // The top floor first, as a house is drawn.
    floors.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.name.cmp(&b.name)));
    let phones: HashMap<Uuid, phone::Model> = phone::Entity::find()
        .filter(phone::Column::PropertyId.eq(id.0))
        .filter(phone::Column::RoomId.is_not_null())
        .all(db)
        .await?
        .into_iter()
        .filter_map(|phone| Some((phone.room_id?, phone)))
        .collect();
    let mut rooms: HashMap<Uuid, Vec<room::Model>> = HashMap::new();
    for room in room::Entity::find().filter(room::Column::PropertyId.eq(id.0)).all(db).await? {
        rooms.entry(room.floor_id).or_default().push(room);
    }
    let names = views::Names::load(db).await?;
    let buildings = buildings
        .into_iter()
        .map(|building| BoardBuilding {
            floors: floors
                .iter()
                .filter(|floor| floor.building_id == building.id)
                .map(|floor| {
                    let mut own = rooms.remove(&floor.id).unwrap_or_default();
                    own.sort_by_key(|room| natural(&room.number));
                    BoardFloor {
                        id: FloorId(floor.id),
                        name: floor.name.clone(),
                        level: floor.level,
                        rooms: own.iter().map(|room| views::room_card(room, phones.get(&room.id), &names)).collect(),
                    }
                })
                .collect(),
            id: BuildingId(building.id),
            name: building.name,
        })
        .collect();
    Ok(Board { property, buildings, live_after })
}

/// Sorts "9" before "10", and letters after numbers.
fn natural(number: &str) -> (u64, String) {
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    (digits.parse().unwrap_or(u64::MAX), number.to_owned())
}

#[cfg(test)]
mod tests {
    use super::natural;

    #[test]
    fn sorts_as_people_count() {
        let mut numbers = ["1210", "12A", "101", "9", "Spa"];
        numbers.sort_by_key(|number| natural(number));
        assert_eq!(numbers, ["9", "12A", "101", "1210", "Spa"]);
    }
}
