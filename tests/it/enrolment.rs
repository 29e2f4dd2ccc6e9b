//! How phones come to the server: announced, unannounced, and with the wrong papers.

use contract::rest::{AcceptPhone, Enrolment, JobState, PhonePage, PhoneRow, QuarantinePage, RoomState, SyncState};
use cwmp::Message;
use serde_json::json;

use crate::support::cwmp_phone::only_welcomed;
use crate::support::{Ask, HandPhone, Phone, TestServer, card, mac, wait, wait_true};

async fn new_phones(server: &TestServer) -> Vec<PhoneRow> {
    server.api.get("/api/v1/phones/new").await.ok()
}

#[tokio::test]
async fn an_unknown_phone_waits_under_new_phones_and_gets_nothing() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let mut phone = HandPhone::new(mac(1), server.acs_url());
    for _ in 0..3 {
        let asked = phone.session().await;
        assert!(only_welcomed(&asked), "it is given nothing: {asked:?}");
    }
    let waiting = new_phones(&server).await;
    assert_eq!(waiting.len(), 1, "one phone, however often it calls");
    let row = &waiting[0];
    assert_eq!((row.mac, row.serial.as_str(), row.enrolment), (mac(1), phone.serial.as_str(), Enrolment::New));
    assert_eq!((row.model.as_str(), row.firmware.as_str()), ("GHP620", "9.9.9"));
    assert_eq!((row.room, row.property), (None, None));
    let detail = server.api.phone(row.id).await;
    assert!(detail.jobs.is_empty() && detail.values.is_empty());
    assert_eq!(card(&hotel, hotel.room("1207")).await.state, RoomState::NoPhone);
    assert!(phone.login.is_none());
}

#[tokio::test]
async fn an_accepted_phone_gets_credentials_and_its_room() {
    let server = TestServer::with(&[("acs.new_phone_interval_s", "1")]).await;
    let hotel = server.hotel(&["1207"]).await;
    let phone = Phone::start(mac(1), server.acs_url()).await;
    let row = wait("it waits under new phones", async || new_phones(&server).await.pop()).await;
    assert!(phone.agent.phone_id().is_none() && !phone.agent.is_connected());

    let accept = AcceptPhone { property: None, room: Some(hotel.room("1207")) };
    let path = format!("/api/v1/phones/{}/accept", row.id);
    let accepted: PhoneRow = server.api.post(&path, &accept).await.ok();
    assert_eq!((accepted.enrolment, accepted.room_number.as_deref()), (Enrolment::Expected, Some("1207")));
    assert!(new_phones(&server).await.is_empty());
    assert_eq!(server.api.post(&path, &accept).await.refused(409).kind, "phone-known");

    // Nobody can call a phone without credentials: it comes by itself.
    assert_eq!(phone.online().await, row.id);
    phone.shows_room("1207").await;
    let detail = wait("it is enrolled and in sync", async || {
        let detail = server.api.phone(row.id).await;
        (detail.phone.sync == SyncState::InSync && detail.connected).then_some(detail)
    })
    .await;
    assert_eq!(detail.phone.enrolment, Enrolment::Enrolled);
    assert!(detail.jobs.iter().all(|job| job.state == JobState::Done));
}

#[tokio::test]
async fn accepting_needs_a_place_that_exists() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    HandPhone::new(mac(1), server.acs_url()).session().await;
    let id = new_phones(&server).await[0].id;
    let path = format!("/api/v1/phones/{id}/accept");
    let nowhere = server.api.post(&path, json!({ "property": null })).await.refused(422);
    assert_eq!(nowhere.field.as_deref(), Some("property"));
    server.api.post(&path, json!({ "property": uuid::Uuid::now_v7() })).await.refused(404);
    server.api.post(&path, json!({ "property": hotel.property, "room": uuid::Uuid::now_v7() })).await.refused(404);
    assert_eq!(new_phones(&server).await.len(), 1, "it still waits");
    hotel.announce(mac(2), Some(hotel.room("1207"))).await.unwrap();
    let occupied = json!({ "property": hotel.property, "room": hotel.room("1207") });
    assert_eq!(server.api.post(&path, occupied).await.refused(409).kind, "room-occupied");
    assert_eq!(new_phones(&server).await.len(), 1, "it still waits");
}

#[tokio::test]
async fn a_phone_announced_by_mac_and_serial_number_goes_straight_to_its_room() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    assert_eq!(phone.online().await, id);
    phone.shows_room("1207").await;
    wait_true("it is enrolled", async || {
        let row = server.api.phone(id).await.phone;
        row.enrolment == Enrolment::Enrolled && row.sync == SyncState::InSync
    })
    .await;
    assert!(new_phones(&server).await.is_empty());
    assert_eq!(card(&hotel, hotel.room("1207")).await.phone, Some(id));
}

#[tokio::test]
async fn a_phone_with_another_serial_number_than_announced_is_turned_away_and_told_of() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let before = server.api.quarantined().await;
    let mut stranger = HandPhone::new(mac(1), server.acs_url());
    stranger.serial = "another".to_owned();
    for tries in 1..=3 {
        let reply = stranger.inform().await;
        assert_eq!(reply.status, 403, "{}", reply.text);
        assert!(stranger.cookie.is_none(), "there is no session");
        assert_eq!(server.api.quarantined().await, before + tries);
    }
    let page: QuarantinePage = server.api.get("/api/v1/quarantine").await.ok();
    let told = &page.items[0].reason;
    assert!(told.contains(&mac(1).to_string()) && told.contains("another"), "{told}");
    let detail = server.api.phone(id).await;
    assert_eq!(detail.phone.enrolment, Enrolment::Expected);
    assert_eq!((detail.phone.serial.as_str(), detail.phone.firmware.as_str()), (mac(1).compact().as_str(), ""));
    assert_eq!(detail.phone.last_seen, None, "nothing of it was taken for true");

    // The right one is still welcome.
    let mut phone = HandPhone::new(mac(1), server.acs_url());
    phone.session().await;
    assert_eq!(server.api.phone(id).await.phone.enrolment, Enrolment::Enrolled);
    assert_eq!(phone.holds("hotel.room.number"), Some("1207"));
}

#[tokio::test]
async fn credentials_are_given_out_once() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let mut phone = HandPhone::new(mac(1), server.acs_url());
    let gives = |asked: &[Message]| {
        let sets =
            asked.iter().filter_map(|one| if let Message::SetParameterValues(set) = one { Some(set) } else { None });
        sets.filter(|set| set.parameters.iter().any(|one| one.name.ends_with("Server.Password"))).count()
    };
    assert_eq!(gives(&phone.session().await), 1);
    let first = phone.login.clone();
    assert_eq!(phone.id(), id);
    assert_eq!(gives(&phone.session().await), 0);
    assert_eq!(phone.login, first);
    // Somebody who knows MAC and serial number, and nothing else.
    let mut thief = HandPhone::new(mac(1), server.acs_url());
    assert_eq!(thief.inform().await.status, 401);
    assert!(thief.cookie.is_none());
}

#[tokio::test]
async fn a_phone_that_lost_its_line_before_confirming_gets_new_credentials() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let mut phone = HandPhone::new(mac(1), server.acs_url());
    phone.begin().await;
    let lost = phone.empty().await;
    assert!(lost.set().parameters.iter().any(|one| one.name.ends_with("Server.Password")));
    // The line broke; the phone never saw it.
    assert_eq!(server.api.phone(id).await.phone.enrolment, Enrolment::Expected);
    phone.session().await;
    assert_eq!(server.api.phone(id).await.phone.enrolment, Enrolment::Enrolled);
    assert_eq!(phone.session().await.len(), 0, "the credentials it holds are the right ones");
}

#[tokio::test]
async fn only_so_many_unknown_phones_are_remembered() {
    let server = TestServer::with(&[("acs.max_new_phones", "3")]).await;
    let hotel = server.hotel(&["1207"]).await;
    for number in 1..=3 {
        assert_eq!(HandPhone::new(mac(number), server.acs_url()).inform().await.status, 200);
    }
    let mut late = HandPhone::new(mac(4), server.acs_url());
    let reply = late.inform().await;
    assert_eq!(reply.status, 503, "{}", reply.text);
    assert_eq!(new_phones(&server).await.len(), 3);
    // Those who wait already, and those who are announced, are not kept out.
    assert_eq!(HandPhone::new(mac(1), server.acs_url()).inform().await.status, 200);
    hotel.announce(mac(5), Some(hotel.room("1207"))).await.unwrap();
    let mut announced = HandPhone::new(mac(5), server.acs_url());
    announced.session().await;
    assert_eq!(announced.holds("hotel.room.number"), Some("1207"));
    // Place for one more once somebody was dealt with.
    let path = format!("/api/v1/phones/{}", new_phones(&server).await[0].id);
    assert_eq!(server.api.delete(&path).await.status, 204);
    assert_eq!(late.inform().await.status, 200);
}

#[tokio::test]
async fn a_forgotten_phone_comes_back_as_a_new_one_without_a_say() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let mut phone = HandPhone::new(mac(1), server.acs_url());
    phone.session().await;
    assert_eq!(server.api.delete(&format!("/api/v1/phones/{id}")).await.status, 204);
    server.api.get(&format!("/api/v1/phones/{id}")).await.refused(404);
    assert!(only_welcomed(&phone.session().await));
    let waiting = new_phones(&server).await;
    assert_eq!(waiting.len(), 1);
    assert_ne!(waiting[0].id, id);
    assert_eq!(card(&hotel, hotel.room("1207")).await.state, RoomState::NoPhone);
}

#[tokio::test]
async fn announcing_says_what_is_wrong_by_field() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let path = format!("/api/v1/phones/announce?property={}", hotel.property);
    for (field, body) in [
        ("mac", json!({ "mac": "c0:74:ad:00:00", "serial": "1" })),
        ("mac", json!({ "mac": "01:00:5e:00:00:01", "serial": "1" })),
        ("mac", json!({ "mac": "", "serial": "1" })),
        ("serial", json!({ "mac": mac(1), "serial": "" })),
        ("serial", json!({ "mac": mac(1), "serial": "has spaces" })),
        ("serial", json!({ "mac": mac(1), "serial": "9".repeat(65) })),
        ("serial", json!({ "mac": mac(1) })),
    ] {
        assert_eq!(server.api.post(&path, &body).await.refused(422).field.as_deref(), Some(field), "{body}");
    }
    server.api.post(&path, json!({ "mac": "C0-74-AD-77-00-01", "serial": "A1" })).await.ok::<PhoneRow>();
    let twice = server.api.post(&path, json!({ "mac": "c074ad770001", "serial": "A2" })).await.refused(409);
    assert_eq!((twice.kind.as_str(), twice.field.as_deref()), ("phone-known", Some("mac")));
    let all: PhonePage = server.api.get("/api/v1/phones").await.ok();
    assert_eq!(all.total, 1);
}
