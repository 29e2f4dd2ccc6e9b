//! `cargo xtask bench sip`: the phone's SIP, beside rsip, baresip and SIPp.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use super::build;
use super::databases::{figures, measure};

#[derive(Args)]
pub struct Sip {
    /// Seconds of CPU for each figure of messages and transactions; 0 leaves them out
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Phones in the storms; 0 leaves them out
    #[arg(long, default_value_t = 10_000)]
    phones: u32,
    /// Requests the registrar of the storms answers a second
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    answers: u32,
    /// Call set-ups, ours and baresip's each; 0 leaves out all calls over the network
    #[arg(long, default_value_t = 200)]
    calls: u32,
    /// Calls a second to try with SIPp, ascending
    #[arg(long, value_delimiter = ',', default_values_t = [100, 200, 400, 800, 1600, 3200])]
    rates: Vec<u32>,
}

pub fn run(args: &Sip) -> Result<()> {
    build(&["tests"])?;
    let json = figures("sip")?;
    let mut bench = Command::new("target/release/sip_bench");
    bench.args(["--seconds", &args.seconds.to_string(), "--phones", &args.phones.to_string()]);
    bench.args(["--answers", &args.answers.to_string(), "--calls", &args.calls.to_string()]);
    let rates: Vec<String> = args.rates.iter().map(u32::to_string).collect();
    bench.args(["--rates", &rates.join(",")]).arg("--json").arg(&json);
    measure(&mut bench, &json)
}
