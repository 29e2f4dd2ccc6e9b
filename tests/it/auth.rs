//! People and their tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use contract::rest::{Me, Tokens};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};
use tests::process::{EMAIL, PASSWORD};

use crate::support::{Api, TestServer};

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

/// A token like the server's own, with these claims changed.
pub async fn crafted(server: &TestServer, algorithm: Algorithm, key: &[u8], change: Value) -> String {
    let me: Me = server.api.get("/api/v1/me").await.ok();
    let mut claims = json!({
        "sub": me.id, "aud": "api", "iss": "bellhop", "nbf": now() - 60, "exp": now() + 600, "jti": uuid::Uuid::now_v7(),
        "name": me.email,
    });
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(key)).unwrap()
}

#[tokio::test]
async fn only_an_unchanged_fresh_token_of_this_server_is_accepted() {
    let server = TestServer::start().await;
    let key = server.app().secrets.derive("jwt");
    let like = async |change: Value| crafted(&server, Algorithm::HS256, &key, change).await;
    let me = async |token: &str| server.api.with_token(token).get("/api/v1/me").await;
    assert_eq!(me(&like(json!({})).await).await.status, 200, "the crafted one is right but for what is changed");

    let expired = me(&like(json!({ "exp": now() - 60 })).await).await.refused(401);
    assert_eq!(expired.kind, "token-expired", "the browser then refreshes");
    let real = server.api.token();
    let parts: Vec<&str> = real.split('.').collect();
    let longer = crafted(&server, Algorithm::HS256, &key, json!({ "exp": now() + 999_999 })).await;
    let edited = format!("{}.{}.{}", parts[0], longer.split('.').nth(1).unwrap(), parts[2]);
    // {"alg":"none","typ":"JWT"}
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    for (token, what) in [
        (like(json!({ "aud": "live" })).await, "for the live stream"),
        (like(json!({ "aud": null })).await, "for nothing"),
        (like(json!({ "iss": "somebody" })).await, "from somebody else"),
        (like(json!({ "iss": null })).await, "from nobody"),
        (like(json!({ "exp": null })).await, "good for ever"),
        (like(json!({ "nbf": now() + 600 })).await, "not yet good"),
        (like(json!({ "sub": uuid::Uuid::now_v7() })).await, "of nobody"),
        (like(json!({ "sub": "admin" })).await, "of no id"),
        (crafted(&server, Algorithm::HS512, &key, json!({})).await, "of another algorithm"),
        (crafted(&server, Algorithm::HS256, b"another key", json!({})).await, "of another key"),
        (edited, "edited"),
        (format!("{none}.{}.", parts[1]), "unsigned"),
        (format!("{none}.{}.{}", parts[1], parts[2]), "called unsigned"),
        (format!("{}.{}", parts[0], parts[1]), "cut off"),
        ("x".repeat(5000), "rubbish"),
    ] {
        assert_eq!(me(&token).await.refused(401).kind, "token-invalid", "{what}");
    }
    for header in ["Basic YWRtaW46YWRtaW4=", "Bearer", "bearer", "", "Token abc"] {
        let headers = [("authorization", header)];
        let answer = server.api.with_token("").try_send(Method::GET, "/api/v1/me", None, &headers).await.unwrap();
        answer.refused(401);
    }
}

#[tokio::test]
async fn a_refresh_token_is_good_once() {
    let server = TestServer::start().await;
    let api = Api::new(server.api.base());
    let first: Tokens = api.post("/api/v1/login", json!({ "email": EMAIL, "password": PASSWORD })).await.ok();
    assert_eq!(first.expires_in, 15 * 60);
    let refresh = async |token: &str| api.post("/api/v1/refresh", json!({ "refresh_token": token })).await;
    let second: Tokens = refresh(&first.refresh_token).await.ok();
    assert_ne!(first.refresh_token, second.refresh_token);
    assert_eq!(api.with_token(&second.access_token).get("/api/v1/me").await.ok::<Me>().email, EMAIL);
    assert_eq!(refresh(&first.refresh_token).await.refused(401).kind, "session-ended");
    let third: Tokens = refresh(&second.refresh_token).await.ok();
    assert_eq!(api.post("/api/v1/logout", json!({ "refresh_token": third.refresh_token })).await.status, 204);
    refresh(&third.refresh_token).await.refused(401);
    refresh("").await.refused(401);
    refresh(&third.access_token).await.refused(401);
}

#[tokio::test]
async fn a_refresh_token_used_by_two_at_once_is_given_to_one() {
    let server = TestServer::start().await;
    let api = Api::new(server.api.base());
    let tokens: Tokens = api.post("/api/v1/login", json!({ "email": EMAIL, "password": PASSWORD })).await.ok();
    let send = || {
        let (api, body) = (api.clone(), json!({ "refresh_token": tokens.refresh_token }));
        tokio::spawn(async move { api.post("/api/v1/refresh", body).await.status })
    };
    let tasks: Vec<_> = (0..10).map(|_| send()).collect();
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [&[200][..], &[401; 9]].concat());
}

#[tokio::test]
async fn wrong_passwords_are_refused_alike_and_counted() {
    let server = TestServer::start().await;
    let api = Api::new(server.api.base());
    let login = async |email: &str, password: &str| {
        api.post("/api/v1/login", json!({ "email": email, "password": password })).await
    };
    let wrong = login(EMAIL, "wrong").await;
    let nobody = login("nobody@bellhop.local", "wrong").await;
    assert_eq!(wrong.refused(401), nobody.refused(401), "it does not tell who exists");
    let long = "p".repeat(2000);
    assert_eq!(login(EMAIL, &long).await.refused(401), wrong.refused(401));
    // A right one in between starts the count anew.
    for _ in 0..8 {
        login(EMAIL, "wrong").await.refused(401);
    }
    login(&EMAIL.to_uppercase(), PASSWORD).await.ok::<Tokens>();
    for _ in 0..10 {
        login(EMAIL, "wrong").await.refused(401);
    }
    login(EMAIL, PASSWORD).await.refused(429);
    login(&format!(" {EMAIL} "), PASSWORD).await.refused(429);
    login("nobody@bellhop.local", "wrong").await.refused(401);
    assert_eq!(server.api.get("/api/v1/me").await.status, 200, "who is in stays in");
}

#[tokio::test]
async fn every_operation_but_signing_in_wants_a_token() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let phone = hotel.announce(crate::support::mac(1), Some(hotel.room("1207"))).await.unwrap();
    let document: Value = server.api.with_token("").get("/api/v1/openapi.json").await.ok();
    let open = ["/api/v1/login", "/api/v1/refresh", "/api/v1/logout", "/api/v1/live"];
    let mut walked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            if !["get", "put", "post", "patch", "delete"].contains(&method.as_str().to_lowercase().as_str()) {
                continue;
            }
            let said = operation["security"].as_array().is_some_and(|all| !all.is_empty());
            assert_eq!(said, !open.contains(&path.as_str()), "{method} {path} says so in the document");
            if open.contains(&path.as_str()) {
                continue;
            }
            let mut real = path
                .replace("{property}", &hotel.property.to_string())
                .replace("{room}", &hotel.room("1207").to_string())
                .replace("{phone}", &phone.to_string())
                .replace("{session}", "1")
                .replace("{index}", "0");
            while let (Some(begin), Some(end)) = (real.find('{'), real.find('}')) {
                real.replace_range(begin..=end, &uuid::Uuid::now_v7().to_string());
            }
            assert!(!real.contains('{'), "{real}");
            let query =
                if path.ends_with("/announce") { format!("?property={}", hotel.property) } else { String::new() };
            for token in ["", "abc"] {
                let body = json!({});
                let answer =
                    server.api.with_token(token).send(method.clone(), &format!("{real}{query}"), Some(&body)).await;
                answer.refused(401);
            }
            walked += 1;
        }
    }
    assert!(walked > 25, "only {walked} operations");
    assert_eq!(server.api.phone_count().await, 1, "nothing was removed");
}

trait Count {
    async fn phone_count(&self) -> u64;
}

impl Count for Api {
    async fn phone_count(&self) -> u64 {
        self.get("/api/v1/phones").await.ok::<contract::rest::PhonePage>().total
    }
}
