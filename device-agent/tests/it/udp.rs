//! The ACS's way through a NAT: a binding by STUN, its address told, and a signed datagram that opens a session.

use std::net::SocketAddr;

use crate::support::acs::{Acs, set};
use crate::support::{given, phone, until};
use ring::hmac;
use tokio::net::UdpSocket;

/// Answers each binding request with this address, as if there were a NAT in between; tells where requests came from.
async fn stun_server(seen_as: &'static str) -> (SocketAddr, tokio::sync::watch::Receiver<Option<SocketAddr>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let (tell, heard) = tokio::sync::watch::channel(None);
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            assert!(buffer[..length].windows(19).any(|window| window == b"dslforum.org/TR-111"));
            let seen: SocketAddr = seen_as.parse().unwrap();
            let SocketAddr::V4(seen) = seen else { panic!() };
            let mut answer = vec![1, 1, 0, 12];
            answer.extend_from_slice(&buffer[4..20]);
            answer.extend_from_slice(&[0, 1, 0, 8, 0, 1]);
            answer.extend_from_slice(&seen.port().to_be_bytes());
            answer.extend_from_slice(&seen.ip().octets());
            socket.send_to(&answer, from).await.unwrap();
            let _ = tell.send(Some(from));
        }
    });
    (address, heard)
}

#[tokio::test]
async fn is_bound_told_and_called() {
    const ADDRESS: &str = "Device.ManagementServer.UDPConnectionRequestAddress";
    let (dir, acs) = (tempfile::tempdir().unwrap(), Acs::start().await);
    given(dir.path(), &[("tr069.connectionrequestusername", "acs"), ("tr069.connectionrequestpassword", "pw")]);
    let (server, mut heard) = stun_server("203.0.113.7:61000").await;
    acs.ask(set(
        "",
        &[
            ("Device.ManagementServer.STUNServerAddress", "127.0.0.1"),
            ("Device.ManagementServer.STUNServerPort", &server.port().to_string()),
            ("Device.ManagementServer.STUNEnable", "true"),
        ],
    ));
    let agent = phone(dir.path(), &acs.url()).await;
    let inform = until("the address to be told", async || acs.inform_with(1, "4 VALUE CHANGE")).await;
    assert_eq!(acs.told_value(inform, ADDRESS).as_deref(), Some("203.0.113.7:61000"));
    let at = heard.wait_for(Option::is_some).await.unwrap().unwrap();
    let acs_socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let send = async |password: &str| {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        let sig = hex::encode_upper(hmac::sign(&key, b"17000000001acsnonce"));
        let text =
            format!("GET http://203.0.113.7:61000?ts=1700000000&id=1&un=acs&cn=nonce&sig={sig} HTTP/1.1\r\n\r\n");
        acs_socket.send_to(text.as_bytes(), at).await.unwrap();
    };
    send("guess").await;
    send("pw").await;
    let called = until("the session", async || acs.inform_with(inform + 1, "6 CONNECTION REQUEST")).await;
    assert_eq!(called, inform + 1);
    agent.shutdown().await;
}
