//! Records of sessions for people to look at. A POST costs a move into a bounded buffer and nothing else; what it was is
//! worked out twice a second, off the path, for as many sessions as can be kept. Losing a record in a crash does no harm.

mod mask;
mod page;
mod write;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::clock::now_ms;

pub use page::{page, step};
pub use write::prune;

/// POSTs that wait to be looked at; more are not recorded.
const HELD: usize = 8_192;
/// Bytes of those.
const HELD_BYTES: usize = 16 * 1024 * 1024;
const LOOK: Duration = Duration::from_millis(500);
/// Sessions written at a look. Beyond it, those in which nothing was done are left out.
const WRITTEN: usize = 128;
/// A session that was silent this long is over, in milliseconds.
const SILENT_MS: i64 = 40_000;
/// Sessions followed at once.
const FOLLOWED: usize = 20_000;
/// Bytes of those, and of challenges; beyond it steps are left out.
const FOLLOWED_BYTES: usize = 16 * 1024 * 1024;

/// One POST and its answer.
#[derive(Debug)]
pub struct Exchange {
    /// When it was answered, in milliseconds since 1970.
    pub at: i64,
    /// The token of its session; empty where there is none (yet).
    pub session: String,
    /// Known where a session opens.
    pub phone: Option<Uuid>,
    pub peer: SocketAddr,
    pub took: Duration,
    /// The HTTP status.
    pub status: u16,
    pub request: Vec<u8>,
    pub response: Bytes,
}

/// Where exchanges wait.
#[derive(Default)]
pub struct Recorder(Mutex<(Vec<Exchange>, usize)>);

impl Recorder {
    /// Keeps an exchange to be looked at, unless too many wait.
    pub fn record(&self, exchange: Exchange) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = exchange.request.len() + exchange.response.len();
        if held.0.len() < HELD && held.1 + bytes <= HELD_BYTES {
            held.1 += bytes;
            held.0.push(exchange);
        }
    }

    fn take(&self) -> Vec<Exchange> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.1 = 0;
        std::mem::take(&mut held.0)
    }
}

/// A session under way.
struct Open {
    phone: Option<Uuid>,
    exchanges: Vec<Exchange>,
    bytes: usize,
    last: i64,
}

/// Exchanges kept of one session, and their bytes; of a longer one the beginning is shown.
const STEPS: usize = 500;
const SESSION_BYTES: usize = 2 * 1024 * 1024;

impl Open {
    /// Something was asked of the phone or told by it, or refused.
    fn did_something(&self) -> bool {
        // Most sessions begin with a challenge.
        let beyond = self.exchanges.iter().filter(|one| one.status != 401);
        beyond.clone().count() > 2 || beyond.into_iter().any(|one| one.status >= 400)
    }
}

/// Writes records until cancelled, and then what is left.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut open: HashMap<String, Open> = HashMap::new();
    // Challenges, by where they went: the session they led to comes over the same connection.
    let mut challenged: HashMap<SocketAddr, Exchange> = HashMap::new();
    loop {
        let stopping = tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(LOOK) => false,
        };
        let mut over = Vec::new();
        let mut held = open.values().map(|one| one.bytes).sum::<usize>();
        held += challenged.values().map(|one| one.request.len()).sum::<usize>();
        for exchange in app.trace.take() {
            held += exchange.request.len() + exchange.response.len();
            if held > FOLLOWED_BYTES {
                continue;
            }
            if exchange.session.is_empty() {
                // Whatever else was answered outside a session leads to none.
                if exchange.status == 401 && challenged.len() < FOLLOWED {
                    challenged.insert(exchange.peer, exchange);
                }
                continue;
            }
            let session = exchange.session.clone();
            if exchange.phone.is_some() && open.len() < FOLLOWED {
                let before = challenged.remove(&exchange.peer);
                let exchanges: Vec<Exchange> = before.into_iter().collect();
                open.insert(session.clone(), Open { phone: exchange.phone, exchanges, bytes: 0, last: 0 });
            } else if !open.contains_key(&session) && open.len() < FOLLOWED {
                // Another process heard its beginning.
                open.insert(session.clone(), Open { phone: None, exchanges: Vec::new(), bytes: 0, last: 0 });
            }
            let Some(one) = open.get_mut(&session) else { continue };
            let ended = exchange.status != 200;
            one.last = exchange.at;
            one.bytes += exchange.request.len() + exchange.response.len();
            if ended || (one.exchanges.len() < STEPS && one.bytes <= SESSION_BYTES) {
                one.exchanges.push(exchange);
            }
            if ended && let Some(one) = open.remove(&session) {
                over.push((session, one, true));
            }
        }
        let now = now_ms();
        challenged.retain(|_, one| now - one.at < SILENT_MS);
        let silent: Vec<String> = open
            .iter()
            .filter(|(_, one)| stopping || now - one.last > SILENT_MS)
            .map(|(session, _)| session.clone())
            .collect();
        over.extend(silent.into_iter().filter_map(|session| open.remove(&session).map(|one| (session, one, false))));
        // Those in which something was done come first.
        over.sort_by_key(|(_, one, _)| !one.did_something());
        over.truncate(WRITTEN);
        if !over.is_empty()
            && let Err(error) = write::write(&app, over).await
        {
            tracing::warn!(%error, "records of sessions are lost");
        }
        if stopping {
            return;
        }
    }
}
