use super::*;
use crate::device::Identity;
use crate::store::{Storage, intern};

fn phone() -> Arc<Device> {
    Device::open(Identity::of("c074ad120701"), Storage::Memory).unwrap()
}

fn give_password(device: &Device) {
    let set = |key, value: &str| (intern(key), Some(value.to_owned()));
    device
        .set_from_acs(
            &[set("tr069.connectionrequestusername", "acs"), set("tr069.connectionrequestpassword", "pw")],
            |_| {},
        )
        .unwrap();
}

async fn get(url: &str, authorization: Option<String>) -> reqwest::Response {
    let request = http().get(url);
    let request = match authorization {
        Some(value) => request.header("authorization", value),
        None => request,
    };
    request.send().await.unwrap()
}

fn proof(response: &reqwest::Response, algorithm: Algorithm, password: &str, target: &str) -> String {
    let values: Vec<&str> =
        response.headers().get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect();
    let challenges = Challenge::parse(values).unwrap();
    let challenge = challenges.iter().find(|challenge| challenge.algorithm == algorithm).unwrap();
    auth_digest::respond(challenge, "acs", password, "GET", target, b"", "0123456789abcdef", 1).to_string()
}

fn called(device: &Device) -> bool {
    device.with_reasons(|reasons, _| std::mem::take(&mut reasons.connection_request))
}

#[tokio::test]
async fn calls_only_who_knows_the_password_and_each_proof_once() {
    let listener = Listener::start(0, false).await.unwrap();
    let device = phone();
    listener.add(&device, Ipv4Addr::LOCALHOST.into()).unwrap();
    let url = device.connection_request_url();
    let target = url.splitn(4, '/').nth(3).map(|rest| format!("/{rest}")).unwrap();
    assert!(target.len() >= 33, "the path cannot be guessed");

    // Before enrolment there is no password, and nobody gets in.
    assert_eq!(get(&url, None).await.status(), 401);
    give_password(&device);
    let challenge = get(&url, None).await;
    assert_eq!(challenge.status(), 401);
    assert!(!called(&device));
    for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
        let good = proof(&get(&url, None).await, algorithm, "pw", &target);
        assert_eq!(get(&url, Some(good.clone())).await.status(), 200);
        assert!(called(&device));
        // A listener on the wire cannot use it again.
        assert_eq!(get(&url, Some(good)).await.status(), 401);
    }
    let wrong = proof(&challenge, Algorithm::Md5, "other", &target);
    assert_eq!(get(&url, Some(wrong)).await.status(), 401);
    let elsewhere = proof(&challenge, Algorithm::Md5, "pw", "/");
    assert_eq!(get(&url, Some(elsewhere)).await.status(), 401);
    assert_eq!(get(&format!("{url}0"), None).await.status(), 404);
    assert_eq!(http().post(&url).send().await.unwrap().status(), 405);
    assert!(!called(&device));
}

#[tokio::test]
async fn too_many_calls_are_sent_away() {
    let listener = Listener::start(0, false).await.unwrap();
    let device = phone();
    give_password(&device);
    listener.add(&device, Ipv4Addr::LOCALHOST.into()).unwrap();
    let url = device.connection_request_url();
    let target = format!("/{}", url.rsplit('/').next().unwrap());
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let good = proof(&get(&url, None).await, Algorithm::Md5, "pw", &target);
        statuses.push(get(&url, Some(good)).await.status().as_u16());
    }
    assert_eq!(statuses[..3], [200; 3]);
    assert_eq!(statuses[4], 503);
}

#[tokio::test]
async fn a_taken_port_is_no_reason_not_to_start() {
    let first = Listener::start(0, false).await.unwrap();
    let second = Listener::start(first.port(), false).await.unwrap();
    assert_ne!(first.port(), second.port());
}

#[tokio::test]
async fn slow_headers_are_cut_off() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = Listener::start(0, false).await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", listener.port())).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX: ").await.unwrap();
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(8), stream.read_to_end(&mut rest)).await.expect("cut off").unwrap();
}

fn http() -> reqwest::Client {
    crate::tls::TlsOptions::default().http().unwrap().build().unwrap()
}
