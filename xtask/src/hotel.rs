//! The hotel of the demo: which rooms there are and which phone stands where. Made over the public REST API, as a customer
//! would.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::rest::Api;

/// Room numbers are the floor and two digits: 901 … 1210.
const FLOORS: [u32; 4] = [9, 10, 11, 12];
/// Rooms per floor; more only when there are more phones.
const ROOMS: u32 = 10;
/// The room of the full phone, the one whose handset can be lifted.
pub const FULL_PHONE_ROOM: u32 = 1201;
/// Has no phone, so that there is a room to assign one to.
const FREE_ROOM: u32 = 1207;
const CODE: &str = "harbour";

/// How many simulated phones still get a room number of two digits.
pub const MOST_PHONES: u32 = 300;

fn rooms_per_floor(phones: u32) -> u32 {
    ROOMS.max((phones + 2).div_ceil(4))
}

/// Every room's number, which is its extension as well.
pub fn rooms(phones: u32) -> Vec<String> {
    FLOORS.iter().flat_map(|floor| (1..=rooms_per_floor(phones)).map(move |n| (floor * 100 + n).to_string())).collect()
}

/// Rooms for the simulated phones: floor 12 first, then the others in turn, so every floor has phones and empty rooms.
pub fn simulated_rooms(phones: u32) -> Vec<u32> {
    let per_floor = rooms_per_floor(phones);
    let top = (1..=per_floor).map(|n| 1200 + n).filter(|room| ![FULL_PHONE_ROOM, FREE_ROOM].contains(room));
    let others = (1..=per_floor).flat_map(|n| [9, 10, 11].map(|floor| floor * 100 + n));
    top.chain(others).take(phones as usize).collect()
}

/// A phone as its label says, with the room it stands in.
pub struct Phone {
    /// Twelve hex digits; also its serial number.
    pub mac: String,
    pub model: &'static str,
    pub room: u32,
}

/// What the server knows of the demo's property.
pub struct Hotel {
    pub property: String,
    /// Phones that are connected, of how many.
    pub online: u64,
    pub phones: u64,
}

/// Makes the property, its rooms, its settings and its phones. What exists stays as it is, so this runs at every start.
pub fn seed(api: &Api, phones: &[Phone], sip_port: u16, sip_password: &str) -> Result<String> {
    let property = match find(api)? {
        Some(hotel) => hotel.property,
        None => {
            let made = api.post(
                "/api/v1/properties",
                &json!({ "chain": "Meridian Hotels", "code": CODE, "name": "Harbour House", "time_zone": "Europe/Lisbon" }),
            )?;
            text(&made, "id")?
        }
    };
    let known = room_ids(&api.get(&format!("/api/v1/properties/{property}/board"))?);
    let simulated = phones.len().saturating_sub(1) as u32;
    let rooms = match rooms(simulated).iter().all(|room| known.contains_key(room)) {
        true => known,
        false => {
            api.post(&format!("/api/v1/properties/{property}/layout"), &layout(rooms_per_floor(simulated)))?;
            room_ids(&api.get(&format!("/api/v1/properties/{property}/board"))?)
        }
    };
    accounts(api, &property, &format!("127.0.0.1:{sip_port}"), sip_password)?;

    let listed = api.get(&format!("/api/v1/phones?property={property}&limit=500"))?;
    let listed: Vec<&str> = items(&listed, "items").filter_map(|phone| phone["mac"].as_str()).collect();
    let digits = |mac: &str| mac.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_lowercase();
    for phone in phones.iter().filter(|phone| !listed.iter().any(|mac| digits(mac) == phone.mac)) {
        let room = rooms.get(&phone.room.to_string()).with_context(|| format!("there is no room {}", phone.room))?;
        let label = json!({ "mac": phone.mac, "serial": phone.mac, "model": phone.model, "room": room });
        // Refused when somebody has moved phones around since the first start: then it is as that person wants it.
        api.post_new(&format!("/api/v1/phones/announce?property={property}"), &label)?;
    }
    Ok(property)
}

fn layout(per_floor: u32) -> Value {
    let room = |number: u32| json!({ "number": number.to_string(), "extension": number.to_string() });
    let floor = |floor: &u32| {
        let rooms: Vec<Value> = (1..=per_floor).map(|n| room(floor * 100 + n)).collect();
        json!({ "name": format!("Floor {floor}"), "level": floor, "rooms": rooms })
    };
    let floors: Vec<Value> = FLOORS.iter().map(floor).collect();
    json!({ "buildings": [{ "name": "Main building", "floors": floors }] })
}

/// The property's SIP account settings; user and number come from the room's extension.
fn accounts(api: &Api, property: &str, server: &str, password: &str) -> Result<()> {
    let path = format!("/api/v1/properties/{property}/settings");
    let key = "account.1.sip.server.1.address";
    let set = api.get(&path)?;
    if items(&set, "values").any(|value| value["key"] == key && value["value"] == server) {
        return Ok(());
    }
    let values = json!({ key: server, "account.1.enable": "yes", "account.1.sip.subscriber.password": password });
    api.put(&path, &json!({ "values": values })).map(drop)
}

fn items<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

/// Room numbers and ids on a board.
fn room_ids(board: &Value) -> BTreeMap<String, String> {
    let floors = items(board, "buildings").flat_map(|building| items(building, "floors"));
    let rooms = floors.flat_map(|floor| items(floor, "rooms"));
    rooms.filter_map(|room| Some((room["number"].as_str()?.into(), room["id"].as_str()?.into()))).collect()
}

/// The demo's property, when it is there.
pub fn find(api: &Api) -> Result<Option<Hotel>> {
    let list = api.get("/api/v1/properties")?;
    let list = list.as_array().context("the list of properties is no list")?;
    let Some(property) = list.iter().find(|property| property["code"] == CODE) else {
        return Ok(None);
    };
    let count = |key: &str| property[key].as_u64().unwrap_or_default();
    Ok(Some(Hotel { property: text(property, "id")?, online: count("online"), phones: count("phones") }))
}

fn text(value: &Value, key: &str) -> Result<String> {
    Ok(value[key].as_str().with_context(|| format!("no `{key}` in {value}"))?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phone_has_a_room_of_its_own() {
        for phones in [0, 1, 24, 38, 39, 40, MOST_PHONES] {
            let mut rooms = simulated_rooms(phones);
            rooms.push(FULL_PHONE_ROOM);
            assert!(!rooms.contains(&FREE_ROOM));
            assert_eq!(rooms.len() as u32, phones + 1);
            rooms.sort_unstable();
            rooms.dedup();
            assert_eq!(rooms.len() as u32, phones + 1);
            assert!(rooms.iter().all(|room| FLOORS.contains(&(room / 100)) && (1..100).contains(&(room % 100))));
        }
        let top = (1202..=1210).filter(|room| *room != FREE_ROOM);
        assert!(top.into_iter().all(|room| simulated_rooms(24).contains(&room)));
    }
}
