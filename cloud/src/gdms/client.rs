//! Signing in, asking, paging. Times and sizes have limits; what fails is tried again a few times, later each time; a token
//! that ended is replaced.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::reply::{self, Reply};
use super::{GdmsError, Named, sign};
use crate::clock::now_ms;
use crate::domain::import::MAX_ROWS;
use crate::domain::import::gdms::Device;
use crate::domain::retry::backoff_s;
use crate::secrets::random_fraction;

/// One request, from its beginning to the end of its answer.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The largest answer read, in bytes.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
const TRIES: i32 = 5;
/// The longest wait between two tries, whatever the server asks for.
const MAX_WAIT: Duration = Duration::from_secs(30);
const PAGE: usize = 100;
const MAX_PAGES: usize = 1_000;
/// Devices asked for their accounts at once.
const BESIDE: usize = 4;
/// A token is replaced this long before its end.
const MARGIN: Duration = Duration::from_secs(60);

/// Who signs in, and where. It can be neither printed nor stored.
pub struct Login {
    /// Scheme and host, for example `https://www.gdms.cloud`.
    pub base: String,
    pub user: String,
    pub password: String,
    pub client_id: String,
    pub client_secret: String,
}

struct Token {
    access: String,
    refresh: String,
    ends: Instant,
}

pub struct Client {
    http: reqwest::Client,
    login: Login,
    password_hash: String,
    token: Mutex<Option<Token>>,
}

impl Client {
    /// # Errors
    /// Without TLS on this machine.
    pub fn new(mut login: Login) -> anyhow::Result<Self> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            // It goes where it was told, and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(10))
            .timeout(TIMEOUT)
            .build()?;
        let password_hash = sign::password(&std::mem::take(&mut login.password));
        Ok(Self { http, login, password_hash, token: Mutex::new(None) })
    }

    pub async fn organisations(&self) -> Result<Vec<Named>, GdmsError> {
        let named = |row: &Value| reply::named(row, &["id", "orgId"], &["organization", "orgName", "name"]);
        let ask = |page: usize| async move { self.call("org/list", Ask::Page(page)).await };
        Ok(pages(ask, named, |one| one.id.clone(), 1_000).await?.0)
    }

    pub async fn sites(&self, organisation: &str) -> Result<Vec<Named>, GdmsError> {
        let named = |row: &Value| reply::named(row, &["id", "siteId"], &["siteName", "name"]);
        let ask = |page: usize| async move {
            let body = json!({ "orgId": number(organisation), "pageNum": page, "pageSize": PAGE });
            self.call("site/list", Ask::Body(&body)).await
        };
        Ok(pages(ask, named, |one| one.id.clone(), 10_000).await?.0)
    }

    /// Devices of an organisation, or of one of its sites, and what is odd about the list.
    pub async fn devices(
        &self,
        organisation: &str,
        site: Option<&str>,
    ) -> Result<(Vec<Device>, Vec<String>), GdmsError> {
        let ask = |page: usize| async move {
            let mut body = json!({ "pageNum": page, "pageSize": PAGE });
            if !organisation.is_empty() {
                body["orgId"] = number(organisation);
            }
            if let Some(site) = site {
                body["siteId"] = number(site);
            }
            self.call("device/list", Ask::Body(&body)).await
        };
        let (devices, said) = pages(ask, reply::device, |device| device.mac.clone(), MAX_ROWS).await?;
        if devices.len() > MAX_ROWS {
            return Err(GdmsError::Refused(format!(
                "nothing, but it lists more than {MAX_ROWS} devices. Choose one site."
            )));
        }
        let differs = said.filter(|said| *said != devices.len() as u64);
        let notes = differs.map(|said| format!("GDMS says that it has {said} devices, and listed {}.", devices.len()));
        Ok((devices, notes.into_iter().collect()))
    }

    /// Adds what only a device's own page tells: its accounts. (`device/detail` asks the phone itself, so it knows of phones
    /// that are online alone, and only some time later.) A device GDMS says nothing about stays without them, and what it
    /// said instead is among the notes, by MAC address.
    ///
    /// # Errors
    /// If GDMS does not let us in or answers nobody: then no device can be read.
    pub async fn complete(&self, devices: Vec<Device>) -> Result<(Vec<Device>, Vec<String>), GdmsError> {
        let asked: Vec<_> = devices.into_iter().map(|device| self.details(device)).collect();
        let (mut complete, mut notes) = (Vec::with_capacity(asked.len()), Vec::new());
        for answer in stream::iter(asked).buffered(BESIDE).collect::<Vec<_>>().await {
            let (device, note) = answer?;
            complete.push(device);
            notes.extend(note);
        }
        Ok((complete, notes))
    }

    async fn details(&self, mut device: Device) -> Result<(Device, Option<String>), GdmsError> {
        let body = json!({ "mac": device.mac });
        match self.call("device/account/info", Ask::Body(&body)).await {
            Ok(data) => device.accounts = reply::accounts(&data),
            Err(GdmsError::Refused(why)) => {
                let note = format!("{}: its accounts were not read; {why}", device.mac);
                return Ok((device, Some(note)));
            }
            Err(error) => return Err(error),
        }
        Ok((device, None))
    }

    /// One call, as often as it takes.
    async fn call(&self, endpoint: &str, ask: Ask<'_>) -> Result<Value, GdmsError> {
        let mut renewed = 0;
        let mut tried = 0;
        loop {
            let token = self.token(&mut tried).await?;
            let (status, bytes) = match self.send(endpoint, &token, ask).await {
                Ok(answer) => answer,
                Err(failed) => {
                    self.pause(&mut tried, failed).await?;
                    continue;
                }
            };
            match reply::read(status, &bytes) {
                Ok(Reply::Data(data)) => return Ok(data),
                Ok(Reply::Refused(why)) => return Err(GdmsError::Refused(format!("{endpoint} {why}"))),
                Ok(Reply::TokenEnded) if renewed < 2 => {
                    renewed += 1;
                    self.forget(&token).await;
                }
                Ok(Reply::TokenEnded) => {
                    return Err(GdmsError::Login("a token it has just given is refused".to_owned()));
                }
                // Something in between, on a bad day.
                Err(nonsense) => self.pause(&mut tried, Failed { error: nonsense, after: None }).await?,
            }
        }
    }

    async fn send(&self, endpoint: &str, token: &str, ask: Ask<'_>) -> Result<(u16, Vec<u8>), Failed> {
        let request = match ask {
            Ask::Page(page) => {
                let (page, size) = (page.to_string(), PAGE.to_string());
                self.http.get(self.signed(endpoint, token, &[("pageNum", &page), ("pageSize", &size)], ""))
            }
            Ask::Body(body) => {
                let body = body.to_string();
                let url = self.signed(endpoint, token, &[], &body);
                self.http.post(url).header("content-type", "application/json").body(body)
            }
        };
        answer(request).await
    }

    /// A call's address, signed.
    fn signed(&self, endpoint: &str, token: &str, query: &[(&str, &str)], body: &str) -> String {
        let timestamp = now_ms().to_string();
        let mut parameters = BTreeMap::from([("access_token", token), ("timestamp", &timestamp)]);
        parameters.extend(query.iter().copied());
        let mut signed = parameters.clone();
        signed.extend([("client_id", &*self.login.client_id), ("client_secret", &*self.login.client_secret)]);
        let signature = sign::request(&signed, body);
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .append_pair("signature", &signature)
            .finish();
        format!("{}/oapi/v1.0.0/{endpoint}?{query}", self.login.base)
    }

    /// The token, a new one if there is none or it ends soon.
    async fn token(&self, tried: &mut i32) -> Result<String, GdmsError> {
        let mut kept = self.token.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| token.ends > Instant::now()) {
            return Ok(token.access.clone());
        }
        let refresh = kept.take().map(|token| token.refresh).filter(|refresh| !refresh.is_empty());
        if let Some(refresh) = refresh {
            let form = self.form(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)]);
            // One that is not taken any more is no loss: we still have the password.
            if let Ok(Ok(token)) = self.grant(form).await {
                return Ok(kept.insert(token).access.clone());
            }
        }
        loop {
            let (user, password) = (&self.login.user, &self.password_hash);
            let form = self.form(&[("grant_type", "password"), ("username", user), ("password", password)]);
            match self.grant(form).await {
                Ok(token) => return Ok(kept.insert(token?).access.clone()),
                Err(failed) => self.pause(tried, failed).await?,
            }
        }
    }

    fn form(&self, fields: &[(&str, &str)]) -> String {
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .extend_pairs([("client_id", &self.login.client_id), ("client_secret", &self.login.client_secret)])
            .finish()
    }

    async fn grant(&self, form: String) -> Result<Result<Token, GdmsError>, Failed> {
        let request = self
            .http
            .post(format!("{}/oapi/oauth/token", self.login.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        let (status, bytes) = answer(request).await?;
        let Ok(Value::Object(object)) = serde_json::from_slice(&bytes) else {
            let error = GdmsError::Nonsense(format!("status {status} and no JSON, when signing in"));
            return Err(Failed { error, after: None });
        };
        let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let access = text("access_token");
        if access.is_empty() {
            let why: String = text("error_description").chars().chain(text("msg").chars()).take(200).collect();
            let why = if why.is_empty() { text("error").chars().take(200).collect() } else { why };
            return Ok(Err(GdmsError::Login(if why.is_empty() { format!("status {status}") } else { why })));
        }
        let seconds = object.get("expires_in").and_then(Value::as_u64).unwrap_or(3_600).min(86_400);
        let ends = Instant::now() + Duration::from_secs(seconds).saturating_sub(MARGIN).max(Duration::from_secs(1));
        Ok(Ok(Token { access, refresh: text("refresh_token"), ends }))
    }

    /// A token that was refused: replaced, unless somebody else has done so.
    async fn forget(&self, token: &str) {
        if let Some(kept) = self.token.lock().await.as_mut().filter(|kept| kept.access == token) {
            kept.ends = Instant::now();
        }
    }

    /// Waits before the next try, or gives up.
    async fn pause(&self, tried: &mut i32, failed: Failed) -> Result<(), GdmsError> {
        *tried += 1;
        if *tried >= TRIES {
            return Err(failed.error);
        }
        let own = Duration::from_secs_f64(backoff_s(*tried, 1, 16, random_fraction()) / 2.0);
        tokio::time::sleep(failed.after.map_or(own, |after| after.max(own)).min(MAX_WAIT)).await;
        Ok(())
    }
}

/// What a call says.
#[derive(Clone, Copy)]
enum Ask<'a> {
    /// Only which page of a list is wanted: GET.
    Page(usize),
    Body(&'a Value),
}

/// All of a list, and how many it says it has. That is not believed: it ends with a page that brings nothing new, or with
/// more than `most`.
async fn pages<T, F: Future<Output = Result<Value, GdmsError>>>(
    ask: impl Fn(usize) -> F,
    read: impl Fn(&Value) -> Option<T>,
    id: impl Fn(&T) -> String,
    most: usize,
) -> Result<(Vec<T>, Option<u64>), GdmsError> {
    let (mut all, mut seen, mut said) = (Vec::new(), HashSet::new(), None);
    for page in 1..=MAX_PAGES {
        let data = ask(page).await?;
        said = reply::total(&data).or(said);
        let before = all.len();
        all.extend(reply::rows(&data).iter().filter_map(&read).filter(|one| seen.insert(id(one))));
        if all.len() == before || all.len() > most {
            break;
        }
    }
    Ok((all, said))
}

/// A try that may be repeated.
struct Failed {
    error: GdmsError,
    /// What the server asked for.
    after: Option<Duration>,
}

/// Status and body of an answer worth reading.
async fn answer(request: reqwest::RequestBuilder) -> Result<(u16, Vec<u8>), Failed> {
    // Without the address: it holds the token.
    let unreachable = |error: reqwest::Error| {
        let error = GdmsError::Unreachable(error.without_url().to_string());
        Failed { error, after: None }
    };
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    if status.as_u16() == 429 || status.is_server_error() {
        let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let error = GdmsError::Unreachable(format!("status {}", status.as_u16()));
        return Err(Failed { error, after: after.map(Duration::from_secs) });
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if bytes.len() + chunk.len() > MAX_ANSWER {
            let error = GdmsError::Nonsense(format!("an answer of more than {} MiB", MAX_ANSWER / (1024 * 1024)));
            return Err(Failed { error, after: None });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((status.as_u16(), bytes))
}

/// Ids are numbers on the wire.
fn number(id: &str) -> Value {
    id.parse::<u64>().map_or_else(|_| Value::from(id), Value::from)
}
