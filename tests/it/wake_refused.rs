//! Nobody can make the server call anything but a phone, and phones only where they call from.

use std::net::SocketAddr;

use contract::rest::{WakeResult, WakeWay};
use serde_json::json;
use tokio::net::{TcpListener, UdpSocket};

use crate::support::{HandPhone, TestServer, mac};
use crate::wake_by_http::ways;

/// Somebody at the other end who must not be called.
struct Traps {
    tcp: TcpListener,
    udp: UdpSocket,
}

impl Traps {
    async fn set() -> Self {
        let (tcp, udp) =
            (TcpListener::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.0.0.1:0").await.unwrap());
        Self { tcp, udp }
    }

    fn addresses(&self) -> (SocketAddr, SocketAddr) {
        (self.tcp.local_addr().unwrap(), self.udp.local_addr().unwrap())
    }

    /// What is there by the time the server has said that it called nobody.
    fn are_empty(&self) -> bool {
        let mut byte = [0; 1];
        let mut nobody = std::task::Context::from_waker(std::task::Waker::noop());
        self.tcp.poll_accept(&mut nobody).is_pending() && self.udp.try_recv(&mut byte).is_err()
    }
}

/// A phone that says how it is to be called, and the path to wake it.
async fn says(server: &TestServer, url: &str, udp: &str) -> (HandPhone, String) {
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let mut phone = HandPhone::new(mac(1), server.acs_url());
    phone.manufacturer = "Acme".to_owned();
    phone.says = vec![
        ("ManagementServer.ConnectionRequestURL", url.to_owned()),
        ("ManagementServer.UDPConnectionRequestAddress", udp.to_owned()),
    ];
    phone.session().await;
    (phone, format!("/api/v1/phones/{id}/wake"))
}

#[tokio::test]
async fn this_machine_is_not_called_unless_it_is_allowed() {
    let server = TestServer::with(&[("wake.allow_loopback", "false"), ("stun.listen", "127.0.0.1:0")]).await;
    let traps = Traps::set().await;
    let (tcp, udp) = traps.addresses();
    let (_phone, path) = says(&server, &format!("http://{tcp}/x"), &udp.to_string()).await;
    let property = server.api.get("/api/v1/properties").await.ok::<Vec<contract::rest::Property>>().remove(0).id;
    let pbx = json!({ "address": udp.to_string(), "transport": "udp" });
    server.api.put(&format!("/api/v1/properties/{property}/pbx"), pbx).await.ok::<contract::rest::Pbx>();
    let woken: WakeResult = server.api.post(&path, json!({})).await.ok();
    assert_eq!(ways(&woken), [(WakeWay::ConnectionRequest, false), (WakeWay::Udp, false), (WakeWay::Sip, false)]);
    for attempt in &woken.attempts {
        assert!(attempt.note.contains("is not called") && attempt.note.contains("this machine"), "{attempt:?}");
    }
    assert!(traps.are_empty());
}

#[tokio::test]
async fn a_phone_cannot_have_another_host_called() {
    for host in ["127.0.0.2", "10.255.255.1", "[::1]", "169.254.169.254", "224.0.0.251", "255.255.255.255", "localhost"]
    {
        let server = TestServer::with(&[("stun.listen", "127.0.0.1:0")]).await;
        let (_phone, path) = says(&server, &format!("http://{host}:7547/x"), &format!("{host}:7547")).await;
        let woken: WakeResult = server.api.post(&path, json!({})).await.ok();
        let called = woken.attempts.iter().any(|attempt| attempt.ok || !attempt.note.contains("is not called"));
        assert!(!called, "{host}: {woken:?}");
    }
}
