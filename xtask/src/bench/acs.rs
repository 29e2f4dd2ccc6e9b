//! `cargo xtask bench acs`: sessions of known phones, on SQLite and on a private PostgreSQL that writes to disk as a real one
//! does.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use super::build;
use crate::postgres::{Durability, Postgres};
use crate::procs;
use crate::progress::Step;

#[derive(Args)]
pub struct Acs {
    /// Known phones
    #[arg(long, default_value_t = 1000)]
    phones: u32,
    /// Seconds each level lasts
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Sessions at once
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256])]
    at_once: Vec<u32>,
    /// Only (a) idle sessions, (b) ten values set, or (c) 1,000 values read
    #[arg(long, value_parser = ["a", "b", "c"])]
    only: Option<String>,
    /// Only this database
    #[arg(long, value_parser = ["sqlite", "postgres"])]
    database: Option<String>,
}

pub fn run(args: &Acs) -> Result<()> {
    build(&["cloud", "tests"])?;
    let dir = Path::new("target/bench");
    std::fs::create_dir_all(dir)?;
    let json = dir.join("acs.json");
    let mut bench = Command::new("target/release/acs_bench");
    bench.args(["--phones", &args.phones.to_string(), "--seconds", &args.seconds.to_string()]);
    let levels: Vec<String> = args.at_once.iter().map(u32::to_string).collect();
    bench.args(["--at-once", &levels.join(",")]).arg("--json").arg(&json);
    if let Some(only) = &args.only {
        bench.args(["--only", only]);
    }
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
