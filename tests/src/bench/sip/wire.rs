//! Looks at the wire: when which message of a call went by, by the kernel's clock. So no program's own account of itself
//! counts.

use std::collections::HashMap;
use std::io::IoSliceMut;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockProtocol, SockType, recvmsg, setsockopt, socket,
    sockopt,
};
use nix::sys::time::{TimeSpec, TimeVal, TimeValLike};
use phone_core::sip::message::{Message, Method};

/// Kernel buffer: some seconds of calls with their sound.
const BUFFER: usize = 8 << 20;

/// When the parts of one call's set-up were seen, ms from its INVITE on.
#[derive(Clone, Copy, Debug, Default)]
pub struct SetUp {
    pub ringing: Option<f64>,
    pub answered: Option<f64>,
    pub acknowledged: Option<f64>,
}

/// A packet worth keeping: time in ns, source, message.
type Seen = (i64, Ipv4Addr, Vec<u8>);

/// Watches until told to stop.
pub struct Wire {
    stop: Arc<AtomicBool>,
    watching: JoinHandle<Result<Vec<Seen>>>,
}

impl Wire {
    /// Needs a network namespace of its own: it sees every packet there is.
    ///
    /// # Errors
    /// If the system does not allow it.
    pub fn watch() -> Result<Self> {
        let socket = socket(AddressFamily::Packet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll)
            .context("a packet socket")?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        setsockopt(&socket, sockopt::RcvBuf, &BUFFER)?;
        setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::milliseconds(50))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let watching = std::thread::spawn(move || collect(&socket, &stopped));
        Ok(Self { stop, watching })
    }

    /// The calls seen, with the address each came from.
    ///
    /// # Errors
    /// If the watching failed.
    pub fn finish(self) -> Result<Vec<(Ipv4Addr, SetUp)>> {
        self.stop.store(true, Ordering::Relaxed);
        let seen = self.watching.join().map_err(|_| anyhow!("the watcher of the wire failed"))??;
        Ok(set_ups(seen))
    }
}

fn collect(socket: &OwnedFd, stop: &AtomicBool) -> Result<Vec<Seen>> {
    let (mut seen, mut buffer) = (Vec::new(), vec![0; 65_536]);
    let mut control = nix::cmsg_space!(TimeSpec);
    while !stop.load(Ordering::Relaxed) {
        let (at, length) = {
            let mut parts = [IoSliceMut::new(&mut buffer)];
            let Ok(got) = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::empty()) else {
                continue;
            };
            let stamp = got.cmsgs()?.find_map(|message| match message {
                ControlMessageOwned::ScmTimestampns(at) => Some(at.num_nanoseconds()),
                _ => None,
            });
            (stamp.context("packets without time")?, got.bytes)
        };
        if let Some((from, message)) = buffer.get(..length).and_then(datagram) {
            let wanted = ["INVITE ", "ACK ", "SIP/2.0 18", "SIP/2.0 200"];
            if wanted.iter().any(|start| message.starts_with(start.as_bytes())) {
                seen.push((at, from, message.to_vec()));
            }
        }
    }
    Ok(seen)
}

/// Source and payload of an IPv4 packet with UDP in it.
fn datagram(packet: &[u8]) -> Option<(Ipv4Addr, &[u8])> {
    let first = *packet.first()?;
    let header = usize::from(first & 0x0f) * 4;
    if first >> 4 != 4 || *packet.get(9)? != 17 {
        return None;
    }
    let source: [u8; 4] = packet.get(12..16)?.try_into().ok()?;
    Some((Ipv4Addr::from(source), packet.get(header + 8..)?))
}

/// The first of each kind counts: the loopback interface shows every packet twice, and messages may be sent again.
fn set_ups(seen: Vec<Seen>) -> Vec<(Ipv4Addr, SetUp)> {
    let mut calls: HashMap<String, (i64, Ipv4Addr, SetUp)> = HashMap::new();
    for (at, from, bytes) in seen {
        let Ok(message) = Message::parse_datagram(&bytes) else { continue };
        let (Ok(call_id), Ok(cseq)) = (message.call_id(), message.cseq()) else { continue };
        if message.method() == Some(&Method::Invite) && message.to().is_ok_and(|to| to.tag().is_none()) {
            calls.entry(call_id.to_owned()).or_insert((at, from, SetUp::default()));
            continue;
        }
        let Some((start, _, set_up)) = calls.get_mut(call_id) else { continue };
        let took = Some((at - *start) as f64 / 1e6);
        let slot = match message.status() {
            Some(180..190) => &mut set_up.ringing,
            Some(200) if cseq.method == Method::Invite => &mut set_up.answered,
            None => &mut set_up.acknowledged,
            _ => continue,
        };
        *slot = slot.or(took);
    }
    calls.into_values().map(|(_, from, set_up)| (from, set_up)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_each_kind_counts() {
        let message = |start: &str, tag: &str, method: &str| {
            format!("{start}\r\nCall-ID: 1\r\nTo: <sip:b@h>{tag}\r\nCSeq: 1 {method}\r\n\r\n").into_bytes()
        };
        let from = Ipv4Addr::new(127, 0, 0, 11);
        let seen = vec![
            (1_000_000, from, message("INVITE sip:b@h SIP/2.0", "", "INVITE")),
            (1_100_000, from, message("INVITE sip:b@h SIP/2.0", "", "INVITE")),
            (2_000_000, from, message("SIP/2.0 180 Ringing", ";tag=1", "INVITE")),
            (3_000_000, from, message("SIP/2.0 200 OK", ";tag=1", "INVITE")),
            (3_500_000, from, message("ACK sip:b@h SIP/2.0", ";tag=1", "ACK")),
            (9_000_000, from, message("SIP/2.0 200 OK", ";tag=1", "BYE")),
        ];
        let calls = set_ups(seen);
        assert_eq!(calls.len(), 1);
        let SetUp { ringing, answered, acknowledged } = calls[0].1;
        assert_eq!((ringing, answered, acknowledged), (Some(1.0), Some(2.0), Some(2.5)));
        assert_eq!(datagram(&[0x60; 40]), None);
    }
}
