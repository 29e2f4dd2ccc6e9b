//! Settings in layers: whole properties, rooms, single phones; locks; drift.

use contract::PropertyId;
use contract::rest::{Accepted, JobState, Layer, LayerValues, Preview, SECRET_MASK, ValueState};
use serde_json::{Value, json};

use crate::support::{Ask, House, Phone, TestServer, mac, wait};

const RING: &str = "account.1.ring.timeout";
const NTP: &str = "datetime.ntp.server.1";

fn of_property(id: PropertyId) -> String {
    format!("/api/v1/properties/{id}/settings")
}

#[tokio::test]
async fn a_value_of_the_property_reaches_all_its_phones_and_is_read_back() {
    let house = House::of(&["100", "101", "102", "103", "104"]).await;
    let accepted = house.put(&house.of_property(), json!({ "values": { RING: "45", NTP: "ntp.hotel.example" } })).await;
    assert_eq!(accepted.phones, 5);
    house.in_sync().await;
    for index in 0..house.ids.len() {
        assert_eq!(house.phones.value(index, RING).as_deref(), Some("45"));
        assert_eq!(house.phones.value(index, NTP).as_deref(), Some("ntp.hotel.example"));
        let shown = house.value(index, RING).await;
        assert_eq!((shown.desired.as_deref(), shown.reported.as_deref()), (Some("45"), Some("45")));
        assert_eq!((shown.layer, shown.state, shown.locked), (Some(Layer::Property), ValueState::InSync, false));
        let changed = house.phones.effects(index).iter().filter(|effect| &*effect.key == RING).count();
        assert_eq!(changed, 1, "set once");
    }
    let again = house.put(&house.of_property(), json!({ "values": { RING: "45" } })).await;
    assert_eq!(again.phones, 0, "nothing differs, nobody is bothered");
}

#[tokio::test]
async fn the_nearer_layer_wins_and_what_is_removed_falls_back() {
    let house = House::of(&["100", "101"]).await;
    let room = format!("/api/v1/rooms/{}/settings", house.room("100"));
    let phone = format!("/api/v1/phones/{}/settings", house.ids[0]);
    for (path, number, layer) in [
        (house.of_property(), "40", Layer::Property),
        (room.clone(), "50", Layer::Room),
        (phone.clone(), "70", Layer::Phone),
    ] {
        house.put(&path, json!({ "values": { RING: number } })).await;
        house.in_sync().await;
        let shown = house.value(0, RING).await;
        assert_eq!((shown.desired.as_deref(), shown.layer), (Some(number), Some(layer)));
        assert_eq!(house.phones.value(0, RING).as_deref(), Some(number));
        assert_eq!(house.phones.value(1, RING).as_deref(), Some("40"), "the other room has the property's");
    }
    let default = "60";
    for (path, number, layer) in
        [(phone, "50", Layer::Room), (room, "40", Layer::Property), (house.of_property(), default, Layer::ModelDefault)]
    {
        house.put(&path, json!({ "values": { RING: null } })).await;
        house.in_sync().await;
        let shown = house.value(0, RING).await;
        assert_eq!((shown.desired.as_deref(), shown.layer), (Some(number), Some(layer)));
        assert_eq!(house.phones.value(0, RING).as_deref(), Some(number));
    }
}

#[tokio::test]
async fn a_locked_value_is_refused_below_with_the_reason() {
    let house = House::of(&["100"]).await;
    let room = format!("/api/v1/rooms/{}/settings", house.room("100"));
    let phone = format!("/api/v1/phones/{}/settings", house.ids[0]);
    house.put(&room, json!({ "values": { RING: "50" } })).await;
    let unexplained = json!({ "values": { RING: "40" }, "locked": true });
    let problem = house.server.api.put(&house.of_property(), unexplained).await.refused(422);
    assert_eq!(problem.field.as_deref(), Some("reason"));
    let lock = json!({ "values": { RING: "40" }, "locked": true, "reason": "Brand standard 7" });
    house.put(&house.of_property(), lock).await;
    house.in_sync().await;
    let shown = house.value(0, RING).await;
    assert_eq!((shown.desired.as_deref(), shown.layer, shown.locked), (Some("40"), Some(Layer::Property), true));
    assert_eq!(house.phones.value(0, RING).as_deref(), Some("40"), "the lock wins over what the room had");
    for path in [&room, &phone] {
        let problem = house.server.api.put(path, json!({ "values": { RING: "55" } })).await.refused(409);
        assert_eq!((problem.kind.as_str(), problem.field.as_deref()), ("locked", Some(RING)));
        assert!(problem.detail.contains("property \"Hotel harbour\": Brand standard 7"), "{}", problem.detail);
        let both = json!({ "values": { NTP: "ntp.example", RING: "55" } });
        house.server.api.put(path, both).await.refused(409);
    }
    let alone = json!({ "values": { NTP: "ntp.example" }, "locked": true, "reason": "mine" });
    assert_eq!(house.server.api.put(&phone, alone).await.refused(422).field.as_deref(), Some("locked"));
    assert!(house.server.api.phone(house.ids[0]).await.values.iter().all(|value| value.key != NTP), "all or nothing");
    let unlock = json!({ "values": { RING: "40" }, "locked": false });
    house.put(&house.of_property(), unlock).await;
    house.in_sync().await;
    assert_eq!(house.phones.value(0, RING).as_deref(), Some("50"), "the room's own value shows again");
}

#[tokio::test]
async fn a_change_locks_each_value_for_its_own_reason_and_is_undone_whole() {
    let house = House::of(&["100"]).await;
    let (server, path) = (&house.server, house.of_property());
    let wanted = json!({
        "values": { RING: "45", NTP: "ntp.hotel.example", "hotel.name": "Bellevue" },
        "locks": { RING: "Brand", NTP: "One clock" },
    });
    let accepted = house.put(&path, wanted).await;
    let layer: LayerValues = server.api.get(&path).await.ok();
    let locks: Vec<_> =
        layer.values.iter().map(|value| (value.key.as_str(), value.locked, value.reason.as_str())).collect();
    assert_eq!(locks, [(RING, true, "Brand"), (NTP, true, "One clock"), ("hotel.name", false, "")]);
    for (wrong, field) in [
        (json!({ "values": { RING: null }, "locks": { RING: "Brand" } }), "locks"),
        (json!({ "values": { RING: "30" }, "locks": { NTP: "Brand" } }), "locks"),
        (json!({ "values": { RING: "30" }, "locks": { RING: " " } }), "reason"),
        (json!({ "values": { RING: "30" }, "locks": { RING: "x" }, "locked": true, "reason": "x" }), "locks"),
    ] {
        assert_eq!(server.api.put(&path, wrong).await.refused(422).field.as_deref(), Some(field));
    }
    let undo = format!("/api/v1/change-sets/{}/undo", accepted.change_set.unwrap());
    server.api.post(&undo, json!({})).await.ok::<Accepted>();
    assert!(server.api.get(&path).await.ok::<LayerValues>().values.is_empty(), "one change set holds all three");
}

#[tokio::test]
async fn a_lock_on_a_secret_leaves_the_secret_as_it_is() {
    let house = House::of(&["100"]).await;
    let (server, path) = (&house.server, house.of_property());
    let secret = "account.1.sip.subscriber.password";
    let masked = json!({ "values": { secret: SECRET_MASK }, "locks": { secret: "Of the PBX" } });
    assert_eq!(
        server.api.put(&path, masked.clone()).await.refused(422).field.as_deref(),
        Some(secret),
        "none is there"
    );
    house.put(&path, json!({ "values": { secret: "k3-Ufer-Lampe" } })).await;
    house.in_sync().await;
    let preview: Preview = server.api.post(&format!("{path}/preview"), masked.clone()).await.ok();
    assert_eq!(preview.phones, 0, "{preview:?}");
    house.put(&path, masked).await;
    house.in_sync().await;
    assert_eq!(house.phones.value(0, secret).as_deref(), Some("k3-Ufer-Lampe"));
    let layer: LayerValues = server.api.get(&path).await.ok();
    assert!(layer.values[0].locked && layer.values[0].reason == "Of the PBX", "{layer:?}");
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
    let values = json!({ "account.1.enable": "TRUE", RING: "45" });
    server.api.put(&path, json!({ "values": values })).await.ok::<Accepted>();
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
    server.api.in_sync(id).await;

    phone.agent.device().set_locally("hotel.room.number", "666").unwrap();
    let drift = wait("the change is reported", async || {
        let shown = server.api.value(id, "hotel.room.number").await;
        (shown.reported.as_deref() == Some("666")).then_some(shown)
    })
    .await;
    assert_eq!((drift.desired.as_deref(), drift.state), (Some("100"), ValueState::Drift));
    assert_eq!(phone.agent.value("hotel.room.number"), "666", "nobody overwrites it unasked");

    let pushed: Accepted = server.api.post(&format!("/api/v1/phones/{id}/push"), ()).await.ok();
    server.api.job_is(&pushed.jobs[0], JobState::Done).await;
    phone.shows_room("100").await;
    let shown = server.api.value(id, "hotel.room.number").await;
    assert_eq!((shown.reported.as_deref(), shown.state), (Some("100"), ValueState::InSync));
    assert_eq!(phone.room_effects(), ["100", "666", "100"]);
}
