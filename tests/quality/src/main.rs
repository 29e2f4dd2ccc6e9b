//! `quality`: how calls sound and what they cost. `cargo xtask bench media` builds and starts it.

mod call;
mod compare;
mod cost;
mod jitter;
mod leg;
mod network;
mod ours;
mod peer;
mod plan;
mod plot;
mod report;
mod samples;
mod score;
mod speech;
mod table;
mod wav;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Parser;

use crate::report::Report;

#[derive(Parser)]
struct Args {
    /// Where speech.py has put its clips
    #[arg(long)]
    speech: PathBuf,
    /// Where recordings and figures go
    #[arg(long)]
    out: PathBuf,
    /// A Python with pesq and pystoi; without it nothing is compared, only cost and jitter measured
    #[arg(long)]
    python: Option<PathBuf>,
    /// Networks per point
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// Only the points that say most
    #[arg(long)]
    quick: bool,
    /// Only baresip
    #[arg(long)]
    peer_only: bool,
    /// Without baresip
    #[arg(long)]
    ours_only: bool,
    /// Measure nothing, but take the figures of earlier runs (their media.json)
    #[arg(long, value_delimiter = ',')]
    from: Vec<PathBuf>,
    /// Calls of baresip at once
    #[arg(long, default_value_t = 20)]
    at_once: usize,
    /// Where plot, tables and sound go that are kept
    #[arg(long)]
    docs: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let extent = plan::Extent { seeds: args.seeds, quick: args.quick };
    let mut report = Report { seeds: args.seeds, ..Report::default() };
    std::fs::create_dir_all(&args.out)?;
    if args.from.is_empty() {
        all(&args, extent, &mut report)?;
    }
    for path in &args.from {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        report.take(serde_json::from_str(&text)?);
    }
    let tables = report.markdown();
    println!("\n{}\n\n{tables}", report.machine);
    write(&args.out.join("media.json"), &serde_json::to_string_pretty(&report)?)?;
    if let Some(docs) = &args.docs {
        std::fs::create_dir_all(docs)?;
        write(&docs.join("pesq.svg"), &plot::svg(&report))?;
        keep(&docs.join("README.md"), &format!("{}.\n\n{tables}", report.machine))?;
        samples::write(&args.speech, &args.out, docs, !args.ours_only)?;
    }
    Ok(())
}

/// Measures what was asked for.
fn all(args: &Args, extent: plan::Extent, report: &mut Report) -> Result<()> {
    if !args.peer_only {
        measure(args, report)?;
    }
    if let Some(python) = &args.python {
        let places = compare::Places { speech: &args.speech, out: &args.out, python };
        // baresip needs real time but little of the processors: ours goes on beside it.
        let (ours, peer) = std::thread::scope(|scope| {
            let peer = scope
                .spawn(|| if args.ours_only { Ok(Vec::new()) } else { compare::peer(&places, extent, args.at_once) });
            let ours = if args.peer_only { Ok(Vec::new()) } else { compare::ours(&places, extent) };
            (ours, peer.join())
        });
        report.rows = ours?;
        report.rows.extend(peer.map_err(|_| anyhow::anyhow!("baresip's calls failed"))??);
    }
    report.machine = report::machine();
    Ok(())
}

/// What needs nobody to judge it.
fn measure(args: &Args, report: &mut Report) -> Result<()> {
    let programme = speech::Programme::new(&args.speech, 0)?;
    let (_, said) = wav::read(&programme.sound(48_000))?;
    println!("cost");
    let half_a_minute = said.get(..30 * 48_000).unwrap_or(&said);
    (report.costs, report.srtp) = {
        let (costs, srtp) = cost::run(half_a_minute, if args.quick { 2 } else { 5 })?;
        (costs, Some(srtp))
    };
    println!("jitter");
    let (minutes, seeds) = if args.quick { (2, 1) } else { (5, 3) };
    report.jitter = jitter::run(&said, minutes, seeds)?;
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Puts the figures between two marks of a text that people write.
fn keep(path: &Path, figures: &str) -> Result<()> {
    const MARKS: (&str, &str) = ("<!-- figures -->\n", "<!-- end of figures -->\n");
    let text = std::fs::read_to_string(path).unwrap_or_else(|_| format!("{}{}", MARKS.0, MARKS.1));
    let (before, rest) = text.split_once(MARKS.0).context("README.md has no mark for the figures")?;
    let (_, after) = rest.split_once(MARKS.1).context("README.md has no mark for the end of the figures")?;
    write(path, &format!("{before}{}{figures}{}{after}", MARKS.0, MARKS.1))
}
