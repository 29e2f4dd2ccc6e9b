//! `Idempotency-Key` at every change of SIP servers, pools and accounts: sent again it is answered and not made again.

use cloud::db::entity::audit;
use contract::rest::*;
use reqwest::Method;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use crate::accounts::{add_server, exported, hotel_without_extensions, path};
use crate::support::{Hotel, TestServer, mac};

/// A request below the property.
struct Request {
    method: Method,
    rest: String,
    body: Value,
}

fn request(method: &Method, rest: impl Into<String>, body: Value) -> Request {
    Request { method: method.clone(), rest: rest.into(), body }
}

struct House {
    server: TestServer,
    hotel: Hotel,
    keys: usize,
}

impl House {
    async fn send(&self, request: &Request, key: &str) -> tests::api::Answer {
        let path = path(self.hotel.property, &request.rest);
        let header = [("idempotency-key", key)];
        self.server.api.try_send(request.method.clone(), &path, Some(&request.body), &header).await.unwrap()
    }

    /// All there is to see of servers, pools and accounts, with passwords, and how many changes were made.
    async fn seen(&self) -> (Vec<String>, Vec<(String, String)>, u64) {
        let mut seen = Vec::new();
        for rest in ["sip-servers", "extension-pools", "sip-accounts"] {
            seen.push(self.server.api.get(&path(self.hotel.property, rest)).await.text);
        }
        // Reading passwords is in the audit too.
        let passwords = exported(&self.hotel).await;
        let exports = self.server.app().db.read();
        (seen, passwords, audit::Entity::find().count(exports).await.unwrap())
    }

    /// Sends `first` twice with one key, then `other` with the same key. Returns the answer.
    async fn once(&mut self, first: Request, other: Request) -> String {
        self.keys += 1;
        let (key, what) = (format!("key-{}", self.keys), format!("{} {}", first.method, first.rest));
        let before = self.seen().await;
        let answer = self.send(&first, &key).await;
        assert!((200..300).contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
        let made = self.seen().await;
        // One for the change, one for looking at passwords.
        assert_eq!(made.2, before.2 + 2, "{what} is made");
        let again = self.send(&first, &key).await;
        assert_eq!((again.status, &again.text), (answer.status, &answer.text), "{what} is answered as before");
        let refused = self.send(&other, &key).await.refused(409);
        assert_eq!(refused.kind, "idempotency-key-reused", "{what}");
        let after = self.seen().await;
        assert_eq!((&after.0, &after.1, after.2), (&made.0, &made.1, made.2 + 1), "{what} is made once");
        // With a key of its own the other is no repetition: it is looked at for what it is.
        let fresh = self.send(&other, &format!("{key}-other")).await;
        assert!(!fresh.text.contains("idempotency-key-reused"), "{what}: {}", fresh.text);
        answer.text
    }
}

#[tokio::test]
async fn every_change_of_servers_pools_and_accounts_is_made_once_however_often_it_is_sent() {
    let server = TestServer::start().await;
    let rooms = ["101", "102", "103", "104"].map(str::to_owned);
    let hotel = hotel_without_extensions(&server.api, rooms).await;
    let pbx = add_server(&hotel, 5060).await;
    for (number, room) in [(1, "101"), (2, "103")] {
        hotel.announce(mac(number), Some(hotel.room(room))).await.unwrap();
    }
    let (room_103, room_104) = (hotel.room("103"), hotel.room("104"));
    let (room_101, room_102) = (hotel.room("101"), hotel.room("102"));
    let mut house = House { server, hotel, keys: 0 };
    let (post, put) = (Method::POST, Method::PUT);
    let sip = |name: &str, host: &str| json!({ "name": name, "host": host, "transport": "udp" });

    let rest = "sip-servers";
    house.once(request(&post, rest, sip("Spare", "b.example")), request(&post, rest, sip("Third", "c.example"))).await;

    let pool = |name: &str, last: &str| json!({ "name": name, "server": pbx.id, "first": "100", "last": last });
    let rest = "extension-pools";
    let made = house.once(request(&post, rest, pool("Rooms", "102")), request(&post, rest, pool("More", "109"))).await;
    let made: ExtensionPool = serde_json::from_str(&made).unwrap();
    let rest = format!("extension-pools/{}", made.id);
    house.once(request(&put, &rest, pool("Rooms", "105")), request(&put, &rest, pool("Rooms", "106"))).await;

    let rest = format!("extension-pools/{}/fill", made.id);
    let rooms = |room| json!({ "rooms": [room] });
    let filled = house.once(request(&post, &rest, rooms(room_101)), request(&post, &rest, rooms(room_102))).await;
    let filled: PoolFilled = serde_json::from_str(&filled).unwrap();
    assert_eq!((filled.given.len(), filled.phones, filled.jobs.len()), (1, 1, 1), "and it is the phone of this room");

    // 101's phone follows its server: another job each time it changes.
    let rest = format!("sip-servers/{}", pbx.id);
    let moved =
        house.once(request(&put, &rest, sip("Main", "d.example")), request(&put, &rest, sip("Main", "e.example")));
    let moved: Accepted = serde_json::from_str(&moved.await).unwrap();
    assert_eq!(moved.phones, 1, "no phone stands in 102");

    let account = |user: &str, shown: &str| json!({ "server": pbx.id, "user": user, "display_name": shown });
    let rest = "sip-accounts";
    let made = house.once(request(&post, rest, account("300", "")), request(&post, rest, account("301", ""))).await;
    let made: SipAccount = serde_json::from_str(&made).unwrap();
    let other = json!({ "room": room_104, "replace": true });
    let rest = format!("sip-accounts/{}/assign", made.id);
    let first = json!({ "room": room_103 });
    let given: Accepted =
        serde_json::from_str(&house.once(request(&post, &rest, first.clone()), request(&post, &rest, other)).await)
            .unwrap();
    assert_eq!(given.phones, 1);
    let back = request(&post, &rest, json!({ "room": room_103, "replace": true }));
    assert_eq!(house.send(&back, "back").await.status, 202);

    let rest = format!("sip-accounts/{}", made.id);
    let changed =
        house.once(request(&put, &rest, account("300", "Lobby")), request(&put, &rest, account("300", "Bar"))).await;
    assert_eq!(serde_json::from_str::<Accepted>(&changed).unwrap().phones, 1);

    // It takes no body: another request is one at another account.
    let others: SipAccountPage = house.server.api.get(&path(house.hotel.property, "sip-accounts?q=301")).await.ok();
    let password = |id| request(&post, format!("sip-accounts/{id}/password"), json!({}));
    house.once(password(made.id), password(others.items[0].id)).await;

    let rest = format!("sip-accounts/{}/unassign", made.id);
    let taken = house.once(request(&post, &rest, first), request(&post, &rest, json!({}))).await;
    assert_eq!(serde_json::from_str::<Accepted>(&taken).unwrap().phones, 1);
    assert_eq!(house.keys, 10, "all operations with an Idempotency-Key in api/accounts.rs");
}
