//! The STUN Binding request (RFC 8489), as far as a phone needs it to learn its address in front of a NAT.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::rng::Rng;

/// Where STUN servers listen.
pub const PORT: u16 = 3478;
const COOKIE: u32 = 0x2112_a442;
const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const MAPPED_ADDRESS: u16 = 0x0001;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const SOFTWARE_LIMIT: usize = 1500;

/// A transaction id.
pub fn transaction_id(rng: &mut Rng) -> [u8; 12] {
    let mut id = [0; 12];
    id[..8].copy_from_slice(&rng.next_u64().to_be_bytes());
    id[8..].copy_from_slice(&rng.next_u64().to_be_bytes()[..4]);
    id
}

/// A Binding request.
pub fn binding_request(id: [u8; 12]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(20);
    bytes.extend_from_slice(&BINDING_REQUEST.to_be_bytes());
    bytes.extend_from_slice(&0u16.to_be_bytes());
    bytes.extend_from_slice(&COOKIE.to_be_bytes());
    bytes.extend_from_slice(&id);
    bytes
}

/// Whether a datagram is STUN and not SIP: the first two bits are zero, and the cookie is there (§5).
pub fn is_stun(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first >> 6 == 0) && bytes.get(4..8) == Some(&COOKIE.to_be_bytes()[..])
}

/// The address in the success response to request `id`.
pub fn mapped_address(bytes: &[u8], id: [u8; 12]) -> Option<SocketAddr> {
    if bytes.len() > SOFTWARE_LIMIT || !is_stun(bytes) || bytes.get(8..20) != Some(&id[..]) {
        return None;
    }
    let word = |bytes: &[u8], at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    if word(bytes, 0)? != BINDING_SUCCESS {
        return None;
    }
    let length = usize::from(word(bytes, 2)?);
    let mut rest = bytes.get(20..20 + length)?;
    let mut plain = None;
    while rest.len() >= 4 {
        let (kind, size) = (word(rest, 0)?, usize::from(word(rest, 2)?));
        let value = rest.get(4..4 + size)?;
        match kind {
            XOR_MAPPED_ADDRESS => return address(value, Some(id)),
            MAPPED_ADDRESS => plain = address(value, None),
            _ => {}
        }
        rest = rest.get(4 + size.next_multiple_of(4)..).unwrap_or_default();
    }
    plain
}

fn address(value: &[u8], xor: Option<[u8; 12]>) -> Option<SocketAddr> {
    let mut mask = [0u8; 16];
    if let Some(id) = xor {
        mask[..4].copy_from_slice(&COOKIE.to_be_bytes());
        mask[4..].copy_from_slice(&id);
    }
    let port = u16::from_be_bytes(value.get(2..4)?.try_into().ok()?) ^ u16::from_be_bytes([mask[0], mask[1]]);
    let unmask = |bytes: &[u8]| bytes.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect::<Vec<u8>>();
    let ip = match value.get(1)? {
        1 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(unmask(value.get(4..8)?)).ok()?)),
        2 => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(unmask(value.get(4..20)?)).ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port)).filter(|address| address.port() != 0 && !address.ip().is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 §2.2: 192.0.2.1:32853.
    const ID: [u8; 12] = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];

    fn response(attributes: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x01, 0x01, 0, attributes.len() as u8, 0x21, 0x12, 0xa4, 0x42];
        bytes.extend_from_slice(&ID);
        bytes.extend_from_slice(attributes);
        bytes
    }

    #[test]
    fn the_vector_of_rfc_5769_is_read() {
        let xor = [0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
        let software = [0x80, 0x22, 0x00, 0x0b, b't', b'e', b's', b't', b' ', b'v', b'e', b'c', b't', b'o', b'r', b' '];
        let bytes = response(&[&software[..], &xor].concat());
        assert_eq!(mapped_address(&bytes, ID), Some("192.0.2.1:32853".parse().unwrap()));
        assert_eq!(mapped_address(&bytes, [0; 12]), None, "another transaction");
        let plain = response(&[0x00, 0x01, 0x00, 0x08, 0x00, 0x01, 0x13, 0xc4, 203, 0, 113, 5]);
        assert_eq!(mapped_address(&plain, ID), Some("203.0.113.5:5060".parse().unwrap()));
    }

    #[test]
    fn broken_responses_are_none() {
        let xor = [0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
        let whole = response(&xor);
        for length in 0..whole.len() {
            assert_eq!(mapped_address(&whole[..length], ID), None);
        }
        assert_eq!(mapped_address(&response(&[0x00, 0x20, 0xff, 0xff, 0, 0, 0, 0]), ID), None);
        assert!(is_stun(&binding_request(ID)) && !is_stun(b"INVITE sip:a@b SIP/2.0"));
    }
}
