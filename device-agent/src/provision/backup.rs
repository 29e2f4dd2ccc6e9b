//! The backup package: every setting, secrets included, and the ringtones; one JSON document behind a password
//! (`openssl enc -d -aes-256-cbc -md sha256` opens it).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use contract::{Mac, Timestamp};
use provisioning::crypt::{Digest, encrypt, open};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::atomic::{self, Survive};
use crate::clock;
use crate::device::Device;
use crate::store::{Change, intern};
use crate::transfer::FileKind;

/// Longest package, bytes: three ringtones of a megabyte as hexadecimal digits, and settings.
pub const MOST_BYTES: usize = 10 << 20;
const LEAST_PASSWORD: usize = 8;
const KIND: &str = "bellhop-backup";
/// What tells one phone from another at its ACS: another phone has its own.
const IDENTITY: &str = "tr069.";

#[derive(Serialize, Deserialize)]
struct Package {
    kind: String,
    version: u32,
    mac: Mac,
    model: String,
    firmware: String,
    at: Timestamp,
    values: BTreeMap<String, String>,
    by_user: BTreeSet<String>,
    /// By their numbers, hexadecimal.
    ringtones: BTreeMap<u8, String>,
    /// Over everything else: the cipher alone notices no change.
    sum: String,
}

/// What a package did.
#[derive(Debug, PartialEq, Eq)]
pub struct Restored {
    pub changed: usize,
    /// Settings this phone does not have.
    pub unknown: usize,
}

impl Package {
    /// Of the package without it.
    fn sum(&mut self) -> Result<String, String> {
        let kept = std::mem::take(&mut self.sum);
        let text = serde_json::to_vec(self).map_err(|error| error.to_string());
        self.sum = kept;
        text.map(|text| hex::encode(Sha256::digest(text)))
    }
}

fn check_password(password: &str) -> Result<(), String> {
    match password.len() {
        LEAST_PASSWORD..=256 => Ok(()),
        _ => {
            Err(format!("a package needs a password of {LEAST_PASSWORD} to 256 characters (header X-Backup-Password)"))
        }
    }
}

/// The package. Blocking.
///
/// # Errors
/// In words.
pub fn pack(device: &Device, password: &str) -> Result<Vec<u8>, String> {
    check_password(password)?;
    let (values, by_user) = device.document(|document| {
        let values = document.values.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        (values, document.by_user.iter().map(ToString::to_string).collect())
    });
    let identity = device.identity();
    let mut ringtones = BTreeMap::new();
    for number in 1..=3 {
        let kind = FileKind::Ringtone(number);
        let Some(path) = kind.place(device.storage()) else { continue };
        let short = std::fs::metadata(&path).is_ok_and(|about| about.len() <= kind.most_bytes());
        if let Some(bytes) = std::fs::read(&path).ok().filter(|_| short) {
            ringtones.insert(number, hex::encode(bytes));
        }
    }
    let mut package = Package {
        kind: KIND.to_owned(),
        version: 1,
        mac: identity.mac,
        model: identity.model.as_str().to_owned(),
        firmware: device.firmware(),
        at: clock::now(),
        values,
        by_user,
        ringtones,
        sum: String::new(),
    };
    package.sum = package.sum()?;
    let text = serde_json::to_vec(&package).map_err(|error| error.to_string())?;
    let mut salt = [0; 8];
    getrandom::fill(&mut salt).map_err(|error| error.to_string())?;
    Ok(encrypt(&text, password, salt, Digest::Sha256))
}

/// Puts everything back as it was in the package: settings that are not in it are forgotten. Of another phone's package the
/// settings of its ACS are left out. Blocking.
///
/// # Errors
/// In words; nothing has changed then.
pub fn restore(device: &Device, bytes: &[u8], password: &str) -> Result<Restored, String> {
    check_password(password)?;
    let (text, _) = open(bytes, password).map_err(|error| error.to_string())?;
    let mut package: Package = serde_json::from_slice(&text).map_err(|_| "it is no backup package".to_owned())?;
    if package.kind != KIND || package.version != 1 {
        return Err("it is no backup package of this kind of phone".to_owned());
    }
    if package.sum()? != package.sum {
        return Err("the package is damaged".to_owned());
    }
    let model = device.identity().model;
    let same = package.mac == device.identity().mac;
    let (mut values, mut unknown) = (BTreeMap::new(), 0);
    for (key, value) in &package.values {
        if !same && key.starts_with(IDENTITY) {
            continue;
        }
        match settings::validate_for(model, key, value) {
            Ok(canonical) => {
                values.insert(intern(key), canonical);
            }
            Err(_) => unknown += 1,
        }
    }
    let mut ringtones = Vec::new();
    for (number, digits) in &package.ringtones {
        let kind = FileKind::Ringtone(*number);
        let bytes = hex::decode(digits).map_err(|_| "the package is damaged".to_owned())?;
        if !(1..=3).contains(number) || bytes.len() as u64 > kind.most_bytes() {
            return Err("a ringtone of the package is too long".to_owned());
        }
        ringtones.push((kind, bytes));
    }
    let old: Vec<Arc<str>> = device.document(|document| document.values.keys().cloned().collect());
    let gone = old.into_iter().filter(|key| !values.contains_key(key) && (same || !key.starts_with(IDENTITY)));
    let mut changes: Vec<Change> = gone.map(|key| (key, None)).collect();
    let by_user = package.by_user.iter().map(|key| intern(key)).filter(|key| values.contains_key(key)).collect();
    changes.extend(values.into_iter().map(|(key, value)| (key, Some(value))));
    for (kind, bytes) in ringtones {
        if let Some(path) = kind.place(device.storage()) {
            if let Some(directory) = path.parent() {
                atomic::private_directory(directory).map_err(|error| error.to_string())?;
            }
            atomic::replace(&path, &bytes, Survive::PowerCut).map_err(|error| error.to_string())?;
        }
    }
    let changed = device.set_all(&changes, by_user).map_err(|error| error.to_string())?;
    Ok(Restored { changed, unknown })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Identity;
    use crate::store::Storage;

    fn device(dir: &std::path::Path, mac: &str) -> Arc<Device> {
        Device::open(Identity::of(mac), Storage::Disk(dir.to_owned())).unwrap()
    }

    #[test]
    fn a_package_puts_everything_back() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let old = device(here.path(), "c074ad120701");
        old.set_locally("hotel.name", "Grand").unwrap();
        old.set_locally("tr069.username", "phone-1").unwrap();
        old.set_uploaded(&[(intern("account.1.sip.subscriber.password"), Some("s3cret".into()))], false).unwrap();
        std::fs::create_dir_all(here.path().join("files")).unwrap();
        std::fs::write(here.path().join("files/ring2.bin"), b"ring").unwrap();
        let package = pack(&old, "long enough").unwrap();
        assert!(!String::from_utf8_lossy(&package).contains("s3cret"));
        // Onto a replacement, which keeps its own name at the ACS.
        let new = device(there.path(), "c074ad120702");
        new.set_locally("hotel.fax", "1").unwrap();
        new.set_locally("tr069.username", "phone-2").unwrap();
        assert_eq!(restore(&new, &package, "long enough").unwrap(), Restored { changed: 3, unknown: 0 });
        assert_eq!(new.value("account.1.sip.subscriber.password"), "s3cret");
        assert_eq!((new.value("hotel.name"), new.value("hotel.fax")), ("Grand".into(), String::new()));
        assert_eq!(new.value("tr069.username"), "phone-2");
        assert!(new.set_by_user().iter().any(|key| &**key == "hotel.name"));
        assert_eq!(std::fs::read(there.path().join("files/ring2.bin")).unwrap(), b"ring");
        // Back onto the same phone it changes nothing.
        assert_eq!(restore(&old, &package, "long enough").unwrap().changed, 0);
    }

    #[test]
    fn a_package_that_is_damaged_or_behind_another_password_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let device = device(dir.path(), "c074ad120701");
        device.set_locally("hotel.name", "Grand").unwrap();
        let package = pack(&device, "long enough").unwrap();
        device.set_locally("hotel.name", "Other").unwrap();
        assert!(restore(&device, &package, "another password").is_err());
        assert!(pack(&device, "short").is_err());
        for at in (16..package.len()).step_by(7) {
            let mut bad = package.clone();
            bad[at] ^= 1;
            assert!(restore(&device, &bad, "long enough").is_err(), "{at}");
        }
        for length in [0, 8, 16, 100, package.len() - 16] {
            assert!(restore(&device, &package[..length], "long enough").is_err());
        }
        assert_eq!(device.value("hotel.name"), "Other");
    }
}
