//! A call's audio in the real-time thread: its session and its two ports.

use std::time::Duration;

use media::{Parts, Port, Session};

use super::ports::Ports;
use crate::sip::call::CallId;

/// Datagrams taken from a port in 10 ms: more than any peer sends, fewer than keep the thread from its work.
const MOST_IN_A_BLOCK: usize = 64;
/// Longer datagrams are cut, and then refused.
const MAX_DATAGRAM: usize = 1600;

/// A leg at work.
pub(super) struct Leg {
    pub call: CallId,
    pub session: Session,
    /// People hear it, and it hears them and the others that are joined.
    pub joined: bool,
    ports: Box<dyn Ports>,
}

impl Leg {
    pub fn new(call: CallId, ports: Box<dyn Ports>, parts: Box<Parts>, seed: u64) -> Self {
        Self { call, session: Session::new(parts, seed), joined: false, ports }
    }

    pub fn mark(&mut self, dscp: u8) {
        self.ports.mark(dscp);
    }

    /// Takes what has come.
    pub fn receive(&mut self, now: Duration) {
        let mut buffer = [0; MAX_DATAGRAM];
        for port in [Port::Rtp, Port::Rtcp] {
            for _ in 0..MOST_IN_A_BLOCK {
                let Some((length, from)) = self.ports.receive(port, &mut buffer) else { break };
                if let Some(datagram) = buffer.get_mut(..length) {
                    self.session.receive(now, port, from, datagram);
                }
            }
        }
    }

    /// Sends what waits.
    pub fn send(&mut self) {
        while let Some((port, to, bytes)) = self.session.poll_transmit() {
            self.ports.send(port, to, bytes);
        }
    }
}
