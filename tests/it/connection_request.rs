//! A phone whose MQTT connection fails is called in over HTTP (TR-069 §3.2.2).

use contract::rest::{Accepted, JobState};
use serde_json::json;

use crate::support::{Ask, Phone, TestServer, mac};

#[tokio::test]
async fn a_phone_without_mqtt_is_called_by_connection_request() {
    // Nobody listens there, and the next periodic Inform is an hour away.
    let settings = [("mqtt.advertise_port", "9"), ("acs.inform_interval_s", "3600")];
    let server = TestServer::with(&settings).await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.shows_room("1207").await;
    server.api.in_sync(id).await;

    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    let accepted: Accepted = server.api.patch(&path, json!({ "number": "1306" })).await.ok();
    phone.shows_room("1306").await;
    server.api.job_is(&accepted.jobs[0], JobState::Done).await;
    assert!(!phone.agent.is_connected(), "nothing came over MQTT");
}
