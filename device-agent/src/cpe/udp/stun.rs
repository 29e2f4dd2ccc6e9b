//! STUN binding requests as Annex G wants them (RFC 3489, with the magic cookie of RFC 5389 in the transaction id, which
//! servers of either kind understand).

use std::net::{Ipv4Addr, SocketAddr};

use ring::hmac;

const BINDING_REQUEST: u16 = 0x0001;
const BINDING_RESPONSE: u16 = 0x0101;
const MAGIC: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const HEADER: usize = 20;

const MAPPED_ADDRESS: u16 = 0x0001;
const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
/// As servers before RFC 5389 number it.
const XOR_MAPPED_ADDRESS_OLD: u16 = 0x8020;
/// G.2.1.3: says what this binding is for.
const CONNECTION_REQUEST_BINDING: u16 = 0xc001;
const PURPOSE: &[u8; 20] = b"dslforum.org/TR-111 ";
/// G.2.1.3: it is another one than before.
const BINDING_CHANGE: u16 = 0xc002;

pub type Transaction = [u8; 16];

/// A new transaction's id.
pub fn transaction() -> std::io::Result<Transaction> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(std::io::Error::other)?;
    id[..4].copy_from_slice(&MAGIC);
    Ok(id)
}

pub struct Request<'a> {
    pub id: Transaction,
    /// The binding is new.
    pub changed: bool,
    /// Empty: none, and no signature.
    pub username: &'a str,
    pub password: &'a str,
}

impl Request<'_> {
    pub fn encode(&self) -> Vec<u8> {
        let mut message = Vec::with_capacity(128);
        message.extend_from_slice(&BINDING_REQUEST.to_be_bytes());
        message.extend_from_slice(&[0, 0]);
        message.extend_from_slice(&self.id);
        attribute(&mut message, CONNECTION_REQUEST_BINDING, PURPOSE);
        if self.changed {
            attribute(&mut message, BINDING_CHANGE, &[]);
        }
        if self.username.is_empty() {
            set_length(&mut message, 0);
            return message;
        }
        let mut username = self.username.as_bytes().to_vec();
        username.resize(username.len().next_multiple_of(4), b' ');
        attribute(&mut message, USERNAME, &username);
        set_length(&mut message, 24);
        // RFC 3489 §11.2.8: over the message before it, filled up to 64 bytes.
        let mut padded = message.clone();
        padded.resize(padded.len().next_multiple_of(64), 0);
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.password.as_bytes());
        attribute(&mut message, MESSAGE_INTEGRITY, hmac::sign(&key, &padded).as_ref());
        message
    }
}

fn attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend_from_slice(&kind.to_be_bytes());
    message.extend_from_slice(&(value.len() as u16).to_be_bytes());
    message.extend_from_slice(value);
}

fn set_length(message: &mut [u8], to_come: usize) {
    let length = (message.len() - HEADER + to_come) as u16;
    message[2..4].copy_from_slice(&length.to_be_bytes());
}

/// The address the server sees us at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapped(pub SocketAddr);

/// The answer to the transaction, if that is what the datagram is.
pub fn decode(datagram: &[u8], id: Transaction) -> Option<Mapped> {
    let word = |at: usize| Some(u16::from_be_bytes([*datagram.get(at)?, *datagram.get(at + 1)?]));
    if word(0)? != BINDING_RESPONSE || datagram.get(4..HEADER)? != id {
        return None;
    }
    let end = HEADER + usize::from(word(2)?);
    let mut at = HEADER;
    let mut mapped = None;
    while at + 4 <= end.min(datagram.len()) {
        let (kind, length) = (word(at)?, usize::from(word(at + 2)?));
        let value = datagram.get(at + 4..at + 4 + length)?;
        match kind {
            XOR_MAPPED_ADDRESS | XOR_MAPPED_ADDRESS_OLD => return address(value, MAGIC),
            MAPPED_ADDRESS => mapped = address(value, [0; 4]),
            _ => {}
        }
        at += 4 + length.next_multiple_of(4);
    }
    mapped
}

/// IPv4 only, as Annex G is.
fn address(value: &[u8], mask: [u8; 4]) -> Option<Mapped> {
    let [_, 1, high, low, a, b, c, d] = *value else { return None };
    let port = u16::from_be_bytes([high ^ mask[0], low ^ mask[1]]);
    let ip = Ipv4Addr::new(a ^ mask[0], b ^ mask[1], c ^ mask[2], d ^ mask[3]);
    Some(Mapped(SocketAddr::new(ip.into(), port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_say_what_they_are_for() {
        let id = transaction().unwrap();
        let plain = Request { id, changed: true, username: "", password: "" }.encode();
        assert_eq!(plain.len(), HEADER + 24 + 4);
        assert_eq!(u16::from_be_bytes([plain[2], plain[3]]), 28);
        assert!(plain.windows(20).any(|window| window == PURPOSE));
        let signed = Request { id, changed: false, username: "phone", password: "pw" }.encode();
        assert_eq!(signed.len(), HEADER + 24 + 12 + 24);
        assert_eq!(usize::from(u16::from_be_bytes([signed[2], signed[3]])), signed.len() - HEADER);
    }

    #[test]
    fn answers_name_the_address() {
        let id = transaction().unwrap();
        let answer = |kind: u16, value: [u8; 8]| {
            let mut message = vec![1, 1, 0, 12];
            message.extend_from_slice(&id);
            attribute(&mut message, kind, &value);
            message
        };
        let expected = Some(Mapped("192.0.2.7:5000".parse().unwrap()));
        let plain = [0, 1, 0x13, 0x88, 192, 0, 2, 7];
        assert_eq!(decode(&answer(MAPPED_ADDRESS, plain), id), expected);
        let mut masked = plain;
        for (at, byte) in masked.iter_mut().enumerate().skip(2) {
            *byte ^= MAGIC[if at < 4 { at - 2 } else { at - 4 }];
        }
        assert_eq!(decode(&answer(XOR_MAPPED_ADDRESS, masked), id), expected);
        assert_eq!(decode(&answer(MAPPED_ADDRESS, plain), [0; 16]), None, "another transaction");
        for cut in 0..32 {
            decode(&answer(MAPPED_ADDRESS, plain)[..cut], id);
        }
    }
}
