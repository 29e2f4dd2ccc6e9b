//! A property's rooms and phones in the shape an import takes: importing an export changes nothing.

use std::collections::{BTreeSet, HashMap};

use contract::PropertyId;
use contract::rest::{Layer, SECRET_MASK};
use sea_orm::{EntityTrait, QueryFilter};
use uuid::Uuid;

use super::known;
use crate::app::error::not_found;
use crate::app::{App, Result};
use crate::db::entity::{layer_value, property};
use crate::domain::catalogue;
use crate::domain::import::export;
use crate::domain::import::plan::{KnownPhone, KnownRoom};

/// The words of the first columns; the account's, if there are SIP servers, and the settings follow.
const HEADINGS: [&str; 10] =
    ["Building", "Floor", "Level", "Room", "Room type", "Extension", "Guest name", "MAC", "Serial", "Model"];
/// The account of a room. Its password stays here: the list for the PBX has it.
const OF_ACCOUNT: [&str; 4] = ["SIP server", "SIP user", "SIP auth user", "SIP display name"];

/// The file's name and bytes. Secrets are masked.
pub async fn csv(app: &App, of: PropertyId) -> Result<(String, Vec<u8>)> {
    let db = app.db.read();
    let property = property::Entity::find_by_id(of.0).one(db).await?.ok_or_else(|| not_found("property"))?;
    let known = known::load(app, db, of.0, &[]).await?;
    let values = values(app, of.0).await?;
    let keys: BTreeSet<(Layer, &str)> = values.keys().map(|(layer, _, key)| (*layer, key.as_str())).collect();
    let shown = |layer: Layer, scope: Option<Uuid>, key: &str| {
        let value = scope.and_then(|scope| values.get(&(layer, scope, key.to_owned())));
        match value {
            Some(_) if catalogue::is_secret(key) => SECRET_MASK.to_owned(),
            Some(value) => value.clone(),
            None => String::new(),
        }
    };
    let mut headings: Vec<String> = HEADINGS.map(str::to_owned).into();
    if !known.servers.is_empty() {
        headings.extend(OF_ACCOUNT.map(str::to_owned));
    }
    let servers: HashMap<Uuid, &String> = known.servers.iter().map(|(name, id)| (*id, name)).collect();
    let account = |room: Option<&KnownRoom>| -> Option<[String; 4]> {
        let key = room?.account.as_ref()?;
        let (server, account) = (servers.get(&key.0)?, known.accounts.get(key)?);
        Some([(*server).clone(), key.1.clone(), account.auth_user.clone(), account.display_name.clone()])
    };
    headings.extend(keys.iter().map(|(layer, key)| format!("{}: {key}", layer.as_str())));
    let buildings: HashMap<Uuid, &String> = known.buildings.iter().map(|(name, id)| (*id, name)).collect();
    let types: HashMap<Uuid, &String> = known.types.iter().map(|(name, id)| (*id, name)).collect();
    let standing: HashMap<Uuid, (String, &KnownPhone)> =
        known.phones.iter().filter_map(|(mac, phone)| Some((phone.room?, (mac.to_string(), phone)))).collect();
    let line = |place: [String; 7], room: Option<&KnownRoom>, phone: Option<&(String, &KnownPhone)>| {
        let mut cells = Vec::from(place);
        cells.extend(match phone {
            Some((mac, phone)) => [mac.clone(), phone.serial.clone(), phone.model.clone()],
            None => Default::default(),
        });
        if !known.servers.is_empty() {
            cells.extend(account(room).unwrap_or_default());
        }
        cells.extend(keys.iter().map(|(layer, key)| {
            let of_room = || room.map(|room| room.id);
            let scope = if *layer == Layer::Phone { phone.map(|(_, phone)| phone.id) } else { of_room() };
            shown(*layer, scope, key)
        }));
        cells
    };
    let mut rooms: Vec<_> = known.rooms.iter().collect();
    let order = |floor: &Uuid| known.floors.get(floor).map(|floor| (buildings.get(&floor.building), floor.level));
    rooms.sort_by_cached_key(|(number, room)| (order(&room.floor), number.len(), (*number).clone()));
    let mut lines = vec![headings];
    for (number, room) in rooms {
        let floor = known.floors.get(&room.floor);
        let building = floor.and_then(|floor| buildings.get(&floor.building)).map(|name| (*name).clone());
        let place = [
            building.unwrap_or_default(),
            floor.map(|floor| floor.name.clone()).unwrap_or_default(),
            floor.map(|floor| floor.level.to_string()).unwrap_or_default(),
            number.clone(),
            room.room_type.and_then(|kind| types.get(&kind)).map(|name| (*name).clone()).unwrap_or_default(),
            room.extension.clone(),
            room.guest_name.clone(),
        ];
        lines.push(line(place, Some(room), standing.get(&room.id)));
    }
    let mut spare: Vec<_> = known.phones.iter().filter(|(_, phone)| phone.room.is_none()).collect();
    spare.sort_by_key(|(mac, _)| **mac);
    for (mac, phone) in spare {
        lines.push(line(Default::default(), None, Some(&(mac.to_string(), phone))));
    }
    Ok((format!("{}.csv", property.code), export::csv(lines)?))
}

/// Values set on the property's rooms and phones.
async fn values(app: &App, of: Uuid) -> Result<HashMap<(Layer, Uuid, String), String>> {
    let rows = layer_value::Entity::find().filter(known::below(of)).all(app.db.read()).await?;
    let known = rows.into_iter().filter(|row| catalogue::find(&row.key).is_some());
    Ok(known.filter_map(|row| Some(((row.layer.parse().ok()?, row.scope_id?, row.key), row.value))).collect())
}
