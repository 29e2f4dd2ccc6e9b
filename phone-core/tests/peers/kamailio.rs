//! Kamailio with `deploy/kamailio/kamailio.cfg`: registrar, proxy and, with `WITH_EVENTS`, presence server.

use std::process::Command;
use std::time::Duration;

use super::{Process, script};

/// A running Kamailio; ends with this value.
pub struct Kamailio {
    process: Process,
    address: String,
    arguments: Vec<String>,
}

impl Kamailio {
    /// On `address` (`127.0.0.2:5060`), UDP and TCP (not with `UDP_ONLY`), with `defines` of kamailio.cfg and users
    /// with their passwords. Returns when it answers.
    pub fn start(address: &str, defines: &[&str], users: &[(&str, &str)]) -> Self {
        let mut arguments = vec![address.to_owned()];
        arguments.extend(defines.iter().map(|&define| define.to_owned()));
        arguments.push("--".to_owned());
        arguments.extend(users.iter().map(|(user, password)| format!("{user}={password}")));
        let folder = tempfile::tempdir().unwrap();
        let mut command = script("kamailio.sh", folder.path());
        let process = Process::start(command.args(&arguments), folder);
        let mut kamailio = Self { process, address: address.to_owned(), arguments };
        kamailio.wait_until_up();
        kamailio
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    fn wait_until_up(&mut self) {
        let control = self.process.file("ctl");
        let up = |_: &Process| control.exists().then(|| rpc(&control, &["core.uptime"])).flatten();
        self.process.wait_for("kamailio answers", Duration::from_secs(10), up);
    }

    /// What `kamcmd` answers.
    pub fn rpc(&self, arguments: &[&str]) -> String {
        rpc(&self.process.file("ctl"), arguments).expect("kamcmd answers")
    }

    /// What the registrar holds.
    pub fn bindings(&self) -> String {
        self.rpc(&["ul.dump"])
    }

    pub fn log(&self) -> String {
        self.process.read("log")
    }

    pub fn stop(&mut self) {
        self.process.stop();
    }

    /// It has forgotten all bindings.
    pub fn restart(&mut self) {
        self.process.stop();
        let _ = std::fs::remove_file(self.process.file("ctl"));
        let mut command = script("kamailio.sh", self.process.folder());
        self.process.restart(command.args(&self.arguments));
        self.wait_until_up();
    }
}

fn rpc(control: &std::path::Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("kamcmd").arg("-s").arg(format!("unix:{}", control.display())).args(arguments).output();
    let output = output.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
