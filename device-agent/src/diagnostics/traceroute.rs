//! The way to a host: UDP datagrams with a growing time to live. What routers say about them comes through the socket's
//! error queue (`IP_RECVERR`), for which no privileges are needed.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::Duration;

use contract::rest::{Hop, TraceRequest, TraceResult};
use nix::libc;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::{DiagnosticError, TIMEOUT_MS, internal, invalid, ms, resolve, within};

/// Ports nobody listens on, counted up with each probe as traceroute has always done.
const FIRST_PORT: u16 = 33_434;
/// After so many silent hops in a row the rest is silent too.
const MOST_SILENT: usize = 8;

const TIME_EXCEEDED_V4: u8 = 11;
const UNREACHABLE_V4: u8 = 3;
const PORT_UNREACHABLE_V4: u8 = 3;
const UNREACHABLE_V6: u8 = 1;
const TIME_EXCEEDED_V6: u8 = 3;
const PORT_UNREACHABLE_V6: u8 = 4;
/// `SO_EE_ORIGIN_ICMP` and `SO_EE_ORIGIN_ICMP6`.
const ORIGIN_ICMP: u8 = 2;
const ORIGIN_ICMP6: u8 = 3;

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub struct Datagram {
    /// Bytes of payload, 1 to 1472.
    pub size: u16,
    /// 0 to 63.
    pub dscp: u8,
}

impl Default for Datagram {
    fn default() -> Self {
        Self { size: 32, dscp: 0 }
    }
}

/// Who answered a probe, and whether the way ends there.
struct Answer {
    from: IpAddr,
    end: End,
    after: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    No,
    Reached,
    /// A router refuses to go on.
    Refused,
}

/// Looks for the way. `on_progress` is called after each hop.
///
/// # Errors
/// If the request makes no sense, the name leads nowhere or the system has no way there.
pub async fn run(
    request: &TraceRequest,
    on_progress: impl FnMut(&TraceResult),
) -> Result<TraceResult, DiagnosticError> {
    run_with(request, Datagram::default(), on_progress).await
}

/// [`run`] with datagrams of another size or class.
///
/// # Errors
/// As [`run`].
pub async fn run_with(
    request: &TraceRequest,
    datagram: Datagram,
    mut on_progress: impl FnMut(&TraceResult),
) -> Result<TraceResult, DiagnosticError> {
    within("size", datagram.size, 1..=1472)?;
    within("dscp", datagram.dscp, 0..=63)?;
    let most = within("max_hops", request.max_hops, 1..=64)?;
    let tries = within("tries", request.tries, 1..=3)?;
    within("timeout_ms", request.timeout_ms, TIMEOUT_MS)?;
    let address = resolve(&request.host).await?;
    let wait = Duration::from_millis(request.timeout_ms.into());
    let mut result = TraceResult { address: address.to_string(), reached: false, hops: Vec::new() };
    let mut port = FIRST_PORT;
    let mut silent = 0;
    for ttl in 1..=most {
        let mut hop = Hop { address: String::new(), round_trips_ms: Vec::with_capacity(tries.into()) };
        let mut end = End::No;
        for _ in 0..tries {
            let answer = probe(address, ttl, port, wait, datagram).await?;
            port += 1;
            hop.round_trips_ms.push(answer.as_ref().map(|answer| ms(answer.after)));
            if let Some(answer) = answer {
                if hop.address.is_empty() {
                    hop.address = answer.from.to_string();
                }
                if answer.end != End::No {
                    end = answer.end;
                }
            }
        }
        silent = if hop.address.is_empty() { silent + 1 } else { 0 };
        result.hops.push(hop);
        result.reached = end == End::Reached;
        on_progress(&result);
        if end != End::No || silent >= MOST_SILENT {
            break;
        }
    }
    Ok(result)
}

/// One datagram from a socket of its own, so that an answer can only be about it.
async fn probe(
    to: IpAddr,
    ttl: u8,
    port: u16,
    wait: Duration,
    datagram: Datagram,
) -> Result<Option<Answer>, DiagnosticError> {
    let socket = open(to, ttl, datagram.dscp).map_err(internal)?;
    socket.connect(&SocketAddr::new(to, port).into()).map_err(|error| invalid("host", error.to_string()))?;
    let socket = UdpSocket::from_std(socket.into()).map_err(internal)?;
    let start = Instant::now();
    if let Err(error) = socket.send(&vec![0; datagram.size.into()]).await {
        return Err(DiagnosticError::Internal(format!("cannot be sent: {error}")));
    }
    loop {
        let ready = timeout_at(start + wait, socket.ready(Interest::READABLE | Interest::ERROR)).await;
        let Ok(ready) = ready else { return Ok(None) };
        ready.map_err(internal)?;
        match socket.try_io(Interest::ERROR, || read_error(&socket, to)) {
            Ok((from, end)) => return Ok(Some(Answer { from, end, after: start.elapsed() })),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(internal(error)),
        }
        // Somebody does listen on that port: it is the host, too. An error here is the same news as in the error queue,
        // which is read in the next round.
        if socket.try_recv(&mut [0; 64]).is_ok() {
            return Ok(Some(Answer { from: to, end: End::Reached, after: start.elapsed() }));
        }
    }
}

fn open(to: IpAddr, ttl: u8, dscp: u8) -> io::Result<Socket> {
    let domain = if to.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if to.is_ipv4() {
        socket.set_ttl_v4(ttl.into())?;
        socket.set_tos_v4(u32::from(dscp) << 2)?;
        setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?;
    } else {
        socket.set_unicast_hops_v6(ttl.into())?;
        socket.set_tclass_v6(u32::from(dscp) << 2)?;
        setsockopt(&socket, sockopt::Ipv6RecvErr, &true)?;
    }
    Ok(socket)
}

/// The oldest ICMP message about our datagram; `WouldBlock` if there is none.
fn read_error(socket: &UdpSocket, to: IpAddr) -> io::Result<(IpAddr, End)> {
    let mut payload = [0; 64];
    let mut slices = [IoSliceMut::new(&mut payload)];
    let mut space = nix::cmsg_space!(libc::sock_extended_err, libc::sockaddr_in6);
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let received = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut slices, Some(&mut space), flags)?;
    for message in received.cmsgs()? {
        let (error, from) = match message {
            ControlMessageOwned::Ipv4RecvErr(error, Some(from)) => {
                (error, IpAddr::from(from.sin_addr.s_addr.to_ne_bytes()))
            }
            ControlMessageOwned::Ipv6RecvErr(error, Some(from)) => (error, IpAddr::from(from.sin6_addr.s6_addr)),
            _ => continue,
        };
        let end = match (error.ee_origin, error.ee_type, error.ee_code) {
            (ORIGIN_ICMP, TIME_EXCEEDED_V4, _) | (ORIGIN_ICMP6, TIME_EXCEEDED_V6, _) => End::No,
            (ORIGIN_ICMP, UNREACHABLE_V4, PORT_UNREACHABLE_V4)
            | (ORIGIN_ICMP6, UNREACHABLE_V6, PORT_UNREACHABLE_V6)
                if from == to =>
            {
                End::Reached
            }
            (ORIGIN_ICMP, UNREACHABLE_V4, _) | (ORIGIN_ICMP6, UNREACHABLE_V6, _) => End::Refused,
            _ => continue,
        };
        return Ok((from, end));
    }
    Err(io::ErrorKind::WouldBlock.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn loopback_is_one_hop_away() {
        for host in ["127.0.0.1", "::1"] {
            let request = TraceRequest { host: host.into(), max_hops: 5, tries: 2, timeout_ms: 2000 };
            let mut seen = 0;
            let result = run(&request, |_| seen += 1).await.unwrap();
            assert!(result.reached, "{result:?}");
            assert_eq!((result.hops.len(), seen, result.hops[0].address.as_str()), (1, 1, host));
            assert!(result.hops[0].round_trips_ms.iter().all(Option::is_some));
        }
    }

    /// `TRACE_HOST=198.51.100.2 cargo test -p device-agent --lib on_the_way -- --ignored --nocapture`
    #[tokio::test]
    #[ignore = "needs a host that is some hops away"]
    async fn routers_on_the_way_say_who_they_are() {
        let host = std::env::var("TRACE_HOST").expect("TRACE_HOST");
        let request = TraceRequest { host, max_hops: 30, tries: 2, timeout_ms: 1000 };
        let result = run(&request, |_| {}).await.unwrap();
        println!("{result:?}");
        assert!(result.reached && result.hops.len() > 1);
    }

    #[tokio::test]
    async fn nonsense_is_refused_by_field() {
        let good = TraceRequest { host: "127.0.0.1".into(), max_hops: 5, tries: 1, timeout_ms: 1000 };
        for (bad, wanted) in [
            (TraceRequest { max_hops: 65, ..good.clone() }, "max_hops"),
            (TraceRequest { tries: 0, ..good.clone() }, "tries"),
            (TraceRequest { timeout_ms: 10_001, ..good.clone() }, "timeout_ms"),
            (TraceRequest { host: String::new(), ..good.clone() }, "host"),
        ] {
            match run(&bad, |_| {}).await {
                Err(DiagnosticError::Invalid { field, .. }) => assert_eq!(field, wanted),
                other => panic!("{other:?}"),
            }
        }
    }
}
