//! Many phones at once, each on a connection of its own, one session after the other.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;

use super::phone::Phone;
use super::script::Script;
use super::wire::Wire;

/// Where the POSTs of a script go.
#[derive(Clone)]
pub struct Target {
    pub address: SocketAddr,
    /// One path a turn.
    pub paths: Arc<Vec<String>>,
}

impl Target {
    pub fn new(address: SocketAddr, turns: usize, path: impl Fn(usize) -> String) -> Self {
        Self { address, paths: Arc::new((0..turns).map(path).collect()) }
    }
}

/// When a run is over.
#[derive(Clone, Copy)]
pub enum Until {
    /// Phones come again and again, for as long.
    Over(Duration),
    /// Every phone had one session.
    EachOnce,
}

/// What a run gave.
#[derive(Default)]
pub struct Run {
    pub seconds: f64,
    /// How long each session took, in µs, in order of length.
    pub sessions_us: Vec<u32>,
    /// Sessions that began with a 401, and so have one POST more.
    pub challenged: usize,
}

impl Run {
    /// In ms.
    pub fn percentile(&self, part: f64) -> f64 {
        let last = self.sessions_us.len().saturating_sub(1);
        self.sessions_us.get((last as f64 * part) as usize).map_or(0.0, |us| f64::from(*us) / 1000.0)
    }
}

/// Plays `script` with `at_once` of the phones at a time. Returns them for the next run.
///
/// # Errors
/// If the server answers otherwise than it did when the script was recorded.
pub async fn run(
    target: &Target,
    phones: Vec<Phone>,
    at_once: usize,
    script: &Arc<Script>,
    until: Until,
) -> Result<(Run, Vec<Phone>)> {
    let mut shares: Vec<Vec<Phone>> = (0..at_once).map(|_| Vec::new()).collect();
    for (index, phone) in phones.into_iter().enumerate() {
        shares[index % at_once].push(phone);
    }
    let mut ready = Vec::new();
    for share in shares {
        ready.push((Wire::connect(target.address).await?, share));
    }
    let start = Instant::now();
    let mut lines = JoinSet::new();
    for (wire, share) in ready {
        lines.spawn(line(wire, share, target.clone(), script.clone(), until, start));
    }
    let (mut all, mut phones) = (Run::default(), Vec::new());
    while let Some(done) = lines.join_next().await {
        let (run, share) = done??;
        all.sessions_us.extend(run.sessions_us);
        all.challenged += run.challenged;
        phones.extend(share);
    }
    all.seconds = start.elapsed().as_secs_f64();
    all.sessions_us.sort_unstable();
    phones.sort_unstable_by_key(|phone| phone.mac);
    Ok((all, phones))
}

async fn line(
    mut wire: Wire,
    mut phones: Vec<Phone>,
    target: Target,
    script: Arc<Script>,
    until: Until,
    start: Instant,
) -> Result<(Run, Vec<Phone>)> {
    let mut run = Run::default();
    'all: loop {
        for phone in &mut phones {
            if matches!(until, Until::Over(time) if start.elapsed() >= time) {
                break 'all;
            }
            let begun = Instant::now();
            run.challenged += usize::from(play(&mut wire, phone, &target, &script).await?);
            run.sessions_us.push(begun.elapsed().as_micros().try_into().unwrap_or(u32::MAX));
        }
        if matches!(until, Until::EachOnce) || phones.is_empty() {
            break;
        }
    }
    Ok((run, phones))
}

/// One session. Returns whether it was challenged.
async fn play(wire: &mut Wire, phone: &mut Phone, target: &Target, script: &Script) -> Result<bool> {
    let (mut cookie, mut challenged) = (None, false);
    for (turn, path) in script.turns.iter().zip(target.paths.iter()) {
        let Some(body) = &turn.body else {
            cookie = open(wire, phone, path, &mut challenged).await?;
            continue;
        };
        let headers = [("cookie", cookie.as_deref().context("no session")?)];
        let reply = wire.post(path, &headers, body).await?;
        ensure!(
            reply.status == turn.answer.status,
            "{} instead of {} to {}: {}",
            reply.status,
            turn.answer.status,
            phone.mac,
            String::from_utf8_lossy(reply.body)
        );
    }
    Ok(challenged)
}

/// The Inform; again, if the server wants a new proof. Returns the session's cookie.
async fn open(wire: &mut Wire, phone: &mut Phone, path: &str, challenged: &mut bool) -> Result<Option<String>> {
    for _ in 0..4 {
        let authorization = phone.authorization();
        let headers = authorization.as_deref().map(|value| ("authorization", value));
        let reply = wire.post(path, headers.as_slice(), phone.inform()).await?;
        if reply.status == 200 {
            return Ok(reply.cookie().map(str::to_owned));
        }
        ensure!(reply.status == 401, "{} to {}: {}", reply.status, phone.mac, String::from_utf8_lossy(reply.body));
        *challenged = true;
        phone.challenged(&reply)?;
    }
    anyhow::bail!("{} is not believed", phone.mac)
}
