//! `cargo xtask bench config`: a change of a chain over 50,000 phones, folded and stored, on SQLite and on a private
//! PostgreSQL that writes to disk as a real one does.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use super::build;
use super::databases::{Databases, figures, measure};

#[derive(Args)]
pub struct Config {
    /// Phones of the chain, each in its room
    #[arg(long, default_value_t = 50_000)]
    phones: u32,
    /// How often one value of the chain is changed
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    changes: u32,
    #[command(flatten)]
    databases: Databases,
}

pub fn run(args: &Config) -> Result<()> {
    build(&["tests"])?;
    let json = figures("config")?;
    let mut bench = Command::new("target/release/config_bench");
    bench.args(["--phones", &args.phones.to_string(), "--changes", &args.changes.to_string()]);
    bench.arg("--json").arg(&json);
    let _cluster = args.databases.give(&mut bench)?;
    measure(&mut bench, &json)
}
