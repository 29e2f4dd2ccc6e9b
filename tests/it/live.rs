//! The live stream: what happens shows, and what was missed is made up for.

use std::time::Duration;

use cloud::app::live::{Touched, touch};
use contract::rest::{Board, JobState, RoomState};
use jsonwebtoken::Algorithm;
use sea_orm::{ConnectionTrait, DbBackend};
use serde_json::json;

use crate::auth::crafted;
use crate::support::live::{Live, ticket};
use crate::support::{Hotel, Phone, TestServer, mac};

async fn rename(hotel: &Hotel, room: &str, name: &str) {
    let path = format!("/api/v1/rooms/{}", hotel.room(room));
    assert_eq!(hotel.api.patch(&path, json!({ "guest_name": name })).await.status, 202);
}

async fn board(hotel: &Hotel) -> Board {
    hotel.api.get(&format!("/api/v1/properties/{}/board", hotel.property)).await.ok()
}

#[tokio::test]
async fn a_change_is_on_every_open_stream_at_once() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207", "1208"]).await;
    let mut one = Live::open(&server.api, Some(hotel.property), None).await;
    let mut all = Live::open(&server.api, None, None).await;
    rename(&hotel, "1207", "Ada").await;
    for live in [&mut one, &mut all] {
        let card = live.until("the room's new name", |change| change.room.clone()).await;
        assert_eq!((card.id, card.guest_name.as_str()), (hotel.room("1207"), "Ada"));
    }
}

#[tokio::test]
async fn a_phone_is_followed_from_expected_to_lifted() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let mut live = Live::open(&server.api, Some(hotel.property), None).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    live.until("expected", |change| change.room.as_ref().filter(|room| room.state == RoomState::Expected).map(|_| ()))
        .await;
    let phone = Phone::start(mac(1), server.acs_url()).await;
    live.until("the job is done", |change| change.job.as_ref().filter(|job| job.state == JobState::Done).map(|_| ()))
        .await;
    phone.online().await;
    phone.agent.hook(true).await;
    let card = live.until("lifted", |change| change.room.clone().filter(|room| room.state == RoomState::OffHook)).await;
    assert_eq!(card.phone, Some(id));
    assert_eq!(server.api.delete(&format!("/api/v1/phones/{id}")).await.status, 204);
    live.until("the phone is gone", |change| change.gone.filter(|gone| *gone == id)).await;
}

#[tokio::test]
async fn another_propertys_changes_stay_out_of_a_propertys_stream() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1"]).await;
    let other = Hotel::build(&server.api, "mountain", &["1".to_owned()]).await.unwrap();
    let mut live = Live::open(&server.api, Some(hotel.property), None).await;
    rename(&other, "1", "Elsewhere").await;
    rename(&hotel, "1", "Here").await;
    let card = live.until("the own room", |change| change.room.clone()).await;
    assert_eq!(card.guest_name, "Here");
    assert!(!live.raw.contains("Elsewhere"), "{}", live.raw);
}

#[tokio::test]
async fn a_stream_that_was_lost_is_sent_what_it_missed() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1", "2", "3"]).await;
    let after = board(&hotel).await.live_after;
    let mut live = Live::open(&server.api, Some(hotel.property), Some(after)).await;
    rename(&hotel, "1", "First").await;
    live.until("the first", |change| change.room.clone()).await;
    let seen = live.last;
    drop(live);
    rename(&hotel, "2", "Second").await;
    rename(&hotel, "3", "Third").await;

    let query = format!("?ticket={}&property={}", ticket(&server.api).await, hotel.property);
    let by_header = Live::open_with(&server.api, &query, Some(seen)).await;
    let by_query = Live::open(&server.api, Some(hotel.property), Some(seen)).await;
    let from_board = Live::open(&server.api, Some(hotel.property), Some(after)).await;
    for (number, (mut live, expected)) in [(by_header, 2), (by_query, 2), (from_board, 3)].into_iter().enumerate() {
        // A change may come twice, never not at all.
        let mut names: Vec<String> = Vec::new();
        while names.len() < expected {
            let card = live.until("what was missed", |change| change.room.clone()).await;
            if !names.contains(&card.guest_name) {
                names.push(card.guest_name);
            }
        }
        assert_eq!(names, ["First", "Second", "Third"][3 - expected..]);
        // And on it goes.
        let next = format!("Next {number}");
        rename(&hotel, "1", &next).await;
        live.until("what comes next", |change| change.room.clone().filter(|room| room.guest_name == next)).await;
    }
}

#[tokio::test]
async fn changes_made_while_many_streams_come_and_go_are_never_missed() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1"]).await;
    let writer = {
        let hotel = hotel.clone();
        tokio::spawn(async move {
            for number in 0..40 {
                rename(&hotel, "1", &format!("Guest {number}")).await;
            }
        })
    };
    let mut after = board(&hotel).await.live_after;
    let mut newest = String::new();
    while newest != "Guest 39" {
        let mut live = Live::open(&server.api, Some(hotel.property), Some(after)).await;
        let card = live.until("another name", |change| change.room.clone()).await;
        newest = card.guest_name;
        after = live.last;
    }
    writer.await.unwrap();
}

#[tokio::test]
async fn whoever_was_away_too_long_is_told_to_load_everything_again() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1"]).await;
    for number in 0..5 {
        rename(&hotel, "1", &format!("Guest {number}")).await;
    }
    let newest = board(&hotel).await.live_after;
    // As the sweep does after an hour.
    let db = server.app().db.read();
    db.execute_unprepared(&format!("DELETE FROM live WHERE id < {newest}")).await.unwrap();
    let mut live = Live::open(&server.api, Some(hotel.property), Some(newest - 4)).await;
    live.until("reload", |change| change.reload.then_some(())).await;
    let mut live = Live::open(&server.api, Some(hotel.property), Some(newest)).await;
    // What was seen already may come again; nothing was missed.
    while let Some((id, change)) = live.next(Duration::from_millis(700)).await {
        assert!(id <= newest && !change.reload, "{}", live.raw);
    }
}

#[tokio::test]
async fn the_stream_opens_with_a_good_ticket_only() {
    let server = TestServer::start().await;
    let good = ticket(&server.api).await;
    let access = server.api.token();
    let nobody = server.api.with_token("");
    let half = good.rsplit_once('.').unwrap().0;
    let key = server.app().secrets.derive("jwt");
    let expired = crafted(&server, Algorithm::HS256, &key, json!({ "aud": "live", "exp": 1_700_000_000 })).await;
    for (ticket, what) in [
        ("", "none"),
        ("abc", "no ticket"),
        (access.as_str(), "an access token"),
        (&format!("{half}.AAAA"), "another signature"),
        (half, "no signature"),
        (&expired, "an expired ticket"),
    ] {
        let problem = nobody.get(&format!("/api/v1/live?ticket={ticket}")).await.refused(401);
        assert!(problem.kind.starts_with("token-"), "{what}: {}", problem.kind);
    }
    let missing = nobody.get("/api/v1/live").await;
    assert!((400..500).contains(&missing.status) && missing.status != 404, "{}", missing.text);
    // And a ticket opens nothing else.
    server.api.with_token(&good).get("/api/v1/me").await.refused(401);
    server.api.with_token(&good).post("/api/v1/live/ticket", ()).await.refused(401);
    assert_eq!(server.api.with_token("").post("/api/v1/live/ticket", ()).await.refused(401).kind, "token-missing");
    Live::open_with(&server.api, &format!("?ticket={good}"), None).await;
}

#[tokio::test]
async fn what_is_committed_after_what_came_later_is_sent_too() {
    let server = TestServer::start().await;
    let db = &server.app().db;
    if db.read().get_database_backend() == DbBackend::Sqlite {
        // It has one writer: what came first is committed first.
        return;
    }
    let hotel = server.hotel(&["1", "2"]).await;
    let after = board(&hotel).await.live_after;
    let mut live = Live::open(&server.api, Some(hotel.property), Some(after)).await;
    let of =
        |room: &str| Touched { property: Some(hotel.property.0), room: Some(hotel.room(room).0), ..Touched::default() };
    let slow = db.write_beside().await.unwrap();
    let many = std::iter::once(of("1")).chain((0..600).map(|_| Touched::default()));
    touch(&slow.tx, many).await.unwrap();
    let quick = db.write_beside().await.unwrap();
    touch(&quick.tx, [of("2")]).await.unwrap();
    quick.commit().await.unwrap();
    server.app().live.wake();
    let card = live.until("the later row", |change| change.room.clone()).await;
    assert_eq!(card.id, hotel.room("2"));
    let seen = live.last;
    slow.commit().await.unwrap();
    server.app().live.wake();
    live.until("the earlier row", |change| change.room.clone().filter(|room| room.id == hotel.room("1"))).await;
    // And to a stream that was away meanwhile.
    let mut back = Live::open(&server.api, Some(hotel.property), Some(seen)).await;
    back.until("the earlier row", |change| change.room.clone().filter(|room| room.id == hotel.room("1"))).await;
}
