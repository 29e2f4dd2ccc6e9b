//! The network between two real phones, in real time: their SIP passes through and names our ports for the sound, and what
//! the caller says is lost and late as the trace has it. What the callee says passes untouched.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::network::Trace;

/// An RTP packet that passed, and when.
#[derive(Clone, Debug)]
pub struct Passed {
    pub at: Duration,
    pub timestamp: u32,
    /// Of the payload, bytes.
    pub length: usize,
}

/// All that passed in a call.
#[derive(Debug, Default)]
pub struct Wire {
    /// By the caller, before the network.
    pub said: Vec<Passed>,
    /// By the callee, who says what it hears.
    pub echoed: Vec<Passed>,
    /// The most that a packet was passed on after its time.
    pub lag: Duration,
}

/// One call's relay: the SIP ports of caller and callee, and ours between them.
pub struct Relay {
    sip: UdpSocket,
    /// Where the caller sends its sound.
    near: UdpSocket,
    /// From where the callee gets it.
    far: UdpSocket,
    caller: u16,
    callee: u16,
}

impl Relay {
    /// # Errors
    /// If a port is taken.
    pub fn new(caller: u16, callee: u16, sip: u16, rtp: u16) -> Result<Self> {
        let bind = |port: u16| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| format!("UDP port {port}"))?;
            socket.set_nonblocking(true)?;
            anyhow::Ok(socket)
        };
        Ok(Self { sip: bind(sip)?, near: bind(rtp)?, far: bind(rtp + 2)?, caller, callee })
    }

    /// Passes packets on until `stop`.
    ///
    /// # Errors
    /// If the system fails.
    pub fn run(&self, trace: &Trace, stop: &AtomicBool) -> Result<Wire> {
        let start = Instant::now();
        let mut wire = Wire::default();
        let mut late = BinaryHeap::<Reverse<(Duration, usize, Vec<u8>)>>::new();
        let (mut caller_rtp, mut callee_rtp) = (None, None);
        let mut buffer = [0; 4096];
        while !stop.load(Ordering::Relaxed) {
            let now = start.elapsed();
            while late.peek().is_some_and(|Reverse((due, ..))| *due <= now) {
                let (Some(Reverse((due, _, packet))), Some(port)) = (late.pop(), callee_rtp) else { break };
                wire.lag = wire.lag.max(now.saturating_sub(due));
                let _ = self.far.send_to(&packet, (Ipv4Addr::LOCALHOST, port));
            }
            let next = late.peek().map_or(Duration::from_millis(50), |Reverse((due, ..))| due.saturating_sub(now));
            let timeout = u16::try_from(next.as_micros().div_ceil(1000)).unwrap_or(50).min(50);
            let mut sockets =
                [&self.sip, &self.near, &self.far].map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN));
            poll(&mut sockets, PollTimeout::from(timeout))?;
            while let Ok((length, from)) = self.sip.recv_from(&mut buffer) {
                let (to, port, rtp) = if from.port() == self.caller {
                    (self.callee, self.far.local_addr()?.port(), &mut caller_rtp)
                } else {
                    (self.caller, self.near.local_addr()?.port(), &mut callee_rtp)
                };
                let message = through(buffer.get(..length).unwrap_or_default(), port, rtp);
                let _ = self.sip.send_to(&message, (Ipv4Addr::LOCALHOST, to));
            }
            while let Ok((length, _)) = self.near.recv_from(&mut buffer) {
                let packet = buffer.get(..length).unwrap_or_default();
                let Some(passed) = rtp(start.elapsed(), packet) else { continue };
                if let Some(Some(delay)) = trace.get(wire.said.len()) {
                    late.push(Reverse((passed.at + *delay, wire.said.len(), packet.to_vec())));
                }
                wire.said.push(passed);
            }
            while let Ok((length, _)) = self.far.recv_from(&mut buffer) {
                let packet = buffer.get(..length).unwrap_or_default();
                wire.echoed.extend(rtp(start.elapsed(), packet));
                if let Some(port) = caller_rtp {
                    let _ = self.near.send_to(packet, (Ipv4Addr::LOCALHOST, port));
                }
            }
        }
        Ok(wire)
    }
}

/// A SIP message in which sound goes to `port`; where it went before is left in `theirs`. Both have five digits, so that
/// its length stays.
fn through(message: &[u8], port: u16, theirs: &mut Option<u16>) -> Vec<u8> {
    const MEDIA: &[u8] = b"\nm=audio ";
    let mut message = message.to_vec();
    let Some(at) = message.windows(MEDIA.len()).position(|window| window == MEDIA) else { return message };
    let digits = at + MEDIA.len()..at + MEDIA.len() + 5;
    let Some(place) = message.get_mut(digits) else { return message };
    if let Some(before) = std::str::from_utf8(place).ok().and_then(|text| text.parse().ok()) {
        *theirs = Some(before);
        place.copy_from_slice(format!("{port:05}").as_bytes());
    }
    message
}

/// Without extensions, as baresip sends them.
fn rtp(at: Duration, packet: &[u8]) -> Option<Passed> {
    let timestamp = u32::from_be_bytes(packet.get(4..8)?.try_into().ok()?);
    let length = packet.len().checked_sub(12).filter(|length| *length > 0)?;
    (packet.first()? >> 6 == 2).then_some(Passed { at, timestamp, length })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_description_names_our_port_and_theirs_is_known() {
        let message = b"INVITE sip:b SIP/2.0\r\n\r\nv=0\r\nm=audio 20124 RTP/AVP 0\r\n";
        let mut theirs = None;
        let passed = through(message, 31000, &mut theirs);
        assert_eq!(passed.len(), message.len());
        assert!(String::from_utf8_lossy(&passed).contains("m=audio 31000 RTP/AVP 0"));
        assert_eq!(theirs, Some(20124));
    }
}
