//! The phone's settings as a file.

use contract::Mac;
use provisioning::{Audience, Document, Format, WriteOptions, write};
use settings::Catalogue;

use crate::device::Device;

/// What of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Everything that has been set.
    Everything,
    /// What a user set at the phone.
    User,
}

/// The settings as a document for this phone, or for whichever gets it.
pub fn document(device: &Device, part: Part, secrets: bool, mac: Option<Mac>) -> Document {
    let mut document = mac.map_or_else(Document::default, Document::for_phone);
    let values: Vec<(String, String)> = device.document(|stored| {
        let wanted = |key: &std::sync::Arc<str>| part == Part::Everything || stored.by_user.contains(key);
        stored
            .values
            .iter()
            .filter(|(key, _)| wanted(key))
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .collect()
    });
    for (key, value) in values {
        // What the catalogue does not know is not shown either.
        let Some(found) = Catalogue::get().find(&key) else { continue };
        if (secrets || !found.setting.secret) && document.set(&key, &value).is_err() {
            tracing::warn!(key, "a stored value is not allowed any more and is left out");
        }
    }
    document
}

/// Lines with a head that says what they are.
pub fn text(device: &Device, part: Part, secrets: bool) -> Vec<u8> {
    let identity = device.identity();
    let left_out = if secrets { "Secrets are in it." } else { "Secrets are left out." };
    let head = format!("# {} {} {}\n# {left_out}\n", identity.model.as_str(), identity.mac, device.firmware());
    [head.into_bytes(), file(&document(device, part, secrets, None), Format::Text)].concat()
}

/// A file of a document; empty where it cannot be written at all.
pub fn file(document: &Document, format: Format) -> Vec<u8> {
    match write(document, format, &WriteOptions::new(Audience::Bellhop)) {
        Ok(written) => written.bytes,
        Err(error) => {
            tracing::warn!(%error, "the settings cannot be written as a file");
            Vec::new()
        }
    }
}
