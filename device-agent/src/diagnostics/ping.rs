//! ICMP echo (RFC 792, RFC 4443). Linux gives unprivileged programs datagram ICMP sockets if their group is within
//! `net.ipv4.ping_group_range`; where it does not, a raw socket serves those who may have one.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use contract::rest::{PingRequest, PingResult};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::{DiagnosticError, TIMEOUT_MS, internal, invalid, ms, resolve, within};

/// Between two requests.
const PACE: Duration = Duration::from_millis(100);
const HEADER: usize = 8;
/// With its headers an Ethernet frame.
const MOST_SIZE: u16 = 1472;

/// An ICMP socket towards one address.
struct Echo {
    socket: UdpSocket,
    address: IpAddr,
    /// Ours in raw sockets; the kernel chooses it for datagram ones.
    id: u16,
    raw: bool,
}

/// Sends `count` requests, one after the other. `on_progress` is called after each with what is known so far.
///
/// # Errors
/// If the request makes no sense, the name leads nowhere, or the system refuses ICMP. Lost requests are no error.
pub async fn run(
    request: &PingRequest,
    mut on_progress: impl FnMut(&PingResult),
) -> Result<PingResult, DiagnosticError> {
    let count = within("count", request.count, 1..=100)?;
    within("size", request.size, 0..=MOST_SIZE)?;
    within("timeout_ms", request.timeout_ms, TIMEOUT_MS)?;
    within("dscp", request.dscp, 0..=63)?;
    let address = resolve(&request.host).await?;
    let echo = Echo::open(address, request.dscp)?;
    let mut result = PingResult {
        address: address.to_string(),
        sent: 0,
        received: 0,
        round_trips_ms: Vec::with_capacity(count.into()),
        summary_ms: None,
    };
    for sequence in 0..count {
        if sequence > 0 {
            tokio::time::sleep(PACE).await;
        }
        let wait = Duration::from_millis(request.timeout_ms.into());
        let round_trip = echo.once(sequence, request.size, wait).await?;
        result.sent += 1;
        result.received += u32::from(round_trip.is_some());
        result.round_trips_ms.push(round_trip.map(ms));
        on_progress(&result);
    }
    Ok(result)
}

impl Echo {
    fn open(address: IpAddr, dscp: u8) -> Result<Self, DiagnosticError> {
        let (domain, protocol) = match address {
            IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
            IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
        };
        let (socket, raw) = match Socket::new(domain, Type::DGRAM, Some(protocol)) {
            Ok(socket) => (socket, false),
            Err(_) => match Socket::new(domain, Type::RAW, Some(protocol)) {
                Ok(socket) => (socket, true),
                Err(error) => {
                    return Err(DiagnosticError::NotAllowed(format!(
                        "the system gives no ICMP socket ({error}); allow the phone's group in net.ipv4.ping_group_range"
                    )));
                }
            },
        };
        socket.set_nonblocking(true).map_err(internal)?;
        let class = u32::from(dscp) << 2;
        match address {
            IpAddr::V4(_) => socket.set_tos_v4(class),
            IpAddr::V6(_) => socket.set_tclass_v6(class),
        }
        .map_err(internal)?;
        socket.connect(&SocketAddr::new(address, 0).into()).map_err(|error| invalid("host", error.to_string()))?;
        let socket = UdpSocket::from_std(socket.into()).map_err(internal)?;
        let id = getrandom::u32().map_err(internal)? as u16;
        Ok(Self { socket, address, id, raw })
    }

    /// `None`: no answer in time, or somebody on the way said there will be none.
    async fn once(&self, sequence: u16, size: u16, wait: Duration) -> Result<Option<Duration>, DiagnosticError> {
        let packet = self.request(sequence, size);
        let start = Instant::now();
        if let Err(error) = self.socket.send(&packet).await {
            return if error.kind() == std::io::ErrorKind::PermissionDenied {
                Err(DiagnosticError::NotAllowed(error.to_string()))
            } else {
                Ok(self.lost(start + wait).await)
            };
        }
        let mut buffer = [0; 2048];
        loop {
            match timeout_at(start + wait, self.socket.recv(&mut buffer)).await {
                Err(_) => return Ok(None),
                Ok(Err(_)) => return Ok(self.lost(start + wait).await),
                Ok(Ok(length)) => {
                    let received = buffer.get(..length).unwrap_or_default();
                    if self.answers(received, sequence, size) {
                        return Ok(Some(start.elapsed()));
                    }
                }
            }
        }
    }

    /// A network that says no at once is asked again no faster than one that is silent.
    async fn lost(&self, until: Instant) -> Option<Duration> {
        tokio::time::sleep_until(until).await;
        None
    }

    fn request(&self, sequence: u16, size: u16) -> Vec<u8> {
        let mut packet = vec![0; HEADER + usize::from(size)];
        packet[0] = if self.address.is_ipv4() { 8 } else { 128 };
        packet[4..6].copy_from_slice(&self.id.to_be_bytes());
        packet[6..8].copy_from_slice(&sequence.to_be_bytes());
        for (at, byte) in packet[HEADER..].iter_mut().enumerate() {
            *byte = at as u8;
        }
        // The kernel fills it in for IPv6 and for datagram sockets.
        let sum = checksum(&packet);
        packet[2..4].copy_from_slice(&sum.to_be_bytes());
        packet
    }

    fn answers(&self, received: &[u8], sequence: u16, size: u16) -> bool {
        // Raw IPv4 sockets give the IP header as well.
        let icmp = match (self.raw, self.address) {
            (true, IpAddr::V4(_)) => {
                let header = received.first().map_or(0, |first| usize::from(first & 0x0f) * 4);
                received.get(header..).unwrap_or_default()
            }
            _ => received,
        };
        let wanted = if self.address.is_ipv4() { 0 } else { 129 };
        let word = |at: usize| icmp.get(at..at + 2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
        icmp.first() == Some(&wanted)
            && (!self.raw || word(4) == Some(self.id))
            && word(6) == Some(sequence)
            && icmp.len() == HEADER + usize::from(size)
    }
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low));
    let mut sum: u32 = bytes.chunks(2).map(word).sum();
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(host: &str) -> PingRequest {
        PingRequest { host: host.into(), count: 3, size: 56, timeout_ms: 2000, dscp: 46 }
    }

    #[tokio::test]
    async fn loopback_answers() {
        for host in ["127.0.0.1", "::1"] {
            let mut seen = Vec::new();
            match run(&request(host), |so_far| seen.push(so_far.sent)).await {
                Ok(result) => {
                    assert_eq!((result.address.as_str(), result.sent, result.received), (host, 3, 3));
                    assert_eq!(seen, [1, 2, 3]);
                    let (least, mean, most) = result.round_trip_ms().unwrap();
                    assert!(0.0 < least && least <= mean && mean <= most);
                }
                // Where the system allows neither kind of socket, that is what is said.
                Err(error) => assert!(matches!(error, DiagnosticError::NotAllowed(_)), "{error}"),
            }
        }
    }

    #[tokio::test]
    async fn nonsense_is_refused_by_field() {
        let refused = async |change: fn(&mut PingRequest)| {
            let mut request = request("127.0.0.1");
            change(&mut request);
            match run(&request, |_| {}).await {
                Err(DiagnosticError::Invalid { field, .. }) => field,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(refused(|r| r.count = 0).await, "count");
        assert_eq!(refused(|r| r.size = 1473).await, "size");
        assert_eq!(refused(|r| r.timeout_ms = 50).await, "timeout_ms");
        assert_eq!(refused(|r| r.dscp = 64).await, "dscp");
        assert_eq!(refused(|r| r.host = "a b".into()).await, "host");
    }

    #[test]
    fn the_checksum_of_rfc_1071() {
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        assert_eq!(checksum(&[0xff]), !0xff00);
    }
}
