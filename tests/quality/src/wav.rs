//! WAV files of 16 bit, mono: enough for our own.

use std::path::Path;

use anyhow::{Context, Result, ensure};

const HEADER: usize = 44;

/// Hz and samples of a file with the plain header of 44 bytes.
///
/// # Errors
/// If it cannot be read or is another kind of file.
pub fn read(path: &Path) -> Result<(u32, Vec<i16>)> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    let header = bytes.get(..HEADER).with_context(|| format!("{} is no WAV file", path.display()))?;
    let number = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    ensure!(header.starts_with(b"RIFF") && &header[36..40] == b"data", "{}", path.display());
    ensure!((number(20), number(22), number(34)) == (1, 1, 16), "{} is not 16 bit, mono", path.display());
    let rate = u32::from(number(24)) | u32::from(number(26)) << 16;
    let samples = bytes[HEADER..].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    Ok((rate, samples))
}

/// # Errors
/// If it cannot be written.
pub fn write(path: &Path, rate: u32, samples: &[i16]) -> Result<()> {
    let length = u32::try_from(samples.len() * 2).context("too long for a WAV file")?;
    let mut bytes = Vec::with_capacity(HEADER + samples.len() * 2);
    bytes.extend(b"RIFF");
    bytes.extend((length + 36).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * 2).to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data");
    bytes.extend(length.to_le_bytes());
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    std::fs::write(path, bytes).with_context(|| path.display().to_string())
}
