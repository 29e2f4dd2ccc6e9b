//! Child processes that never outlive xtask: each in a process group of its own, stopped on Ctrl-C, on an error and at the end,
//! and asked to end by the kernel should xtask itself be killed (`setpriv --pdeathsig`).

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::progress::Step;

static STOP: AtomicBool = AtomicBool::new(false);

/// How long a process may take to end after being asked, before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// Ctrl-C, SIGTERM or SIGHUP arrived.
#[derive(Debug)]
pub struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted")
    }
}
impl std::error::Error for Interrupted {}

pub fn catch_signals() -> Result<()> {
    ctrlc::set_handler(|| STOP.store(true, Ordering::SeqCst)).context("cannot catch Ctrl-C")
}

pub fn interrupted() -> bool {
    STOP.load(Ordering::SeqCst)
}

/// An error once Ctrl-C was pressed.
pub fn go_on() -> Result<()> {
    if interrupted() { Err(Interrupted.into()) } else { Ok(()) }
}

/// Where a program is, if it is installed.
pub fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(system).map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// A command that the kernel signals when xtask dies, however it dies.
pub fn bound(program: impl AsRef<Path>, signal: Signal) -> Command {
    let name = signal.as_str().trim_start_matches("SIG").to_owned();
    match which("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", &name, "--"]).arg(program.as_ref());
            command
        }
        None => Command::new(program.as_ref()),
    }
}

fn group(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().map(Pid::from_raw)
}

fn stop_group(child: &mut Child, signal: Signal) {
    let Some(group) = group(child) else { return };
    let _ = killpg(group, signal);
    let until = Instant::now() + GRACE;
    while Instant::now() < until {
        // The leader has to be reaped, and the others of its group have to be gone too.
        if matches!(child.try_wait(), Ok(Some(_))) && killpg(group, None).is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    let _ = killpg(group, Signal::SIGKILL);
    let _ = child.wait();
}

/// Runs a command to its end, calling `tick` meanwhile. Ctrl-C or an error of `tick` ends it with everything below it.
fn finish(command: &mut Command, mut tick: impl FnMut() -> Result<()>) -> Result<ExitStatus> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child =
        command.process_group(0).stdin(Stdio::null()).spawn().with_context(|| format!("cannot start {program}"))?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if let Err(error) = go_on().and_then(|()| tick()) {
            stop_group(&mut child, Signal::SIGTERM);
            return Err(error);
        }
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// Runs a command whose output the person sees.
pub fn run(command: &mut Command) -> Result<bool> {
    Ok(finish(command, || Ok(()))?.success())
}

/// The same with a limit.
pub fn run_within(command: &mut Command, deadline: Instant) -> Result<bool> {
    let shown = shown(command);
    let in_time = || {
        if Instant::now() < deadline { Ok(()) } else { bail!("`{shown}` takes too long; it was ended") }
    };
    Ok(finish(command, in_time)?.success())
}

/// Runs a command whose output goes to a log; the last line shows as progress, and the end of the log when it fails.
pub fn run_logged(step: &Step, command: &mut Command, log: &Path) -> Result<()> {
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    command.stdout(file.try_clone()?).stderr(file);
    let shown = shown(command);
    let status = finish(command, || {
        step.tick(tail(log, 1).trim());
        Ok(())
    })?;
    if !status.success() {
        bail!("`{shown}` failed ({status}). The end of {}:\n\n{}\n", log.display(), tail(log, 30));
    }
    Ok(())
}

/// The command as one would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The last lines of a log file.
pub fn tail(log: &Path, lines: usize) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(if lines == 1 { 300 } else { 16_384 })))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let all: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

struct Proc {
    name: String,
    child: Child,
    log: PathBuf,
    signal: Signal,
}

/// The daemons of one run. Dropping it stops them, last started first.
pub struct Procs {
    logs: PathBuf,
    running: Vec<Proc>,
}

impl Procs {
    pub fn new(logs: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&logs).with_context(|| format!("cannot create {}", logs.display()))?;
        Ok(Procs { logs, running: Vec::new() })
    }

    /// Starts a daemon; what it prints is in `<logs>/<name>.log`. `signal` is how it likes to be asked to end.
    pub fn start(&mut self, name: &str, command: &mut Command, signal: Signal) -> Result<()> {
        let log = self.logs.join(format!("{name}.log"));
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0).env("NO_COLOR", "1");
        let child = command.spawn().with_context(|| format!("cannot start {name}: `{}`", shown(command)))?;
        self.running.push(Proc { name: name.into(), child, log, signal });
        Ok(())
    }

    /// The process of a daemon.
    pub fn id(&self, name: &str) -> Option<u32> {
        self.running.iter().find(|proc| proc.name == name).map(|proc| proc.child.id())
    }

    /// An error with the end of the log when one of them has ended by itself, or when Ctrl-C was pressed.
    pub fn check(&mut self) -> Result<()> {
        go_on()?;
        for proc in &mut self.running {
            if let Some(status) = proc.child.try_wait()? {
                bail!(
                    "{} ended ({status}). The end of {}:\n\n{}\n",
                    proc.name,
                    proc.log.display(),
                    tail(&proc.log, 25)
                );
            }
        }
        Ok(())
    }

    /// Waits until `ready` says yes; watches Ctrl-C and the daemons meanwhile.
    pub fn wait_for(
        &mut self,
        step: &Step,
        what: &str,
        limit: Duration,
        mut ready: impl FnMut() -> Result<bool>,
    ) -> Result<()> {
        let started = Instant::now();
        while !ready()? {
            self.check()?;
            if started.elapsed() > limit {
                bail!("{what}: not within {} seconds. Look into {}", limit.as_secs(), self.logs.display());
            }
            step.tick(what);
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Stops everything; safe to call twice.
    pub fn stop(&mut self) {
        for mut proc in self.running.drain(..).rev() {
            stop_group(&mut proc.child, proc.signal);
        }
    }
}

impl Drop for Procs {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A TCP port that is free right now.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free TCP port")?;
    Ok(listener.local_addr()?.port())
}

/// Nobody listens on this port: neither TCP nor UDP, on loopback nor on all addresses.
pub fn port_is_free(port: u16) -> bool {
    let tcp = |address| TcpListener::bind((address, port)).is_ok();
    tcp(Ipv4Addr::LOCALHOST) && tcp(Ipv4Addr::UNSPECIFIED) && UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_ends_with_everything_in_it() -> Result<()> {
        let logs = std::env::temp_dir().join(format!("bellhop-xtask-{}", std::process::id()));
        let mut procs = Procs::new(logs.clone())?;
        let mut shell = bound("/bin/sh", Signal::SIGTERM);
        procs.start("shell", shell.args(["-c", "sleep 60 & echo started; wait"]), Signal::SIGTERM)?;
        let log = logs.join("shell.log");
        while tail(&log, 1) != "started" {
            procs.check()?;
            std::thread::sleep(Duration::from_millis(10));
        }
        let group = group(&procs.running[0].child).context("no pid")?;
        procs.stop();
        assert!(killpg(group, None).is_err(), "somebody of the group still runs");
        std::fs::remove_dir_all(logs)?;
        Ok(())
    }

    #[test]
    fn a_daemon_that_ends_is_an_error_with_its_log() -> Result<()> {
        let logs = std::env::temp_dir().join(format!("bellhop-xtask-end-{}", std::process::id()));
        let mut procs = Procs::new(logs.clone())?;
        let mut shell = bound("/bin/sh", Signal::SIGTERM);
        procs.start("shell", shell.args(["-c", "echo no such config; exit 3"]), Signal::SIGTERM)?;
        let error = loop {
            if let Err(error) = procs.check() {
                break error.to_string();
            }
        };
        assert!(error.contains("shell ended") && error.contains("no such config"), "{error}");
        std::fs::remove_dir_all(logs)?;
        Ok(())
    }
}
