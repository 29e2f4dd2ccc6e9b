//! The tree of a chain: properties, buildings, floors, rooms.

use std::collections::HashMap;

use contract::PropertyId;
use contract::rest::{Layout, NewProperty, Property};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;

use super::error::{conflict, invalid, not_found};
use super::rooms::{room_number, valid};
use super::{Actor, App, Result, audit, board};
use crate::db::entity::{building, chain, floor, property, room};
use crate::db::insert::insert_all;
use crate::db::is_duplicate;
use crate::domain::{catalogue, zones};

/// Rooms one layout request may bring.
const MAX_ROOMS: usize = 5_000;

/// Makes a property, and its chain if there is none of that name.
pub async fn create_property(app: &App, actor: &Actor, wanted: NewProperty) -> Result<Property> {
    let chain_name = name("chain", &wanted.chain)?;
    let name = name("name", &wanted.name)?;
    let code = wanted.code.trim().to_lowercase();
    if code.is_empty() || code.len() > 40 || !code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(invalid("code", "The code must be 1 to 40 letters, digits or hyphens, for example \"harbour\"."));
    }
    let time_zone = time_zone(&wanted.time_zone)?;
    let write = app.db.write().await?;
    let chain = match chain::Entity::find().filter(chain::Column::Name.eq(&chain_name)).one(&write.tx).await? {
        Some(chain) => chain,
        None => {
            let chain = chain::Model { id: Uuid::now_v7(), name: chain_name };
            chain::Entity::insert(chain.clone().into_active_model()).exec(&write.tx).await?;
            chain
        }
    };
    let property = property::Model {
        id: Uuid::now_v7(),
        chain_id: chain.id,
        code,
        name,
        time_zone,
        brand_id: None,
        phone: String::new(),
        front_desk: String::new(),
    };
    property::Entity::insert(property.clone().into_active_model()).exec(&write.tx).await.map_err(|error| {
        if is_duplicate(&error) {
            conflict("code-taken", "code", format!("Another property has the code \"{}\".", property.code))
        } else {
            error.into()
        }
    })?;
    audit::record(&write.tx, actor, "property.create", &property.id.to_string(), property.code.clone()).await?;
    write.commit().await?;
    board::property(app, PropertyId(property.id)).await
}

/// Adds buildings, floors and rooms. What exists already stays as it is, so the same layout can be sent again.
pub async fn add_layout(app: &App, actor: &Actor, id: PropertyId, layout: Layout) -> Result<Property> {
    let rooms: usize =
        layout.buildings.iter().flat_map(|building| &building.floors).map(|floor| floor.rooms.len()).sum();
    if rooms > MAX_ROOMS {
        return Err(invalid(
            "buildings",
            format!("{rooms} rooms at once; at most {MAX_ROOMS} are taken. Send several layouts."),
        ));
    }
    let write = app.db.write().await?;
    let tx = &write.tx;
    property::Entity::find_by_id(id.0).one(tx).await?.ok_or_else(|| not_found("property"))?;
    let mut known = Known::load(tx, id.0).await?;
    let (mut buildings, mut floors, mut new_rooms) = (Vec::new(), Vec::new(), Vec::new());
    for (position, wanted) in layout.buildings.iter().enumerate() {
        let building_name = name("buildings.name", &wanted.name)?;
        let building_id = *known.buildings.entry(building_name.clone()).or_insert_with(|| {
            let row = building::Model {
                id: Uuid::now_v7(),
                property_id: id.0,
                name: building_name,
                position: position as i32,
            };
            buildings.push(row.clone().into_active_model());
            row.id
        });
        for wanted in &wanted.floors {
            let floor_name = name("floors.name", &wanted.name)?;
            let floor_id = *known.floors.entry((building_id, floor_name.clone())).or_insert_with(|| {
                let row = floor::Model { id: Uuid::now_v7(), building_id, name: floor_name, level: wanted.level };
                floors.push(row.clone().into_active_model());
                row.id
            });
            for wanted in &wanted.rooms {
                let number = room_number(&wanted.number)?;
                let extension = valid("extension", catalogue::SIP_USER, wanted.extension.trim())?;
                if let Some(there) = known.rooms.get(&number) {
                    if *there != floor_id {
                        let detail = format!("Room {number} exists on another floor of this property.");
                        return Err(conflict("room-number-taken", "number", detail));
                    }
                    continue;
                }
                if !extension.is_empty()
                    && let Some(owner) = known.extensions.insert(extension.clone(), number.clone())
                {
                    let detail = format!("Extension {extension} of room {number} belongs to room {owner}.");
                    return Err(conflict("extension-taken", "extension", detail));
                }
                known.rooms.insert(number.clone(), floor_id);
                new_rooms.push(room::ActiveModel {
                    id: Set(Uuid::now_v7()),
                    property_id: Set(id.0),
                    floor_id: Set(floor_id),
                    number: Set(number),
                    extension: Set(extension),
                    guest_name: Set(String::new()),
                    room_type_id: Set(None),
                });
            }
        }
    }
    let detail = format!("{} buildings, {} floors, {} rooms added", buildings.len(), floors.len(), new_rooms.len());
    insert_all(tx, buildings).await?;
    insert_all(tx, floors).await?;
    insert_all(tx, new_rooms).await?;
    audit::record(tx, actor, "property.layout", &id.to_string(), detail).await?;
    write.commit().await?;
    board::property(app, id).await
}

/// What a property has already, by name.
struct Known {
    buildings: HashMap<String, Uuid>,
    floors: HashMap<(Uuid, String), Uuid>,
    /// Room number → floor.
    rooms: HashMap<String, Uuid>,
    /// Extension → room number.
    extensions: HashMap<String, String>,
}

impl Known {
    async fn load(tx: &impl ConnectionTrait, property: Uuid) -> Result<Self> {
        let buildings: HashMap<String, Uuid> = building::Entity::find()
            .filter(building::Column::PropertyId.eq(property))
            .all(tx)
            .await?
            .into_iter()
            .map(|building| (building.name, building.id))
            .collect();
        let floors = floor::Entity::find()
            .filter(floor::Column::BuildingId.is_in(buildings.values().copied()))
            .all(tx)
            .await?
            .into_iter()
            .map(|floor| ((floor.building_id, floor.name), floor.id))
            .collect();
        let rooms = room::Entity::find().filter(room::Column::PropertyId.eq(property)).all(tx).await?;
        let extensions = rooms
            .iter()
            .filter(|room| !room.extension.is_empty())
            .map(|room| (room.extension.clone(), room.number.clone()))
            .collect();
        Ok(Self { buildings, floors, rooms: rooms.into_iter().map(|r| (r.number, r.floor_id)).collect(), extensions })
    }
}

pub(super) fn name(field: &str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 100 || text.chars().any(char::is_control) {
        return Err(invalid(field, "A name must be 1 to 100 characters."));
    }
    Ok(text.to_owned())
}

/// A time zone by its IANA name, written as the list has it.
pub(super) fn time_zone(text: &str) -> Result<String> {
    if let Some(zone) = zones::find(text) {
        return Ok(zone.to_owned());
    }
    let shown: String = text.chars().take(64).collect();
    let next = match zones::nearest(text) {
        Some(zone) => format!("Did you mean \"{zone}\"?"),
        None => "Write an IANA name such as \"Europe/Lisbon\".".to_owned(),
    };
    Err(invalid("time_zone", format!("There is no time zone \"{shown}\". {next}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::AppError;

    #[test]
    fn a_time_zone_is_one_of_the_list_and_the_nearest_is_offered() {
        assert_eq!(time_zone("europe/lisbon").unwrap(), "Europe/Lisbon");
        for (bad, said) in [
            ("Europe/Lisbn", "Did you mean \"Europe/Lisbon\"?"),
            ("Lisbon", "Did you mean \"Europe/Lisbon\"?"),
            ("Mars/Olympus_Mons", "Write an IANA name"),
            ("", "Write an IANA name"),
        ] {
            let Err(AppError::Refused(problem)) = time_zone(bad) else { panic!("{bad} is taken") };
            assert_eq!(problem.field.as_deref(), Some("time_zone"));
            assert!(problem.detail.contains(said), "{bad}: {}", problem.detail);
        }
    }
}
