//! `mqtt_bench`: what a message costs on its way to its row, and an idle connection. `cargo xtask bench mqtt` builds and
//! starts it.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tests::bench::mqtt::{Plan, alone, run};

/// Runs `cloud` from beside this program (or BELLHOP_CLOUD_BIN).
#[derive(Parser)]
struct Args {
    #[arg(long, default_value_t = 200)]
    phones: usize,
    /// Each phone's.
    #[arg(long, default_value_t = 250)]
    events: u64,
    #[arg(long, default_value_t = 20_000)]
    idle: usize,
    /// postgres://… of an empty database, to measure with it too.
    #[arg(long, requires = "postgres_process")]
    postgres: Option<String>,
    /// The process id of that database's server.
    #[arg(long)]
    postgres_process: Option<u32>,
    /// Leave SQLite out.
    #[arg(long)]
    no_sqlite: bool,
    /// Where to write the figures as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Be the broker alone, here. For the benchmark itself.
    #[arg(long, hide = true, requires_all = ["tell", "expected"])]
    alone: Option<SocketAddr>,
    #[arg(long, hide = true)]
    tell: Option<SocketAddr>,
    #[arg(long, hide = true)]
    expected: Option<u64>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let (Some(listen), Some(tell), Some(expected)) = (args.alone, args.tell, args.expected) {
        return runtime.block_on(alone::serve(listen, tell, expected));
    }
    raise_limit(args.idle as u64 + 1_000)?;
    let plan = Plan {
        phones: args.phones,
        events: args.events,
        idle: args.idle,
        postgres: args.postgres.zip(args.postgres_process),
        sqlite: !args.no_sqlite,
    };
    let report = runtime.block_on(run(&plan, |line| println!("{line}")))?;
    println!("\n{report}");
    if let Some(path) = args.json {
        std::fs::write(&path, serde_json::to_string_pretty(&report)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// One descriptor a connection, here and in what is started from here.
fn raise_limit(wanted: u64) -> anyhow::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < wanted {
        setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted))
            .with_context(|| format!("{wanted} open files are needed, {hard} are allowed"))?;
    }
    Ok(())
}
