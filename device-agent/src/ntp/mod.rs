//! The time of day from the hotel's time servers: "NTP Server" and its like. The phone does not set the clock of the system
//! it runs on; it counts on from what a server said, whoever sets that one meanwhile.

mod packet;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use contract::Timestamp;
use serde::Serialize;
use tokio::net::UdpSocket;

use crate::clock::{self, Backoff};
use crate::device::Device;
use crate::net::any_towards;

const SERVERS: [&str; 2] = ["datetime.ntp.server.1", "datetime.ntp.server.2"];
/// Minutes.
const INTERVAL: &str = "datetime.ntp.updateinterval";
const AUTHENTICATED: &str = "datetime.ntp.enableauth";
const PORT: u16 = 123;
/// Of a server's name; the first may be of a kind that leads nowhere.
const MOST_ADDRESSES: usize = 4;
/// For the name, and for the answer.
const SILENCE: Duration = Duration::from_secs(3);
/// A house that gets its power back does not ask in one moment.
const SPREAD: Duration = Duration::from_secs(2);
/// How often settings and lease are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// After failures. RFC 4330 §10: never more often than every 15 s.
const FIRST_WAIT: Duration = Duration::from_secs(30);
const MOST_WAIT: Duration = Duration::from_secs(3600);
const USUAL_MINUTES: u64 = 1440;

/// How it stands.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Time {
    /// The last answer.
    pub answer: Option<Answer>,
    /// Why the last question had none.
    pub trouble: Option<String>,
}

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    pub server: String,
    /// By the server's clock.
    pub at: Timestamp,
    /// Milliseconds the system's clock was behind.
    pub offset_ms: i64,
    #[serde(skip)]
    heard: Instant,
    /// Milliseconds of the way there and back.
    pub delay_ms: i64,
    pub stratum: u8,
}

impl Answer {
    fn now(&self, now: Instant) -> Timestamp {
        let since = now.saturating_duration_since(self.heard).as_millis();
        Timestamp(self.at.millis().saturating_add(i64::try_from(since).unwrap_or(i64::MAX)))
    }
}

/// What outlives a question.
#[derive(Debug, Default)]
pub(crate) struct Watch(Mutex<Time>);

impl Watch {
    pub(crate) fn shown(&self) -> Time {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The time by the last answer.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).answer.as_ref().map(|answer| answer.now(Instant::now()))
    }

    fn set(&self, time: Time) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }
}

/// What the settings and the lease want.
#[derive(Clone, Debug, PartialEq)]
struct Wanted {
    servers: Vec<String>,
    authenticated: bool,
    interval: Duration,
}

impl Wanted {
    fn of(device: &Device) -> Self {
        let servers = SERVERS.map(|key| device.value_in_force(key)).into_iter().filter(|server| !server.is_empty());
        let minutes = device.value(INTERVAL).parse().unwrap_or(USUAL_MINUTES);
        Self {
            servers: servers.collect(),
            authenticated: device.value(AUTHENTICATED) == "yes",
            interval: Duration::from_secs(minutes * 60),
        }
    }
}

/// Lives until dropped.
pub(crate) async fn run(device: Arc<Device>) {
    tokio::time::sleep(SPREAD.mul_f64(clock::jitter())).await;
    loop {
        let wanted = Wanted::of(&device);
        let changed = async {
            while Wanted::of(&device) == wanted {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            () = keep(&device, &wanted) => {}
            () = changed => {}
        }
    }
}

/// Asks again and again. Lives until dropped.
async fn keep(device: &Device, wanted: &Wanted) {
    if wanted.servers.is_empty() {
        device.time.set(Time::default());
        return std::future::pending().await;
    }
    if wanted.authenticated {
        let trouble = "authenticated NTP is on, and the phone has no key to check an answer by; no server is asked";
        device.time.set(Time { answer: None, trouble: Some(trouble.to_owned()) });
        return std::future::pending().await;
    }
    let mut failures = Backoff::new(FIRST_WAIT, MOST_WAIT.min(wanted.interval));
    loop {
        let wait = match first(&wanted.servers).await {
            Ok(answer) => {
                tracing::info!(server = %answer.server, offset_ms = answer.offset_ms, "the time is known");
                device.time.set(Time { answer: Some(answer), trouble: None });
                failures.reset();
                next(wanted.interval, clock::jitter())
            }
            Err(why) => {
                tracing::warn!(%why, "no time server answers");
                // A clock runs on with what was known of it.
                device.time.set(Time { trouble: Some(why), ..device.time.shown() });
                failures.next()
            }
        };
        tokio::time::sleep(wait).await;
    }
}

/// The interval, or a little less, so that phones do not come in step. `jitter` is 0 to 1.
fn next(interval: Duration, jitter: f64) -> Duration {
    interval.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 10.0)
}

/// The answer of the first server that gives one.
async fn first(servers: &[String]) -> Result<Answer, String> {
    let mut failed = Vec::new();
    for server in servers {
        match ask_host(server).await {
            Ok(answer) => return Ok(answer),
            Err(why) => failed.push(format!("{server}: {why}")),
        }
    }
    Err(failed.join("; "))
}

async fn ask_host(server: &str) -> Result<Answer, String> {
    let host = server.trim_matches(['[', ']']);
    let found = tokio::time::timeout(SILENCE, tokio::net::lookup_host((host, PORT))).await;
    let found = found.map_err(|_| "its name is not found in time".to_owned())?.map_err(|error| error.to_string())?;
    let mut why = "its name has no address".to_owned();
    for address in found.take(MOST_ADDRESSES) {
        match ask(server, address).await {
            Ok(answer) => return Ok(answer),
            Err(error) => why = error,
        }
    }
    Err(why)
}

/// One question.
async fn ask(server: &str, address: SocketAddr) -> Result<Answer, String> {
    let words = |error: std::io::Error| error.to_string();
    let socket = UdpSocket::bind(any_towards(address)).await.map_err(words)?;
    // Then the kernel drops what others send.
    socket.connect(address).await.map_err(words)?;
    let mut mark = [0; 8];
    getrandom::fill(&mut mark).map_err(|error| error.to_string())?;
    // The way is timed by a clock that nobody sets meanwhile.
    let (sent_ms, sent) = (clock::now().millis(), Instant::now());
    socket.send(&packet::request(mark)).await.map_err(words)?;
    let mut bytes = [0; 2 * packet::LENGTH];
    let heard = async {
        loop {
            let length = socket.recv(&mut bytes).await.map_err(words)?;
            let heard_ms = sent_ms + i64::try_from(sent.elapsed().as_millis()).unwrap_or(i64::MAX);
            match packet::answer(bytes.get(..length).unwrap_or_default(), mark, sent_ms, heard_ms) {
                Err(packet::NoTime::Stray) => {}
                Err(why) => return Err(why.to_string()),
                Ok(measured) => return Ok((measured, heard_ms)),
            }
        }
    };
    let (measured, heard_ms) =
        tokio::time::timeout(SILENCE, heard).await.unwrap_or_else(|_| Err("no answer".into()))?;
    Ok(Answer {
        heard: Instant::now(),
        server: server.to_owned(),
        at: Timestamp(heard_ms + measured.offset_ms),
        offset_ms: measured.offset_ms,
        delay_ms: measured.delay_ms,
        stratum: measured.stratum,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Identity;
    use crate::store::Storage;

    #[test]
    fn servers_and_interval_are_settings() {
        let dir = tempfile::tempdir().unwrap();
        let device = Device::open(Identity::of("c074ad120701"), Storage::Disk(dir.path().to_owned())).unwrap();
        let hours = |device: &Device| Wanted::of(device).interval.as_secs() / 3600;
        assert_eq!((hours(&device), Wanted::of(&device).servers.len()), (24, 0));
        device.set_locally("datetime.ntp.updateinterval", "60").unwrap();
        device.set_locally("datetime.ntp.server.2", "ntp.hotel").unwrap();
        assert_eq!((hours(&device), Wanted::of(&device).servers), (1, vec!["ntp.hotel".to_owned()]));
        let minutes = |jitter| next(Duration::from_secs(3600), jitter).as_secs() / 60;
        assert_eq!((minutes(0.0), minutes(1.0)), (60, 54));
    }

    /// A server whose clock is 90 minutes ahead. Before it answers it sends what belongs to another question.
    #[tokio::test]
    async fn the_offset_of_a_servers_clock_is_found_and_strangers_are_not_believed() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let serves = async {
            let mut question = [0; 100];
            let (length, from) = server.recv_from(&mut question).await.unwrap();
            assert_eq!(length, packet::LENGTH);
            let seconds = u64::try_from(clock::now().millis() / 1000).unwrap() + 5400 + 2_208_988_800;
            let mut answer = [0; packet::LENGTH];
            (answer[0], answer[1]) = (4 << 3 | 4, 1);
            answer[32..40].copy_from_slice(&(seconds << 32).to_be_bytes());
            answer[40..].copy_from_slice(&(seconds << 32).to_be_bytes());
            server.send_to(&answer, from).await.unwrap();
            answer[24..32].copy_from_slice(&question[40..48]);
            server.send_to(&answer, from).await.unwrap();
        };
        let (found, ()) = tokio::join!(ask("clock.hotel", address), serves);
        let found = found.unwrap();
        assert!((found.offset_ms - 5_400_000).abs() <= 3000, "{found:?}");
        assert_eq!((found.server.as_str(), found.stratum), ("clock.hotel", 1));
    }

    #[tokio::test]
    async fn nobody_there_is_said_with_the_servers_name() {
        let why = first(&["a..b".to_owned(), "c..d".to_owned()]).await.unwrap_err();
        assert!(why.starts_with("a..b: ") && why.contains("; c..d: "), "{why}");
        // A port that is closed, or silent.
        let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert!(ask("127.0.0.1", closed).await.is_err());
    }
}
