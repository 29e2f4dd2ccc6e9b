//! Events of phones: every one arrives, in order, and is stored once.

use std::sync::Arc;

use contract::PhoneId;
use contract::event::EventKind;
use contract::mqtt::{Channel, EventAck};
use serde_json::json;

use crate::support::mqtt::Mqtt;
use crate::support::{Api, Ask, HandPhone, Phone, ServerProcess, TestServer, mac, wait, wait_true};

/// A phone's events as stored, oldest first; of the handset only.
async fn handset(api: &Api, id: PhoneId) -> Vec<EventKind> {
    let mut events = api.phone(id).await.events;
    events.sort_by_key(|event| event.id);
    let kinds = events.into_iter().map(|event| event.kind);
    kinds.filter(|kind| matches!(kind, EventKind::OffHook | EventKind::OnHook)).collect()
}

/// Off, on, off, on, …
fn alternating(count: usize) -> Vec<EventKind> {
    [EventKind::OffHook, EventKind::OnHook].into_iter().cycle().take(count).collect()
}

async fn phone_in_a_room(server: &ServerProcess) -> (Phone, PhoneId) {
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    server.api.in_sync(id).await;
    (phone, id)
}

#[tokio::test]
async fn events_of_a_time_without_server_arrive_afterwards_once_and_in_order() {
    let server = ServerProcess::start(&[]).await;
    let (phone, id) = phone_in_a_room(&server).await;
    server.kill();
    for lifted in 0..10 {
        phone.agent.hook(lifted % 2 == 0).await;
    }
    assert!(phone.agent.device().unacknowledged() >= 10);
    server.restart().await;
    wait_true("all are acknowledged", async || phone.agent.device().unacknowledged() == 0).await;
    assert_eq!(handset(&server.api, id).await, alternating(10));
}

#[tokio::test]
async fn events_survive_the_server_killed_again_and_again_while_they_come() {
    let server = ServerProcess::start(&[]).await;
    let (phone, id) = phone_in_a_room(&server).await;
    let phone = Arc::new(phone);
    let mut told = 0;
    for round in 0..5 {
        let lifting = {
            let phone = phone.clone();
            // An even number, so that each round begins with a lifted handset.
            tokio::spawn(async move {
                for lifted in 0..16 {
                    phone.agent.hook(lifted % 2 == 0).await;
                }
            })
        };
        // Killed while they are on their way: after as many as this round's number says.
        let stored = told + round * 3;
        let reached = tests::wait::within(crate::support::LONG, async || {
            (handset(&server.api, id).await.len() >= stored).then_some(())
        });
        reached.await.expect("events come in");
        server.kill();
        lifting.await.unwrap();
        told += 16;
        server.restart().await;
        wait_true("connected again", async || phone.agent.is_connected()).await;
    }
    wait_true("all are acknowledged", async || phone.agent.device().unacknowledged() == 0).await;
    assert_eq!(handset(&server.api, id).await, alternating(told));
}

#[tokio::test]
async fn events_survive_the_phone_losing_power_while_the_server_is_away() {
    let server = ServerProcess::start(&[]).await;
    let (phone, id) = phone_in_a_room(&server).await;
    server.kill();
    for lifted in 0..4 {
        phone.agent.hook(lifted % 2 == 0).await;
    }
    let phone = phone.unplug().await.plug_in().await;
    phone.agent.hook(true).await;
    phone.agent.hook(false).await;
    server.restart().await;
    wait_true("all are acknowledged", async || phone.agent.device().unacknowledged() == 0).await;
    assert_eq!(handset(&server.api, id).await, alternating(6));
}

#[tokio::test]
async fn an_event_told_again_is_stored_once_and_acknowledged_each_time() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let mut hand = HandPhone::new(mac(1), server.acs_url());
    hand.session().await;
    let login = hand.mqtt_login();
    let event = |boot: u32, seq: u64, kind: &str| {
        json!({ "boot": boot, "seq": seq, "at": "2026-01-31T14:05:00.000Z", "kind": kind }).to_string().into_bytes()
    };
    for _ in 0..3 {
        // Each time over a connection of its own, as after a lost acknowledgement.
        let mut phone = Mqtt::connect(&login).await.unwrap();
        phone.hear_acks().await;
        for _ in 0..2 {
            phone.tell(Channel::Event, event(1, 1, "off-hook")).await;
            assert_eq!(phone.ack().await, EventAck::one(1, 1));
        }
    }
    let events = server.api.phone(id).await.events;
    assert_eq!(events.len(), 1, "{events:?}");

    let mut phone = Mqtt::connect(&login).await.unwrap();
    phone.hear_acks().await;
    // The same number of another start is another event.
    phone.tell(Channel::Presence, json!({ "online": true, "boot": 2 }).to_string()).await;
    phone.tell(Channel::Event, event(2, 1, "on-hook")).await;
    assert_eq!(phone.ack().await, EventAck::one(2, 1));
    // An old one that comes late is stored, and says nothing of now.
    phone.tell(Channel::Event, event(1, 2, "off-hook")).await;
    assert_eq!(phone.ack().await, EventAck::one(1, 2));
    let detail = server.api.phone(id).await;
    assert_eq!(detail.events.len(), 3);
    assert_ne!(detail.phone.state, contract::rest::RoomState::OffHook, "the newer start counts");
}

#[tokio::test]
async fn only_what_was_stored_is_acknowledged() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let mut hand = HandPhone::new(mac(1), server.acs_url());
    hand.session().await;
    let mut phone = Mqtt::connect(&hand.mqtt_login()).await.unwrap();
    phone.hear_acks().await;
    // The broker lost 3 and 4.
    let mut acked = std::collections::BTreeSet::new();
    for seq in [1, 2, 5, 6] {
        let event = json!({ "boot": 1, "seq": seq, "at": "2026-01-31T14:05:00Z", "kind": "missed-call" });
        phone.tell(Channel::Event, event.to_string()).await;
    }
    while acked.len() < 4 {
        let ack = phone.ack().await;
        assert_eq!(ack.boot, 1);
        acked.extend(ack.first..=ack.last);
    }
    assert_eq!(acked.into_iter().collect::<Vec<u64>>(), [1, 2, 5, 6]);
    assert_eq!(server.api.phone(id).await.events.len(), 4);
}

#[tokio::test]
async fn a_phone_that_vanishes_is_shown_offline_and_one_that_returns_is_not() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    wait_true("shown connected", async || server.api.phone(id).await.connected).await;
    let boot = phone.agent.device().boot();
    // Without a goodbye: the broker tells its last will.
    let off = phone.unplug().await;
    let offline = contract::rest::RoomState::Offline;
    wait_true("shown offline", async || server.api.phone(id).await.phone.state == offline).await;
    let phone = off.plug_in().await;
    let detail = wait("shown again", async || {
        let detail = server.api.phone(id).await;
        (detail.connected && detail.phone.state != offline).then_some(detail)
    })
    .await;
    assert_eq!(detail.phone.room_number.as_deref(), Some("1207"));
    assert_eq!(phone.agent.device().boot(), boot + 1);
}
