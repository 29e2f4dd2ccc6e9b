//! Phones of the LAN, and HTTP by hand.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use contract::Mac;
use provisioning::pnp::client::{About, Ids, Output};
use provisioning::pnp::{Client, GROUP, MAX_PACKET};
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, UdpSocket};

use crate::support::within;

/// A socket of a phone at this address, that speaks to the group.
pub fn socket(ip: IpAddr) -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    socket.bind(&SocketAddr::new(ip, 0).into()).unwrap();
    let IpAddr::V4(own) = ip else { panic!("IPv4") };
    socket.set_multicast_if_v4(&own).unwrap();
    socket.set_nonblocking(true).unwrap();
    UdpSocket::from_std(socket.into()).unwrap()
}

/// A phone of another maker, or ours, as our own machine plays it.
pub struct Phone {
    pub mac: Mac,
    pub ip: IpAddr,
    socket: UdpSocket,
    client: Client,
    started: Instant,
    /// Packets it loses before it hears one.
    deaf: usize,
}

impl Phone {
    pub fn new(number: u16, vendor: &str, deaf: usize) -> Self {
        let mac: Mac = format!("c074ad75{number:04x}").parse().unwrap();
        let ip: IpAddr = format!("10.75.{}.{}", 1 + number / 200, 1 + number % 200).parse().unwrap();
        let socket = socket(ip);
        let about = About {
            mac,
            vendor: vendor.to_owned(),
            model: "M1".to_owned(),
            version: "1.2.3".to_owned(),
            contact: socket.local_addr().unwrap(),
        };
        let ids = Ids { call_id: format!("call{number}"), tag: "t".to_owned(), branch: "b".to_owned() };
        Self { mac, ip, socket, client: Client::new(about, ids, Duration::ZERO), started: Instant::now(), deaf }
    }

    /// The next URL it is told, or `None` if it gives up.
    pub async fn told(&mut self) -> Option<String> {
        let mut packet = vec![0; MAX_PACKET];
        loop {
            let due = self.client.next_time().map_or(Duration::from_secs(3600), |at| at);
            let outputs = tokio::select! {
                () = tokio::time::sleep_until((self.started + due).into()) => self.client.on_time(self.started.elapsed()),
                received = self.socket.recv_from(&mut packet) => {
                    let (length, from) = received.unwrap();
                    if self.deaf > 0 {
                        self.deaf -= 1;
                        continue;
                    }
                    self.client.on_packet(self.started.elapsed(), from, &packet[..length])
                }
            };
            let mut told = None;
            for output in outputs {
                match output {
                    Output::Send { to, packet } => drop(self.socket.send_to(&packet, to).await.unwrap()),
                    Output::Url { url, .. } => told = Some(url),
                    Output::Ended(_) => return None,
                }
            }
            if told.is_some() {
                return told;
            }
        }
    }

    /// Fetches its file as its maker's phones do: a folder gets the usual name.
    pub async fn fetch(&self, url: &str) -> (u16, String) {
        let name = if url.ends_with('/') { format!("cfg{}.xml", self.mac.compact()) } else { String::new() };
        get(self.ip, &format!("{url}{name}")).await
    }
}

/// GET from this address: status and body.
pub async fn get(from: IpAddr, url: &str) -> (u16, String) {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    ask(Some(from), host.parse().unwrap(), &format!("GET /{path} HTTP/1.1\r\n"), b"").await
}

/// A request: its first line, with further headers. Status and body.
pub async fn ask(from: Option<IpAddr>, to: SocketAddr, head: &str, body: &[u8]) -> (u16, String) {
    within(20, "an answer over HTTP", async {
        let socket = TcpSocket::new_v4().unwrap();
        if let Some(from) = from {
            socket.bind(SocketAddr::new(from, 0)).unwrap();
        }
        let mut stream = socket.connect(to).await.unwrap();
        let head = format!("{head}Host: {to}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server that refuses a body need not read it.
        let _ = stream.write_all(body).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    })
    .await
}

/// A packet as a GRP2612W was captured, from this address.
pub fn grp2612w(own: SocketAddr, mac: Mac) -> String {
    let mac = mac.compact().to_uppercase();
    format!(
        "SUBSCRIBE sip:MAC%3A{mac}@{GROUP} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {own};branch=z9hG4bK1611133778;rport\r\n\
         From: <sip:MAC%3A{mac}@{GROUP}>;tag=395400190\r\n\
         To: <sip:MAC%3A{mac}@{GROUP}>\r\n\
         Call-ID: 490431573-5080-1@BJC.BGI.B.C\r\n\
         CSeq: 20000 SUBSCRIBE\r\n\
         Contact: <sip:{own}>\r\n\
         Max-Forwards: 70\r\n\
         User-Agent: Grandstream GRP2612W 1.0.5.67\r\n\
         Expires: 0\r\n\
         Supported: replaces, path\r\n\
         Event: ua-profile;profile-type=\"device\";vendor=\"Grandstream\";model=\"GRP2612W\";version=\"1.0.5.67\"\r\n\
         Accept: application/url\r\n\
         Content-Length: 0\r\n\r\n"
    )
}
