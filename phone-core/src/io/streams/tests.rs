//! Streams on real sockets of this machine.
#![allow(clippy::unwrap_used)]

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::settings::tls::TlsSettings;

mod limits;
mod tls;

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn options(call_id: u32) -> Vec<u8> {
    format!("OPTIONS sip:a@b SIP/2.0\r\nCall-ID: {call_id}\r\nl: 4\r\n\r\nbody").into_bytes()
}

/// A shell without a phone in it.
struct Shell {
    streams: Streams,
    reports: mpsc::Receiver<Report>,
    settings: StreamSettings,
}

impl Shell {
    fn new(bind: IpAddr, authorities: Authorities, settings: TlsSettings) -> Self {
        let (sender, reports) = mpsc::channel(16);
        let settings = StreamSettings { tls: settings, ..StreamSettings::default() };
        Self { streams: Streams::new(bind, authorities, sender), reports, settings }
    }

    fn plain() -> Self {
        Self::new(LOCALHOST, None, TlsSettings::default())
    }

    fn send(&mut self, transport: Transport, to: SocketAddr, bytes: &[u8]) {
        self.send_from(1, 5060, transport, to, bytes);
    }

    fn send_from(&mut self, account: u8, local_port: u16, transport: Transport, to: SocketAddr, bytes: &[u8]) {
        let (name, bytes) = ("pbx.example".to_owned(), bytes.to_vec());
        let transmit = Transmit { account, transport, local_port, to, name, bytes };
        self.streams.send(transmit, self.settings.clone()).unwrap();
    }

    async fn input(&mut self) -> Input {
        timeout(Duration::from_secs(10), async {
            loop {
                match self.reports.recv().await.unwrap() {
                    Report::Accepted { transport, port, from, stream } => {
                        self.streams.accept(transport, port, from, stream, self.settings.clone());
                    }
                    report => {
                        if let Some(input) = self.streams.input(report) {
                            return input;
                        }
                    }
                }
            }
        })
        .await
        .unwrap()
    }

    async fn connected(&mut self) -> SocketAddr {
        match self.input().await {
            Input::Connected { account: 1, local, .. } => local,
            other => panic!("{other:?}"),
        }
    }

    async fn message(&mut self) -> (SocketAddr, SocketAddr, Vec<u8>) {
        match self.input().await {
            Input::Message { local, from, bytes, .. } => (local, from, bytes),
            other => panic!("{other:?}"),
        }
    }

    async fn disconnected(&mut self) -> (SocketAddr, String) {
        match self.input().await {
            Input::Disconnected { remote, reason, .. } => (remote, reason),
            other => panic!("{other:?}"),
        }
    }
}

async fn peer() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn take(stream: &mut (impl tokio::io::AsyncRead + Unpin), length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    timeout(Duration::from_secs(10), stream.read_exact(&mut bytes)).await.unwrap().unwrap();
    bytes
}

#[tokio::test]
async fn what_waits_for_the_connection_is_sent_and_one_connection_serves_all() {
    let (mut shell, (listener, to)) = (Shell::plain(), peer().await);
    shell.send(Transport::Tcp, to, &options(1));
    shell.send(Transport::Tcp, to, &options(2));
    let local = shell.connected().await;
    let (mut stream, from) = listener.accept().await.unwrap();
    assert_eq!(from, local);
    shell.send(Transport::Tcp, to, &options(3));
    let all = [options(1), options(2), options(3)].concat();
    assert_eq!(take(&mut stream, all.len()).await, all);
    // Another account has its own.
    shell.send_from(2, 5062, Transport::Tcp, to, &options(4));
    let (mut other, _) = listener.accept().await.unwrap();
    assert_eq!(take(&mut other, options(4).len()).await, options(4));
}

#[tokio::test]
async fn messages_split_and_glued_arrive_whole() {
    let (mut shell, (listener, to)) = (Shell::plain(), peer().await);
    shell.send(Transport::Tcp, to, &options(1));
    let local = shell.connected().await;
    let (mut stream, _) = listener.accept().await.unwrap();
    for byte in options(2) {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    stream.write_all(&[options(3), options(4)].concat()).await.unwrap();
    for call_id in 2..=4 {
        assert_eq!(shell.message().await, (local, to, options(call_id)));
    }
}

#[tokio::test]
async fn pings_are_answered_and_pongs_reported() {
    let (mut shell, (listener, to)) = (Shell::plain(), peer().await);
    // A keep-alive alone opens nothing.
    shell.send(Transport::Tcp, to, b"\r\n\r\n");
    shell.send(Transport::Tcp, to, &options(1));
    shell.connected().await;
    shell.send(Transport::Tcp, to, b"\r\n\r\n");
    let (mut stream, _) = listener.accept().await.unwrap();
    assert_eq!(take(&mut stream, options(1).len()).await, options(1));
    assert_eq!(take(&mut stream, 4).await, b"\r\n\r\n");
    stream.write_all(b"\r\n").await.unwrap();
    assert!(matches!(shell.input().await, Input::Pong { transport: Transport::Tcp, remote } if remote == to));
    stream.write_all(b"\r\n\r\n").await.unwrap();
    assert_eq!(take(&mut stream, 2).await, b"\r\n");
}

#[tokio::test]
async fn refused_and_broken_connections_are_reported() {
    let mut shell = Shell::plain();
    let (listener, gone) = peer().await;
    drop(listener);
    shell.send(Transport::Tcp, gone, &options(1));
    let (remote, reason) = shell.disconnected().await;
    assert!(remote == gone && reason.contains("refused"), "{reason}");

    let (listener, to) = peer().await;
    shell.send(Transport::Tcp, to, &options(1));
    shell.connected().await;
    drop(listener.accept().await.unwrap());
    assert_eq!(shell.disconnected().await.0, to);
    // The next message opens another.
    shell.send(Transport::Tcp, to, &options(2));
    shell.connected().await;
    let (mut stream, _) = listener.accept().await.unwrap();
    assert_eq!(take(&mut stream, options(2).len()).await, options(2));
    stream.write_all(b"SIP/2.0 200 OK\r\nCall-ID: 1\r\n\r\n").await.unwrap();
    assert_eq!(shell.disconnected().await, (to, "Content-Length is missing".to_owned()));
}

#[tokio::test]
async fn answers_go_back_on_the_connection_a_request_came_on() {
    let mut shell = Shell::plain();
    let socket = Socket { account: 2, transport: Transport::Tcp, port: 0 };
    let port = shell.streams.listen(socket).unwrap();
    assert_eq!(shell.streams.listen(socket).unwrap(), port, "once is enough");
    let mut client = TcpStream::connect((LOCALHOST, port)).await.unwrap();
    client.write_all(&options(1)).await.unwrap();
    let (local, from, bytes) = shell.message().await;
    assert_eq!((local.port(), from, bytes), (port, client.local_addr().unwrap(), options(1)));
    // Even if the phone takes it for another account's.
    shell.send_from(1, port, Transport::Tcp, from, &options(2));
    assert_eq!(take(&mut client, options(2).len()).await, options(2));
    // A request of the account goes there as well, whatever port it names.
    shell.send_from(2, 9, Transport::Tcp, from, &options(3));
    assert_eq!(take(&mut client, options(3).len()).await, options(3));
}

#[tokio::test]
async fn a_port_that_is_not_wanted_any_more_is_closed_with_the_connections_of_its_account() {
    let mut shell = Shell::plain();
    let port = shell.streams.listen(Socket { account: 1, transport: Transport::Tcp, port: 0 }).unwrap();
    let mut client = TcpStream::connect((LOCALHOST, port)).await.unwrap();
    client.write_all(&options(1)).await.unwrap();
    let (_, from, _) = shell.message().await;
    shell.send_from(1, port, Transport::Tcp, from, &options(2));
    shell.streams.retain(&[], &[2]);
    // What was queued still goes out.
    assert_eq!(take(&mut client, options(2).len()).await, options(2));
    assert_eq!(timeout(Duration::from_secs(10), client.read(&mut [0])).await.unwrap().unwrap(), 0);
    while TcpStream::connect((LOCALHOST, port)).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn both_families_on_one_socket() {
    let mut shell = Shell::new(std::net::Ipv6Addr::UNSPECIFIED.into(), None, TlsSettings::default());
    let port = shell.streams.listen(Socket { account: 1, transport: Transport::Tcp, port: 0 }).unwrap();
    let mut kept = Vec::new();
    for address in ["127.0.0.1".parse::<IpAddr>().unwrap(), "::1".parse().unwrap()] {
        let mut client = TcpStream::connect((address, port)).await.unwrap();
        client.write_all(&options(1)).await.unwrap();
        let (local, from, _) = shell.message().await;
        assert_eq!((local, from), (SocketAddr::new(address, port), client.local_addr().unwrap()));
        shell.send_from(1, port, Transport::Tcp, from, &options(2));
        assert_eq!(take(&mut client, options(2).len()).await, options(2));
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let to = listener.local_addr().unwrap();
        shell.send(Transport::Tcp, to, &options(3));
        assert_eq!(shell.connected().await.ip(), address);
        kept.push((listener, client));
    }
}

#[tokio::test]
async fn sockets_carry_the_class_of_service_and_probe() {
    let (mut shell, (listener, to)) = (Shell::plain(), peer().await);
    for address in [LOCALHOST, "::1".parse().unwrap()] {
        let socket = socket2::Socket::from(open::udp(address, 0, 46).unwrap());
        let mark = if address.is_ipv4() { socket.tos_v4() } else { socket.tclass_v6() };
        assert_eq!(mark.unwrap(), 46 << 2);
    }
    shell.streams.mark(26);
    shell.send(Transport::Tcp, to, &options(1));
    shell.connected().await;
    drop(listener);
    let stream = open::connect(LOCALHOST, peer().await.1, 26, true).await;
    // Its peer is gone by now, which the options of the socket do not mind.
    if let Ok(stream) = stream {
        let socket = socket2::SockRef::from(&stream);
        assert_eq!((socket.tos_v4().unwrap(), socket.keepalive().unwrap()), (26 << 2, true));
    }
}

#[tokio::test]
async fn other_settings_take_another_connection() {
    let (mut shell, (listener, to)) = (Shell::plain(), peer().await);
    shell.send(Transport::Tcp, to, &options(1));
    shell.connected().await;
    let (mut first, _) = listener.accept().await.unwrap();
    shell.settings.tls.check_chain = true;
    shell.send(Transport::Tcp, to, &options(2));
    assert_eq!(take(&mut first, options(1).len()).await, options(1));
    assert_eq!(timeout(Duration::from_secs(10), first.read(&mut [0])).await.unwrap().unwrap(), 0);
    let (mut second, _) = listener.accept().await.unwrap();
    assert_eq!(take(&mut second, options(2).len()).await, options(2));
}

#[tokio::test]
async fn when_the_address_moves_connections_from_the_old_one_are_lost() {
    let (mut shell, (listener, to)) = (Shell::plain(), peer().await);
    shell.send(Transport::Tcp, to, &options(1));
    shell.connected().await;
    let (mut stream, _) = listener.accept().await.unwrap();
    assert!(shell.streams.leave([192, 0, 2, 1].into()).is_empty());
    let lost = shell.streams.leave(LOCALHOST);
    assert!(matches!(lost.as_slice(), [Input::Disconnected { remote, .. }] if *remote == to), "{lost:?}");
    take(&mut stream, options(1).len()).await;
    assert_eq!(timeout(Duration::from_secs(10), stream.read(&mut [0])).await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn a_phone_that_ends_takes_leave() {
    let (mut shell, (listener, to)) = (Shell::plain(), peer().await);
    shell.send(Transport::Tcp, to, &options(1));
    shell.connected().await;
    let (mut stream, _) = listener.accept().await.unwrap();
    let Shell { streams, reports, .. } = shell;
    drop(reports);
    streams.close().await;
    assert_eq!(take(&mut stream, options(1).len()).await, options(1));
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}
