//! Session keys from a master key (RFC 3711 §4.3), and what is done with them: AES in counter mode and HMAC-SHA1.

use aes::cipher::{Array, BlockCipherEncrypt, KeyInit, consts::U16};
use aes::{Aes128Enc, Aes256Enc};
use hmac_0_13::{Hmac, Mac};
use sha1::Sha1;
use zeroize::Zeroizing;

use super::{SALT_LEN, SrtpError, Suite};

/// Bytes of a key of HMAC-SHA1, with every suite.
const AUTH_LEN: usize = 20;
/// Blocks of key stream made at once: a 20 ms frame of G.711 takes ten.
const BATCH: usize = 16;

type Block = Array<u8, U16>;

/// What session keys are for: the labels of RFC 3711 §4.3.1 start here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Rtp,
    Rtcp,
}

/// AES of either key length; its key schedule is wiped when it goes.
#[derive(Clone)]
pub enum Cipher {
    Aes128(Aes128Enc),
    Aes256(Aes256Enc),
}

impl Cipher {
    /// By the key's length: 16 or 32 bytes.
    pub fn new(key: &[u8]) -> Result<Self, SrtpError> {
        match key.len() {
            16 => Aes128Enc::new_from_slice(key).map(Self::Aes128),
            _ => Aes256Enc::new_from_slice(key).map(Self::Aes256),
        }
        .map_err(|_| SrtpError::MasterLength)
    }

    /// Adds the key stream of `iv`, whose last two bytes count the blocks (RFC 3711 §4.1.1).
    pub fn apply(&self, iv: [u8; 16], data: &mut [u8]) {
        let mut counter = 0u16;
        let mut stream = [Block::from(iv); BATCH];
        for part in data.chunks_mut(16 * BATCH) {
            let blocks = part.len().div_ceil(16);
            for block in stream.iter_mut().take(blocks) {
                *block = Block::from(iv);
                block.0[14..].copy_from_slice(&counter.to_be_bytes());
                counter = counter.wrapping_add(1);
            }
            if let Some(used) = stream.get_mut(..blocks) {
                match self {
                    Self::Aes128(aes) => aes.encrypt_blocks(used),
                    Self::Aes256(aes) => aes.encrypt_blocks(used),
                }
            }
            for (data, stream) in part.chunks_mut(16).zip(&stream) {
                for (byte, key) in data.iter_mut().zip(stream.iter()) {
                    *byte ^= key;
                }
            }
        }
    }
}

/// The keys of one kind of packets in one direction.
#[derive(Clone)]
pub struct SessionKeys {
    cipher: Cipher,
    /// Keyed already: each packet takes a copy.
    auth: Hmac<Sha1>,
    salt: Zeroizing<[u8; SALT_LEN]>,
}

impl SessionKeys {
    /// Derives them; `master` is the key and its salt.
    pub fn derive(suite: Suite, master: &[u8], kind: Kind) -> Result<Self, SrtpError> {
        if master.len() != suite.master_len() {
            return Err(SrtpError::MasterLength);
        }
        let (key, salt) = master.split_at_checked(suite.key_len()).ok_or(SrtpError::MasterLength)?;
        let aes = Cipher::new(key)?;
        let label = if kind == Kind::Rtp { 0 } else { 3 };
        let mut cipher_key = Zeroizing::new([0; 32]);
        let cipher_key = cipher_key.get_mut(..suite.key_len()).ok_or(SrtpError::MasterLength)?;
        derive(&aes, salt, label, cipher_key);
        let mut auth_key = Zeroizing::new([0; AUTH_LEN]);
        derive(&aes, salt, label + 1, auth_key.as_mut_slice());
        let mut session_salt = Zeroizing::new([0; SALT_LEN]);
        derive(&aes, salt, label + 2, session_salt.as_mut_slice());
        Ok(Self {
            cipher: Cipher::new(cipher_key)?,
            auth: <Hmac<Sha1> as KeyInit>::new_from_slice(auth_key.as_slice()).map_err(|_| SrtpError::MasterLength)?,
            salt: session_salt,
        })
    }

    /// Encrypts or decrypts the payload of the packet of this source and index.
    pub fn apply(&self, ssrc: u32, index: u64, payload: &mut [u8]) {
        let [_, _, index @ ..] = index.to_be_bytes();
        let mut iv = [0; 16];
        let mask = [0; 4].into_iter().chain(ssrc.to_be_bytes()).chain(index);
        for ((out, salt), mask) in iv.iter_mut().zip(self.salt.iter()).zip(mask) {
            *out = salt ^ mask;
        }
        self.cipher.apply(iv, payload);
    }

    /// The tag over `packet` and what follows it, to be cut to its length.
    pub fn tag(&self, packet: &[u8], then: &[u8]) -> [u8; AUTH_LEN] {
        let mut auth = self.auth.clone();
        auth.update(packet);
        auth.update(then);
        auth.finalize().into_bytes().into()
    }
}

/// One derived key (RFC 3711 §4.3.1), with a key derivation rate of zero.
fn derive(aes: &Cipher, salt: &[u8], label: u8, out: &mut [u8]) {
    let mut iv = [0; 16];
    for (out, salt) in iv.iter_mut().zip(salt) {
        *out = *salt;
    }
    iv[7] ^= label;
    out.fill(0);
    aes.apply(iv, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex(text: &str) -> Vec<u8> {
        hex::decode(text.replace(' ', "")).unwrap()
    }

    fn stream(key: &str, blocks: usize) -> Vec<u8> {
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(&unhex("f0f1f2f3f4f5f6f7f8f9fafbfcfd"));
        let mut out = vec![0; 16 * blocks];
        Cipher::new(&unhex(key)).unwrap().apply(iv, &mut out);
        out
    }

    #[test]
    fn the_key_stream_is_that_of_rfc_3711() {
        // Appendix B.2: the first three blocks, and three about the turn of the counter's low byte.
        let out = stream("2b7e151628aed2a6abf7158809cf4f3c", 0xff02);
        assert_eq!(
            out[..48],
            unhex("e03ead0935c95e80e166b16dd92b4eb4 d23513162b02d0f72a43a2fe4a5f97ab 41e95b3bb0a2e8dd477901e4fca894c0")
        );
        assert_eq!(
            out[0xfeff * 16..],
            unhex("ec8cdf7398607cb0f2d21675ea9ea1e4 362b7c3c6773516318a077d7fc5073ae 6a2cc3787889374fbeb4c81b17ba6c44")
        );
    }

    #[test]
    fn the_key_stream_is_that_of_rfc_6188() {
        let out = stream("57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98", 2);
        assert_eq!(out, unhex("92bdd28a93c3f52511c677d08b5515a4 9da71b2378a854f67050756ded165bac"));
    }

    fn derived(master: &str, key_len: usize) -> [Vec<u8>; 3] {
        let master = unhex(master);
        let (key, salt) = master.split_at(key_len);
        let aes = Cipher::new(key).unwrap();
        [(0, key_len), (1, 20), (2, 14)].map(|(label, len)| {
            let mut out = vec![0; len];
            derive(&aes, salt, label, &mut out);
            out
        })
    }

    #[test]
    fn keys_are_derived_as_in_rfc_3711() {
        // Appendix B.3.
        let [key, auth, salt] = derived("e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6", 16);
        assert_eq!(key, unhex("c61e7a93744f39ee10734afe3ff7a087"));
        assert_eq!(salt, unhex("30cbbc08863d8c85d49db34a9ae1"));
        assert_eq!(auth, unhex("cebe321f6ff7716b6fd4ab49af256a156d38baa4"));
    }

    #[test]
    fn keys_are_derived_as_in_rfc_6188() {
        // Section 7.4.
        let [key, auth, salt] = derived(
            "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6 3b04803de51ee7c96423ab5b78d2",
            32,
        );
        assert_eq!(key, unhex("5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4"));
        assert_eq!(salt, unhex("fa31791685ca444a9e07c6c64e93"));
        assert_eq!(auth, unhex("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"));
    }

    #[test]
    fn a_master_key_of_another_length_is_refused() {
        for suite in Suite::ALL {
            for len in [0, 16, suite.master_len() - 1, suite.master_len() + 1] {
                assert!(SessionKeys::derive(suite, &vec![1; len], Kind::Rtp).is_err());
            }
        }
    }
}
