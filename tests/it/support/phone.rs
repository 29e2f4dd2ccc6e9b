//! A phone with our own agent, in this process.

use contract::{Mac, PhoneId};
use device_agent::{Agent, AgentConfig, AgentHandle, StateFile};
use tempfile::TempDir;

use super::{wait, wait_true};

pub struct Phone {
    pub agent: AgentHandle,
    pub mac: Mac,
    config: AgentConfig,
    dir: TempDir,
}

/// A phone without power.
pub struct Unplugged {
    config: AgentConfig,
    dir: TempDir,
}

impl Unplugged {
    /// Starts on the memory it had.
    pub async fn plug_in(self) -> Phone {
        let Self { config, dir } = self;
        let agent = Agent::start(config.clone()).await.unwrap();
        Phone { agent, mac: config.mac, config, dir }
    }
}

impl Phone {
    /// Without SIP and audio.
    pub async fn start(mac: Mac, acs_url: impl Into<String>) -> Self {
        Self::with(mac, acs_url, |_| {}).await
    }

    pub async fn with(mac: Mac, acs_url: impl Into<String>, change: impl FnOnce(&mut AgentConfig)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = AgentConfig::new(dir.path(), mac, acs_url);
        config.connection_request_port = Some(0);
        config.sip_bind = std::net::Ipv4Addr::LOCALHOST.into();
        config.simulated = true;
        config.retry_wait_s = 1;
        change(&mut config);
        let agent = Agent::start(config.clone()).await.unwrap();
        Self { agent, mac, config, dir }
    }

    /// Pulls the plug.
    pub async fn unplug(self) -> Unplugged {
        let Self { agent, config, dir, .. } = self;
        drop(agent);
        Unplugged { config, dir }
    }

    /// `state.json` as it lies on disk.
    pub fn state_json(&self) -> Option<StateFile> {
        let text = std::fs::read_to_string(self.dir.path().join("state.json")).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Waits until it has credentials and is connected to the broker.
    pub async fn online(&self) -> PhoneId {
        wait_true("the phone is connected", async || self.agent.is_connected()).await;
        wait("the phone knows its id", async || self.agent.phone_id()).await
    }

    /// Waits until `state.json` shows this room number.
    pub async fn shows_room(&self, number: &str) {
        let what = format!("the phone shows room {number:?}");
        wait_true(&what, async || self.state_json().is_some_and(|state| state.room_number == number)).await;
    }

    /// New values of the room number that `effects.log` tells of, oldest first.
    pub fn room_effects(&self) -> Vec<String> {
        let effects = self.agent.effects();
        let rooms = effects.iter().filter(|effect| &*effect.key == "hotel.room.number");
        rooms.map(|effect| effect.new.as_deref().unwrap_or_default().to_owned()).collect()
    }
}
