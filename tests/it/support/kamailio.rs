//! A real registrar: Kamailio with `deploy/kamailio/kamailio.cfg`.
//!
//! Needs `kamailio` (Debian: `apt-get install kamailio`, with `exit 101` in /usr/sbin/policy-rc.d first). Without it the
//! tests that use it fail, unless BELLHOP_SKIP_PEERS=1.

use std::net::{SocketAddr, UdpSocket};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::wait_true;

/// Whether tests with other people's programs are left out here.
pub fn skipped() -> bool {
    let skipped = std::env::var_os("BELLHOP_SKIP_PEERS").is_some_and(|skip| skip == "1");
    if skipped {
        eprintln!("skipped: BELLHOP_SKIP_PEERS=1");
    }
    skipped
}

/// A running registrar; ends with this value.
pub struct Kamailio {
    child: Child,
    folder: TempDir,
    pub port: u16,
}

pub fn free_udp_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Kamailio {
    /// With these users and passwords.
    pub async fn start(users: &[(&str, &str)]) -> Self {
        Self::at(free_udp_port(), users).await
    }

    /// At a port of 127.0.0.1.
    pub async fn at(port: u16, users: &[(&str, &str)]) -> Self {
        Self::listening(SocketAddr::from(([127, 0, 0, 1], port)), users).await
    }

    /// At an address of this machine.
    pub async fn listening(address: SocketAddr, users: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path();
        std::fs::write(run.join("version"), "table_name(string) table_version(int)\ncredentials:2\n").unwrap();
        let head = "id(int,auto) key_name(string) key_type(int) value_type(int) key_value(string) expires(int)\n";
        let lines = users.iter().enumerate().map(|(at, (user, password))| {
            let id = at + 1;
            format!("{id}:{user}:0:0:{password}:0\n")
        });
        std::fs::write(run.join("credentials"), format!("{head}{}", lines.collect::<String>())).unwrap();
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/kamailio/kamailio.cfg");
        let log = std::fs::File::create(run.join("log")).unwrap();
        let child = Command::new("kamailio")
            .arg("-f")
            .arg(config)
            .args(["-DD", "-E", "-m", "32", "-M", "8", "-w"])
            .arg(run)
            .arg("-Y")
            .arg(run)
            .args(["-A", &format!("LISTEN=udp:{address}")])
            .args(["-A", &format!("CREDENTIALS=\"text://{}\"", run.display())])
            .args(["-A", &format!("CONTROL=\"unix:{}\"", run.join("ctl").display())])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        let kamailio = Self { child, folder, port: address.port() };
        wait_true("kamailio is up", async || kamailio.ask("core.uptime").is_some()).await;
        kamailio
    }

    pub fn ask(&self, what: &str) -> Option<String> {
        let socket = format!("unix:{}", self.folder.path().join("ctl").display());
        let output = Command::new("kamcmd").args(["-s", &socket, what]).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Whether somebody is registered as this user.
    pub fn knows(&self, user: &str) -> bool {
        let line = format!("AoR: {user}");
        self.ask("ul.dump").is_some_and(|held| held.lines().any(|held| held.trim() == line))
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // Its own process group: started by us, by number.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}
