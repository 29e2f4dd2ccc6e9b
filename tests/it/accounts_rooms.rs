//! An account and its rooms in one request: all of it, or nothing.

use contract::rest::*;
use serde_json::json;

use crate::accounts::{accounts, add_server, hotel_without_extensions, path};
use crate::support::{Ask, TestServer};

#[tokio::test]
async fn an_account_and_its_room_are_taken_or_refused_as_a_whole() {
    let server = TestServer::start().await;
    let hotel = hotel_without_extensions(&server.api, ["101", "105"].map(str::to_owned)).await;
    let (api, sip) = (&server.api, add_server(&hotel, 5060).await);
    let extension = async |room: &str| api.room(hotel.room(room)).await.card.extension;
    let by_hand = format!("/api/v1/rooms/{}", hotel.room("105"));
    api.patch(&by_hand, json!({ "extension": "1207" })).await.ok::<Accepted>();
    let all = path(hotel.property, "sip-accounts");
    let spec = |user: &str, rooms: &[&str]| {
        let rooms: Vec<_> = rooms.iter().map(|room| hotel.room(room)).collect();
        json!({ "server": sip.id, "user": user, "rooms": rooms })
    };

    // Another room is called like this: no account is left behind, and the corrected form goes through.
    assert_eq!(api.post(&all, spec("1207", &["101"])).await.refused(409).kind, "extension-taken");
    assert_eq!(accounts(&hotel, "").await.total, 0);
    let made: SipAccount = api.post(&all, spec("1208", &["101"])).await.ok();
    assert_eq!(made.used_by[0].room, Some(hotel.room("101")));
    assert_eq!(extension("101").await, "1208");

    let one = format!("{all}/{}", made.id);
    assert_eq!(api.put(&one, spec("1207", &["101"])).await.refused(409).kind, "extension-taken");
    assert_eq!(api.put(&one, spec("1209", &["101", "105"])).await.refused(422).field.as_deref(), Some("rooms"));
    let elsewhere = json!({ "server": sip.id, "user": "1209", "rooms": [uuid::Uuid::now_v7()] });
    api.put(&one, elsewhere).await.refused(404);
    let now: SipAccount = api.get(&one).await.ok();
    assert_eq!(now, made, "nothing of a refused change is kept");
    // Left out, the room stays; moved, it follows with another user; taken away, nobody has it.
    api.put(&one, json!({ "server": sip.id, "user": "1210" })).await.ok::<Accepted>();
    assert_eq!(extension("101").await, "1210");
    api.patch(&by_hand, json!({ "extension": "" })).await.ok::<Accepted>();
    api.put(&one, spec("1207", &["105"])).await.ok::<Accepted>();
    assert_eq!([extension("101").await, extension("105").await], ["", "1207"]);
    api.put(&one, spec("1207", &[])).await.ok::<Accepted>();
    assert_eq!(extension("105").await, "");
    assert_eq!(api.get(&one).await.ok::<SipAccount>().used_by, []);
}

#[tokio::test]
async fn several_rooms_share_an_account_and_one_is_taken_out_alone() {
    let server = TestServer::start().await;
    let hotel = hotel_without_extensions(&server.api, ["101", "102", "103"].map(str::to_owned)).await;
    let (api, sip) = (&server.api, add_server(&hotel, 5060).await);
    let all = path(hotel.property, "sip-accounts");
    let spec = |shared: bool, rooms: &[&str]| {
        let rooms: Vec<_> = rooms.iter().map(|room| hotel.room(room)).collect();
        json!({ "server": sip.id, "user": "500", "shared": shared, "rooms": rooms })
    };
    let made: SipAccount = api.post(&all, spec(true, &["101", "102", "101"])).await.ok();
    let one = format!("{all}/{}", made.id);
    let numbers = async || {
        let account: SipAccount = api.get(&one).await.ok();
        let mut numbers: Vec<String> = account.used_by.into_iter().filter_map(|one| one.room_number).collect();
        numbers.sort();
        numbers
    };
    assert_eq!(numbers().await, ["101", "102"]);
    api.put(&one, spec(true, &["102", "103"])).await.ok::<Accepted>();
    assert_eq!(numbers().await, ["102", "103"], "one gone, one come, one untouched");
    let extensions = [api.room(hotel.room("101")).await, api.room(hotel.room("102")).await];
    assert_eq!(extensions.map(|room| room.card.extension), ["", "500"], "the next room is called by it");
    assert_eq!(api.put(&one, spec(false, &["102", "103"])).await.refused(422).field.as_deref(), Some("rooms"));
    api.put(&one, spec(false, &["103"])).await.ok::<Accepted>();
    assert_eq!(numbers().await, ["103"]);
}
