//! The ACS and the API over TLS.

use std::time::Duration;

use contract::rest::{Enrolment, PhoneRow};
use tempfile::TempDir;
use tests::api::{http_as, http_trusting};
use tests::certificates::Authority;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::cwmp_phone::only_welcomed;
use crate::support::{Ask, HandPhone, Phone, TestServer, mac, wait_true};

/// A server with TLS beside plain HTTP, and who vouches for it.
pub struct Secure {
    pub server: TestServer,
    pub authority: Authority,
    pub files: tests::certificates::Files,
    _folder: TempDir,
}

impl Secure {
    /// `client_ca` signs phones' certificates.
    pub async fn start(client_ca: Option<&Authority>, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new("Bellhop tests").unwrap();
        let files = authority.local_server().unwrap().save(folder.path(), "server").unwrap();
        let ca = folder.path().join("phones.pem");
        std::fs::write(&ca, client_ca.unwrap_or(&authority).pem()).unwrap();
        let text = |path: &std::path::Path| path.display().to_string();
        let (certificate, key, ca) = (text(&files.certificate), text(&files.key), text(&ca));
        let mut all = vec![
            ("tls.certificate", certificate.as_str()),
            ("tls.key", key.as_str()),
            ("tls.client_ca", ca.as_str()),
            ("acs.listen_tls", "127.0.0.1:0"),
            ("server.listen_tls", "127.0.0.1:0"),
        ];
        all.extend_from_slice(settings);
        Self { server: TestServer::with(&all).await, authority, files, _folder: folder }
    }

    /// A phone that trusts the server.
    pub fn phone(&self, number: u16) -> HandPhone {
        let http = http_trusting(self.authority.pem().as_bytes());
        HandPhone::new(mac(number), self.server.acs_tls_url()).over(http)
    }
}

#[tokio::test]
async fn a_phone_is_enrolled_and_configured_over_tls() {
    let secure = Secure::start(None, &[]).await;
    let hotel = secure.server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let pem = secure.authority.pem();
    let phone = Phone::with(mac(1), secure.server.acs_tls_url(), |config| {
        config.authorities = Some(pem.into_bytes().into());
    })
    .await;
    phone.shows_room("1207").await;
    wait_true("it is enrolled", async || secure.server.api.phone(id).await.phone.enrolment == Enrolment::Enrolled)
        .await;
}

#[tokio::test]
async fn a_phone_that_does_not_trust_the_server_says_nothing() {
    let secure = Secure::start(None, &[]).await;
    let stranger = Authority::new("another").unwrap();
    let http = http_trusting(stranger.pem().as_bytes()).no_proxy().build().unwrap();
    assert!(http.post(secure.server.acs_tls_url()).body("x").send().await.is_err());
    assert_eq!(secure.server.api.quarantined().await, 0);
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_without_a_restart() {
    let secure = Secure::start(None, &[]).await;
    let renewed = Authority::new("renewed").unwrap();
    let client = |authority: &Authority| http_trusting(authority.pem().as_bytes()).no_proxy().build().unwrap();
    let answers = async |authority: &Authority| {
        client(authority).get(secure.server.acs_tls_url()).send().await.is_ok_and(|reply| reply.status() == 405)
    };
    assert!(answers(&secure.authority).await && !answers(&renewed).await);
    let tls = secure.server.app().tls.clone().unwrap();
    // Certificate and key are written one after the other; between the two nothing changes.
    let pair = renewed.local_server().unwrap();
    std::fs::write(&secure.files.certificate, &pair.certificate).unwrap();
    assert!(tls.reload().is_err());
    assert!(answers(&secure.authority).await);
    std::fs::write(&secure.files.key, &pair.key).unwrap();
    tls.reload().unwrap();
    assert!(answers(&renewed).await && !answers(&secure.authority).await);
}

#[tokio::test]
async fn what_is_no_tls_disturbs_nobody() {
    let secure = Secure::start(None, &[]).await;
    let address = secure.server.acs_tls_url().replace("https://", "").replace("/acs", "");
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(TcpStream::connect(&address).await.unwrap());
    }
    let mut plain = TcpStream::connect(&address).await.unwrap();
    plain.write_all(b"POST /acs HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), plain.read_to_end(&mut answer)).await.expect("it hangs up");
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert!(only_welcomed(&secure.phone(1).session().await));
    let mut byte = [0];
    for stream in &mut silent {
        let ended = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut byte)).await;
        assert!(matches!(ended.expect("a silent one is cut off"), Ok(0) | Err(_)));
    }
}

#[tokio::test]
async fn phones_are_asked_for_a_certificate_and_browsers_are_not() {
    let secure = Secure::start(None, &[]).await;
    let own = secure.authority.client("c074ad770001").unwrap();
    let base = secure.server.acs_tls_url();
    // Whoever shows one of an authority nobody knows is served like one without.
    let stranger = Authority::new("another").unwrap().client("c074ad770001").unwrap();
    for pair in [&own, &stranger] {
        let http = http_as(secure.authority.pem().as_bytes(), Some(pair));
        assert!(only_welcomed(&HandPhone::new(mac(1), &base).over(http).session().await));
    }
    let new: Vec<PhoneRow> = secure.server.api.get("/api/v1/phones/new").await.ok();
    assert_eq!(new.len(), 1);
    let http = http_trusting(secure.authority.pem().as_bytes()).no_proxy().build().unwrap();
    let health = format!("{}/api/v1/health", secure.server.api_tls_url());
    assert_eq!(http.get(health).send().await.unwrap().status(), 200);
}
