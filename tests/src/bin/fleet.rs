//! `fleet --phones 2000`: how the real server does with that many simulated phones on this machine.

use std::time::Duration;

use clap::Parser;
use tests::fleet::{Plan, run};

/// Announces phones, brings them online, changes a setting of all of them, and asks each whether it took it. Runs
/// `cloud` and `device-agent` from beside this program (or BELLHOP_CLOUD_BIN and BELLHOP_AGENT_BIN).
#[derive(Parser)]
struct Args {
    #[arg(long, default_value_t = 2000)]
    phones: usize,
    /// Seconds over which the phones start; a two-hundredth of their number unless given.
    #[arg(long)]
    ramp: Option<u64>,
    /// Give up after this many seconds.
    #[arg(long)]
    limit: Option<u64>,
    /// postgres://… of an empty database; SQLite unless given.
    #[arg(long, default_value = "")]
    database: String,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut plan = Plan { database: args.database, ..Plan::new(args.phones) };
    plan.ramp_s = args.ramp.unwrap_or(plan.ramp_s);
    plan.limit = args.limit.map_or(plan.limit, Duration::from_secs);
    let report = run(&plan, |line| eprintln!("{line}")).await?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report}");
    }
    Ok(())
}
