//! `cargo xtask bench mqtt`: messages a second at QoS 1 from phones to committed rows, beside the same broker alone with a
//! plain subscriber; and what an idle connection costs. Server, broker and load generator are processes of their own and
//! share the machine.

pub mod alone;
mod phone;
mod report;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cloud::app::announce::blank;
use cloud::db::Db;
use cloud::db::entity::phone as row;
use cloud::secrets::token_hash;
use contract::rest::Enrolment;
use contract::{Mac, PhoneId};
use sea_orm::{EntityTrait, IntoActiveModel};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use self::phone::{PASSWORD, Phone, Until};
use super::usage::{cpu_us, family_cpu_us};
use crate::process::{self, CloudProcess, free_port, memory_kb};

pub use report::{Idle, Report, Throughput};

/// Rows in one statement.
const ROWS: usize = 500;
/// Connections opened at a time, and the pause after them: the broker takes 1,000 a second.
const AT_ONCE: usize = 90;
const PAUSE: Duration = Duration::from_millis(100);
/// Until what was freed after the logins is given back.
const SETTLE: Duration = Duration::from_secs(5);

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub phones: usize,
    pub events: u64,
    pub idle: usize,
    /// `postgres://…` of an empty database and the process of its server.
    pub postgres: Option<(String, u32)>,
    pub sqlite: bool,
}

/// Runs it, and says how it is going line by line.
///
/// # Errors
/// If anything fails.
pub async fn run(plan: &Plan, mut say: impl FnMut(String)) -> Result<Report> {
    let mut report = Report { phones: plan.phones, events: plan.events, ..Report::default() };
    let mut row = alone(plan).await?;
    say(row.words());
    report.throughput.push(row);
    let mut databases = Vec::new();
    if plan.sqlite {
        databases.push(("server, SQLite", String::new(), None));
    }
    if let Some((url, process)) = &plan.postgres {
        databases.push(("server, PostgreSQL", url.clone(), Some(*process)));
    }
    for (name, url, process) in &databases {
        row = server(plan, name, url, *process).await?;
        say(row.words());
        report.throughput.push(row);
    }
    if plan.idle > 0 {
        let idle = idle_alone(plan.idle).await?;
        say(idle.words());
        report.idle.push(idle);
        let idle = idle_server(plan.idle).await?;
        say(idle.words());
        report.idle.push(idle);
    }
    Ok(report)
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// The broker alone, in a process of its own.
struct Alone {
    child: Child,
    broker: SocketAddr,
    tell: SocketAddr,
}

impl Drop for Alone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Alone {
    fn start(folder: &Path, expected: u64) -> Result<Self> {
        let (broker, tell) = (local(free_port()?), local(free_port()?));
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--alone", &broker.to_string(), "--tell", &tell.to_string()]);
        command.args(["--expected", &expected.to_string()]);
        let child = process::start(command, &folder.join("alone.log"), |line| line == "ready")?;
        Ok(Self { child, broker, tell })
    }
}

async fn alone(plan: &Plan) -> Result<Throughput> {
    let folder = tempfile::tempdir()?;
    let messages = plan.phones as u64 * plan.events;
    let alone = Alone::start(folder.path(), messages)?;
    let ids = (0..plan.phones).map(|_| PhoneId(uuid::Uuid::now_v7())).collect();
    let phones = connect(alone.broker, ids).await?;
    let (cpu, start) = (cpu_us(alone.child.id()), Instant::now());
    let told = tell(phones, plan.events, Until::Confirmed);
    let heard = async {
        let mut line = String::new();
        TcpStream::connect(alone.tell).await?.read_to_string(&mut line).await?;
        ensure!(line == "all\n", "the subscriber did not hear everything");
        Ok(())
    };
    tokio::try_join!(told, heard)?;
    let cpu_us = cpu_us(alone.child.id()) - cpu;
    Ok(Throughput::new("broker alone", messages, start.elapsed(), cpu_us, 0))
}

async fn server(plan: &Plan, name: &str, url: &str, database: Option<u32>) -> Result<Throughput> {
    let folder = tempfile::tempdir()?;
    let ids = make_phones(folder.path(), url, plan.phones).await?;
    let cloud = CloudProcess::start(folder.path(), url, &[])?;
    let process = cloud.id().context("the server runs")?;
    let phones = connect(cloud.mqtt, ids).await?;
    let messages = plan.phones as u64 * plan.events;
    let database_cpu = || database.map_or(0, family_cpu_us);
    let (cpu, cpu_database, start) = (cpu_us(process), database_cpu(), Instant::now());
    tell(phones, plan.events, Until::Acknowledged).await?;
    let took = start.elapsed();
    Ok(Throughput::new(name, messages, took, cpu_us(process) - cpu, database_cpu().saturating_sub(cpu_database)))
}

/// Rows of phones that have their broker's password, made before the server starts.
async fn make_phones(folder: &Path, url: &str, count: usize) -> Result<Vec<PhoneId>> {
    let url = match url {
        "" => format!("sqlite://{}", folder.join("bellhop.sqlite").display()),
        url => url.to_owned(),
    };
    let db = Db::connect(&url, 4).await?;
    let hash = token_hash(PASSWORD);
    let mut ids = Vec::with_capacity(count);
    let numbers: Vec<u32> = (0..count as u32).collect();
    for numbers in numbers.chunks(ROWS) {
        let rows = numbers.iter().map(|number| {
            let [_, high, middle, low] = number.to_be_bytes();
            let mac = Mac::new([0xc0, 0x74, 0xad, high | 0x40, middle, low]);
            let mut row = blank(mac, &mac.compact(), Enrolment::Enrolled);
            row.manufacturer = "Bellhop".to_owned();
            row.mqtt_hash.clone_from(&hash);
            ids.push(PhoneId(row.id));
            row.into_active_model()
        });
        let rows: Vec<row::ActiveModel> = rows.collect();
        let write = db.write().await?;
        row::Entity::insert_many(rows).exec_without_returning(&write.tx).await?;
        write.commit().await?;
    }
    db.close().await?;
    Ok(ids)
}

async fn connect(broker: SocketAddr, ids: Vec<PhoneId>) -> Result<Vec<Phone>> {
    let mut phones = Vec::with_capacity(ids.len());
    for (round, ids) in ids.chunks(AT_ONCE).enumerate() {
        let mut opening = JoinSet::new();
        for (index, id) in ids.iter().copied().enumerate() {
            opening.spawn(Phone::connect(broker, round * AT_ONCE + index, id));
        }
        while let Some(phone) = opening.join_next().await {
            phones.push(phone??);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(phones)
}

async fn tell(phones: Vec<Phone>, events: u64, until: Until) -> Result<()> {
    let mut telling = JoinSet::new();
    for mut phone in phones {
        telling.spawn(async move { phone.tell(events, until).await });
    }
    while let Some(told) = telling.join_next().await {
        told??;
    }
    Ok(())
}

async fn idle_alone(count: usize) -> Result<Idle> {
    let folder = tempfile::tempdir()?;
    let alone = Alone::start(folder.path(), u64::MAX)?;
    let ids = (0..count).map(|_| PhoneId(uuid::Uuid::now_v7())).collect();
    idle("broker alone", alone.child.id(), alone.broker, ids).await
}

async fn idle_server(count: usize) -> Result<Idle> {
    let folder = tempfile::tempdir()?;
    let ids = make_phones(folder.path(), "", count).await?;
    let cloud = CloudProcess::start(folder.path(), "", &[])?;
    idle("server and broker", cloud.id().context("the server runs")?, cloud.mqtt, ids).await
}

async fn idle(name: &str, process: u32, broker: SocketAddr, ids: Vec<PhoneId>) -> Result<Idle> {
    let memory = || memory_kb(process).map(|(now, _)| now).context("the process is gone");
    let before = memory()?;
    let mut phones = connect(broker, ids).await?;
    for phone in &mut phones {
        phone.report().await?;
    }
    tokio::time::sleep(SETTLE).await;
    let with = memory()?;
    Ok(Idle { name: name.to_owned(), connections: phones.len(), before_kb: before, with_kb: with })
}
