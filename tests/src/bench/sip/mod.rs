//! `cargo xtask bench sip`: the phone's SIP. Messages beside rsip, phones without sockets, thousands of them with a registrar
//! that falls silent, call set-up beside baresip, and calls a second with SIPp beside SIPp alone.

mod core;
mod messages;
mod network;
mod peers;
mod phones;
mod registrar;
mod report;
mod storm;
mod wire;

use anyhow::Result;

pub use network::{Plan as Network, inside};
pub use report::Report;

use super::usage::load;

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Of CPU, for each figure of messages and transactions.
    pub seconds: f64,
    /// In the storms; none leaves them out.
    pub phones: usize,
    /// What the registrar of the storms answers a second.
    pub answers_per_second: u32,
    /// Calls over the network; none leaves them out.
    pub network: Option<Network>,
}

/// Runs it, and says how it is going line by line.
///
/// # Errors
/// If anything fails.
pub fn run(plan: &Plan, mut say: impl FnMut(&str)) -> Result<Report> {
    let mut report =
        Report { cores: std::thread::available_parallelism()?.get(), load_before: load(), ..Report::default() };
    if plan.seconds > 0.0 {
        say("messages, ours and rsip's");
        report.messages = messages::run(plan.seconds)?;
        say("transactions and calls without sockets");
        report.core = self::core::run(plan.seconds)?;
    }
    if plan.phones > 0 {
        say("storms");
        let (memory, storms) = storm::run(plan.phones, plan.answers_per_second)?;
        (report.memory, report.storms) = (Some(memory), storms);
    }
    if let Some(plan) = &plan.network {
        say("calls over the loopback interface");
        let figures = network::run(plan)?;
        (report.setups, report.calls) = (figures.setups, figures.calls);
    }
    report.load_after = load();
    Ok(report)
}
