//! `cargo xtask bench config`: a change of a chain over 50,000 phones, folded and stored, on SQLite and on a private
//! PostgreSQL that writes to disk as a real one does.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use super::build;
use crate::postgres::{Durability, Postgres};
use crate::procs;
use crate::progress::Step;

#[derive(Args)]
pub struct Config {
    /// Phones of the chain, each in its room
    #[arg(long, default_value_t = 50_000)]
    phones: u32,
    /// How often one value of the chain is changed
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    changes: u32,
    /// Only this database
    #[arg(long, value_parser = ["sqlite", "postgres"])]
    database: Option<String>,
}

pub fn run(args: &Config) -> Result<()> {
    build(&["tests"])?;
    let dir = Path::new("target/bench");
    std::fs::create_dir_all(dir)?;
    let json = dir.join("config.json");
    let mut bench = Command::new("target/release/config_bench");
    bench.args(["--phones", &args.phones.to_string(), "--changes", &args.changes.to_string()]);
    bench.arg("--json").arg(&json);
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
        bench.args(["--postgres", &cluster.url]);
    }
    if !procs::run(&mut bench)? {
        bail!("the benchmark failed; see above");
    }
    println!("{}", json.display());
    Ok(())
}
