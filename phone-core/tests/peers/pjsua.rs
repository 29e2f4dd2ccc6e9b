//! A phone of PJSIP, steered by lines into a FIFO; what it does is in its log.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Process, script};

const LIMIT: Duration = Duration::from_secs(30);

/// A running PJSIP that has registered; ends with this value.
pub struct Pjsua {
    process: Process,
    commands: File,
    /// Up to where `expect` has read the log.
    read: usize,
}

/// Where `cargo xtask` installs Python's packages for these peers.
fn packages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/interop/sip-python")
}

/// Whether a Python package is there; fails the test if not and nobody said to do without.
pub fn package_there(name: &str) -> bool {
    let skip = std::env::var_os("BELLHOP_SKIP_PEERS").is_some_and(|value| value == "1");
    let there = packages().join(name).is_dir();
    assert!(there || skip, "{name}: `cargo xtask interop sip` installs it (BELLHOP_SKIP_PEERS=1 to do without)");
    there
}

impl Pjsua {
    /// See `pjsua.py`: `server` is the registrar, `local` its own SIP address, options like `answer=auto`.
    pub fn start(user: &str, password: &str, server: &str, local: &str, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = script("pjsua.py", folder.path());
        let mut process = Process::start(command.args([user, password, server, local]).args(options), folder);
        process.wait_for("PJSIP registers", LIMIT, |process| {
            process.read("log").contains("# registered 200").then_some(())
        });
        let commands = OpenOptions::new().read(true).write(true).open(process.file("in")).unwrap();
        let read = process.read("log").len();
        Self { process, commands, read }
    }

    /// A command: `call sip:...`, `answer`, `digits 123`, `terminate`.
    pub fn command(&mut self, line: &str) {
        writeln!(self.commands, "{line}").unwrap();
    }

    /// Until it says this, after what it was last expected to say.
    pub fn expect(&mut self, text: &str) {
        let from = self.read;
        self.read = self.process.wait_for(&format!("PJSIP says {text:?}"), LIMIT, |process| {
            process.read("log").get(from..).and_then(|log| log.find(text)).map(|at| from + at + text.len())
        });
    }

    /// Digits that it heard since it began.
    pub fn digits(&self) -> String {
        let log = self.process.read("log");
        log.lines().filter_map(|line| line.strip_prefix("# digit ")).filter_map(|rest| rest.chars().next()).collect()
    }

    /// SIP and all.
    pub fn log(&self) -> String {
        self.process.read("log")
    }

    /// What it heard in its n-th call, from 1 on. Complete when it has said `ended`.
    pub fn recording(&self, call: usize) -> PathBuf {
        self.process.file(&format!("heard-{call}.wav"))
    }
}
