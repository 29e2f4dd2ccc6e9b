//! A real Mosquitto, with the configuration in `deploy/mosquitto` and the commands in ADR 0002.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rumqttc::Packet;
use serde_json::Value;
use tempfile::TempDir;
use tests::certificates::Pair;
use tests::process::free_port;

use super::mqtt::{Login, Mqtt};
use super::{TestServer, wait_true};

/// Of the server's own user.
pub const PASSWORD: &str = "the server's own";
/// Where the plugin answers.
pub const RESPONSES: &str = "$CONTROL/dynamic-security/v1/response";

/// Debian's Mosquitto on a port of its own. Dropping it ends it.
pub struct Mosquitto {
    pub port: u16,
    pub dir: TempDir,
    child: Child,
}

fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/bin".into()]);
    let found = folders.map(|folder: PathBuf| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("`{name}` is missing: install the Debian package: apt-get install mosquitto"))
}

/// A file of the repository.
fn repository(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

impl Mosquitto {
    pub async fn start() -> Self {
        Self::start_with(None).await
    }

    /// With a TLS listener on a port of its own beside the plain one.
    pub async fn start_with(tls: Option<(u16, &Pair)>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port().unwrap();
        let state = dir.path().join("dynamic-security.json");
        let mut init = Command::new(program("mosquitto_ctrl"));
        init.args(["dynsec", "init"]).arg(&state).args(["admin", "first"]).stdout(Stdio::null());
        assert!(init.status().unwrap().success());
        let mut config = repository("deploy/mosquitto/mosquitto.conf");
        let own = format!("{}/", dir.path().display());
        for (deployed, here) in [("listener 1883", format!("listener {port} 127.0.0.1")), ("/var/lib/mosquitto/", own)]
        {
            assert!(config.contains(deployed), "mosquitto.conf has no {deployed}");
            config = config.replace(deployed, &here);
        }
        if let Some((port, pair)) = tls {
            let files = pair.save(dir.path(), "broker").unwrap();
            let (certificate, key) = (files.certificate.display(), files.key.display());
            let own = format!("\nlistener {port} 127.0.0.1\ncertfile {certificate}\nkeyfile {key}\n");
            config.push_str(&own);
        }
        // Started as root it would become `mosquitto`, who cannot write here.
        config.push_str("\nuser root\n");
        std::fs::write(dir.path().join("mosquitto.conf"), config).unwrap();
        let mosquitto = Self { port, child: Self::run(dir.path(), port).await, dir };
        mosquitto.make_service().await;
        mosquitto
    }

    async fn run(dir: &Path, port: u16) -> Child {
        let log = std::fs::OpenOptions::new().append(true).create(true).open(dir.join("log")).unwrap();
        let mut command = Command::new(program("mosquitto"));
        command.arg("-c").arg(dir.join("mosquitto.conf")).stderr(log);
        let mut child = command.spawn().unwrap();
        wait_true("Mosquitto listens", async || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("Mosquitto ended, {status}:\n{}", std::fs::read_to_string(dir.join("log")).unwrap());
            }
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        })
        .await;
        child
    }

    pub fn login(&self, user: &str, password: &str) -> Login {
        Login { port: self.port, user: user.to_owned(), password: password.to_owned() }
    }

    /// What an administrator does once: the first block of the ADR.
    async fn make_service(&self) {
        let adr = repository("docs/adr/0002-broker.md");
        let block = adr.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let commands = block.replace('…', PASSWORD);
        assert!(commands.contains(PASSWORD));
        let mut admin = Mqtt::connect_as("svc-setup", &self.login("admin", "first")).await.unwrap();
        admin.hear(RESPONSES).await.unwrap();
        admin.publish("$CONTROL/dynamic-security/v1", commands).await;
        let answers = loop {
            if let Packet::Publish(answer) = admin.packet().await.expect("the plugin answers") {
                break serde_json::from_slice::<Value>(&answer.payload).unwrap();
            }
        };
        let answers = answers["responses"].as_array().unwrap();
        assert!(answers.len() == 3 && answers.iter().all(|answer| answer.get("error").is_none()), "{answers:?}");
    }

    /// A server that uses it.
    pub async fn server(&self) -> TestServer {
        let port = self.port.to_string();
        TestServer::with(&Self::settings(&port)).await
    }

    /// What tells a server of the one on this port.
    pub fn settings(port: &str) -> [(&str, &str); 3] {
        [("mqtt.broker", "external"), ("mqtt.port", port), ("mqtt.password", PASSWORD)]
    }

    pub fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
    }

    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Again, on what it kept.
    pub async fn restart(&mut self) {
        self.child = Self::run(self.dir.path(), self.port).await;
    }

    /// SIGKILL, in the middle of its work, and what it had written of sessions and messages is lost. Accounts are not: they
    /// are the plugin's, in a file of their own.
    pub async fn lose_store(&mut self) {
        let store = self.dir.path().join("mosquitto.db");
        self.signal("-USR1");
        wait_true("Mosquitto writes its store", async || store.is_file()).await;
        self.stop();
        std::fs::remove_file(store).unwrap();
    }

    /// Users and roles as the plugin keeps them.
    pub fn kept(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("dynamic-security.json")).unwrap()
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.stop();
    }
}
