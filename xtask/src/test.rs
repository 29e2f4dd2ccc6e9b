//! Every check there is, one after the other, with a table at the end. A failing step does not hide the others.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::postgres::{Durability, Postgres};
use crate::progress::{Step, elapsed};
use crate::suite::{Select, Suite};
use crate::{apt, browser, interop, procs, wasm};

/// Everything but the browser application, always selected in this one way: `-p` would turn on fewer features in the shared
/// dependencies, and they would be compiled a second time.
pub const WORKSPACE: [&str; 3] = ["--workspace", "--exclude", "frontend"];

/// Checked with this version; a newer one may know more licences and lints, so moving on is a change of its own.
const CARGO_DENY: &str = "0.20.2";

#[derive(clap::Args)]
pub struct Args {
    /// The short round: formatting, lints, unit and integration tests on SQLite
    #[arg(long)]
    quick: bool,
    /// Only this part; may be given several times
    #[arg(long, value_enum, conflicts_with = "quick")]
    only: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// rustfmt would change nothing
    Format,
    /// Clippy without a warning: server and tools, and the browser application for wasm32
    Lint,
    /// Licences, banned crates, sources, known vulnerabilities of all dependencies
    Deny,
    /// The tests inside the crates
    Unit,
    /// The `tests` crate on SQLite
    Sqlite,
    /// The `tests` crate on PostgreSQL
    Postgres,
    /// The application in a real browser
    Browser,
}

use Part::*;
const ALL: [Part; 7] = [Format, Lint, Deny, Unit, Sqlite, Postgres, Browser];
const QUICK: [Part; 4] = [Format, Lint, Unit, Sqlite];

pub enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

/// What was run, in order.
#[derive(Default)]
struct Report(Vec<(String, Outcome, Duration)>);

impl Report {
    fn step(&mut self, name: &str, work: impl FnOnce() -> Result<Outcome>) -> Result<bool> {
        println!("\n==== {name}");
        let started = Instant::now();
        let outcome = match work() {
            Err(error) if error.is::<procs::Interrupted>() => return Err(error),
            Err(error) => {
                eprintln!("error: {error:#}");
                Outcome::Failed(format!("{error:#}").lines().next().unwrap_or_default().to_owned())
            }
            Ok(outcome) => outcome,
        };
        let passed = !matches!(outcome, Outcome::Failed(_));
        self.0.push((name.into(), outcome, started.elapsed()));
        Ok(passed)
    }

    fn skip(&mut self, name: &str, why: &str) {
        self.0.push((name.into(), Outcome::Skipped(why.into()), Duration::ZERO));
    }

    fn print(&self, total: Duration) -> bool {
        println!("\n---- summary");
        let mut passed = true;
        for (name, outcome, time) in &self.0 {
            let (word, note) = match outcome {
                Outcome::Passed => ("ok", ""),
                Outcome::Skipped(why) => ("skipped", why.as_str()),
                Outcome::Failed(why) => ("FAILED", why.as_str()),
            };
            passed &= !matches!(outcome, Outcome::Failed(_));
            println!("{name:<36} {word:<8} {:>8}  {note}", elapsed(*time));
        }
        println!("{:<36} {:<8} {:>8}", "all", if passed { "ok" } else { "FAILED" }, elapsed(total));
        passed
    }
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let started = Instant::now();
    let wanted = |part: Part| match (args.only.is_empty(), args.quick) {
        (false, _) => args.only.contains(&part),
        (true, true) => QUICK.contains(&part),
        (true, false) => ALL.contains(&part),
    };
    let mut report = Report::default();
    install_peers(&mut report, wanted)?;

    if wanted(Format) {
        report.step("formatting", || outcome(cargo().args(["fmt", "--all", "--check"]), "run `cargo fmt --all`"))?;
    }
    if wanted(Lint) {
        let warnings = ["--", "-D", "warnings"];
        report.step("lints", || {
            outcome(cargo().args(["clippy", "-q"]).args(WORKSPACE).arg("--all-targets").args(warnings), "see above")
        })?;
        report.step("lints, browser application", || {
            wasm::ensure_target()?;
            outcome(wasm::cargo("clippy", "wasm-dev").arg("-q").args(warnings), "see above")
        })?;
    }
    if wanted(Deny) {
        let deny = report.step("cargo deny", || deny(&["licenses", "bans", "sources"]))?;
        if deny {
            report.step("cargo deny, advisories", advisories)?;
        }
    }
    if [Unit, Sqlite, Postgres, Browser].into_iter().any(wanted) {
        run_tests(&mut report, args.quick, wanted)?;
    }
    let passed = report.print(started.elapsed());
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What building takes, and the programs the tests talk to.
fn install_peers(report: &mut Report, wanted: impl Fn(Part) -> bool) -> Result<()> {
    let mut packages = Vec::new();
    if [Lint, Unit, Sqlite, Postgres, Browser].into_iter().any(&wanted) {
        packages.extend(apt::BUILD);
    }
    if [Unit, Sqlite, Postgres, Browser].into_iter().any(&wanted) {
        packages.push(&apt::KAMAILIO);
    }
    if wanted(Unit) {
        packages.extend(apt::SIP_PEERS);
        packages.extend(apt::FILE_SERVERS);
        packages.push(&apt::XMLLINT);
    }
    if [Sqlite, Postgres].into_iter().any(&wanted) {
        packages.extend([&apt::MOSQUITTO, &apt::IPROUTE, &apt::DNSMASQ, &apt::DHCLIENT, &apt::CURL, &apt::OPENSSL]);
    }
    if wanted(Postgres) {
        packages.push(&apt::POSTGRESQL);
    }
    if wanted(Browser) {
        packages.extend([&apt::CHROMIUM, &apt::CHROMEDRIVER, &apt::FONTS]);
    }
    let installed = apt::ensure(&packages).and_then(|()| if wanted(Unit) { interop::install_sip() } else { Ok(()) });
    match installed {
        Err(error) if error.is::<procs::Interrupted>() => Err(error),
        // The steps that need no peer can still be run.
        Err(error) => report.step("install peers", || Err(error)).map(drop),
        Ok(()) => Ok(()),
    }
}

fn run_tests(report: &mut Report, quick: bool, wanted: impl Fn(Part) -> bool) -> Result<()> {
    let parts: Vec<(Part, &str)> = [
        (Unit, "unit tests"),
        (Sqlite, "integration tests on SQLite"),
        (Postgres, "integration tests on PostgreSQL"),
        (Browser, "browser tests"),
    ]
    .into_iter()
    .filter(|(part, _)| wanted(*part))
    .collect();

    let mut suite = None;
    report.step("build tests", || {
        suite = Some(Suite::build(quick)?);
        Ok(Outcome::Passed)
    })?;
    let Some(suite) = suite else {
        parts.iter().for_each(|(_, name)| report.skip(name, "the tests do not compile"));
        return Ok(());
    };
    for (part, name) in parts {
        report.step(name, || match part {
            Postgres => {
                let dir = crate::state_dir("test")?;
                let cluster =
                    Step::run("private PostgreSQL cluster", |step| Postgres::start(step, &dir, Durability::None))?;
                suite.run(Select::Integration, &[("BELLHOP_TEST_DATABASE_URL", cluster.url.clone())])
            }
            Browser => browser::test(&suite, Select::Browser, &[]),
            Sqlite => suite.run(Select::Integration, &[]),
            _ => {
                let examples = procs::run(cargo().args(["test", "--quiet", "--doc"]).args(WORKSPACE))?;
                match suite.run(Select::Unit, &[])? {
                    Outcome::Passed if !examples => {
                        Ok(Outcome::Failed("an example in the documentation; see above".into()))
                    }
                    outcome => Ok(outcome),
                }
            }
        })?;
    }
    Ok(())
}

/// Cargo without what the `cargo run` around xtask left in the environment.
pub fn cargo() -> Command {
    let mut command = Command::new("cargo");
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "LD_LIBRARY_PATH" {
            command.env_remove(name);
        }
    }
    command
}

fn outcome(command: &mut Command, advice: &str) -> Result<Outcome> {
    Ok(if procs::run(command)? { Outcome::Passed } else { Outcome::Failed(advice.into()) })
}

/// The pinned cargo-deny, built once into .bellhop/tools without optimisation: well under a minute on two cores, and it still
/// answers in seconds. (The wheel on PyPI is of 2023: it does not know the licence Unicode-3.0 of thirty of our dependencies.)
fn deny_command() -> Result<Command> {
    let tools = crate::state_dir("tools")?;
    let binary = tools.join("bin").join("cargo-deny");
    let version = |binary: &Path| {
        let output = Command::new(binary).arg("--version").output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    if version(&binary).is_none_or(|version| !version.ends_with(CARGO_DENY)) {
        println!(
            "cargo-deny {CARGO_DENY} checks licences and sources of all dependencies; it is built once into .bellhop/tools"
        );
        Step::run("cargo install cargo-deny", |step| {
            let build = tools.join("build");
            let mut install = cargo();
            install.args(["install", "cargo-deny", "--version", CARGO_DENY, "--locked", "--no-default-features"]);
            install
                .args(["--debug", "--force"])
                .env("CARGO_PROFILE_DEV_DEBUG", "0")
                .arg("--root")
                .arg(&tools)
                .env("CARGO_TARGET_DIR", &build);
            procs::run_logged(step, &mut install, &tools.join("cargo-deny.log"))?;
            let _ = std::fs::remove_dir_all(build);
            Ok(())
        })?;
    }
    Ok(Command::new(binary))
}

fn deny(checks: &[&str]) -> Result<Outcome> {
    // Duplicates are warnings in deny.toml; a list of forty on every run would hide the errors.
    outcome(deny_command()?.args(["--log-level", "error", "check"]).args(checks), "see above")
}

/// Known vulnerabilities. Their database is a git repository on github.com, which not every machine reaches.
fn advisories() -> Result<Outcome> {
    let fetched = deny_command()?.args(["fetch", "db"]).stderr(Stdio::null()).output()?.status.success();
    if !fetched {
        return Ok(Outcome::Skipped("the advisory database on github.com cannot be fetched from here".into()));
    }
    deny(&["advisories"])
}
