//! STUN messages, as phones and server exchange them for UDP connection requests: RFC 3489 as TR-069 Annex G has it, and
//! what RFC 5389 changed. Pure; [`super::udp`] has the socket.

use std::net::{IpAddr, SocketAddr};

use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use subtle::ConstantTimeEq;

/// The longest message read, in bytes.
pub const MOST: usize = 1_024;

const HEADER: usize = 20;
const BINDING_REQUEST: u16 = 0x0001;
const BINDING_RESPONSE: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;
const MAGIC_COOKIE: u32 = 0x2112_a442;
/// An HMAC-SHA1 with its attribute's header.
const INTEGRITY: usize = 24;

const MAPPED_ADDRESS: u16 = 0x0001;
const RESPONSE_ADDRESS: u16 = 0x0002;
const CHANGE_REQUEST: u16 = 0x0003;
const SOURCE_ADDRESS: u16 = 0x0004;
const CHANGED_ADDRESS: u16 = 0x0005;
const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
/// TR-069 Annex G.2.2.
const CONNECTION_REQUEST_BINDING: u16 = 0xc001;
const CONNECTION_REQUEST_BINDING_VALUE: &[u8] = b"dslforum.org/TR-111 ";
const BINDING_CHANGE: u16 = 0xc002;

/// Why a request is answered with an error (RFC 3489 §11.2.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Unauthorized,
    UnknownAttribute(u16),
    WrongIntegrity,
}

/// A binding request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    bytes: &'a [u8],
    /// Where MESSAGE-INTEGRITY begins, if it is there.
    integrity_at: Option<usize>,
    pub username: Option<&'a str>,
    /// The message keeps the way of connection requests open.
    pub connection_request: bool,
    /// The phone says that its way has changed.
    pub changed: bool,
    /// Where it wants the answer, instead of where it came from.
    pub response_address: Option<SocketAddr>,
    /// It wants an answer from another address or port, which there is not.
    pub wants_change: bool,
    /// The first attribute it must be refused for.
    pub unknown: Option<u16>,
}

/// How a message was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// With zeros up to a multiple of 64 bytes behind what is signed (RFC 3489 §11.2.8).
    Padded,
    /// As it stands (RFC 5389 §15.4).
    Plain,
}

impl<'a> Request<'a> {
    /// Reads a message; `None` for whatever is no binding request.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let header = bytes.first_chunk::<HEADER>().filter(|_| bytes.len() <= MOST)?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if u16::from_be_bytes([header[0], header[1]]) != BINDING_REQUEST || HEADER + length != bytes.len() {
            return None;
        }
        let mut request = Self {
            bytes,
            integrity_at: None,
            username: None,
            connection_request: false,
            changed: false,
            response_address: None,
            wants_change: false,
            unknown: None,
        };
        let mut at = HEADER;
        while at < bytes.len() {
            let head = bytes.get(at..at + 4)?;
            let kind = u16::from_be_bytes([head[0], head[1]]);
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let value = bytes.get(at + 4..at + 4 + length)?;
            // What follows the signature is not signed.
            if request.integrity_at.is_none() {
                request.take(kind, value, at);
            }
            at += 4 + length.next_multiple_of(4);
        }
        Some(request)
    }

    fn take(&mut self, kind: u16, value: &'a [u8], at: usize) {
        match kind {
            // Phones fill it up with zeros or blanks.
            USERNAME => self.username = std::str::from_utf8(value).ok().map(|text| text.trim_matches(['\0', ' '])),
            MESSAGE_INTEGRITY if value.len() == INTEGRITY - 4 => self.integrity_at = Some(at),
            CONNECTION_REQUEST_BINDING => self.connection_request = value == CONNECTION_REQUEST_BINDING_VALUE,
            BINDING_CHANGE => self.changed = true,
            RESPONSE_ADDRESS => self.response_address = read_address(value),
            CHANGE_REQUEST => self.wants_change = value.last().is_some_and(|flags| flags & 0x06 != 0),
            MAPPED_ADDRESS | SOURCE_ADDRESS | CHANGED_ADDRESS => {}
            // The upper half may be passed over (RFC 3489 §11.2, RFC 5389 §15).
            0x8000.. => {}
            other => self.unknown = self.unknown.or(Some(other)),
        }
    }

    /// How the message is signed with this password, if it is.
    pub fn signed(&self, password: &[u8]) -> Option<Signed> {
        let at = self.integrity_at?;
        let given = self.bytes.get(at + 4..at + INTEGRITY)?;
        [Signed::Plain, Signed::Padded].into_iter().find(|how| {
            let right = integrity(&self.bytes[..at], password, *how);
            bool::from(right.ct_eq(given))
        })
    }

    pub fn is_signed(&self) -> bool {
        self.integrity_at.is_some()
    }

    /// Whether the sender knows RFC 5389.
    fn has_cookie(&self) -> bool {
        self.bytes[4..8] == MAGIC_COOKIE.to_be_bytes()
    }

    /// Says where the request came from. `own` is the server's own address, if known.
    pub fn answer(&self, seen: SocketAddr, own: Option<SocketAddr>, key: Option<(&[u8], Signed)>) -> Vec<u8> {
        let mut out = self.begin(BINDING_RESPONSE);
        put(&mut out, MAPPED_ADDRESS, &address(seen));
        if let Some(own) = own {
            put(&mut out, SOURCE_ADDRESS, &address(own));
            put(&mut out, CHANGED_ADDRESS, &address(own));
        }
        if self.has_cookie() {
            put(&mut out, XOR_MAPPED_ADDRESS, &self.masked(seen));
        }
        if let Some((password, how)) = key {
            let right = integrity(&out, password, how);
            put(&mut out, MESSAGE_INTEGRITY, &right);
        }
        finish(out)
    }

    pub fn refuse(&self, refusal: Refusal) -> Vec<u8> {
        let (code, reason): (u16, &str) = match refusal {
            Refusal::Unauthorized => (401, "Unauthorized"),
            Refusal::UnknownAttribute(_) => (420, "Unknown Attribute"),
            Refusal::WrongIntegrity => (431, "Integrity Check Failure"),
        };
        let mut out = self.begin(BINDING_ERROR);
        let mut value = vec![0, 0, (code / 100) as u8, (code % 100) as u8];
        value.extend_from_slice(reason.as_bytes());
        value.resize(value.len().next_multiple_of(4), b' ');
        put(&mut out, ERROR_CODE, &value);
        if let Refusal::UnknownAttribute(kind) = refusal {
            // An even number of them, so that nothing has to be filled up (RFC 3489 §11.2.10).
            put(&mut out, UNKNOWN_ATTRIBUTES, &[kind.to_be_bytes(), kind.to_be_bytes()].concat());
        }
        finish(out)
    }

    fn begin(&self, kind: u16) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&self.bytes[4..HEADER]);
        out
    }

    /// An address no router rewrites on its way (RFC 5389 §15.2).
    fn masked(&self, seen: SocketAddr) -> Vec<u8> {
        let mut value = address(seen);
        for (index, byte) in value[2..4].iter_mut().enumerate() {
            *byte ^= MAGIC_COOKIE.to_be_bytes()[index];
        }
        for (byte, mask) in value[4..].iter_mut().zip(&self.bytes[4..HEADER]) {
            *byte ^= mask;
        }
        value
    }
}

fn put(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&(value.len() as u16).to_be_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

fn finish(mut out: Vec<u8>) -> Vec<u8> {
    let length = (out.len() - HEADER) as u16;
    out[2..4].copy_from_slice(&length.to_be_bytes());
    out
}

/// What MESSAGE-INTEGRITY must say behind `message`, whose length field counts it already.
fn integrity(message: &[u8], password: &[u8], how: Signed) -> Vec<u8> {
    let mut text = message.to_vec();
    let length = (message.len() + INTEGRITY - HEADER) as u16;
    text[2..4].copy_from_slice(&length.to_be_bytes());
    if how == Signed::Padded {
        text.resize(text.len().next_multiple_of(64), 0);
    }
    sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, password), &text).as_ref().to_vec()
}

/// A socket of both families sees IPv4 addresses as IPv6 ones; phones know them as what they are.
fn address(address: SocketAddr) -> Vec<u8> {
    let ip = address.ip().to_canonical();
    let mut value = vec![0, if ip.is_ipv4() { 1 } else { 2 }];
    value.extend_from_slice(&address.port().to_be_bytes());
    match ip {
        IpAddr::V4(ip) => value.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => value.extend_from_slice(&ip.octets()),
    }
    value
}

fn read_address(value: &[u8]) -> Option<SocketAddr> {
    let port = u16::from_be_bytes([*value.get(2)?, *value.get(3)?]);
    let ip: IpAddr = match (value.get(1)?, value.get(4..)?) {
        (1, ip) => <[u8; 4]>::try_from(ip).ok()?.into(),
        (2, ip) => <[u8; 16]>::try_from(ip).ok()?.into(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 §2.1: a request with short-term credentials, signed the way of RFC 5389.
    const VECTOR: &str = "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74\
        002400046e0001ff80290008932ff9b151263b36000600096576746a3a683676592020200008\
        00149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf";

    #[test]
    fn reads_the_standards_example() {
        let bytes = hex::decode(VECTOR).unwrap();
        let request = Request::read(&bytes).unwrap();
        assert_eq!(request.username, Some("evtj:h6vY"));
        assert_eq!(request.signed(b"VOkJxbRl1RmTxUk/WvJxBt"), Some(Signed::Plain));
        assert_eq!(request.signed(b"another"), None);
        assert_eq!(request.unknown, Some(0x24), "ICE's priority is none of ours");
        let seen: SocketAddr = "192.0.2.1:32853".parse().unwrap();
        let answer = request.answer(seen, None, None);
        // RFC 5769 §2.2: the masked address of the same transaction.
        assert!(hex::encode(&answer).ends_with("002000080001a147e112a643"), "{}", hex::encode(&answer));
        assert_eq!(read_address(&answer[24..32]), Some(seen));
    }

    fn request(attributes: &[(u16, &[u8])], key: Option<(&[u8], Signed)>) -> Vec<u8> {
        let mut out = vec![0, 1, 0, 0];
        out.extend_from_slice(&[7; 16]);
        for (kind, value) in attributes {
            put(&mut out, *kind, value);
        }
        if let Some((password, how)) = key {
            let right = integrity(&out, password, how);
            put(&mut out, MESSAGE_INTEGRITY, &right);
        }
        finish(out)
    }

    #[test]
    fn reads_what_annex_g_adds() {
        for how in [Signed::Plain, Signed::Padded] {
            let bytes = request(
                &[
                    (CONNECTION_REQUEST_BINDING, CONNECTION_REQUEST_BINDING_VALUE),
                    (BINDING_CHANGE, b""),
                    (USERNAME, b"user\0\0\0\0"),
                    (RESPONSE_ADDRESS, &address("[2001:db8::7]:99".parse().unwrap())),
                ],
                Some((b"secret", how)),
            );
            let read = Request::read(&bytes).unwrap();
            assert!(read.connection_request && read.changed && !read.wants_change && read.unknown.is_none());
            assert_eq!(read.username, Some("user"));
            assert_eq!(read.response_address, "[2001:db8::7]:99".parse().ok());
            assert_eq!(read.signed(b"secret"), Some(how));
        }
    }

    #[test]
    fn an_ipv4_phone_is_told_its_ipv4_address_by_a_socket_of_both_families() {
        assert_eq!(address("[::ffff:192.0.2.7]:99".parse().unwrap()), address("192.0.2.7:99".parse().unwrap()));
    }

    #[test]
    fn what_follows_the_signature_does_not_count() {
        let mut bytes = request(&[(USERNAME, b"user")], Some((b"secret", Signed::Plain)));
        put(&mut bytes, CONNECTION_REQUEST_BINDING, CONNECTION_REQUEST_BINDING_VALUE);
        let bytes = finish(bytes);
        assert!(!Request::read(&bytes).unwrap().connection_request);
    }

    #[test]
    fn refuses_by_the_standards_numbers() {
        let bytes = request(&[(CHANGE_REQUEST, &[0, 0, 0, 6]), (0x0055, b"what")], None);
        let read = Request::read(&bytes).unwrap();
        assert!(read.wants_change && !read.is_signed() && read.unknown == Some(0x55));
        let refusal = read.refuse(Refusal::UnknownAttribute(0x55));
        assert_eq!(&refusal[..2], &[0x01, 0x11]);
        assert_eq!(&refusal[24..28], &[0, 0, 4, 20]);
        assert!(refusal.ends_with(&[0, 0x55, 0, 0x55]) && refusal.len().is_multiple_of(4));
    }

    #[test]
    fn mutations_are_read_or_not_and_never_panic() {
        let good = request(
            &[(USERNAME, b"user"), (CONNECTION_REQUEST_BINDING, CONNECTION_REQUEST_BINDING_VALUE)],
            Some((b"secret", Signed::Padded)),
        );
        for at in 0..good.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = good.clone();
                bytes[at] = value;
                if let Some(read) = Request::read(&bytes) {
                    assert!(read.signed(b"secret").is_none() || bytes == good || at > good.len() - 24, "{at} {value}");
                    read.answer("10.0.0.1:1".parse().unwrap(), None, None);
                }
            }
            assert!(Request::read(&good[..at]).is_none());
        }
        assert!(Request::read(&vec![0; 70_000]).is_none());
    }
}
