//! The whole phone: SIP by phone-core, sessions, broker, and the binary with its signals.

use std::process::Stdio;

use crate::support::acs::{Acs, enrolment, set};
use crate::support::broker::Broker;
use crate::support::{until, within};
use contract::event::EventKind;
use contract::mqtt::AccountStatus;
use device_agent::{Agent, AgentConfig, StateFile};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc;

/// A registrar that says yes to everybody. Returns its address.
async fn registrar() -> String {
    registrar_that_tells(mpsc::unbounded_channel().0).await
}

/// The same; tells every request.
async fn registrar_that_tells(requests: mpsc::UnboundedSender<String>) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let _ = requests.send(request.clone());
            let mut answer = "SIP/2.0 200 OK\r\n".to_owned();
            for line in request.lines().skip(1).take_while(|line| !line.is_empty()) {
                let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
                match name.as_str() {
                    "to" => answer += &format!("{line};tag=r\r\n"),
                    "contact" => answer += &format!("{line};expires=3600\r\n"),
                    "via" | "from" | "call-id" | "cseq" => answer += &format!("{line}\r\n"),
                    _ => {}
                }
            }
            answer += "Content-Length: 0\r\n\r\n";
            socket.send_to(answer.as_bytes(), from).await.unwrap();
        }
    });
    address
}

fn account(registrar: &str) -> cwmp::SetParameterValues {
    set(
        "bh:2",
        &[
            ("Device.X_BELLHOP_Settings.account.1.enable", "yes"),
            ("Device.X_BELLHOP_Settings.account.1.sip.server.1.address", registrar),
            ("Device.X_BELLHOP_Settings.account.1.sip.userid", "1207"),
            ("Device.X_BELLHOP_Settings.account.1.sip.subscriber.password", "pw"),
            ("Device.X_BELLHOP_Settings.account.1.sip.localport", "45060"),
        ],
    )
}

#[tokio::test]
async fn registers_with_what_it_is_told_and_reports_the_handset() {
    let (dir, acs, broker, registrar) =
        (tempfile::tempdir().unwrap(), Acs::start().await, Broker::start().await, registrar().await);
    acs.ask(enrolment(broker.address));
    acs.ask(account(&registrar));
    let config = AgentConfig {
        connection_request_port: Some(0),
        sip_bind: "127.0.0.1".parse().unwrap(),
        ..AgentConfig::new(dir.path(), "c074ad120701".parse().unwrap(), acs.url())
    };
    let agent = Agent::start(config).await.unwrap();
    until("registered", async || {
        let state = agent.state();
        state
            .accounts
            .iter()
            .any(|a| a.account == 1 && a.status == AccountStatus::Registered && a.user == "1207")
            .then_some(())
    })
    .await;
    agent.hook(true).await;
    until("the events", async || {
        let kinds: Vec<EventKind> = broker.events().iter().map(|event| event.kind).collect();
        [EventKind::SetupCompleted, EventKind::Registered, EventKind::OffHook]
            .iter()
            .all(|kind| kinds.contains(kind))
            .then_some(())
    })
    .await;
    assert!(broker.events().iter().any(|event| event.kind == EventKind::AutoProvisionCompleted));
    within(6, "the end", agent.shutdown()).await;
    assert_eq!(broker.presence().last(), Some(&(false, true)));
}

/// A location server (RFC 5985) that knows one room. Returns its address.
async fn location_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 8192];
            let _ = stream.read(&mut request).await.unwrap();
            let body = "<locationResponse xmlns=\"urn:ietf:params:xml:ns:geopriv:held\"><locationUriSet>\
                        <locationURI>https://lis.example/room/1207</locationURI></locationUriSet></locationResponse>";
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all((head + body).as_bytes()).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn a_call_for_help_says_where_the_location_server_knows_the_phone_to_be() {
    let (dir, acs, broker) = (tempfile::tempdir().unwrap(), Acs::start().await, Broker::start().await);
    let (sender, mut requests) = mpsc::unbounded_channel();
    let (registrar, locations) = (registrar_that_tells(sender).await, location_server().await);
    acs.ask(enrolment(broker.address));
    acs.ask(account(&registrar));
    let help = [
        ("Device.X_BELLHOP_Settings.account.1.sip.localport", "45062"),
        ("Device.X_BELLHOP_Settings.account.1.codec.choice", "pcmu"),
        ("Device.X_BELLHOP_Settings.e911.enable", "yes"),
        ("Device.X_BELLHOP_Settings.e911.held.protocol", "http"),
        ("Device.X_BELLHOP_Settings.e911.held.server.1.address", locations.as_str()),
    ];
    acs.ask(set("bh:3", &help));
    let config = AgentConfig {
        connection_request_port: Some(0),
        sip_bind: "127.0.0.1".parse().unwrap(),
        ..AgentConfig::new(dir.path(), "c074ad120703".parse().unwrap(), acs.url())
    };
    let agent = Agent::start(config).await.unwrap();
    let helped = async {
        loop {
            // A person in need tries until somebody is told where.
            agent.hook(true).await;
            agent.keys("112#").await;
            let invite = async {
                loop {
                    let request = requests.recv().await.unwrap();
                    if request.starts_with("INVITE sip:112@") {
                        return request;
                    }
                }
            };
            let invite = tokio::time::timeout(std::time::Duration::from_millis(500), invite).await;
            agent.hook(false).await;
            if invite.is_ok_and(|invite| invite.contains("\r\nGeolocation: <https://lis.example/room/1207>\r\n")) {
                return;
            }
        }
    };
    within(20, "a call for help that says where", helped).await;
    within(6, "the end", agent.shutdown()).await;
}

#[tokio::test]
async fn the_binary_runs_is_asked_and_ends_at_sigterm() {
    let (dir, acs, broker) = (tempfile::tempdir().unwrap(), Acs::start().await, Broker::start().await);
    acs.ask(enrolment(broker.address));
    let binary = env!("CARGO_BIN_EXE_device-agent");
    let state_dir = dir.path().to_str().unwrap();
    let mut phone = tokio::process::Command::new(binary)
        .args([
            "run",
            "--state-dir",
            state_dir,
            "--mac",
            "c0:74:ad:12:07:02",
            "--model",
            "GHP621W",
            "--acs-url",
            &acs.url(),
        ])
        .args([
            "--control",
            "127.0.0.1:0",
            "--connection-request-port",
            "0",
            "--sip-bind",
            "127.0.0.1",
            "--log",
            "debug",
        ])
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    until("connected", async || broker.presence().first().copied()).await;
    let ask = async |arguments: &[&str]| {
        let output = tokio::process::Command::new(binary)
            .args(arguments)
            .args(["--state-dir", state_dir])
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    ask(&["hook", "off"]).await;
    ask(&["key", "**766*0815#"]).await;
    let state: StateFile = serde_json::from_str(&ask(&["state"]).await).unwrap();
    assert_eq!((state.hook.as_str(), state.room_number.as_str()), ("off", "0815"));
    let id = nix::unistd::Pid::from_raw(phone.id().unwrap() as i32);
    nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).unwrap();
    let status = within(8, "the end", phone.wait()).await.unwrap();
    assert!(status.success());
    assert_eq!(broker.presence().last(), Some(&(false, true)));
    let mut log = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut phone.stderr.take().unwrap(), &mut log).await.unwrap();
    for secret in ["acs-password", "cr-password", "mqtt-password"] {
        assert!(!log.contains(secret), "a credential in the log");
    }
    assert!(!std::fs::read_to_string(dir.path().join("effects.log")).unwrap().contains("-password\""));
}

#[tokio::test]
async fn prints_the_catalogue() {
    for format in ["tsv", "markdown"] {
        let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_device-agent"))
            .args(["settings", "--format", format, "--model", "GHP620"])
            .output()
            .await
            .unwrap();
        assert!(output.status.success() && String::from_utf8(output.stdout).unwrap().contains("hotel.room.number"));
    }
}
