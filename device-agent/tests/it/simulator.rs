//! A small fleet in one process.

use std::time::Duration;

use crate::support::acs::{Acs, set};
use crate::support::broker::Broker;
use crate::support::until;
use device_agent::{SimConfig, Simulator};

#[tokio::test]
async fn phones_report_are_told_and_lift_their_handsets() {
    let acs = Acs::start().await;
    let config = SimConfig { ramp: Duration::from_millis(500), ..SimConfig::new(20, acs.url()) };
    let fleet = Simulator::start(config).await.unwrap();
    until("all online", async || (fleet.counters().online == 20).then_some(())).await;
    let mut macs =
        acs.with(|state| state.informs.iter().map(|inform| inform.device_id.serial_number.clone()).collect::<Vec<_>>());
    macs.sort();
    macs.dedup();
    assert_eq!((macs.len(), macs[0].as_str(), macs[19].as_str()), (20, "c074ad100000", "c074ad100013"));

    acs.ask(set("bh:2", &[("Device.X_BELLHOP_Settings.hotel.room.number", "1207")]));
    fleet.device(3).unwrap().set_locally("hotel.room.number", "1").unwrap();
    until("the version", async || (fleet.counters().versions.get(&2) == Some(&1)).then_some(())).await;
    assert_eq!(fleet.value(3, "hotel.room.number").as_deref(), Some("1207"));
    assert_eq!(fleet.effects(3).last().unwrap().new.as_deref(), Some("1207"));
    assert!(fleet.hook(4, true).await);
    assert_eq!(fleet.state(4).unwrap().hook, "off");
    assert!(!fleet.hook(20, true).await);

    let boot = fleet.device(5).unwrap().boot();
    acs.ask(cwmp::Reboot { command_key: "k".into() });
    fleet.device(5).unwrap().set_locally("hotel.name", "Grand").unwrap();
    // The one that opens a session by itself.
    fleet.device(5).unwrap().set_locally("hotel.room.number", "5").unwrap();
    until("the reboot", async || (fleet.device(5).unwrap().boot() > boot).then_some(())).await;
    assert_eq!(fleet.value(5, "hotel.name").as_deref(), Some("Grand"), "memory outlives a reboot");
    assert_eq!(fleet.shutdown().await.restarts, 1);
}

/// Prints what a phone costs: `cargo test -p device-agent --test it simulator -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, half a minute"]
async fn memory() {
    let count: usize = std::env::var("PHONES").ok().and_then(|count| count.parse().ok()).unwrap_or(2000);
    let (acs, broker) = (Acs::start().await, Broker::start().await);
    acs.with(|state| state.enrol = Some(broker.address));
    broker.with(|state| state.acknowledge = true);
    nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE, hard, hard))
        .unwrap();
    let status = tokio::process::Command::new(env!("CARGO_BIN_EXE_device-agent"))
        .args(["--log", "warn", "simulate", "--count", &count.to_string(), "--acs-url", &acs.url()])
        .args(["--ramp", "12", "--duration", "25", "--report", "3"])
        .status()
        .await
        .unwrap();
    assert!(status.success());
}
