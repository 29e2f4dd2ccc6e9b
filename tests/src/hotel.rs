//! Making a hotel by the API, as a customer would.

use anyhow::Result;
use contract::rest::{Board, PhoneRow, Property, RoomCard};
use contract::{Mac, PhoneId, PropertyId, RoomId};
use reqwest::Method;
use serde_json::json;

use crate::api::Api;

/// A property with rooms.
#[derive(Clone)]
pub struct Hotel {
    pub api: Api,
    pub property: PropertyId,
    rooms: Vec<RoomCard>,
}

impl Hotel {
    /// # Errors
    /// If the server does not want it.
    pub async fn build(api: &Api, code: &str, rooms: &[String]) -> Result<Self> {
        let body =
            json!({ "chain": "Chain", "code": code, "name": format!("Hotel {code}"), "time_zone": "Europe/Lisbon" });
        let property: Property = api.try_send(Method::POST, "/api/v1/properties", Some(&body), &[]).await?.json()?;
        for (part, rooms) in rooms.chunks(5_000).enumerate() {
            let rooms: Vec<_> = rooms.iter().map(|number| json!({ "number": number, "extension": number })).collect();
            let floor = json!({ "name": format!("Floor {part}"), "level": part, "rooms": rooms });
            let layout = json!({ "buildings": [{ "name": "House", "floors": [floor] }] });
            let path = format!("/api/v1/properties/{}/layout", property.id);
            api.try_send(Method::POST, &path, Some(&layout), &[]).await?.json::<Property>()?;
        }
        Self::known(api, property.id).await
    }

    /// A property that is there already.
    ///
    /// # Errors
    /// If the server does not show it.
    pub async fn known(api: &Api, property: PropertyId) -> Result<Self> {
        let mut hotel = Self { api: api.clone(), property, rooms: Vec::new() };
        hotel.rooms = hotel.cards().await?;
        Ok(hotel)
    }

    /// Sets what every phone needs to register its room's extension (simulated phones then say they have).
    ///
    /// # Panics
    /// If the server does not want it.
    pub async fn register(&self) {
        let values = json!({ "account.1.enable": "yes", "account.1.sip.server.1.address": "sip.example" });
        let path = format!("/api/v1/properties/{}/settings", self.property);
        self.api.put(&path, json!({ "values": values })).await.ok::<contract::rest::Accepted>();
    }

    /// The board's rooms, as they are now.
    ///
    /// # Errors
    /// If the server does not show them.
    pub async fn cards(&self) -> Result<Vec<RoomCard>> {
        let path = format!("/api/v1/properties/{}/board", self.property);
        let board: Board = self.api.try_send(Method::GET, &path, None, &[]).await?.json()?;
        let floors = board.buildings.into_iter().flat_map(|building| building.floors);
        Ok(floors.flat_map(|floor| floor.rooms).collect())
    }

    /// The room that had this number when the hotel was built.
    ///
    /// # Panics
    /// If none had.
    pub fn room(&self, number: &str) -> RoomId {
        match self.rooms.iter().find(|card| card.number == number) {
            Some(card) => card.id,
            None => panic!("the hotel was built without a room {number}"),
        }
    }

    /// Binds a phone to a room beforehand; its serial number is its MAC, as our simulated phones have it.
    ///
    /// # Errors
    /// If the server does not want it.
    pub async fn announce(&self, mac: Mac, room: Option<RoomId>) -> Result<PhoneId> {
        let path = format!("/api/v1/phones/announce?property={}", self.property);
        let body = json!({ "mac": mac, "serial": mac.compact(), "model": "GHP620", "room": room });
        let row: PhoneRow = self.api.try_send(Method::POST, &path, Some(&body), &[]).await?.json()?;
        Ok(row.id)
    }
}
