//! A room and the phone in it.

use std::time::{Duration, Instant};

use contract::rest::{Accepted, JobState, RoomState, ValueState};
use serde_json::json;

use crate::support::{Ask, Phone, TestServer, card, mac, timed, wait, wait_true};

const ROOM: &str = "hotel.room.number";

/// A server with one room and the phone in it.
async fn room_1207() -> (TestServer, crate::support::Hotel, Phone, contract::PhoneId) {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207", "1208"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    phone.shows_room("1207").await;
    server.api.in_sync(id).await;
    (server, hotel, phone, id)
}

#[tokio::test]
async fn a_typed_room_number_is_on_the_phone_and_read_back_within_two_seconds() {
    let (server, hotel, phone, id) = room_1207().await;
    let start = Instant::now();
    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    let accepted: Accepted = server.api.patch(&path, json!({ "number": "1306" })).await.ok();
    wait_true("the number is on the phone and read back", async || {
        let on_phone = phone.state_json().is_some_and(|state| state.room_number == "1306");
        let detail = server.api.phone(id).await;
        let value = detail.values.into_iter().find(|value| value.key == ROOM).unwrap();
        on_phone && value.reported.as_deref() == Some("1306") && value.state == ValueState::InSync
    })
    .await;
    let took = start.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(accepted.phones, 1);
    let job = server.api.job_is(&accepted.jobs[0], JobState::Done).await;
    assert!(job.note.contains("read back"), "{}", job.note);
    assert_eq!(phone.room_effects(), ["1207", "1306"]);
    let detail = server.api.phone(id).await;
    assert_eq!(detail.applied_version, detail.desired_version);
}

#[tokio::test]
async fn extension_and_guest_name_follow_the_room() {
    let (server, hotel, phone, id) = room_1207().await;
    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    assert_eq!(phone.agent.value("account.1.sip.userid"), "1207");
    assert_eq!(phone.agent.value("account.1.name"), "Room 1207");
    let change = json!({ "extension": "4711", "guest_name": "Ms Ada Lovelace-Öst" });
    let accepted: Accepted = server.api.patch(&path, change).await.ok();
    server.api.job_is(&accepted.jobs[0], JobState::Done).await;
    for (key, wanted) in [
        ("account.1.sip.userid", "4711"),
        ("account.1.sip.subscriber.userid", "4711"),
        ("account.1.sip.subscriber.name", "Ms Ada Lovelace-Öst"),
        ("account.1.name", "Ms Ada Lovelace-Öst"),
    ] {
        assert_eq!(phone.agent.value(key), wanted, "{key}");
        let detail = server.api.phone(id).await;
        let value = detail.values.iter().find(|value| value.key == key).unwrap();
        assert_eq!(value.reported.as_deref(), Some(wanted), "{key}");
    }
    let shown = card(&hotel, hotel.room("1207")).await;
    assert_eq!((shown.extension.as_str(), shown.guest_name.as_str()), ("4711", "Ms Ada Lovelace-Öst"));
    // Check-out: the guest's name goes, and the room's own comes back.
    let accepted: Accepted = server.api.patch(&path, json!({ "guest_name": "" })).await.ok();
    server.api.job_is(&accepted.jobs[0], JobState::Done).await;
    assert_eq!(phone.agent.value("account.1.sip.subscriber.name"), "Room 1207");
}

#[tokio::test]
async fn a_guests_name_that_looks_sealed_is_a_name() {
    let (server, hotel, phone, id) = room_1207().await;
    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    let name = "sealed:1:x";
    let accepted: Accepted = server.api.patch(&path, json!({ "guest_name": name })).await.ok();
    server.api.job_is(&accepted.jobs[0], JobState::Done).await;
    assert_eq!(phone.agent.value("account.1.name"), name);
    assert_eq!(server.api.value(id, "account.1.name").await.state, ValueState::InSync);
    assert_eq!(server.api.get(&format!("/api/v1/properties/{}/drift", hotel.property)).await.status, 200);
    let file = server.api.get(&format!("/api/v1/phones/{id}/configuration/file?format=txt")).await;
    assert!(file.text.contains(name), "{}", file.text);
    let accepted: Accepted = server.api.patch(&path, json!({ "guest_name": "" })).await.ok();
    server.api.job_is(&accepted.jobs[0], JobState::Done).await;
    assert_eq!(phone.agent.value("account.1.name"), "Room 1207");
}

#[tokio::test]
async fn a_guests_name_longer_than_an_accounts_is_cut_there_alone() {
    let (server, hotel, phone, _) = room_1207().await;
    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    let name = "王".repeat(22);
    let accepted: Accepted = server.api.patch(&path, json!({ "guest_name": name })).await.ok();
    server.api.job_is(&accepted.jobs[0], JobState::Done).await;
    assert_eq!(phone.agent.value("account.1.name"), "王".repeat(21));
    assert_eq!(phone.agent.value("account.1.sip.subscriber.name"), name);
}

#[tokio::test]
async fn the_board_follows_the_handset() {
    let (_server, hotel, phone, _) = room_1207().await;
    let room = hotel.room("1207");
    let state = async || card(&hotel, room).await.state;
    assert_ne!(state().await, RoomState::OffHook);
    phone.agent.hook(true).await;
    let limit = Duration::from_secs(2);
    let is = async |wanted: bool| (state().await == RoomState::OffHook) == wanted;
    timed("the board shows the lifted handset", limit, async || is(true).await.then_some(())).await;
    let lifted = card(&hotel, room).await;
    phone.agent.hook(false).await;
    timed("the board shows it replaced", limit, async || is(false).await.then_some(())).await;
    assert!(card(&hotel, room).await.since >= lifted.since);
    assert_eq!(card(&hotel, hotel.room("1208")).await.state, RoomState::NoPhone);
}

#[tokio::test]
async fn an_announced_phone_is_expected_until_it_comes() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    assert_eq!(card(&hotel, hotel.room("1207")).await.state, RoomState::Expected);
    let _phone = Phone::start(mac(1), server.acs_url()).await;
    wait("the room's phone is there", async || {
        let card = card(&hotel, hotel.room("1207")).await;
        (card.state == RoomState::Unregistered && card.phone == Some(id)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_swapped_phone_takes_the_room_over_and_the_old_one_forgets_it() {
    let (server, hotel, old, old_id) = room_1207().await;
    let new_id = hotel.announce(mac(2), None).await.unwrap();
    let new = Phone::start(mac(2), server.acs_url()).await;
    new.online().await;
    let path = format!("/api/v1/rooms/{}/phone", hotel.room("1207"));
    let problem = server.api.put(&path, json!({ "phone": mac(2) })).await.refused(409);
    assert_eq!((problem.kind.as_str(), problem.field.as_deref()), ("room-occupied", Some("phone")));
    assert_eq!(server.api.room(hotel.room("1207")).await.card.phone, Some(old_id), "nothing was changed");

    let accepted: Accepted = server.api.put(&path, json!({ "phone": mac(2), "replace": true })).await.ok();
    assert_eq!(accepted.phones, 2);
    new.shows_room("1207").await;
    old.shows_room("").await;
    assert_eq!(new.agent.value("account.1.sip.userid"), "1207");
    assert_eq!(old.agent.value("account.1.sip.userid"), "", "the old phone keeps nothing of the room");
    for job in &accepted.jobs {
        server.api.job_is(job, JobState::Done).await;
    }
    let room = server.api.room(hotel.room("1207")).await;
    assert_eq!((room.card.number.as_str(), room.card.phone), ("1207", Some(new_id)));
    assert_eq!(server.api.phone(old_id).await.phone.room, None);
}

#[tokio::test]
async fn a_phone_moved_to_another_room_shows_the_new_number_and_the_old_room_is_empty() {
    let (server, hotel, phone, id) = room_1207().await;
    let path = format!("/api/v1/rooms/{}/phone", hotel.room("1208"));
    let accepted: Accepted = server.api.put(&path, json!({ "phone": id })).await.ok();
    phone.shows_room("1208").await;
    server.api.job_is(&accepted.jobs[0], JobState::Done).await;
    assert_eq!(card(&hotel, hotel.room("1207")).await.state, RoomState::NoPhone);
    assert_eq!(card(&hotel, hotel.room("1208")).await.phone, Some(id));
}

#[tokio::test]
async fn a_phone_taken_out_of_its_room_forgets_the_number() {
    let (server, hotel, phone, id) = room_1207().await;
    let path = format!("/api/v1/rooms/{}/phone", hotel.room("1207"));
    let accepted: Accepted = server.api.delete(&path).await.ok();
    server.api.job_is(&accepted.jobs[0], JobState::Done).await;
    phone.shows_room("").await;
    assert_eq!(card(&hotel, hotel.room("1207")).await.state, RoomState::NoPhone);
    assert_eq!(server.api.phone(id).await.phone.property, Some(hotel.property));
    server.api.delete(&path).await.refused(404);
}

#[tokio::test]
async fn the_full_phone_with_its_sip_stack_shows_its_room_too() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let phone = Phone::with(mac(1), server.acs_url(), |config| config.simulated = false).await;
    phone.online().await;
    phone.shows_room("1207").await;
    phone.agent.hook(true).await;
    wait_true("the board shows the lifted handset", async || {
        card(&hotel, hotel.room("1207")).await.state == RoomState::OffHook
    })
    .await;
    phone.agent.hook(false).await;
    wait_true("the board shows it replaced", async || {
        card(&hotel, hotel.room("1207")).await.state != RoomState::OffHook
    })
    .await;
}

#[tokio::test]
async fn a_change_for_a_phone_that_is_off_waits_and_arrives_when_it_comes_back() {
    let (server, hotel, phone, _) = room_1207().await;
    let off = phone.unplug().await;
    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    let accepted: Accepted = server.api.patch(&path, json!({ "number": "1999" })).await.ok();
    assert_eq!(server.api.job(&accepted.jobs[0]).await.state, JobState::Ready);
    let phone = off.plug_in().await;
    phone.shows_room("1999").await;
    server.api.job_is(&accepted.jobs[0], JobState::Done).await;
    assert_eq!(phone.room_effects(), ["1207", "1999"], "carried out once");
}
