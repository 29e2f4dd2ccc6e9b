//! Whatever a phone, or somebody who would be one, may publish.

use contract::PhoneId;
use contract::mqtt::{Channel, EventAck, Topic};
use contract::rest::QuarantinePage;
use serde_json::json;

use crate::support::mqtt::{Login, Mqtt};
use crate::support::{Ask, HandPhone, Hotel, TestServer, mac, wait_true};

/// A phone with its broker credentials.
async fn enrolled(server: &TestServer, hotel: &Hotel, number: u16, room: &str) -> (PhoneId, Login) {
    let id = hotel.announce(mac(number), Some(hotel.room(room))).await.unwrap();
    let mut phone = HandPhone::new(mac(number), server.acs_url());
    phone.session().await;
    let login = phone.mqtt_login();
    assert_eq!((login.port, login.user.clone()), (server.mqtt_port(), id.to_string()));
    (id, login)
}

fn event(boot: u32, seq: u64) -> Vec<u8> {
    json!({ "boot": boot, "seq": seq, "at": "2026-01-31T14:05:00.000Z", "kind": "off-hook" }).to_string().into_bytes()
}

#[tokio::test]
async fn what_cannot_be_read_is_quarantined_with_its_reason_and_the_rest_goes_on() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1"]).await;
    let (id, login) = enrolled(&server, &hotel, 1, "1").await;
    let mut phone = Mqtt::connect(&login).await.expect("it is let in");
    phone.hear_acks().await;
    let bad: Vec<(Channel, Vec<u8>)> = vec![
        (Channel::Event, b"{".to_vec()),
        (Channel::Event, Vec::new()),
        (Channel::Event, vec![0xff; 100]),
        (Channel::Event, event(0, 1)),
        (Channel::Event, event(1, 0)),
        (Channel::Event, String::from_utf8(event(1, 1)).unwrap().replace("off-hook", "explode").into_bytes()),
        (Channel::Event, String::from_utf8(event(1, 1)).unwrap().replace("2026-01-31", "yesterday").into_bytes()),
        (Channel::Event, b"[1,2,3]".to_vec()),
        (Channel::Event, "[".repeat(10_000).into_bytes()),
        (
            Channel::Event,
            json!({ "boot": 1, "seq": 1, "at": "2026-01-31T14:05:00Z", "kind": "on-hook", "account": 3 })
                .to_string()
                .into_bytes(),
        ),
        (
            Channel::Event,
            json!({ "boot": 1, "seq": 1, "at": "2026-01-31T14:05:00Z", "kind": "on-hook", "detail": "x".repeat(257) })
                .to_string()
                .into_bytes(),
        ),
        (Channel::State, b"{}".to_vec()),
        (Channel::State, b"true".to_vec()),
        (Channel::Presence, b"\"online\"".to_vec()),
    ];
    for (channel, payload) in &bad {
        phone.tell(*channel, payload.clone()).await;
        phone.confirmed().await.expect("the connection stays");
    }
    phone.publish(format!("v1/{id}/up/nonsense"), "{}").await;
    phone.confirmed().await.expect("the connection stays");
    let expected = bad.len() as u64 + 1;
    wait_true("all are quarantined", async || server.api.quarantined().await == expected).await;
    let page: QuarantinePage = server.api.get("/api/v1/quarantine").await.ok();
    assert!(page.items.iter().all(|one| one.source.contains(&id.to_string()) && !one.reason.is_empty()), "{page:?}");
    assert!(server.api.phone(id).await.events.is_empty(), "none of them was taken for an event");
    phone.tell(Channel::Event, event(1, 7)).await;
    // What can never be read may be acknowledged too, or the phone would repeat it for ever.
    while phone.ack().await != EventAck::one(1, 7) {}
    assert_eq!(server.api.phone(id).await.events.len(), 1);
}

#[tokio::test]
async fn an_oversized_message_ends_the_connection_and_only_that() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1", "2"]).await;
    let (id, login) = enrolled(&server, &hotel, 1, "1").await;
    let (_, other) = enrolled(&server, &hotel, 2, "2").await;
    let mut bystander = Mqtt::connect(&other).await.unwrap();
    let mut phone = Mqtt::connect(&login).await.unwrap();
    phone.tell(Channel::Event, vec![b' '; 200 * 1024]).await;
    assert!(phone.confirmed().await.is_none(), "the broker hangs up");
    bystander.tell(Channel::Event, event(1, 1)).await;
    bystander.confirmed().await.expect("nobody else notices");
    let mut phone = Mqtt::connect(&login).await.expect("it may come back");
    phone.hear_acks().await;
    phone.tell(Channel::Event, event(1, 1)).await;
    phone.ack().await;
    assert_eq!(server.api.phone(id).await.events.len(), 1);
}

#[tokio::test]
async fn a_phone_neither_speaks_for_another_nor_hears_it() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1", "2"]).await;
    let (id, login) = enrolled(&server, &hotel, 1, "1").await;
    let (victim, _) = enrolled(&server, &hotel, 2, "2").await;
    for filter in [
        format!("v1/{victim}/down/+"),
        format!("v1/{victim}/up/event"),
        "#".into(),
        "v1/#".into(),
        "+/+/+/+".into(),
        "$SYS/#".into(),
        format!("v1/{id}/up/+"),
    ] {
        let mut phone = Mqtt::connect(&login).await.unwrap();
        assert!(phone.hear(&filter).await.is_err(), "{filter}");
    }
    for topic in [
        Topic::new(victim, Channel::Event).to_string(),
        Topic::new(victim, Channel::Presence).to_string(),
        Topic::new(victim, Channel::Desired).to_string(),
        Topic::new(id, Channel::Desired).to_string(),
        Topic::new(id, Channel::Ack).to_string(),
        "v1/x".to_owned(),
    ] {
        let mut phone = Mqtt::connect(&login).await.unwrap();
        phone.publish(topic.as_str(), event(1, 1)).await;
        phone.confirmed().await;
        // The broker works through one connection in order: this one comes after.
        let mut phone = Mqtt::connect(&login).await.unwrap();
        phone.hear_acks().await;
        phone.tell(Channel::Event, event(1, 1)).await;
        phone.ack().await;
        let detail = server.api.phone(victim).await;
        assert!(detail.events.is_empty() && !detail.connected, "{topic}");
    }
    assert_eq!(server.api.phone(id).await.events.len(), 1);
}

#[tokio::test]
async fn nobody_gets_in_without_a_phones_own_credentials() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1", "2"]).await;
    let (_, login) = enrolled(&server, &hotel, 1, "1").await;
    let (other, _) = enrolled(&server, &hotel, 2, "2").await;
    let with =
        |user: &str, password: &str| Login { port: login.port, user: user.to_owned(), password: password.to_owned() };
    for (what, bad) in [
        ("wrong password", with(&login.user, "wrong")),
        ("no password", with(&login.user, "")),
        ("another phone", with(&other.to_string(), &login.password)),
        ("unknown phone", with(&uuid::Uuid::now_v7().to_string(), &login.password)),
        ("the MAC", with(&mac(1).compact(), &mac(1).compact())),
        ("the server", with("bellhop", "")),
        ("the server, guessed", with("bellhop", "bellhop")),
    ] {
        assert!(Mqtt::connect(&bad).await.is_err(), "{what}");
    }
    assert!(Mqtt::connect_as("another-client", &login).await.is_err(), "under another client id");
    assert!(Mqtt::connect_as(&other.to_string(), &login).await.is_err(), "under another phone's client id");
    // A phone that only waits under new phones has no credentials at all.
    let mut new = HandPhone::new(mac(3), server.acs_url());
    new.session().await;
    let row: Vec<contract::rest::PhoneRow> = server.api.get("/api/v1/phones/new").await.ok();
    assert!(Mqtt::connect(&with(&row[0].id.to_string(), "")).await.is_err());
    Mqtt::connect(&login).await.expect("and the right one does");
}
