//! `acs_bench`: what a CWMP session costs the real server, beside a baseline. `cargo xtask bench acs` builds and starts it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use tests::bench::acs::{Plan, baseline, run};

/// Runs `cloud` from beside this program (or BELLHOP_CLOUD_BIN).
#[derive(Parser)]
struct Args {
    #[arg(long, default_value_t = 1000)]
    phones: usize,
    /// Seconds each level of (a) lasts.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Sessions at once.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256])]
    at_once: Vec<usize>,
    /// Only scenario a, b or c.
    #[arg(long)]
    only: Option<char>,
    /// postgres://… of an empty database, to measure with it too.
    #[arg(long, requires = "postgres_process")]
    postgres: Option<String>,
    /// The process id of that database's server.
    #[arg(long)]
    postgres_process: Option<u32>,
    /// Leave SQLite out.
    #[arg(long)]
    no_sqlite: bool,
    /// A setting of the server, as section.key=value.
    #[arg(long = "set", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// Where to write the figures as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Be the baseline, with what this file holds. For the benchmark itself.
    #[arg(long, hide = true, requires = "listen")]
    baseline: Option<PathBuf>,
    #[arg(long, hide = true)]
    listen: Option<SocketAddr>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write section.key=value")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let (Some(scripts), Some(listen)) = (&args.baseline, args.listen) {
        // As many threads as the server has.
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        return runtime.block_on(baseline::serve(listen, scripts));
    }
    let plan = Plan {
        phones: args.phones,
        level: Duration::from_secs_f64(args.seconds),
        at_once: args.at_once,
        only: args.only,
        postgres: args.postgres.zip(args.postgres_process),
        sqlite: !args.no_sqlite,
        settings: args.settings,
    };
    // One thread: the load generator shares the machine with what it measures.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(run(&plan, |line| eprintln!("{line}")))?;
    println!("{report}");
    if let Some(path) = args.json {
        std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    Ok(())
}
