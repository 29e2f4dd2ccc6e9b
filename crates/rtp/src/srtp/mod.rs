//! SRTP and SRTCP (RFC 3711) with AES in counter mode, 128 or 256 bits (RFC 6188), and HMAC-SHA1, in place.
//!
//! [`Protect`] is one direction's sending end, [`Unprotect`] its receiving end; the keys come from SDP (RFC 4568).

mod context;
mod keys;
mod protect;
mod source;
mod unprotect;

#[cfg(test)]
mod tests;

pub use protect::Protect;
pub use source::MAX_SOURCES;
use thiserror::Error;
pub use unprotect::{Refused, Unprotect};

/// Bytes of a master salt.
pub const SALT_LEN: usize = 14;
/// Bytes of the longest master key identifier (RFC 4568 §6.1).
pub const MAX_MKI: usize = 128;
/// Most bytes protection adds, beside the MKI: a tag, and the index of RTCP.
pub const MAX_OVERHEAD: usize = 14;
/// Packets one master key may protect (RFC 3711 §9.2).
pub const RTP_LIFETIME: u64 = 1 << 48;
/// The same of RTCP.
pub const RTCP_LIFETIME: u64 = 1 << 31;

/// A crypto suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suite {
    /// `AES_CM_128_HMAC_SHA1_80`.
    Aes128Sha1_80,
    /// `AES_CM_128_HMAC_SHA1_32`.
    Aes128Sha1_32,
    /// `AES_256_CM_HMAC_SHA1_80`.
    Aes256Sha1_80,
    /// `AES_256_CM_HMAC_SHA1_32`.
    Aes256Sha1_32,
}

impl Suite {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Aes128Sha1_80, Self::Aes128Sha1_32, Self::Aes256Sha1_80, Self::Aes256Sha1_32];

    /// Bytes of the master key: 16 or 32.
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128Sha1_80 | Self::Aes128Sha1_32 => 16,
            Self::Aes256Sha1_80 | Self::Aes256Sha1_32 => 32,
        }
    }

    /// Bytes of master key and salt: 30 or 46.
    pub const fn master_len(self) -> usize {
        self.key_len() + SALT_LEN
    }

    /// Bytes of the tag of an RTP packet: 10 or 4. RTCP always has 10 (RFC 4568 §6.2.2).
    pub const fn rtp_tag_len(self) -> usize {
        match self {
            Self::Aes128Sha1_80 | Self::Aes256Sha1_80 => 10,
            Self::Aes128Sha1_32 | Self::Aes256Sha1_32 => 4,
        }
    }
}

/// Why a packet is not protected, or not taken. Nothing has changed then, the buffer neither.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SrtpError {
    /// The master key and salt are not as long as the suite wants.
    #[error("a master key of the wrong length")]
    MasterLength,
    /// The identifier is over [`MAX_MKI`] bytes.
    #[error("a master key identifier that is too long")]
    MkiLength,
    /// Not a whole packet of its kind.
    #[error("not a packet")]
    Malformed,
    /// The buffer does not hold what protection adds.
    #[error("the buffer is too short")]
    Buffer,
    /// Another key's identifier.
    #[error("the packet names another master key")]
    Mki,
    /// The tag is wrong: another key, or somebody's doing.
    #[error("the packet is not authentic")]
    Tag,
    /// Its index was used before, or is too old to tell.
    #[error("the packet came before")]
    Replayed,
    /// RTCP that is not encrypted, though it was agreed to be.
    #[error("the packet is not encrypted")]
    Unencrypted,
    /// More than [`MAX_SOURCES`] with one key.
    #[error("too many sources")]
    Sources,
    /// The key has protected as many packets as it may: call for new keys.
    #[error("the master key is used up")]
    KeyUsedUp,
}
