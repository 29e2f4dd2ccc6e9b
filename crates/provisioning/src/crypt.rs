//! Encrypted files, as `openssl enc -aes-256-cbc` makes them: `Salted__`, eight bytes of salt, AES-256-CBC with PKCS #7
//! padding. Key and IV come from the password by EVP_BytesToKey, one round.
//!
//! There is no message authentication: a right password proves little about who made the file. Trust comes from TLS.

use aes::Aes256;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use md5::Md5;
use sha2::Sha256;

const MAGIC: &[u8; 8] = b"Salted__";
const BLOCK: usize = 16;

/// What EVP_BytesToKey hashes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Digest {
    /// OpenSSL's default before 1.1.0, and what the vendor's guide of 2011 implies: `-md md5`.
    #[default]
    Md5,
    /// OpenSSL's default since 1.1.0.
    Sha256,
}

impl Digest {
    /// Both, the likelier first.
    pub const ALL: [Self; 2] = [Self::Md5, Self::Sha256];
}

/// Why a file stays closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CryptError {
    /// No header, or not whole blocks.
    #[error("it is not a file openssl encrypted, or it was cut short")]
    NotEncrypted,
    /// Padding or content is wrong. One error for both, and for damage: the cipher cannot tell them apart.
    #[error("the password does not fit, or the file is damaged")]
    WrongPassword,
}

/// Whether a file begins as `openssl enc` begins.
pub fn is_encrypted(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Encrypts. `salt` is eight random bytes, new for each file.
pub fn encrypt(plain: &[u8], password: &str, salt: [u8; 8], digest: Digest) -> Vec<u8> {
    let (key, iv) = derive(password.as_bytes(), salt, digest);
    // Padding makes it one to sixteen bytes longer.
    let length = (plain.len() / BLOCK + 1) * BLOCK;
    let mut out = Vec::with_capacity(BLOCK + length);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&salt);
    out.extend_from_slice(plain);
    out.resize(BLOCK + length, 0);
    if let Some(body) = out.get_mut(BLOCK..) {
        let cipher = cbc::Encryptor::<Aes256>::new(&key.into(), &iv.into());
        // Fails only without room for the padding, which is there.
        let _ = cipher.encrypt_padded::<Pkcs7>(body, plain.len());
    }
    out
}

/// Decrypts with a known digest. The content is not looked at, so one wrong password in 256 gives rubbish.
///
/// # Errors
/// [`CryptError`].
pub fn decrypt(file: &[u8], password: &str, digest: Digest) -> Result<Vec<u8>, CryptError> {
    let rest = file.strip_prefix(MAGIC).ok_or(CryptError::NotEncrypted)?;
    let (salt, body) = rest.split_first_chunk::<8>().ok_or(CryptError::NotEncrypted)?;
    if body.is_empty() || body.len() % BLOCK != 0 {
        return Err(CryptError::NotEncrypted);
    }
    let (key, iv) = derive(password.as_bytes(), *salt, digest);
    let mut plain = body.to_vec();
    let cipher = cbc::Decryptor::<Aes256>::new(&key.into(), &iv.into());
    let length = cipher.decrypt_padded::<Pkcs7>(&mut plain).map(<[u8]>::len).map_err(|_| CryptError::WrongPassword)?;
    plain.truncate(length);
    Ok(plain)
}

/// Decrypts a configuration file, by whichever digest gives one: printable UTF-8, or a binary file's header.
///
/// # Errors
/// [`CryptError`].
pub fn open(file: &[u8], password: &str) -> Result<(Vec<u8>, Digest), CryptError> {
    for digest in Digest::ALL {
        match decrypt(file, password, digest) {
            Ok(plain) if is_configuration(&plain) => return Ok((plain, digest)),
            Ok(_) | Err(CryptError::WrongPassword) => {}
            Err(error) => return Err(error),
        }
    }
    Err(CryptError::WrongPassword)
}

/// Rubbish of a block or more passes by chance less often than once in a million.
fn is_configuration(plain: &[u8]) -> bool {
    if crate::binary::has_header(plain) {
        return true;
    }
    let printable = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    std::str::from_utf8(plain).is_ok_and(|text| !text.trim().is_empty() && text.chars().all(printable))
}

/// EVP_BytesToKey with a count of 1: D_i = H(D_(i-1) || password || salt), until there are 48 bytes.
fn derive(password: &[u8], salt: [u8; 8], digest: Digest) -> ([u8; 32], [u8; 16]) {
    match digest {
        Digest::Md5 => stretch::<Md5>(password, salt),
        Digest::Sha256 => stretch::<Sha256>(password, salt),
    }
}

fn stretch<H: sha2::Digest>(password: &[u8], salt: [u8; 8]) -> ([u8; 32], [u8; 16]) {
    let (mut made, mut last): (Vec<u8>, Vec<u8>) = (Vec::with_capacity(64), vec![]);
    while made.len() < 48 {
        last = H::new().chain_update(&last).chain_update(password).chain_update(salt).finalize().to_vec();
        made.extend_from_slice(&last);
    }
    let (mut key, mut iv) = ([0; 32], [0; 16]);
    for (to, from) in key.iter_mut().chain(&mut iv).zip(made) {
        *to = from;
    }
    (key, iv)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &[u8] = b"<config version=\"1\"><P271>1</P271></config>";
    const SALT: [u8; 8] = [1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];

    #[test]
    fn keys_of_the_reference() {
        for (digest, wanted_key, wanted_iv) in [
            (
                Digest::Md5,
                "24beb4a246db07e1aa64463e9cb09e8e80385fdbd9dc085472feb1f9b6713d56",
                "9b21f81659301dd05f90a0e662202343",
            ),
            (
                Digest::Sha256,
                "d2461665f829116db405f02a21175d65fc79221c1736485a9c9e965c0e2e39a9",
                "96f2f1cf354ddcb1e6c32270eaec4a94",
            ),
        ] {
            let (key, iv) = derive(b"s3cret", SALT, digest);
            assert_eq!((hex::encode(key).as_str(), hex::encode(iv).as_str()), (wanted_key, wanted_iv));
        }
    }

    #[test]
    fn either_digest_is_found() {
        for digest in Digest::ALL {
            let file = encrypt(PLAIN, "s3cret", SALT, digest);
            assert!(is_encrypted(&file));
            assert_eq!(open(&file, "s3cret"), Ok((PLAIN.to_vec(), digest)));
        }
    }

    #[test]
    fn every_length_comes_back() {
        for length in 0..70 {
            let plain = vec![b'x'; length];
            let file = encrypt(&plain, "", SALT, Digest::Md5);
            assert_eq!(file.len() % BLOCK, 0);
            assert_eq!(decrypt(&file, "", Digest::Md5), Ok(plain));
        }
    }

    #[test]
    fn no_wrong_password_of_a_thousand_opens_it() {
        let file = encrypt(PLAIN, "s3cret", SALT, Digest::Md5);
        let mut padded = 0;
        for i in 0..1000 {
            let password = format!("wrong{i}");
            assert_eq!(open(&file, &password), Err(CryptError::WrongPassword), "{password}");
            padded += usize::from(decrypt(&file, &password, Digest::Md5).is_ok());
        }
        // Padding alone lets some through: the look at the content is needed.
        assert!(padded > 0);
    }

    #[test]
    fn what_is_cut_short_is_no_encrypted_file() {
        let file = encrypt(PLAIN, "s3cret", SALT, Digest::Md5);
        for length in [0, 7, 8, 15, 16, 17, file.len() - 1] {
            assert_eq!(open(&file[..length], "s3cret"), Err(CryptError::NotEncrypted), "{length}");
        }
        assert_eq!(open(&file[..file.len() - BLOCK], "s3cret"), Err(CryptError::WrongPassword));
    }
}
