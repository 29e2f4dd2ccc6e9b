//! `cargo xtask bench acs`: sessions of known phones, on SQLite and on a private PostgreSQL that writes to disk as a real one
//! does.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use super::build;
use super::databases::{Databases, figures, measure};

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
    #[command(flatten)]
    databases: Databases,
}

pub fn run(args: &Acs) -> Result<()> {
    build(&["cloud", "tests"])?;
    let json = figures("acs")?;
    let mut bench = Command::new("target/release/acs_bench");
    bench.args(["--phones", &args.phones.to_string(), "--seconds", &args.seconds.to_string()]);
    let levels: Vec<String> = args.at_once.iter().map(u32::to_string).collect();
    bench.args(["--at-once", &levels.join(",")]).arg("--json").arg(&json);
    if let Some(only) = &args.only {
        bench.args(["--only", only]);
    }
    let cluster = args.databases.give(&mut bench)?;
    if let Some(cluster) = &cluster {
        bench.args(["--postgres-process", &cluster.process().to_string()]);
    }
    measure(&mut bench, &json)
}
