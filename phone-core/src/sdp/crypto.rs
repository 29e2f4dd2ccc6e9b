//! `a=crypto` (RFC 4568, with the suites of RFC 6188). Keys are never printed but into the description itself.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::rng::Rng;

/// Reads base64 with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);
/// Bytes of a master salt, with every suite we know.
const SALT_LEN: usize = 14;

/// A crypto suite: AES in counter mode with a shortened HMAC-SHA1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suite {
    /// `AES_CM_128_HMAC_SHA1_80` (RFC 4568 §6.2.1).
    Aes128Sha1_80,
    /// `AES_CM_128_HMAC_SHA1_32` (RFC 4568 §6.2.2).
    Aes128Sha1_32,
    /// `AES_256_CM_HMAC_SHA1_80` (RFC 6188 §4.3).
    Aes256Sha1_80,
    /// `AES_256_CM_HMAC_SHA1_32` (RFC 6188 §4.3).
    Aes256Sha1_32,
}

impl Suite {
    /// All, in the order they are offered: long tags first, long keys first.
    pub const ALL: [Self; 4] = [Self::Aes256Sha1_80, Self::Aes128Sha1_80, Self::Aes256Sha1_32, Self::Aes128Sha1_32];

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes128Sha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::Aes128Sha1_32 => "AES_CM_128_HMAC_SHA1_32",
            Self::Aes256Sha1_80 => "AES_256_CM_HMAC_SHA1_80",
            Self::Aes256Sha1_32 => "AES_256_CM_HMAC_SHA1_32",
        }
    }

    /// Reads a name in any case; AES-256 also in the order some write it, `AES_CM_256_...`.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_uppercase().replace("AES_CM_256_", "AES_256_CM_");
        Self::ALL.into_iter().find(|suite| suite.name() == name)
    }

    /// Whether its key is one of AES-256.
    pub const fn is_256(self) -> bool {
        matches!(self, Self::Aes256Sha1_80 | Self::Aes256Sha1_32)
    }

    /// Bytes of the master key: 16 or 32.
    pub const fn key_len(self) -> usize {
        if self.is_256() { 32 } else { 16 }
    }

    /// Bytes of master key and salt: 30 or 46.
    pub const fn master_len(self) -> usize {
        self.key_len() + SALT_LEN
    }

    /// Bytes of the tag of an RTP packet: 10 or 4. RTCP always has 10 (RFC 4568 §6.2).
    pub const fn rtp_tag_len(self) -> usize {
        match self {
            Self::Aes128Sha1_80 | Self::Aes256Sha1_80 => 10,
            Self::Aes128Sha1_32 | Self::Aes256Sha1_32 => 4,
        }
    }
}

/// A master key and salt, and the identifier its packets carry. `Debug` prints none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    bytes: Vec<u8>,
    mki: Vec<u8>,
}

impl MasterKey {
    /// A new key for a suite, without an identifier.
    pub(crate) fn random(suite: Suite, rng: &mut Rng) -> Self {
        let mut bytes = Vec::with_capacity(suite.master_len() + 8);
        while bytes.len() < suite.master_len() {
            bytes.extend_from_slice(&rng.next_u64().to_be_bytes());
        }
        bytes.truncate(suite.master_len());
        Self { bytes, mki: Vec::new() }
    }

    /// Key, then salt; 30 or 46 bytes.
    pub fn key_and_salt(&self) -> &[u8] {
        &self.bytes
    }

    /// The key: 16 or 32 bytes.
    pub fn key(&self) -> &[u8] {
        self.bytes.get(..self.bytes.len().saturating_sub(SALT_LEN)).unwrap_or_default()
    }

    /// The salt: 14 bytes.
    pub fn salt(&self) -> &[u8] {
        self.bytes.get(self.bytes.len().saturating_sub(SALT_LEN)..).unwrap_or_default()
    }

    /// The master key identifier that each packet protected with this key carries before its tag (RFC 3711 §3.1);
    /// mostly empty.
    pub fn mki(&self) -> &[u8] {
        &self.mki
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

/// The keys of a stream. `Debug` does not print them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrtpPair {
    /// Of both directions.
    pub suite: Suite,
    /// Protects what we send.
    pub local: MasterKey,
    /// Protects what we receive.
    pub remote: MasterKey,
}

/// One `a=crypto`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CryptoLine {
    /// Ties an answer to its offer.
    pub tag: u32,
    /// The suite.
    pub suite: Suite,
    /// Key of the one who wrote the line.
    pub key: MasterKey,
}

impl CryptoLine {
    /// Reads the value of the attribute: `tag suite inline:key[|lifetime][|mki:length] [parameters]`. `None` if it
    /// cannot be read, or asks for something we do not do (another suite, several keys, packets left unencrypted or
    /// unauthenticated, key derivation rates); such a line counts as not there (RFC 4568 §6.3).
    pub fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_whitespace();
        let tag = words.next()?.parse().ok()?;
        let suite = Suite::parse(words.next()?)?;
        let key = words.next()?;
        let (method, info) = key.split_once(':')?;
        if !method.eq_ignore_ascii_case("inline") || info.contains(';') {
            return None;
        }
        let mut parts = info.split('|');
        let bytes = BASE64.decode(parts.next()?).ok().filter(|bytes| bytes.len() == suite.master_len())?;
        let mut mki = Vec::new();
        for part in parts {
            match part.split_once(':') {
                Some((value, length)) => mki = read_mki(value, length)?,
                // A lifetime, in packets. Keys are not used for so long by any call; it need not be understood.
                None if part.is_empty() || part.starts_with(|c: char| c.is_ascii_digit()) => {}
                None => return None,
            }
        }
        words.all(is_harmless).then_some(Self { tag, suite, key: MasterKey { bytes, mki } })
    }

    /// The value of the attribute. A lifetime is that of SRTCP, the shorter one (RFC 3711 §9.2).
    pub fn value(&self, lifetime: bool) -> String {
        let lifetime = if lifetime { "|2^31" } else { "" };
        format!("{} {} inline:{}{lifetime}", self.tag, self.suite.name(), BASE64.encode(&self.key.bytes))
    }
}

/// An identifier given as a number, in 1..=128 bytes.
fn read_mki(value: &str, length: &str) -> Option<Vec<u8>> {
    let length: usize = length.parse().ok().filter(|length| (1..=128).contains(length))?;
    let bytes = value.parse::<u64>().ok()?.to_be_bytes();
    let mut mki = vec![0; length.saturating_sub(bytes.len())];
    let cut = bytes.len().saturating_sub(length);
    if bytes.iter().take(cut).any(|byte| *byte != 0) {
        return None;
    }
    mki.extend(bytes.iter().skip(cut));
    Some(mki)
}

/// Session parameters that change nothing for us: a hint for the replay window, no key derivation, and those that may
/// be ignored (RFC 4568 §6.3).
fn is_harmless(parameter: &str) -> bool {
    let upper = parameter.to_ascii_uppercase();
    upper.starts_with('-') || upper.starts_with("WSH=") || upper == "KDR=0"
}
