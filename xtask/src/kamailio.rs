//! The SIP registrar of the demo: Debian's Kamailio with deploy/kamailio/kamailio.cfg, in the foreground.

use std::fmt::Write;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use crate::procs::{self, Procs};
use crate::progress::Step;

/// Starts it on UDP `port` of loopback, with these subscribers and one password, and waits until it answers.
pub fn start(
    procs: &mut Procs,
    step: &Step,
    dir: &Path,
    port: u16,
    subscribers: &[String],
    password: &str,
) -> Result<()> {
    let config = crate::root().join("deploy/kamailio/kamailio.cfg");
    let binary = procs::which("kamailio").context("kamailio is missing: apt-get install kamailio")?;
    // A folder of this run alone: the control socket of a run that was killed would be in the way.
    let run = dir.join("kamailio");
    if run.exists() {
        std::fs::remove_dir_all(&run)?;
    }
    std::fs::create_dir_all(&run)?;
    std::fs::write(run.join("version"), "table_name(string) table_version(int)\ncredentials:2\n")?;
    let mut table =
        "id(int,auto) key_name(string) key_type(int) value_type(int) key_value(string) expires(int)\n".to_owned();
    for (id, subscriber) in (1..).zip(subscribers) {
        writeln!(table, "{id}:{subscriber}:0:0:{password}:0")?;
    }
    let credentials = run.join("credentials");
    std::fs::write(&credentials, table)?;
    std::fs::set_permissions(&credentials, std::fs::Permissions::from_mode(0o600))?;

    let mut command = procs::bound(binary, Signal::SIGTERM);
    // -DD: in the foreground, with its workers; -E: log to stderr.
    command.args(["-DD", "-E", "-m", "32", "-M", "8", "-f"]).arg(config).arg("-w").arg(&run).arg("-Y").arg(&run);
    command.arg("-P").arg(run.join("kamailio.pid"));
    command.arg("-A").arg(format!("LISTEN=udp:127.0.0.1:{port}"));
    command.arg("-A").arg(format!("CREDENTIALS=\"text://{}\"", run.display()));
    command.arg("-A").arg(format!("CONTROL=\"unix:{}\"", run.join("ctl").display()));
    procs.start("kamailio", &mut command, Signal::SIGTERM)?;
    procs.wait_for(step, "Kamailio answers", Duration::from_secs(20), || Ok(answers(port)))
}

/// A registrar answers OPTIONS, whatever it thinks of it.
fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<usize> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let own = socket.local_addr()?;
        socket.set_read_timeout(Some(Duration::from_millis(300)))?;
        let request = format!(
            "OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKxtask{0}\r\n\
             From: <sip:xtask@127.0.0.1>;tag={0}\r\nTo: <sip:127.0.0.1>\r\nCall-ID: xtask-{0}\r\nCSeq: 1 OPTIONS\r\n\
             Max-Forwards: 5\r\nContent-Length: 0\r\n\r\n",
            own.port()
        );
        socket.send_to(request.as_bytes(), ("127.0.0.1", port))?;
        socket.recv(&mut [0; 2048])
    };
    ask().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "needs Kamailio"]
    fn it_starts_and_stops() -> Result<()> {
        let dir = std::env::temp_dir().join(format!("bellhop-xtask-sip-{}", std::process::id()));
        let mut procs = Procs::new(dir.clone())?;
        let port = procs::free_port()?;
        Step::run("Kamailio", |step| start(&mut procs, step, &dir, port, &["1201".into()], "secret"))?;
        procs.stop();
        assert!(!answers(port));
        std::fs::remove_dir_all(dir)?;
        Ok(())
    }
}
