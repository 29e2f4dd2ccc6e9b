//! Foreign programs in the benchmark's namespace: baresip, steered over its control socket, and SIPp's built-in scenarios.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::registrar::PASSWORD;

const LIMIT: Duration = Duration::from_secs(20);

/// `tests/interop/sip`.
pub fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/sip")
}

/// Whether a program is installed.
pub fn there(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// Ends with this value.
struct Process(Child);

impl Process {
    /// Starts a program that ends with this one.
    fn start(program: &Path, arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM"]).arg(program).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(command.spawn().with_context(|| program.display().to_string())?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A baresip that has registered.
pub struct Baresip {
    _process: Process,
    control: TcpStream,
    bytes: Vec<u8>,
    folder: tempfile::TempDir,
}

impl Baresip {
    /// On `local`, with `answer=auto` or `answer=manual`.
    ///
    /// # Errors
    /// If it does not start or register.
    pub async fn start(user: &str, server: &str, local: &str, answer: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let run = folder.path().display().to_string();
        let process = Process::start(&scripts().join("baresip.sh"), &[&run, user, PASSWORD, server, local, answer])?;
        let log = folder.path().join("log");
        let start = Instant::now();
        while !std::fs::read_to_string(&log).is_ok_and(|log| log.contains(" 200 OK (") || log.contains("200 OK [")) {
            ensure!(start.elapsed() < LIMIT, "baresip does not register: {}", tail(&log));
            sleep(Duration::from_millis(50)).await;
        }
        let (host, port) = local.rsplit_once(':').context("host:port")?;
        let control = TcpStream::connect((host, port.parse::<u16>()? + 2)).await.context("baresip's control socket")?;
        Ok(Self { _process: process, control, bytes: Vec::new(), folder })
    }

    /// Sends a command and does not wait for what it says.
    ///
    /// # Errors
    /// If baresip is gone.
    pub async fn command(&mut self, name: &str, parameter: &str) -> Result<()> {
        let request = json!({"command": name, "params": parameter, "token": name}).to_string();
        self.control.write_all(format!("{}:{request},", request.len()).as_bytes()).await?;
        Ok(())
    }

    /// Waits for the next event of this type and drops those before.
    ///
    /// # Errors
    /// If it does not come.
    pub async fn event(&mut self, kind: &str) -> Result<()> {
        let wait = async {
            loop {
                if let Some(message) = self.take()? {
                    if message["type"] == kind {
                        return Ok(());
                    }
                } else if self.control.read_buf(&mut self.bytes).await? == 0 {
                    bail!("baresip has ended");
                }
            }
        };
        match timeout(LIMIT, wait).await {
            Ok(result) => result,
            Err(_) => bail!("no {kind} from baresip: {}", tail(&self.folder.path().join("log"))),
        }
    }

    /// One netstring.
    fn take(&mut self) -> Result<Option<Value>> {
        let Some(colon) = self.bytes.iter().position(|byte| *byte == b':') else { return Ok(None) };
        let length: usize = std::str::from_utf8(&self.bytes[..colon])?.parse()?;
        let end = colon + 1 + length;
        if self.bytes.len() <= end {
            return Ok(None);
        }
        let message = serde_json::from_slice(&self.bytes[colon + 1..end])?;
        self.bytes.drain(..=end);
        Ok(Some(message))
    }
}

/// SIPp; what it counted is in a file.
pub struct Sipp {
    process: Process,
    folder: tempfile::TempDir,
}

/// What SIPp counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    pub successful: u64,
    pub failed: u64,
    pub retransmissions: u64,
}

impl Sipp {
    /// Answers calls at `local` (`host:port`).
    ///
    /// # Errors
    /// If it does not start.
    pub fn answering(local: &str) -> Result<Self> {
        Self::start(tempfile::tempdir()?, local, &["-sn", "uas"])
    }

    /// Makes `count` calls from `local`, `rate` a second, to each of `users` (user, host, port) in turn.
    ///
    /// # Errors
    /// If it does not start.
    pub fn calling(local: &str, users: &[(String, String, u16)], rate: u32, count: u64) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let lines = users.iter().map(|(user, host, port)| format!("{user};{host};{port}\n"));
        let list = folder.path().join("users.csv");
        std::fs::write(&list, format!("SEQUENTIAL\n{}", lines.collect::<String>()))?;
        let scenario = scripts().join("sipp/uac_many.xml");
        let (scenario, list) = (scenario.display().to_string(), list.display().to_string());
        let (_, host, port) = users.first().context("nobody to call")?;
        let (first, rate, count) = (format!("{host}:{port}"), rate.to_string(), count.to_string());
        let options = ["-sf", &scenario, "-inf", &list, "-r", &rate, "-m", &count, "-l", "1000", &first];
        Self::start(folder, local, &options)
    }

    fn start(folder: tempfile::TempDir, local: &str, options: &[&str]) -> Result<Self> {
        let (host, port) = local.rsplit_once(':').context("host:port")?;
        let counts = folder.path().join("counts.csv").display().to_string();
        let mut arguments = vec!["-i", host, "-p", port, "-nostdin", "-trace_stat", "-fd", "1", "-stf", &counts];
        arguments.extend(["-buff_size", "1048576"]);
        arguments.extend(options);
        Ok(Self { process: Process::start(Path::new("sipp"), &arguments)?, folder })
    }

    /// Waits until it has made its calls, at most `limit`; what it counted, and how long its calls took to make.
    ///
    /// # Errors
    /// If it does not end.
    pub async fn finish(mut self, limit: Duration) -> Result<(Counted, Duration)> {
        let start = Instant::now();
        while self.process.0.try_wait()?.is_none() {
            ensure!(start.elapsed() < limit, "SIPp does not end");
            sleep(Duration::from_millis(5)).await;
        }
        Ok((self.counted()?, start.elapsed()))
    }

    /// What it counted so far; written each second.
    ///
    /// # Errors
    /// If it has written nothing that can be read.
    pub fn counted(&self) -> Result<Counted> {
        let text = std::fs::read_to_string(self.folder.path().join("counts.csv"))?;
        let mut lines = text.lines();
        let (names, values) = (lines.next().context("no counts")?, lines.next_back().context("no counts")?);
        let columns: Vec<(&str, &str)> = names.split(';').zip(values.split(';')).collect();
        let count = |name: &str| {
            let value = columns.iter().find(|(column, _)| *column == name).map(|(_, value)| value.trim());
            value.and_then(|value| value.parse().ok()).with_context(|| format!("SIPp does not count {name}"))
        };
        Ok(Counted {
            successful: count("SuccessfulCall(C)")?,
            failed: count("FailedCall(C)")?,
            retransmissions: count("Retransmissions(C)")?,
        })
    }
}

fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let from = text.len().saturating_sub(2000);
    text.get(from..).unwrap_or(&text).to_owned()
}
