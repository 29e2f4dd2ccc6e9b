//! Whom the server may call. A phone names the place itself, and a person names the PBX; neither may make the server talk
//! to something that is no phone and no PBX.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context, bail};

/// Whether an address may be called at all. `loopback`: this machine too.
///
/// # Errors
/// Says in words what is against it.
pub fn check(address: IpAddr, loopback: bool) -> anyhow::Result<()> {
    let against = match address.to_canonical() {
        IpAddr::V4(address) => against_v4(address, loopback),
        IpAddr::V6(address) => against_v6(address, loopback),
    };
    match against {
        Some(reason) => bail!("{address} is not called: {reason}"),
        None => Ok(()),
    }
}

fn against_v4(address: Ipv4Addr, loopback: bool) -> Option<&'static str> {
    match address {
        _ if address.is_loopback() && !loopback => Some("it is this machine (see wake.allow_loopback)"),
        _ if address.is_link_local() => Some("it is link-local"),
        _ if address.is_multicast() => Some("it is a multicast address"),
        _ if address.is_broadcast() => Some("it is the broadcast address"),
        // "This network" and what was never given out.
        _ if address.octets()[0] == 0 || address.octets()[0] >= 240 => Some("it is nobody's"),
        _ => None,
    }
}

fn against_v6(address: Ipv6Addr, loopback: bool) -> Option<&'static str> {
    let embedded = |from: usize| {
        let octets = address.octets();
        Ipv4Addr::new(octets[from], octets[from + 1], octets[from + 2], octets[from + 3])
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] if !loopback => Some("it is this machine (see wake.allow_loopback)"),
        [0, 0, 0, 0, 0, 0, 0, 1] => None,
        [0, 0, 0, 0, 0, 0, ..] => Some("it is nobody's"),
        [first, ..] if first & 0xffc0 == 0xfe80 => Some("it is link-local"),
        [first, ..] if first & 0xff00 == 0xff00 => Some("it is a multicast address"),
        // Where a cloud keeps its machines' secrets.
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => Some("it is no phone's"),
        // IPv4 behind NAT64 (RFC 6052) and 6to4 (RFC 3056).
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => against_v4(embedded(12), loopback),
        [0x2002, ..] => against_v4(embedded(2), loopback),
        _ => None,
    }
}

/// Whether a phone whose last Inform came from `inform_from` may be called at `host` and `port`.
///
/// # Errors
/// Says in words what is against it.
pub fn check_phone(host: IpAddr, port: u16, inform_from: &str, loopback: bool) -> anyhow::Result<()> {
    let from: IpAddr = inform_from.parse().ok().context("it is not known where the phone's Inform came from")?;
    if host.to_canonical() != from.to_canonical() {
        bail!("{host} is not called: the phone's own Inform came from {from}");
    }
    // Below 1024 listen servers; the two of the web are the ones phones take.
    if port < 1024 && port != 80 && port != 443 {
        bail!("port {port} is not called: it is no phone's");
    }
    check(host, loopback)
}

/// The address a host and port stand for, a name looked up now. What is returned is what was checked: it is not looked up
/// again, so a name cannot mean something else by then.
///
/// # Errors
/// A name nobody knows, or one all of whose addresses may not be called.
pub async fn resolve(host_and_port: &str, loopback: bool) -> anyhow::Result<SocketAddr> {
    let found =
        tokio::net::lookup_host(host_and_port).await.with_context(|| format!("{host_and_port} is not known"))?;
    let mut refused = None;
    for address in found.take(16) {
        match check(address.ip(), loopback) {
            Ok(()) => return Ok(address),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.with_context(|| format!("{host_and_port} has no address"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_nobody_but_hosts_of_a_network() {
        for bad in [
            "127.0.0.1",
            "127.8.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "224.0.0.251",
            "239.1.1.1",
            "ff02::1",
            "255.255.255.255",
            "0.0.0.0",
            "0.1.2.3",
            "240.0.0.1",
            "::",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::1",
            "fd00:ec2::254",
        ] {
            assert!(check(bad.parse().unwrap(), false).is_err(), "{bad}");
        }
        for good in ["10.0.0.2", "192.168.1.9", "203.0.113.7", "fd12::2", "2001:db8::2", "64:ff9b::a00:2"] {
            assert!(check(good.parse().unwrap(), false).is_ok(), "{good}");
        }
        for own in ["127.0.0.1", "::1"] {
            assert!(check(own.parse().unwrap(), true).is_ok(), "{own}");
        }
        assert!(check("169.254.169.254".parse().unwrap(), true).is_err());
    }

    #[test]
    fn calls_a_phone_only_where_it_called_from() {
        let call = |host: &str, port, from| check_phone(host.parse().unwrap(), port, from, false).is_ok();
        assert!(call("10.0.0.2", 7547, "10.0.0.2"));
        assert!(call("10.0.0.2", 80, "::ffff:10.0.0.2"));
        assert!(!call("10.0.0.3", 7547, "10.0.0.2"), "another host");
        assert!(!call("10.0.0.2", 7547, ""), "never heard of");
        assert!(!call("10.0.0.2", 22, "10.0.0.2"));
        assert!(!call("127.0.0.1", 7547, "127.0.0.1"));
        assert!(!call("169.254.169.254", 80, "169.254.169.254"));
    }

    #[tokio::test]
    async fn a_name_is_checked_by_what_it_stands_for() {
        assert!(resolve("localhost:5060", false).await.is_err());
        assert!(resolve("localhost:5060", true).await.unwrap().ip().is_loopback());
        assert!(resolve("169.254.169.254:80", true).await.is_err());
        assert!(resolve("nonsense", true).await.is_err());
    }
}
