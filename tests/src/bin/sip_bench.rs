//! `sip_bench`: what the phone's SIP costs and holds. `cargo xtask bench sip` builds and starts it.

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use tests::bench::sip::{Network, Plan, inside, run};

#[derive(Parser)]
struct Args {
    /// Of CPU, for each figure of messages and transactions; 0 leaves them out.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// In the storms; 0 leaves them out.
    #[arg(long, default_value_t = 10_000)]
    phones: usize,
    /// Requests the registrar of the storms answers a second.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    answers: u32,
    /// Call set-ups of each kind; 0 leaves out all calls over the network.
    #[arg(long, default_value_t = 200)]
    calls: usize,
    /// Calls a second to try, ascending; none leaves them out.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 200, 400, 800, 1600, 3200])]
    rates: Vec<u32>,
    /// Where to write the figures as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Make the calls, here, and write the figures. For the benchmark itself.
    #[arg(long, hide = true)]
    inside: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let network = Network { calls: args.calls, rates: args.rates };
    if let Some(figures) = args.inside {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        return runtime.block_on(inside(&network, &figures));
    }
    let plan = Plan {
        seconds: args.seconds,
        phones: args.phones,
        answers_per_second: args.answers,
        network: Some(network).filter(|network| network.calls > 0),
    };
    let report = run(&plan, |line| println!("{line}"))?;
    println!("\n{report}");
    if let Some(path) = args.json {
        std::fs::write(&path, serde_json::to_string_pretty(&report)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
