//! The backup package: every setting, secrets included, the ringtones, and template and values of the PnP service; one JSON
//! document behind a password (`openssl enc -d -aes-256-cbc -md sha256` opens it).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use contract::{Mac, Timestamp};
use provisioning::crypt::{Digest, encrypt, open};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::atomic::{self, Survive};
use crate::clock;
use crate::device::Device;
use crate::pnp::service::{Files, Service};
use crate::store::{Change, intern};
use crate::transfer::FileKind;

/// Longest package, bytes: three ringtones of a megabyte as hexadecimal digits, settings, and what the PnP service keeps.
pub const MOST_BYTES: usize = 10 << 20;
const LEAST_PASSWORD: usize = 8;
const KIND: &str = "bellhop-backup";
/// Files a server makes begin as a tar of this name in it.
const OF_SERVER: &[u8] = b"manifest.json\0";

/// What tells one phone from another at its ACS and where it fetches files: another phone has its own.
fn is_identity(key: &str) -> bool {
    let of_files = ["username", "password", "filepassword"];
    key.starts_with("tr069.") || key.strip_prefix("provisioning.config.").is_some_and(|rest| of_files.contains(&rest))
}

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
    /// Older packages have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pnp: Option<Files>,
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
        pnp: Some(Files::stored(device.storage())),
        sum: String::new(),
    };
    package.sum = package.sum()?;
    let text = serde_json::to_vec(&package).map_err(|error| error.to_string())?;
    let mut salt = [0; 8];
    getrandom::fill(&mut salt).map_err(|error| error.to_string())?;
    Ok(encrypt(&text, password, salt, Digest::Sha256))
}

/// Puts everything back as it was in the package: settings and ringtones that are not in it are gone afterwards. Of another
/// phone's package its names and passwords at the ACS and where files are fetched are left out. `pnp`: the service that takes
/// template and values. Blocking.
///
/// # Errors
/// In words. Settings have not changed then, unless the words say that a file could not be written after them.
pub(crate) fn restore(
    device: &Device,
    pnp: Option<&Service>,
    bytes: &[u8],
    password: &str,
) -> Result<Restored, String> {
    check_password(password)?;
    if bytes.starts_with(OF_SERVER) {
        return Err(
            "this is a backup package the server made; restore it on the phone's or the property's page there, \
                    and the server brings the phone its settings"
                .to_owned(),
        );
    }
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
        if !same && is_identity(key) {
            continue;
        }
        match settings::validate_for(model, key, value) {
            Ok(canonical) => {
                values.insert(intern(key), canonical);
            }
            Err(_) => unknown += 1,
        }
    }
    let ringtones = ringtones(&package)?;
    if let Some(files) = &package.pnp {
        files.check().map_err(|error| format!("what the package has for the PnP service: {error}"))?;
    }
    let old: Vec<Arc<str>> = device.document(|document| document.values.keys().cloned().collect());
    let gone = old.into_iter().filter(|key| !values.contains_key(key) && (same || !is_identity(key)));
    let mut changes: Vec<Change> = gone.map(|key| (key, None)).collect();
    let by_user = package.by_user.iter().map(|key| intern(key)).filter(|key| values.contains_key(key)).collect();
    changes.extend(values.into_iter().map(|(key, value)| (key, Some(value))));
    let changed = device.set_all(&changes, by_user).map_err(|error| error.to_string())?;
    let after = |error: String| format!("the settings are put back; restore the package again for the rest: {error}");
    for (kind, bytes) in ringtones {
        put(device, kind, bytes.as_deref()).map_err(|error| after(format!("a ringtone: {error}")))?;
    }
    if let (Some(service), Some(files)) = (pnp, &package.pnp) {
        service.put_back(files).map_err(|error| after(format!("the PnP service: {error}")))?;
    }
    Ok(Restored { changed, unknown })
}

/// A ringtone and its bytes; `None`: the package has none of this number.
type Ringtone = (FileKind, Option<Vec<u8>>);

/// Every ringtone the phone has room for.
fn ringtones(package: &Package) -> Result<Vec<Ringtone>, String> {
    if package.ringtones.keys().any(|number| !(1..=3).contains(number)) {
        return Err("the package has a ringtone of a number this phone does not have".to_owned());
    }
    let read = |number| {
        let kind = FileKind::Ringtone(number);
        let digits = package.ringtones.get(&number);
        let bytes = digits.map(hex::decode).transpose().map_err(|_| "the package is damaged".to_owned())?;
        match &bytes {
            Some(bytes) if bytes.len() as u64 > kind.most_bytes() => {
                Err("a ringtone of the package is too long".to_owned())
            }
            _ => Ok((kind, bytes)),
        }
    };
    (1..=3).map(read).collect()
}

fn put(device: &Device, kind: FileKind, bytes: Option<&[u8]>) -> std::io::Result<()> {
    let Some(path) = kind.place(device.storage()) else { return Ok(()) };
    match bytes {
        Some(bytes) => {
            if let Some(directory) = path.parent() {
                atomic::private_directory(directory)?;
            }
            atomic::replace(&path, bytes, Survive::PowerCut)
        }
        None => match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Identity;
    use crate::store::Storage;

    const TEMPLATE: &str = "<t><f filename=\"cfg%%mac_address%%.xml\"><data><![CDATA[<a>%%user%%</a>]]></data></f></t>";
    const OF_FILES: [(&str, &str); 3] = [
        ("provisioning.config.username", "user"),
        ("provisioning.config.password", "password"),
        ("provisioning.config.filepassword", "key"),
    ];

    fn device(dir: &std::path::Path, mac: &str) -> Arc<Device> {
        Device::open(Identity::of(mac), Storage::Disk(dir.to_owned())).unwrap()
    }

    #[test]
    fn a_package_puts_everything_back() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let old = device(here.path(), "c074ad120701");
        old.set_locally("hotel.name", "Grand").unwrap();
        old.set_locally("tr069.username", "phone-1").unwrap();
        for (key, value) in OF_FILES {
            old.set_uploaded(&[(intern(key), Some(format!("{value}-1")))], false).unwrap();
        }
        old.set_uploaded(&[(intern("account.1.sip.subscriber.password"), Some("s3cret".into()))], false).unwrap();
        std::fs::create_dir_all(here.path().join("files")).unwrap();
        std::fs::write(here.path().join("files/ring2.bin"), b"ring").unwrap();
        let pnp = Service::open(old.storage());
        pnp.set_template(TEMPLATE.as_bytes()).unwrap();
        pnp.set_table(b"mac_address,user\nc074ad120709,R&D\n").unwrap();
        let package = pack(&old, "long enough").unwrap();
        assert!(!String::from_utf8_lossy(&package).contains("s3cret"));
        // Onto a replacement, which keeps its own name at the ACS.
        let new = device(there.path(), "c074ad120702");
        new.set_locally("hotel.fax", "1").unwrap();
        new.set_locally("tr069.username", "phone-2").unwrap();
        for (key, value) in OF_FILES {
            new.set_uploaded(&[(intern(key), Some(format!("{value}-2")))], false).unwrap();
        }
        std::fs::create_dir_all(there.path().join("files")).unwrap();
        std::fs::write(there.path().join("files/ring3.bin"), b"another").unwrap();
        let service = Service::open(new.storage());
        let restored = restore(&new, Some(&service), &package, "long enough").unwrap();
        assert_eq!(restored, Restored { changed: 3, unknown: 0 });
        for (key, value) in OF_FILES {
            assert_eq!(new.value(key), format!("{value}-2"), "the other phone's would open nothing");
        }
        assert!(!there.path().join("files/ring3.bin").exists(), "as it was");
        let mac = "c074ad120709".parse().unwrap();
        assert_eq!(service.file(mac).unwrap().1, "<a>R&amp;D</a>\n");
        assert!(Service::open(new.storage()).file(mac).is_ok());
        assert_eq!(new.value("account.1.sip.subscriber.password"), "s3cret");
        assert_eq!((new.value("hotel.name"), new.value("hotel.fax")), ("Grand".into(), String::new()));
        assert_eq!(new.value("tr069.username"), "phone-2");
        assert!(new.set_by_user().iter().any(|key| &**key == "hotel.name"));
        assert_eq!(std::fs::read(there.path().join("files/ring2.bin")).unwrap(), b"ring");
        // Back onto the same phone it changes nothing.
        assert_eq!(restore(&old, Some(&pnp), &package, "long enough").unwrap().changed, 0);
        assert_eq!(old.value(OF_FILES[0].0), "user-1");
    }

    #[test]
    fn a_package_of_the_server_is_recognised() {
        let dir = tempfile::tempdir().unwrap();
        let mut tar = b"manifest.json".to_vec();
        tar.resize(1024, 0);
        let refused = restore(&device(dir.path(), "c074ad120701"), None, &tar, "long enough").unwrap_err();
        assert!(refused.contains("the server made; restore it on the phone's"), "{refused}");
    }

    #[test]
    fn ringtones_stay_as_they_were_when_the_settings_cannot_be_written() {
        let dir = tempfile::tempdir().unwrap();
        let phone = device(dir.path(), "c074ad120701");
        phone.set_locally("hotel.name", "Grand").unwrap();
        std::fs::create_dir_all(dir.path().join("files")).unwrap();
        std::fs::write(dir.path().join("files/ring1.bin"), b"old").unwrap();
        let package = pack(&phone, "long enough").unwrap();
        phone.set_locally("hotel.name", "Other").unwrap();
        std::fs::write(dir.path().join("files/ring1.bin"), b"new").unwrap();
        // The settings' temporary file cannot be made: as on a full disk.
        let settings = dir.path().join(format!(".{}.new", crate::store::SETTINGS_FILE));
        std::fs::create_dir(&settings).unwrap();
        assert!(restore(&phone, None, &package, "long enough").is_err());
        assert_eq!(std::fs::read(dir.path().join("files/ring1.bin")).unwrap(), b"new");
        std::fs::remove_dir(&settings).unwrap();
        restore(&phone, None, &package, "long enough").unwrap();
        assert_eq!(std::fs::read(dir.path().join("files/ring1.bin")).unwrap(), b"old");
    }

    #[test]
    fn a_package_that_is_damaged_or_behind_another_password_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let device = device(dir.path(), "c074ad120701");
        device.set_locally("hotel.name", "Grand").unwrap();
        let package = pack(&device, "long enough").unwrap();
        device.set_locally("hotel.name", "Other").unwrap();
        assert!(restore(&device, None, &package, "another password").is_err());
        assert!(pack(&device, "short").is_err());
        for at in (16..package.len()).step_by(7) {
            let mut bad = package.clone();
            bad[at] ^= 1;
            assert!(restore(&device, None, &bad, "long enough").is_err(), "{at}");
        }
        for length in [0, 8, 16, 100, package.len() - 16] {
            assert!(restore(&device, None, &package[..length], "long enough").is_err());
        }
        assert_eq!(device.value("hotel.name"), "Other");
    }
}
