//! The phone PnP is for: it knows no ACS, so no way out of its LAN, and may have no address yet when it starts.

use super::{Control, TEMPLATE};
use crate::support::network::{in_own_lan, ip};
use crate::support::{config, given, until};
use device_agent::{Agent, AgentConfig, AgentHandle};
use std::path::Path;

async fn phone(dir: &Path, mac: &str) -> AgentHandle {
    let config = AgentConfig {
        pnp: true,
        mac: mac.parse().unwrap(),
        control: Some("127.0.0.1:0".parse().unwrap()),
        ..config(dir, "")
    };
    Agent::start(config).await.unwrap()
}

/// A phone that serves others, with a template.
async fn serving(dir: &Path) -> (AgentHandle, Control) {
    given(dir, &[("provisioning.pnp.enable", "yes")]);
    let agent = phone(dir, "c074ad120700").await;
    let control = Control::of(&agent, dir);
    let common = TEMPLATE
        .replace("cfg%%mac_address%%.xml", "cfg.xml")
        .replace("<mac>%%mac_address%%</mac>", "")
        .replace("%%name%%", "Hotel")
        .replace("%%user%%", "1");
    control.json("PUT /pnp/template", common.as_bytes()).await;
    (agent, control)
}

async fn serves_at(control: &Control, url: &str) {
    until(url, async || (control.page().await["url"].as_str() == Some(url)).then_some(())).await;
}

/// Has a phone from the box ask, and gives the URL it is told.
async fn told(mac: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let agent = phone(dir.path(), mac).await;
    let offer = until("the offer", async || agent.offer()).await;
    until("its settings", async || (agent.value("account.1.name") == "Hotel").then_some(())).await;
    agent.shutdown().await;
    offer.url
}

#[test]
fn a_phone_without_an_acs_asks_and_serves_the_lan_with_and_without_a_default_route() {
    in_own_lan(|| async {
        ip("addr add 10.75.0.7/24 dev lan0");
        let dir = tempfile::tempdir().unwrap();
        let (agent, control) = serving(dir.path()).await;
        serves_at(&control, "http://10.75.0.7:8089/pnp/").await;
        assert_eq!(told("c074ad120701").await, "http://10.75.0.7:8089/pnp/");
        ip("route add default via 10.75.0.1 dev lan0");
        assert_eq!(told("c074ad120702").await, "http://10.75.0.7:8089/pnp/");
        agent.shutdown().await;
    });
}

#[test]
fn an_address_that_comes_late_is_waited_for_and_one_that_changes_is_followed() {
    in_own_lan(|| async {
        let (serves, asks) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (agent, control) = serving(serves.path()).await;
        let why = until("the reason", async || control.page().await["trouble"].as_str().map(str::to_owned)).await;
        assert!(why.contains("no IPv4 address"), "{why}");
        let new = phone(asks.path(), "c074ad120701").await;
        assert_eq!(new.offer(), None);
        ip("addr add 10.75.0.7/24 dev lan0");
        serves_at(&control, "http://10.75.0.7:8089/pnp/").await;
        let offer = until("the offer", async || new.offer()).await;
        assert_eq!(offer.from.ip().to_string(), "10.75.0.7");
        new.shutdown().await;
        // DHCP gives another one.
        ip("addr add 10.75.9.8/24 dev lan0");
        ip("addr del 10.75.0.7/24 dev lan0");
        serves_at(&control, "http://10.75.9.8:8089/pnp/").await;
        assert_eq!(told("c074ad120702").await, "http://10.75.9.8:8089/pnp/");
        agent.shutdown().await;
    });
}
