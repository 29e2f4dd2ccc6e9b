//! Layers of settings from the chain down: brands, room types, locks, variables, change sets, previews, drift.

mod by_user;
mod changes;
mod drift;
mod groups;
mod locks;
mod reach;
mod restarts;
mod variables;

use contract::ChainId;
use contract::rest::{Chain, Configuration, ConfigurationValue, Property};

use crate::support::House;

const RING: &str = "account.1.ring.timeout";
const NTP: &str = "datetime.ntp.server.1";

impl House {
    async fn chain(&self) -> ChainId {
        let chains: Vec<Chain> = self.server.api.get("/api/v1/chains").await.ok();
        chains[0].id
    }

    async fn property(&self) -> Property {
        self.server.api.get(&format!("/api/v1/properties/{}", self.hotel.property)).await.ok()
    }

    fn configuration(&self, index: usize) -> String {
        format!("/api/v1/phones/{}/configuration", self.ids[index])
    }

    async fn configured(&self, index: usize, key: &str) -> ConfigurationValue {
        let page: Configuration = self.server.api.get(&self.configuration(index)).await.ok();
        page.values.into_iter().find(|value| value.key == key).unwrap_or_else(|| panic!("no value {key}"))
    }
}
