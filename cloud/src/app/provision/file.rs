//! Files as phones want them: a property's bootstrap file, and a phone's own with everything in it.

use provisioning::agent::{Agent, Maker};
use provisioning::crypt::Digest;
use provisioning::{Audience, Document, Format, Mac, WriteOptions, write};
use sha2::Digest as _;

use super::credentials::place;
use crate::app::heard::is_ours;
use crate::app::{App, Result, views};
use crate::db::entity::phone;
use crate::domain::layers::Desired;

/// The setting a phone decrypts its file by.
pub(super) const FILE_KEY: &str = "provisioning.config.filepassword";
const MAX_TAG: usize = 16;

/// A file, ready to be sent.
pub(super) struct Made {
    pub bytes: Vec<u8>,
    /// Settings the phone is to have that a file cannot say to it.
    pub left_out: usize,
}

/// Whom a file is written for: ours if it says so, or is known to be one and says nothing.
pub(super) fn audience(agent: Option<&Agent>, phone: Option<&phone::Model>) -> Audience {
    match (agent, phone) {
        (Some(agent), _) if agent.maker == Maker::Bellhop => Audience::Bellhop,
        (None, Some(phone)) if is_ours(phone) => Audience::Bellhop,
        _ => Audience::Vendor,
    }
}

/// What tells any phone of a property where to go, and nothing else: the same for all that ask alike.
pub(super) fn bootstrap(base: &str, acs: &str, format: Format, audience: Audience) -> Result<Vec<u8>> {
    // A binary file has room for an address; zeros are anybody's.
    let mut document = match format {
        Format::Binary => Document::for_phone(Mac::new([0; 6])),
        _ => Document::default(),
    };
    let mut set = |key: &str, value: &str| document.set(key, value).map_err(anyhow::Error::from);
    for (key, value) in place(base) {
        set(key, &value)?;
    }
    set("tr069.enable", "true")?;
    set("tr069.url", acs)?;
    let made = write(&document, format, &WriteOptions::new(audience)).map_err(anyhow::Error::from)?;
    Ok(made.bytes)
}

/// What a phone is to be, in clear.
pub(super) fn document(app: &App, phone: &phone::Model, desired: &Desired) -> Result<(Document, usize)> {
    let mut document = Document::for_phone(views::mac(phone));
    let mut refused = 0;
    for (key, effective) in desired {
        // What the catalogue does not take (any more) stays out; the phone would refuse it as well.
        if document.set(key, &app.secrets.open_setting(key, &effective.value)?).is_err() {
            refused += 1;
        }
    }
    Ok((document, refused))
}

/// A phone's own file; `key` encrypts it, and `tag` makes the salt, so that the same version is the same file.
pub(super) fn own(
    app: &App,
    phone: &phone::Model,
    desired: &Desired,
    (format, audience): (Format, Audience),
    key: &str,
    tag: &str,
) -> Result<Made> {
    let (document, refused) = document(app, phone, desired)?;
    let written = write(&document, format, &WriteOptions::new(audience)).map_err(anyhow::Error::from)?;
    let left_out = refused + written.left_out.len();
    let bytes = match key {
        "" => written.bytes,
        key => {
            let salt = sha2::Sha256::new().chain_update(app.secrets.derive("file-salt")).chain_update(tag).finalize();
            let mut short = [0; 8];
            short.copy_from_slice(&salt[..8]);
            written.encrypt(key, short, digest(app, &phone.model))
        }
    };
    Ok(Made { bytes, left_out })
}

fn digest(app: &App, model: &str) -> Digest {
    let models = &app.config.provision.sha256_models;
    if models.iter().any(|one| one.eq_ignore_ascii_case(model)) { Digest::Sha256 } else { Digest::Md5 }
}

/// A name for a version of a file: the same if and only if its bytes are. `parts` hold no secret in clear.
pub(super) fn tag(parts: &[&[u8]]) -> String {
    let mut hash = sha2::Sha256::new();
    hash.update(env!("CARGO_PKG_VERSION"));
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(&hash.finalize()[..MAX_TAG])
}
