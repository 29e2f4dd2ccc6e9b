//! The broker is killed in the middle of its work, and what it had kept is lost: sessions, queues, retained messages. What
//! phones tell meanwhile is stored once all the same, and every phone soon hears commands again.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cloud::clock::now_ms;
use cloud::db::entity::{event, job, phone};
use contract::rest::{JobState, JobView, PingRequest, Task};
use contract::{Mac, PhoneId};
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use serde_json::json;
use tempfile::TempDir;
use tests::process::program;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::mosquitto::Mosquitto;
use crate::support::{Api, Hotel, ServerProcess, timed};

/// From the broker's return until every phone has carried out a command.
const HEARS: Duration = Duration::from_secs(90);
/// Who lift handsets, and who ask for pings.
const PEOPLE: usize = 8;
/// Of so many phones, one is asked while the broker is away.
const ASKED_MEANWHILE: usize = 10;

struct Plan {
    phones: usize,
    /// Events of all phones, in a second.
    rate: usize,
    /// From the first event until the broker is killed.
    before: Duration,
    /// For so long there is none.
    away: Duration,
    /// Until all phones are set up.
    set_up: Duration,
}

const QUICK: Plan = Plan {
    phones: 150,
    rate: 50,
    before: Duration::from_secs(3),
    away: Duration::from_secs(2),
    set_up: Duration::from_secs(120),
};

const FULL: Plan = Plan {
    phones: 2_000,
    rate: 200,
    before: Duration::from_secs(15),
    away: Duration::from_secs(10),
    set_up: Duration::from_secs(900),
};

enum Broker {
    /// In the server: it is killed with it.
    Embedded,
    External(Mosquitto),
}

/// How many phones had a line to the broker, and what they had not been told is stored.
#[derive(Clone, Copy)]
struct Sample {
    at: Instant,
    connected: usize,
    unacknowledged: usize,
}

/// `device-agent simulate`, with the phones' disks in memory.
struct Simulator {
    child: Child,
    /// Oldest first.
    samples: Arc<Mutex<Vec<Sample>>>,
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
        let log = std::fs::File::create(disks.path().join("simulator.log")).unwrap();
        let ramp = phones as f64 / 100.0;
        let mut command = Command::new(program("device-agent", "BELLHOP_AGENT_BIN").unwrap());
        command.args(["simulate", "--acs-url", acs_url, "--retry-wait", "1", "--log", "warn", "--report", "0.2"]);
        command.args(["--first-mac", &mac(0).to_string(), "--count", &phones.to_string()]);
        command.args(["--ramp", &ramp.to_string(), "--control", "127.0.0.1:0"]);
        command.arg("--state-dir").arg(disks.path().join("phones"));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let samples: Arc<Mutex<Vec<Sample>>> = Arc::default();
        let told = samples.clone();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).filter_map(read).for_each(|s| told.lock().unwrap().push(s))
        });
        Self { child, samples, disks }
    }

    /// Its control endpoint.
    fn control(&self) -> Api {
        let read = |name: &str| std::fs::read_to_string(self.disks.path().join("phones").join(name)).unwrap();
        Api::new(format!("http://{}", read(device_agent::control::ADDRESS_FILE)))
            .with_token(read(device_agent::control::TOKEN_FILE))
    }

    fn last(&self) -> Option<Sample> {
        self.samples.lock().unwrap().last().copied()
    }

    /// How many phones more were connected within a second at most, since then.
    fn peak_per_second(&self, since: Instant) -> usize {
        let samples = self.samples.lock().unwrap();
        let since: Vec<Sample> = samples.iter().filter(|sample| sample.at >= since).copied().collect();
        let more = |first: &Sample| {
            let within = since.iter().filter(|one| one.at >= first.at && one.at - first.at <= Duration::from_secs(1));
            within.map(|one| one.connected.saturating_sub(first.connected)).max().unwrap_or_default()
        };
        since.iter().map(more).max().unwrap_or_default()
    }
}

/// A line of its report.
fn read(line: String) -> Option<Sample> {
    let field = |name: &str| line.split_whitespace().find_map(|word| word.strip_prefix(name)?.parse().ok());
    Some(Sample { at: Instant::now(), connected: field("connected=")?, unacknowledged: field("unacknowledged=")? })
}

fn mac(index: usize) -> Mac {
    let [.., a, b, c] = (index as u64 + 0x30_0000).to_be_bytes();
    Mac::new([0xc0, 0x74, 0xad, a, b, c])
}

/// Lifts and replaces handsets, one after the other, until told to stop. Returns how often each was moved.
async fn move_handsets(control: Api, plan: &Plan, stop: CancellationToken) -> Vec<usize> {
    let period = Duration::from_secs(1).mul_f64(PEOPLE as f64 / plan.rate as f64);
    let (mut people, phones) = (JoinSet::new(), plan.phones);
    for person in 0..PEOPLE {
        let (control, stop) = (control.clone(), stop.clone());
        people.spawn(async move {
            let mut moved: BTreeMap<usize, usize> = BTreeMap::new();
            let mut turn = tokio::time::interval(period);
            for index in (person..phones).step_by(PEOPLE).cycle() {
                tokio::select! {
                    _ = turn.tick() => {}
                    () = stop.cancelled() => break,
                }
                let times = moved.entry(index).or_default();
                let hook = if times.is_multiple_of(2) { "off" } else { "on" };
                let moved = control.post(&format!("/phones/{index}/hook"), json!({ "hook": hook })).await;
                assert_eq!(moved.status, 200, "{}", moved.text);
                *times += 1;
            }
            moved
        });
    }
    let mut moved = vec![0; phones];
    while let Some(some) = people.join_next().await {
        some.unwrap().into_iter().for_each(|(index, times)| moved[index] = times);
    }
    moved
}

/// Asks phones for a ping each. Returns when all are asked.
async fn ask(api: &Api, phones: Vec<PhoneId>) -> HashSet<Uuid> {
    let ping = Task::Ping(PingRequest { host: "127.0.0.1".to_owned(), count: 1, size: 8, timeout_ms: 1_000, dscp: 0 });
    let (turns, mut asked) = (Arc::new(Semaphore::new(PEOPLE)), JoinSet::new());
    for phone in phones {
        let (api, ping, turns) = (api.clone(), ping.clone(), turns.clone());
        asked.spawn(async move {
            let _turn = turns.acquire().await.unwrap();
            let job: JobView = api.post(&format!("/api/v1/phones/{phone}/tasks"), &ping).await.ok();
            job.id.0
        });
    }
    asked.join_all().await.into_iter().collect()
}

/// Phones the server has heard of over its broker since then, and may send commands to.
async fn back_since(database: &DatabaseConnection, then_ms: i64) -> HashSet<PhoneId> {
    let rows = phone::Entity::find().filter(phone::Column::Connected.eq(true));
    let rows = rows.filter(phone::Column::LastSeen.gte(then_ms)).all(database).await.unwrap();
    rows.into_iter().map(|row| PhoneId(row.id)).collect()
}

/// Asks every phone for a ping as soon as it is back. Returns the jobs when all have ended, or [`HEARS`] is over.
async fn hear_commands(
    server: &ServerProcess,
    database: &DatabaseConnection,
    phones: &[PhoneId],
    back_ms: i64,
    meanwhile: &HashSet<Uuid>,
) -> Vec<job::Model> {
    let (mut left, mut asked): (HashSet<PhoneId>, HashSet<Uuid>) =
        (phones.iter().copied().collect(), meanwhile.clone());
    loop {
        let back = back_since(database, back_ms).await;
        let (now, later) = left.into_iter().partition(|phone| back.contains(phone));
        left = later;
        asked.extend(ask(&server.api, Vec::from_iter::<HashSet<_>>(now)).await);
        let jobs = job::Entity::find().filter(job::Column::Kind.eq("ping")).all(database).await.unwrap();
        let jobs: Vec<_> = jobs.into_iter().filter(|job| asked.contains(&job.id)).collect();
        let all_over = left.is_empty() && jobs.iter().all(|job| job.done_at.is_some());
        if all_over || now_ms() - back_ms > HEARS.as_millis() as i64 {
            assert!(left.is_empty(), "{} phones did not come back", left.len());
            return jobs;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What is stored of each phone's handset, by `(boot, seq)`, is what was done to it, exactly. Returns how many events that are.
async fn compare(database: &DatabaseConnection, phones: &[PhoneId], moved: &[usize]) -> usize {
    let rows = event::Entity::find().order_by_asc(event::Column::Boot).order_by_asc(event::Column::Seq);
    let rows = rows.all(database).await.unwrap();
    let names: HashSet<_> = rows.iter().map(|row| (row.phone_id, row.boot, row.seq)).collect();
    assert_eq!(names.len(), rows.len(), "each name is stored once");
    let mut kinds: BTreeMap<Uuid, Vec<&str>> = BTreeMap::new();
    for row in &rows {
        kinds.entry(row.phone_id).or_default().push(&row.kind);
    }
    let mut total = 0;
    for (phone, times) in phones.iter().zip(moved) {
        let kinds = &kinds[&phone.0];
        let (hooks, others): (Vec<&str>, Vec<&str>) = kinds.iter().partition(|kind| kind.ends_with("-hook"));
        let raised: Vec<&str> = ["off-hook", "on-hook"].into_iter().cycle().take(*times).collect();
        assert_eq!(hooks, raised, "phone {phone}");
        assert_eq!(others, ["setup-completed", "auto-provision-completed"], "phone {phone}");
        total += times;
    }
    total
}

/// How many events came again that were stored, as far as the server's log tells (`BELLHOP_LOG=warn,cloud::ingest=debug`).
fn repeated(log: &str) -> Option<u64> {
    let field = |line: &str, name: &str| -> Option<u64> {
        line.split_whitespace().find_map(|word| word.strip_prefix(name)?.parse().ok())
    };
    let each = log.lines().filter_map(|line| Some(field(line, "events=")? - field(line, "new=")?));
    each.reduce(|one, other| one + other)
}

async fn survives(plan: &Plan, mut broker: Broker) {
    let port = if let Broker::External(mosquitto) = &broker { mosquitto.port.to_string() } else { String::new() };
    let mut settings = vec![("jobs.nudges_per_second", "1000")];
    if matches!(broker, Broker::External(_)) {
        settings.extend(Mosquitto::settings(&port));
    }
    let server = ServerProcess::start(&settings).await;
    let hotel = Hotel::build(&server.api, "harbour", &[]).await.unwrap();
    let mut phones = Vec::new();
    for index in 0..plan.phones {
        phones.push(hotel.announce(mac(index), None).await.unwrap());
    }
    let simulator = Simulator::start(plan.phones, &server.acs_url());
    let database = server.database().await;
    let ((), took) = timed("every phone is set up", plan.set_up, async || {
        let all = simulator.last().is_some_and(|now| now.connected == plan.phones && now.unacknowledged == 0);
        let open = job::Entity::find().filter(job::Column::DoneAt.is_null());
        (all && open.count(&database).await.unwrap() == 0).then_some(())
    })
    .await;
    println!("{} phones are set up after {:.1} s", plan.phones, took.as_secs_f64());

    let (stop, begun) = (CancellationToken::new(), Instant::now());
    let moving = move_handsets(simulator.control(), plan, stop.clone());
    let losing = async {
        tokio::time::sleep(plan.before).await;
        let (mut meanwhile, tenth) = (HashSet::new(), phones.iter().copied().step_by(ASKED_MEANWHILE).collect());
        match &mut broker {
            Broker::Embedded => server.kill(),
            Broker::External(mosquitto) => {
                mosquitto.lose_store().await;
                meanwhile = ask(&server.api, tenth).await;
            }
        }
        tokio::time::sleep(plan.away).await;
        let waiting = simulator.last().unwrap();
        assert_eq!(waiting.connected, 0);
        match &mut broker {
            Broker::Embedded => server.restart().await,
            Broker::External(mosquitto) => mosquitto.restart().await,
        }
        let (back, back_ms) = (Instant::now(), now_ms());
        println!("the broker is back; {} events wait on the phones", waiting.unacknowledged);
        let jobs = hear_commands(&server, &database, &phones, back_ms, &meanwhile).await;
        stop.cancel();
        (jobs, meanwhile, back, back_ms)
    };
    let (moved, (jobs, meanwhile, back, back_ms)) = tokio::join!(moving, losing);
    let rate = moved.iter().sum::<usize>() as f64 / begun.elapsed().as_secs_f64();

    let after = |job: &job::Model| job.done_at.map(|at| (at - back_ms) as f64 / 1000.0);
    let (early, late): (Vec<_>, Vec<_>) = jobs.iter().partition(|job| meanwhile.contains(&job.id));
    for (which, jobs) in [("as soon as it was back", &late), ("while the broker was away", &early)] {
        let mut times: Vec<f64> = jobs.iter().copied().filter_map(after).collect();
        times.sort_by(f64::total_cmp);
        let over_mqtt = jobs.iter().filter(|job| job.memo == "mqtt").count();
        if let [.., last] = times[..] {
            println!(
                "each phone asked {which}: {} of {} did it, {over_mqtt} over MQTT; half within {:.1} s, all within {last:.1} s",
                times.len(),
                jobs.len(),
                times[times.len() / 2],
            );
        }
    }
    for job in jobs.iter().filter(|job| job.state != JobState::Done.as_str()).take(20) {
        println!("{} {} after {} attempts: {}", job.phone_id, job.state, job.attempts, job.note);
    }
    assert!(
        jobs.iter().all(|job| job.state == JobState::Done.as_str()),
        "every phone does what it is asked within {HEARS:?}"
    );
    assert!(late.len() == plan.phones && late.iter().all(|job| job.memo == "mqtt"), "every phone hears commands");

    let ((), took) = timed("everything is stored", HEARS, async || {
        simulator.last().filter(|now| now.at > back && now.unacknowledged == 0).map(drop)
    })
    .await;
    let stored = compare(&database, &phones, &moved).await;
    println!(
        "connected at most {} a second; {stored} events raised ({rate:.0} a second) and stored once each, the last {:.1} s \
         after the last; came again: {:?}",
        simulator.peak_per_second(back),
        took.as_secs_f64(),
        repeated(&server.cloud.lock().unwrap().log()),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broker_loss_a_fleet_goes_on_without_the_server_and_its_broker() {
    survives(&QUICK, Broker::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broker_loss_a_fleet_goes_on_without_mosquitto() {
    survives(&QUICK, Broker::External(Mosquitto::start().await)).await;
}

/// `cargo test -p tests --test it broker_loss -- --ignored --nocapture --test-threads 1`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn broker_loss_two_thousand_phones_go_on_without_the_server_and_its_broker() {
    survives(&FULL, Broker::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn broker_loss_two_thousand_phones_go_on_without_mosquitto() {
    survives(&FULL, Broker::External(Mosquitto::start().await)).await;
}
