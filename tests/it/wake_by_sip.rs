//! Waking a phone by SIP NOTIFY through its property's PBX.

use std::net::SocketAddr;
use std::time::Duration;

use auth_digest::{Algorithm, Challenge, Credentials, Ha1, verify};
use contract::rest::{WakeResult, WakeWay};
use serde_json::json;
use tests::hotel::Hotel;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use crate::support::{HandPhone, TestServer, mac};
use crate::wake_by_http::ways;

const TIME: Duration = Duration::from_secs(10);

/// A field of a SIP message.
pub fn field<'a>(message: &'a str, name: &str) -> &'a str {
    let line = message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name} in {message}"))
}

/// An answer to a request, as a PBX would write it.
pub fn answer(request: &str, status: &str, more: &str) -> String {
    let copied = ["Via", "From", "To", "Call-ID", "CSeq"].map(|name| format!("{name}: {}\r\n", field(request, name)));
    format!("SIP/2.0 {status}\r\n{}{more}Content-Length: 0\r\n\r\n", copied.concat())
}

/// The next request somebody sends to this socket, and from where.
pub async fn asked(socket: &UdpSocket) -> (String, SocketAddr) {
    let mut bytes = vec![0; 4096];
    let (length, from) = tokio::time::timeout(TIME, socket.recv_from(&mut bytes)).await.expect("a request").unwrap();
    (String::from_utf8_lossy(&bytes[..length]).into_owned(), from)
}

/// A phone of another maker that can be reached by nothing else, in room 1207.
async fn deaf(server: &TestServer, hotel: &Hotel) -> (HandPhone, String) {
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let mut phone = HandPhone::new(mac(1), server.acs_url());
    phone.manufacturer = "Acme".to_owned();
    phone.session().await;
    (phone, format!("/api/v1/phones/{id}/wake"))
}

pub async fn pbx(server: &TestServer, hotel: &Hotel, address: SocketAddr, transport: &str) {
    let path = format!("/api/v1/properties/{}/pbx", hotel.property);
    let change = json!({ "address": address.to_string(), "transport": transport, "domain": "hotel.example",
        "user": "acs", "password": "of the pbx" });
    server.api.put(&path, change).await.ok::<contract::rest::Pbx>();
}

#[tokio::test]
async fn a_phone_is_woken_through_the_pbx_which_wants_proof() {
    let server = TestServer::with(&[("acs.inform_interval_s", "3600")]).await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, path) = deaf(&server, &hotel).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    pbx(&server, &hotel, socket.local_addr().unwrap(), "udp").await;
    let switch = async {
        // The first copy gets lost; the second is answered.
        let (lost, _) = asked(&socket).await;
        let (first, from) = asked(&socket).await;
        assert_eq!(first, lost, "the same request once more");
        assert!(first.starts_with("NOTIFY sip:1207@hotel.example SIP/2.0\r\n"), "{first}");
        assert!(field(&first, "Event").starts_with("check-sync"));
        assert!(field(&first, "From").starts_with("<sip:acs@hotel.example>;tag="));
        let challenge = Challenge::new(Algorithm::Md5, "hotel.example", "a nonce");
        let wants = format!("Proxy-Authenticate: {challenge}\r\n");
        socket.send_to(answer(&first, "407 Proxy Authentication Required", &wants).as_bytes(), from).await.unwrap();
        let (second, from) = asked(&socket).await;
        assert_eq!(field(&second, "CSeq"), "2 NOTIFY");
        assert_eq!(field(&second, "Call-ID"), field(&first, "Call-ID"));
        let proof = Credentials::parse(field(&second, "Proxy-Authorization")).unwrap();
        let ha1 = Ha1::new(Algorithm::Md5, "acs", "hotel.example", "of the pbx");
        assert!(verify(&proof, &ha1, "NOTIFY", "sip:1207@hotel.example", b"").is_ok());
        socket.send_to(answer(&second, "100 Trying", "").as_bytes(), from).await.unwrap();
        socket.send_to(answer(&second, "202 Accepted", "").as_bytes(), from).await.unwrap();
        phone.begin().await;
    };
    let wake = async { server.api.post(&path, json!({})).await.ok::<WakeResult>() };
    let ((), woken) = tokio::join!(switch, wake);
    assert_eq!(ways(&woken), [(WakeWay::Sip, true)], "{woken:?}");
}

#[tokio::test]
async fn a_pbx_that_refuses_is_quoted() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (_phone, path) = deaf(&server, &hotel).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    pbx(&server, &hotel, listener.local_addr().unwrap(), "tcp").await;
    let switch = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
        }
        let request = String::from_utf8(bytes).unwrap();
        assert!(field(&request, "Via").starts_with("SIP/2.0/TCP "));
        // In pieces, as TCP may have it.
        let answer = answer(&request, "480 Temporarily Unavailable", "");
        let (head, rest) = answer.split_at(20);
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        stream.write_all(rest.as_bytes()).await.unwrap();
    };
    let wake = async { server.api.post(&path, json!({})).await.ok::<WakeResult>() };
    let ((), woken) = tokio::join!(switch, wake);
    assert_eq!(ways(&woken), [(WakeWay::Sip, false)]);
    assert!(woken.attempts[0].note.contains("480"), "{woken:?}");
}
