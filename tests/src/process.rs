//! The real programs as processes of their own: killed without warning, started again on the same data.

use std::ffi::OsString;
use std::hash::BuildHasher as _;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// The first administrator of every server started here.
pub const EMAIL: &str = "admin@bellhop.local";
pub const PASSWORD: &str = "a password for tests";
/// How long a program may take to say that it is ready.
const START: Duration = Duration::from_secs(60);

/// A built program of the workspace: beside the running one, unless an environment variable says otherwise.
///
/// # Errors
/// If it is not there.
pub fn program(name: &str, variable: &str) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(variable) {
        return Ok(path.into());
    }
    let own = std::env::current_exe()?;
    // target/debug/deps/it-… for a test, target/debug/fleet for the benchmark.
    let found = own.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.with_context(|| {
        format!("there is no program `{name}` beside {}; run `cargo build -p cloud -p device-agent`", own.display())
    })
}

/// Ports below those the system gives to connections: a server that is down for a moment finds its own free again.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A port of the loopback interface nobody listens on now.
///
/// # Errors
/// If there is none.
pub fn free_port() -> Result<u16> {
    // Each call draws anew, in each process: the hasher's keys are random.
    let drawn = std::hash::RandomState::new().hash_one(std::process::id());
    let count = u64::from(PORTS.end - PORTS.start);
    let port = |step: u64| PORTS.start + u16::try_from((drawn % count + step) % count).unwrap_or(0);
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    (0..count).map(port).find(free).context("no port is free")
}

/// `cloud serve` with its own folder and fixed ports.
pub struct CloudProcess {
    child: Option<Child>,
    pub api: SocketAddr,
    pub acs: SocketAddr,
    pub mqtt: SocketAddr,
    data: PathBuf,
    settings: Vec<(String, String)>,
}

impl CloudProcess {
    /// `settings` are "section.key" and value; `database` is empty for SQLite in `data`.
    ///
    /// # Errors
    /// If the program is missing or does not get ready.
    pub fn start(data: &Path, database: &str, settings: &[(&str, &str)]) -> Result<Self> {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (api, acs, mqtt) = (local(free_port()?), local(free_port()?), local(free_port()?));
        let mut all = vec![
            ("server.listen", api.to_string()),
            ("acs.listen", acs.to_string()),
            ("mqtt.listen", mqtt.to_string()),
            ("server.data_dir", data.display().to_string()),
            ("server.web_root", data.join("web").display().to_string()),
            ("database.url", database.to_owned()),
            ("admin.password", PASSWORD.to_owned()),
            // Phones of tests are on this machine, and many are new.
            ("wake.allow_loopback", "true".to_owned()),
            ("acs.new_phones_per_minute", "100000".to_owned()),
        ];
        all.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let settings = all.into_iter().map(|(name, value)| (variable(name), value)).collect();
        let mut process = Self { child: None, api, acs, mqtt, data: data.to_owned(), settings };
        process.restart()?;
        Ok(process)
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.api)
    }

    pub fn acs_url(&self) -> String {
        format!("http://{}/acs", self.acs)
    }

    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// SIGKILL: no goodbye, nothing written any more.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again on the same data and ports, and returns when it is ready.
    ///
    /// # Errors
    /// If it does not get ready.
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        let mut command = Command::new(program("cloud", "BELLHOP_CLOUD_BIN")?);
        command.arg("serve").envs(self.settings.iter().cloned());
        command.env_remove("BELLHOP_CONFIG");
        if std::env::var_os("BELLHOP_LOG").is_none() {
            command.env("BELLHOP_LOG", "warn");
        }
        self.child = Some(start(command, &self.data.join("cloud.log"), |line| line == "ready")?);
        Ok(())
    }

    /// What it wrote to its log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.join("cloud.log")).unwrap_or_default()
    }
}

impl Drop for CloudProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// "jobs.lease_s" as an environment variable.
pub fn variable(setting: &str) -> String {
    format!("BELLHOP__{}", setting.replace('.', "__").to_uppercase())
}

/// Starts a program, keeps what it says on standard error below `log`, and returns when a line of its output is wanted.
///
/// # Errors
/// If it ends before, or takes too long.
pub fn start(mut command: Command, log: &Path, ready: impl Fn(&str) -> bool) -> Result<Child> {
    let name: OsString = command.get_program().to_owned();
    let log_file = std::fs::OpenOptions::new().append(true).create(true).open(log)?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log_file);
    let mut child = command.spawn().with_context(|| format!("cannot start {}", name.display()))?;
    let output = child.stdout.take().context("no output")?;
    let (said, hear) = mpsc::channel();
    // Reads to the end, so that the program never waits for a full pipe.
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = said.send(line);
        }
    });
    loop {
        match hear.recv_timeout(START) {
            Ok(line) if ready(&line) => return Ok(child),
            Ok(_) => {}
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                let log = std::fs::read_to_string(log).unwrap_or_default();
                bail!("{} did not get ready ({error}):\n{log}", name.display());
            }
        }
    }
}

/// Memory a process holds now and at most so far, in KiB.
pub fn memory_kb(process: u32) -> Option<(u64, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some((field("VmRSS:")?, field("VmHWM:")?))
}
