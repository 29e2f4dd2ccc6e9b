//! What phones measure.

use cloud::db::entity::telemetry;
use contract::PhoneId;
use contract::mqtt::{Channel, EventAck};
use contract::rest::CallSummary;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use crate::support::mqtt::Mqtt;
use crate::support::{Ask, HandPhone, TestServer, mac};

async fn stored(server: &TestServer, phone: PhoneId) -> Vec<telemetry::Model> {
    let rows = telemetry::Entity::find().filter(telemetry::Column::PhoneId.eq(phone.0));
    rows.order_by_asc(telemetry::Column::Id).all(server.app().db.read()).await.unwrap()
}

fn telemetry(seq: u64, items: Value) -> Vec<u8> {
    json!({ "boot": 1, "seq": seq, "at": "2026-01-31T14:05:00.000Z", "items": items }).to_string().into_bytes()
}

fn system() -> Value {
    json!({ "kind": "system", "rss_kb": 14336, "memory_total_kb": 262144, "memory_available_kb": 190000, "load": 0.25,
        "uptime_s": 60, "unacknowledged": 0, "dropped": 0 })
}

#[tokio::test]
async fn telemetry_is_stored_once_and_then_acknowledged() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&[]).await;
    let id = hotel.announce(mac(1), None).await.unwrap();
    let mut phone = HandPhone::new(mac(1), server.acs_url());
    phone.session().await;
    let mut mqtt = Mqtt::connect(&phone.mqtt_login()).await.unwrap();
    mqtt.hear_acks().await;
    // A kind nobody knows yet is kept as it came.
    let items = json!([system(), { "kind": "battery", "percent": 80 }]);
    for _ in 0..2 {
        mqtt.tell(Channel::Telemetry, telemetry(1, items.clone())).await;
        while mqtt.ack().await != EventAck::one(1, 1) {}
    }
    let rows = stored(&server, id).await;
    let kinds: Vec<&str> = rows.iter().map(|row| row.kind.as_str()).collect();
    assert_eq!(kinds, ["system", "battery"]);
    assert_eq!(serde_json::from_str::<Value>(&rows[1].value).unwrap(), items[1]);
    assert_eq!((rows[0].boot, rows[0].seq, rows[0].at), (1, 1, 1_769_868_300_000));
    // One that is wrong is not, but is acknowledged: it would never be right.
    mqtt.tell(Channel::Telemetry, telemetry(2, json!([{ "kind": "system" }]))).await;
    while mqtt.ack().await != EventAck::one(1, 2) {}
    assert_eq!((stored(&server, id).await.len(), server.api.quarantined().await), (2, 1));
    server.stop().await;
}

#[tokio::test]
async fn every_kind_of_the_contract_is_taken() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&[]).await;
    let id = hotel.announce(mac(1), None).await.unwrap();
    let mut phone = HandPhone::new(mac(1), server.acs_url());
    phone.session().await;
    let mut mqtt = Mqtt::connect(&phone.mqtt_login()).await.unwrap();
    mqtt.hear_acks().await;
    let golden = include_str!("../../crates/contract/tests/golden/telemetry.json");
    mqtt.tell(Channel::Telemetry, golden).await;
    while mqtt.ack().await != EventAck::one(3, 18) {}
    assert_eq!(stored(&server, id).await.len(), 4);
    server.stop().await;
}

#[tokio::test]
async fn how_calls_sounded_is_shown_with_the_phone_and_summed_up_for_its_property() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&[]).await;
    let id = hotel.announce(mac(1), None).await.unwrap();
    let mut phone = HandPhone::new(mac(1), server.acs_url());
    phone.session().await;
    let mut mqtt = Mqtt::connect(&phone.mqtt_login()).await.unwrap();
    mqtt.hear_acks().await;
    let path = format!("/api/v1/properties/{}/calls", hotel.property);
    let nothing: CallSummary = server.api.get(&path).await.ok();
    assert_eq!(nothing, CallSummary { calls: 0, mos: None, worst: Vec::new() });

    let call = |mos: f32, loss: f32| {
        json!([{ "kind": "call", "account": 1, "duration_s": 75, "codec": "opus", "mos": mos, "loss_percent": loss,
            "jitter_ms": 3.5, "delay_ms": 92, "remote_mos": 4.0 }])
    };
    let now = cloud::clock::now_ms();
    for (seq, (mos, loss)) in [(1, (4.0, 1.0)), (2, (3.0, 3.0))] {
        let at = contract::Timestamp(now + seq);
        let told = json!({ "boot": 1, "seq": seq, "at": at, "items": call(mos, loss) }).to_string();
        mqtt.tell(Channel::Telemetry, told).await;
        while mqtt.ack().await != EventAck::one(1, seq as u64) {}
    }
    let calls = server.api.phone(id).await.calls;
    assert_eq!(calls.iter().map(|call| call.mos).collect::<Vec<_>>(), [3.0, 4.0], "the newest first");
    assert_eq!((calls[0].codec.as_str(), calls[0].delay_ms, calls[0].round_trip_ms), ("opus", Some(92), None));
    let summary: CallSummary = server.api.get(&path).await.ok();
    assert_eq!((summary.calls, summary.mos), (2, Some(3.5)));
    let [worst] = &summary.worst[..] else { panic!("one phone") };
    assert_eq!((worst.phone, worst.calls, worst.mos, worst.loss_percent), (id, 2, 3.5, 2.0));
    server.stop().await;
}
