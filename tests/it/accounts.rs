//! SIP servers, extension pools and accounts: from a pool to a phone that is registered.

use contract::PropertyId;
use contract::rest::*;
use serde_json::{Value, json};

use crate::support::kamailio::{self, Kamailio, free_udp_port};
use crate::support::{Api, Ask, Hotel, Phone, TestServer, database, mac, wait_true};

const PASSWORD: &str = "account.1.sip.subscriber.password";

/// A property with these rooms, none of which has an extension.
pub async fn hotel_without_extensions(api: &Api, rooms: impl IntoIterator<Item = String>) -> Hotel {
    let body = json!({ "chain": "Chain", "code": "harbour", "name": "Harbour", "time_zone": "Europe/Lisbon" });
    let property: Property = api.post("/api/v1/properties", body).await.ok();
    let rooms: Vec<Value> = rooms.into_iter().map(|number| json!({ "number": number })).collect();
    let floor = json!({ "name": "1", "level": 1, "rooms": rooms });
    let layout = json!({ "buildings": [{ "name": "House", "floors": [floor] }] });
    api.post(&format!("/api/v1/properties/{}/layout", property.id), layout).await.ok::<Property>();
    Hotel::known(api, property.id).await.unwrap()
}

pub fn path(property: PropertyId, rest: &str) -> String {
    format!("/api/v1/properties/{property}/{rest}")
}

pub async fn add_server(hotel: &Hotel, port: u16) -> SipServer {
    let body = json!({ "name": "Main", "host": "127.0.0.1", "port": port, "transport": "udp" });
    hotel.api.post(&path(hotel.property, "sip-servers"), body).await.ok()
}

pub async fn add_pool(hotel: &Hotel, server: &SipServer, first: &str, last: &str) -> ExtensionPool {
    let body = json!({ "name": "Rooms", "server": server.id, "first": first, "last": last, "reserved": ["1200-1200"] });
    hotel.api.post(&path(hotel.property, "extension-pools"), body).await.ok()
}

pub async fn fill(hotel: &Hotel, pool: &ExtensionPool) -> PoolFilled {
    hotel.api.post(&path(hotel.property, &format!("extension-pools/{}/fill", pool.id)), json!({})).await.ok()
}

pub async fn accounts(hotel: &Hotel, query: &str) -> SipAccountPage {
    hotel.api.get(&path(hotel.property, &format!("sip-accounts?{query}"))).await.ok()
}

/// User and password, as the PBX gets them.
pub async fn exported(hotel: &Hotel) -> Vec<(String, String)> {
    let answer = hotel.api.post(&path(hotel.property, "sip-accounts/export"), json!({})).await;
    assert_eq!((answer.status, answer.content_type.as_str()), (200, "text/csv; charset=utf-8"), "{}", answer.text);
    let mut lines = answer.text.split_terminator("\r\n");
    assert_eq!(lines.next(), Some("user,auth_user,password,display_name"));
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!((fields.len(), fields[0]), (4, fields[1]), "{line}");
        (fields[0].to_owned(), fields[2].to_owned())
    };
    lines.map(line).collect()
}

pub fn pairs(all: &[(String, String)]) -> Vec<(&str, &str)> {
    all.iter().map(|(user, password)| (user.as_str(), password.as_str())).collect()
}

#[tokio::test]
async fn a_phone_registers_with_the_account_its_room_got_from_the_pool_and_follows_a_new_password() {
    if kamailio::skipped() {
        return;
    }
    let server = TestServer::with(&[("acs.inform_interval_s", "3600")]).await;
    let hotel = hotel_without_extensions(&server.api, (1201..=1250).map(|number| number.to_string())).await;
    let port = free_udp_port();
    let sip = add_server(&hotel, port).await;
    let pool = add_pool(&hotel, &sip, "1200", "1299").await;
    let filled = fill(&hotel, &pool).await;
    assert_eq!((filled.given.len(), filled.left_out.len()), (50, 0));
    assert!(filled.given.iter().all(|one| one.extension == one.room_number), "{:?}", filled.given);
    let again = fill(&hotel, &pool).await;
    assert_eq!((again.given.len(), again.phones), (0, 0));
    let card = server.api.room(hotel.room("1207")).await.card;
    assert_eq!(card.extension, "1207");

    let settings = json!({ "account.1.sip.localport": free_udp_port().to_string(),
        "account.1.sip.registrationfailureretrywaittime": "1" });
    let settings_path = path(hotel.property, "settings");
    server.api.put(&settings_path, json!({ "values": settings })).await.ok::<Accepted>();
    let first = exported(&hotel).await;
    assert_eq!(first.len(), 50);
    let registrar = Kamailio::at(port, &pairs(&first)).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let phone = Phone::with(mac(1), server.acs_url(), |config| config.simulated = false).await;
    wait_true("1207 is registered", async || registrar.knows("1207")).await;
    let password_of = |all: &[(String, String)]| all.iter().find(|one| one.0 == "1207").unwrap().1.clone();
    let old = password_of(&first);
    assert_eq!(phone.agent.value(PASSWORD), old);
    server.api.in_sync(id).await;

    let account = accounts(&hotel, "q=1207").await.items.remove(0);
    let renew = path(hotel.property, &format!("sip-accounts/{}/password", account.id));
    let accepted: Accepted = server.api.post(&renew, json!({})).await.ok();
    assert_eq!(accepted.phones, 1);
    server.api.job_is(&accepted.jobs[0], JobState::Done).await;
    let second = exported(&hotel).await;
    let new = password_of(&second);
    assert_ne!(new, old);
    assert_eq!(phone.agent.value(PASSWORD), new);
    assert_eq!(first.iter().zip(&second).filter(|(a, b)| a != b).count(), 1, "the others keep theirs");
    drop(registrar);
    let registrar = Kamailio::at(port, &pairs(&second)).await;
    wait_true("1207 is registered again", async || registrar.knows("1207")).await;

    for path in [
        path(hotel.property, "sip-accounts?limit=500"),
        path(hotel.property, &format!("sip-accounts/{}", account.id)),
        path(hotel.property, "extension-pools"),
        format!("/api/v1/phones/{id}"),
    ] {
        let answer = server.api.get(&path).await;
        assert!(answer.status == 200 && !answer.text.contains(&new) && !answer.text.contains(&old), "{path}");
    }
    let texts = database::every_text(server.app().db.read()).await;
    let found: Vec<&String> = texts.iter().filter(|text| second.iter().any(|one| text.contains(&one.1))).collect();
    assert!(found.is_empty(), "{found:?}");
    let exports = texts.iter().filter(|text| text.as_str() == "audit.action: sip-account.export").count();
    assert_eq!(exports, 2, "each time it was read");
}

#[tokio::test]
async fn a_server_that_moves_takes_its_phones_along() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1201", "1202"]).await;
    let sip = add_server(&hotel, 5060).await;
    let pool = add_pool(&hotel, &sip, "1200", "1299").await;
    let id = hotel.announce(mac(1), Some(hotel.room("1201"))).await.unwrap();
    let filled = fill(&hotel, &pool).await;
    assert_eq!((filled.given.len(), filled.phones), (2, 1), "the rooms keep the extensions they have");
    let value = async |key: &str| {
        let values = server.api.phone(id).await.values;
        values.into_iter().find(|one| one.key == key).and_then(|one| one.desired)
    };
    assert_eq!(value("account.1.enable").await.as_deref(), Some("yes"));
    assert_eq!(value("account.1.sip.server.1.address").await.as_deref(), Some("127.0.0.1:5060"));
    assert_eq!(value("account.1.sip.subscriber.name").await.as_deref(), Some("Room 1201"));
    assert_eq!(value(PASSWORD).await.as_deref(), Some(SECRET_MASK));

    let body = json!({ "name": "Main", "host": "PBX.example", "port": 5061, "transport": "tls",
        "outbound_proxy": "edge.example", "second_server": "b.example:5061", "register_expiry": 30 });
    let one = path(hotel.property, &format!("sip-servers/{}", sip.id));
    assert_eq!(server.api.put(&one, body).await.ok::<Accepted>().phones, 1);
    assert_eq!(value("account.1.sip.server.1.address").await.as_deref(), Some("pbx.example:5061"));
    assert_eq!(value("account.1.sip.transport").await.as_deref(), Some("tls"));
    assert_eq!(value("account.1.sip.outboundproxy.1.address").await.as_deref(), Some("edge.example"));
    assert_eq!(value("account.1.sip.server.2.address").await.as_deref(), Some("b.example:5061"));
    assert_eq!(value("account.1.sip.registerexpiration").await.as_deref(), Some("30"));
    let detail = server.api.phone(id).await;
    let address = detail.values.iter().find(|one| one.key == "account.1.sip.server.1.address").unwrap();
    assert_eq!(address.layer, Some(Layer::Room));
    // Again, as it is: nothing to do.
    let version = detail.desired_version;
    let filled = fill(&hotel, &pool).await;
    assert_eq!((filled.given.len(), server.api.phone(id).await.desired_version), (0, version));

    // Without a proxy the phone has none either, and a guest is greeted by name.
    let body = json!({ "name": "Main", "host": "pbx.example", "transport": "tls" });
    server.api.put(&one, body).await.ok::<Accepted>();
    assert_eq!(value("account.1.sip.outboundproxy.1.address").await.as_deref(), Some(""));
    let room = format!("/api/v1/rooms/{}", hotel.room("1201"));
    server.api.patch(&room, json!({ "guest_name": "Mrs Silva" })).await.ok::<Accepted>();
    assert_eq!(value("account.1.sip.subscriber.name").await.as_deref(), Some("Mrs Silva"));
}

#[tokio::test]
async fn a_shared_account_is_had_by_many_phones_and_another_by_one() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1201", "1202"]).await;
    let sip = add_server(&hotel, 5060).await;
    let accounts_path = path(hotel.property, "sip-accounts");
    let body =
        json!({ "server": sip.id, "user": "500", "slot": 2, "shared": true, "display_name": "Lobby {room.number}" });
    let lobby: SipAccount = server.api.post(&accounts_path, body).await.ok();
    assert_eq!((lobby.password.as_str(), lobby.auth_user.as_str()), (SECRET_MASK, "500"));
    let mut phones = Vec::new();
    for (number, room) in [(1, Some("1201")), (2, Some("1202")), (3, None)] {
        let id = hotel.announce(mac(number), room.map(|room| hotel.room(room))).await.unwrap();
        let accepted: Accepted =
            server.api.post(&format!("{accounts_path}/{}/assign", lobby.id), json!({ "phone": id })).await.ok();
        assert_eq!(accepted.phones, 1);
        phones.push(id);
    }
    let name = async |id| {
        let values = server.api.phone(id).await.values;
        let found = values.into_iter().find(|one| one.key == "account.2.sip.subscriber.name").unwrap();
        (found.desired.unwrap_or_default(), found.layer)
    };
    assert_eq!(name(phones[0]).await, ("Lobby 1201".to_owned(), Some(Layer::Phone)));
    assert_eq!(name(phones[2]).await, ("500".to_owned(), Some(Layer::Phone)), "it is in no room");
    let page = accounts(&hotel, "q=500").await;
    assert_eq!((page.total, page.items[0].used_by.len()), (1, 3));
    assert_eq!(page.items[0].used_by.iter().filter(|one| one.mac == Some(mac(2))).count(), 1);
    // It is not any one's own any more.
    let one = format!("{accounts_path}/{}", lobby.id);
    let own = json!({ "server": sip.id, "user": "500", "slot": 2, "shared": false });
    assert_eq!(server.api.put(&one, own).await.refused(409).kind, "account-in-use");
    // It moves to the other slot, with its password.
    let slot = json!({ "server": sip.id, "user": "500", "slot": 1, "shared": true });
    assert_eq!(server.api.put(&one, slot).await.ok::<Accepted>().phones, 3);
    let values = server.api.phone(phones[2]).await.values;
    let value = |key: &str| values.iter().find(|one| one.key == key).and_then(|one| one.desired.as_deref());
    assert_eq!((value("account.1.sip.userid"), value("account.2.sip.userid")), (Some("500"), Some("")));
    assert_eq!((value("account.2.enable"), value(PASSWORD)), (Some("no"), Some(SECRET_MASK)));
    let taken: Accepted = server.api.post(&format!("{one}/unassign"), json!({})).await.ok();
    assert_eq!(taken.phones, 3);
    assert_eq!(server.api.delete(&one).await.ok::<Accepted>().phones, 0);
    assert_eq!(accounts(&hotel, "").await.total, 0);
}

#[tokio::test]
async fn a_repeated_change_of_accounts_gets_the_first_answer_and_is_made_once() {
    let server = TestServer::start().await;
    let hotel = hotel_without_extensions(&server.api, ["101".to_owned()]).await;
    let pbx = add_server(&hotel, 5060).await;
    let send = async |method: reqwest::Method, rest: &str, body: &Value, key: &str| {
        let path = path(hotel.property, rest);
        server.api.try_send(method, &path, Some(body), &[("idempotency-key", key)]).await.unwrap()
    };
    let post = reqwest::Method::POST;
    let body = json!({ "server": pbx.id, "user": "101", "slot": 1 });
    let first = send(post.clone(), "sip-accounts", &body, "make").await;
    assert_eq!(first.status, 201, "{}", first.text);
    let again = send(post.clone(), "sip-accounts", &body, "make").await;
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!(accounts(&hotel, "").await.total, 1);
    let other = json!({ "server": pbx.id, "user": "102", "slot": 1 });
    let refused = send(post.clone(), "sip-accounts", &other, "make").await.refused(409);
    assert_eq!(refused.kind, "idempotency-key-reused");

    let account: SipAccount = serde_json::from_str(&first.text).unwrap();
    let renew = format!("sip-accounts/{}/password", account.id);
    let old = exported(&hotel).await;
    assert_eq!(send(post.clone(), &renew, &json!({}), "renew").await.status, 202);
    let new = exported(&hotel).await;
    assert_ne!(new, old);
    assert_eq!(send(post, &renew, &json!({}), "renew").await.status, 202);
    assert_eq!(exported(&hotel).await, new, "one new password, however often it is asked for");
}
