//! `cargo xtask bench`: measurements in release builds, with real processes.

mod acs;
mod config;
mod databases;
mod media;
mod mqtt;
mod sip;

use std::process::Command;

use anyhow::{Result, bail};
use clap::Subcommand;

use crate::{apt, procs};

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
    /// TR-069 sessions a second and the CPU each costs, beside a handler that only answers the same bytes
    Acs(acs::Acs),
    /// A value of a chain changed over all its phones: seconds until documents, jobs and live rows are stored, beside a plain
    /// write of the same bytes; and the page of one phone
    Config(config::Config),
    /// Messages a second from phone to committed row, beside the broker alone, and the memory of idle connections
    Mqtt(mqtt::Mqtt),
    /// The phone's SIP: messages beside rsip, transactions, thousands of phones whose registrar falls silent, call set-up beside
    /// baresip, and calls a second with SIPp
    Sip(sip::Sip),
    /// The phone's sound: PESQ, STOI and delay over a network that loses packets, beside baresip; what a call costs beside its
    /// codec alone; and the jitter buffer
    Media(media::Media),
}

pub fn run(bench: &Bench) -> Result<()> {
    apt::ensure(&apt::BUILD)?;
    match bench {
        Bench::Fleet { phones, database } => fleet(*phones, database.as_deref()),
        Bench::Acs(args) => acs::run(args),
        Bench::Config(args) => config::run(args),
        Bench::Mqtt(args) => mqtt::run(args),
        Bench::Sip(args) => sip::run(args),
        Bench::Media(args) => media::run(args),
    }
}

/// Builds these packages' programs as they are delivered.
fn build(packages: &[&str]) -> Result<()> {
    let packages = packages.iter().flat_map(|package| ["-p", package]);
    if !procs::run(crate::test::cargo().args(["build", "--release", "--bins"]).args(packages))? {
        bail!("the release build failed; see above");
    }
    Ok(())
}

fn fleet(phones: u32, database: Option<&str>) -> Result<()> {
    build(&["cloud", "device-agent", "tests"])?;
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
