//! Sockets that speak to the group and hear it, on the phone's own interface.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

use provisioning::pnp::{GROUP, PORT};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

/// How far questions go: the LAN.
const HOPS: u32 = 1;

/// Sends to the group, and hears answers on a port of its own.
pub(super) fn speaks(ip: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.bind(&SocketAddrV4::new(ip, 0).into())?;
    socket.set_multicast_if_v4(&ip)?;
    socket.set_multicast_ttl_v4(HOPS)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket.into())
}

/// Hears the group. Bound to the group itself: port 5060 of the phone's address is its telephone's.
pub(super) fn hears(ip: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddrV4::new(GROUP, PORT).into())?;
    socket.set_multicast_all_v4(false)?;
    socket.join_multicast_v4(&GROUP, &ip)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket.into())
}
