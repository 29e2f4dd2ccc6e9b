//! A call's audio in the real-time thread: its session and its two sockets.

use std::io;
use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use media::{Parts, Port, Session};
use socket2::SockRef;

use crate::io::open;
use crate::sip::call::CallId;

/// Datagrams taken from a socket in 10 ms: more than any peer sends, fewer than keep the thread from its work.
const MOST_IN_A_BLOCK: usize = 64;
/// Longer datagrams are cut, and then refused.
const MAX_DATAGRAM: usize = 1600;

/// The sockets of a call: RTP, and RTCP on the next port.
#[derive(Debug)]
pub(super) struct Sockets {
    rtp: UdpSocket,
    rtcp: Option<UdpSocket>,
    bind: IpAddr,
}

impl Sockets {
    /// Opens the port and the one after it.
    ///
    /// # Errors
    /// The first is taken. Without the second there is no RTCP beside it.
    pub fn open(bind: IpAddr, port: u16, dscp: u8) -> io::Result<Self> {
        let rtp = open::udp(bind, port, dscp)?;
        let rtcp = port.checked_add(1).map(|port| open::udp(bind, port, dscp)).transpose();
        let rtcp = rtcp.unwrap_or_else(|error| {
            tracing::warn!(port, %error, "the port for RTCP is taken: no reports");
            None
        });
        Ok(Self { rtp, rtcp, bind })
    }

    fn mark(&self, dscp: u8) {
        for socket in [Some(&self.rtp), self.rtcp.as_ref()].into_iter().flatten() {
            open::mark(SockRef::from(socket), self.bind, dscp);
        }
    }
}

/// A leg at work.
pub(super) struct Leg {
    pub call: CallId,
    pub session: Session,
    /// People hear it, and it hears them and the others that are joined.
    pub joined: bool,
    sockets: Sockets,
}

impl Leg {
    pub fn new(call: CallId, sockets: Sockets, parts: Box<Parts>, seed: u64) -> Self {
        Self { call, session: Session::new(parts, seed), joined: false, sockets }
    }

    pub fn mark(&self, dscp: u8) {
        self.sockets.mark(dscp);
    }

    /// Takes what has come.
    pub fn receive(&mut self, now: Duration) {
        let mut buffer = [0; MAX_DATAGRAM];
        let Self { session, sockets, .. } = self;
        for (port, socket) in [(Port::Rtp, Some(&sockets.rtp)), (Port::Rtcp, sockets.rtcp.as_ref())] {
            let Some(socket) = socket else { continue };
            for _ in 0..MOST_IN_A_BLOCK {
                match socket.recv_from(&mut buffer) {
                    Ok((length, from)) => {
                        if let Some(datagram) = buffer.get_mut(..length) {
                            session.receive(now, port, open::plain(from), datagram);
                        }
                    }
                    // What a router said about an earlier packet of ours is no end of ours.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                    Err(_) => break,
                }
            }
        }
    }

    /// Sends what waits.
    pub fn send(&mut self) {
        let Self { session, sockets, .. } = self;
        while let Some((port, to, bytes)) = session.poll_transmit() {
            let socket = match port {
                Port::Rtp => Some(&sockets.rtp),
                Port::Rtcp => sockets.rtcp.as_ref(),
            };
            // Lost like any other packet.
            let _ = socket.map(|socket| socket.send_to(bytes, open::reachable(sockets.bind, to)));
        }
    }
}
