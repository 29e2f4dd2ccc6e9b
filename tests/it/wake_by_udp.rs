//! Waking a phone behind NAT: it keeps a way open to the STUN server, and is called through it (TR-069 Annex G).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use cloud::db::entity::phone;
use contract::rest::{WakeResult, WakeWay};
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign, verify};
use sea_orm::EntityTrait;
use sea_orm::sea_query::Expr;
use serde_json::json;
use tokio::net::UdpSocket;

use crate::support::{Ask, HandPhone, Phone, TestServer, mac, wait_true};
use crate::wake_by_http::ways;

const TIME: Duration = Duration::from_secs(10);

/// A binding request of TR-069 Annex G, with CONNECTION-REQUEST-BINDING; signed as RFC 3489 has it if there is a password.
fn binding(user: Option<(&str, &str)>) -> Vec<u8> {
    let mut message = vec![0, 1, 0, 0];
    message.extend_from_slice(&[9; 16]);
    let put = |message: &mut Vec<u8>, kind: u16, value: &[u8]| {
        message.extend_from_slice(&kind.to_be_bytes());
        message.extend_from_slice(&(value.len() as u16).to_be_bytes());
        message.extend_from_slice(value);
        message.resize(message.len().next_multiple_of(4), 0);
        let length = (message.len() - 20) as u16;
        message[2..4].copy_from_slice(&length.to_be_bytes());
    };
    put(&mut message, 0xc001, b"dslforum.org/TR-111 ");
    if let Some((user, password)) = user {
        put(&mut message, 0x0006, user.as_bytes());
        let mut signed = message.clone();
        let length = (signed.len() + 24 - 20) as u16;
        signed[2..4].copy_from_slice(&length.to_be_bytes());
        signed.resize(signed.len().next_multiple_of(64), 0);
        let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        put(&mut message, 0x0008, sign(&key, &signed).as_ref());
    }
    message
}

/// What comes next.
async fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut bytes = vec![0; 2048];
    let length = tokio::time::timeout(TIME, socket.recv(&mut bytes)).await.expect("an answer").unwrap();
    bytes.truncate(length);
    bytes
}

/// Sends a request and reads the answer's kind.
async fn ask(socket: &UdpSocket, request: &[u8]) -> (u16, Vec<u8>) {
    socket.send(request).await.unwrap();
    let answer = receive(socket).await;
    assert_eq!(&answer[4..20], &[9; 16], "the same transaction");
    (u16::from_be_bytes([answer[0], answer[1]]), answer)
}

#[tokio::test]
async fn a_phone_behind_nat_is_woken_through_the_way_it_keeps_open() {
    let server = TestServer::with(&[("stun.listen", "127.0.0.1:0"), ("acs.inform_interval_s", "3600")]).await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let mut phone = HandPhone::new(mac(1), server.acs_url());
    phone.manufacturer = "Acme".to_owned();
    phone.says = vec![("ManagementServer.UDPConnectionRequestAddress", String::new())];
    phone.session().await;
    // A phone that knows Annex G is told where to go.
    assert_eq!(phone.holds("STUNServerPort"), Some(server.stun().port().to_string().as_str()));
    assert_eq!(phone.holds("STUNEnable"), Some("true"));
    let (user, password) = (id.to_string(), phone.holds("STUNPassword").unwrap().to_owned());
    assert_eq!(phone.holds("STUNUsername"), Some(user.as_str()));

    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(server.stun()).await.unwrap();
    let (kind, answer) = ask(&socket, &binding(None)).await;
    assert_eq!((kind, &answer[24..28]), (0x0111, &[0, 0, 4, 1][..]), "401: who are you?");
    let (kind, answer) = ask(&socket, &binding(Some((&user, "wrong")))).await;
    assert_eq!((kind, &answer[24..28]), (0x0111, &[0, 0, 4, 31][..]), "431");
    let stranger = uuid::Uuid::now_v7().to_string();
    assert_eq!(ask(&socket, &binding(Some((&stranger, "wrong")))).await.0, 0x0111);
    let (kind, answer) = ask(&socket, &binding(Some((&user, &password)))).await;
    assert_eq!(kind, 0x0101);
    let port = u16::from_be_bytes([answer[26], answer[27]]);
    assert_eq!((port, &answer[28..32]), (socket.local_addr().unwrap().port(), &[127, 0, 0, 1][..]));

    let wake = async {
        let path = format!("/api/v1/phones/{id}/wake");
        server.api.post(&path, json!({})).await.ok::<WakeResult>()
    };
    let call = async {
        let request = String::from_utf8(receive(&socket).await).unwrap();
        let again = String::from_utf8(receive(&socket).await).unwrap();
        assert_eq!(request, again, "the same one, in case the first got lost");
        phone.begin().await;
        request
    };
    let (woken, request) = tokio::join!(wake, call);
    assert_eq!(ways(&woken), [(WakeWay::Udp, true)], "{woken:?}");

    let line = request.lines().next().unwrap();
    let target = line.strip_prefix("GET ").and_then(|line| line.strip_suffix(" HTTP/1.1")).unwrap();
    let url = reqwest::Url::parse(target).unwrap();
    let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!(query["un"], user);
    let text = format!("{}{}{}{}", query["ts"], query["id"], query["un"], query["cn"]);
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    let signature: Vec<u8> =
        (0..40).step_by(2).map(|at| u8::from_str_radix(&query["sig"][at..at + 2], 16).unwrap()).collect();
    assert!(verify(&key, text.as_bytes(), &signature).is_ok(), "{request}");
}

#[tokio::test]
async fn whatever_is_sent_to_the_stun_server_it_goes_on() {
    let server = TestServer::with(&[("stun.listen", "127.0.0.1:0")]).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(server.stun()).await.unwrap();
    let good = binding(Some(("user", "password")));
    for at in 0..good.len() {
        socket.send(&good[..at]).await.unwrap();
    }
    socket.send(&vec![0xff; 60_000]).await.unwrap();
    // A plain question needs no name.
    let mut plain = vec![0, 1, 0, 0];
    plain.extend_from_slice(&[9; 16]);
    assert_eq!(ask(&socket, &plain).await.0, 0x0101);
}

#[tokio::test]
async fn our_own_phone_keeps_its_way_open_and_comes_when_it_is_called() {
    let settings = [("stun.listen", "127.0.0.1:0"), ("mqtt.advertise_port", "9"), ("acs.inform_interval_s", "3600")];
    let server = TestServer::with(&settings).await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let _phone = Phone::start(mac(1), server.acs_url()).await;
    let row = async || cloud::app::phones::find(server.app(), id).await.unwrap().unwrap();
    wait_true("it tells its way", async || row().await.udp_address.parse::<SocketAddr>().is_ok()).await;
    server.api.in_sync(id).await;
    // As if a router kept HTTP away.
    let write = server.app().db.write().await.unwrap();
    phone::Entity::update_many()
        .col_expr(phone::Column::ConnectionRequestUrl, Expr::value(""))
        .exec(&write.tx)
        .await
        .unwrap();
    write.commit().await.unwrap();
    let woken: WakeResult = server.api.post(&format!("/api/v1/phones/{id}/wake"), json!({})).await.ok();
    assert_eq!(ways(&woken), [(WakeWay::Udp, true)], "{woken:?}");
}
