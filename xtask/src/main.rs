//! `cargo xtask …`: everything a developer, a reviewer or CI does with this repository. Runs on a Debian 12 that has Rust and
//! nothing else: what is missing is said and installed.

mod apt;
mod bench;
mod browser;
mod demo;
mod hotel;
mod interop;
mod kamailio;
mod postgres;
mod procs;
mod progress;
mod rest;
mod suite;
mod test;
mod wasm;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Builds, tests and shows Bellhop", version)]
enum Xtask {
    /// Start a small hotel on this machine: server, SIP registrar, one full phone, simulated phones, browser application
    Demo(demo::Args),
    /// Check and test everything: formatting, lints, licences, unit, integration (SQLite, PostgreSQL) and browser tests
    Test(test::Args),
    /// Build the browser application into target-wasm/dist
    Wasm(wasm::Args),
    /// Measure, in release builds
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Run only the browser tests, on servers of their own or on the running demo
    Browser(browser::Args),
    /// Our agent under foreign ACSs and a foreign CPE under our ACS (tests/interop), or our phone with SIP programs
    Interop(interop::Args),
    /// Take the pictures in docs/screenshots anew
    Screenshots,
}

fn main() -> ExitCode {
    let run = || -> anyhow::Result<ExitCode> {
        let command = Xtask::parse();
        std::env::set_current_dir(root())?;
        procs::catch_signals()?;
        match command {
            Xtask::Demo(args) => demo::run(&args).map(|()| ExitCode::SUCCESS),
            Xtask::Test(args) => test::run(&args),
            Xtask::Wasm(args) => wasm::run(&args).map(|()| ExitCode::SUCCESS),
            Xtask::Screenshots => browser::screenshots().map(|()| ExitCode::SUCCESS),
            Xtask::Bench(bench) => bench::run(&bench).map(|()| ExitCode::SUCCESS),
            Xtask::Interop(args) => interop::run(&args),
            Xtask::Browser(args) => browser::run(&args).map(|()| ExitCode::SUCCESS),
        }
    };
    match run() {
        Ok(code) => code,
        Err(error) if error.is::<procs::Interrupted>() => {
            eprintln!("interrupted; everything that was started has been stopped");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace folder; xtask works from there wherever it is called.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// What xtask keeps between runs: `.bellhop/<part>`.
fn state_dir(part: &str) -> anyhow::Result<PathBuf> {
    let dir = root().join(".bellhop").join(part);
    std::fs::create_dir_all(&dir).map_err(|error| anyhow::anyhow!("cannot create {}: {error}", dir.display()))?;
    Ok(dir)
}
