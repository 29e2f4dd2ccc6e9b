//! baresip, steered by netstrings of JSON on its control socket (ctrl_tcp).

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Process, script};

const LIMIT: Duration = Duration::from_secs(30);

/// A running baresip that has registered; ends with this value.
pub struct Baresip {
    process: Process,
    control: TcpStream,
    bytes: Vec<u8>,
    /// Events nobody waited for yet, oldest first.
    events: Vec<Value>,
}

impl Baresip {
    /// See `baresip.sh`: `server` is the registrar, `local` its own SIP address, options like `answer=auto`.
    pub fn start(user: &str, password: &str, server: &str, local: &str, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = script("baresip.sh", folder.path());
        let mut process = Process::start(command.args([user, password, server, local]).args(options), folder);
        process.wait_for("baresip registers", LIMIT, |process| {
            let log = process.read("log");
            log.lines().any(|line| line.contains(" 200 OK (") && line.contains(" binding")).then_some(())
        });
        let mut address: SocketAddr = local.parse().unwrap();
        address.set_port(address.port() + 2);
        let control = TcpStream::connect(address).unwrap();
        control.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        Self { process, control, bytes: Vec::new(), events: Vec::new() }
    }

    /// Runs a command (`dial`, `accept`, `hold`, ...) and returns what it says; its refusal fails the test.
    pub fn command(&mut self, name: &str, parameter: &str) -> String {
        let request = json!({"command": name, "params": parameter, "token": name}).to_string();
        write!(self.control, "{}:{request},", request.len()).unwrap();
        let until = Instant::now() + LIMIT;
        loop {
            match self.next(until) {
                Some(message) if message["response"] == true => {
                    let said = message["data"].as_str().unwrap_or_default().to_owned();
                    assert!(message["ok"] == true, "baresip {name} {parameter}: {said}");
                    return said;
                }
                Some(event) => self.events.push(event),
                None => panic!("baresip does not answer {name}\n{}", self.log()),
            }
        }
    }

    /// The next event of this type (`CALL_ESTABLISHED`, `CALL_CLOSED`, ...); earlier ones of other types are dropped.
    pub fn event(&mut self, kind: &str) -> Value {
        let mut seen = Vec::new();
        let until = Instant::now() + LIMIT;
        loop {
            let event = if self.events.is_empty() { self.next(until) } else { Some(self.events.remove(0)) };
            match event {
                Some(event) if event["type"] == kind => return event,
                Some(event) => seen.push(event["type"].to_string()),
                None => panic!("no {kind} from baresip but {seen:?}\n{}", self.log()),
            }
        }
    }

    /// All that came so far and nobody waited for.
    pub fn events(&mut self) -> Vec<Value> {
        while let Some(event) = self.next(Instant::now()) {
            self.events.push(event);
        }
        std::mem::take(&mut self.events)
    }

    /// SIP and all.
    pub fn log(&self) -> String {
        self.process.read("log")
    }

    /// Digits that it heard, of its events that nobody waited for, which are dropped.
    pub fn digits(&mut self) -> String {
        let started = self.events().into_iter().filter(|event| event["type"] == "CALL_DTMF_START");
        started.filter_map(|event| event["param"].as_str().map(str::to_owned)).collect()
    }

    /// What it heard, a WAV file a call (`dec`), or said (`enc`), oldest first. Finished when the call has ended.
    pub fn recordings(&self, direction: &str) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.process.folder()).unwrap().map(|entry| entry.unwrap().path());
        let end = format!("-{direction}.wav");
        let mut files: Vec<PathBuf> = files.filter(|path| path.to_string_lossy().ends_with(&end)).collect();
        files.sort();
        files
    }

    fn next(&mut self, until: Instant) -> Option<Value> {
        loop {
            if let Some(message) = self.take() {
                return Some(message);
            }
            let mut buffer = [0; 8192];
            match self.control.read(&mut buffer) {
                Ok(0) => panic!("baresip ended\n{}", self.log()),
                Ok(length) => self.bytes.extend_from_slice(&buffer[..length]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if Instant::now() >= until {
                        return None;
                    }
                }
                Err(error) => panic!("baresip: {error}\n{}", self.log()),
            }
        }
    }

    /// One netstring.
    fn take(&mut self) -> Option<Value> {
        let colon = self.bytes.iter().position(|&byte| byte == b':')?;
        let length: usize = std::str::from_utf8(&self.bytes[..colon]).unwrap().parse().unwrap();
        let end = colon + 1 + length;
        if self.bytes.len() <= end {
            return None;
        }
        let message = serde_json::from_slice(&self.bytes[colon + 1..end]).unwrap();
        self.bytes.drain(..=end);
        Some(message)
    }
}
