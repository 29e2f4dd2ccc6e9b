//! A change of a whole chain: folded and stored for all its phones, beside a plain write of the same bytes; and the page
//! of one phone.

mod baseline;
mod house;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use cloud::app::idempotency::Once;
use cloud::app::layers::{self, Scope};
use cloud::app::{Actor, App, configuration};
use cloud::config::Config;
use cloud::db::Db;
use cloud::secrets::Secrets;
use contract::PhoneId;
use contract::rest::LayerChange;
use serde::Serialize;

use self::house::House;
use super::usage::{load, median};

/// What is measured.
pub struct Plan {
    pub phones: usize,
    /// How often the chain's value is changed.
    pub changes: u32,
    /// Pages of single phones.
    pub pages: usize,
    /// postgres://… of an empty database.
    pub postgres: Option<String>,
    pub sqlite: bool,
}

#[derive(Serialize)]
pub struct Report {
    pub phones: usize,
    pub databases: Vec<OfDatabase>,
}

#[derive(Serialize)]
pub struct OfDatabase {
    pub name: &'static str,
    /// Documents made for the first time, every key.
    pub first_s: f64,
    /// A change of one value of the chain, each time.
    pub change_s: Vec<f64>,
    /// The same documents, jobs and live rows written as they are.
    pub plain_s: f64,
    /// Bytes of the documents.
    pub bytes: u64,
    pub preview_s: f64,
    /// Milliseconds.
    pub page_median_ms: f64,
    pub page_p99_ms: f64,
    /// The machine's load before and after.
    pub load: [f64; 2],
}

impl OfDatabase {
    fn median_s(&self) -> f64 {
        median(&self.change_s)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "One value of a chain changed, {} phones:", self.phones)?;
        for of in &self.databases {
            let each: Vec<String> = of.change_s.iter().map(|seconds| format!("{seconds:.2}")).collect();
            let median = of.median_s();
            writeln!(
                f,
                "{:<11} {median:6.2} s (each {}), {:.1} times a plain write of the same bytes ({:.2} s, {} MB)",
                of.name,
                each.join(" "),
                median / of.plain_s,
                of.plain_s,
                of.bytes / 1_000_000
            )?;
            writeln!(
                f,
                "            first documents {:.2} s, preview {:.2} s, page of a phone {:.1} ms median, {:.1} ms p99; \
                load {:.1} before, {:.1} after",
                of.first_s, of.preview_s, of.page_median_ms, of.page_p99_ms, of.load[0], of.load[1]
            )?;
        }
        Ok(())
    }
}

/// # Errors
/// If a database does not answer, or a phone got another value than it should.
pub async fn run(plan: &Plan, say: impl Fn(String)) -> Result<Report> {
    let mut databases = Vec::new();
    let data = tempfile::tempdir()?;
    if plan.sqlite {
        let url = format!("sqlite://{}", data.path().join("bench.sqlite").display());
        databases.push(measure("SQLite", &url, plan, &say).await?);
    }
    if let Some(url) = &plan.postgres {
        databases.push(measure("PostgreSQL", url, plan, &say).await?);
    }
    Ok(Report { phones: plan.phones, databases })
}

async fn app(url: &str) -> Result<Arc<App>> {
    let config = Config::from_parts("", "bench", [])?;
    let db = Db::connect(url, 4).await?;
    let secrets = Secrets::load(&"5a".repeat(32), std::path::Path::new("."))?;
    Ok(App::new(db, config, secrets, None).0)
}

const KEY: &str = "account.1.ring.timeout";

async fn measure(name: &'static str, url: &str, plan: &Plan, say: &impl Fn(String)) -> Result<OfDatabase> {
    let before = load();
    let app = app(url).await?;
    say(format!("{name}: {} phones", plan.phones));
    let house = House::build(&app, plan.phones).await?;
    let actor = Actor("bench".to_owned());
    let chain = Scope::Chain(house.chain);
    let set = async |values: &[(&str, &str)]| -> Result<(u32, f64)> {
        let values = values.iter().map(|(key, value)| ((*key).to_owned(), Some((*value).to_owned()))).collect();
        let wanted = LayerChange { values, ..LayerChange::default() };
        let start = Instant::now();
        let accepted = layers::change(&app, &actor, &Once::default(), chain, wanted).await?;
        Ok((accepted.phones, start.elapsed().as_secs_f64()))
    };
    house.room_values(&app).await?;
    let (phones, first_s) = set(house::STANDARD).await?;
    ensure!(phones as usize == plan.phones, "only {phones} phones got their first document");
    say(format!("{name}: first documents {first_s:.2} s"));

    let value = |round: u32| format!("{}", 100 + round);
    let wanted = LayerChange { values: [(KEY.to_owned(), Some(value(99)))].into(), ..LayerChange::default() };
    let start = Instant::now();
    let preview = layers::preview(&app, chain, wanted).await?;
    let preview_s = start.elapsed().as_secs_f64();
    let mut change_s = Vec::new();
    for round in 0..plan.changes {
        let (phones, seconds) = set(&[(KEY, &value(round))]).await?;
        ensure!(phones == preview.phones, "{phones} phones changed, the preview said {}", preview.phones);
        say(format!("{name}: change {round} of {phones} phones {seconds:.2} s"));
        change_s.push(seconds);
    }
    let (plain_s, bytes) = baseline::write_again(&app).await?;

    let mut pages = Vec::new();
    let last = value(plan.changes - 1);
    for at in 0..plan.pages {
        let phone = house.phones[at * 7919 % house.phones.len()];
        let start = Instant::now();
        let page = configuration::of_phone(&app, PhoneId(phone)).await?;
        pages.push(start.elapsed().as_secs_f64() * 1000.0);
        let shown = page.values.iter().find(|value| value.key == KEY).and_then(|value| value.desired.clone());
        let own = house.has_own_value(phone);
        ensure!(own || shown.as_deref() == Some(&last), "a phone has {shown:?} instead of {last}");
    }
    pages.sort_by(f64::total_cmp);
    let p99 = pages.get(pages.len() * 99 / 100).copied().unwrap_or_default();
    let (page_median_ms, load) = (median(&pages), [before, load()]);
    app.db.close().await?;
    Ok(OfDatabase { name, first_s, change_s, plain_s, bytes, preview_s, page_median_ms, page_p99_ms: p99, load })
}
