//! Opening sockets as the phone wants them: address family, class of service, keep-alive.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener as StdListener, UdpSocket as StdSocket};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpSocket, TcpStream};

/// TCP keep-alive probes: after how much silence, how far apart, and how many that nobody answers break a connection.
const PROBE_AFTER: Duration = Duration::from_secs(60);
const PROBE_EVERY: Duration = Duration::from_secs(10);
const PROBES: u32 = 3;
/// Connections the system holds until they are accepted.
const BACKLOG: i32 = 16;

/// A UDP socket; `::` takes IPv4 in as well.
pub(super) fn udp(address: IpAddr, port: u16, dscp: u8) -> io::Result<StdSocket> {
    let socket = bound(address, port, Type::DGRAM, Protocol::UDP)?;
    mark(SockRef::from(&socket), address, dscp);
    Ok(socket.into())
}

/// A listening TCP socket; `::` takes IPv4 in as well.
pub(super) fn listener(address: IpAddr, port: u16, dscp: u8) -> io::Result<StdListener> {
    let socket = bound(address, port, Type::STREAM, Protocol::TCP)?;
    mark(SockRef::from(&socket), address, dscp);
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn bound(address: IpAddr, port: u16, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let at = SocketAddr::new(address, port);
    let socket = Socket::new(Domain::for_address(at), kind, Some(protocol))?;
    if address == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
        socket.set_only_v6(false)?;
    }
    if kind == Type::STREAM {
        // The connections of an earlier life may still be closing.
        socket.set_reuse_address(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&at.into())?;
    Ok(socket)
}

/// A connection to `remote` from any port, of the address bound to if there is one.
pub(super) async fn connect(bind: IpAddr, remote: SocketAddr, dscp: u8, keep_alive: bool) -> io::Result<TcpStream> {
    let socket = if remote.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    mark(SockRef::from(&socket), remote.ip(), dscp);
    if !bind.is_unspecified() {
        socket.bind(SocketAddr::new(bind, 0))?;
    }
    let stream = socket.connect(remote).await?;
    prepare(&stream, remote.ip(), dscp, keep_alive)?;
    Ok(stream)
}

/// What holds for a connection, whoever opened it.
pub(super) fn prepare(stream: &TcpStream, remote: IpAddr, dscp: u8, keep_alive: bool) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    mark(SockRef::from(stream), remote, dscp);
    if keep_alive {
        let probes = TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_EVERY).with_retries(PROBES);
        socket.set_tcp_keepalive(&probes)?;
    }
    Ok(())
}

/// Marks what the socket sends with a class of service, 0..=63 (RFC 2474). A system that does not let us is no reason
/// not to telephone.
pub(super) fn mark(socket: SockRef<'_>, address: IpAddr, dscp: u8) {
    let octet = u32::from(dscp.min(63)) << 2;
    let result = match address {
        IpAddr::V4(_) => socket.set_tos_v4(octet),
        // The first also reaches IPv4 over a socket for both.
        IpAddr::V6(_) => socket.set_tos_v4(octet).and(socket.set_tclass_v6(octet)),
    };
    if let Err(error) = result {
        tracing::debug!(dscp, %error, "the class of service cannot be set");
    }
}

/// Without the IPv6 clothes of an IPv4 address on a socket for both.
pub(super) fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// As a socket bound to `bind` can reach it.
pub(super) fn reachable(bind: IpAddr, to: SocketAddr) -> SocketAddr {
    match (bind, to) {
        (IpAddr::V6(_), SocketAddr::V4(v4)) => SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port()),
        _ => to,
    }
}

/// The address this machine would send from to reach `target`. Sends nothing. `None` without a route.
pub(super) fn address_towards(bind: IpAddr, target: SocketAddr) -> Option<IpAddr> {
    let probe = StdSocket::bind((bind, 0)).ok()?;
    probe.connect(reachable(bind, target)).ok()?;
    Some(probe.local_addr().ok()?.ip().to_canonical()).filter(|address| !address.is_unspecified())
}
