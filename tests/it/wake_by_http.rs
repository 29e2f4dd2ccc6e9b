//! Waking a phone over MQTT and by HTTP connection request.

use contract::rest::{Accepted, JobState, WakeResult, WakeWay};
use serde_json::json;

use crate::support::{Ask, Phone, TestServer, mac, wait_true};

pub fn ways(result: &WakeResult) -> Vec<(WakeWay, bool)> {
    result.attempts.iter().map(|attempt| (attempt.way, attempt.ok)).collect()
}

#[tokio::test]
async fn a_phone_without_mqtt_is_woken_by_connection_request() {
    let settings = [("mqtt.advertise_port", "9"), ("acs.inform_interval_s", "3600")];
    let server = TestServer::with(&settings).await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.shows_room("1207").await;
    server.api.in_sync(id).await;
    let woken: WakeResult = server.api.post(&format!("/api/v1/phones/{id}/wake"), json!({})).await.ok();
    assert_eq!(ways(&woken), [(WakeWay::ConnectionRequest, true)], "{woken:?}");
    server.api.post(&format!("/api/v1/phones/{id}/wake"), json!({})).await.refused(429);
}

#[tokio::test]
async fn a_connected_phone_is_woken_over_mqtt() {
    let server = TestServer::with(&[("acs.inform_interval_s", "3600")]).await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    wait_true("the server knows", async || server.api.phone(id).await.connected).await;
    server.api.in_sync(id).await;
    let woken: WakeResult = server.api.post(&format!("/api/v1/phones/{id}/wake"), json!({})).await.ok();
    assert_eq!(ways(&woken), [(WakeWay::Mqtt, true)], "{woken:?}");
    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    let accepted: Accepted = server.api.patch(&path, json!({ "number": "1306" })).await.ok();
    server.api.job_is(&accepted.jobs[0], JobState::Done).await;
}

#[tokio::test]
async fn nobody_wakes_a_phone_that_nobody_accepted() {
    let server = TestServer::start().await;
    let _phone = Phone::start(mac(1), server.acs_url()).await;
    let new = crate::support::wait("it is listed", async || {
        let new: Vec<contract::rest::PhoneRow> = server.api.get("/api/v1/phones/new").await.ok();
        new.into_iter().next()
    })
    .await;
    server.api.post(&format!("/api/v1/phones/{}/wake", new.id), json!({})).await.refused(409);
    server.api.post(&format!("/api/v1/phones/{}/wake", uuid::Uuid::now_v7()), json!({})).await.refused(404);
}
