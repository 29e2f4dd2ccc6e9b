//! `cargo xtask bench mqtt`: what phones tell, from their sockets to committed rows, and connections that say nothing.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use super::build;
use super::databases::{Databases, figures, measure};

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
    #[command(flatten)]
    databases: Databases,
}

pub fn run(args: &Mqtt) -> Result<()> {
    build(&["cloud", "tests"])?;
    let json = figures("mqtt")?;
    let mut bench = Command::new("target/release/mqtt_bench");
    bench.args(["--phones", &args.phones.to_string(), "--events", &args.events.to_string()]);
    bench.args(["--idle", &args.idle.to_string()]).arg("--json").arg(&json);
    let cluster = args.databases.give(&mut bench)?;
    if let Some(cluster) = &cluster {
        bench.args(["--postgres-process", &cluster.process().to_string()]);
    }
    measure(&mut bench, &json)
}
