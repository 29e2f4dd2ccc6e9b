//! The fleet benchmark: the real server, the real simulator, one property, and every phone told something and asked
//! whether it took it.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use contract::Mac;
use contract::rest::{Accepted, PhoneDetail, PhonePage, Progress, ValueState};
use reqwest::Method;
use serde::Serialize;
use serde_json::json;

use crate::api::Api;
use crate::hotel::Hotel;
use crate::process::{CloudProcess, EMAIL, PASSWORD, memory_kb, program};

/// What is set for the whole property.
const KEY: &str = "account.1.ring.timeout";
const VALUE: &str = "45";
/// Announcements at once.
const PARALLEL: usize = 8;

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub phones: usize,
    /// The phones start over this many seconds.
    pub ramp_s: u64,
    /// The whole may take this long.
    pub limit: Duration,
    /// Empty: SQLite.
    pub database: String,
}

impl Plan {
    pub fn new(phones: usize) -> Self {
        let limit = Duration::from_secs(60 + phones as u64 / 4);
        Self { phones, ramp_s: phones as u64 / 200, limit, database: String::new() }
    }
}

/// What was measured.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub phones: usize,
    pub announced_s: f64,
    /// From the simulator's start until every phone was connected and in sync.
    pub online_s: f64,
    /// From the change until every phone had read it back.
    pub change_s: f64,
    /// Phones whose value was asked for, and was right on both sides.
    pub verified: usize,
    /// From the server's SIGKILL until every phone was connected again.
    pub reconnect_s: f64,
    pub server_kb: u64,
    pub server_peak_kb: u64,
    pub simulator_kb: u64,
    pub simulator_peak_kb: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |kb: u64| kb as f64 / 1024.0;
        let rate = |seconds: f64| self.phones as f64 / seconds.max(0.001);
        writeln!(f, "phones                {:>10}", self.phones)?;
        writeln!(f, "announced             {:>8.1} s", self.announced_s)?;
        writeln!(f, "all online, in sync   {:>8.1} s   {:>6.0} phones/s", self.online_s, rate(self.online_s))?;
        writeln!(f, "change read back      {:>8.1} s   {:>6.0} phones/s", self.change_s, rate(self.change_s))?;
        writeln!(f, "verified              {:>10}", self.verified)?;
        writeln!(f, "all back after a kill {:>8.1} s", self.reconnect_s)?;
        writeln!(f, "server memory         {:>8.1} MiB, at most {:.1}", mib(self.server_kb), mib(self.server_peak_kb))?;
        write!(
            f,
            "simulator memory      {:>8.1} MiB, at most {:.1}",
            mib(self.simulator_kb),
            mib(self.simulator_peak_kb)
        )
    }
}

struct Simulator {
    child: Child,
    /// Phones the broker has, by the simulator's own last word.
    connected: Arc<AtomicUsize>,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs it, and says how it is going line by line.
///
/// # Errors
/// If anything fails, or takes longer than the plan's limit.
pub async fn run(plan: &Plan, mut say: impl FnMut(String)) -> Result<Report> {
    let deadline = Instant::now() + plan.limit;
    let folder = tempfile::tempdir()?;
    let retry = [("jobs.retry_base_s", "1")];
    let mut cloud = CloudProcess::start(folder.path(), &plan.database, &retry)?;
    let api = Api::sign_in(cloud.base(), EMAIL, PASSWORD).await?;
    let mut report = Report { phones: plan.phones, ..Report::default() };

    let start = Instant::now();
    let rooms: Vec<String> = (0..plan.phones).map(|number| format!("{}", 1000 + number)).collect();
    let hotel = Hotel::build(&api, "fleet", &rooms).await?;
    announce(&hotel, &rooms).await?;
    report.announced_s = start.elapsed().as_secs_f64();
    say(format!("{} phones announced in {:.1} s", plan.phones, report.announced_s));

    let start = Instant::now();
    let simulator = simulator(plan, &cloud, folder.path().join("simulator.log"))?;
    let settled = async |what: &str, say: &mut dyn FnMut(String)| -> Result<()> {
        let mut said = Instant::now();
        loop {
            let progress = progress(&hotel).await?;
            if progress.in_sync as usize == plan.phones {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{what}: too slow, {progress:?}");
            if said.elapsed() > Duration::from_secs(5) {
                said = Instant::now();
                say(format!("{what}: {} of {} in sync, {} failed", progress.in_sync, plan.phones, progress.failed));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    settled("coming online", &mut say).await?;
    report.online_s = start.elapsed().as_secs_f64();
    say(format!("all online and in sync in {:.1} s", report.online_s));

    let start = Instant::now();
    let path = format!("/api/v1/properties/{}/settings", hotel.property);
    let body = json!({ "values": { KEY: VALUE } });
    let accepted: Accepted = api.try_send(Method::PUT, &path, Some(&body), &[]).await?.json()?;
    ensure!(accepted.phones as usize == plan.phones, "only {} phones follow", accepted.phones);
    settled("changing", &mut say).await?;
    report.change_s = start.elapsed().as_secs_f64();
    say(format!("all changed in {:.1} s", report.change_s));

    report.verified = verify(&hotel, plan.phones).await?;
    say(format!("{} verified by read-back", report.verified));
    if let Some((now, peak)) = cloud.id().and_then(memory_kb) {
        (report.server_kb, report.server_peak_kb) = (now, peak);
    }
    if let Some((now, peak)) = memory_kb(simulator.child.id()) {
        (report.simulator_kb, report.simulator_peak_kb) = (now, peak);
    }

    let start = Instant::now();
    let connected = || simulator.connected.load(Ordering::Relaxed);
    ensure!(connected() == plan.phones, "{} phones are connected", connected());
    cloud.kill();
    while connected() > 0 {
        ensure!(Instant::now() < deadline, "{} phones do not notice", connected());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    cloud.restart()?;
    while connected() < plan.phones {
        ensure!(Instant::now() < deadline, "only {} phones came back", connected());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    report.reconnect_s = start.elapsed().as_secs_f64();
    Ok(report)
}

/// The MAC addresses count up, as the simulator's do.
fn mac(index: usize) -> Mac {
    let [.., a, b, c] = (index as u64 + 0x10_0000).to_be_bytes();
    Mac::new([0xc0, 0x74, 0xad, a, b, c])
}

async fn announce(hotel: &Hotel, rooms: &[String]) -> Result<()> {
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..PARALLEL {
        let hotel = hotel.clone();
        let own: Vec<(usize, String)> = rooms.iter().cloned().enumerate().skip(worker).step_by(PARALLEL).collect();
        tasks.spawn(async move {
            for (index, room) in own {
                hotel.announce(mac(index), Some(hotel.room(&room))).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

fn simulator(plan: &Plan, cloud: &CloudProcess, log: PathBuf) -> Result<Simulator> {
    let log = std::fs::File::create(log)?;
    let mut child = Command::new(program("device-agent", "BELLHOP_AGENT_BIN")?)
        .args(["simulate", "--acs-url", &cloud.acs_url(), "--retry-wait", "1", "--log", "warn"])
        .args(["--first-mac", &mac(0).to_string()])
        .args(["--count", &plan.phones.to_string(), "--ramp", &plan.ramp_s.to_string(), "--report", "0.2"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .context("cannot start the simulator")?;
    let connected = Arc::new(AtomicUsize::new(0));
    let (output, told) = (child.stdout.take().context("no output")?, connected.clone());
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let mut words = line.split_whitespace();
            if let Some(count) = words.find_map(|word| word.strip_prefix("connected=")?.parse().ok()) {
                told.store(count, Ordering::Relaxed);
            }
        }
    });
    Ok(Simulator { child, connected })
}

async fn progress(hotel: &Hotel) -> Result<Progress> {
    let path = format!("/api/v1/properties/{}/progress", hotel.property);
    hotel.api.try_send(Method::GET, &path, None, &[]).await?.json()
}

/// Asks for every single phone: what it should be, what it says, and why.
async fn verify(hotel: &Hotel, phones: usize) -> Result<usize> {
    let mut verified = 0;
    let mut offset = 0;
    while offset < phones {
        let path = format!("/api/v1/phones?property={}&limit=500&offset={offset}&sort=mac", hotel.property);
        let page: PhonePage = hotel.api.try_send(Method::GET, &path, None, &[]).await?.json()?;
        if page.items.is_empty() {
            break;
        }
        offset += page.items.len();
        for row in page.items {
            let path = format!("/api/v1/phones/{}", row.id);
            let detail: PhoneDetail = hotel.api.try_send(Method::GET, &path, None, &[]).await?.json()?;
            let Some(value) = detail.values.iter().find(|value| value.key == KEY) else {
                bail!("phone {} has no {KEY}", row.mac);
            };
            let right = value.reported.as_deref() == Some(VALUE) && value.state == ValueState::InSync;
            let number = detail.values.iter().find(|value| value.key == "hotel.room.number");
            let room = number.is_some_and(|value| value.reported == row.room_number);
            ensure!(right && room, "phone {} of room {:?} says {value:?}", row.mac, row.room_number);
            verified += 1;
        }
    }
    Ok(verified)
}
