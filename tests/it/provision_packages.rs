//! A phone's configuration as a file for people, there and back; and backup packages.

use contract::rest::{ConfigurationPreview, Layer, LayerValues, RestorePreview, RoomType, SECRET_MASK};
use contract::{PhoneId, RoomId};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::files::{SIP_PASSWORD, SetPassword};
use crate::support::{Api, Ask, Hotel, TestServer, mac};

const PASSWORD: &str = " für 5 € im Paket ";

async fn placed(server: &TestServer) -> (Hotel, PhoneId, RoomId) {
    let hotel = server.hotel(&["1207", "1208"]).await;
    let room = hotel.room("1207");
    let id = hotel.announce(mac(1), Some(room)).await.unwrap();
    server.api.set_password(room).await;
    (hotel, id, room)
}

async fn send(api: &Api, path: &str, password: Option<&str>, body: Vec<u8>) -> reqwest::Response {
    let mut request = api.request(Method::POST, path).body(body);
    if let Some(password) = password {
        // As browsers do.
        let encoded: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
        request = request.header("x-file-password", format!("UTF-8''{encoded}"));
    }
    request.send().await.unwrap()
}

async fn set(api: &Api, path: &str, key: &str, value: Option<&str>) {
    api.put(path, json!({ "values": { key: value } })).await.ok::<serde_json::Value>();
}

#[tokio::test]
async fn what_is_downloaded_changes_nothing_when_it_is_sent_back() {
    let server = TestServer::start().await;
    let (_, id, _) = placed(&server).await;
    let path = format!("/api/v1/phones/{id}/configuration/file");
    for format in ["xml", "grouped-xml", "p-xml", "txt", "p-txt", "binary"] {
        let answer = server.api.request(Method::GET, &format!("{path}?format={format}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{format}");
        let name = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
        assert!(name.contains(&mac(1).compact()), "{name}");
        let file = answer.bytes().await.unwrap().to_vec();
        let text = String::from_utf8_lossy(&file).into_owned();
        assert!(!text.contains(SIP_PASSWORD) && !text.contains(SECRET_MASK), "{format}: {text}");
        if format.contains("xml") || format.contains("txt") {
            assert!(text.contains("not in this file: account.1.sip.subscriber.password"), "{format}: {text}");
        }
        let preview: ConfigurationPreview = send(&server.api, &path, None, file).await.json().await.unwrap();
        assert!(preview.changes.is_empty() && preview.unchanged > 0, "{format}: {preview:?}");
        assert_eq!((preview.aside_total, preview.accepted), (0, None), "{format}: {:?}", preview.aside);
    }
    assert_eq!(server.api.get(&format!("{path}?format=pdf")).await.status, 400);
}

#[tokio::test]
async fn secrets_leave_behind_a_password_and_come_back_with_it() {
    let server = TestServer::start().await;
    let (hotel, id, room) = placed(&server).await;
    let path = format!("/api/v1/phones/{id}/configuration/file");
    let order = json!({ "format": "txt", "password": PASSWORD });
    let sealed = server.api.request(Method::POST, &format!("{path}/sealed")).json(&order).send().await.unwrap();
    let sealed = sealed.bytes().await.unwrap().to_vec();
    assert!(sealed.starts_with(b"Salted__"));
    server.api.post(&format!("{path}/sealed"), json!({ "password": "short" })).await.refused(422);
    for wrong in [None, Some("something else")] {
        assert_eq!(send(&server.api, &path, wrong, sealed.clone()).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    set(&server.api, &format!("/api/v1/rooms/{room}/settings"), "account.1.sip.subscriber.password", Some("Another-1"))
        .await;
    let preview: ConfigurationPreview = send(&server.api, &path, Some(PASSWORD), sealed).await.json().await.unwrap();
    assert_eq!(preview.changes.len(), 1, "{preview:?}");
    let change = &preview.changes[0];
    assert_eq!((change.before.as_str(), change.after.as_str(), change.secret), (SECRET_MASK, SECRET_MASK, true));
    assert_eq!(hotel.property, server.api.phone(id).await.phone.property.unwrap());
}

#[tokio::test]
async fn a_file_is_tried_before_it_is_applied_and_what_it_cannot_is_said() {
    let server = TestServer::start().await;
    let (_, id, _) = placed(&server).await;
    let path = format!("/api/v1/phones/{id}/configuration/file");
    let file = "# by hand\nhotel.name = Ours\nnonsense = 1\naccount.1.sip.transport = pigeon\nP271=0\n";
    let preview: ConfigurationPreview = send(&server.api, &path, None, file.into()).await.json().await.unwrap();
    let changes: Vec<_> = preview.changes.iter().map(|one| (one.key.as_str(), one.after.as_str())).collect();
    assert_eq!(changes, [("hotel.name", "Ours")], "{preview:?}");
    let aside: Vec<_> = preview.aside.iter().map(|one| (one.name.as_str(), one.place.as_str())).collect();
    assert_eq!(aside, [("nonsense", "line 3"), ("account.1.sip.transport", "line 4")], "{preview:?}");
    let layer = format!("/api/v1/phones/{id}/settings");
    assert!(server.api.get(&layer).await.ok::<LayerValues>().values.is_empty(), "only tried");

    let applied: ConfigurationPreview =
        send(&server.api, &format!("{path}?apply=true"), None, file.into()).await.json().await.unwrap();
    assert_eq!(applied.accepted.unwrap().phones, 1);
    assert_eq!(server.api.get(&layer).await.ok::<LayerValues>().values[0].value, "Ours");
    let again: ConfigurationPreview =
        send(&server.api, &format!("{path}?apply=true"), None, file.into()).await.json().await.unwrap();
    assert!(again.changes.is_empty() && again.accepted.is_none());

    let other = format!("<gs_provision><mac>{}</mac><config version=\"2\"/></gs_provision>", mac(2).compact());
    for wrong in [other.as_bytes(), b"<a><b>", b"\xff\xfe", &[b'a'; (1 << 20) + 1]] {
        assert_eq!(send(&server.api, &path, None, wrong.to_vec()).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn what_a_phone_writes_for_the_secrets_it_does_not_show_takes_none_away() {
    let server = TestServer::start().await;
    let (hotel, id, _) = placed(&server).await;
    let property = format!("/api/v1/properties/{}/settings", hotel.property);
    let secrets = ["account.1.sip.subscriber.password", "tr069.password"];
    for key in secrets {
        set(&server.api, &property, key, Some("Their-Secret-1207")).await;
    }
    let path = format!("/api/v1/phones/{id}/configuration/file");
    let items = secrets.map(|key| format!("<item name=\"{key}\"/>")).concat();
    for file in [
        format!("<gs_provision><config version=\"2\">{items}</config></gs_provision>"),
        format!("# by a phone\r\nP34=\r\n{} =\r\n", secrets[1]),
    ] {
        let preview: ConfigurationPreview =
            send(&server.api, &format!("{path}?apply=true"), None, file.clone().into()).await.json().await.unwrap();
        assert!(preview.changes.is_empty() && preview.accepted.is_none(), "{preview:?}");
        let aside: Vec<_> = preview.aside.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(aside, secrets, "{file}");
    }
}

async fn package(api: &Api, path: &str, password: &str) -> Vec<u8> {
    let order = json!({ "password": password });
    let answer = api.request(Method::POST, &format!("{path}/backup")).json(&order).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.bytes().await.unwrap().to_vec()
}

async fn restore(api: &Api, path: &str, query: &str, password: Option<&str>, package: &[u8]) -> RestorePreview {
    let answer = send(api, &format!("{path}/restore{query}"), password, package.to_vec()).await;
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, StatusCode::OK, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn room_types_are_in_a_propertys_package() {
    let server = TestServer::start().await;
    let (hotel, _, room) = placed(&server).await;
    let path = format!("/api/v1/properties/{}", hotel.property);
    let suite: RoomType = server.api.post(&format!("{path}/room-types"), json!({ "name": "Grand suite" })).await.ok();
    server.api.patch(&format!("/api/v1/rooms/{room}"), json!({ "room_type": suite.id })).await.ok::<Value>();
    let layer = format!("/api/v1/room-types/{}/settings", suite.id);
    let lock = json!({ "values": { "hotel.name": "Suites" }, "locks": { "hotel.name": "House style" } });
    server.api.put(&layer, lock).await.ok::<Value>();
    let tar = package(&server.api, &path, "").await;
    let text = String::from_utf8_lossy(&tar).into_owned();
    assert!(text.contains(r#""room_type": "Grand suite""#), "{text}");

    set(&server.api, &layer, "hotel.name", None).await;
    let done = restore(&server.api, &path, "?apply=true", None, &tar).await;
    assert_eq!((done.set, done.removed, done.accepted.map(|done| done.phones)), (1, 0, Some(1)));
    let layers: Vec<_> = done.layers.iter().map(|one| (one.layer, one.name.as_str(), one.set, one.removed)).collect();
    assert_eq!(layers, [(Layer::RoomType, "Grand suite", 1, 0)]);
    let values = server.api.get(&layer).await.ok::<LayerValues>().values;
    assert_eq!((values[0].value.as_str(), values[0].reason.as_str()), ("Suites", "House style"));

    // What is called otherwise by now keeps its values, and so does what the package has not heard of.
    let kind = format!("/api/v1/room-types/{}", suite.id);
    server.api.patch(&kind, json!({ "name": "Palace" })).await.ok::<Value>();
    let renamed = restore(&server.api, &path, "", None, &tar).await;
    assert_eq!((renamed.set, renamed.removed, renamed.aside.len()), (0, 0, 1), "{renamed:?}");

    server.api.delete(&format!("/api/v1/room-types/{}", suite.id)).await;
    let gone = restore(&server.api, &path, "", None, &tar).await;
    assert_eq!((gone.set, gone.aside.len()), (0, 1), "{gone:?}");
    assert_eq!(
        (gone.aside[0].place.as_str(), gone.aside[0].reason.as_str()),
        ("room-type Grand suite", "is not here any more")
    );
}

#[tokio::test]
async fn a_property_is_put_back_as_it_was_with_its_secrets() {
    let server = TestServer::start().await;
    let (hotel, id, room) = placed(&server).await;
    let (of_property, of_room, of_phone) = (
        format!("/api/v1/properties/{}/settings", hotel.property),
        format!("/api/v1/rooms/{room}/settings"),
        format!("/api/v1/phones/{id}/settings"),
    );
    set(&server.api, &of_property, "hotel.name", Some("Before")).await;
    set(&server.api, &of_phone, "account.1.sip.transport", Some("tcp")).await;
    let path = format!("/api/v1/properties/{}", hotel.property);
    let (sealed, plain) = (package(&server.api, &path, PASSWORD).await, package(&server.api, &path, "").await);
    for tar in [&sealed, &plain] {
        assert!(!tar.windows(SIP_PASSWORD.len()).any(|part| part == SIP_PASSWORD.as_bytes()));
    }
    let nothing = restore(&server.api, &path, "", Some(PASSWORD), &sealed).await;
    assert_eq!((nothing.set, nothing.removed, nothing.unchanged), (0, 0, 3), "{nothing:?}");

    set(&server.api, &of_property, "hotel.name", Some("After")).await;
    set(&server.api, &of_phone, "account.1.sip.transport", None).await;
    set(&server.api, &of_phone, "account.1.sip.userid", Some("9999")).await;
    set(&server.api, &of_room, "account.1.sip.subscriber.password", None).await;
    let without = restore(&server.api, &path, "", None, &plain).await;
    assert_eq!((without.set, without.removed, without.aside_total), (2, 1, 1), "{without:?}");
    assert!(without.aside[0].reason.contains("password"), "{without:?}");
    let tried = restore(&server.api, &path, "", Some(PASSWORD), &sealed).await;
    assert_eq!((tried.set, tried.removed, tried.unchanged, tried.aside_total), (3, 1, 0, 0), "{tried:?}");
    let layer = server.api.get(&of_property).await.ok::<LayerValues>();
    assert_eq!(layer.values[0].value, "After", "only tried");

    let done = restore(&server.api, &path, "?apply=true", Some(PASSWORD), &sealed).await;
    assert_eq!(done.accepted.unwrap().phones, 1);
    assert_eq!(server.api.get(&of_property).await.ok::<LayerValues>().values[0].value, "Before");
    let values = server.api.get(&of_phone).await.ok::<LayerValues>().values;
    let values: Vec<_> = values.iter().map(|value| (value.key.as_str(), value.value.as_str())).collect();
    assert_eq!(values, [("account.1.sip.transport", "tcp")]);
    let sealed_file = json!({ "format": "txt", "password": PASSWORD });
    let file = server.api.request(Method::POST, &format!("/api/v1/phones/{id}/configuration/file/sealed"));
    let file = file.json(&sealed_file).send().await.unwrap().bytes().await.unwrap();
    let preview: ConfigurationPreview =
        send(&server.api, &format!("/api/v1/phones/{id}/configuration/file"), Some(PASSWORD), file.to_vec())
            .await
            .json()
            .await
            .unwrap();
    assert!(preview.changes.is_empty());
    let again = restore(&server.api, &path, "?apply=true", Some(PASSWORD), &sealed).await;
    assert_eq!((again.set, again.removed, again.unchanged), (0, 0, 3));

    // A phone's package holds its own layer, and nobody else's is taken.
    let phone = format!("/api/v1/phones/{id}");
    let own = package(&server.api, &phone, "").await;
    set(&server.api, &of_phone, "account.1.sip.transport", None).await;
    let done = restore(&server.api, &phone, "?apply=true", None, &own).await;
    assert_eq!((done.set, done.removed), (1, 0), "{done:?}");
    for (wrong, password) in [(&own, None), (&sealed, Some("something else"))] {
        let answer = send(&server.api, &format!("{path}/restore"), password, wrong.clone()).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
}
