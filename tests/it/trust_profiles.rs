//! Trust profiles over the REST API: what is kept, what is refused and why.

use contract::PropertyId;
use contract::rest::{Pbx, ProofKind, SECRET_MASK, Trust};
use serde_json::{Value, json};
use tests::api::Api;
use tests::certificates::Authority;

use crate::support::TestServer;

pub fn path(property: PropertyId) -> String {
    format!("/api/v1/properties/{property}/trust")
}

/// Gives a property a profile: `change` over one that takes everything.
pub async fn profile(api: &Api, property: PropertyId, change: Value) -> Trust {
    api.put(&path(property), full(change)).await.ok()
}

fn full(change: Value) -> Value {
    let mut all = json!({ "name": "Test", "proofs": ["digest-md5", "digest-sha256", "basic", "mtls"], "basic_without_tls": true });
    all.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    all
}

#[tokio::test]
async fn a_property_follows_the_default_until_it_has_a_profile_of_its_own() {
    let server = TestServer::start().await;
    let (api, hotel) = (&server.api, server.hotel(&["1207"]).await);
    let delivered: Trust = api.get("/api/v1/trust").await.ok();
    assert!(!delivered.own && delivered.proofs == ProofKind::ALL && !delivered.require_tls);
    assert_eq!(api.get(&path(hotel.property)).await.ok::<Trust>(), delivered);

    let strict = full(json!({ "name": "Strict", "proofs": ["digest-sha256"], "basic_without_tls": false }));
    let set: Trust = api.put("/api/v1/trust", strict).await.ok();
    assert!(set.own && set.proofs == [ProofKind::DigestSha256]);
    let followed: Trust = api.get(&path(hotel.property)).await.ok();
    assert!(!followed.own && followed.name == "Strict");

    let own = profile(api, hotel.property, json!({ "first_contact": ["10.20.7.1/16", "fd00::/8"] })).await;
    assert_eq!(own.first_contact, ["10.20.0.0/16", "fd00::/8"], "as networks are written");
    assert!(api.get(&path(hotel.property)).await.ok::<Trust>().own);
    assert_eq!(api.delete(&path(hotel.property)).await.status, 204);
    assert_eq!(api.get(&path(hotel.property)).await.ok::<Trust>().name, "Strict");
    api.delete(&path(hotel.property)).await.refused(404);
}

#[tokio::test]
async fn a_wrong_profile_is_refused_by_its_field() {
    let server = TestServer::start().await;
    let (api, hotel) = (&server.api, server.hotel(&["1207"]).await);
    for (field, change) in [
        ("name", json!({ "name": " " })),
        ("proofs", json!({ "proofs": [] })),
        ("client_ca", json!({ "client_ca": "no PEM" })),
        ("client_ca", json!({ "client_ca": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----" })),
        ("client_ca", json!({ "proofs": ["mtls"] })),
        ("client_ca", json!({ "client_ca": "x".repeat(200_000) })),
        ("shared_user", json!({ "shared_user": "a:b", "shared_password": "long enough, surely" })),
        ("shared_user", json!({ "shared_user": uuid::Uuid::now_v7(), "shared_password": "long enough, surely" })),
        ("shared_password", json!({ "shared_user": "hotel", "shared_password": "short" })),
        ("shared_password", json!({ "shared_user": "hotel", "shared_password": SECRET_MASK })),
        ("first_contact", json!({ "first_contact": ["10.0.0.0/33"] })),
        ("first_contact", json!({ "first_contact": vec!["10.0.0.0/8"; 101] })),
    ] {
        let problem = api.put(&path(hotel.property), full(change.clone())).await.refused(422);
        assert_eq!(problem.field.as_deref(), Some(field), "{change}: {}", problem.detail);
    }
    let unknown = api.put(&path(hotel.property), full(json!({ "proof": [] }))).await;
    assert!((400..=422).contains(&unknown.status), "{unknown:?}");
    let nowhere = PropertyId(uuid::Uuid::now_v7());
    api.put(&path(nowhere), full(json!({}))).await.refused(404);
    assert!(!api.get(&path(hotel.property)).await.ok::<Trust>().own, "nothing was kept");
}

#[tokio::test]
async fn shared_passwords_are_kept_and_not_shown() {
    let server = TestServer::start().await;
    let (api, hotel) = (&server.api, server.hotel(&["1207"]).await);
    let secret = "a password of the hotel's";
    let set = profile(api, hotel.property, json!({ "shared_user": "hotel", "shared_password": secret })).await;
    assert_eq!(set.shared_password, SECRET_MASK);
    let again = profile(api, hotel.property, json!({ "shared_user": "hotel", "shared_password": SECRET_MASK })).await;
    assert_eq!((again.shared_user.as_str(), again.shared_password.as_str()), ("hotel", SECRET_MASK));
    let none = profile(api, hotel.property, json!({})).await;
    assert_eq!((none.shared_user.as_str(), none.shared_password.as_str()), ("", ""));
}

#[tokio::test]
async fn authorities_are_read_when_they_are_given() {
    let server = TestServer::start().await;
    let (api, hotel) = (&server.api, server.hotel(&["1207"]).await);
    let pem = Authority::new("phones").unwrap().pem();
    let set = profile(api, hotel.property, json!({ "proofs": ["mtls"], "client_ca": pem })).await;
    assert_eq!((set.client_ca.as_str(), set.proofs.as_slice()), (pem.trim(), &[ProofKind::Mtls][..]));
}

#[tokio::test]
async fn a_pbx_is_kept_and_its_password_not_shown() {
    let server = TestServer::start().await;
    let (api, hotel) = (&server.api, server.hotel(&["1207"]).await);
    let path = format!("/api/v1/properties/{}/pbx", hotel.property);
    assert_eq!(api.get(&path).await.ok::<Pbx>().address, "");
    let change = json!({ "address": "pbx.example:5060", "transport": "udp", "user": "acs", "password": "secret" });
    let set: Pbx = api.put(&path, change.clone()).await.ok();
    assert_eq!((set.address.as_str(), set.password.as_str()), ("pbx.example:5060", SECRET_MASK));
    for (field, value) in [("address", "pbx.example"), ("address", "a b:1"), ("user", "x>y"), ("domain", "a;b")] {
        let mut wrong = change.clone();
        wrong[field] = json!(value);
        assert_eq!(api.put(&path, wrong).await.refused(422).field.as_deref(), Some(field), "{value}");
    }
    let mut kept = change.clone();
    kept["password"] = json!(SECRET_MASK);
    assert_eq!(api.put(&path, kept).await.ok::<Pbx>().password, SECRET_MASK);
    let gone: Pbx = api.put(&path, json!({ "address": "", "transport": "tcp" })).await.ok();
    assert_eq!((gone.address.as_str(), gone.password.as_str()), ("", ""));
}
