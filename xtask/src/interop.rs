//! Our agent under foreign ACSs and a foreign CPE under our ACS: the scripts of `tests/interop`, one after the other; or
//! our phone with foreign SIP programs.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::Result;

use crate::apt::{self, Package};
use crate::procs;
use crate::progress::{Step, elapsed};

const SCRIPTS: [(&str, &str); 2] = [
    ("agent_under_foreign_acs.py", "our agent under foreign ACSs"),
    ("foreign_cpe_under_our_acs.py", "a foreign CPE under our ACS"),
];

const CURL: Package =
    Package { name: "curl", files: &["/usr/bin/curl"], why: "calls our phone with its own digest client" };
const OPENSSL: Package =
    Package { name: "openssl", files: &["/usr/bin/openssl"], why: "makes the foreign ACS's certificate" };
const LIBSSL: Package = Package {
    name: "libssl-dev",
    files: &["/usr/include/openssl/ssl.h", "/usr/local/include/openssl/ssl.h"],
    why: "the foreign ACS acsrs is built with it",
};
const PKG_CONFIG: Package =
    Package { name: "pkg-config", files: &["/usr/bin/pkg-config"], why: "finds libssl for that build" };

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Peers {
    /// TR-069 servers and phones (tests/interop)
    Tr069,
    /// SIP programs, by docs/INTEROP.md
    Sip,
}

#[derive(clap::Args)]
pub struct Args {
    /// With whom
    #[arg(value_enum, default_value = "tr069")]
    peers: Peers,
    /// Use the server and the phone in target/debug as they are
    #[arg(long)]
    no_build: bool,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    match args.peers {
        Peers::Sip => sip(),
        Peers::Tr069 => tr069(args),
    }
}

/// Runs phone-core's tests with SIP programs, and prints docs/INTEROP.md with what came of each.
fn sip() -> Result<ExitCode> {
    let started = Instant::now();
    let packages: Vec<&Package> = apt::BUILD.into_iter().chain([&apt::KAMAILIO]).chain(apt::SIP_PEERS).collect();
    apt::ensure(&packages)?;
    install_sip()?;
    let log = crate::state_dir("interop")?.join("sip.log");
    let ran = Step::run("our phone with SIP programs, some minutes", |step| {
        let mut tests = crate::test::cargo();
        tests.args(["test", "--package", "phone-core", "--test", "interop"]);
        procs::run_logged(step, &mut tests, &log)
    });
    if let Err(error) = &ran {
        if error.is::<procs::Interrupted>() {
            return ran.map(|()| ExitCode::FAILURE);
        }
        eprintln!("{error:#}");
    }
    let log = std::fs::read_to_string(log)?;
    println!();
    for row in std::fs::read_to_string(crate::root().join("docs/INTEROP.md"))?.lines() {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [peer, what, test] = cells[..] else { continue };
        let Some(test) = test.strip_prefix('`').and_then(|test| test.strip_suffix('`')) else { continue };
        let passed = log.lines().any(|line| line == format!("test {test} ... ok"));
        println!("{:<7} {peer}: {what}", if passed { "ok" } else { "FAILED" });
    }
    println!("{:<7} {}", "took", elapsed(started.elapsed()));
    Ok(if ran.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs both, whatever comes of the first.
fn tr069(args: &Args) -> Result<ExitCode> {
    let started = Instant::now();
    let here = crate::root().join("tests/interop");
    apt::ensure(&[&apt::PYTHON, &apt::PIP, &CURL, &OPENSSL, &LIBSSL, &PKG_CONFIG])?;
    let logs = crate::state_dir("interop")?;
    if !args.no_build {
        apt::ensure(&apt::BUILD)?;
        Step::run("server and phone", |step| {
            let mut build = crate::test::cargo();
            build.args(["build", "--package", "cloud", "--package", "device-agent"]);
            procs::run_logged(step, &mut build, &logs.join("build.log"))
        })?;
    }
    Step::run("foreign peers, from crates.io and PyPI", |step| {
        procs::run_logged(step, &mut python(&here.join("install.py")), &logs.join("install.log"))
    })?;
    let mut outcomes = Vec::new();
    for (script, what) in SCRIPTS {
        println!();
        outcomes.push((what, procs::run(&mut python(&here.join(script)))?));
    }
    println!("\n---- summary");
    for (what, passed) in &outcomes {
        println!("{what:<36} {}", if *passed { "ok" } else { "FAILED" });
    }
    println!("{:<36} {}", "took", elapsed(started.elapsed()));
    Ok(if outcomes.iter().all(|(_, passed)| *passed) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The SIP peers that are no Debian packages.
pub fn install_sip() -> Result<()> {
    anyhow::ensure!(procs::run(&mut python(&crate::root().join("tests/interop/sip/install.py")))?, "PyPI: see above");
    Ok(())
}

fn python(script: &Path) -> Command {
    let mut command = Command::new("python3");
    // No __pycache__ among the sources.
    command.arg("-B").arg(script);
    command
}
