//! The ports of calls' audio: UDP sockets, or whatever else a test or a simulator puts in their place.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use media::Port;
use socket2::SockRef;

use crate::io::open;

/// Opens ports.
pub trait Network: Send {
    /// Opens a port for RTP and the one after it for RTCP; what they send has this class of service (DSCP, 0..=63).
    ///
    /// # Errors
    /// The first is taken. Without the second there is no RTCP beside it.
    fn open(&mut self, port: u16, dscp: u8) -> io::Result<Box<dyn Ports>>;
}

/// The two ports of one call. The real-time thread works with them: nothing in here may wait or allocate.
pub trait Ports: Send {
    /// The next datagram that has come, its length and sender; `None` if there is none.
    fn receive(&mut self, port: Port, buffer: &mut [u8]) -> Option<(usize, SocketAddr)>;

    /// Sends a datagram. What cannot be sent is lost like any other.
    fn send(&mut self, port: Port, to: SocketAddr, bytes: &[u8]);

    /// From now on what is sent has this class of service (DSCP, 0..=63).
    fn mark(&mut self, dscp: u8);
}

/// What routers said about earlier packets of ours, to be overlooked at most so often in a row.
const MOST_REFUSALS: usize = 64;

/// The system's UDP sockets, bound to an address.
#[derive(Clone, Copy, Debug)]
pub struct UdpNetwork(pub IpAddr);

impl Network for UdpNetwork {
    fn open(&mut self, port: u16, dscp: u8) -> io::Result<Box<dyn Ports>> {
        Ok(Box::new(Sockets::open(self.0, port, dscp)?))
    }
}

#[derive(Debug)]
struct Sockets {
    rtp: UdpSocket,
    rtcp: Option<UdpSocket>,
    bind: IpAddr,
}

impl Sockets {
    fn open(bind: IpAddr, port: u16, dscp: u8) -> io::Result<Self> {
        let rtp = open::udp(bind, port, dscp)?;
        let rtcp = port.checked_add(1).map(|port| open::udp(bind, port, dscp)).transpose();
        let rtcp = rtcp.unwrap_or_else(|error| {
            tracing::warn!(port, %error, "the port for RTCP is taken: no reports");
            None
        });
        Ok(Self { rtp, rtcp, bind })
    }

    fn socket(&self, port: Port) -> Option<&UdpSocket> {
        match port {
            Port::Rtp => Some(&self.rtp),
            Port::Rtcp => self.rtcp.as_ref(),
        }
    }
}

impl Ports for Sockets {
    fn receive(&mut self, port: Port, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let socket = self.socket(port)?;
        for _ in 0..MOST_REFUSALS {
            match socket.recv_from(buffer) {
                Ok((length, from)) => return Some((length, open::plain(from))),
                // What a router said about an earlier packet of ours is no end of ours.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(_) => return None,
            }
        }
        None
    }

    fn send(&mut self, port: Port, to: SocketAddr, bytes: &[u8]) {
        if let Some(socket) = self.socket(port) {
            // Lost like any other packet.
            let _ = socket.send_to(bytes, open::reachable(self.bind, to));
        }
    }

    fn mark(&mut self, dscp: u8) {
        for socket in [Some(&self.rtp), self.rtcp.as_ref()].into_iter().flatten() {
            open::mark(SockRef::from(socket), self.bind, dscp);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn both_ports_send_with_the_class_of_service_that_is_set() {
        let bind = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let free = || UdpSocket::bind((bind, 0)).unwrap().local_addr().unwrap().port() & !1;
        let mut sockets = (0..50).find_map(|_| Sockets::open(bind, free(), 46).ok()).unwrap();
        let octets = |sockets: &Sockets| {
            let rtcp = sockets.rtcp.as_ref().map(|socket| SockRef::from(socket).tos_v4().unwrap());
            (SockRef::from(&sockets.rtp).tos_v4().unwrap(), rtcp)
        };
        assert_eq!(octets(&sockets), (46 << 2, sockets.rtcp.is_some().then_some(46 << 2)));
        sockets.mark(10);
        assert_eq!(octets(&sockets).0, 10 << 2);
    }
}
