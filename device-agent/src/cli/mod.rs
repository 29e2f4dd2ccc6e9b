//! Subcommands.

mod ask;
mod run;
mod settings_table;
mod simulate;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use device_agent::control::{Hook, NamedKey};
use device_agent::transfer::log::Recent;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The resident program of a Bellhop phone, and a simulator of thousands of them.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// What to log, for example `info` or `device_agent=debug`.
    #[arg(long, global = true, env = "BELLHOP_LOG", default_value = "info")]
    log: String,
}

#[derive(Subcommand)]
enum Command {
    /// Run one phone: SIP, TR-069 and MQTT.
    Run(run::Run),
    /// Run many phones without SIP and audio in this process.
    Simulate(simulate::Simulate),
    /// Print every setting, status and action the phone knows.
    Settings(settings_table::Settings),
    /// Lift the handset of a running phone (off) or put it back (on).
    Hook {
        hook: Hook,
        #[command(flatten)]
        target: Target,
    },
    /// Press keys of a running phone, for example `key '**766*1207#'`.
    Key {
        /// 0-9, * and #.
        keys: String,
        #[command(flatten)]
        target: Target,
    },
    /// Press another key of a running phone.
    Press {
        key: NamedKey,
        #[command(flatten)]
        target: Target,
    },
    /// Show what a running phone shows: accounts, calls, tone, ringing, messages; as JSON.
    Calls {
        #[command(flatten)]
        target: Target,
    },
    /// Show the state of a running phone as JSON.
    State {
        #[command(flatten)]
        target: Target,
    },
}

/// A running phone.
#[derive(clap::Args)]
struct Target {
    /// The phone's state directory, where it left address and token of its control endpoint.
    #[arg(long, env = "BELLHOP_STATE_DIR")]
    state_dir: PathBuf,
    /// The control endpoint, if not the one named in the state directory.
    #[arg(long)]
    control: Option<SocketAddr>,
    /// A phone of a simulated fleet, by its number from 0.
    #[arg(long)]
    phone: Option<usize>,
}

impl Cli {
    pub fn run(self) -> anyhow::Result<()> {
        let filter = EnvFilter::try_new(&self.log)?;
        // To stderr, and to what an upload of the log sends.
        let recent = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Recent);
        let shown = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        tracing_subscriber::registry().with(filter).with(shown).with(recent).init();
        match self.command {
            Command::Run(run) => runtime()?.block_on(run.run()),
            Command::Simulate(simulate) => runtime()?.block_on(simulate.run()),
            Command::Settings(settings) => settings.run(),
            Command::Hook { hook, target } => runtime()?.block_on(ask::hook(&target, hook)),
            Command::Key { keys, target } => runtime()?.block_on(ask::key(&target, keys)),
            Command::Press { key, target } => runtime()?.block_on(ask::press(&target, key)),
            Command::Calls { target } => runtime()?.block_on(ask::calls(&target)),
            Command::State { target } => runtime()?.block_on(ask::state(&target)),
        }
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

/// Returns at SIGTERM or Ctrl-C.
async fn told_to_end() -> std::io::Result<()> {
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = term.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted,
    }
}
