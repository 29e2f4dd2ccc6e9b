//! Phones that fetch configuration files.

use contract::rest::{FirstFetch, Provisioning};
use contract::{Mac, PhoneId, RoomId};
use reqwest::{Response, StatusCode};
use serde_json::json;

use super::{Api, Hotel, TestServer};

/// What must stand in no answer to somebody who has proved nothing.
pub const SIP_PASSWORD: &str = "Sip-Secret-1207";
/// As the vendor's phones name themselves.
const USER_AGENT: &str = "Grandstream Model HW GHP621W SW 1.0.1.37 DevId c074ad770001";

/// A property with these rooms that serves files.
pub async fn served(server: &TestServer, rooms: &[&str]) -> (Hotel, Provisioning) {
    let hotel = server.hotel(rooms).await;
    let path = format!("/api/v1/properties/{}/provisioning", hotel.property);
    let settings: Provisioning = server.api.put(&path, json!({ "enabled": true })).await.ok();
    assert!(settings.bootstrap_url.ends_with(&format!("/{}/", settings.token)), "{settings:?}");
    (hotel, settings)
}

/// Gives a room the SIP password [`SIP_PASSWORD`].
pub trait SetPassword {
    async fn set_password(&self, room: RoomId);
}

impl SetPassword for Api {
    async fn set_password(&self, room: RoomId) {
        let body = json!({ "values": { "account.1.sip.subscriber.password": SIP_PASSWORD } });
        self.put(&format!("/api/v1/rooms/{room}/settings"), body).await.ok::<serde_json::Value>();
    }
}

/// A phone's HTTP client.
pub struct Files {
    pub http: reqwest::Client,
    pub base: String,
}

/// An answer, whole, without what differs from second to second.
#[derive(Debug, PartialEq)]
pub struct Got {
    pub status: StatusCode,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

pub async fn opened(answer: Response) -> Got {
    let headers = answer.headers().iter().filter(|(name, _)| !["date", "last-modified"].contains(&name.as_str()));
    let mut headers: Vec<_> = headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    headers.sort();
    Got { status: answer.status(), headers, body: answer.bytes().await.unwrap().to_vec() }
}

impl Got {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The item of an alias file.
    pub fn item(&self, key: &str) -> String {
        let text = self.text();
        let after = text.split_once(&format!("<item name=\"{key}\">")).map(|(_, after)| after.to_owned());
        let after = after.unwrap_or_else(|| panic!("no {key} in {text}"));
        after.split('<').next().unwrap_or_default().to_owned()
    }

    /// User name and password the file gives its phone for the next.
    pub fn credentials(&self) -> (String, String) {
        (self.item("provisioning.config.username"), self.item("provisioning.config.password"))
    }
}

impl Files {
    pub const LISTEN: [(&'static str, &'static str); 1] = [("provision.listen", "127.0.0.1:0")];

    pub fn new(server: &TestServer) -> Self {
        let http = tests::api::http_trusting(b"").no_proxy().user_agent(USER_AGENT).build().unwrap();
        Self { http, base: server.files_url() }
    }

    pub async fn get(&self, url: &str) -> Response {
        self.http.get(url).send().await.unwrap()
    }

    pub async fn fetch_first(&self, first: &FirstFetch, mac: Mac) -> Got {
        let got = opened(self.get(&format!("{}cfg{}.xml", first.url, mac.compact())).await).await;
        assert_eq!(got.status, StatusCode::OK, "{}", got.text());
        got
    }

    /// Has a phone fetch for the first time; its credentials from then on.
    pub async fn own(&self, server: &TestServer, id: PhoneId, mac: Mac) -> (String, String) {
        let path = format!("/api/v1/phones/{id}/first-fetch");
        let first: FirstFetch = server.api.post(&path, json!({})).await.ok();
        self.fetch_first(&first, mac).await.credentials()
    }

    /// GET, answering the challenge of this algorithm if there is one and a login to do it with.
    pub async fn digest(&self, url: &str, login: Option<&(String, String)>, algorithm: &str) -> Response {
        let answer = self.get(url).await;
        let Some((user, password)) = login.filter(|_| answer.status() == StatusCode::UNAUTHORIZED) else {
            return answer;
        };
        let values = answer.headers().get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok());
        let challenges = auth_digest::Challenge::parse(values).unwrap();
        let challenge = challenges.iter().find(|one| one.algorithm.name() == algorithm).unwrap();
        let url: reqwest::Url = url.parse().unwrap();
        let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let proof = auth_digest::respond(challenge, user, password, "GET", &target, b"", "0a4f113b0a4f113b", 1);
        self.http.get(url.clone()).header("authorization", proof.to_string()).send().await.unwrap()
    }
}
