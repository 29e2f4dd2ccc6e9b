//! The whole phone: where DHCP sends it to register, and what its SIP server may ask of it.

use device_agent::AgentHandle;
use device_agent::provision::Reason;
use tokio::net::UdpSocket;

use super::bench::{Bench, xml};
use super::servers::Place;
use crate::support::{until, within};

/// RFC 3361 names no port, so the port is the usual one, on an address only this test has.
const REGISTRAR: &str = "127.0.120.1";

/// Answers a REGISTER with yes; where it came from.
async fn registered(socket: &UdpSocket) -> (String, std::net::SocketAddr) {
    let mut buffer = [0; 4096];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if !request.starts_with("REGISTER") {
            continue;
        }
        let mut answer = "SIP/2.0 200 OK\r\n".to_owned();
        for line in request.lines().skip(1).take_while(|line| !line.is_empty()) {
            match line.split(':').next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "to" => answer += &format!("{line};tag=r\r\n"),
                "contact" => answer += &format!("{line};expires=3600\r\n"),
                "via" | "from" | "call-id" | "cseq" => answer += &format!("{line}\r\n"),
                _ => {}
            }
        }
        answer += "Content-Length: 0\r\n\r\n";
        socket.send_to(answer.as_bytes(), from).await.unwrap();
        return (request, from);
    }
}

async fn notify(socket: &UdpSocket, register: &str, to: std::net::SocketAddr, event: &str, number: u32) {
    let contact = register.lines().find_map(|line| line.strip_prefix("Contact: <")).unwrap().split('>').next().unwrap();
    let request = format!(
        "NOTIFY {contact} SIP/2.0\r\nVia: SIP/2.0/UDP {REGISTRAR}:5060;branch=z9hG4bKn{number};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:pbx@{REGISTRAR}>;tag=n\r\nTo: <{contact}>\r\nCall-ID: n{number}@pbx\r\n\
         CSeq: 1 NOTIFY\r\nEvent: {event}\r\nSubscription-State: active\r\nContent-Length: 0\r\n\r\n"
    );
    socket.send_to(request.as_bytes(), to).await.unwrap();
}

async fn is_registered(agent: &AgentHandle) {
    use contract::mqtt::AccountStatus;
    until("registered", async || {
        agent.state().accounts.iter().any(|one| one.status == AccountStatus::Registered).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn option_120_names_the_sip_server_if_allowed() {
    let place = Place::new();
    let nginx = place.nginx(None);
    place.put("cfg.xml", xml(&[("hotel.name", "Grand")]));
    let socket = UdpSocket::bind((REGISTRAR, 5060)).await.unwrap();
    let (lease, path) = (place.path("lease"), format!("http://127.0.0.1:{}/", nginx.port));
    std::fs::write(&lease, format!("sipsrv={REGISTRAR}\n")).unwrap();
    let set = |allow: &'static str| {
        [
            (":account.1.enable", "yes"),
            (":account.1.sip.server.1.address", "127.0.120.9"),
            (":account.1.sip.userid", "1207"),
            (":sip.override.dhcp.allowoption120", allow),
        ]
    };
    let start = async |allow, path: &str| {
        let all = [&set(allow)[..], &[("config.serverpath", path)]].concat();
        Bench::with(&place, &all, |config| {
            config.dhcp_lease = Some(lease.clone());
            config.simulated = false;
            config.sound = None;
            config.sip_bind = "127.0.0.1".parse().unwrap();
        })
        .await
    };
    let bench = start("no", &path).await;
    bench.ended().await;
    let nobody = tokio::time::timeout(std::time::Duration::from_secs(1), registered(&socket)).await;
    assert!(nobody.is_err(), "it registers where the settings say");
    bench.agent.shutdown().await;

    let bench = start("yes", &path).await;
    let first = bench.ended().await;
    let (register, from) = within(10, "a registration", registered(&socket)).await;
    is_registered(&bench.agent).await;
    // check-sync: look for files now.
    place.put("cfg.xml", xml(&[("hotel.name", "Palace")]));
    notify(&socket, &register, from, "check-sync", 1).await;
    let ended = bench.ended_after(first.at.millis()).await;
    assert_eq!((ended.reason, ended.changed), (Reason::CheckSync, 1), "{ended:?}");
    // With `reboot=true`: after a restart, but not while somebody talks.
    let boot = bench.agent.device().boot();
    bench.agent.hook(true).await;
    until("off hook", async || bench.agent.device().line().off_hook.then_some(())).await;
    notify(&socket, &register, from, "check-sync;reboot=true", 2).await;
    let again = bench.again().await;
    assert_eq!((again.ok, bench.agent.device().boot()), (true, boot));
    bench.agent.hook(false).await;
    until("the restart", async || (bench.agent.device().boot() == boot + 1).then_some(())).await;
    bench.agent.shutdown().await;
}
