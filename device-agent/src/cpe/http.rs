//! HTTP as a TR-069 session needs it (§3.4.1): its own cookies, authentication, redirects, limits on time and size.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HeaderMap, LOCATION, RETRY_AFTER, SET_COOKIE,
    WWW_AUTHENTICATE,
};
use reqwest::{Client, StatusCode, Url};

use super::auth::Login;
use crate::tls::TlsOptions;

/// Connecting, sending, waiting and reading, one POST.
pub const TIMEOUT: Duration = Duration::from_secs(30);
const MOST_BODY: usize = 2 << 20;
const MOST_COOKIES: usize = 16;
const MOST_COOKIE: usize = 4096;
const MOST_REDIRECTS: u32 = 5;
/// A new nonce may come once, a stale one once more.
const MOST_CHALLENGES: u32 = 3;

/// Clients a process keeps: a fleet of simulated phones shares its few.
const MOST_CLIENTS: usize = 8;

/// The client for connections with these options; the same one for the same options.
///
/// # Errors
/// If the options cannot be used.
pub fn client(tls: &TlsOptions) -> anyhow::Result<Client> {
    static CLIENTS: Mutex<Vec<(TlsOptions, Client)>> = Mutex::new(Vec::new());
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, client)) = clients.iter().find(|(options, _)| options == tls) {
        return Ok(client.clone());
    }
    let client = tls
        .http()?
        .timeout(TIMEOUT)
        .connect_timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .pool_idle_timeout(Duration::from_secs(10))
        .pool_max_idle_per_host(32)
        .tcp_nodelay(true)
        .user_agent(concat!("Bellhop-Phone/", env!("CARGO_PKG_VERSION")))
        .build()?;
    if clients.len() == MOST_CLIENTS {
        clients.remove(0);
    }
    clients.push((tls.clone(), client.clone()));
    Ok(client)
}

/// Why there was no answer. Holds no address: addresses may carry tokens.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("the ACS address cannot be used")]
    Address,
    #[error("no answer: {0}")]
    Io(String),
    #[error("the answer is longer than {MOST_BODY} bytes")]
    TooLarge,
    #[error("redirected too often")]
    Redirects,
    #[error("the ACS refused our credentials")]
    Unauthorized,
}

/// A final answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    pub content_encoding: Option<String>,
    /// Seconds, from `Retry-After`.
    pub retry_after: Option<u64>,
}

/// One session's HTTP.
pub struct Http {
    client: Client,
    url: Url,
    cookies: Vec<(String, String)>,
    login: Login,
}

impl Http {
    /// # Errors
    /// [`HttpError::Address`].
    pub fn new(client: Client, url: &str, login: Login) -> Result<Self, HttpError> {
        let url = Url::parse(url).map_err(|_| HttpError::Address)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(HttpError::Address);
        }
        Ok(Self { client, url, cookies: Vec::new(), login })
    }

    /// # Errors
    /// When there is no answer to work with.
    pub async fn post(&mut self, body: &str) -> Result<Answer, HttpError> {
        let (mut redirects, mut challenges) = (0, 0);
        loop {
            let response = self.send(body).await.map_err(|error| HttpError::Io(innermost(&error)))?;
            self.keep_cookies(response.headers());
            match response.status() {
                StatusCode::UNAUTHORIZED => {
                    challenges += 1;
                    let values: Vec<&str> =
                        response.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(|v| v.to_str().ok()).collect();
                    if challenges > MOST_CHALLENGES || !self.login.challenged(&values) {
                        return Err(HttpError::Unauthorized);
                    }
                    // Read to its end, so that the connection can be used again.
                    read(response).await?;
                }
                StatusCode::FOUND | StatusCode::TEMPORARY_REDIRECT => {
                    redirects += 1;
                    let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
                    let to =
                        to.and_then(|to| self.url.join(to).ok()).filter(|to| matches!(to.scheme(), "http" | "https"));
                    match to {
                        Some(to) if redirects <= MOST_REDIRECTS && !downgrades(&self.url, &to) => self.url = to,
                        _ => return Err(HttpError::Redirects),
                    }
                }
                _ => return read(response).await,
            }
        }
    }

    async fn send(&mut self, body: &str) -> reqwest::Result<reqwest::Response> {
        let target = target(&self.url);
        let mut request = self.client.post(self.url.clone());
        if let Some(authorization) = self.login.header("POST", &target, body.as_bytes()) {
            request = request.header(AUTHORIZATION, authorization);
        }
        if !self.cookies.is_empty() {
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, cookies.join("; "));
        }
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "text/xml; charset=\"utf-8\"").header("SOAPAction", "");
        }
        request.body(body.to_owned()).send().await
    }

    fn keep_cookies(&mut self, headers: &HeaderMap) {
        for value in headers.get_all(SET_COOKIE) {
            let Ok(text) = value.to_str() else { continue };
            let pair = text.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.split_once('=') else { continue };
            let (name, value) = (name.trim(), value.trim());
            if name.is_empty() || name.len() + value.len() > MOST_COOKIE {
                continue;
            }
            self.cookies.retain(|(known, _)| known != name);
            if self.cookies.len() < MOST_COOKIES {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}

/// What a digest proof is about.
pub fn target(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// Never from a protected connection to an open one.
pub fn downgrades(from: &Url, to: &Url) -> bool {
    from.scheme() == "https" && to.scheme() == "http"
}

async fn read(mut response: reqwest::Response) -> Result<Answer, HttpError> {
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let retry_after = text(RETRY_AFTER).and_then(|value| value.trim().parse().ok());
    let content_encoding = text(CONTENT_ENCODING);
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| HttpError::Io(innermost(&error)))? {
        if body.len() + chunk.len() > MOST_BODY {
            return Err(HttpError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, body, content_encoding, retry_after })
}

/// The cause alone: what is around it names the address.
pub fn innermost(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    if std::ptr::addr_eq(inner, error) {
        return if error.is_timeout() { "timed out" } else { "failed" }.to_owned();
    }
    inner.to_string()
}
