//! Settings in layers: whole properties, rooms, single phones; locks; drift.

use contract::rest::{Accepted, EffectiveValue, JobState, Layer, LayerValues, Progress, SyncState, ValueState};
use contract::{PhoneId, PropertyId};
use device_agent::{SimConfig, SimHandle, Simulator};
use serde_json::{Value, json};

use crate::support::{Ask, Hotel, Phone, TestServer, mac, wait, wait_true};

const RING: &str = "account.1.ring.timeout";
const NTP: &str = "datetime.ntp.server.1";

/// Simulated phones, each in its room and in sync.
async fn fleet(count: usize) -> (TestServer, Hotel, SimHandle, Vec<PhoneId>) {
    let server = TestServer::start().await;
    let rooms: Vec<String> = (0..count).map(|n| format!("{}", 100 + n)).collect();
    let hotel = Hotel::build(&server.api, "harbour", &rooms).await.unwrap();
    let config = SimConfig { retry_wait_s: 1, ..SimConfig::new(count, server.acs_url()) };
    let mut ids = Vec::new();
    for (index, room) in rooms.iter().enumerate() {
        ids.push(hotel.announce(config.mac(index), Some(hotel.room(room))).await.unwrap());
    }
    let phones = Simulator::start(config).await.unwrap();
    in_sync(&hotel, count as u32).await;
    (server, hotel, phones, ids)
}

async fn in_sync(hotel: &Hotel, count: u32) {
    let path = format!("/api/v1/properties/{}/progress", hotel.property);
    wait_true("every phone is in sync", async || {
        let progress: Progress = hotel.api.get(&path).await.ok();
        (progress.phones, progress.in_sync, progress.pending) == (count, count, 0)
    })
    .await;
}

fn of_property(id: PropertyId) -> String {
    format!("/api/v1/properties/{id}/settings")
}

async fn value(server: &TestServer, phone: PhoneId, key: &str) -> EffectiveValue {
    let values = server.api.phone(phone).await.values;
    values.into_iter().find(|value| value.key == key).unwrap_or_else(|| panic!("no value {key}"))
}

async fn put(server: &TestServer, path: &str, body: Value) -> Accepted {
    server.api.put(path, body).await.ok()
}

#[tokio::test]
async fn a_value_of_the_property_reaches_all_its_phones_and_is_read_back() {
    let (server, hotel, phones, ids) = fleet(5).await;
    let accepted =
        put(&server, &of_property(hotel.property), json!({ "values": { RING: "45", NTP: "ntp.hotel.example" } })).await;
    assert_eq!(accepted.phones, 5);
    in_sync(&hotel, 5).await;
    for (index, id) in ids.iter().enumerate() {
        assert_eq!(phones.value(index, RING).as_deref(), Some("45"));
        assert_eq!(phones.value(index, NTP).as_deref(), Some("ntp.hotel.example"));
        let shown = value(&server, *id, RING).await;
        assert_eq!((shown.desired.as_deref(), shown.reported.as_deref()), (Some("45"), Some("45")));
        assert_eq!((shown.layer, shown.state, shown.locked), (Some(Layer::Property), ValueState::InSync, false));
        let changed = phones.effects(index).iter().filter(|effect| &*effect.key == RING).count();
        assert_eq!(changed, 1, "set once");
    }
    let again = put(&server, &of_property(hotel.property), json!({ "values": { RING: "45" } })).await;
    assert_eq!(again.phones, 0, "nothing differs, nobody is bothered");
}

#[tokio::test]
async fn the_nearer_layer_wins_and_what_is_removed_falls_back() {
    let (server, hotel, phones, ids) = fleet(2).await;
    let room = format!("/api/v1/rooms/{}/settings", hotel.room("100"));
    let phone = format!("/api/v1/phones/{}/settings", ids[0]);
    for (path, number, layer) in [
        (of_property(hotel.property), "40", Layer::Property),
        (room.clone(), "50", Layer::Room),
        (phone.clone(), "70", Layer::Phone),
    ] {
        put(&server, &path, json!({ "values": { RING: number } })).await;
        in_sync(&hotel, 2).await;
        let shown = value(&server, ids[0], RING).await;
        assert_eq!((shown.desired.as_deref(), shown.layer), (Some(number), Some(layer)));
        assert_eq!(phones.value(0, RING).as_deref(), Some(number));
        assert_eq!(phones.value(1, RING).as_deref(), Some("40"), "the other room has the property's");
    }
    let default = "60";
    for (path, number, layer) in [
        (phone, "50", Layer::Room),
        (room, "40", Layer::Property),
        (of_property(hotel.property), default, Layer::ModelDefault),
    ] {
        put(&server, &path, json!({ "values": { RING: null } })).await;
        in_sync(&hotel, 2).await;
        let shown = value(&server, ids[0], RING).await;
        assert_eq!((shown.desired.as_deref(), shown.layer), (Some(number), Some(layer)));
        assert_eq!(phones.value(0, RING).as_deref(), Some(number));
    }
}

#[tokio::test]
async fn a_locked_value_is_refused_below_with_the_reason() {
    let (server, hotel, phones, ids) = fleet(1).await;
    let room = format!("/api/v1/rooms/{}/settings", hotel.room("100"));
    let phone = format!("/api/v1/phones/{}/settings", ids[0]);
    put(&server, &room, json!({ "values": { RING: "50" } })).await;
    let unexplained = json!({ "values": { RING: "40" }, "locked": true });
    let problem = server.api.put(&of_property(hotel.property), unexplained).await.refused(422);
    assert_eq!(problem.field.as_deref(), Some("reason"));
    let lock = json!({ "values": { RING: "40" }, "locked": true, "reason": "Brand standard 7" });
    put(&server, &of_property(hotel.property), lock).await;
    in_sync(&hotel, 1).await;
    let shown = value(&server, ids[0], RING).await;
    assert_eq!((shown.desired.as_deref(), shown.layer, shown.locked), (Some("40"), Some(Layer::Property), true));
    assert_eq!(phones.value(0, RING).as_deref(), Some("40"), "the lock wins over what the room had");
    for path in [&room, &phone] {
        let problem = server.api.put(path, json!({ "values": { RING: "55" } })).await.refused(409);
        assert_eq!((problem.kind.as_str(), problem.field.as_deref()), ("locked", Some(RING)));
        assert!(problem.detail.contains("property \"Hotel harbour\": Brand standard 7"), "{}", problem.detail);
        let both = json!({ "values": { NTP: "ntp.example", RING: "55" } });
        server.api.put(path, both).await.refused(409);
    }
    let alone = json!({ "values": { NTP: "ntp.example" }, "locked": true, "reason": "mine" });
    assert_eq!(server.api.put(&phone, alone).await.refused(422).field.as_deref(), Some("locked"));
    assert!(server.api.phone(ids[0]).await.values.iter().all(|value| value.key != NTP), "all or nothing");
    let unlock = json!({ "values": { RING: "40" }, "locked": false });
    put(&server, &of_property(hotel.property), unlock).await;
    in_sync(&hotel, 1).await;
    assert_eq!(phones.value(0, RING).as_deref(), Some("50"), "the room's own value shows again");
}

#[tokio::test]
async fn wrong_keys_and_values_are_refused_by_name_and_nothing_is_kept() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["100"]).await;
    let path = of_property(hotel.property);
    for (values, field, word) in [
        (json!({ "account.1.ring.timout": "45" }), "account.1.ring.timout", "account.1.ring.timeout"),
        (json!({ "": "45" }), "", ""),
        (json!({ RING: "29" }), RING, "30"),
        (json!({ RING: "3601" }), RING, "3600"),
        (json!({ RING: "soon" }), RING, "30 to 3600"),
        (json!({ RING: "" }), RING, ""),
        (json!({ "account.1.enable": "perhaps" }), "account.1.enable", "yes"),
        (json!({ "account.3.enable": "yes" }), "account.3.enable", ""),
        (json!({ NTP: "not a host" }), NTP, ""),
        (json!({ RING: "45", "no.such.setting": null }), "no.such.setting", ""),
    ] {
        let problem = server.api.put(&path, json!({ "values": values })).await.refused(422);
        assert_eq!(problem.field.as_deref(), Some(field), "{values}: {}", problem.detail);
        assert!(problem.detail.contains(word), "{values}: {}", problem.detail);
    }
    assert_eq!(server.api.put(&path, json!({ "values": {} })).await.refused(422).field.as_deref(), Some("values"));
    let many: serde_json::Map<String, Value> = (0..501).map(|n| (format!("k{n}"), json!("v"))).collect();
    assert_eq!(server.api.put(&path, json!({ "values": many })).await.refused(422).field.as_deref(), Some("values"));
    let kept: LayerValues = server.api.get(&path).await.ok();
    assert!(kept.values.is_empty(), "{kept:?}");
}

#[tokio::test]
async fn values_are_stored_in_their_canonical_form_with_who_and_when() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["100"]).await;
    let path = of_property(hotel.property);
    put(&server, &path, json!({ "values": { "account.1.enable": "TRUE", RING: "45" } })).await;
    let kept: LayerValues = server.api.get(&path).await.ok();
    assert_eq!(kept.layer, Layer::Property);
    let shown: Vec<(&str, &str)> = kept.values.iter().map(|one| (one.key.as_str(), one.value.as_str())).collect();
    assert_eq!(shown, [("account.1.enable", "yes"), (RING, "45")]);
    for one in &kept.values {
        assert!(!one.title.is_empty() && !one.page.is_empty() && one.changed_at.millis() > 0);
        assert_eq!(one.changed_by, tests::process::EMAIL);
    }
}

#[tokio::test]
async fn a_value_somebody_changed_at_the_phone_shows_as_drift_and_a_push_brings_it_back() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["100"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("100"))).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    wait_true("in sync", async || server.api.phone(id).await.phone.sync == SyncState::InSync).await;

    phone.agent.device().set_locally("hotel.room.number", "666").unwrap();
    let drift = wait("the change is reported", async || {
        let shown = value(&server, id, "hotel.room.number").await;
        (shown.reported.as_deref() == Some("666")).then_some(shown)
    })
    .await;
    assert_eq!((drift.desired.as_deref(), drift.state), (Some("100"), ValueState::Drift));
    assert_eq!(phone.agent.value("hotel.room.number"), "666", "nobody overwrites it unasked");

    let pushed: Accepted = server.api.post(&format!("/api/v1/phones/{id}/push"), ()).await.ok();
    server.api.job_is(&pushed.jobs[0], JobState::Done).await;
    phone.shows_room("100").await;
    let shown = value(&server, id, "hotel.room.number").await;
    assert_eq!((shown.reported.as_deref(), shown.state), (Some("100"), ValueState::InSync));
    assert_eq!(phone.room_effects(), ["100", "666", "100"]);
}
