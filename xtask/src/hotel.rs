//! The hotel of the demo: which rooms there are and which phone stands where. Made over the public REST API, as a customer
//! would.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::rest::Api;

/// Room numbers are the floor and two digits: 901 … 1210.
const FLOORS: [u32; 4] = [9, 10, 11, 12];
/// Rooms per floor; more only when there are more phones.
const ROOMS: u32 = 10;
/// The room of the full phone, the one whose handset can be lifted.
pub const FULL_PHONE_ROOM: u32 = 1201;
const CODE: &str = "harbour";

/// How many simulated phones still get a room number of two digits.
pub const MOST_PHONES: u32 = 300;

fn rooms_per_floor(phones: u32) -> u32 {
    ROOMS.max((phones + 1).div_ceil(4))
}

/// Every room's number, which is its extension as well.
pub fn rooms(phones: u32) -> Vec<String> {
    FLOORS
        .iter()
        .flat_map(|floor| (1..=rooms_per_floor(phones)).map(move |n| (floor * 100 + n).to_string()))
        .collect()
}

/// Rooms for the simulated phones: floor 12 first, then the others in turn, so every floor has phones and empty rooms.
pub fn simulated_rooms(phones: u32) -> Vec<u32> {
    let per_floor = rooms_per_floor(phones);
    let top = (1..=per_floor)
        .map(|n| 1200 + n)
        .filter(|room| *room != FULL_PHONE_ROOM);
    let others = (1..=per_floor).flat_map(|n| [9, 10, 11].map(|floor| floor * 100 + n));
    top.chain(others).take(phones as usize).collect()
}

/// A phone as its label says, with the room it stands in.
#[derive(Clone)]
pub struct Phone {
    pub mac: String,
    pub serial: String,
    pub model: String,
    pub room: u32,
}

/// What the server made of it.
pub struct Hotel {
    pub property: String,
    /// Phones that are connected, of how many.
    pub online: u64,
    pub phones: u64,
}

/// Makes the property, its rooms, its settings and its phones; what exists stays as it is.
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
    let per_floor = rooms_per_floor(phones.len() as u32 - 1);
    let rooms = |floor: u32| -> Vec<Value> {
        let number = |n: u32| (floor * 100 + n).to_string();
        (1..=per_floor)
            .map(|n| json!({ "number": number(n), "extension": number(n) }))
            .collect()
    };
    let floors: Vec<Value> = FLOORS
        .iter()
        .map(|floor| json!({ "name": format!("Floor {floor}"), "level": floor, "rooms": rooms(*floor) }))
        .collect();
    let board = api.post(
        &format!("/api/v1/properties/{property}/layout"),
        &json!({ "buildings": [{ "name": "Main building", "floors": floors }] }),
    )?;
    let ids = room_ids(&board);
    // TODO(interface): the settings of the property layer (SIP server, password) and the announcements.
    let _ = (sip_port, sip_password, ids);
    Ok(property)
}

/// Room numbers and ids on a board.
fn room_ids(board: &Value) -> Vec<(String, String)> {
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for building in list(board, "buildings") {
        for floor in list(&building, "floors") {
            for room in list(&floor, "rooms") {
                if let (Some(number), Some(id)) = (room["number"].as_str(), room["id"].as_str()) {
                    found.push((number.to_owned(), id.to_owned()));
                }
            }
        }
    }
    found
}

/// The demo's property, when it is there.
pub fn find(api: &Api) -> Result<Option<Hotel>> {
    let list = api.get("/api/v1/properties")?;
    let list = list
        .as_array()
        .or_else(|| list["items"].as_array())
        .context("the list of properties is no list")?;
    let Some(property) = list.iter().find(|property| property["code"] == CODE) else {
        return Ok(None);
    };
    let count = |key: &str| property[key].as_u64().unwrap_or_default();
    Ok(Some(Hotel {
        property: text(property, "id")?,
        online: count("online"),
        phones: count("phones"),
    }))
}

fn text(value: &Value, key: &str) -> Result<String> {
    Ok(value[key]
        .as_str()
        .with_context(|| format!("no `{key}` in {value}"))?
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phone_has_a_room_of_its_own() {
        for phones in [0, 1, 24, 39, 40, MOST_PHONES] {
            let mut rooms = simulated_rooms(phones);
            rooms.push(FULL_PHONE_ROOM);
            assert_eq!(rooms.len() as u32, phones + 1);
            rooms.sort_unstable();
            rooms.dedup();
            assert_eq!(rooms.len() as u32, phones + 1);
            assert!(
                rooms
                    .iter()
                    .all(|room| FLOORS.contains(&(room / 100)) && (1..100).contains(&(room % 100)))
            );
        }
        assert!((1202..=1210).all(|room| simulated_rooms(24).contains(&room)));
    }
}
