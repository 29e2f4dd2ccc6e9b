//! Layers of settings from the chain down: brands, room types, locks, variables, change sets, previews, drift.

mod changes;
mod drift;
mod groups;
mod locks;
mod variables;

use contract::rest::{Accepted, Chain, Configuration, ConfigurationValue, EffectiveValue, Progress, Property};
use contract::{ChainId, PhoneId, RoomId};
use device_agent::{SimConfig, SimHandle, Simulator};
use serde_json::{Value, json};

use crate::support::{Ask, Hotel, TestServer, wait_true};

const RING: &str = "account.1.ring.timeout";
const NTP: &str = "datetime.ntp.server.1";

/// A hotel with simulated phones, each in its room and in sync.
struct House {
    server: TestServer,
    hotel: Hotel,
    phones: SimHandle,
    ids: Vec<PhoneId>,
}

impl House {
    async fn of(rooms: &[&str]) -> Self {
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

    async fn in_sync(&self) {
        let path = format!("/api/v1/properties/{}/progress", self.hotel.property);
        let count = self.ids.len() as u32;
        wait_true("every phone is in sync", async || {
            let progress: Progress = self.server.api.get(&path).await.ok();
            (progress.phones, progress.in_sync, progress.pending) == (count, count, 0)
        })
        .await;
    }

    async fn chain(&self) -> ChainId {
        let chains: Vec<Chain> = self.server.api.get("/api/v1/chains").await.ok();
        chains[0].id
    }

    async fn property(&self) -> Property {
        self.server.api.get(&format!("/api/v1/properties/{}", self.hotel.property)).await.ok()
    }

    fn room(&self, number: &str) -> RoomId {
        self.hotel.room(number)
    }

    fn of_property(&self) -> String {
        format!("/api/v1/properties/{}/settings", self.hotel.property)
    }

    async fn put(&self, path: &str, body: Value) -> Accepted {
        self.server.api.put(path, body).await.ok()
    }

    /// Sets one value on the layer at this path.
    async fn set(&self, path: &str, key: &str, value: &str) -> Accepted {
        self.put(path, json!({ "values": { key: value } })).await
    }

    async fn value(&self, index: usize, key: &str) -> EffectiveValue {
        let values = self.server.api.phone(self.ids[index]).await.values;
        values.into_iter().find(|value| value.key == key).unwrap_or_else(|| panic!("no value {key}"))
    }

    fn configuration(&self, index: usize) -> String {
        format!("/api/v1/phones/{}/configuration", self.ids[index])
    }

    async fn configured(&self, index: usize, key: &str) -> ConfigurationValue {
        let page: Configuration = self.server.api.get(&self.configuration(index)).await.ok();
        page.values.into_iter().find(|value| value.key == key).unwrap_or_else(|| panic!("no value {key}"))
    }
}
