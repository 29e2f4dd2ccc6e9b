//! `cargo xtask bench`: measurements in release builds, with real processes.

use std::process::Command;

use anyhow::{Result, bail};
use clap::Subcommand;

use crate::procs;

#[derive(Subcommand)]
pub enum Bench {
    /// How the server does with many simulated phones: time until all are online, until a setting reached all of them and was
    /// read back, and the memory of both processes
    Fleet {
        /// Simulated phones
        #[arg(long, default_value_t = 2000)]
        phones: u32,
        /// postgres://… of an empty database; SQLite unless given
        #[arg(long)]
        database: Option<String>,
    },
}

pub fn run(bench: &Bench) -> Result<()> {
    let Bench::Fleet { phones, database } = bench;
    let packages = ["-p", "cloud", "-p", "device-agent", "-p", "tests"];
    if !procs::run(Command::new("cargo").args(["build", "--release", "--bins"]).args(packages))? {
        bail!("the release build failed; see above");
    }
    let mut fleet = Command::new("target/release/fleet");
    fleet.arg("--phones").arg(phones.to_string());
    if let Some(database) = database {
        fleet.arg("--database").arg(database);
    }
    if !procs::run(&mut fleet)? {
        bail!("not every phone got there; see above");
    }
    Ok(())
}
