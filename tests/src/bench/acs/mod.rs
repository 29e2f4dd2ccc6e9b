//! `cargo xtask bench acs`: CWMP sessions a second and what each costs, beside a handler that does nothing but answer the
//! same bytes. Server, baseline and load generator are processes of their own and share the machine.

pub mod baseline;
mod load;
mod phone;
mod report;
mod script;
mod wire;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use contract::Mac;
use contract::rest::Accepted;
use cwmp::{CwmpVersion, Envelope, EventCode, GetParameterValuesResponse, Limits, decode_post, encode};
use reqwest::Method;
use serde_json::json;

use self::load::{Run, Target, Until, run as play};
use self::phone::{Phone, further};
use self::report::{Figures, Parse, Row};
use self::script::Script;
use self::wire::Wire;
use super::usage::{cpu_us, family_cpu_us};
use crate::api::Api;
use crate::hotel::Hotel;
use crate::process::{self, CloudProcess, EMAIL, PASSWORD, free_port};

pub use report::Report;

const IDLE: &str = "(a) Inform and empty POST";
const SET: &str = "(b) ten values set and read back";
const MANY: &str = "(c) as (b), 1,000 parameters read";
/// What (b) and (c) set. All of them take the numbers from 100 up.
const KEYS: [&str; 5] = [
    "ring.timeout",
    "sip.registrationfailureretrywaittime",
    "sip.keepalive.interval",
    "sip.subscribe.expiration",
    "sip.sessiontimer.expiration",
];
const PARAMETERS: usize = 1000;
/// Phones set up at a time.
const PARALLEL: usize = 32;

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub phones: usize,
    /// How long a level of (a) lasts.
    pub level: Duration,
    pub at_once: Vec<usize>,
    /// Only this letter's scenario.
    pub only: Option<char>,
    /// `postgres://…` of an empty database and the process of its server.
    pub postgres: Option<(String, u32)>,
    pub sqlite: bool,
    /// Extra settings of the server, "section.key" and value.
    pub settings: Vec<(String, String)>,
}

/// Runs it, and says how it is going line by line.
///
/// # Errors
/// If anything fails, or the server answers otherwise than it did when the script was recorded.
pub async fn run(plan: &Plan, mut say: impl FnMut(String)) -> Result<Report> {
    let mut report = Report { phones: plan.phones, parse: parse_rate()?, ..Report::default() };
    if plan.sqlite {
        database(plan, "SQLite", "", None, &mut report, &mut say).await?;
    }
    if let Some((url, process)) = &plan.postgres {
        database(plan, "PostgreSQL", url, Some(*process), &mut report, &mut say).await?;
    }
    Ok(report)
}

async fn database(
    plan: &Plan,
    name: &str,
    url: &str,
    process: Option<u32>,
    report: &mut Report,
    say: &mut impl FnMut(String),
) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut settings = vec![("jobs.nudges_per_second", "1")];
    settings.extend(plan.settings.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let cloud = CloudProcess::start(folder.path(), url, &settings)?;
    let start = Instant::now();
    let mut bed = Bed::make(plan, cloud, folder.path()).await?;
    say(format!("{name}: {} phones enrolled in {:.1} s", plan.phones, start.elapsed().as_secs_f64()));
    report.login.clone_from(&bed.login);
    for (letter, scenario) in [('a', IDLE), ('b', SET), ('c', MANY)] {
        if plan.only.is_some_and(|only| only != letter) {
            continue;
        }
        for &at_once in &plan.at_once {
            let row = bed.level(plan, name, scenario, at_once, process).await?;
            say(format!(
                "{name}, {scenario}, {at_once} at once: {:.0}/s, {:.0} µs; baseline {:.0}/s, {:.0} µs",
                row.server.sessions_per_second,
                row.server.cpu_us,
                row.baseline.sessions_per_second,
                row.baseline.cpu_us
            ));
            report.rows.push(row);
        }
    }
    Ok(())
}

/// The server, the baseline and the phones.
struct Bed {
    cloud: CloudProcess,
    baseline: Baseline,
    hotel: Hotel,
    phones: Vec<Phone>,
    /// Idle, set, many: what was recorded.
    scripts: Vec<Arc<Script>>,
    login: String,
    round: u32,
}

struct Baseline {
    child: Child,
    address: SocketAddr,
}

impl Drop for Baseline {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Baseline {
    fn start(folder: &Path, scripts: &[Arc<Script>]) -> Result<Self> {
        let file = folder.join("scripts.json");
        let scripts: Vec<&Script> = scripts.iter().map(AsRef::as_ref).collect();
        std::fs::write(&file, serde_json::to_string(&scripts)?)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--baseline").arg(&file).arg("--listen").arg(address.to_string());
        let child = process::start(command, &folder.join("baseline.log"), |line| line == "ready")?;
        Ok(Self { child, address })
    }
}

impl Bed {
    async fn make(plan: &Plan, cloud: CloudProcess, folder: &Path) -> Result<Self> {
        let api = Api::sign_in(cloud.base(), EMAIL, PASSWORD).await?;
        let rooms: Vec<String> = (0..plan.phones).map(|number| format!("{}", 1000 + number)).collect();
        let hotel = Hotel::build(&api, "bench", &rooms).await?;
        set_values(&hotel, 100).await?;
        let mut tasks = tokio::task::JoinSet::new();
        for worker in 0..PARALLEL {
            let (hotel, rooms, acs) = (hotel.clone(), rooms.clone(), cloud.acs);
            tasks.spawn(async move {
                let mut wire = Wire::connect(acs).await?;
                let mut phones = Vec::new();
                for (index, room) in rooms.iter().enumerate().skip(worker).step_by(PARALLEL) {
                    let mac = mac(index);
                    hotel.announce(mac, Some(hotel.room(room))).await?;
                    let mut phone = Phone::new(mac);
                    phone.session(&mut wire, EventCode::BOOTSTRAP, 0).await?;
                    // With its own password for the first time, which is when it is enrolled.
                    phone.session(&mut wire, EventCode::PERIODIC, 0).await?;
                    phones.push(phone);
                }
                anyhow::Ok(phones)
            });
        }
        let mut phones = Vec::new();
        while let Some(done) = tasks.join_next().await {
            phones.extend(done??);
        }
        phones.sort_unstable_by_key(|phone| phone.mac);

        let mut wire = Wire::connect(cloud.acs).await?;
        let recorder = phones.first_mut().context("no phones")?;
        let mut scripts = vec![Arc::new(recorder.session(&mut wire, EventCode::PERIODIC, 0).await?)];
        for (round, many) in [(1, 0), (2, PARAMETERS)] {
            set_values(&hotel, 100 + round).await?;
            scripts.push(Arc::new(recorder.session(&mut wire, EventCode::PERIODIC, many).await?));
        }
        // The others are told as well, so that nothing waits for them.
        let recorder = phones.remove(0);
        let real = Target::new(cloud.acs, scripts[2].turns.len(), |_| "/acs".to_owned());
        (_, phones) = play(&real, phones, PARALLEL, &scripts[2], Until::EachOnce).await?;
        ensure!(scripts[0].statuses() == [200, 204], "an idle session is {:?}", scripts[0].statuses());
        ensure!(scripts[1].statuses() == [200, 200, 200, 204], "setting is {:?}", scripts[1].statuses());
        let login = recorder.algorithm().map_or_else(
            || "no proof asked for".to_owned(),
            |algorithm| format!("HTTP Digest ({algorithm:?}) with one nonce and a counter (nc)"),
        );
        phones.insert(0, recorder);
        let baseline = Baseline::start(folder, &scripts)?;
        Ok(Self { cloud, baseline, hotel, phones, scripts, login, round: 2 })
    }

    async fn level(
        &mut self,
        plan: &Plan,
        database: &str,
        scenario: &str,
        at_once: usize,
        process: Option<u32>,
    ) -> Result<Row> {
        let which = [IDLE, SET, MANY].iter().position(|one| *one == scenario).unwrap_or_default();
        let mut script = self.scripts[which].clone();
        let mut until = Until::Over(plan.level);
        let mut rest = Vec::new();
        if scenario != IDLE {
            self.round += 1;
            set_values(&self.hotel, 100 + self.round).await?;
            let mut wire = Wire::connect(self.cloud.acs).await?;
            let many = if scenario == MANY { PARAMETERS } else { 0 };
            let recorder = self.phones.first_mut().context("no phones")?;
            script = Arc::new(recorder.session(&mut wire, EventCode::PERIODIC, many).await?);
            ensure!(script.statuses() == [200, 200, 200, 204], "setting is {:?}", script.statuses());
            until = Until::EachOnce;
            rest.push(self.phones.remove(0));
            // One after the other takes its time.
            rest.extend(self.phones.split_off(self.phones.len().min(100 + 20 * at_once)));
        }
        let posts = script.turns.len();
        let alone = Target::new(self.baseline.address, posts, |turn| format!("/{which}/{turn}"));
        let real = Target::new(self.cloud.acs, posts, |_| "/acs".to_owned());
        let server = self.cloud.id().context("the server ended")?;

        let phones = std::mem::take(&mut self.phones);
        let baseline_process = self.baseline.child.id();
        let (baseline, phones) =
            measured(baseline_process, play(&alone, phones, at_once, &self.scripts[which].clone(), until)).await?;
        let before = process.map(family_cpu_us);
        let (figures, phones) = measured(server, play(&real, phones, at_once, &script, until)).await?;
        let used = process.map(family_cpu_us).zip(before).map(|(after, before)| after.saturating_sub(before));
        self.phones = rest.into_iter().chain(phones).collect();
        self.phones.sort_unstable_by_key(|phone| phone.mac);
        Ok(Row {
            database: database.to_owned(),
            scenario: scenario.to_owned(),
            posts,
            at_once,
            database_cpu_us: used.map(|us| us as f64 / figures.sessions.max(1) as f64),
            server: figures,
            baseline,
        })
    }
}

/// Runs it, and counts what the process and the load generator used meanwhile.
async fn measured(
    process: u32,
    work: impl Future<Output = Result<(Run, Vec<Phone>)>>,
) -> Result<(Figures, Vec<Phone>)> {
    let own = std::process::id();
    let before = (cpu_us(process), cpu_us(own));
    let (run, phones) = work.await?;
    let after = (cpu_us(process), cpu_us(own));
    let sessions = run.sessions_us.len();
    ensure!(sessions > 0, "no session ended in time");
    let each = |before: u64, after: u64| after.saturating_sub(before) as f64 / sessions as f64;
    let figures = Figures {
        sessions,
        seconds: run.seconds,
        sessions_per_second: sessions as f64 / run.seconds,
        cpu_us: each(before.0, after.0),
        client_cpu_us: each(before.1, after.1),
        p50_ms: run.percentile(0.5),
        p99_ms: run.percentile(0.99),
        challenged: run.challenged,
    };
    Ok((figures, phones))
}

/// Makes a job for every phone.
async fn set_values(hotel: &Hotel, value: u32) -> Result<()> {
    let keys = [1, 2].into_iter().flat_map(|account| KEYS.map(|key| format!("account.{account}.{key}")));
    let values: serde_json::Map<_, _> = keys.map(|key| (key, json!(value.to_string()))).collect();
    let path = format!("/api/v1/properties/{}/settings", hotel.property);
    let body = json!({ "values": values });
    hotel.api.try_send(Method::PUT, &path, Some(&body), &[]).await?.json::<Accepted>()?;
    Ok(())
}

fn mac(index: usize) -> Mac {
    let [.., a, b, c] = (index as u64 + 0x20_0000).to_be_bytes();
    Mac::new([0xc0, 0x74, 0xad, a, b, c])
}

/// How fast `cwmp` reads a large answer, on this thread alone.
fn parse_rate() -> Result<Parse> {
    let parameters = further(PARAMETERS).collect();
    let message = GetParameterValuesResponse { parameters }.into();
    let text = encode(&Envelope::new(CwmpVersion::V1_0, message).with_id("1"));
    let limits = Limits::default();
    let own = std::process::id();
    let (before, mut bytes) = (cpu_us(own), 0);
    while cpu_us(own) < before + 1_000_000 {
        for _ in 0..20 {
            let envelope = decode_post(std::hint::black_box(text.as_bytes()), &limits)?;
            ensure!(std::hint::black_box(envelope).is_some(), "an empty message");
            bytes += text.len();
        }
    }
    let used = cpu_us(own) - before;
    // Bytes a microsecond are megabytes a second.
    Ok(Parse { parameters: PARAMETERS, bytes: text.len(), megabytes_per_second: bytes as f64 / used as f64 })
}
