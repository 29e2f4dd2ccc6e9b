//! Small questions to the operating system.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

/// An address of this machine on a network, and the interface it is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OnLan {
    pub interface: String,
    pub ip: Ipv4Addr,
}

/// Where this machine is on its LAN: at `preferred` if an interface that is up has it, else at the address packets to
/// `group` would go from, else at the first there is. Never loopback; `None` while there is no network. Sends nothing.
pub(crate) fn on_lan(preferred: IpAddr, group: SocketAddr) -> Option<OnLan> {
    let all = addresses();
    let has = |ip: IpAddr| all.iter().find(|one| IpAddr::V4(one.ip) == ip);
    has(preferred).or_else(|| has(source(group)?)).or_else(|| first(&all)).cloned()
}

/// A link-local address (RFC 3927) only where there is no other.
fn first(all: &[OnLan]) -> Option<&OnLan> {
    all.iter().find(|one| !one.ip.is_link_local()).or_else(|| all.first())
}

/// IPv4 addresses of interfaces that are up, without loopback's.
fn addresses() -> Vec<OnLan> {
    let Ok(all) = getifaddrs() else { return Vec::new() };
    let up = all.filter(|one| one.flags.contains(InterfaceFlags::IFF_UP));
    let found = up.filter_map(|one| {
        let ip = one.address?.as_sockaddr_in()?.ip();
        Some(OnLan { interface: one.interface_name, ip })
    });
    found.filter(|one| !one.ip.is_loopback() && !one.ip.is_unspecified()).collect()
}

/// Names of all interfaces of this machine, up or not.
pub(crate) fn interfaces() -> Vec<String> {
    getifaddrs().map(|all| all.map(|one| one.interface_name).collect()).unwrap_or_default()
}

/// What a socket that is to send there is bound to: any address of its family, any port.
pub(crate) fn any_towards(to: SocketAddr) -> SocketAddr {
    if to.is_ipv6() { ([0u16; 8], 0).into() } else { ([0u8; 4], 0).into() }
}

/// The address a packet to there would go from.
fn source(to: SocketAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(to).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// The address this machine would reach `acs_url` from; loopback if there is none. Sends nothing. Blocking (resolver).
pub fn own_address(acs_url: &str) -> IpAddr {
    let towards = || -> Option<IpAddr> {
        let url = reqwest::Url::parse(acs_url).ok()?;
        let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
        let to = (host.as_str(), url.port_or_known_default()?).to_socket_addrs().ok()?.find(SocketAddr::is_ipv4)?;
        source(to)
    };
    towards().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// Resident memory of this process in kB.
pub fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// Opens as many descriptors as the system lets us: each simulated phone holds one.
pub fn raise_descriptor_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let raised =
        getrlimit(Resource::RLIMIT_NOFILE).and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_no_address_on_a_lan() {
        let group = provisioning::pnp::group();
        for preferred in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::UNSPECIFIED)] {
            assert!(
                on_lan(preferred, group).is_none_or(|found| !found.ip.is_loopback() && !found.interface.is_empty())
            );
        }
        let at = |interface: &str, ip: [u8; 4]| OnLan { interface: interface.to_owned(), ip: ip.into() };
        let (own, other) = (at("wlan0", [169, 254, 3, 4]), at("eth0", [10, 75, 0, 7]));
        assert_eq!(first(&[own.clone(), other.clone()]), Some(&other));
        assert_eq!(first(std::slice::from_ref(&own)), Some(&own));
        assert_eq!(first(&[]), None);
    }

    #[test]
    fn knows_itself() {
        assert_eq!(own_address("http://127.0.0.1:7547/acs"), IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert_eq!(own_address("nonsense"), IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert!(resident_kb() > 0);
    }
}
