//! An enrolled phone proves that it is itself, each time.

use auth_digest::{Algorithm, BasicCredentials, Challenge, NonceIssuer};
use contract::PhoneId;
use contract::rest::Enrolment;

use crate::support::{Ask, HandPhone, TestServer, mac};

/// A phone with its own credentials, and its password.
async fn enrolled(server: &TestServer) -> (HandPhone, PhoneId, String) {
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let mut phone = HandPhone::new(mac(1), server.acs_url());
    phone.session().await;
    assert_eq!(server.api.phone(id).await.phone.enrolment, Enrolment::Enrolled);
    let password = phone.login.clone().unwrap().1;
    (phone, id, password)
}

fn challenge(reply: &crate::support::cwmp_phone::Reply, algorithm: Algorithm) -> Challenge {
    assert_eq!(reply.status, 401);
    let all = Challenge::parse(reply.challenges.iter().map(String::as_str)).unwrap();
    all.into_iter().find(|one| one.algorithm == algorithm).expect("it is offered")
}

#[tokio::test]
async fn without_credentials_the_phone_is_challenged_for_md5_and_sha_256() {
    let server = TestServer::start().await;
    let (mut phone, ..) = enrolled(&server).await;
    let reply = phone.inform().await;
    assert_eq!(reply.status, 401);
    assert!(phone.cookie.is_none());
    let offered = Challenge::parse(reply.challenges.iter().map(String::as_str)).unwrap();
    let algorithms: Vec<Algorithm> = offered.iter().map(|one| one.algorithm).collect();
    assert_eq!(algorithms, [Algorithm::Md5, Algorithm::Sha256], "old phones read the first alone");
    assert!(offered.iter().all(|one| one.realm == "Bellhop" && !one.stale && !one.nonce.is_empty()));
    let again = challenge(&phone.inform().await, Algorithm::Md5);
    assert!(again.realm == "Bellhop");
}

#[tokio::test]
async fn the_right_digest_opens_a_session_with_either_algorithm() {
    let server = TestServer::start().await;
    let (mut phone, _, password) = enrolled(&server).await;
    for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
        let challenge = challenge(&phone.inform().await, algorithm);
        let proof = phone.proof(&challenge, &password);
        assert_eq!(phone.inform_with(&proof).await.message().name(), "InformResponse", "{algorithm:?}");
        assert!(phone.cookie.is_some());
        assert_eq!(phone.empty().await.status, 204);
    }
}

#[tokio::test]
async fn the_right_basic_login_opens_a_session() {
    let server = TestServer::start().await;
    let (mut phone, _, password) = enrolled(&server).await;
    let username = phone.login.clone().unwrap().0;
    let basic = |username: &str, password: &str| {
        BasicCredentials { username: username.to_owned(), password: password.to_owned() }.to_string()
    };
    assert_eq!(phone.inform_with(&basic(&username, &password)).await.message().name(), "InformResponse");
    for wrong in [basic(&username, "wrong"), basic(&username, ""), basic("somebody", &password)] {
        assert_eq!(phone.inform_with(&wrong).await.status, 401);
        assert!(phone.cookie.is_none());
    }
}

#[tokio::test]
async fn wrong_proofs_are_challenged_again_and_change_nothing() {
    let server = TestServer::start().await;
    let (mut phone, id, password) = enrolled(&server).await;
    let good = challenge(&phone.inform().await, Algorithm::Sha256);
    let wrong_password = phone.proof(&good, "wrong");
    let right = phone.proof(&good, &password);
    let wrong_nonce =
        phone.proof(&Challenge { nonce: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(), ..good.clone() }, &password);
    let wrong_realm = phone.proof(&Challenge { realm: "Other".to_owned(), ..good.clone() }, &password);
    let other_address = right.replace("uri=\"/acs\"", "uri=\"/other\"");
    let other_user = right.replace(&id.to_string(), &uuid::Uuid::now_v7().to_string());
    let without_qop = right.replace("qop=auth, ", "").replace("qop=\"auth\", ", "");
    assert!(other_address != right && other_user != right && without_qop != right, "{right}");
    let before = server.api.phone(id).await.phone;
    phone.manufacturer = "Mallory".to_owned();
    for (name, header) in [
        ("password", wrong_password.as_str()),
        ("nonce", &wrong_nonce),
        ("realm", &wrong_realm),
        ("address", &other_address),
        ("user", &other_user),
        ("no qop", &without_qop),
        ("empty", ""),
        ("bearer", "Bearer abc"),
        ("half", "Digest username=\"x\""),
        ("no base64", "Basic ****"),
    ] {
        let reply = phone.inform_with(header).await;
        assert_eq!(reply.status, 401, "{name}: {}", reply.text);
        assert_eq!(reply.challenges.len(), 2, "{name}");
        assert!(phone.cookie.is_none(), "{name}");
    }
    let after = server.api.phone(id).await.phone;
    assert_eq!(after.manufacturer, "Bellhop", "an unproven Inform of an enrolled phone changes nothing");
    assert_eq!(after.last_seen, before.last_seen);
    phone.manufacturer = "Bellhop".to_owned();
    assert_eq!(phone.inform_with(&right).await.status, 200, "the right proof still holds");
}

#[tokio::test]
async fn an_old_nonce_is_answered_with_stale_and_a_new_one() {
    let server = TestServer::start().await;
    let (mut phone, _, password) = enrolled(&server).await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
    // As this very server gave it out an hour ago.
    let nonce = NonceIssuer::new(server.app().secrets.derive("acs-nonce")).issue(now - 3_600_000, "127.0.0.1");
    let old = Challenge { nonce, ..challenge(&phone.inform().await, Algorithm::Sha256) };
    let proof = phone.proof(&old, &password);
    let reply = phone.inform_with(&proof).await;
    let new = challenge(&reply, Algorithm::Sha256);
    assert!(new.stale, "the password is right, only the nonce is old");
    let proof = phone.proof(&new, &password);
    assert_eq!(phone.inform_with(&proof).await.status, 200);
    let wrong = phone.proof(&old, "wrong");
    assert!(!challenge(&phone.inform_with(&wrong).await, Algorithm::Sha256).stale, "who guesses learns nothing");
}

#[tokio::test]
async fn a_session_belongs_to_whoever_holds_its_cookie() {
    let server = TestServer::start().await;
    let (mut phone, ..) = enrolled(&server).await;
    phone.begin().await;
    let own = phone.cookie.clone();
    for cookie in
        [None, Some("bellhop_session=guessed".to_owned()), Some(format!("bellhop_session={}", "x".repeat(5000)))]
    {
        let mut stranger = HandPhone::new(mac(1), server.acs_url());
        stranger.cookie = cookie;
        assert_eq!(stranger.empty().await.status, 204, "there is nothing for a stranger");
    }
    phone.cookie = own;
    assert_eq!(phone.empty().await.status, 204);
    assert_eq!(server.api.quarantined().await, 0);
}
