//! The tokio shell alone: sockets, names, addresses, endings. The registrar is a few lines on a socket.

#![allow(clippy::unwrap_used)]

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use phone_core::settings::servers::ServerSettings;
use phone_core::sip::message::{Message, Name, ResponseBuilder};
use phone_core::{AccountSettings, AccountStatus, IoOptions, PhoneConfig, PhoneEvent, spawn};
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Says 200 to every request, and tells where it came from.
async fn registrar() -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<SocketAddr>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut buffer = vec![0; 65_536];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let request = Message::parse_datagram(&buffer[..length]).unwrap();
            let via = request.top_via().unwrap();
            let response = ResponseBuilder::new(&request, 200, via, "t").header(Name::Expires, 60).finish(&[]);
            socket.send_to(&response, from).await.unwrap();
            let _ = sender.send(from);
        }
    });
    (address, receiver)
}

fn config(server: String, local_port: u16) -> PhoneConfig {
    let mut config = PhoneConfig::new("GHP620", "1", [1, 2, 3, 4, 5, 6]);
    let user = "7".to_owned();
    config.accounts = vec![AccountSettings {
        enabled: true,
        servers: ServerSettings::at(&server),
        user,
        local_port,
        ..AccountSettings::default()
    }];
    config.phone.random_ports = false;
    config
}

async fn expect(events: &mut tokio::sync::mpsc::Receiver<PhoneEvent>, wanted: PhoneEvent) {
    assert_eq!(timeout(Duration::from_secs(10), events.recv()).await.unwrap(), Some(wanted));
}

#[tokio::test]
async fn resolves_the_server_and_finds_its_own_address() {
    let (server, mut seen) = registrar().await;
    let config = config(format!("localhost:{}", server.port()), 0);
    let (phone, mut events) = spawn(config, IoOptions::default()).unwrap();
    expect(&mut events, PhoneEvent::SetupCompleted).await;
    expect(&mut events, PhoneEvent::Registered { account: 1 }).await;
    assert_eq!(seen.recv().await.unwrap().ip(), IpAddr::from([127, 0, 0, 1]));
    assert_eq!(phone.state().borrow().local_address, Some([127, 0, 0, 1].into()));
    assert_eq!(phone.state().borrow().accounts[0].status, AccountStatus::Registered);
    // A new address from outside registers anew.
    phone.local_address([127, 0, 0, 2].into()).await.unwrap();
    let change = PhoneEvent::IpChange { old: [127, 0, 0, 1].into(), new: [127, 0, 0, 2].into() };
    expect(&mut events, change).await;
    timeout(Duration::from_secs(5), seen.recv()).await.unwrap();
}

#[tokio::test]
async fn a_name_nobody_knows_is_a_failure() {
    let options = IoOptions { bind: [127, 0, 0, 1].into(), ..IoOptions::default() };
    let (_phone, mut events) = spawn(config("no-such-host.invalid".into(), 0), options).unwrap();
    expect(&mut events, PhoneEvent::SetupCompleted).await;
    let failed = timeout(Duration::from_secs(20), events.recv()).await.unwrap();
    assert!(matches!(failed, Some(PhoneEvent::RegisterFailed { code: 0, .. })), "{failed:?}");
}

#[tokio::test]
async fn a_busy_port_gives_way_to_another_and_a_new_one_is_taken() {
    let (server, mut seen) = registrar().await;
    let busy = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = busy.local_addr().unwrap().port();
    let options = || IoOptions { bind: [127, 0, 0, 1].into(), ..IoOptions::default() };
    let (phone, mut events) = spawn(config(server.to_string(), port), options()).unwrap();
    expect(&mut events, PhoneEvent::SetupCompleted).await;
    expect(&mut events, PhoneEvent::Registered { account: 1 }).await;
    assert_ne!(seen.recv().await.unwrap().port(), port);
    let free = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    phone.settings(1, config(server.to_string(), free).accounts.remove(0)).await.unwrap();
    let from = timeout(Duration::from_secs(5), seen.recv()).await.unwrap().unwrap();
    assert_eq!(from.port(), free);
}

#[tokio::test]
async fn without_handles_the_phone_ends() {
    let (server, mut seen) = registrar().await;
    let options = IoOptions { bind: [127, 0, 0, 1].into(), seed: Some(1), ..IoOptions::default() };
    let (phone, mut events) = spawn(config(server.to_string(), 0), options).unwrap();
    seen.recv().await.unwrap();
    drop(phone);
    timeout(Duration::from_secs(5), async { while events.recv().await.is_some() {} }).await.unwrap();
}

#[tokio::test]
async fn answers_options_from_the_socket_it_came_to() {
    let (server, mut seen) = registrar().await;
    let options = IoOptions { bind: [127, 0, 0, 1].into(), ..IoOptions::default() };
    let (_phone, _events) = spawn(config(server.to_string(), 0), options).unwrap();
    let phone_address = seen.recv().await.unwrap();
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let text = "OPTIONS sip:7@x SIP/2.0\r\nVia: SIP/2.0/UDP x;rport;branch=z9hG4bKo\r\nFrom: <sip:a@b>;tag=1\r\n\
                To: <sip:7@x>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\n\r\n";
    peer.send_to(text.as_bytes(), phone_address).await.unwrap();
    let mut buffer = vec![0; 4096];
    let (length, from) = timeout(Duration::from_secs(5), peer.recv_from(&mut buffer)).await.unwrap().unwrap();
    let answer = Message::parse_datagram(&buffer[..length]).unwrap();
    assert_eq!((from, answer.status()), (phone_address, Some(200)));
}
