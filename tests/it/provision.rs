//! Configuration files over HTTP: who gets which, and what nobody gets without a proof.

use cloud::db::entity::provisioning;
use contract::rest::{FirstFetch, JobState, Provisioning, RoomState, SyncState};
use contract::{Mac, Timestamp};
use reqwest::{Method, Response, StatusCode};
use sea_orm::{EntityTrait, sea_query::Expr};
use serde_json::json;

use crate::support::files::{Files, SIP_PASSWORD, SetPassword, opened, served};
use crate::support::{Ask, HandPhone, TestServer, mac, wait, wait_true};

#[tokio::test]
async fn at_a_propertys_address_everybody_gets_the_same_and_no_secret() {
    let server = TestServer::with(&Files::LISTEN).await;
    let (hotel, settings) = served(&server, &["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    server.api.set_password(hotel.room("1207")).await;
    let files = Files::new(&server);
    let first: FirstFetch = server.api.post(&format!("/api/v1/phones/{id}/first-fetch"), json!({})).await.ok();
    files.fetch_first(&first, mac(1)).await;

    for name in
        ["cfg{mac}.xml", "/cfg{mac}.xml", "cfg{mac}", "CFG{mac}.XML", "hotel_cfg{mac}.xml.v2", "cfg{mac}.xml?x=1"]
    {
        let known =
            opened(files.get(&format!("{}{}", settings.bootstrap_url, name.replace("{mac}", &mac(1).compact()))).await)
                .await;
        let unknown = opened(
            files.get(&format!("{}{}", settings.bootstrap_url, name.replace("{mac}", &mac(999).compact()))).await,
        )
        .await;
        assert_eq!(known, unknown, "{name}");
        assert_eq!(known.status, StatusCode::OK, "{name}");
        let text = String::from_utf8_lossy(&known.body);
        assert!(!text.contains(SIP_PASSWORD) && !text.contains(&id.to_string()), "{text}");
    }
    let text = opened(files.get(&format!("{}cfg{}.xml", settings.bootstrap_url, mac(1).compact())).await).await.text();
    assert!(text.contains("<item name=\"tr069.url\">") && text.contains("/acs/harbour"), "{text}");
    for none in ["devc074ad770001.cfg", "ghp610fw.bin", "", "cfg%00.xml", "cfg%2e%2e%2fcfg.xml"] {
        let answer = opened(files.get(&format!("{}{none}", settings.bootstrap_url)).await).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{none}: so that the phone goes on");
    }
}

#[tokio::test]
async fn nobody_is_sent_on_from_a_propertys_address_where_nobody_would_take_him() {
    let alone = [Files::LISTEN[0], ("acs.listen", ""), ("server.roles", "api, ingest, worker, provision")];
    let server = TestServer::with(&alone).await;
    let (_, settings) = served(&server, &["1207"]).await;
    let files = Files::new(&server);
    let name = format!("{}cfg{}.xml", settings.bootstrap_url, mac(1).compact());
    assert_eq!(files.get(&name).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn without_a_proof_every_name_is_the_same_401() {
    let server = TestServer::with(&Files::LISTEN).await;
    let (hotel, _) = served(&server, &["1207"]).await;
    hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    server.api.set_password(hotel.room("1207")).await;
    let files = Files::new(&server);
    let of = async |path: &str, authorization: Option<&str>| {
        let mut request = files.http.get(format!("{}{path}", files.base));
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let mut answer = opened(request.send().await.unwrap()).await;
        answer.headers.retain(|(name, _)| name != "www-authenticate");
        answer
    };
    let known = of(&format!("/cfg{}.xml", mac(1).compact()), None).await;
    assert_eq!((known.status, known.body.len()), (StatusCode::UNAUTHORIZED, 0));
    let wrong_token = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for path in [
        format!("/cfg{}.xml", mac(999).compact()),
        format!("/cfg{}", mac(1).compact()),
        "/cfg.xml".to_owned(),
        "/nothing".to_owned(),
        "/".to_owned(),
        "/a/b/c/d".to_owned(),
        "/..%2f..%2fetc/passwd".to_owned(),
        "/%00".to_owned(),
        format!("/{wrong_token}/cfg{}.xml", mac(1).compact()),
        format!("/first/{wrong_token}/cfg{}.xml", mac(1).compact()),
    ] {
        assert_eq!(of(&path, None).await, known, "{path}");
    }
    // "first:x", "admin:admin", and a phone's id with a wrong password.
    let id = server.api.get("/api/v1/phones?q=").await;
    assert_eq!(id.status, 200);
    for basic in ["Zmlyc3Q6eA==", "YWRtaW46YWRtaW4=", "!!!"] {
        let path = format!("/cfg{}.xml", mac(1).compact());
        assert_eq!(of(&path, Some(&format!("Basic {basic}"))).await, known, "{basic}");
    }
    let blank = of(&format!("/cfg{}.xml", mac(1).compact()), Some("Basic Og==")).await;
    assert_eq!(blank, known, "nothing is shown by it");
}

#[tokio::test]
async fn a_first_token_gives_everything_once_and_then_the_phones_own_password_does() {
    let server = TestServer::with(&Files::LISTEN).await;
    let (hotel, _) = served(&server, &["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    server.api.set_password(hotel.room("1207")).await;
    let files = Files::new(&server);
    for by_url in [true, false] {
        let first: FirstFetch = server.api.post(&format!("/api/v1/phones/{id}/first-fetch"), json!({})).await.ok();
        let name = format!("cfg{}.xml", mac(1).compact());
        let url = if by_url { format!("{}{name}", first.url) } else { format!("{}/{name}", files.base) };
        let login = (!by_url).then(|| (first.user.clone(), first.password.clone()));
        let of_another = url.replace(&mac(1).compact(), &mac(2).compact());
        let other = files.digest(&of_another, login.as_ref(), "MD5").await;
        assert_ne!(other.status(), StatusCode::OK, "the token is one phone's");
        let got = opened(files.digest(&url, login.as_ref(), "MD5").await).await;
        assert_eq!(got.status, StatusCode::OK);
        assert!(got.text().contains(SIP_PASSWORD), "{}", got.text());
        let again = files.digest(&url, login.as_ref(), "MD5").await;
        assert_eq!(again.status(), StatusCode::UNAUTHORIZED, "by url: {by_url}");
        let own = got.credentials();
        for algorithm in ["MD5", "SHA-256"] {
            let got = opened(files.digest(&format!("{}/{name}", files.base), Some(&own), algorithm).await).await;
            assert_eq!(got.status, StatusCode::OK, "{algorithm}");
            assert!(got.text().contains(SIP_PASSWORD) && got.text().contains(">1207<"), "{}", got.text());
        }
        let basic = files.http.get(format!("{}/{name}", files.base)).basic_auth(&own.0, Some(&own.1));
        assert_eq!(basic.send().await.unwrap().status(), StatusCode::OK);
        let wrong = (own.0.clone(), "wrong".to_owned());
        let url = format!("{}/{name}", files.base);
        assert_eq!(files.digest(&url, Some(&wrong), "MD5").await.status(), StatusCode::UNAUTHORIZED);
        let of_another = format!("{}/cfg{}.xml", files.base, mac(2).compact());
        assert_eq!(files.digest(&of_another, Some(&own), "MD5").await.status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_fetch_is_recorded_and_does_the_change_where_there_is_nothing_else() {
    let server = TestServer::with(&Files::LISTEN).await;
    let (hotel, _) = served(&server, &["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let files = Files::new(&server);
    let own = files.own(&server, id, mac(1)).await;
    let detail = wait("the fetch is written", async || {
        let detail = server.api.phone(id).await;
        (detail.fetched.is_some() && !detail.phone.firmware.is_empty()).then_some(detail)
    })
    .await;
    let fetched = detail.fetched.unwrap();
    assert_eq!((fetched.version, fetched.model.as_str()), (detail.desired_version, "GHP621W"));
    assert_eq!((detail.phone.firmware.as_str(), fetched.address.as_str()), ("1.0.1.37", "127.0.0.1"));
    assert_eq!(detail.phone.state, RoomState::FilesOnly, "it lives");
    assert!(detail.events.iter().any(|event| event.kind.as_str() == "config-fetched"), "{:?}", detail.events);
    let job = &detail.jobs[0];
    assert_eq!((job.state, job.note.as_str()), (JobState::Done, "Fetched as a file; not verified."));
    assert_eq!((detail.phone.sync, job.fetched), (SyncState::Fetched, true));

    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    server.api.patch(&path, json!({ "guest_name": "Mrs Silva" })).await.ok::<serde_json::Value>();
    assert_eq!(server.api.phone(id).await.jobs[0].state, JobState::Ready, "it has not come yet");
    let url = format!("{}/cfg{}.xml", files.base, mac(1).compact());
    let got = opened(files.digest(&url, Some(&own), "SHA-256").await).await;
    assert!(got.text().contains("Mrs Silva"), "{}", got.text());
    wait_true("the change is fetched", async || server.api.phone(id).await.jobs[0].state == JobState::Done).await;
}

#[tokio::test]
async fn a_version_the_phone_has_is_not_sent_again() {
    let server = TestServer::with(&Files::LISTEN).await;
    let (hotel, settings) = served(&server, &["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let files = Files::new(&server);
    let own = files.own(&server, id, mac(1)).await;
    let url = format!("{}/cfg{}.xml", files.base, mac(1).compact());
    let get = async |method: Method, header: Option<(&str, &str)>| -> Response {
        let mut request = files.http.request(method, &url).basic_auth(&own.0, Some(&own.1));
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        request.send().await.unwrap()
    };
    let whole = get(Method::GET, None).await;
    let header = |answer: &Response, name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let (tag, later) = (header(&whole, "etag"), "Fri, 01 Jan 2100 00:00:00 GMT".to_owned());
    let head = get(Method::HEAD, None).await;
    assert_eq!((head.status(), header(&head, "etag")), (StatusCode::OK, tag.clone()));
    assert!(head.bytes().await.unwrap().is_empty());
    let other = format!("\"x\", W/{tag}");
    for (name, value) in [
        ("if-none-match", tag.as_str()),
        ("if-none-match", &other),
        ("if-none-match", "*"),
        ("if-modified-since", &later),
    ] {
        let answer = get(Method::GET, Some((name, value))).await;
        assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{name}: {value}");
        // Who names no version may be about to be given it with another key: what he has is remembered a moment later.
        assert!(!value.contains(&tag) || header(&answer, "etag") == tag, "{name}: {value}");
        assert!(answer.bytes().await.unwrap().is_empty());
    }
    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    server.api.patch(&path, json!({ "guest_name": "Mrs Silva" })).await.ok::<serde_json::Value>();
    let old = get(Method::GET, Some(("if-modified-since", &header(&whole, "last-modified")))).await;
    assert_eq!(old.status(), StatusCode::OK, "changed within the second or later");
    let newer = get(Method::GET, Some(("if-none-match", &tag))).await;
    assert_eq!(newer.status(), StatusCode::OK);
    assert_ne!(header(&newer, "etag"), tag);

    let bootstrap = format!("{}cfg{}.xml", settings.bootstrap_url, mac(7).compact());
    let tag = header(&files.get(&bootstrap).await, "etag");
    let again = files.http.get(&bootstrap).header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    let since =
        async |date: &str| files.http.get(&bootstrap).header("if-modified-since", date).send().await.unwrap().status();
    assert_eq!(since(&later).await, StatusCode::NOT_MODIFIED);
    // Other addresses in it come with a start of the server, however long the property is as it is.
    let write = server.app().db.write().await.unwrap();
    provisioning::Entity::update_many()
        .col_expr(provisioning::Column::ChangedAt, Expr::value(0))
        .exec(&write.tx)
        .await
        .unwrap();
    write.commit().await.unwrap();
    assert_eq!(since("Thu, 01 Jan 2015 00:00:00 GMT").await, StatusCode::OK);
}

#[tokio::test]
async fn a_phone_that_proved_itself_gets_its_file_by_any_prefix_it_was_ever_told() {
    let server = TestServer::with(&Files::LISTEN).await;
    let (hotel, _) = served(&server, &["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let path = format!("/api/v1/properties/{}/settings", hotel.property);
    let prefix = "provisioning.config.fileprefix";
    let set = async |value: &str| server.api.put(&path, json!({ "values": { prefix: value } })).await;
    set("a-").await.ok::<serde_json::Value>();
    let files = Files::new(&server);
    let own = files.own(&server, id, mac(1)).await;
    let get = async |name: &str| opened(files.digest(&format!("{}/{name}", files.base), Some(&own), "MD5").await).await;
    let name = format!("cfg{}.xml", mac(1).compact());
    assert_eq!(get(&format!("a-{name}")).await.item(prefix), "a-");
    // It has not heard of the new one; and of none it knows better how it was encoded.
    set("b-").await.ok::<serde_json::Value>();
    for before in ["a-", "b-", "", "Room%20A%20%C3%BC_"] {
        assert_eq!(get(&format!("{before}{name}")).await.item(prefix), "b-", "{before}");
    }
    for none in
        [format!("a-cfg{}.xml", mac(2).compact()), "a-cfg.xml".to_owned(), format!("a-dev{}.cfg", mac(1).compact())]
    {
        assert_eq!(get(&none).await.status, StatusCode::NOT_FOUND, "{none}");
    }
    let refused = set("Room A").await.refused(422);
    assert!(refused.detail.contains("a blank cannot stand in a file's name"), "{}", refused.detail);
}

#[tokio::test]
async fn who_fetches_in_the_window_and_phones_home_is_taken_in() {
    let server = TestServer::with(&Files::LISTEN).await;
    let (hotel, settings) = served(&server, &["1207"]).await;
    let files = Files::new(&server);
    let path = format!("/api/v1/properties/{}/provisioning", hotel.property);
    let name = |mac: Mac| format!("{}cfg{}.xml", settings.bootstrap_url, mac.compact());
    files.get(&name(mac(1))).await;
    let until = Timestamp(cloud::clock::now_ms() + 60_000);
    let open: Provisioning =
        server.api.put(&path, json!({ "enabled": true, "accept_until": until.rfc3339() })).await.ok();
    assert_eq!((open.accept_until, &open.token), (Some(until), &settings.token));
    files.get(&name(mac(2))).await;
    wait_true("one waits", async || server.api.get(&path).await.ok::<Provisioning>().waiting == 1).await;

    // Fetched before the window, and not at all: they wait for a person.
    for number in [1, 3] {
        HandPhone::new(mac(number), server.acs_url()).session().await;
    }
    let mut phone = HandPhone::new(mac(2), server.acs_url());
    let asked = phone.session().await;
    assert!(!asked.is_empty() && phone.login.is_some(), "it gets its credentials: {asked:?}");
    let page: contract::rest::PhonePage =
        server.api.get(&format!("/api/v1/phones?property={}", hotel.property)).await.ok();
    let taken: Vec<Mac> = page.items.iter().map(|row| row.mac).collect();
    assert_eq!(taken, [mac(2)]);
    let waiting: Vec<contract::rest::PhoneRow> = server.api.get("/api/v1/phones/new").await.ok();
    assert_eq!(waiting.len(), 2);

    files.get(&name(mac(4))).await;
    wait_true("one waits", async || server.api.get(&path).await.ok::<Provisioning>().waiting == 1).await;
    let closed: Provisioning = server.api.put(&path, json!({ "enabled": true })).await.ok();
    assert_eq!((closed.accept_until, closed.waiting), (None, 0));
    let mut late = HandPhone::new(mac(4), server.acs_url());
    late.session().await;
    assert!(late.login.is_none(), "the window is closed");
    let rotated: Provisioning = server.api.put(&path, json!({ "enabled": true, "rotate_token": true })).await.ok();
    assert_ne!(rotated.token, settings.token);
    assert_eq!(files.get(&name(mac(2))).await.status(), StatusCode::UNAUTHORIZED, "the old address is worth nothing");
}

#[tokio::test]
async fn who_asks_too_often_comes_back_later_and_keeps_nobody_out() {
    let limits = [Files::LISTEN[0], ("provision.requests_per_phone", "5"), ("provision.requests_per_minute", "30")];
    let server = TestServer::with(&limits).await;
    let (hotel, settings) = served(&server, &["1207"]).await;
    let ids = [hotel.announce(mac(1), None).await.unwrap(), hotel.announce(mac(2), None).await.unwrap()];
    let files = Files::new(&server);
    let name = |number: u16| format!("{}cfg{}.xml", settings.bootstrap_url, mac(number).compact());
    let own = |number: u16| format!("{}/cfg{}.xml", files.base, mac(number).compact());
    // Somebody behind the same address as all phones tries whatever he can think of.
    for _ in 0..15 {
        assert_eq!(files.get(&name(1)).await.status(), StatusCode::OK);
        let wrong = files.http.get(own(1)).basic_auth("first", Some("x")).send().await.unwrap();
        assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    }
    let wrong = files.http.get(own(1)).basic_auth(ids[0], Some("x")).send().await.unwrap();
    for refused in [files.get(&name(2)).await, files.get(&format!("{}/first/x/cfg.xml", files.base)).await, wrong] {
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "30 from one address");
        let seconds: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((30..=90).contains(&seconds), "{seconds}");
    }
    // The phones have their challenges, their first files and their own, each so often.
    assert_eq!(files.get(&own(1)).await.status(), StatusCode::UNAUTHORIZED);
    let logins = [files.own(&server, ids[0], mac(1)).await, files.own(&server, ids[1], mac(2)).await];
    for _ in 1..5 {
        assert_eq!(files.digest(&own(1), Some(&logins[0]), "SHA-256").await.status(), StatusCode::OK);
    }
    let refused = files.digest(&own(1), Some(&logins[0]), "SHA-256").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "5 of one phone");
    let neighbour = files.digest(&own(2), Some(&logins[1]), "SHA-256").await;
    assert_eq!(neighbour.status(), StatusCode::OK, "its neighbour goes on");
}

#[tokio::test]
async fn what_is_no_request_for_a_file_costs_nothing() {
    let server = TestServer::with(&Files::LISTEN).await;
    let (_, settings) = served(&server, &["1207"]).await;
    let files = Files::new(&server);
    let url = |rest: &str| format!("{}{rest}", settings.bootstrap_url);
    assert_eq!(files.get(&url(&"a".repeat(10_000))).await.status(), StatusCode::URI_TOO_LONG);
    let huge = files.http.get(url("cfg.xml")).header("x-huge", "a".repeat(5000)).send().await.unwrap();
    assert_eq!(huge.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    let put = files.http.put(url("cfg.xml")).body("x").send().await.unwrap();
    assert_eq!(put.status(), StatusCode::METHOD_NOT_ALLOWED);
}
