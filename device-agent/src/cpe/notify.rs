//! Which parameters the ACS wants to hear about, and which of them changed since it last heard (TR-069 A.3.2.4,
//! §3.7.1.5). Only hashes are remembered: values may be long, and are read when they are told.

use std::sync::Arc;

use super::tree::View;
use crate::device::Device;
use crate::store::{Document, intern};

/// Opens a session; 1, passive, is told with the next Inform.
pub const ACTIVE: u8 = 2;

/// Active from the factory: those the standard says so of (TR-106, TR-069 Annex G), and the room's number.
const ACTIVE_BY_DEFAULT: &[&str] = &[
    "Device.DeviceSummary",
    "Device.DeviceInfo.HardwareVersion",
    "Device.DeviceInfo.ProvisioningCode",
    "Device.DeviceInfo.SoftwareVersion",
    "Device.LAN.IPAddress",
    "Device.ManagementServer.ConnectionRequestURL",
    "Device.ManagementServer.UDPConnectionRequestAddress",
    "Device.X_BELLHOP_Settings.hotel.room.number",
];

/// 0, 1 or [`ACTIVE`].
pub fn level(document: &Document, path: &str) -> u8 {
    let set = document.attributes.get(path).and_then(|attribute| attribute.notification);
    set.unwrap_or(if ACTIVE_BY_DEFAULT.contains(&path) { ACTIVE } else { 0 })
}

/// The watched parameters as they are now.
#[derive(Clone, Debug, Default)]
pub struct Snapshot(Vec<Watched>);

#[derive(Clone, Debug)]
struct Watched {
    path: Arc<str>,
    level: u8,
    now: u64,
    /// What the ACS was last told; `None`: nothing yet.
    told: Option<u64>,
}

impl Snapshot {
    pub fn take(device: &Device) -> Self {
        let watched = device.document(|document| {
            let set = document.attributes.keys().cloned();
            let defaults = ACTIVE_BY_DEFAULT.iter().filter(|path| !document.attributes.contains_key(**path));
            let paths = set.chain(defaults.map(|path| intern(path)));
            let watched = paths.map(|path| (level(document, &path), told(document, &path), path));
            watched.filter(|(level, ..)| *level > 0).collect::<Vec<_>>()
        });
        let view = View::of(device);
        let read = |(level, told, path): (u8, Option<u64>, Arc<str>)| {
            let now = hash(&view.leaf(&path)?.secret_value(&path, device));
            Some(Watched { path, level, now, told })
        };
        Self(watched.into_iter().filter_map(read).collect())
    }

    fn changes(&self) -> impl Iterator<Item = &Watched> {
        self.0.iter().filter(|watched| watched.told.is_some_and(|told| told != watched.now))
    }

    /// Whether something changed that does not wait for the next Inform.
    pub fn active(&self) -> bool {
        self.changes().any(|watched| watched.level == ACTIVE)
    }

    /// What the next Inform tells besides what it always tells.
    pub fn changed(&self) -> Vec<Arc<str>> {
        self.changes().map(|watched| watched.path.clone()).collect()
    }

    /// The ACS has been told of this state. Whether that is news to the document.
    pub fn delivered(&self, document: &mut Document) -> bool {
        let mut news = false;
        for watched in &self.0 {
            // Set by the ACS meanwhile: it knows better.
            if told(document, &watched.path) == watched.told && watched.told != Some(watched.now) {
                tell(document, &watched.path, watched.now);
                news = true;
            }
        }
        news
    }

    /// `after` came of what the ACS itself did: it need not be told. Whether that is news to the document.
    pub fn done_by_acs(&self, after: &Self, document: &mut Document) -> bool {
        let mut news = false;
        for new in &after.0 {
            let before = self.0.iter().find(|old| old.path == new.path);
            let known = match before {
                // What changed before and was not told yet still has to be.
                Some(old) => old.now != new.now && old.told.is_none_or(|told| told == old.now),
                None => true,
            };
            if known && told(document, &new.path) != Some(new.now) {
                tell(document, &new.path, new.now);
                news = true;
            }
        }
        news
    }
}

fn told(document: &Document, path: &str) -> Option<u64> {
    document.told.iter().find(|(known, _)| **known == *path).map(|(_, hash)| *hash)
}

fn tell(document: &mut Document, path: &Arc<str>, now: u64) {
    match document.told.iter_mut().find(|(known, _)| known == path) {
        Some((_, hash)) => *hash = now,
        None => document.told.push((path.clone(), now)),
    }
}

/// FNV-1a: the same in every version of this program, unlike the standard library's.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv() {
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
    }
}
