//! What nobody may do with accounts, and what each refusal says.

use contract::rest::*;
use serde_json::json;

use crate::accounts::{accounts, add_pool, add_server, fill, hotel_without_extensions, path};
use crate::support::{Ask, TestServer, mac};

#[tokio::test]
async fn the_extension_of_a_room_is_that_of_its_account() {
    let server = TestServer::start().await;
    let hotel = hotel_without_extensions(&server.api, ["1201", "1202", "Spa"].map(str::to_owned)).await;
    let sip = add_server(&hotel, 5060).await;
    let pool = add_pool(&hotel, &sip, "1201", "1203").await;
    let extension = async |room: &str| server.api.room(hotel.room(room)).await.card.extension;
    fill(&hotel, &pool).await;
    assert_eq!([extension("1201").await, extension("Spa").await], ["1201", "1203"]);
    let room = format!("/api/v1/rooms/{}", hotel.room("1201"));
    let refused = server.api.patch(&room, json!({ "extension": "77" })).await.refused(409);
    assert_eq!((refused.kind.as_str(), refused.field.as_deref()), ("extension-of-account", Some("extension")));
    server.api.patch(&room, json!({ "extension": "1201", "guest_name": "A" })).await.ok::<Accepted>();

    let account = accounts(&hotel, "q=1201").await.items.remove(0);
    assert_eq!(account.used_by[0].room, Some(hotel.room("1201")));
    let one = path(hotel.property, &format!("sip-accounts/{}", account.id));
    let renamed = json!({ "server": sip.id, "user": "6201" });
    server.api.put(&one, renamed).await.ok::<Accepted>();
    assert_eq!(extension("1201").await, "6201");
    server.api.put(&one, json!({ "server": sip.id, "user": "6201", "slot": 2 })).await.ok::<Accepted>();
    assert_eq!(extension("1201").await, "", "an account of the second slot is not its extension");
    server.api.put(&one, json!({ "server": sip.id, "user": "1202" })).await.refused(409);
    assert_eq!(accounts(&hotel, "q=6201").await.items[0].slot, 2, "nothing of a refused change is kept");
    server.api.post(&format!("{one}/unassign"), json!({})).await.ok::<Accepted>();
    // The room is on its own again, as without accounts, and then gets one.
    server.api.patch(&room, json!({ "extension": "88" })).await.ok::<Accepted>();
    let filled = fill(&hotel, &pool).await;
    assert_eq!(filled.given.iter().map(|one| one.extension.as_str()).collect::<Vec<_>>(), ["88"]);
    server.api.delete(&one).await.ok::<Accepted>();
}

#[tokio::test]
async fn an_account_is_moved_only_when_asked_to() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1201", "1202"]).await;
    let sip = add_server(&hotel, 5060).await;
    let pool = add_pool(&hotel, &sip, "1200", "1299").await;
    fill(&hotel, &pool).await;
    let account = accounts(&hotel, "q=1201").await.items.remove(0);
    let assign = path(hotel.property, &format!("sip-accounts/{}/assign", account.id));
    let to = |replace: bool| json!({ "room": hotel.room("1202"), "replace": replace });
    assert_eq!(server.api.post(&assign, to(false)).await.refused(409).kind, "account-in-use");
    server.api.post(&assign, to(true)).await.ok::<Accepted>();
    let extension = async |room: &str| server.api.room(hotel.room(room)).await.card.extension;
    assert_eq!([extension("1201").await, extension("1202").await], ["", "1201"]);
    assert_eq!(accounts(&hotel, "used=false").await.items[0].user, "1202");
    // A free one into a room that has another.
    let other = accounts(&hotel, "used=false").await.items.remove(0);
    let assign = path(hotel.property, &format!("sip-accounts/{}/assign", other.id));
    assert_eq!(server.api.post(&assign, to(false)).await.refused(409).kind, "slot-taken");
    let both = json!({ "room": hotel.room("1202"), "phone": uuid::Uuid::nil() });
    assert_eq!(server.api.post(&assign, both).await.refused(422).field.as_deref(), Some("room"));
    server.api.post(&assign, json!({})).await.refused(422);
    // Not the number of the other room, although nobody has that account.
    let filled = fill(&hotel, &pool).await;
    let given = |filled: &PoolFilled| (filled.given[0].room_number.clone(), filled.given[0].extension.clone());
    assert_eq!((filled.given.len(), given(&filled)), (1, ("1201".to_owned(), "1203".to_owned())));
    // An account nobody has is taken up again, rather than a second one made.
    let made = filled.given[0].account;
    let unassign = path(hotel.property, &format!("sip-accounts/{made}/unassign"));
    server.api.post(&unassign, json!({ "room": hotel.room("1202") })).await.refused(404);
    server.api.post(&unassign, json!({ "room": hotel.room("1201") })).await.ok::<Accepted>();
    let filled = fill(&hotel, &pool).await;
    assert_eq!((filled.given[0].account, given(&filled).1.as_str()), (made, "1203"));
}

#[tokio::test]
async fn what_is_wrong_with_servers_pools_and_accounts_is_named() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1201"]).await;
    let sip = add_server(&hotel, 5060).await;
    let property = hotel.property;
    let (servers, pools, all) =
        (path(property, "sip-servers"), path(property, "extension-pools"), path(property, "sip-accounts"));
    let pool = |first: &str, last: &str| json!({ "name": "P", "server": sip.id, "first": first, "last": last });
    let account = |user: &str| json!({ "server": sip.id, "user": user });
    for (path, body, field) in [
        (&servers, json!({ "name": "x", "host": "a b", "transport": "udp" }), "host"),
        (&servers, json!({ "name": "x", "host": "a", "transport": "sctp" }), "transport"),
        (&servers, json!({ "name": "x", "host": "a", "transport": "udp", "prt": 1 }), "prt"),
        (&pools, pool("10", "100"), "last"),
        (&pools, pool("1", "x"), "last"),
        (&pools, pool("x", "1"), "first"),
        (&pools, pool("000000", "999999"), "last"),
        (&pools, json!({ "name": "P", "server": sip.id, "first": "1", "last": "2", "reserved": ["a"] }), "reserved"),
        (&all, account("a@b"), "user"),
        (&all, account(""), "user"),
        (&all, json!({ "server": sip.id, "user": "1", "slot": 3 }), "slot"),
        (&all, json!({ "server": sip.id, "user": "1", "display_name": "{room.numbr}" }), "display_name"),
        (&all, json!({ "server": sip.id, "user": "1", "password": "p".repeat(129) }), "password"),
    ] {
        let refused = server.api.post(path, body.clone()).await.refused(422);
        assert_eq!(refused.field.as_deref(), Some(field), "{body}: {}", refused.detail);
    }
    for (path, body) in [(&pools, pool("1", "2")), (&all, account("1"))] {
        let mut body = body;
        body["server"] = json!(uuid::Uuid::now_v7());
        server.api.post(path, body).await.refused(404);
    }
    server.api.get(&format!("{all}?limit=501")).await.refused(422);

    server.api.post(&all, account("1201")).await.ok::<SipAccount>();
    assert_eq!(server.api.post(&all, account("1201")).await.refused(409).kind, "user-taken");
    let again = json!({ "name": "Main", "host": "b", "transport": "tcp" });
    assert_eq!(server.api.post(&servers, again).await.refused(409).kind, "name-taken");
    let one = format!("{servers}/{}", sip.id);
    assert_eq!(server.api.delete(&one).await.refused(409).kind, "server-in-use");
    let found = accounts(&hotel, "").await.items.remove(0);
    server.api.delete(&format!("{all}/{}", found.id)).await.ok::<Accepted>();
    assert_eq!(server.api.delete(&one).await.status, 204);
    assert_eq!(server.api.delete(&one).await.refused(404).kind, "not-found");
}

#[tokio::test]
async fn one_property_knows_nothing_of_another_s_accounts() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1201"]).await;
    let sip = add_server(&hotel, 5060).await;
    let pool = add_pool(&hotel, &sip, "1200", "1299").await;
    fill(&hotel, &pool).await;
    let account = accounts(&hotel, "").await.items.remove(0);
    let body = json!({ "chain": "C", "code": "other", "name": "Other", "time_zone": "UTC" });
    let other: Property = server.api.post("/api/v1/properties", body).await.ok();
    let at = |rest: String| path(other.id, &rest);
    server.api.get(&at(format!("sip-accounts/{}", account.id))).await.refused(404);
    server.api.post(&at(format!("sip-accounts/{}/password", account.id)), json!({})).await.refused(404);
    server.api.post(&at(format!("extension-pools/{}/fill", pool.id)), json!({})).await.refused(404);
    server.api.post(&at("sip-accounts/export".into()), json!({ "server": sip.id })).await.refused(404);
    let phone = hotel.announce(mac(1), None).await.unwrap();
    let mine = path(hotel.property, &format!("sip-accounts/{}/assign", account.id));
    server.api.post(&mine, json!({ "phone": phone, "replace": true })).await.ok::<Accepted>();
    assert_eq!(server.api.room(hotel.room("1201")).await.card.extension, "");
}
