//! Networks in CIDR notation (RFC 4632, RFC 4291 §2.3).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// All addresses that begin like `address`, in its first `bits` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Whether an address is in it. An IPv4 address written as IPv6 counts as what it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        masked(address.to_canonical(), self.bits) == Some(self.address)
    }
}

/// An address without what follows its first bits; `None` if it has fewer.
fn masked(address: IpAddr, bits: u32) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => {
            let rest = 32u32.checked_sub(bits)?;
            let mask = u32::MAX.checked_shl(rest).unwrap_or(0);
            Some(Ipv4Addr::from_bits(address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let rest = 128u32.checked_sub(bits)?;
            let mask = u128::MAX.checked_shl(rest).unwrap_or(0);
            Some(Ipv6Addr::from_bits(address.to_bits() & mask).into())
        }
    }
}

/// What an address is counted as where many requests are too many: of IPv6 the first 64 bits, since a single host has all the
/// rest to choose from.
pub fn one_source(client: &str) -> String {
    match client.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(address) if address.is_ipv6() => masked(address, 64).unwrap_or(address).to_string(),
        Ok(address) => address.to_string(),
        Err(_) => client.to_owned(),
    }
}

impl FromStr for Network {
    type Err = ();

    /// `10.20.0.0/16`, `fd00::/8`, or one address.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(drop)?)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(drop)?;
        let bits = bits.unwrap_or(if address.is_ipv4() { 32 } else { 128 });
        Ok(Self { address: masked(address, bits).ok_or(())?, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_addresses() {
        for (network, inside, outside) in [
            ("10.20.0.0/16", "10.20.255.1", "10.21.0.1"),
            ("10.20.7.9/16", "10.20.0.1", "11.20.0.1"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.0/31", "::ffff:192.0.2.1", "192.0.2.2"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("fd00::/8", "fd12::1", "10.0.0.1"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{network} {outside}");
        }
        assert_eq!("10.20.7.9/16".parse::<Network>().unwrap().to_string(), "10.20.0.0/16");
    }

    #[test]
    fn a_host_with_many_addresses_is_one_source() {
        assert_eq!(one_source("2001:db8:1:2:3::4"), one_source("2001:db8:1:2:ffff::9"));
        assert_ne!(one_source("2001:db8:1:2::4"), one_source("2001:db8:1:3::4"));
        assert_eq!(one_source("::ffff:192.0.2.1"), "192.0.2.1");
        assert_ne!(one_source("192.0.2.1"), one_source("192.0.2.2"));
    }

    #[test]
    fn refuses_what_is_none() {
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "hotel", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8"] {
            assert_eq!(text.parse::<Network>(), Err(()), "{text}");
        }
    }
}
