//! Foreign SIP programs for tests, as `tests/interop/sip` starts them: each in the namespace and folder of the test,
//! ended with the value. Debian: kamailio, kamailio-tls-modules, kamailio-presence-modules, baresip-core,
//! linphone-cli, sip-tester, dnsmasq-base, iproute2, nftables, ffmpeg, espeak-ng, multimon-ng. Without them tests fail, unless BELLHOP_SKIP_PEERS=1.
#![allow(clippy::unwrap_used)]
#![allow(dead_code, unused_imports)] // Not every test binary uses all of it.

mod baresip;
mod kamailio;
mod linphone;
mod loss;
pub mod namespace;
mod pjsua;
mod process;
mod sipp;
pub mod sound;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

pub use baresip::Baresip;
pub use kamailio::Kamailio;
pub use linphone::Linphone;
pub use loss::{lose, lost};
pub use pjsua::{Pjsua, package_there};
pub use process::{Process, wait_for};
pub use sipp::Sipp;

/// Whether to run; fails the test if one of the programs is missing and nobody said to do without.
pub fn there(programs: &[&str]) -> bool {
    if std::env::var_os("BELLHOP_SKIP_PEERS").is_some_and(|value| value == "1") {
        eprintln!("skipped: BELLHOP_SKIP_PEERS=1");
        return false;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).collect();
    for program in programs {
        let found = folders.iter().any(|folder| folder.join(program).is_file());
        assert!(found, "{program} is not installed (BELLHOP_SKIP_PEERS=1 to do without)");
    }
    true
}

/// A script of `tests/interop/sip`, its first argument the folder of the run. It ends when the thread that called
/// does, should the value be lost.
pub fn script(name: &str, run: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM"]).arg(scripts().join(name)).arg(run);
    command
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/interop/sip")
}

/// The certificates of `certificates.sh`, in a folder of their own: `ca.crt`, `server.crt`, `server.key`, ...
pub fn certificates() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(scripts().join("certificates.sh")).arg(folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    folder
}

/// The name server of hotel.test on `address` (port included), with `options` of dnsmasq besides its file. Only in a
/// namespace if the port is 53.
pub fn name_server(address: &str, options: &[&str]) -> Process {
    let folder = tempfile::tempdir().unwrap();
    let mut command = script("dns.sh", folder.path());
    let mut process = Process::start(command.arg(address).args(options), folder);
    process.wait_for_udp(address);
    process
}
