//! The server is killed twenty times at random moments while many phones carry out five jobs each. Every job ends, each
//! takes effect, and takes it once: the phones count.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cloud::db::entity::job;
use contract::rest::{Accepted, AttributeEdit, DownloadOrder, JobState, JobView, ParameterEdit, Progress, Task};
use contract::{Mac, PhoneId};
use device_agent::Effect;
use reqwest::Method;
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, PaginatorTrait, QueryFilter};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tempfile::TempDir;
use tests::process::{program, start};

use crate::hostile_acs::Dice;
use crate::support::{Api, Hotel, ServerProcess};

const JOBS: usize = 5;
/// People at work at once.
const PEOPLE: usize = 8;
const NAME: &str = "account.2.name";
const RING: &str = "account.1.ring.timeout";
/// A table that grows.
const TABLE: &str = "Device.X_BELLHOP_Paging.Listening.";

struct Plan {
    phones: usize,
    kills: usize,
    /// How long a session may hold a job: a job that was cut off waits for that at most until its phone is asked in.
    lease_s: &'static str,
    /// Of the kills' moments.
    seed: u64,
    /// From the last start of the server until all jobs have ended.
    limit: Duration,
}

/// `device-agent simulate`, with the phones' disks in memory.
struct Simulator {
    child: Child,
    disks: TempDir,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Simulator {
    fn start(phones: usize, acs_url: &str) -> Self {
        // Thousands of small synced writes: on a disk the test would measure the disk.
        let memory = Path::new("/dev/shm");
        let disks = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let mut command = Command::new(program("device-agent", "BELLHOP_AGENT_BIN").unwrap());
        command.args(["simulate", "--acs-url", acs_url, "--retry-wait", "1", "--log", "warn", "--ramp", "1"]);
        command.args(["--first-mac", &mac(0).to_string(), "--count", &phones.to_string(), "--report", "0.5"]);
        command.arg("--state-dir").arg(disks.path().join("phones"));
        let child = start(command, &disks.path().join("simulator.log"), |_| true).unwrap();
        Self { child, disks }
    }

    fn effects(&self, index: usize) -> Vec<Effect> {
        let log = self.disks.path().join("phones").join(mac(index).compact()).join("effects.log");
        let text = std::fs::read_to_string(&log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        text.lines().map(|line| serde_json::from_str(line).expect("an effect")).collect()
    }
}

fn mac(index: usize) -> Mac {
    let [.., a, b, c] = (index as u64 + 0x20_0000).to_be_bytes();
    Mac::new([0xc0, 0x74, 0xad, a, b, c])
}

/// A ringtone to be fetched, by a server that nobody kills.
async fn ringtone() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ring1.bin", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/ring1.bin", axum::routing::get(|| async { vec![7u8; 2_000] }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// What a phone is asked in the second place; a quarter of the phones each.
fn second(index: usize, ringtone: &str) -> Task {
    match index % 4 {
        0 => Task::ScheduleInform { delay_seconds: 1 },
        1 => {
            let path = settings::vendor_path(NAME);
            Task::SetAttributes { attributes: vec![AttributeEdit { path, notification: 1 }] }
        }
        2 => Task::AddObject { object: TABLE.to_owned() },
        _ => Task::Download(DownloadOrder {
            file_type: "5 Ringer File".to_owned(),
            file: None,
            url: Some(ringtone.to_owned()),
            target_file_name: "ring1.bin".to_owned(),
            delay_seconds: 0,
        }),
    }
}

fn name(index: usize, which: &str) -> String {
    format!("{which} {index}")
}

fn ring(index: usize) -> String {
    format!("{}", 31 + index % 20)
}

fn set_name(index: usize, which: &str) -> Task {
    let (path, value) = (settings::vendor_path(NAME), name(index, which));
    Task::SetParameters { values: vec![ParameterEdit { path, value, xsd_type: String::new() }] }
}

/// Everything a phone is to have done: what and to which values, in this order.
fn expected(index: usize) -> BTreeMap<&'static str, Vec<String>> {
    let mut all = BTreeMap::from([
        (NAME, vec![name(index, "first"), name(index, "second")]),
        (RING, vec![ring(index)]),
        ("action.reboot", vec![String::new()]),
    ]);
    match index % 4 {
        0 => all.insert("action.schedule-inform", vec![String::new()]),
        2 => all.insert("action.add-object", vec![format!("{TABLE}1.")]),
        3 => all.insert("action.download", vec!["5 Ringer File".to_owned()]),
        _ => None,
    };
    all
}

/// Asks until there is an answer, as a person does whose browser says that the server is away. The key makes it one order.
async fn insist<T: DeserializeOwned>(api: &Api, method: Method, path: &str, body: &impl Serialize, key: &str) -> T {
    let body = serde_json::to_value(body).unwrap();
    loop {
        match api.try_send(method.clone(), path, Some(&body), &[("idempotency-key", key)]).await {
            Ok(answer) if answer.status < 500 => return answer.ok(),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// The five jobs of a phone, in their order.
async fn order(api: &Api, id: PhoneId, index: usize, ringtone: &str, posted: &AtomicUsize) -> Vec<JobView> {
    let path = format!("/api/v1/phones/{id}/tasks");
    let mut jobs = Vec::with_capacity(JOBS);
    let tasks = [set_name(index, "first"), second(index, ringtone), Task::Reboot, set_name(index, "second")];
    for (turn, task) in tasks.iter().enumerate() {
        jobs.push(insist::<JobView>(api, Method::POST, &path, task, &format!("{index}-{turn}")).await);
        posted.fetch_add(1, Ordering::Relaxed);
    }
    let path = format!("/api/v1/phones/{id}/settings");
    let body = json!({ "values": { RING: ring(index) } });
    let accepted: Accepted = insist(api, Method::PUT, &path, &body, &format!("{index}-ring")).await;
    posted.fetch_add(1, Ordering::Relaxed);
    jobs.extend(accepted.jobs);
    assert_eq!(jobs.len(), JOBS);
    jobs
}

async fn ended(database: &DatabaseConnection) -> usize {
    job::Entity::find().filter(job::Column::DoneAt.is_not_null()).count(database).await.unwrap() as usize
}

async fn in_state(database: &DatabaseConnection, state: JobState) -> usize {
    job::Entity::find().filter(job::Column::State.eq(state.as_str())).count(database).await.unwrap() as usize
}

/// Waits until so many jobs have ended since `before`; says how far it got if it takes too long.
async fn all_ended(database: &DatabaseConnection, wanted: usize, limit: Duration) {
    if tests::wait::within(limit, async || (ended(database).await >= wanted).then_some(())).await.is_some() {
        return;
    }
    let open = job::Entity::find().filter(job::Column::DoneAt.is_null()).all(database).await.unwrap();
    let shown: Vec<String> = open
        .iter()
        .take(20)
        .map(|job| format!("{} {} {:?} {} tries: {}", job.kind, job.state, job.step, job.attempts, job.note))
        .collect();
    panic!("{} jobs are open after {limit:?}:\n{}", open.len(), shown.join("\n"));
}

/// Kills the server at random moments of the work, and starts it again. Returns how many jobs it was in the middle of.
async fn kill(server: &ServerProcess, database: &DatabaseConnection, plan: &Plan, posted: &AtomicUsize) -> usize {
    let mut dice = Dice(plan.seed);
    let (total, before) = (plan.phones * JOBS, ended(database).await);
    let mut moments: Vec<usize> = (0..plan.kills).map(|_| dice.below(total * 2 * 9 / 10)).collect();
    moments.sort_unstable();
    let mut cut_off = 0;
    for (number, moment) in moments.into_iter().enumerate() {
        while posted.load(Ordering::Relaxed) + ended(database).await - before < moment {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(dice.below(400) as u64)).await;
        server.kill();
        let (running, over) = (in_state(database, JobState::Running).await, ended(database).await - before);
        let posts = posted.load(Ordering::Relaxed);
        println!("kill {number}: {posts} of {total} asked for, {running} under way, {over} over");
        assert!(over < total, "the kills come while there is something to do");
        cut_off += running;
        tokio::time::sleep(Duration::from_millis(dice.below(300) as u64)).await;
        server.restart().await;
    }
    cut_off
}

/// Effects of the phones compared with what they were asked: how many are too many, and how many are missing.
fn count(phones: &Simulator, plan: &Plan) -> (usize, usize) {
    let (mut doubled, mut missing) = (0, 0);
    for index in 0..plan.phones {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let wanted = expected(index);
        for effect in phones.effects(index) {
            if effect.deed().is_some() || wanted.contains_key(&*effect.key) {
                let new = effect.new.as_deref().unwrap_or_default().to_owned();
                found.entry(effect.key.to_string()).or_default().push(new);
            }
        }
        let same = wanted.iter().all(|(key, values)| found.get(*key) == Some(values)) && wanted.len() == found.len();
        if !same {
            println!("phone {index} was asked {wanted:?} and did {found:?}");
            let all: usize = wanted.values().map(Vec::len).sum();
            let done: usize = found.values().map(Vec::len).sum();
            doubled += done.saturating_sub(all).max(1);
            missing += all.saturating_sub(done);
        }
    }
    (doubled, missing)
}

async fn survives(plan: &Plan) {
    let begun = Instant::now();
    let server = ServerProcess::start(&[("jobs.nudges_per_second", "1000"), ("jobs.lease_s", plan.lease_s)]).await;
    let rooms: Vec<String> = (0..plan.phones).map(|index| format!("{}", 1000 + index)).collect();
    let hotel = Hotel::build(&server.api, "harbour", &rooms).await.unwrap();
    let mut ids = Vec::new();
    for (index, room) in rooms.iter().enumerate() {
        ids.push(hotel.announce(mac(index), Some(hotel.room(room))).await.unwrap());
    }
    let phones = Simulator::start(plan.phones, &server.acs_url());
    let path = format!("/api/v1/properties/{}/progress", hotel.property);
    let settled = tests::wait::within(plan.limit, async || {
        let progress: Progress = server.api.get(&path).await.ok();
        (progress.in_sync as usize == plan.phones).then_some(())
    });
    settled.await.expect("every phone is set up");
    let database = server.database().await;
    let before = ended(&database).await;
    println!("{} phones are set up after {:.1} s", plan.phones, begun.elapsed().as_secs_f64());

    let work = Instant::now();
    let (posted, ringtone) = (Arc::new(AtomicUsize::new(0)), ringtone().await);
    let mut people = tokio::task::JoinSet::new();
    for person in 0..PEOPLE {
        let (api, ringtone, posted) = (server.api.clone(), ringtone.clone(), posted.clone());
        let own: Vec<(usize, PhoneId)> = ids.iter().copied().enumerate().skip(person).step_by(PEOPLE).collect();
        people.spawn(async move {
            let mut jobs = Vec::new();
            for (index, id) in own {
                jobs.extend(order(&api, id, index, &ringtone, &posted).await);
            }
            jobs
        });
    }
    let cut_off = kill(&server, &database, plan, &posted).await;
    let last = Instant::now();
    let mut jobs: Vec<JobView> = Vec::new();
    while let Some(ordered) = people.join_next().await {
        jobs.extend(ordered.unwrap());
    }
    let total = plan.phones * JOBS;
    all_ended(&database, before + total, plan.limit).await;
    let (all, after) = (work.elapsed().as_secs_f64(), last.elapsed().as_secs_f64());

    let rows = job::Entity::find().all(&database).await.unwrap();
    assert_eq!(rows.len(), before + total, "an order that was repeated is one job");
    let by_id: BTreeMap<_, _> = rows.iter().map(|row| (row.id, row)).collect();
    let lost = jobs.iter().filter(|job| !by_id.contains_key(&job.id.0)).count();
    let bad: Vec<_> = rows.iter().filter(|row| row.state != JobState::Done.as_str()).collect();
    for row in bad.iter().take(20) {
        println!("{} is {}: {}", row.summary, row.state, row.note);
    }
    let tried_again = rows.iter().filter(|row| row.attempts > 1).count();
    let (doubled, missing) = count(&phones, plan);
    println!(
        "{total} jobs of {} phones, {} kills: {:.1} s, the last {after:.1} s after the last start; {cut_off} cut off, \
         {tried_again} tried again; done {}, not done {}, lost {lost}, effects doubled {doubled}, missing {missing}",
        plan.phones,
        plan.kills,
        all,
        rows.len() - before - bad.len(),
        bad.len(),
    );
    assert_eq!((bad.len(), lost, doubled, missing), (0, 0, 0, 0));
    assert!(cut_off > 0, "kills came while jobs were under way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_sessions_of_sixty_phones_with_five_jobs_each() {
    survives(&Plan { phones: 60, kills: 20, lease_s: "5", seed: 3, limit: Duration::from_secs(120) }).await;
}

/// `cargo test -p tests --test it kill_sessions -- --ignored --nocapture`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn kill_sessions_of_a_thousand_phones_with_five_jobs_each() {
    survives(&Plan { phones: 1_000, kills: 20, lease_s: "60", seed: 4, limit: Duration::from_secs(600) }).await;
}
