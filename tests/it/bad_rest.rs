//! Whatever a program may send to the REST API: answered with a problem document that names the field.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Ask, TestServer, mac};

#[tokio::test]
async fn unknown_fields_and_wrong_types_are_refused_by_name() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let room = format!("/api/v1/rooms/{}", hotel.room("1207"));
    let announce = format!("/api/v1/phones/announce?property={}", hotel.property);
    let settings = format!("/api/v1/properties/{}/settings", hotel.property);
    let cases = [
        (Method::PATCH, room.clone(), json!({ "numbr": "1" }), Some("numbr")),
        (Method::PATCH, room.clone(), json!({ "number": 1207 }), None),
        (Method::PATCH, room.clone(), json!({ "number": ["1207"] }), None),
        (Method::PATCH, room.clone(), json!([]), None),
        (Method::PATCH, room.clone(), json!("1207"), None),
        (Method::PUT, format!("{room}/phone"), json!({}), Some("phone")),
        (Method::PUT, format!("{room}/phone"), json!({ "phone": mac(1), "swap": true }), Some("swap")),
        (Method::PUT, format!("{room}/phone"), json!({ "phone": mac(1), "replace": "yes" }), None),
        (Method::PUT, format!("{room}/phone"), json!({ "phone": "c0:74:ad" }), Some("phone")),
        (Method::POST, announce.clone(), json!({ "mac": "not a mac", "serial": "1" }), Some("mac")),
        (Method::POST, announce.clone(), json!({ "serial": "1" }), Some("mac")),
        (Method::POST, announce, json!({ "mac": mac(1), "serial": "1", "room": "12" }), None),
        (Method::PUT, settings.clone(), json!({ "values": { "hotel.name": 1 } }), None),
        (Method::PUT, settings, json!({ "value": {} }), Some("value")),
        (
            Method::POST,
            "/api/v1/properties".into(),
            json!({ "chain": "c", "code": "x y", "name": "n", "time_zone": "UTC" }),
            Some("code"),
        ),
        (
            Method::POST,
            "/api/v1/properties".into(),
            json!({ "chain": "c", "code": "x", "name": "", "time_zone": "UTC" }),
            Some("name"),
        ),
        (
            Method::POST,
            "/api/v1/properties".into(),
            json!({ "chain": "c", "code": "x", "name": "n", "time_zone": "Lisbon" }),
            Some("time_zone"),
        ),
        (Method::POST, "/api/v1/login".into(), json!({ "email": "a" }), Some("password")),
    ];
    for (method, path, body, field) in cases {
        let problem = server.api.send(method, &path, Some(&body)).await.refused(422);
        if field.is_some() {
            assert_eq!(problem.field.as_deref(), field, "{path} {body}: {}", problem.detail);
        }
        assert!(problem.field.is_some(), "{path} {body}: {}", problem.detail);
    }
    assert_eq!(server.api.room(hotel.room("1207")).await.card.number, "1207");
}

#[tokio::test]
async fn a_body_that_is_no_json_or_too_large_is_refused() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    for body in ["", "{", "number=1", "\u{0}", "{\"number\":\"\u{fffd}", "{\"number\":\"1\"} x"] {
        let request =
            server.api.request(Method::PATCH, &path).header("content-type", "application/json").body(body.to_owned());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 422, "{body:?}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    for large in [(1 << 20) + 1, 2 << 20] {
        let body = json!({ "guest_name": "x".repeat(large) });
        let answer = server.api.patch(&path, body).await;
        assert!(matches!(answer.status, 413 | 422), "{}", answer.status);
        assert!(answer.refused(answer.status).detail.contains("1 MiB"), "{}", answer.text);
    }
    let nested: Value = (0..100).fold(json!(1), |inner, _| json!([inner]));
    server.api.patch(&path, json!({ "guest_name": nested })).await.refused(422);
    let deep = format!("{{\"guest_name\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let request = server.api.request(Method::PATCH, &path).header("content-type", "application/json").body(deep);
    assert_eq!(request.send().await.unwrap().status(), 422);
    assert_eq!(server.api.room(hotel.room("1207")).await.card.guest_name, "");
}

#[tokio::test]
async fn an_unknown_id_and_a_malformed_one_are_the_same_to_the_asker() {
    let server = TestServer::start().await;
    let unknown = uuid::Uuid::now_v7().to_string();
    let token = json!({});
    for (method, path) in [
        (Method::GET, "/api/v1/rooms/{id}"),
        (Method::PATCH, "/api/v1/rooms/{id}"),
        (Method::GET, "/api/v1/rooms/{id}/settings"),
        (Method::DELETE, "/api/v1/rooms/{id}/phone"),
        (Method::GET, "/api/v1/phones/{id}"),
        (Method::DELETE, "/api/v1/phones/{id}"),
        (Method::POST, "/api/v1/phones/{id}/push"),
        (Method::GET, "/api/v1/phones/{id}/settings"),
        (Method::GET, "/api/v1/properties/{id}"),
        (Method::GET, "/api/v1/properties/{id}/board"),
        (Method::GET, "/api/v1/properties/{id}/progress"),
        (Method::GET, "/api/v1/properties/{id}/settings"),
        (Method::POST, "/api/v1/jobs/{id}/retry"),
        (Method::POST, "/api/v1/jobs/{id}/cancel"),
    ] {
        let mut kinds = Vec::new();
        for id in [unknown.as_str(), "12", "..", "%00", "'%20OR%201=1", "00000000-0000-0000-0000-00000000000g"] {
            let body = (method == Method::PATCH).then_some(&token);
            let answer = server.api.send(method.clone(), &path.replace("{id}", id), body).await;
            // ".." is taken for the folder above by the client itself.
            if id != ".." {
                kinds.push(answer.refused(404).kind);
            }
        }
        assert!(kinds.iter().all(|kind| kind == "not-found"), "{method} {path}: {kinds:?}");
    }
}

#[tokio::test]
async fn wrong_queries_methods_and_addresses_are_problem_documents() {
    let server = TestServer::start().await;
    for query in [
        "limit=0",
        "limit=501",
        "limit=many",
        "state=sleeping",
        "sort=colour",
        "offset=-1",
        "colour=red",
        "property=12",
    ] {
        let answer = server.api.get(&format!("/api/v1/phones?{query}")).await;
        assert!(matches!(answer.status, 400 | 422), "{query}: {}", answer.status);
        answer.refused(answer.status);
    }
    let long = format!("/api/v1/phones?q={}", "x".repeat(101));
    assert_eq!(server.api.get(&long).await.refused(422).field.as_deref(), Some("q"));
    for query in ["q=%25", "q=_", "q=%27%3B%20DROP%20TABLE%20phone", "q=%5C", "limit=500", "offset=99999999"] {
        let page: contract::rest::PhonePage = server.api.get(&format!("/api/v1/phones?{query}")).await.ok();
        assert!(page.items.is_empty(), "{query}");
    }
    server.api.get("/api/v1/nothing").await.refused(404);
    server.api.get("/api/v2/phones").await.refused(404);
    server.api.delete("/api/v1/phones").await.refused(405);
    assert_eq!(server.api.with_token("").get("/api/v1/health").await.status, 200);
}
