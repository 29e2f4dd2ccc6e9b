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
    let idle = args.idle.min(allowed(args.idle as u64 + SPARE)?.saturating_sub(SPARE) as usize);
    if idle < args.idle {
        println!("only {idle} idle connections: this system allows no more open files");
    }
    let plan = Plan {
        phones: args.phones,
        events: args.events,
        idle,
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

/// Open files of the server besides connections, and to spare.
const SPARE: u64 = 500;

/// How many open files there may be, here and in what is started from here: `wanted`, if that is allowed.
fn allowed(wanted: u64) -> anyhow::Result<u64> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if setrlimit(Resource::RLIMIT_NOFILE, wanted.max(hard), wanted.max(hard)).is_ok() {
        return Ok(wanted.max(hard));
    }
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("the limit of open files could not be raised")?;
    Ok(hard)
}
