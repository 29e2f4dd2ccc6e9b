//! One foreign program: its process group, its folder, and waiting for what it does.

use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Asks every 20 ms until there is an answer; fails the test after `limit`.
pub fn wait_for<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A program in its own process group; ends, with all it started, with this value.
pub struct Process {
    child: Child,
    folder: tempfile::TempDir,
}

impl Process {
    pub fn start(command: &mut Command, folder: tempfile::TempDir) -> Self {
        Self { child: launch(command), folder }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file of its folder, empty if there is none.
    pub fn read(&self, name: &str) -> String {
        std::fs::read(self.file(name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// `wait_for`, which fails at once with the program's log if it ended.
    pub fn wait_for<T>(&mut self, what: &str, limit: Duration, mut ask: impl FnMut(&Self) -> Option<T>) -> T {
        let until = Instant::now() + limit;
        loop {
            if let Some(answer) = ask(self) {
                return answer;
            }
            let ended = self.ended();
            let late = Instant::now() >= until;
            assert!(ended.is_none() && !late, "{what}: ended {ended:?} or not within {limit:?}\n{}", self.read("log"));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Until something is bound to this UDP address (of this namespace).
    pub fn wait_for_udp(&mut self, address: &str) {
        self.wait_for(address, Duration::from_secs(10), |_| udp_bound(address.parse().unwrap()).then_some(()));
    }

    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    pub fn stop(&mut self) {
        if self.ended().is_some() {
            return;
        }
        // Its own process group: started by us, by number.
        let group = format!("-{}", self.child.id());
        let signal = |name| Command::new("kill").args([name, "--", &group]).stderr(Stdio::null()).status();
        let _ = signal("-TERM");
        let until = Instant::now() + Duration::from_secs(3);
        while Instant::now() < until {
            if self.ended().is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = signal("-KILL");
        let _ = self.child.wait();
    }

    /// After `stop`: the same folder, another run.
    pub fn restart(&mut self, command: &mut Command) {
        self.stop();
        self.child = launch(command);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

fn launch(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).process_group(0).spawn().unwrap()
}

/// By /proc/net/udp, where an address is the hexadecimal of its words in the machine's order.
fn udp_bound(address: SocketAddr) -> bool {
    let (file, ip) = match address {
        SocketAddr::V4(v4) => ("/proc/net/udp", format!("{:08X}", u32::from_ne_bytes(v4.ip().octets()))),
        SocketAddr::V6(v6) => {
            let words = v6.ip().octets();
            let words = words.chunks(4).map(|word| u32::from_ne_bytes(word.try_into().unwrap()));
            ("/proc/net/udp6", words.map(|word| format!("{word:08X}")).collect())
        }
    };
    let wanted = format!(" {ip}:{:04X} ", address.port());
    std::fs::read_to_string(file).is_ok_and(|table| table.contains(&wanted))
}
