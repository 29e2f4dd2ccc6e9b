//! What a phone must show, as its trust profile says.

use auth_digest::{Algorithm, BasicCredentials, Challenge};
use contract::PhoneId;
use contract::rest::{Enrolment, PhoneRow};
use serde_json::json;
use tests::api::http_as;
use tests::certificates::{Authority, Pair};
use tests::hotel::Hotel;

use crate::support::cwmp_phone::{Reply, only_welcomed};
use crate::support::{Ask, HandPhone, TestServer, mac};
use crate::tls_acs::Secure;
use crate::trust_profiles::profile;

const SHARED: &str = "a password of the hotel's";

/// A phone with credentials of its own, and its password.
async fn enrolled(server: &TestServer, hotel: &Hotel) -> (HandPhone, PhoneId, String) {
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let mut phone = HandPhone::new(mac(1), server.acs_url());
    phone.session().await;
    assert_eq!(server.api.phone(id).await.phone.enrolment, Enrolment::Enrolled);
    let password = phone.login.clone().unwrap().1;
    (phone, id, password)
}

fn challenges(reply: &Reply) -> Vec<Challenge> {
    assert_eq!(reply.status, 401, "{}", reply.text);
    Challenge::parse(reply.challenges.iter().map(String::as_str)).unwrap()
}

fn basic(username: &str, password: &str) -> String {
    BasicCredentials { username: username.to_owned(), password: password.to_owned() }.to_string()
}

#[tokio::test]
async fn a_nonce_serves_again_with_a_higher_count_and_never_with_a_lower() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, _, password) = enrolled(&server, &hotel).await;
    let challenge = challenges(&phone.inform().await).remove(0);
    for (count, opens) in [(1, true), (1, false), (2, true), (1, false), (2, false), (9, true), (5, false), (10, true)]
    {
        let proof = phone.counted_proof(&challenge, &password, count);
        let reply = phone.inform_with(&proof).await;
        assert_eq!(reply.status, if opens { 200 } else { 401 }, "count {count}");
        if opens {
            assert_eq!(phone.empty().await.status, 204);
        } else {
            assert!(challenges(&reply).iter().all(|one| one.stale), "asked again with a new nonce");
        }
    }
}

#[tokio::test]
async fn only_the_digests_a_profile_names_count() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, _, password) = enrolled(&server, &hotel).await;
    let old = challenges(&phone.inform().await);
    profile(&server.api, hotel.property, json!({ "proofs": ["digest-sha256"] })).await;
    let offered = challenges(&phone.inform().await);
    assert_eq!(offered.iter().map(|one| one.algorithm).collect::<Vec<_>>(), [Algorithm::Sha256]);
    let md5 = old.iter().find(|one| one.algorithm == Algorithm::Md5).unwrap();
    let proof = phone.proof(md5, &password);
    assert_eq!(phone.inform_with(&proof).await.status, 401);
    let user = phone.login.clone().unwrap().0;
    assert_eq!(phone.inform_with(&basic(&user, &password)).await.status, 401);
    let proof = phone.proof(&offered[0], &password);
    assert_eq!(phone.inform_with(&proof).await.status, 200);
}

#[tokio::test]
async fn basic_counts_over_tls_alone_unless_a_profile_says_otherwise() {
    let secure = Secure::start(None, &[]).await;
    let hotel = secure.server.hotel(&["1207"]).await;
    let (mut plain, _, password) = enrolled(&secure.server, &hotel).await;
    let (user, _) = plain.login.clone().unwrap();
    let proof = basic(&user, &password);
    profile(&secure.server.api, hotel.property, json!({ "proofs": ["basic"], "basic_without_tls": false })).await;
    let refused = plain.inform_with(&proof).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let mut phone = secure.phone(1);
    let asked = phone.inform().await;
    assert_eq!((asked.status, asked.challenges.len()), (401, 1));
    assert!(asked.challenges[0].starts_with("Basic realm="), "{:?}", asked.challenges);
    assert_eq!(phone.inform_with(&proof).await.status, 200);
    assert_eq!(phone.inform_with(&basic(&user, "wrong")).await.status, 401);
}

#[tokio::test]
async fn a_profile_may_require_tls() {
    let secure = Secure::start(None, &[]).await;
    let hotel = secure.server.hotel(&["1207"]).await;
    let (mut plain, _, password) = enrolled(&secure.server, &hotel).await;
    profile(&secure.server.api, hotel.property, json!({ "require_tls": true })).await;
    let refused = plain.inform().await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("TLS"), "{}", refused.text);
    let mut phone = secure.phone(1);
    phone.login = plain.login.clone();
    assert_eq!(phone.begin().await.status, 200, "{password:?} holds over TLS");
}

/// A phone over TLS that shows this certificate.
fn certified(secure: &Secure, number: u16, pair: &Pair) -> HandPhone {
    let http = http_as(secure.authority.pem().as_bytes(), Some(pair));
    HandPhone::new(mac(number), secure.server.acs_tls_url()).over(http)
}

#[tokio::test]
async fn a_certificate_that_names_the_phone_opens_its_session_and_no_other() {
    let phones = Authority::new("phones").unwrap();
    let secure = Secure::start(Some(&phones), &[]).await;
    let hotel = secure.server.hotel(&["1207"]).await;
    let (_, id, _) = enrolled(&secure.server, &hotel).await;
    let own = mac(1).compact();
    for (name, authority, opens) in [
        (own.as_str(), &phones, true),
        (&mac(1).to_string(), &phones, true),
        (&id.to_string(), &phones, true),
        (&mac(2).compact(), &phones, false),
        ("a phone", &phones, false),
        (own.as_str(), &Authority::new("another").unwrap(), false),
    ] {
        let mut phone = certified(&secure, 1, &authority.client(name).unwrap());
        let reply = phone.inform().await;
        assert_eq!(reply.status, if opens { 200 } else { 401 }, "{name}: {}", reply.text);
    }
}

#[tokio::test]
async fn a_property_may_have_authorities_of_its_own() {
    let (phones, others) = (Authority::new("phones").unwrap(), Authority::new("others").unwrap());
    let secure = Secure::start(Some(&phones), &[]).await;
    let hotel = secure.server.hotel(&["1207"]).await;
    enrolled(&secure.server, &hotel).await;
    profile(&secure.server.api, hotel.property, json!({ "proofs": ["mtls"], "client_ca": others.pem() })).await;
    let own = mac(1).compact();
    let refused = certified(&secure, 1, &phones.client(&own).unwrap()).inform().await;
    assert_eq!(refused.status, 403, "there is no other proof to ask for");
    assert_eq!(certified(&secure, 1, &others.client(&own).unwrap()).inform().await.status, 200);
    profile(&secure.server.api, hotel.property, json!({ "proofs": ["digest-sha256"] })).await;
    let refused = certified(&secure, 1, &phones.client(&own).unwrap()).inform().await;
    assert_eq!(refused.status, 401, "certificates do not count here");
}

#[tokio::test]
async fn a_phone_with_a_certificate_is_given_credentials_as_well() {
    let phones = Authority::new("phones").unwrap();
    let secure = Secure::start(Some(&phones), &[]).await;
    let hotel = secure.server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let mut phone = certified(&secure, 1, &phones.client(&mac(1).compact()).unwrap());
    phone.session().await;
    assert_eq!(phone.id(), id);
    assert!(phone.holds("ConnectionRequestPassword").is_some() && phone.holds("Mqtt.Password").is_some());
    assert_eq!(secure.server.api.phone(id).await.phone.enrolment, Enrolment::Enrolled);
}

#[tokio::test]
async fn shared_credentials_speak_for_phones_without_their_own() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207", "1208"]).await;
    let change = json!({ "shared_user": "hotel", "shared_password": SHARED });
    profile(&server.api, hotel.property, change).await;
    let id = hotel.announce(mac(2), Some(hotel.room("1208"))).await.unwrap();
    let mut phone = HandPhone::new(mac(2), server.acs_url());
    phone.manufacturer = "Acme".to_owned();
    let shared = basic("hotel", SHARED);
    assert_eq!(phone.inform_with(&shared).await.status, 200);
    let asked = phone.serve(|_| None).await;
    assert!(phone.login.is_none(), "it is given none of its own: {asked:?}");
    assert_eq!(server.api.phone(id).await.phone.enrolment, Enrolment::Enrolled);
    // It goes on with them, and cannot do without.
    assert_eq!(phone.inform().await.status, 401);
    assert_eq!(phone.inform_with(&basic("hotel", "wrong")).await.status, 401);
    phone.login = Some(("hotel".to_owned(), SHARED.to_owned()));
    assert_eq!(phone.begin().await.status, 200, "by digest too");

    // Who knows them cannot speak for a phone that has its own.
    let (mut own, ..) = enrolled(&server, &hotel).await;
    assert_eq!(own.inform_with(&shared).await.status, 401);
}

#[tokio::test]
async fn first_calls_come_from_the_networks_a_profile_names() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut known, ..) = enrolled(&server, &hotel).await;
    profile(&server.api, hotel.property, json!({ "first_contact": ["10.20.0.0/16"] })).await;
    hotel.announce(mac(2), None).await.unwrap();
    let refused = HandPhone::new(mac(2), server.acs_url()).inform().await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("127.0.0.1"), "{}", refused.text);
    assert_eq!(known.begin().await.status, 200, "a phone with proof may call from anywhere");
    profile(&server.api, hotel.property, json!({ "first_contact": ["10.20.0.0/16", "127.0.0.0/8"] })).await;
    assert_eq!(HandPhone::new(mac(2), server.acs_url()).inform().await.status, 200);
}

#[tokio::test]
async fn the_address_a_new_phone_calls_says_which_profile_counts() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    profile(&server.api, hotel.property, json!({ "first_contact": ["10.20.0.0/16"] })).await;
    let code = hotel_code(&server, &hotel).await;
    let url = format!("{}/{code}", server.acs_url());
    assert_eq!(HandPhone::new(mac(5), &url).inform().await.status, 403);
    let new: Vec<PhoneRow> = server.api.get("/api/v1/phones/new").await.ok();
    assert!(new.is_empty(), "it left no trace");
    assert_eq!(HandPhone::new(mac(5), format!("{}/nowhere", server.acs_url())).inform().await.status, 404);
    assert!(only_welcomed(&HandPhone::new(mac(5), server.acs_url()).session().await), "the default takes it");

    // A phone of a property is judged by that, whatever address it calls; its digest covers the address.
    profile(&server.api, hotel.property, json!({})).await;
    let (mut phone, ..) = enrolled(&server, &hotel).await;
    phone.url = url;
    assert_eq!(phone.begin().await.status, 200);
}

#[tokio::test]
async fn wrong_passwords_are_looked_at_only_so_often() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, _, password) = enrolled(&server, &hotel).await;
    let challenge = challenges(&phone.inform().await).remove(0);
    // Proofs that are only late do not count.
    for count in std::iter::repeat_n(1, 30) {
        let proof = phone.counted_proof(&challenge, &password, count);
        assert_ne!(phone.inform_with(&proof).await.status, 503);
    }
    let mut statuses = Vec::new();
    for _ in 0..22 {
        let proof = phone.proof(&challenge, "a guess");
        statuses.push(phone.inform_with(&proof).await.status);
    }
    assert!(statuses[..20].iter().all(|status| *status == 401), "{statuses:?}");
    assert_eq!(statuses[20..], [503, 503]);
    let proof = phone.counted_proof(&challenge, &password, 7);
    assert_eq!(phone.inform_with(&proof).await.status, 503, "nor is it told that one was right");
    hotel.announce(mac(2), None).await.unwrap();
    assert_eq!(HandPhone::new(mac(2), server.acs_url()).begin().await.status, 200, "its neighbour goes on");
}

async fn hotel_code(server: &TestServer, hotel: &Hotel) -> String {
    let property: contract::rest::Property =
        server.api.get(&format!("/api/v1/properties/{}", hotel.property)).await.ok();
    property.code
}

#[tokio::test]
async fn one_address_brings_only_so_many_new_phones_a_minute() {
    let server = TestServer::with(&[("acs.new_phones_per_minute", "3")]).await;
    let hotel = server.hotel(&["1207"]).await;
    let mut statuses = Vec::new();
    for number in 10..16 {
        statuses.push(HandPhone::new(mac(number), server.acs_url()).inform().await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 503, 503, 503]);
    let new: Vec<PhoneRow> = server.api.get("/api/v1/phones/new").await.ok();
    assert_eq!(new.len(), 3);
    enrolled(&server, &hotel).await;
}

#[tokio::test]
async fn one_new_phone_calls_only_so_often() {
    let server = TestServer::start().await;
    let mut phone = HandPhone::new(mac(10), server.acs_url());
    let mut refused = 0;
    for _ in 0..40 {
        refused += u32::from(phone.inform().await.status == 503);
    }
    assert!((20..40).contains(&refused), "{refused}");
}
