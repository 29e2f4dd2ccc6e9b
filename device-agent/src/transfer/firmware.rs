//! The firmware file of this phone: one line, then the payload.
//!
//! ```text
//! BELLHOP-FIRMWARE <model> <version> <SHA-256 of the payload, hexadecimal>\n
//! ```
//!
//! The model is one of the catalogue's, or `GHP6XX` for all of them.

use std::io::{self, BufRead, Read};

use settings::Model;
use sha2::{Digest, Sha256};

const MAGIC: &str = "BELLHOP-FIRMWARE";
const EVERY_MODEL: &str = "GHP6XX";
/// The first line.
const MOST_HEADER: u64 = 256;
const MOST_VERSION: usize = 64;

/// Why a file is not installed.
#[derive(Debug, thiserror::Error)]
pub enum FirmwareError {
    #[error("it is no firmware file of this phone")]
    Form,
    #[error("it is for a {0}")]
    Model(String),
    #[error("its checksum is wrong")]
    Checksum,
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Reads the whole file and returns its version.
///
/// # Errors
/// What is wrong with it.
pub fn check(file: impl Read, model: Model) -> Result<String, FirmwareError> {
    let mut file = io::BufReader::with_capacity(64 << 10, file);
    let mut header = Vec::new();
    file.by_ref().take(MOST_HEADER).read_until(b'\n', &mut header)?;
    let header = header.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
    let words: Vec<&str> = header.unwrap_or_default().trim_end_matches('\r').split(' ').collect();
    let [MAGIC, made_for, version, sum] = words[..] else { return Err(FirmwareError::Form) };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    if version.is_empty() || version.len() > MOST_VERSION || !version.chars().all(plain) {
        return Err(FirmwareError::Form);
    }
    if !made_for.eq_ignore_ascii_case(model.as_str()) && made_for != EVERY_MODEL {
        let shown = made_for.chars().filter(|c| plain(*c)).take(16).collect();
        return Err(FirmwareError::Model(shown));
    }
    let mut hash = Sha256::new();
    loop {
        let bytes = file.fill_buf()?;
        if bytes.is_empty() {
            break;
        }
        hash.update(bytes);
        let read = bytes.len();
        file.consume(read);
    }
    if !hex::encode(hash.finalize()).eq_ignore_ascii_case(sum) {
        return Err(FirmwareError::Checksum);
    }
    Ok(version.to_owned())
}

/// The version a file names in its first line, unchecked. `None`: that is not its first line.
pub fn version(beginning: &[u8]) -> Option<&str> {
    let line = beginning.split(|byte| *byte == b'\n').next().and_then(|line| std::str::from_utf8(line).ok())?;
    let mut words = line.split(' ');
    (words.next() == Some(MAGIC)).then(|| words.nth(1))?
}

/// A file for tests and for those who publish firmware.
pub fn build(model: &str, version: &str, payload: &[u8]) -> Vec<u8> {
    let sum = hex::encode(Sha256::digest(payload));
    let mut file = format!("{MAGIC} {model} {version} {sum}\n").into_bytes();
    file.extend_from_slice(payload);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_files_for_this_model() {
        let good = build("GHP620", "1.0.5.33", &[7; 100_000]);
        assert_eq!(check(&good[..], Model::Ghp620).unwrap(), "1.0.5.33");
        assert_eq!(check(&build("GHP6XX", "2", b"x")[..], Model::Ghp620).unwrap(), "2");
        assert!(matches!(check(&build("GHP610", "2", b"x")[..], Model::Ghp620), Err(FirmwareError::Model(_))));
        assert!(matches!(check(&good[..good.len() - 1], Model::Ghp620), Err(FirmwareError::Checksum)));
        for bad in [&b""[..], b"BELLHOP-FIRMWARE\n", &[b'x'; 1000], b"BELLHOP-FIRMWARE GHP620 a/b 00\n"] {
            assert!(matches!(check(bad, Model::Ghp620), Err(FirmwareError::Form)));
        }
    }
}
