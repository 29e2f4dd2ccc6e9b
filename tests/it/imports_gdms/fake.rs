//! A stand-in of GDMS: the calls of its API guide, with the faults such services have.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use axum::{Json, Router};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

/// SHA-256 of the MD5 of "P@ssw0rd": the vector of the reference.
const PASSWORD: &str = "bced1a3e39c03aea361c16cde2049b50713761044f1293965a234369cb0b5aa7";

/// What goes wrong.
#[derive(Clone)]
pub struct Trouble {
    pub wrong_password: bool,
    pub refuses: bool,
    /// It tells nothing of the device of this number.
    pub refuses_device: Option<usize>,
    /// So many calls are answered 429, with `Retry-After: 0`.
    pub too_many: u32,
    /// So many by a page in HTML.
    pub html: u32,
    /// So many by 502.
    pub broken: u32,
    /// Calls a token is good for.
    pub token_calls: u32,
    /// The list says it has 3 devices.
    pub short_total: bool,
    /// Every page is the first.
    pub same_page: bool,
    /// The list is larger than anybody reads.
    pub huge: bool,
    /// The device of this number has no serial number.
    pub no_serial: Option<usize>,
    /// Organisations of the account, and sites of each; two sites are the least.
    pub organisations: usize,
    pub sites: usize,
    /// The list of devices waits for [`Fake::release`].
    pub holds: bool,
}

impl Default for Trouble {
    fn default() -> Self {
        Self {
            wrong_password: false,
            refuses: false,
            refuses_device: None,
            too_many: 0,
            html: 0,
            broken: 0,
            token_calls: u32::MAX,
            short_total: false,
            same_page: false,
            huge: false,
            no_serial: None,
            organisations: 1,
            sites: 2,
            holds: false,
        }
    }
}

struct Inside {
    devices: usize,
    trouble: Trouble,
    /// Faults left.
    too_many: AtomicU32,
    html: AtomicU32,
    broken: AtomicU32,
    tokens: AtomicU32,
    /// Calls left of each token.
    left: Mutex<HashMap<String, u32>>,
    unsigned: Mutex<Vec<String>>,
    /// The list of devices may go on.
    released: tokio::sync::Semaphore,
}

pub struct Fake {
    pub base: String,
    inside: Arc<Inside>,
}

impl Fake {
    pub async fn start(devices: usize, trouble: Trouble) -> Self {
        let inside = Arc::new(Inside {
            devices,
            too_many: trouble.too_many.into(),
            html: trouble.html.into(),
            broken: trouble.broken.into(),
            trouble,
            tokens: AtomicU32::new(0),
            left: Mutex::default(),
            unsigned: Mutex::default(),
            released: tokio::sync::Semaphore::new(0),
        });
        let router = Router::new()
            .route("/oapi/oauth/token", post(token))
            .route("/oapi/v1.0.0/{*endpoint}", any(call))
            .with_state(inside.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, inside }
    }

    /// Lets the list of devices go on.
    pub fn release(&self) {
        self.inside.released.close();
    }

    /// Tokens it has given.
    pub fn tokens(&self) -> u32 {
        self.inside.tokens.load(Ordering::SeqCst)
    }

    /// # Panics
    /// If a call came with a wrong signature.
    pub fn all_was_signed(&self) {
        let unsigned = self.inside.unsigned.lock().unwrap();
        assert!(unsigned.is_empty(), "{unsigned:?}");
    }
}

fn fields(text: &[u8]) -> HashMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://x/?{}", String::from_utf8_lossy(text))).unwrap();
    url.query_pairs().into_owned().collect()
}

async fn token(State(fake): State<Arc<Inside>>, body: Bytes) -> Response {
    let form = fields(&body);
    let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let known = match get("grant_type") {
        "password" => get("username") == "it" && get("password") == PASSWORD,
        "refresh_token" => get("refresh_token").starts_with("r-"),
        _ => false,
    };
    if !known || get("client_id") != "101" || get("client_secret") != "s3" || fake.trouble.wrong_password {
        let body = json!({ "error": "invalid_grant", "error_description": "Bad credentials" });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    let number = fake.tokens.fetch_add(1, Ordering::SeqCst);
    let access = format!("t-{number}");
    fake.left.lock().unwrap().insert(access.clone(), fake.trouble.token_calls);
    let body = json!({ "access_token": access, "token_type": "bearer", "refresh_token": format!("r-{number}"), "expires_in": 3599 });
    Json(body).into_response()
}

/// Takes one of so many.
fn once(left: &AtomicU32) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

async fn call(
    State(fake): State<Arc<Inside>>,
    Path(endpoint): Path<String>,
    method: Method,
    Query(query): Query<BTreeMap<String, String>>,
    body: Bytes,
) -> Response {
    let get = |name: &str| query.get(name).cloned().unwrap_or_default();
    if once(&fake.too_many) {
        return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")], "slow down").into_response();
    }
    if once(&fake.html) {
        return (StatusCode::OK, [("content-type", "text/html")], "<html>We are busy</html>").into_response();
    }
    if once(&fake.broken) {
        return (StatusCode::BAD_GATEWAY, "bad gateway").into_response();
    }
    let hash =
        |text: &[u8]| digest(&SHA256, text).as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut signed = query.clone();
    signed.remove("signature");
    signed.extend([("client_id", "101"), ("client_secret", "s3")].map(|(name, value)| (name.into(), value.into())));
    let mut text: String = signed.iter().map(|(name, value)| format!("&{name}={value}")).collect();
    text.push('&');
    if !body.is_empty() {
        text.push_str(&format!("{}&", hash(&body)));
    }
    let recent = get("timestamp").parse::<u64>().is_ok_and(|ms| ms > 1_700_000_000_000);
    if hash(text.as_bytes()) != get("signature") || !recent || (method == Method::POST) == body.is_empty() {
        fake.unsigned.lock().unwrap().push(endpoint);
        return Json(json!({ "retCode": 40001, "msg": "signature wrong" })).into_response();
    }
    match fake.left.lock().unwrap().get_mut(&get("access_token")) {
        Some(left) if *left > 0 => *left -= 1,
        _ => return (StatusCode::UNAUTHORIZED, Json(json!({ "error": "invalid_token" }))).into_response(),
    }
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    if endpoint == "device/list" && fake.trouble.holds {
        // It is closed once the list may go on.
        let _ = fake.released.acquire().await;
    }
    let data = match endpoint.as_str() {
        "org/list" => {
            let all = (0..fake.trouble.organisations).map(|at| {
                let name = if at == 0 { "Hotels".to_owned() } else { format!("Hotels {at}") };
                json!({ "id": 7 + at, "organization": name })
            });
            page(all, get("pageNum").parse().unwrap(), get("pageSize").parse().unwrap())
        }
        "site/list" if asked["orgId"].as_u64().is_some_and(|id| id >= 7) => {
            let names =
                ["South".to_owned(), "North".to_owned()].into_iter().chain((2..).map(|at| format!("Site {at}")));
            let all = names.take(fake.trouble.sites).enumerate();
            let all = all.map(|(at, name)| json!({ "id": 70 + at, "siteName": name }));
            page(all, asked["pageNum"].as_u64().unwrap(), asked["pageSize"].as_u64().unwrap())
        }
        "device/list" if fake.trouble.refuses => {
            return Json(json!({ "retCode": 40010, "msg": "no right" })).into_response();
        }
        "device/account/info" if fake.trouble.refuses_device.is_some_and(|at| asked["mac"] == mac(at)) => {
            return Json(json!({ "retCode": 40006, "msg": "no such device" })).into_response();
        }
        "device/list" if fake.trouble.huge => json!([{ "mac": "x".repeat(9 * 1024 * 1024) }]),
        "device/list" => list(&fake, &asked),
        "device/account/info" => accounts(asked["mac"].as_str().unwrap()),
        _ => return Json(json!({ "retCode": 40004, "msg": "no such call" })).into_response(),
    };
    Json(json!({ "retCode": 0, "msg": "OK", "data": data })).into_response()
}

fn mac(at: usize) -> String {
    format!("C074AD66{at:04X}")
}

/// The most rows of a page, whatever is asked for.
const LARGEST: u64 = 50;

/// A page of a list as the API gives it, counted from 1.
fn page(all: impl Iterator<Item = Value> + Clone, page: u64, size: u64) -> Value {
    let size = size.min(LARGEST);
    let total = all.clone().count() as u64;
    let rows: Vec<Value> = all.skip(((page - 1) * size) as usize).take(size as usize).collect();
    json!({ "total": total, "pages": total.div_ceil(size), "pageNum": page, "pageSize": size, "result": rows })
}

/// Odd ones are in the north; every thirtieth is in no room.
fn list(fake: &Inside, asked: &Value) -> Value {
    let page = if fake.trouble.same_page { 0 } else { asked["pageNum"].as_u64().unwrap() as usize - 1 };
    let size = asked["pageSize"].as_u64().unwrap() as usize;
    let site = |at: usize| 70 + at % 2;
    let wanted = (0..fake.devices).filter(|at| asked["siteId"].is_null() || asked["siteId"] == site(*at));
    let all = wanted.clone().count();
    let device = |at: usize| {
        let name = if at.is_multiple_of(30) {
            format!("Lobby {}", ["left", "right"][at % 2])
        } else {
            format!("Room {}", 1000 + at)
        };
        let serial = if fake.trouble.no_serial == Some(at) { String::new() } else { format!("SN{at}") };
        let place = ["South", "North"][at % 2];
        json!({ "mac": mac(at), "sn": serial, "deviceName": name, "deviceType": "GHP621", "status": 1, "siteId": site(at), "siteName": place })
    };
    let rows: Vec<Value> = wanted.skip(page * size).take(size).map(device).collect();
    let total = if fake.trouble.short_total { 3 } else { all };
    json!({ "total": total, "pages": 1, "pageNum": page + 1, "pageSize": size, "result": rows })
}

fn accounts(mac: &str) -> Value {
    let number = 1000 + usize::from_str_radix(&mac[8..], 16).unwrap();
    json!([{ "accountIndex": 1, "sipUserId": number.to_string(), "sipAuthId": format!("auth-{number}"), "displayName": format!("Room {number}"), "sipServer": "sip.example" }])
}
