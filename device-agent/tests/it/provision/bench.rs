//! A phone and what came of its looking for files.

use device_agent::provision::{Ended, Reason};
use device_agent::{Agent, AgentConfig, AgentHandle};
use tempfile::TempDir;

use super::servers::Place;
use crate::support::{config, given, within};

pub const MAC: &str = "c074ad120701";
pub const ADMIN: (&str, &str) = ("users.admin.password", "4dmin!");

pub struct Bench {
    pub agent: AgentHandle,
    pub dir: TempDir,
}

/// A file for this phone; `%` stands for a value.
pub fn xml(items: &[(&str, &str)]) -> String {
    let items: String = items.iter().map(|(key, value)| format!("<item name=\"{key}\">{value}</item>\n")).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gs_provision version=\"1\">\n<mac>{MAC}</mac>\n\
         <config version=\"2\">\n{items}</config>\n</gs_provision>\n"
    )
}

impl Bench {
    /// A phone with these settings of `provisioning.*`, and others by their whole names after a colon.
    pub async fn start(place: &Place, settings: &[(&str, &str)]) -> Self {
        Self::with(place, settings, |_| {}).await
    }

    pub async fn with(place: &Place, settings: &[(&str, &str)], change: impl FnOnce(&mut AgentConfig)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let full: Vec<(String, &str)> = settings
            .iter()
            .map(|(key, value)| {
                (key.strip_prefix(':').map_or_else(|| format!("provisioning.{key}"), str::to_owned), *value)
            })
            .collect();
        let full: Vec<(&str, &str)> = full.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        given(dir.path(), &full);
        let mut config = AgentConfig {
            authorities: Some(place.authority.clone()),
            // Nobody is there.
            ..config(dir.path(), "http://127.0.0.1:9/")
        };
        change(&mut config);
        Self { agent: Agent::start(config).await.unwrap(), dir }
    }

    pub fn last(&self) -> Option<Ended> {
        self.agent.device().provision().status().last
    }

    /// How the first run ended.
    pub async fn ended(&self) -> Ended {
        self.ended_after(0).await
    }

    /// The end of a run that ended after `at`, milliseconds since 1970.
    pub async fn ended_after(&self, at: i64) -> Ended {
        within(60, "provisioning", async {
            loop {
                if let Some(ended) = self.last().filter(|ended| ended.at.millis() > at) {
                    return ended;
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        })
        .await
    }

    /// Has it look once more.
    pub async fn again(&self) -> Ended {
        let before = self.last().map_or(0, |ended| ended.at.millis());
        // Two ends in the same millisecond could not be told apart.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        self.agent.device().provision().order(Reason::Asked, None);
        self.ended_after(before).await
    }
}
