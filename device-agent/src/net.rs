//! Small questions to the operating system.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};

/// The address this machine would reach `acs_url` from; loopback if there is none. Sends nothing. Blocking (resolver).
pub fn own_address(acs_url: &str) -> IpAddr {
    let towards = || -> Option<IpAddr> {
        let url = reqwest::Url::parse(acs_url).ok()?;
        let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
        let to = (host.as_str(), url.port_or_known_default()?).to_socket_addrs().ok()?.find(SocketAddr::is_ipv4)?;
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
        socket.connect(to).ok()?;
        Some(socket.local_addr().ok()?.ip())
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
    fn knows_itself() {
        assert_eq!(own_address("http://127.0.0.1:7547/acs"), IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert_eq!(own_address("nonsense"), IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert!(resident_kb() > 0);
    }
}
