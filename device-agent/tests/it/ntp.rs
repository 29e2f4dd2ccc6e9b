//! The phone and its time servers: chrony of Debian, and one whose clock is 90 minutes ahead. In a network of their own.

use std::process::{Child, Command, Stdio};

use device_agent::{Agent, AgentConfig, AgentHandle};
use serde_json::Value;
use tokio::net::UdpSocket;

use crate::pnp::lan::ask;
use crate::support::network::in_own_network;
use crate::support::{config, given, until};

const AHEAD_MS: i64 = 5_400_000;
/// From 1900 to 1970, seconds.
const TO_UNIX: i64 = 2_208_988_800;

/// Ends with this.
struct Chrony(Child);

impl Chrony {
    fn start(dir: &std::path::Path) -> Self {
        let file = dir.join("chrony.conf");
        let pid = dir.join("chrony.pid");
        let text = format!(
            "local stratum 3\nallow all\nbindaddress 10.75.0.1\ncmdport 0\nbindcmdaddress /\npidfile {}\n",
            pid.display()
        );
        std::fs::write(&file, text).unwrap();
        let mut chrony = Command::new("/usr/sbin/chronyd");
        // It leaves the system's clock alone.
        chrony.args(["-x", "-d", "-u", "root", "-f"]).arg(file).stdout(Stdio::null()).stderr(Stdio::null());
        let started = chrony.spawn();
        Self(started.unwrap_or_else(|error| panic!("chronyd: {error}; `cargo xtask test` installs what is missing")))
    }
}

impl Drop for Chrony {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until a server gives the time: chronyd answers before, and says that it has none (leap 3, stratum 0).
async fn answers(server: &str) {
    let socket = UdpSocket::bind("0.0.0.0:0").await.unwrap();
    let mut question = [0; 48];
    question[0] = 4 << 3 | 3;
    until("chronyd gives the time", async || {
        // Nobody is there yet: the next try says so.
        let _ = socket.send_to(&question, server).await;
        let mut answer = [0; 100];
        let heard = socket.recv_from(&mut answer);
        tokio::time::timeout(std::time::Duration::from_millis(200), heard).await.ok()?.ok()?;
        (answer[0] >> 6 != 3 && (1..16).contains(&answer[1])).then_some(())
    })
    .await;
}

/// Answers for ever.
async fn ahead(socket: UdpSocket) {
    let mut question = [0; 100];
    loop {
        let (_, from) = socket.recv_from(&mut question).await.unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
        let seconds = (now + AHEAD_MS) / 1000 + TO_UNIX;
        let stamp = ((seconds as u64) << 32).to_be_bytes();
        let mut answer = [0; 48];
        (answer[0], answer[1]) = (4 << 3 | 4, 1);
        answer[24..32].copy_from_slice(&question[40..48]);
        answer[32..40].copy_from_slice(&stamp);
        answer[40..].copy_from_slice(&stamp);
        socket.send_to(&answer, from).await.unwrap();
    }
}

async fn shown(agent: &AgentHandle, token: &str) -> Value {
    let head = format!("GET /provision HTTP/1.1\r\nAuthorization: Bearer {token}\r\n");
    let (status, text) = ask(None, agent.control_addr().unwrap(), &head, b"").await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// How far the phone's time is ahead of the system's, in seconds.
fn ahead_s(agent: &AgentHandle) -> i64 {
    let system = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    (agent.device().now().millis() - system + 500).div_euclid(1000)
}

#[test]
fn the_phone_takes_the_time_of_its_server_or_of_dhcps_where_it_may() {
    in_own_network(|| async {
        let dir = tempfile::tempdir().unwrap();
        let _chrony = Chrony::start(dir.path());
        answers("10.75.0.1:123").await;
        let other = tokio::spawn(ahead(UdpSocket::bind("10.75.0.2:123").await.unwrap()));
        let lease = dir.path().join("lease");
        std::fs::write(&lease, "ip=10.75.0.9\nntpsrv=10.75.0.2\n").unwrap();
        // The first of the phone's own servers is not there.
        given(dir.path(), &[("datetime.ntp.server.1", "10.75.0.3"), ("datetime.ntp.server.2", "10.75.0.1")]);
        let config = AgentConfig {
            dhcp_lease: Some(lease),
            control: Some("127.0.0.1:0".parse().unwrap()),
            ..config(dir.path(), "http://127.0.0.1:9/")
        };
        let agent = Agent::start(config).await.unwrap();
        let token = std::fs::read_to_string(dir.path().join("control.token")).unwrap();
        let from = async |server: &str| {
            until(server, async || {
                let time = shown(&agent, &token).await["time"].clone();
                (time["answer"]["server"] == server).then_some(time)
            })
            .await
        };
        let time = from("10.75.0.1").await;
        assert_eq!((&time["answer"]["stratum"], &time["trouble"]), (&3.into(), &Value::Null));
        assert_eq!(ahead_s(&agent), 0);
        agent.device().set_locally("datetime.override.dhcp.allowoption42", "yes").unwrap();
        let time = from("10.75.0.2").await;
        let offset = time["answer"]["offset_ms"].as_i64().unwrap();
        assert!((offset - AHEAD_MS).abs() <= 2000, "{time}");
        assert!((ahead_s(&agent) - AHEAD_MS / 1000).abs() <= 2);
        // It would have to prove itself, and cannot.
        agent.device().set_locally("datetime.ntp.enableauth", "yes").unwrap();
        let why =
            until("the reason", async || shown(&agent, &token).await["time"]["trouble"].as_str().map(str::to_owned));
        assert!(why.await.contains("no key"));
        assert_eq!(ahead_s(&agent), 0);
        other.abort();
        agent.shutdown().await;
    });
}
