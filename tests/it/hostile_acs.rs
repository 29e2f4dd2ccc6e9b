//! The TR-069 server under fire: a hundred messages made to hurt and ten thousand broken at random, with a phone beside
//! them that works as ever.

mod corpus;
mod mutate;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use contract::PhoneId;
use contract::rest::{JobState, ParameterEdit, Task};
use cwmp::{Event, EventCode, Message};
use tests::process::memory_kb;

use self::corpus::Hostile;
pub use self::mutate::Dice;
use self::wire::Answer;
use crate::support::tree::ask;
use crate::support::{Api, Ask, HandPhone, Hotel, ServerProcess, mac};

/// Messages broken at random.
const MUTATED: usize = 10_000;
/// Before memory is looked at: caches fill, threads start.
const WARM: usize = 1_500;
/// Senders at once.
const SENDERS: u16 = 6;
/// What the server may hold more at the end, in KiB.
const MOST_GROWN: u64 = 20 * 1024;
/// What a hostile message may cost at most, in Informs of a phone that starts. Without optimisation reading a message of
/// the largest size allowed costs 45, with it 10: the database's work, which an Inform mostly is, is optimised always.
const MOST_INFORMS: f64 = 100.0;

/// Nanoseconds a process and its threads were on a processor so far (schedstat, Documentation/scheduler).
fn cpu_ns(process: u32) -> u64 {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{process}/task")) else { return 0 };
    let of = |task: std::io::Result<std::fs::DirEntry>| -> Option<u64> {
        std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?.split(' ').next()?.parse().ok()
    };
    tasks.filter_map(of).sum()
}

/// Refused or answered, but never an error of the server's own.
#[track_caller]
fn check(what: &str, hangs_up: bool, answer: Option<&Answer>) {
    match answer {
        Some(answer) if answer.status == 503 => assert!(answer.retry_after, "{what}: 503 says when to come back"),
        Some(answer) => assert!(answer.status < 500, "{what}: {} {}", answer.status, answer.body),
        None => assert!(hangs_up, "{what} is answered"),
    }
}

/// A phone of the hotel that has its credentials.
async fn settled(hotel: &Hotel, number: u16, url: String) -> (HandPhone, PhoneId) {
    let id = hotel.announce(mac(number), None).await.unwrap();
    let mut phone = HandPhone::new(mac(number), url);
    phone.manufacturer = "Grandstream".to_owned();
    phone.session().await;
    phone.events = vec![Event::new(EventCode::PERIODIC)];
    (phone, id)
}

/// The same phone once more, with its credentials.
fn again(phone: &HandPhone, url: String) -> HandPhone {
    let mut again = HandPhone::new(phone.mac, url);
    again.manufacturer.clone_from(&phone.manufacturer);
    again.login.clone_from(&phone.login);
    again.events.clone_from(&phone.events);
    again
}

/// Golden messages of the codec's own tests, and a real Inform.
fn golden() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/cwmp/tests/golden");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut all: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    assert!(all.len() > 40, "{folder}");
    // Informs open everything else, so they are met more often.
    all.extend(std::iter::repeat_n(corpus::inform(), 12));
    all
}

/// The median of some runs, in µs: what else the server does meanwhile is none of the message's. A thread that ends takes
/// its time with it, so that the sum falls: such a run says nothing.
async fn cost_us(server: u32, runs: usize, mut run: impl AsyncFnMut()) -> f64 {
    let mut costs = Vec::new();
    while costs.len() < runs {
        let before = cpu_ns(server);
        run().await;
        costs.extend(cpu_ns(server).checked_sub(before).filter(|cost| *cost > 0));
    }
    costs.sort_unstable();
    costs[runs / 2] as f64 / 1000.0
}

/// Sends each by itself and prints what it cost, beside an Inform of a phone that starts and proves itself.
async fn one_by_one(server: &ServerProcess, known: &mut HandPhone, all: &[Hostile]) {
    let process = server.cloud.lock().unwrap().id().unwrap();
    known.events = vec![Event::new(EventCode::BOOT)];
    let valid = cost_us(process, 20, async || {
        assert_eq!(known.begin().await.message().name(), "InformResponse");
    })
    .await;
    let mut table = Vec::new();
    for one in all {
        let mut status = None;
        let cost = cost_us(process, 3, async || {
            let answer = one.request.send(server.acs).await;
            check(one.name, one.request.hangs_up, answer.as_ref());
            status = answer.map(|answer| answer.status);
        })
        .await;
        table.push((cost, one.name, status));
    }
    table.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("{valid:>10.0} µs          a valid Inform");
    for (cost, name, status) in &table {
        println!("{cost:>10.0} µs {:>6.1}x  {:<3}  {name}", cost / valid, status.unwrap_or(0));
    }
    let (worst, name, _) = table[0];
    assert!(worst < valid * MOST_INFORMS, "{name} costs {worst} µs, an Inform {valid} µs");
}

/// Broken messages, some of them in a session that is open. Returns when all were answered.
async fn fire(server: SocketAddr, mut phone: HandPhone, corpus: Arc<Vec<String>>, left: Arc<AtomicUsize>, seed: u64) {
    let mut dice = Dice(seed);
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        let in_session = dice.below(4) == 0;
        if in_session && phone.begin().await.status == 200 && dice.below(2) == 0 {
            phone.empty().await;
        }
        let cookie = phone.cookie.take().filter(|_| in_session);
        let request = mutate::request(&mut dice, &corpus, cookie.as_deref());
        let answer = request.send(server).await;
        let shown = || String::from_utf8_lossy(&request.bytes[..request.bytes.len().min(3_000)]).into_owned();
        check(&format!("seed {seed}: {}", shown()), request.hangs_up, answer.as_ref());
    }
}

/// Sessions of a phone that has something done each time, until told to stop. Returns how many there were.
async fn undisturbed(api: Api, mut phone: HandPhone, id: PhoneId, stop: Arc<AtomicBool>) -> usize {
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) || count == 0 {
        let edit = ParameterEdit {
            path: "Device.DeviceInfo.ProvisioningCode".to_owned(),
            value: format!("code {count}"),
            xsd_type: "string".to_owned(),
        };
        let job = ask(&api, id, &Task::SetParameters { values: vec![edit] }).await;
        let asked = phone.session().await;
        let names: Vec<&str> = asked.iter().map(Message::name).collect();
        assert_eq!(names, ["SetParameterValues", "GetParameterValues"], "session {count}");
        assert_eq!(api.job(&job).await.state, JobState::Done, "session {count}");
        count += 1;
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_acs_ten_thousand_broken_messages_and_a_hundred_made_to_hurt() {
    let server = ServerProcess::start(&[]).await;
    let hotel = server.hotel(&["1207"]).await;
    let hostile = corpus::all();
    let holds = || memory_kb(server.cloud.lock().unwrap().id().unwrap()).expect("the server is there").0;
    let at_start = holds();
    assert!(hostile.len() >= 100, "{}", hostile.len());
    one_by_one(&server, &mut settled(&hotel, 2, server.acs_url()).await.0, &hostile).await;

    println!("the server held {at_start} KiB, and {} when each was sent by itself", holds());
    let process = server.cloud.lock().unwrap().id().unwrap();
    let golden = Arc::new(golden());
    let stop = Arc::new(AtomicBool::new(false));
    let (phone, id) = settled(&hotel, 1, server.acs_url()).await;
    let valid = tokio::spawn(undisturbed(server.api.clone(), phone, id, stop.clone()));
    let mut senders = Vec::new();
    for number in 0..SENDERS {
        senders.push(settled(&hotel, 100 + number, server.acs_url()).await.0);
    }
    let mut memory = Vec::new();
    for (round, messages) in [(0, WARM), (1, MUTATED)] {
        let left = Arc::new(AtomicUsize::new(messages));
        let mut firing = tokio::task::JoinSet::new();
        for (number, sender) in senders.iter().enumerate() {
            let phone = again(sender, server.acs_url());
            let seed = 1_000 * round + number as u64;
            firing.spawn(fire(server.acs, phone, golden.clone(), left.clone(), seed));
        }
        for one in &hostile {
            check(one.name, one.request.hangs_up, one.request.send(server.acs).await.as_ref());
        }
        while let Some(done) = firing.join_next().await {
            done.unwrap();
        }
        memory.push(holds());
    }
    stop.store(true, Ordering::Relaxed);
    let sessions = valid.await.expect("the good phone was not disturbed");
    let grown = memory[1].saturating_sub(memory[0]);
    println!(
        "{MUTATED} broken messages; {sessions} sessions beside them; it held {} KiB, and {grown} more at the end",
        memory[0]
    );
    assert!(grown < MOST_GROWN, "the server holds {grown} KiB more");

    assert_eq!(server.cloud.lock().unwrap().id(), Some(process));
    assert!(memory_kb(process).is_some(), "the server is alive");
    let log = server.cloud.lock().unwrap().log();
    let bad: Vec<&str> = log.lines().filter(|line| line.contains("panicked") || line.contains(" ERROR ")).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}
