//! SIPp with a scenario of `tests/interop/sip/sipp`.

use std::time::Duration;

use super::{Process, script};

/// A running scenario; ends with this value.
pub struct Sipp {
    process: Process,
    scenario: String,
}

impl Sipp {
    /// One that waits for a call (`uas...`), at `local`; returns when it listens. Options: see `sipp.sh`.
    pub fn uas(scenario: &str, local: &str, options: &[&str]) -> Self {
        let mut sipp = Self::start(scenario, &[local], options);
        sipp.process.wait_for_udp(local);
        sipp
    }

    /// One that begins, from `local` to the proxy or phone at `remote`; `-s USER` says whom it calls.
    pub fn uac(scenario: &str, local: &str, remote: &str, options: &[&str]) -> Self {
        Self::start(scenario, &[local, remote], options)
    }

    fn start(scenario: &str, addresses: &[&str], options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = script("sipp.sh", folder.path());
        command.arg(scenario).args(addresses).args(options);
        Self { process: Process::start(&mut command, folder), scenario: scenario.to_owned() }
    }

    /// Waits for its end; fails the test unless all went as the scenario says. Returns all SIP it saw.
    pub fn finish(mut self) -> String {
        let wait = Duration::from_secs(120);
        let status = super::wait_for(&self.scenario, wait, || self.process.ended());
        let errors = self.process.read(&format!("{}.errors", self.scenario));
        let messages = self.messages();
        assert!(status.success(), "{}: {status}\n{errors}\n{messages}", self.scenario);
        messages
    }

    /// All SIP so far.
    pub fn messages(&self) -> String {
        self.process.read(&format!("{}.messages", self.scenario))
    }
}
