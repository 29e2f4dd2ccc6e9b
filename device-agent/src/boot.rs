//! The boot counter: with `seq` it names events and state reports, so it must never go back.

use std::io;

use crate::atomic::{self, Survive};
use crate::clock;
use crate::store::Storage;

/// The counter's file.
pub const BOOT_FILE: &str = "boot";
/// 2025-01-01T00:00:00Z in seconds.
const EPOCH: i64 = 1_735_689_600;

/// Counts this start; on disk when it returns.
///
/// A phone that remembers nothing (new flash, a simulated phone) does not start at 1 but at the seconds since 2025: the
/// cloud may know it from an earlier life, and would take repeated numbers for events it has already.
///
/// # Errors
/// The file system's.
pub fn count(storage: &Storage) -> io::Result<u32> {
    let fresh = ((clock::now().millis() / 1000 - EPOCH).clamp(1, i64::from(i32::MAX) - 1)) as u32;
    let Some(path) = storage.file(BOOT_FILE) else { return Ok(fresh) };
    if let Some(directory) = path.parent() {
        atomic::private_directory(directory)?;
    }
    let last = match std::fs::read_to_string(&path) {
        Ok(text) => text.trim().parse::<u32>().ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let boot = last.map_or(fresh, |last| last.saturating_add(1).min(i32::MAX as u32));
    atomic::replace(&path, format!("{boot}\n").as_bytes(), Survive::PowerCut)?;
    Ok(boot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_goes_back() {
        let dir = tempfile::tempdir().unwrap();
        let storage = Storage::Disk(dir.path().to_owned());
        let first = count(&storage).unwrap();
        assert_eq!((count(&storage).unwrap(), count(&storage).unwrap()), (first + 1, first + 2));
        std::fs::write(dir.path().join(BOOT_FILE), "garbage").unwrap();
        assert!(count(&storage).unwrap() >= first);
        std::fs::write(dir.path().join(BOOT_FILE), i32::MAX.to_string()).unwrap();
        assert_eq!(count(&storage).unwrap(), i32::MAX as u32);
    }
}
