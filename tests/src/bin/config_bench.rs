//! `config_bench`: a change of a chain over all its phones, and the page of one phone. `cargo xtask bench config` builds and
//! starts it.

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use tests::bench::config::{Plan, run};

#[derive(Parser)]
struct Args {
    #[arg(long, default_value_t = 50_000)]
    phones: usize,
    /// How often one value of the chain is changed.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    changes: u32,
    /// Pages of single phones.
    #[arg(long, default_value_t = 500)]
    pages: usize,
    /// postgres://… of an empty database, to measure with it too.
    #[arg(long)]
    postgres: Option<String>,
    /// Leave SQLite out.
    #[arg(long)]
    no_sqlite: bool,
    /// Where to write the figures as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (phones, changes, pages) = (args.phones, args.changes, args.pages);
    let plan = Plan { phones, changes, pages, postgres: args.postgres, sqlite: !args.no_sqlite };
    let report = runtime.block_on(run(&plan, |line| println!("{line}")))?;
    println!("\n{report}");
    if let Some(path) = args.json {
        std::fs::write(&path, serde_json::to_string_pretty(&report)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
