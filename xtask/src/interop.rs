//! Our agent under foreign ACSs and a foreign CPE under our ACS: the scripts of `tests/interop`, one after the other.

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

const PYTHON: Package = Package {
    name: "python3",
    files: &["/usr/bin/python3", "/usr/local/bin/python3"],
    why: "the scripts are in Python",
};
const PIP: Package = Package {
    name: "python3-pip",
    files: &["/usr/bin/pip3", "/usr/local/bin/pip3"],
    why: "fetches the HTTP client that logs in at our ACS for the foreign CPE",
};
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

#[derive(clap::Args)]
pub struct Args {
    /// Use the server and the phone in target/debug as they are
    #[arg(long)]
    no_build: bool,
}

/// Runs both, whatever comes of the first.
pub fn run(args: &Args) -> Result<ExitCode> {
    let started = Instant::now();
    let here = crate::root().join("tests/interop");
    apt::ensure(&[&PYTHON, &PIP, &CURL, &OPENSSL, &LIBSSL, &PKG_CONFIG])?;
    let logs = crate::state_dir("interop")?;
    if !args.no_build {
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

fn python(script: &Path) -> Command {
    let mut command = Command::new("python3");
    // No __pycache__ among the sources.
    command.arg("-B").arg(script);
    command
}
