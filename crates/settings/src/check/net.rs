//! Hosts, addresses, networks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Refusal, refuse};

/// RFC 1123 name or IP literal. An all-numeric dotted name must be a valid IPv4 address.
pub fn host(value: &str) -> Result<String, Refusal> {
    if let Some(inner) = value.strip_prefix('[').and_then(|v| v.strip_suffix(']')) {
        return ipv6(inner).map(|v6| format!("[{v6}]"));
    }
    if let Ok(address) = value.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    let name = value.strip_suffix('.').unwrap_or(value);
    if name.is_empty() || name.len() > 253 {
        return refuse("a host name has 1 to 253 characters");
    }
    for label in name.split('.') {
        let edges = label.starts_with('-') || label.ends_with('-');
        if label.is_empty()
            || label.len() > 63
            || edges
            || !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        {
            return refuse("it is not a host name");
        }
    }
    if name.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())) {
        return refuse("it is not an IPv4 address");
    }
    Ok(name.to_ascii_lowercase())
}

/// Host with an optional port; an IPv6 address with a port needs brackets.
pub fn host_port(value: &str) -> Result<String, Refusal> {
    if value.parse::<Ipv6Addr>().is_ok() {
        return host(value);
    }
    let (name, number) = match value.rsplit_once(':') {
        Some((name, number)) if !number.ends_with(']') => (name, Some(number)),
        _ => (value, None),
    };
    let name = host(name)?;
    match number {
        Some(number) if name.contains(':') && !name.starts_with('[') => refuse(format!("write [{name}]:{number}")),
        Some(number) => Ok(format!("{name}:{}", port(number)?)),
        None => Ok(name),
    }
}

/// 1 to 65535, digits only.
pub fn port(value: &str) -> Result<u16, Refusal> {
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_digit()) {
        return refuse("the port is not a number");
    }
    value.parse().ok().filter(|port| *port > 0).ok_or_else(|| Some("the port must be 1 to 65535".into()))
}

pub fn ip(value: &str) -> Result<String, Refusal> {
    value.parse::<IpAddr>().map(|ip| ip.to_string()).map_err(|_| None)
}

pub fn ipv4(value: &str) -> Result<String, Refusal> {
    value.parse::<Ipv4Addr>().map(|ip| ip.to_string()).map_err(|_| None)
}

pub fn ipv6(value: &str) -> Result<String, Refusal> {
    value.parse::<Ipv6Addr>().map(|ip| ip.to_string()).map_err(|_| None)
}

/// Dotted mask or prefix length (`24`, `/24`).
pub fn netmask(value: &str) -> Result<String, Refusal> {
    if let Ok(length) = value.strip_prefix('/').unwrap_or(value).parse::<u32>() {
        let host_bits = 32_u32.checked_sub(length).ok_or_else(|| Some("the prefix length is above 32".to_owned()))?;
        let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
        return Ok(Ipv4Addr::from(mask).to_string());
    }
    let mask = value.parse::<Ipv4Addr>().map_err(|_| None)?;
    let bits = u32::from(mask);
    if bits.leading_ones() + bits.trailing_zeros() == 32 || bits == 0 {
        Ok(mask.to_string())
    } else {
        refuse("the ones are not contiguous")
    }
}

/// An address or `address/length`.
pub fn network(value: &str) -> Result<String, Refusal> {
    let Some((address, length)) = value.split_once('/') else {
        return ip(value);
    };
    let address = address.parse::<IpAddr>().map_err(|_| None)?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    match length.parse::<u8>() {
        Ok(length) if length <= most => Ok(format!("{address}/{length}")),
        _ => refuse(format!("the prefix length must be 0 to {most}")),
    }
}

/// IPv4 multicast address with a port.
pub fn multicast(value: &str) -> Result<String, Refusal> {
    let Some((address, number)) = value.split_once(':') else {
        return refuse("the port is missing");
    };
    let address = address.parse::<Ipv4Addr>().map_err(|_| None)?;
    if !address.is_multicast() {
        return refuse(format!("{address} is no multicast address"));
    }
    Ok(format!("{address}:{}", port(number)?))
}

/// Twelve hex digits with `:`, `-`, `.` or nothing between them.
pub fn mac(value: &str) -> Result<String, Refusal> {
    let digits: Vec<char> =
        value.chars().filter(|c| !matches!(c, ':' | '-' | '.')).map(|c| c.to_ascii_lowercase()).collect();
    if digits.len() != 12 || value.len() > 17 || !digits.iter().all(char::is_ascii_hexdigit) {
        return Err(None);
    }
    Ok(digits.chunks(2).map(|pair| pair.iter().collect::<String>()).collect::<Vec<_>>().join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        assert_eq!(host("SIP.Hotel-1.example.").as_deref(), Ok("sip.hotel-1.example"));
        assert_eq!(host("2001:DB8::0:1").as_deref(), Ok("2001:db8::1"));
        for bad in ["-a.b", "a_b", "a..b", "1.2.3", "1.2.3.256", "a b", "[1.2.3.4]", "é.fr", "."] {
            assert!(host(bad).is_err(), "{bad}");
        }
        assert!(host(&"a".repeat(64)).is_err());
    }

    #[test]
    fn hosts_with_ports() {
        assert_eq!(host_port("pbx:05060").as_deref(), Ok("pbx:5060"));
        assert_eq!(host_port("[2001:db8::1]:5061").as_deref(), Ok("[2001:db8::1]:5061"));
        assert_eq!(host_port("2001:db8::1").as_deref(), Ok("2001:db8::1"));
        assert_eq!(host_port("[::1]").as_deref(), Ok("[::1]"));
        for bad in ["pbx:", "pbx:0", "pbx:65536", "pbx:+1", ":5060", "a:b:c", "[::1]:", "[::1]x"] {
            assert!(host_port(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn masks_networks_groups_and_macs() {
        assert_eq!(netmask("/24").as_deref(), Ok("255.255.255.0"));
        assert_eq!(netmask("0").as_deref(), Ok("0.0.0.0"));
        assert_eq!(netmask("255.255.254.0").as_deref(), Ok("255.255.254.0"));
        assert!(netmask("255.0.255.0").is_err());
        assert!(netmask("33").is_err());
        assert_eq!(network("10.0.0.0/8").as_deref(), Ok("10.0.0.0/8"));
        assert!(network("10.0.0.0/33").is_err());
        assert!(network("::/129").is_err());
        assert_eq!(multicast("224.0.1.75:5004").as_deref(), Ok("224.0.1.75:5004"));
        assert!(multicast("10.0.0.1:5004").is_err());
        assert_eq!(mac("000B.82AA.bbcc").as_deref(), Ok("00:0b:82:aa:bb:cc"));
        assert!(mac("00:0b:82:aa:bb").is_err());
    }
}
