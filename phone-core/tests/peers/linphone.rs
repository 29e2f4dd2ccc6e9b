//! linphonec, steered by lines into a FIFO; what it does is in what it prints.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use super::{Process, script};

const LIMIT: Duration = Duration::from_secs(30);

/// A running linphonec that has registered; ends with this value.
pub struct Linphone {
    process: Process,
    commands: File,
    /// Up to where `expect` has read the log.
    read: usize,
}

impl Linphone {
    /// See `linphone.sh`: `server` is the registrar, `local` its own SIP address, options like `answer=auto`.
    pub fn start(user: &str, password: &str, server: &str, local: &str, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = script("linphone.sh", folder.path());
        let mut process = Process::start(command.args([user, password, server, local]).args(options), folder);
        process.wait_for("linphonec registers", LIMIT, |process| {
            process.read("lib.log").contains("to [LinphoneRegistrationOk]").then_some(())
        });
        // For both, so that it does not wait for a reader.
        let commands = OpenOptions::new().read(true).write(true).open(process.file("in")).unwrap();
        let read = process.read("log").len();
        Self { process, commands, read }
    }

    /// A command: `call sip:...`, `answer`, `pause`, `resume`, `transfer sip:...`, `terminate`, ...
    pub fn command(&mut self, line: &str) {
        writeln!(self.commands, "{line}").unwrap();
    }

    /// Until it prints this, after what it was last expected to print.
    pub fn expect(&mut self, text: &str) {
        let from = self.read;
        self.read = self.process.wait_for(&format!("linphonec says {text:?}"), LIMIT, |process| {
            process.read("log").get(from..).and_then(|log| log.find(text)).map(|at| from + at + text.len())
        });
    }

    /// The numbers it has given to its calls that are not over, oldest first, as far as it has printed them.
    pub fn call_numbers(&self) -> Vec<u32> {
        let (log, mut numbers) = (self.log(), Vec::new());
        for line in log.lines() {
            let assigned = line.split("assigned id ").nth(1).or_else(|| line.split("Call ").nth(1));
            let digits = assigned.map(|text| text.chars().take_while(char::is_ascii_digit).collect::<String>());
            let Some(number) = digits.and_then(|digits| digits.parse().ok()) else { continue };
            numbers.retain(|known| *known != number);
            if !line.contains(" ended") && !line.contains(" error") {
                numbers.push(number);
            }
        }
        numbers.sort_unstable();
        numbers
    }

    /// Digits that it heard since it began.
    pub fn digits(&self) -> String {
        self.log().split("Receiving tone ").skip(1).filter_map(|rest| rest.chars().next()).collect()
    }

    /// What it prints.
    pub fn log(&self) -> String {
        self.process.read("log")
    }

    /// SIP and all.
    pub fn library_log(&self) -> String {
        self.process.read("lib.log")
    }

    /// What it heard, one call after the other (`record FILE` begins another file).
    pub fn recording(&self) -> PathBuf {
        self.process.file("heard.wav")
    }
}
