//! The phone's UDP sockets: one for each local port in use.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket as StdSocket};
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::sip::message::MAX_MESSAGE;

/// A datagram as it came in.
pub(super) struct Datagram {
    pub local: SocketAddr,
    pub from: SocketAddr,
    pub bytes: Vec<u8>,
}

struct Bound {
    socket: Arc<UdpSocket>,
    /// Port asked for (0: any).
    wanted: u16,
    reader: tokio::task::AbortHandle,
}

pub(super) struct Sockets {
    bind: IpAddr,
    bound: BTreeMap<u16, Bound>,
    readers: JoinSet<()>,
    sender: mpsc::Sender<Datagram>,
}

impl Sockets {
    pub(super) fn new(bind: IpAddr, sender: mpsc::Sender<Datagram>) -> Self {
        Self { bind, bound: BTreeMap::new(), readers: JoinSet::new(), sender }
    }

    /// The port really bound for `wanted`: the one already open for it, `wanted` itself, or an ephemeral one when
    /// `wanted` is 0 or busy.
    pub(super) fn open(&mut self, wanted: u16) -> io::Result<u16> {
        if let Some((port, _)) = self.bound.iter().find(|(_, bound)| bound.wanted == wanted) {
            return Ok(*port);
        }
        let socket = match StdSocket::bind((self.bind, wanted)) {
            Ok(socket) => socket,
            Err(error) if wanted != 0 => {
                tracing::warn!(wanted, %error, "local SIP port is not to be had, taking any");
                StdSocket::bind((self.bind, 0))?
            }
            Err(error) => return Err(error),
        };
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        let socket = Arc::new(UdpSocket::from_std(socket)?);
        let reader = self.readers.spawn(read(socket.clone(), local, self.sender.clone()));
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
        if let Err(error) = bound.socket.send_to(bytes, to).await {
            tracing::debug!(%to, %error, "datagram not sent");
        }
    }
}

/// Reads until the driver is gone. The buffer exists only while a datagram is taken: thousands of idle phones in one
/// process hold none.
async fn read(socket: Arc<UdpSocket>, local: SocketAddr, sender: mpsc::Sender<Datagram>) {
    loop {
        if let Err(error) = socket.readable().await {
            tracing::warn!(%local, %error, "socket failed");
            return;
        }
        let mut bytes = Vec::with_capacity(MAX_MESSAGE);
        match socket.try_recv_buf_from(&mut bytes) {
            Ok((_, from)) => {
                bytes.shrink_to_fit();
                if sender.send(Datagram { local, from, bytes }).await.is_err() {
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

/// The address this machine would send from to reach `target`. Sends nothing. `None` without a route.
pub(super) fn address_towards(bind: IpAddr, target: SocketAddr) -> Option<IpAddr> {
    let probe = StdSocket::bind((bind, 0)).ok()?;
    probe.connect(target).ok()?;
    Some(probe.local_addr().ok()?.ip()).filter(|address| !address.is_unspecified())
}
