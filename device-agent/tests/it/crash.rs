//! A writer is killed, a hundred times, at any moment. What it was told is stored is there, once, and everything opens.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use contract::Timestamp;
use contract::event::EventKind;
use contract::mqtt::EventAck;
use device_agent::outbox::Outbox;
use device_agent::store::{Storage, Store, intern};

const ROUNDS: u64 = 100;
const ENV: &str = "BELLHOP_CRASH_TEST_DIR";

fn child(test: &str, dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--ignored"])
        .env(ENV, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills the child some milliseconds after its first write and returns the last number it reported.
fn kill_after(mut child: Child, round: u64) -> Option<u64> {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let number = |line: &str| line.strip_prefix("stored ").and_then(|rest| rest.parse::<u64>().ok());
    let mut last = lines.by_ref().find_map(|line| number(&line));
    std::thread::sleep(Duration::from_micros(round * 137 % 9000));
    child.kill().unwrap();
    child.wait().unwrap();
    for line in lines {
        last = number(&line).or(last);
    }
    last
}

#[test]
fn settings_survive() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..ROUNDS {
        let reported = kill_after(child("crash::settings_writer", dir.path()), round).expect("the writer wrote");
        let store = Store::open(Storage::Disk(dir.path().to_owned())).unwrap();
        let found: u64 = store.value("hotel.room.number").expect("never lost").parse().unwrap();
        assert!(found == reported || found == reported + 1, "{found}, {reported} was reported");
        assert_eq!(store.document().version, found as i64, "key and value are of one write");
        assert!(!dir.path().join("settings.damaged").exists());
    }
    let store = Store::open(Storage::Disk(dir.path().to_owned())).unwrap();
    let effects: Vec<String> = store.effects().iter().map(|effect| effect.new.clone().unwrap().to_string()).collect();
    let expected: Vec<String> = (1..=effects.len()).map(|n| n.to_string()).collect();
    assert_eq!(effects, expected, "each change has one effect");
}

#[test]
#[ignore = "the writer of settings_survive"]
fn settings_writer() {
    let Ok(dir) = std::env::var(ENV) else { return };
    let mut store = Store::open(Storage::Disk(dir.into())).unwrap();
    loop {
        let next: u64 = store.value("hotel.room.number").map_or(0, |value| value.parse().unwrap()) + 1;
        let change = (intern("hotel.room.number"), Some(next.to_string()));
        store.set(&[change], Timestamp(0), |document| document.version = next as i64).unwrap();
        println!("stored {next}");
    }
}

#[test]
fn events_survive() {
    let dir = tempfile::tempdir().unwrap();
    let storage = Storage::Disk(dir.path().to_owned());
    let mut known = 0;
    for round in 0..ROUNDS {
        let reported = kill_after(child("crash::event_writer", dir.path()), round).expect("the writer wrote");
        let mut outbox = Outbox::open(&storage, 1).unwrap();
        let found: Vec<u64> = outbox.iter().map(|entry| entry.name().1).collect();
        let newest = *found.last().unwrap();
        assert!(newest == reported || newest == reported + 1, "{newest}, {reported} was reported");
        let expected: Vec<u64> = (known + 1..=newest).collect();
        assert_eq!(found, expected, "every event, once, in order");
        // All but the last, so that numbers go on.
        known = newest - 1;
        outbox.acknowledge(EventAck { boot: 1, first: 1, last: known }).unwrap();
    }
}

#[test]
#[ignore = "the writer of events_survive"]
fn event_writer() {
    let Ok(dir) = std::env::var(ENV) else { return };
    let mut outbox = Outbox::open(&Storage::Disk(dir.into()), 1).unwrap();
    loop {
        let event = outbox.push(Timestamp(0), EventKind::OffHook, None, Some("a detail of some length")).unwrap();
        println!("stored {}", event.seq);
    }
}
