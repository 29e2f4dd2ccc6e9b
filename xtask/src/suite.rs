//! The test binaries of the workspace, built once and run in parts: by cargo-nextest where it is installed, else one by one.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::procs;
use crate::test::{Outcome, WORKSPACE, cargo};

/// A hanging binary is ended after this long (nextest has its own limit per test, in .config/nextest.toml).
const LIMIT: Duration = Duration::from_secs(15 * 60);

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Select {
    /// Tests inside the crates.
    Unit,
    /// The `tests` crate, without its browser tests.
    Integration,
    /// Modules `browser_*` of the `tests` crate.
    Browser,
    /// The one browser test that can use the running demo.
    Demo,
    /// What takes the pictures for the documentation; `#[ignore]`d, so no other selection runs it.
    Screenshots,
}

impl Select {
    /// For nextest.
    fn filter(self) -> &'static [&'static str] {
        match self {
            Select::Unit => &["-E", "not package(tests)"],
            Select::Integration => &["-E", "package(tests) & not test(browser_)"],
            Select::Browser => &["-E", "package(tests) & test(browser_)"],
            // What they print is what they were run for.
            Select::Demo => &["-E", "package(tests) & test(browser_demo)", "--no-capture"],
            Select::Screenshots => {
                &["-E", "package(tests) & test(browser_screenshots)", "--run-ignored", "only", "--no-capture"]
            }
        }
    }

    fn takes(self, package: &str) -> bool {
        (self == Select::Unit) == (package != "tests")
    }

    /// For a test binary itself.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Select::Unit => &[],
            Select::Integration => &["--skip", "browser_"],
            // Two browsers at a time only slow each other down.
            Select::Browser => &["browser_", "--test-threads=1"],
            Select::Demo => &["browser_demo", "--nocapture"],
            Select::Screenshots => &["browser_screenshots", "--ignored", "--nocapture"],
        }
    }
}

/// What cargo says about each file it has built.
#[derive(Deserialize)]
struct Artifact {
    manifest_path: PathBuf,
    target: Target,
    profile: Profile,
    executable: Option<PathBuf>,
}
#[derive(Deserialize)]
struct Target {
    name: String,
}
#[derive(Deserialize)]
struct Profile {
    test: bool,
}

struct Binary {
    package: String,
    name: String,
    folder: PathBuf,
    file: PathBuf,
}

pub struct Suite {
    nextest: bool,
    /// Leaves out what takes long (with nextest, which can tell).
    quick: bool,
    binaries: Vec<Binary>,
}

impl Suite {
    /// Compiles all tests.
    pub fn build(quick: bool) -> Result<Self> {
        let nextest =
            Command::new("cargo").args(["nextest", "--version"]).output().is_ok_and(|out| out.status.success());
        let mut build = cargo();
        build.args(["test", "--no-run"]).args(WORKSPACE);
        if !procs::run(&mut build)? {
            bail!("the tests do not compile; see above");
        }
        if nextest {
            return Ok(Suite { nextest, quick, binaries: Vec::new() });
        }
        println!("(cargo-nextest is not installed: the test binaries run one after the other)");
        // Nothing is compiled any more; this only asks where the binaries are.
        let list = build.args(["--quiet", "--message-format", "json"]).output().context("cannot run cargo")?;
        let artifacts = String::from_utf8_lossy(&list.stdout);
        let artifacts = artifacts.lines().filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
        let binaries = artifacts.filter(|artifact| artifact.profile.test).filter_map(|artifact| {
            let folder = artifact.manifest_path.parent()?.to_owned();
            let package = folder.file_name()?.to_string_lossy().into_owned();
            Some(Binary { package, name: artifact.target.name, folder, file: artifact.executable? })
        });
        let mut binaries: Vec<Binary> = binaries.collect();
        binaries.sort_by(|a, b| (&a.package, &a.name).cmp(&(&b.package, &b.name)));
        Ok(Suite { nextest, quick, binaries })
    }

    /// Runs a part; tests get the variables in `env`.
    pub fn run(&self, select: Select, env: &[(&str, String)]) -> Result<Outcome> {
        let env = env.iter().map(|(name, value)| (*name, value.as_str()));
        let rerun = |passed| {
            if passed { Outcome::Passed } else { Outcome::Failed("see above".into()) }
        };
        if self.nextest {
            let profile = match std::env::var_os("CI") {
                _ if self.quick => "quick",
                Some(_) => "ci",
                None => "default",
            };
            let mut command = cargo();
            command.args(["nextest", "run", "--cargo-quiet", "--profile", profile]).args(WORKSPACE);
            return Ok(rerun(procs::run(command.args(select.filter()).envs(env))?));
        }
        let mut failed = Vec::new();
        let mut ran = 0;
        for binary in self.binaries.iter().filter(|binary| select.takes(&binary.package)) {
            println!("-- {} ({})", binary.package, binary.name);
            let mut command = Command::new(&binary.file);
            command.args(select.arguments()).current_dir(&binary.folder).envs(env.clone());
            command.env("CARGO_MANIFEST_DIR", &binary.folder);
            ran += 1;
            if !procs::run_within(&mut command, Instant::now() + LIMIT)? {
                failed.push(format!("{}/{}", binary.package, binary.name));
            }
        }
        if ran == 0 {
            bail!("no test binary to run");
        }
        Ok(if failed.is_empty() { Outcome::Passed } else { Outcome::Failed(failed.join(", ")) })
    }
}
