//! Which files there are (TR-069 A.3.2.8 and A.4.1.5, `FileType`), and where they are kept.

use std::path::PathBuf;

use crate::store::Storage;

/// Below the phone's directory.
const DIRECTORY: &str = "files";
/// Ringtones of its own that a phone has.
const RINGS: u8 = 3;

/// What a file is to the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    Firmware,
    Configuration,
    /// 1 to 3.
    Ringtone(u8),
    Log,
}

impl FileKind {
    /// What a download's file is, by its type, and for ringtones by its name (`ring2.bin` is the second).
    pub fn of_download(file_type: &str, target: &str, url: &str) -> Option<Self> {
        match file_type.split(' ').next()? {
            "1" => Some(Self::Firmware),
            "3" => Some(Self::Configuration),
            // "4 Tone File" and "5 Ringer File" (TR-104), and the vendor's own word.
            "4" | "5" => Some(Self::Ringtone(ring_number(target, url))),
            "X" if file_type.to_ascii_lowercase().ends_with("ringtone") => {
                Some(Self::Ringtone(ring_number(target, url)))
            }
            _ => None,
        }
    }

    /// What an upload wants: the types without an instance, and those of instance 1, the only one there is.
    pub fn of_upload(file_type: &str) -> Option<Self> {
        let last = file_type.rsplit(' ').next().unwrap_or_default();
        match file_type.split(' ').next()? {
            "1" => Some(Self::Configuration),
            "2" => Some(Self::Log),
            "3" if last == "1" => Some(Self::Configuration),
            "4" if last == "1" => Some(Self::Log),
            _ => None,
        }
    }

    /// The longest file of its kind that is taken, in bytes.
    pub fn most_bytes(self) -> u64 {
        match self {
            Self::Firmware => 64 << 20,
            Self::Configuration | Self::Ringtone(_) | Self::Log => 1 << 20,
        }
    }

    /// Where it stays; `None`: it is used and thrown away.
    pub fn place(self, storage: &Storage) -> Option<PathBuf> {
        match self {
            Self::Firmware => file(storage, "firmware.bin"),
            Self::Ringtone(number) => file(storage, &format!("ring{number}.bin")),
            Self::Configuration | Self::Log => None,
        }
    }
}

/// Where a download's bytes gather; `None`: in memory.
pub fn part(storage: &Storage, id: u64) -> Option<PathBuf> {
    file(storage, &format!("transfer-{id}.part"))
}

fn file(storage: &Storage, name: &str) -> Option<PathBuf> {
    storage.file(DIRECTORY).map(|directory| directory.join(name))
}

/// The first of `ring1` to `ring3` in the file's name; 1 where none is named.
fn ring_number(target: &str, url: &str) -> u8 {
    let name = if target.is_empty() { url.rsplit('/').next().unwrap_or_default() } else { target };
    let name = name.to_ascii_lowercase();
    (1..=RINGS).find(|number| name.contains(&format!("ring{number}"))).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_the_standard_and_of_the_vendor() {
        let kind = |file_type, target| FileKind::of_download(file_type, target, "http://x/ring3.bin");
        assert_eq!(kind("1 Firmware Upgrade Image", ""), Some(FileKind::Firmware));
        assert_eq!(kind("3 Vendor Configuration File", ""), Some(FileKind::Configuration));
        assert_eq!(kind("4 Tone File", "ring2.bin"), Some(FileKind::Ringtone(2)));
        assert_eq!(kind("5 Ringer File", ""), Some(FileKind::Ringtone(3)));
        assert_eq!(kind("X 000B82 Ringtone", "welcome.bin"), Some(FileKind::Ringtone(1)));
        assert_eq!(kind("2 Web Content", ""), None);
        assert_eq!(FileKind::of_upload("1 Vendor Configuration File"), Some(FileKind::Configuration));
        assert_eq!(FileKind::of_upload("4 Vendor Log File 1"), Some(FileKind::Log));
        assert_eq!(FileKind::of_upload("4 Vendor Log File 2"), None);
    }
}
