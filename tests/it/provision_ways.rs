//! Configuration files by every way: TLS, certificates, encrypted, TFTP, asked for by SIP; and what is hostile.

use std::process::Command;

use cloud::db::entity::phone_file;
use contract::PhoneId;
use contract::event::EventKind;
use contract::rest::{FirstFetch, JobState, RoomState, SyncState};
use reqwest::StatusCode;
use sea_orm::EntityTrait;
use serde_json::json;
use tests::certificates::Authority;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use crate::support::files::{Files, SIP_PASSWORD, SetPassword, opened, served};
use crate::support::{Ask, TestServer, mac, wait, wait_true};
use crate::tls_acs::Secure;
use crate::wake_by_sip::{answer, asked, field, pbx};

#[tokio::test]
async fn over_tls_a_phone_shows_its_password_at_once_and_gets_its_own_file_at_the_propertys_address() {
    let phones = Authority::new("Phones").unwrap();
    let secure = Secure::start(Some(&phones), &[("provision.listen_tls", "127.0.0.1:0")]).await;
    let server = &secure.server;
    let (hotel, settings) = served(server, &["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    server.api.set_password(hotel.room("1207")).await;
    assert!(settings.bootstrap_url.starts_with("https://"), "{settings:?}");
    let files = Files {
        http: tests::api::http_trusting(secure.authority.pem().as_bytes()).no_proxy().build().unwrap(),
        base: server.files_tls_url(),
    };
    let first: FirstFetch = server.api.post(&format!("/api/v1/phones/{id}/first-fetch"), json!({})).await.ok();
    let got = files.fetch_first(&first, mac(1)).await;
    assert_eq!(got.item("provisioning.alwaysauthenticatebeforechallenge"), "Yes");
    assert_eq!(got.item("provisioning.config.protocol"), "HTTPS");
    let own = got.credentials();
    // Whatever login of another server it still shows.
    let first: FirstFetch = server.api.post(&format!("/api/v1/phones/{id}/first-fetch"), json!({})).await.ok();
    let url = format!("{}cfg{}.xml", first.url, mac(1).compact());
    let moved = files.http.get(&url).basic_auth("old", Some("login")).send().await.unwrap();
    assert!(opened(moved).await.text().contains(SIP_PASSWORD));
    let url = format!("{}cfg{}.xml", settings.bootstrap_url, mac(1).compact());
    let answer = files.http.get(&url).basic_auth(&own.0, Some(&own.1)).send().await.unwrap();
    assert!(opened(answer).await.text().contains(SIP_PASSWORD));
    let wrong = async |url: &str| files.http.get(url).basic_auth(&own.0, Some("wrong")).send().await.unwrap();
    let old_login = opened(wrong(&url).await).await;
    assert_eq!(old_login, opened(files.get(&url).await).await, "as good as none");
    assert!(!old_login.text().contains(SIP_PASSWORD) && old_login.text().contains("tr069.url"));
    let url = format!("{}/cfg{}.xml", files.base, mac(1).compact());
    let wrong = wrong(&url).await;
    let challenges: Vec<_> = wrong.headers().get_all("www-authenticate").iter().collect();
    let schemes: Vec<_> = challenges.iter().map(|one| one.to_str().unwrap().split(' ').next().unwrap()).collect();
    assert_eq!((wrong.status(), &schemes[..]), (StatusCode::UNAUTHORIZED, &["Digest", "Digest", "Basic"][..]));
    assert!(challenges[0].to_str().unwrap().contains("MD5"), "old clients read the first alone: {challenges:?}");

    // Which digest it knows is not asked of the property.
    let path = format!("/api/v1/properties/{}/trust", hotel.property);
    let trust = |proofs: &[&str]| json!({ "name": "Test", "proofs": proofs, "basic_without_tls": false });
    let digest = async |algorithm: &str| files.digest(&url, Some(&own), algorithm).await.status();
    for proofs in [&["digest-md5"], &["digest-sha256"], &["basic"]] {
        server.api.put(&path, trust(proofs)).await.ok::<serde_json::Value>();
        assert_eq!([digest("MD5").await, digest("SHA-256").await], [StatusCode::OK; 2], "{proofs:?}");
    }
    server.api.put(&path, trust(&["mtls"])).await.ok::<serde_json::Value>();
    assert_eq!([digest("MD5").await, digest("SHA-256").await], [StatusCode::UNAUTHORIZED; 2]);

    // A certificate by its property's authority proves as much, for its own phone, whatever else it shows.
    let certified = phones.client(&mac(1).compact()).unwrap();
    let http = tests::api::http_as(secure.authority.pem().as_bytes(), Some(&certified)).no_proxy().build().unwrap();
    let answer = opened(http.get(&url).basic_auth(&own.0, Some("wrong")).send().await.unwrap()).await;
    assert!(answer.text().contains(SIP_PASSWORD), "{:?}", answer.status);
    let other = http.get(format!("{}/cfg{}.xml", files.base, mac(2).compact())).send().await.unwrap();
    assert_eq!(other.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_file_is_encrypted_with_the_password_the_phone_has_and_not_with_the_next() {
    let server = TestServer::with(&Files::LISTEN).await;
    let (hotel, _) = served(&server, &["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let set = async |password: &str| {
        let body = json!({ "values": { "provisioning.config.filepassword": password } });
        let path = format!("/api/v1/phones/{id}/settings");
        server.api.put(&path, body).await.ok::<serde_json::Value>();
    };
    set("first file key").await;
    let files = Files::new(&server);
    let own = files.own(&server, id, mac(1)).await;
    let url = format!("{}/cfg{}.xml", files.base, mac(1).compact());
    let written = async || {
        let version = server.api.phone(id).await.desired_version;
        wait_true("the fetch is written", async || {
            server.api.phone(id).await.fetched.is_some_and(|fetched| fetched.version == version)
        })
        .await;
    };
    written().await;
    let get = async || opened(files.digest(&url, Some(&own), "MD5").await).await.body;
    let opens = |file: &[u8], password: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, file).unwrap();
        let pass = format!("pass:{password}");
        let mut openssl = Command::new("openssl");
        openssl.args(["enc", "-d", "-aes-256-cbc", "-md", "md5", "-pass", &pass, "-in"]).arg(&path);
        let output = openssl.output().unwrap();
        output.status.success() && String::from_utf8_lossy(&output.stdout).contains("<gs_provision")
    };
    let file = get().await;
    assert!(file.starts_with(b"Salted__"));
    assert!(opens(&file, "first file key"));
    assert_eq!(get().await, file, "the same version is the same file");
    let set_and_fetched = async |password: &str, by: &str| {
        set(password).await;
        let answer = opened(files.digest(&url, Some(&own), "MD5").await).await;
        assert!(opens(&answer.body, by), "it holds {password}, and the phone has {by}");
        written().await;
        answer
    };
    let answer = set_and_fetched("second file key", "first file key").await;
    let header =
        |name: &str| answer.headers.iter().find(|(one, _)| one == name).map(|(_, value)| value.clone()).unwrap();
    assert_eq!(header("content-type"), b"application/octet-stream", "nobody on the way reads it as text");

    // The transfer broke off behind our back, or the phone refused the file for another value: it asks again.
    let again = async || {
        let turn = turn_of(&server, id).await;
        let body = get().await;
        wait_true("the fetch is written", async || turn_of(&server, id).await == turn + 1).await;
        body
    };
    assert!(opens(&again().await, "first file key"), "the phone may still have it");
    assert!(opens(&again().await, "second file key"), "or it has the new one, and asks on its schedule");

    // The next version comes with the newest; a phone that never took it is not locked out of that one either.
    let answer = set_and_fetched("third file key", "second file key").await;
    assert!(opens(&again().await, "second file key"));
    assert!(opens(&again().await, "third file key"));

    // Who names the file it took shows which password it has: nothing older is tried any more.
    let tag = answer.headers.iter().find(|(name, _)| name == "etag").map(|(_, tag)| tag.clone()).unwrap();
    let basic = files.http.get(&url).basic_auth(&own.0, Some(&own.1)).header("if-none-match", tag);
    assert_eq!(basic.send().await.unwrap().status(), StatusCode::NOT_MODIFIED);
    wait_true("it is written", async || row_of(&server, id).await.older_keys.is_empty()).await;
    for _ in 0..3 {
        assert!(opens(&again().await, "third file key"));
    }
}

async fn row_of(server: &TestServer, id: PhoneId) -> phone_file::Model {
    phone_file::Entity::find_by_id(id.0).one(server.app().db.read()).await.unwrap().unwrap()
}

async fn turn_of(server: &TestServer, id: PhoneId) -> i64 {
    row_of(server, id).await.turn
}

#[tokio::test]
async fn a_phone_with_nothing_but_files_is_told_of_a_change_by_the_pbx() {
    let server = TestServer::with(&Files::LISTEN).await;
    let (hotel, _) = served(&server, &["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let files = Files::new(&server);
    let own = files.own(&server, id, mac(1)).await;
    wait_true("its first change is done", async || server.api.phone(id).await.jobs[0].state == JobState::Done).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    pbx(&server, &hotel, socket.local_addr().unwrap(), "udp").await;
    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    server.api.patch(&path, json!({ "guest_name": "Mrs Silva" })).await.ok::<serde_json::Value>();
    let (told, from) = asked(&socket).await;
    assert!(told.starts_with("NOTIFY sip:1207@hotel.example"), "{told}");
    assert_eq!(field(&told, "Event"), "check-sync;reboot=false");
    socket.send_to(answer(&told, "200 OK", "").as_bytes(), from).await.unwrap();
    let url = format!("{}/cfg{}.xml", files.base, mac(1).compact());
    assert!(opened(files.digest(&url, Some(&own), "MD5").await).await.text().contains("Mrs Silva"));
    wait_true("the change is done", async || server.api.phone(id).await.jobs[0].state == JobState::Done).await;
}

/// Fetches by curl, which is another make of TFTP client; `None` if it was told there is none.
async fn tftp(server: &TestServer, name: &str, options: &[&str]) -> Option<Vec<u8>> {
    let url = format!("tftp://{}/{name}", server.tftp());
    let mut command = tokio::process::Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "10", "--path-as-is"]).args(options).arg(url);
    let output = command.output().await.unwrap();
    // 68: the server says that there is no such file.
    let told = matches!(output.status.code(), Some(0 | 68));
    assert!(told, "{name}: {}", String::from_utf8_lossy(&output.stderr));
    output.status.success().then_some(output.stdout)
}

#[tokio::test]
async fn by_tftp_everybody_gets_the_bootstrap_file_alone() {
    let server = TestServer::with(&[Files::LISTEN[0], ("provision.tftp_listen", "127.0.0.1:0")]).await;
    let (hotel, settings) = served(&server, &["1207"]).await;
    hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    server.api.set_password(hotel.room("1207")).await;
    let files = Files::new(&server);
    let own = format!("{}/cfg{}.xml", settings.token, mac(1).compact());
    let by_http =
        opened(files.http.get(format!("{}/{own}", files.base)).header("user-agent", "").send().await.unwrap()).await;
    for options in [&["--tftp-no-options"][..], &[], &["--tftp-blksize", "128"], &["--tftp-blksize", "1400"]] {
        assert_eq!(tftp(&server, &own, options).await.as_deref(), Some(&by_http.body[..]), "{options:?}");
    }
    let other = format!("{}/cfg{}.xml", settings.token, mac(99).compact());
    assert_eq!(tftp(&server, &other, &[]).await, tftp(&server, &own, &[]).await, "known or not");
    for none in [format!("cfg{}.xml", mac(1).compact()), "nothing".to_owned(), "../../etc/passwd".to_owned()] {
        assert_eq!(tftp(&server, &none, &[]).await, None, "{none}");
    }
    // Nothing can be written.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cfg.xml");
    std::fs::write(&file, "x").unwrap();
    let mut put = tokio::process::Command::new("curl");
    put.args(["--silent", "--max-time", "10", "--upload-file"])
        .arg(&file)
        .arg(format!("tftp://{}/cfg.xml", server.tftp()));
    assert!(!put.status().await.unwrap().success());
}

#[tokio::test]
async fn by_tftp_a_trusted_network_gets_whole_files() {
    let settings =
        [Files::LISTEN[0], ("provision.tftp_listen", "127.0.0.1:0"), ("provision.tftp_trusted", "127.0.0.0/8")];
    let server = TestServer::with(&settings).await;
    let (hotel, _) = served(&server, &["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    server.api.set_password(hotel.room("1207")).await;
    let file = tftp(&server, &format!("cfg{}.xml", mac(1).compact()), &[]).await.unwrap();
    assert!(String::from_utf8_lossy(&file).contains(SIP_PASSWORD));
    assert_eq!(tftp(&server, &format!("cfg{}.xml", mac(2).compact()), &[]).await, None);
    let detail = wait("the fetch is written", async || {
        let detail = server.api.phone(id).await;
        detail.events.iter().any(|event| event.kind == EventKind::ConfigFetched).then_some(detail)
    })
    .await;
    let told = detail.events[0].detail.as_deref().unwrap_or_default();
    assert!(told.ends_with("by TFTP, without proof"), "{told}");
    // Anybody there may have asked by this name: nothing is known of the phone.
    assert_eq!((detail.phone.state, detail.phone.sync), (RoomState::Expected, SyncState::Pending));
    assert_eq!((detail.fetched, detail.jobs[0].state), (None, JobState::Ready));
}

/// What the server says to these bytes.
async fn said(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(std::time::Duration::from_secs(5), stream.read_to_end(&mut bytes)).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn hostile_paths_open_nothing() {
    let server = TestServer::with(&Files::LISTEN).await;
    let (hotel, settings) = served(&server, &["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    server.api.set_password(hotel.room("1207")).await;
    let address = server.files_url().trim_start_matches("http://").to_owned();
    let (token, mac) = (&settings.token, mac(1).compact());
    for path in [
        "/../../../../etc/passwd".to_owned(),
        format!("/{token}/../cfg{mac}.xml"),
        format!("/{token}/../../etc/passwd"),
        format!("/{token}//cfg{mac}.xml"),
        format!("//{token}/cfg{mac}.xml/x"),
        format!("/{token}/cfg{mac}.xml%00"),
        format!("/%2e%2e/{token}/cfg{mac}.xml"),
        format!("/first//cfg{mac}.xml"),
        format!("/first/%20/cfg{mac}.xml"),
        format!("/{id}/cfg{mac}.xml"),
        format!("/{}/cfg{mac}.xml", "a".repeat(480)),
        format!("/{}", "a".repeat(10_000)),
        "*".to_owned(),
        "http://elsewhere/cfg.xml".to_owned(),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = said(&address, &request).await;
        let status: u16 = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        let bootstrap = answer.contains("tr069.url");
        assert!(bootstrap || matches!(status, 400 | 401 | 404 | 414), "{path}: {answer}");
        assert!(!answer.contains(SIP_PASSWORD) && !answer.contains("root:"), "{path}: {answer}");
    }
}
