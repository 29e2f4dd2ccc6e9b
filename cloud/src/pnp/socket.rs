//! The two sockets: one hears the group, the other speaks to phones.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};

use provisioning::pnp::{GROUP, PORT, group};
use socket2::{Domain, Protocol, Socket, Type};

/// The address this machine would speak to the group from. Sends nothing.
pub(super) fn usual_interface() -> io::Result<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect(group())?;
    match socket.local_addr()? {
        SocketAddr::V4(address) => Ok(*address.ip()),
        SocketAddr::V6(_) => Err(io::Error::other("not an IPv4 address")),
    }
}

/// Bound to the group itself, so that a SIP server on this machine keeps its port 5060, and to a port of the interface.
pub(super) fn open(interface: Ipv4Addr) -> io::Result<(UdpSocket, UdpSocket)> {
    let hears = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    hears.set_reuse_address(true)?;
    hears.bind(&SocketAddrV4::new(GROUP, PORT).into())?;
    // Only of this interface, whatever else on this machine has joined the group.
    hears.set_multicast_all_v4(false)?;
    hears.join_multicast_v4(&GROUP, &interface)?;
    hears.set_nonblocking(true)?;
    let speaks = UdpSocket::bind((interface, 0))?;
    speaks.set_nonblocking(true)?;
    Ok((hears.into(), speaks))
}
