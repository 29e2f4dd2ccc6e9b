//! What a room does not take, and requests that come more than once.

use std::collections::HashSet;

use contract::rest::{Accepted, Property};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Ask, Hotel, TestServer, card, mac};

async fn two_rooms() -> (TestServer, Hotel) {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207", "1208"]).await;
    (server, hotel)
}

#[tokio::test]
async fn a_room_number_is_taken_once_and_the_field_is_named() {
    let (server, hotel) = two_rooms().await;
    let path = format!("/api/v1/rooms/{}", hotel.room("1208"));
    let problem = server.api.patch(&path, json!({ "number": "1207" })).await.refused(409);
    assert_eq!((problem.kind.as_str(), problem.field.as_deref()), ("room-number-taken", Some("number")));
    let problem = server.api.patch(&path, json!({ "extension": "1207" })).await.refused(409);
    assert_eq!((problem.kind.as_str(), problem.field.as_deref()), ("extension-taken", Some("extension")));
    assert!(problem.detail.contains("1207"), "{}", problem.detail);
    let unchanged = card(&hotel, hotel.room("1208")).await;
    assert_eq!((unchanged.number.as_str(), unchanged.extension.as_str()), ("1208", "1208"));
}

#[tokio::test]
async fn two_people_who_type_the_same_number_at_once_do_not_both_get_it() {
    let rooms: Vec<String> = (0..10).map(|n| format!("1{n:02}")).collect();
    let server = TestServer::start().await;
    let hotel = Hotel::build(&server.api, "harbour", &rooms).await.unwrap();
    let change = |room: &String| {
        let (api, path) = (server.api.clone(), format!("/api/v1/rooms/{}", hotel.room(room)));
        tokio::spawn(async move { api.patch(&path, json!({ "number": "777" })).await.status })
    };
    let tasks: Vec<_> = rooms.iter().map(change).collect();
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 202).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 9, "{statuses:?}");
}

#[tokio::test]
async fn a_value_out_of_its_range_is_refused_by_field() {
    let (server, hotel) = two_rooms().await;
    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    let long = "9".repeat(17);
    let longer = "n".repeat(129);
    for (field, value) in [
        ("number", ""),
        ("number", "   "),
        ("number", long.as_str()),
        ("number", "12\n07"),
        ("extension", longer.as_str()),
        ("extension", "47\u{7}11"),
        ("guest_name", longer.as_str()),
        ("guest_name", "Mr\r\nX"),
    ] {
        let problem = server.api.patch(&path, json!({ field: value })).await.refused(422);
        assert_eq!(problem.field.as_deref(), Some(field), "{value:?}: {}", problem.detail);
        assert!(!problem.detail.contains("panic"), "{}", problem.detail);
    }
    for field in ["number", "extension", "guest_name"] {
        // No database and no XML can hold this one.
        server.api.patch(&path, json!({ field: "12\u{0}07" })).await.refused(422);
    }
    let unchanged = card(&hotel, hotel.room("1207")).await;
    assert_eq!((unchanged.number.as_str(), unchanged.extension.as_str()), ("1207", "1207"));
    assert_eq!(unchanged.guest_name, "");
}

#[tokio::test]
async fn markup_and_other_alphabets_in_a_guest_name_are_only_text() {
    let (server, hotel) = two_rooms().await;
    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    for name in ["<script>alert(1)</script> & \"quotes\"", "'; DROP TABLE room; --", "王小明 🏨 Ñandú"] {
        server.api.patch(&path, json!({ "guest_name": name })).await.ok::<Accepted>();
        assert_eq!(card(&hotel, hotel.room("1207")).await.guest_name, name);
    }
}

#[tokio::test]
async fn a_layout_sent_twice_changes_nothing_and_a_wrong_one_leaves_nothing() {
    let (server, hotel) = two_rooms().await;
    let path = format!("/api/v1/properties/{}/layout", hotel.property);
    let layout = |rooms: Value| json!({ "buildings": [{ "name": "House", "floors": [{ "name": "F", "level": 1, "rooms": rooms }] }] });
    let rooms = json!([{ "number": "1", "extension": "1" }, { "number": "2" }]);
    assert_eq!(server.api.post(&path, layout(rooms.clone())).await.ok::<Property>().rooms, 4);
    assert_eq!(server.api.post(&path, layout(rooms)).await.ok::<Property>().rooms, 4);
    let wrong = layout(json!([{ "number": "3" }, { "number": "4", "extension": "1" }]));
    let problem = server.api.post(&path, wrong).await.refused(409);
    assert_eq!(problem.field.as_deref(), Some("extension"));
    assert_eq!(hotel.cards().await.unwrap().len(), 4, "room 3 was not made either");
}

#[tokio::test]
async fn a_request_repeated_a_hundred_times_at_once_is_carried_out_once() {
    let (server, hotel) = two_rooms().await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    let jobs_before = server.api.phone(id).await.jobs.len();
    let send = || {
        let (api, path) = (server.api.clone(), path.clone());
        tokio::spawn(async move {
            let key = [("idempotency-key", "key-1")];
            api.try_send(Method::PATCH, &path, Some(&json!({ "number": "1306" })), &key).await.unwrap()
        })
    };
    let tasks: Vec<_> = (0..100).map(|_| send()).collect();
    let mut answers = HashSet::new();
    for task in tasks {
        let answer = task.await.unwrap();
        assert_eq!(answer.status, 202, "{}", answer.text);
        answers.insert(answer.text);
    }
    assert_eq!(answers.len(), 1, "everybody gets the same answer: {answers:?}");
    let jobs = server.api.phone(id).await.jobs;
    assert_eq!(jobs.len(), jobs_before + 1, "{jobs:?}");

    let key = [("idempotency-key", "key-1")];
    let other = server.api.try_send(Method::PATCH, &path, Some(&json!({ "number": "1400" })), &key).await.unwrap();
    assert_eq!(other.refused(409).kind, "idempotency-key-reused");
    let elsewhere = format!("/api/v1/rooms/{}", hotel.room("1208"));
    let body = json!({ "number": "1306" });
    let other = server.api.try_send(Method::PATCH, &elsewhere, Some(&body), &key).await.unwrap();
    assert_eq!(other.refused(409).kind, "idempotency-key-reused");
    assert_eq!(card(&hotel, hotel.room("1207")).await.number, "1306");
}

#[tokio::test]
async fn a_refused_request_may_be_corrected_under_the_same_key() {
    let (server, hotel) = two_rooms().await;
    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    let key = [("idempotency-key", "key-2")];
    let wrong = json!({ "number": "1208" });
    server.api.try_send(Method::PATCH, &path, Some(&wrong), &key).await.unwrap().refused(409);
    let right = json!({ "number": "1209" });
    server.api.try_send(Method::PATCH, &path, Some(&right), &key).await.unwrap().ok::<Accepted>();
    let long = "k".repeat(129);
    for bad in ["", " ", &long] {
        let answer =
            server.api.try_send(Method::PATCH, &path, Some(&right), &[("idempotency-key", bad)]).await.unwrap();
        assert_eq!(answer.refused(422).field.as_deref(), Some("Idempotency-Key"), "{bad:?}");
    }
}
