//! A scripted ACS and a small broker, both over real sockets.
#![allow(dead_code, clippy::unwrap_used)]

pub mod acs;
pub mod broker;
pub mod files;
pub mod network;

use std::future::Future;
use std::time::{Duration, Instant};

pub const PHONE: &str = "6f2c1f9e-0d1c-4b5e-9a57-3f1f6a2b9d10";

/// A simulated phone with a disk, in a hurry.
pub async fn phone(dir: &std::path::Path, acs_url: &str) -> device_agent::AgentHandle {
    device_agent::Agent::start(config(dir, acs_url)).await.unwrap()
}

pub fn config(dir: &std::path::Path, acs_url: &str) -> device_agent::AgentConfig {
    device_agent::AgentConfig {
        connection_request_port: Some(0),
        simulated: true,
        retry_wait_s: 1,
        ..device_agent::AgentConfig::new(dir, "c074ad120701".parse().unwrap(), acs_url)
    }
}

/// Leaves settings in the directory of a phone that has not started yet.
pub fn given(dir: &std::path::Path, settings: &[(&str, &str)]) {
    let values: std::collections::BTreeMap<_, _> = settings.iter().copied().collect();
    let document = serde_json::json!({ "generation": 1, "values": values });
    std::fs::write(dir.join("settings.json"), document.to_string()).unwrap();
}

/// Waits until `check` gives something; panics after ten seconds.
pub async fn until<T>(what: &str, mut check: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub async fn within<T>(seconds: u64, what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(seconds), future).await {
        Ok(done) => done,
        Err(_) => panic!("took longer than {seconds} s: {what}"),
    }
}
