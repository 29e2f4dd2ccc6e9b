use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use contract::Mac;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::Incoming;
use proptest::prelude::*;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::device::Identity;
use crate::serve::{self, Answer, serve};
use crate::store::Storage;

const SOON: Duration = Duration::from_secs(20);
const REFERENCE: &str = "<?xml version=\"1.0\"?><locationResponse xmlns=\"urn:ietf:params:xml:ns:geopriv:held\">\
    <locationUriSet expires=\"2999-12-01T13:00:00Z\"><locationURI>sip:room101@lis.example</locationURI>\
    <locationURI> https://lis.example/357?a=1&amp;b=2 </locationURI></locationUriSet></locationResponse>";

#[derive(Clone, Debug, PartialEq)]
struct Seen {
    kind: String,
    authorization: String,
    body: String,
}

/// A location server that answers each question with what `answer` makes of its number.
async fn server(
    answer: impl Fn(usize) -> Answer + Clone + Send + Sync + 'static,
) -> (SocketAddr, Arc<Mutex<Vec<Seen>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
    let log = seen.clone();
    tokio::spawn(serve(listener, 4, CancellationToken::new(), move |request: Request<Incoming>| {
        let (answer, log) = (answer.clone(), log.clone());
        async move {
            let header = |name: &str| {
                request.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
            };
            let (kind, authorization) = (header("content-type"), header("authorization"));
            let body = String::from_utf8(request.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
            let number = {
                let mut log = log.lock().unwrap();
                log.push(Seen { kind, authorization, body });
                log.len() - 1
            };
            answer(number)
        }
    }));
    (address, seen)
}

fn xml(text: &str) -> Answer {
    serve::plain(hyper::StatusCode::OK, text)
}

fn page(pairs: &[(&str, &str)]) -> HeldSettings {
    HeldSettings::from_values(|key| {
        let found = pairs.iter().find(|(known, _)| key.strip_prefix("e911.") == Some(known));
        found.map(|(_, value)| (*value).to_owned()).unwrap_or_default()
    })
}

fn device() -> Arc<Device> {
    let mac = Mac::new([0xc0, 0x74, 0xad, 0, 0, 1]);
    let identity = Identity {
        mac,
        serial: mac.compact(),
        model: ::settings::Model::Ghp620,
        firmware: "1.0".to_owned(),
        acs_url: String::new(),
        authorities: None,
    };
    Device::open(identity, Storage::Memory).unwrap()
}

/// The next news of a phone with these settings.
async fn next(settings: HeldSettings) -> Option<String> {
    let (_keep, settings) = watch::channel(settings);
    let (sender, mut news) = mpsc::channel(4);
    let task = tokio::spawn(run(device(), settings, sender));
    let found = timeout(SOON, news.recv()).await.unwrap().unwrap();
    task.abort();
    found
}

#[tokio::test]
async fn the_first_server_is_asked_for_a_reference() {
    let (address, seen) = server(|_| xml(REFERENCE)).await;
    let url = format!("http://{address}/held");
    let found = next(page(&[("enable", "yes"), ("held.server.1.address", &url)])).await;
    assert_eq!(found.as_deref(), Some("https://lis.example/357?a=1&b=2"));
    let seen = seen.lock().unwrap().clone();
    assert_eq!((seen.len(), seen[0].kind.as_str(), seen[0].authorization.as_str()), (1, KIND, ""));
    assert!(seen[0].body.contains("<locationRequest xmlns=\"urn:ietf:params:xml:ns:geopriv:held\">"));
}

#[tokio::test]
async fn the_second_server_is_asked_when_the_first_does_not_know() {
    let unknown = "<error xmlns=\"urn:ietf:params:xml:ns:geopriv:held\" code=\"locationUnknown\"><message/></error>";
    let (first, asked) = server(move |_| xml(unknown)).await;
    let (second, _) = server(|_| xml(REFERENCE)).await;
    let addresses = [first, second].map(|address| address.to_string());
    let pairs = [
        ("enable", "yes"),
        ("held.protocol", "http"),
        ("held.server.1.address", addresses[0].as_str()),
        ("held.server.1.userid", "phone"),
        ("held.server.1.password", "secret"),
        ("held.server.2.address", addresses[1].as_str()),
    ];
    assert!(next(page(&pairs)).await.unwrap().starts_with("https://lis.example/"));
    assert_eq!(asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_challenge_is_answered_with_the_login() {
    let challenge = |number: usize| {
        let mut answer = match number {
            0 => serve::plain(hyper::StatusCode::UNAUTHORIZED, ""),
            _ => xml(REFERENCE),
        };
        answer.headers_mut().insert("www-authenticate", "Basic realm=\"lis\"".parse().unwrap());
        answer
    };
    let (address, seen) = server(challenge).await;
    let url = format!("http://{address}");
    let login = [("held.server.1.userid", "phone"), ("held.server.1.password", "secret")];
    let pairs = [&[("enable", "yes"), ("held.server.1.address", url.as_str())][..], &login].concat();
    assert!(next(page(&pairs)).await.is_some());
    let seen = seen.lock().unwrap().clone();
    assert_eq!((seen.len(), seen[1].authorization.as_str()), (2, "Basic cGhvbmU6c2VjcmV0"));
    let wrong = LocationServer { url, user: String::new(), password: String::new() };
    let client = client(&device().tls_options(Purpose::Management)).unwrap();
    let (refusing, _) = server(|_| serve::plain(hyper::StatusCode::UNAUTHORIZED, "")).await;
    let wrong = LocationServer { url: format!("http://{refusing}"), ..wrong };
    assert_eq!(ask(&client, &wrong).await, Err(HeldError::Status(401)));
}

#[tokio::test]
async fn what_is_too_long_or_nowhere_is_an_error() {
    let client = client(&device().tls_options(Purpose::Management)).unwrap();
    let (address, _) = server(|_| xml(&" ".repeat(MOST_ANSWER + 1))).await;
    let at = |url: String| LocationServer { url, ..LocationServer::default() };
    assert_eq!(ask(&client, &at(format!("http://{address}"))).await, Err(HeldError::TooLarge));
    assert_eq!(ask(&client, &at("ftp://lis.example".to_owned())).await, Err(HeldError::Address));
    assert!(matches!(ask(&client, &at("http://127.0.0.1:1".to_owned())).await, Err(HeldError::Io(_))));
}

#[tokio::test]
async fn a_location_is_taken_back_when_nobody_is_to_be_asked() {
    let (address, seen) = server(|_| xml(REFERENCE)).await;
    let url = format!("http://{address}");
    let on = page(&[("enable", "yes"), ("held.server.1.address", &url)]);
    let (sender, receiver) = watch::channel(on);
    let (news_sender, mut news) = mpsc::channel(4);
    let task = tokio::spawn(run(device(), receiver, news_sender));
    assert!(timeout(SOON, news.recv()).await.unwrap().unwrap().is_some());
    sender.send(HeldSettings::default()).unwrap();
    assert_eq!(timeout(SOON, news.recv()).await.unwrap(), Some(None));
    drop(sender);
    timeout(SOON, task).await.unwrap().unwrap();
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_server_is_asked_again_after_the_interval_and_no_answer_changes_nothing() {
    let (address, seen) = server(|number| match number {
        0 => xml(REFERENCE),
        1 => xml("<locationResponse/>"),
        _ => xml(&REFERENCE.replace("357", "358")),
    })
    .await;
    let servers = vec![LocationServer { url: format!("http://{address}"), ..LocationServer::default() }];
    let (_keep, receiver) = watch::channel(HeldSettings { interval: Some(Duration::from_millis(5)), servers });
    let (sender, mut news) = mpsc::channel(4);
    let task = tokio::spawn(run(device(), receiver, sender));
    assert!(timeout(SOON, news.recv()).await.unwrap().unwrap().unwrap().contains("/357"));
    assert!(timeout(SOON, news.recv()).await.unwrap().unwrap().unwrap().contains("/358"));
    assert!(seen.lock().unwrap().len() >= 3);
    task.abort();
}

#[test]
fn the_page_says_whom_to_ask_and_how_often() {
    let server = ("held.server.1.address", "lis.example/held");
    let minutes = |pairs: &[(&str, &str)]| page(pairs).interval.map(|interval| interval.as_secs() / 60);
    assert_eq!(minutes(&[("enable", "yes"), server, ("held.syncinterval", "45")]), Some(45));
    assert_eq!(minutes(&[("enable", "yes"), server, ("held.syncinterval", "0")]), None);
    assert_eq!(minutes(&[("enable", "yes"), server]), Some(1440));
    assert_eq!(minutes(&[("enable", "no"), server]), None);
    assert_eq!(minutes(&[server]), None);
    assert_eq!(minutes(&[("enable", "yes")]), None);
    let url = |protocol| page(&[server, ("held.protocol", protocol)]).servers[0].url.clone();
    assert_eq!(
        [url("http"), url("https"), url("")],
        ["http://lis.example/held", "https://lis.example/held", "https://lis.example/held"]
    );
    let whole = page(&[("held.server.2.address", "http://lis.example"), ("held.protocol", "https")]);
    assert_eq!(whole.servers[0].url, "http://lis.example");
    let login =
        [("held.server.1.userid", "u"), ("held.server.1.password", "p"), ("held.server.2.address", "b.example")];
    let servers = page(&[&[server][..], &login].concat()).servers;
    assert_eq!((servers[0].user.as_str(), servers[0].password.as_str(), servers[1].user.as_str()), ("u", "p", ""));
    assert!(!format!("{servers:?}").contains("lis.example"));
}

#[test]
fn a_reference_is_renewed_before_it_ends() {
    let with = |expires: &str| answer::location(REFERENCE.replace("2999-12-01T13:00:00Z", expires).as_bytes()).unwrap();
    let location = with("1970-01-01T02:00:00+01:00");
    assert_eq!(location.ends, Some(3_600_000));
    assert_eq!(life(&location, 0), Duration::from_secs(3240));
    assert_eq!((life(&location, 3_599_000), life(&location, 9_000_000)), (LEAST, LEAST));
    assert_eq!((with("some day").ends, life(&with(""), 0)), (None, Duration::MAX));
}

#[test]
fn a_document_stands_on_its_own() {
    let response = "<locationResponse xmlns=\"urn:ietf:params:xml:ns:geopriv:held\" xmlns:gp=\"urn:gp\" xmlns:gml=\"urn:old\">\
        <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:gml=\"urn:gml\" entity=\"pres:a@b\"><tuple id=\"1\"><status>\
        <gp:geopriv><presence/></gp:geopriv></status></tuple></presence></locationResponse>";
    let document = answer::location(response.as_bytes()).unwrap();
    assert_eq!(
        document.text,
        "<presence xmlns:gp=\"urn:gp\" xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:gml=\"urn:gml\" entity=\"pres:a@b\">\
         <tuple id=\"1\"><status><gp:geopriv><presence/></gp:geopriv></status></tuple></presence>"
    );
}

#[test]
fn answers_that_say_nothing_of_use_are_errors() {
    for text in [
        "",
        "<locationResponse/>",
        "<locationResponse><locationUriSet><locationURI>javascript:x</locationURI></locationUriSet></locationResponse>",
        "<locationResponse><locationURI>https://a b</locationURI></locationResponse>",
        "<locationResponse><locationURI>https://a&lt;b</locationURI></locationResponse>",
        "<locationResponse><presence>",
        "<!DOCTYPE a [<!ENTITY b \"c\">]><locationResponse><locationURI>https://a</locationURI></locationResponse>",
    ] {
        assert_eq!(answer::location(text.as_bytes()), Err(HeldError::Nothing), "{text}");
    }
    let long = format!("<a><locationURI>https://{}</locationURI></a>", "x".repeat(2000));
    assert_eq!(answer::location(long.as_bytes()), Err(HeldError::Nothing));
    assert_eq!(answer::location(b"<error code=\"timeout\"/>"), Err(HeldError::Refused("timeout".to_owned())));
    assert_eq!(answer::location(b"\xff<a/>"), Err(HeldError::Nothing));
}

proptest! {
    #[test]
    fn no_answer_panics(text in "[<>/a-zA-Z:=\" &;.!?-]{0,120}", cut in 0usize..400) {
        let _ = answer::location(text.as_bytes());
        let _ = answer::location(REFERENCE.as_bytes().get(..cut).unwrap_or_default());
        let wrapped = format!("<locationResponse xmlns:a=\"b\"><presence {text}</presence></locationResponse>");
        let _ = answer::location(wrapped.as_bytes());
    }
}
