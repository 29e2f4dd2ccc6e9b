//! Where the phone stands, asked of a location server by HELD (RFC 5985), for its emergency calls.
//!
//! | file | what |
//! |---|---|
//! | `settings` | the page "E911": whom to ask, and how often |
//! | `answer` | reading a locationResponse |

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, StatusCode, Url};
use tokio::sync::{mpsc, watch};

use crate::clock::{self, Backoff};
use crate::cpe::auth::Login;
use crate::cpe::http::{client, innermost, target};
use crate::device::Device;
use crate::tls::Purpose;

mod answer;
mod settings;
#[cfg(test)]
mod tests;

use answer::Location;
pub(crate) use settings::HeldSettings;
use settings::LocationServer;

/// For one server, challenges included.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest answer, bytes.
const MOST_ANSWER: usize = 65_536;
const MOST_CHALLENGES: u32 = 2;
/// Between tries while no server says where the phone is.
const RETRY: Duration = Duration::from_secs(60);
const RETRY_MOST: Duration = Duration::from_secs(1800);
/// Between questions, however short a reference lives.
const LEAST: Duration = Duration::from_secs(60);
const KIND: &str = "application/held+xml;charset=utf-8";
/// A reference is asked for, since it is short and always fresh; else the document itself (RFC 5985 §6.2).
const QUESTION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
    <locationRequest xmlns=\"urn:ietf:params:xml:ns:geopriv:held\">\
    <locationType>locationURI civic geodetic</locationType></locationRequest>\r\n";

/// Why a server did not say where the phone is. Holds no address: addresses may carry tokens.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeldError {
    #[error("the server's address cannot be used")]
    Address,
    #[error("no answer: {0}")]
    Io(String),
    #[error("the server answered HTTP {0}")]
    Status(u16),
    #[error("the answer is longer than {MOST_ANSWER} bytes")]
    TooLarge,
    #[error("the server says {0}")]
    Refused(String),
    #[error("the answer names no location")]
    Nothing,
}

/// Asks as the settings say, and again when they change; hands each news over. Lives until dropped.
///
/// A location that was known is kept while no server answers: rooms do not move. It is taken back when the settings say
/// that nobody is to be asked any more.
pub(crate) async fn run(
    device: Arc<Device>,
    mut settings: watch::Receiver<HeldSettings>,
    news: mpsc::Sender<Option<String>>,
) {
    let mut backoff = Backoff::new(RETRY, RETRY_MOST);
    let mut known: Option<String> = None;
    loop {
        let now = settings.borrow_and_update().clone();
        let asked = match now.interval {
            Some(interval) => Some((interval, ask_all(&device, &now.servers).await)),
            None => None,
        };
        let (found, wait) = match asked {
            None => (None, None),
            Some((interval, Some(location))) => {
                backoff.reset();
                let wait = interval.min(life(&location, clock::now().millis()));
                (Some(location.text), Some(wait))
            }
            Some((interval, None)) => (known.clone(), Some(backoff.next().min(interval))),
        };
        if found != known {
            known.clone_from(&found);
            if news.send(found).await.is_err() {
                return;
            }
        }
        let changed = match wait {
            Some(wait) => tokio::time::timeout(wait, settings.changed()).await,
            None => Ok(settings.changed().await),
        };
        if matches!(changed, Ok(Err(_))) {
            return;
        }
    }
}

/// How long a location serves at `now`, in milliseconds since 1970: nine tenths of what is left, a minute at least.
fn life(location: &Location, now: i64) -> Duration {
    let left = location.ends.map(|ends| u64::try_from(ends.saturating_sub(now)).unwrap_or(0));
    left.map_or(Duration::MAX, |left| Duration::from_millis(left / 10 * 9).max(LEAST))
}

/// The first server's answer; if it has none, the second's.
async fn ask_all(device: &Device, servers: &[LocationServer]) -> Option<Location> {
    let client = match client(&device.tls_options(Purpose::Management)) {
        Ok(client) => client,
        Err(error) => {
            tracing::warn!(%error, "location servers cannot be asked");
            return None;
        }
    };
    for (server, number) in servers.iter().zip(1..) {
        let asked = tokio::time::timeout(PATIENCE, ask(&client, server)).await;
        match asked.unwrap_or_else(|_| Err(HeldError::Io("not in time".to_owned()))) {
            Ok(location) => return Some(location),
            Err(error) => tracing::warn!(server = number, %error, "a location server did not say where the phone is"),
        }
    }
    None
}

async fn ask(client: &Client, server: &LocationServer) -> Result<Location, HeldError> {
    let url = Url::parse(&server.url).map_err(|_| HeldError::Address)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(HeldError::Address);
    }
    let path = target(&url);
    let mut login = Login::new(server.user.clone(), server.password.clone());
    for tried in 0..=MOST_CHALLENGES {
        let mut request = client.post(url.clone()).header(CONTENT_TYPE, KIND).header(ACCEPT, "application/held+xml");
        if let Some(authorization) = login.header("POST", &path, QUESTION.as_bytes()) {
            request = request.header(AUTHORIZATION, authorization);
        }
        let sent = request.body(QUESTION).send().await;
        let mut response = sent.map_err(|error| HeldError::Io(innermost(&error)))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED if tried < MOST_CHALLENGES && login.challenged_by(response.headers()) => continue,
            status => return Err(HeldError::Status(status.as_u16())),
        }
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| HeldError::Io(innermost(&error)))? {
            if body.len() + piece.len() > MOST_ANSWER {
                return Err(HeldError::TooLarge);
            }
            body.extend_from_slice(&piece);
        }
        return answer::location(&body);
    }
    Err(HeldError::Status(StatusCode::UNAUTHORIZED.as_u16()))
}
