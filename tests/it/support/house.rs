//! A hotel with simulated phones, one in each of its rooms.

use contract::rest::{Accepted, EffectiveValue, Progress};
use contract::{PhoneId, RoomId};
use device_agent::{SimConfig, SimHandle, Simulator};
use serde_json::{Value, json};

use super::{Ask, Hotel, TestServer, wait_true};

pub struct House {
    pub server: TestServer,
    pub hotel: Hotel,
    pub phones: SimHandle,
    /// As in the list of rooms.
    pub ids: Vec<PhoneId>,
}

impl House {
    /// With these rooms, as soon as every phone is in sync.
    pub async fn of(rooms: &[&str]) -> Self {
        let server = TestServer::start().await;
        let hotel = server.hotel(rooms).await;
        let config = SimConfig { retry_wait_s: 1, ..SimConfig::new(rooms.len(), server.acs_url()) };
        let mut ids = Vec::new();
        for (index, room) in rooms.iter().enumerate() {
            ids.push(hotel.announce(config.mac(index), Some(hotel.room(room))).await.unwrap());
        }
        let phones = Simulator::start(config).await.unwrap();
        let house = Self { server, hotel, phones, ids };
        house.in_sync().await;
        house
    }

    pub async fn in_sync(&self) {
        let path = format!("/api/v1/properties/{}/progress", self.hotel.property);
        let count = self.ids.len() as u32;
        wait_true("every phone is in sync", async || {
            let progress: Progress = self.server.api.get(&path).await.ok();
            (progress.phones, progress.in_sync, progress.pending) == (count, count, 0)
        })
        .await;
    }

    pub fn room(&self, number: &str) -> RoomId {
        self.hotel.room(number)
    }

    pub fn of_property(&self) -> String {
        format!("/api/v1/properties/{}/settings", self.hotel.property)
    }

    pub async fn put(&self, path: &str, body: Value) -> Accepted {
        self.server.api.put(path, body).await.ok()
    }

    /// Sets one value on the layer at this path.
    pub async fn set(&self, path: &str, key: &str, value: &str) -> Accepted {
        self.put(path, json!({ "values": { key: value } })).await
    }

    pub async fn value(&self, index: usize, key: &str) -> EffectiveValue {
        self.server.api.value(self.ids[index], key).await
    }
}
