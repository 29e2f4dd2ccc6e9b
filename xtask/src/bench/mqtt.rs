//! `cargo xtask bench mqtt`: what phones tell, from their sockets to committed rows, and connections that say nothing.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use super::build;
use crate::postgres::{Durability, Postgres};
use crate::procs;
use crate::progress::Step;

#[derive(Args)]
pub struct Mqtt {
    /// Phones that tell something
    #[arg(long, default_value_t = 200)]
    phones: u32,
    /// Events each of them tells
    #[arg(long, default_value_t = 250)]
    events: u32,
    /// Connections that say nothing
    #[arg(long, default_value_t = 20_000)]
    idle: u32,
    /// Only this database
    #[arg(long, value_parser = ["sqlite", "postgres"])]
    database: Option<String>,
}

pub fn run(args: &Mqtt) -> Result<()> {
    build(&["cloud", "tests"])?;
    let dir = Path::new("target/bench");
    std::fs::create_dir_all(dir)?;
    let json = dir.join("mqtt.json");
    let mut bench = Command::new("target/release/mqtt_bench");
    bench.args(["--phones", &args.phones.to_string(), "--events", &args.events.to_string()]);
    bench.args(["--idle", &args.idle.to_string()]).arg("--json").arg(&json);
    let wants = |database| args.database.as_deref().is_none_or(|only| only == database);
    if !wants("sqlite") {
        bench.arg("--no-sqlite");
    }
    // Stopped when it is dropped, so after the benchmark.
    let cluster = if wants("postgres") {
        let start = |step: &Step| Postgres::start(step, dir, Durability::Real);
        Some(Step::run("private PostgreSQL cluster", start)?)
    } else {
        None
    };
    if let Some(cluster) = &cluster {
        bench.args(["--postgres", &cluster.url, "--postgres-process", &cluster.process().to_string()]);
    }
    if !procs::run(&mut bench)? {
        bail!("the benchmark failed; see above");
    }
    println!("{}", json.display());
    Ok(())
}
