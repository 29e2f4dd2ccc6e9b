//! HTTP as a TR-069 session needs it (§3.4.1): its one connection, its own cookies, authentication, redirects, limits on
//! time and size. And the client of whatever is no session.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderMap, LOCATION,
    RETRY_AFTER, SET_COOKIE, USER_AGENT, WWW_AUTHENTICATE,
};
use hyper::http::response::Parts;
use hyper::{Request, StatusCode};
use reqwest::{Client, Url};
use tokio::time::timeout;

use super::auth::Login;
use super::connection::{CONNECT_TIME, Connection, cause, lost};
use crate::tls::{TlsError, TlsOptions};

/// Connecting, sending, waiting and reading, one POST.
pub const TIMEOUT: Duration = Duration::from_secs(30);
const MOST_BODY: usize = 2 << 20;
const MOST_COOKIES: usize = 16;
const MOST_COOKIE: usize = 4096;
const MOST_REDIRECTS: u32 = 5;
/// A new nonce may come once, a stale one once more.
const MOST_CHALLENGES: u32 = 3;
const AGENT: &str = concat!("Bellhop-Phone/", env!("CARGO_PKG_VERSION"));

/// Clients a process keeps: a fleet of simulated phones shares its few.
const MOST_CLIENTS: usize = 8;

/// The client for files and diagnostics, with these options; the same one for the same options. Its pool may use several
/// connections: not for sessions.
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
        .connect_timeout(CONNECT_TIME)
        .redirect(reqwest::redirect::Policy::none())
        .pool_idle_timeout(Duration::from_secs(10))
        .pool_max_idle_per_host(32)
        .tcp_nodelay(true)
        .user_agent(AGENT)
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
    #[error(transparent)]
    Tls(#[from] TlsError),
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

impl Answer {
    fn new(head: &Parts, body: Vec<u8>) -> Self {
        let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            status: head.status.as_u16(),
            body,
            content_encoding: text(CONTENT_ENCODING).map(str::to_owned),
            retry_after: text(RETRY_AFTER).and_then(|value| value.trim().parse().ok()),
        }
    }
}

/// One session's HTTP.
pub struct Http {
    tls: TlsOptions,
    url: Url,
    /// To the server of `url`, from the first POST on.
    connection: Option<Connection>,
    cookies: Vec<(String, String)>,
    login: Login,
}

impl Http {
    /// Connects to nobody yet.
    ///
    /// # Errors
    /// [`HttpError::Address`].
    pub fn new(tls: TlsOptions, url: &str, login: Login) -> Result<Self, HttpError> {
        let url = Url::parse(url).map_err(|_| HttpError::Address)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(HttpError::Address);
        }
        Ok(Self { tls, url, connection: None, cookies: Vec::new(), login })
    }

    /// # Errors
    /// When there is no answer to work with. Nothing is to be sent after that.
    pub async fn post(&mut self, body: &str) -> Result<Answer, HttpError> {
        let (mut redirects, mut challenges) = (0, 0);
        loop {
            // Each answer is read to its end, whatever it is, so that the connection can be used again.
            let answered = timeout(TIMEOUT, self.exchange(body)).await;
            let (head, content) = answered.unwrap_or_else(|_| Err(HttpError::Io("timed out".to_owned())))?;
            self.keep_cookies(&head.headers);
            match head.status {
                StatusCode::UNAUTHORIZED => {
                    challenges += 1;
                    let values: Vec<&str> =
                        head.headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|v| v.to_str().ok()).collect();
                    if challenges > MOST_CHALLENGES || !self.login.challenged(&values) {
                        return Err(HttpError::Unauthorized);
                    }
                }
                StatusCode::FOUND | StatusCode::TEMPORARY_REDIRECT => {
                    redirects += 1;
                    match redirected(&self.url, &head.headers) {
                        Some(to) if redirects <= MOST_REDIRECTS => self.go_to(to).await,
                        _ => return Err(HttpError::Redirects),
                    }
                }
                _ => return Ok(Answer::new(&head, content)),
            }
        }
    }

    /// The session is over.
    pub async fn close(self) {
        if let Some(connection) = self.connection {
            connection.close().await;
        }
    }

    /// Another server learns nothing of what was between us and the one before: no cookie, no proof it did not ask for.
    async fn go_to(&mut self, to: Url) {
        if to.origin() != self.url.origin() {
            self.cookies.clear();
            self.login.forget();
            if let Some(connection) = self.connection.take() {
                connection.close().await;
            }
        }
        self.url = to;
    }

    /// One POST and all of its answer.
    async fn exchange(&mut self, body: &str) -> Result<(Parts, Vec<u8>), HttpError> {
        let mut post = self.request(body)?;
        let mut response = None;
        if let Some(connection) = &mut self.connection {
            match connection.send(post).await {
                Ok(answer) => (response, post) = (Some(answer), Request::default()),
                // The server has closed the connection, as it may; what was not sent can go over another one.
                Err(mut error) => match error.take_message() {
                    Some(unsent) => post = unsent,
                    None => return Err(lost(error.into_error())),
                },
            }
        }
        let response = match response {
            Some(response) => response,
            None => {
                let connection = self.connection.insert(Connection::open(&self.url, &self.tls).await?);
                connection.send(post).await.map_err(|error| lost(error.into_error()))?
            }
        };
        let (head, mut incoming) = response.into_parts();
        let mut content = Vec::new();
        while let Some(frame) = incoming.frame().await {
            let Ok(data) = frame.map_err(lost)?.into_data() else { continue };
            if content.len() + data.len() > MOST_BODY {
                return Err(HttpError::TooLarge);
            }
            content.extend_from_slice(&data);
        }
        Ok((head, content))
    }

    fn request(&mut self, body: &str) -> Result<Request<Full<Bytes>>, HttpError> {
        let target = target(&self.url);
        let host = self.url.host_str().unwrap_or_default();
        let host = self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        // The length also of nothing: some servers refuse a POST that does not say.
        let mut request = Request::post(&target)
            .header(HOST, host)
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, "*/*")
            .header(CONTENT_LENGTH, body.len());
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
        request.body(Full::from(body.to_owned())).map_err(lost)
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

/// Where an answer's headers send a request for `from`; `None`: nowhere a phone goes.
pub fn redirected(from: &Url, headers: &HeaderMap) -> Option<Url> {
    let to = from.join(headers.get(LOCATION)?.to_str().ok()?).ok()?;
    (matches!(to.scheme(), "http" | "https") && !downgrades(from, &to)).then_some(to)
}

/// Never from a protected connection to an open one.
fn downgrades(from: &Url, to: &Url) -> bool {
    from.scheme() == "https" && to.scheme() == "http"
}

/// The cause alone: what is around it names the address.
pub fn innermost(error: &reqwest::Error) -> String {
    use std::error::Error;
    match error.source() {
        Some(source) => cause(source),
        None if error.is_timeout() => "timed out".to_owned(),
        None => "failed".to_owned(),
    }
}

#[cfg(test)]
mod tests;
