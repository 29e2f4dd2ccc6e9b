//! Files that are either the old one or the new one, whatever happens in between.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How much a write has to survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survive {
    /// The program's end at any moment.
    Kill,
    /// A power cut as well: the file and its directory are synced.
    PowerCut,
}

/// Replaces `path` by `bytes`: temporary file in the same directory, sync, rename, sync of the directory. Only the
/// owner may read it. One writer at a time.
///
/// # Errors
/// Whatever the file system says; the old file is then untouched.
pub fn replace(path: &Path, bytes: &[u8], survive: Survive) -> io::Result<()> {
    // A fixed name, so that what a killed writer left behind is overwritten by the next.
    let temporary = temporary_of(path);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    if survive == Survive::PowerCut {
        file.sync_all()?;
    }
    drop(file);
    if survive == Survive::PowerCut { move_to(&temporary, path) } else { fs::rename(&temporary, path) }
}

/// Creates a directory that only the owner may enter.
///
/// # Errors
/// Whatever the file system says.
pub fn private_directory(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Moves a file to another place in its file system, all at once; that survives a power cut.
pub(crate) fn move_to(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_directory_of(to)
}

/// Makes a created, renamed or removed entry survive a power cut.
pub(crate) fn sync_directory_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => File::open(directory)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

fn temporary_of(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn replaces_privately_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        fs::write(dir.path().join(".a.json.new"), "left by a killed writer, longer than the new text").unwrap();
        for text in ["one", "two"] {
            replace(&path, text.as_bytes(), Survive::PowerCut).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
