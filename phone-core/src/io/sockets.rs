//! The phone's UDP sockets: one for each local port in use.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use socket2::SockRef;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::open;
use super::streams::Report;
use crate::sip::message::MAX_MESSAGE;

struct Bound {
    socket: Arc<UdpSocket>,
    /// Port asked for (0: any).
    wanted: u16,
    reader: tokio::task::AbortHandle,
}

pub(super) struct Sockets {
    bind: IpAddr,
    dscp: u8,
    bound: BTreeMap<u16, Bound>,
    readers: JoinSet<()>,
    reports: mpsc::Sender<Report>,
}

impl Sockets {
    pub(super) fn new(bind: IpAddr, reports: mpsc::Sender<Report>) -> Self {
        Self { bind, dscp: 0, bound: BTreeMap::new(), readers: JoinSet::new(), reports }
    }

    /// Marks what is sent from now on.
    pub(super) fn mark(&mut self, dscp: u8) {
        if self.dscp != dscp {
            self.dscp = dscp;
            for bound in self.bound.values() {
                open::mark(SockRef::from(&*bound.socket), self.bind, dscp);
            }
        }
    }

    /// The port really bound for `wanted`: the one already open for it, `wanted` itself, or an ephemeral one when
    /// `wanted` is 0 or busy.
    pub(super) fn open(&mut self, wanted: u16) -> io::Result<u16> {
        if let Some((port, _)) = self.bound.iter().find(|(_, bound)| bound.wanted == wanted) {
            return Ok(*port);
        }
        let socket = match open::udp(self.bind, wanted, self.dscp) {
            Ok(socket) => socket,
            Err(error) if wanted != 0 => {
                tracing::warn!(wanted, %error, "local SIP port is not to be had, taking any");
                open::udp(self.bind, 0, self.dscp)?
            }
            Err(error) => return Err(error),
        };
        let local = socket.local_addr()?;
        let socket = Arc::new(UdpSocket::from_std(socket)?);
        let reader = self.readers.spawn(read(socket.clone(), local, self.reports.clone()));
        self.bound.insert(local.port(), Bound { socket, wanted, reader });
        Ok(local.port())
    }

    /// Closes the sockets whose port is not in `used`.
    pub(super) fn retain(&mut self, used: &[u16]) {
        self.bound.retain(|port, bound| {
            let keep = used.contains(port);
            if !keep {
                bound.reader.abort();
            }
            keep
        });
        while self.readers.try_join_next().is_some() {}
    }

    /// Sends. A datagram that cannot be sent is lost, as datagrams are; SIP's retransmissions take care of it.
    pub(super) async fn send(&self, local_port: u16, to: SocketAddr, bytes: &[u8]) {
        let Some(bound) = self.bound.get(&local_port) else {
            tracing::debug!(local_port, %to, "no socket for this port");
            return;
        };
        if let Err(error) = bound.socket.send_to(bytes, open::reachable(self.bind, to)).await {
            tracing::debug!(%to, %error, "datagram not sent");
        }
    }
}

/// Reads until the driver is gone. The buffer exists only while a datagram is taken: thousands of idle phones in one
/// process hold none.
async fn read(socket: Arc<UdpSocket>, local: SocketAddr, reports: mpsc::Sender<Report>) {
    loop {
        if let Err(error) = socket.readable().await {
            tracing::warn!(%local, %error, "socket failed");
            return;
        }
        let mut bytes = Vec::with_capacity(MAX_MESSAGE);
        match socket.try_recv_buf_from(&mut bytes) {
            // Keep-alives: line breaks (RFC 5626 §3.5.1), or zeros as some proxies have it.
            Ok(_) if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) => {}
            Ok((_, from)) => {
                bytes.shrink_to_fit();
                let report = Report::Datagram { local: open::plain(local), from: open::plain(from), bytes };
                if reports.send(report).await.is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // An ICMP error of an earlier datagram; the socket lives on.
            Err(error) => {
                tracing::debug!(%local, %error, "receive error");
                tokio::task::yield_now().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    async fn datagram(reports: &mut mpsc::Receiver<Report>) -> (SocketAddr, SocketAddr, Vec<u8>) {
        match reports.recv().await.unwrap() {
            Report::Datagram { local, from, bytes } => (local, from, bytes),
            _ => panic!("no datagram"),
        }
    }

    #[tokio::test]
    async fn one_socket_speaks_both_families_and_swallows_keep_alives() {
        let (sender, mut reports) = mpsc::channel(16);
        let mut sockets = Sockets::new(Ipv6Addr::UNSPECIFIED.into(), sender);
        let port = sockets.open(0).unwrap();
        for address in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
            let peer = UdpSocket::bind((address, 0)).await.unwrap();
            for bytes in [b"\r\n\r\n".as_slice(), b"", b"\0\0\0\0", b"message"] {
                peer.send_to(bytes, (address, port)).await.unwrap();
            }
            let (_, from, bytes) = datagram(&mut reports).await;
            assert_eq!((from, bytes), (peer.local_addr().unwrap(), b"message".to_vec()));
            sockets.send(port, from, b"answer").await;
            let mut buffer = [0; 16];
            let (length, from) = peer.recv_from(&mut buffer).await.unwrap();
            assert_eq!((&buffer[..length], from), (b"answer".as_slice(), SocketAddr::new(address, port)));
        }
    }

    #[tokio::test]
    async fn a_new_class_of_service_reaches_open_sockets() {
        let mut sockets = Sockets::new(Ipv4Addr::LOCALHOST.into(), mpsc::channel(1).0);
        let port = sockets.open(0).unwrap();
        for dscp in [26, 46, 0] {
            sockets.mark(dscp);
            assert_eq!(SockRef::from(&*sockets.bound[&port].socket).tos_v4().unwrap(), u32::from(dscp) << 2);
        }
    }
}
