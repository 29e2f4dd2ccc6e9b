//! Backup packages: a tar of JSON and configuration files with a manifest of checksums. Secrets are in a file of their own,
//! sealed by a password (Argon2id, ChaCha20-Poly1305), or not there at all.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use anyhow::Context;
use argon2::Argon2;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use contract::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::app::Result;
use crate::app::error::invalid;
use crate::secrets::random;

pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const LAYERS: &str = "layers.json";
pub(super) const SECRETS: &str = "secrets.sealed";
const FORMAT: &str = "bellhop-backup-1";
/// Bytes of a whole package, and of one file in it.
pub const MOST_BYTES: usize = 32 << 20;
const MOST_FILES: usize = 16;

/// What the package is, and the SHA-256 of every other file.
#[derive(Serialize, Deserialize)]
pub(super) struct Manifest {
    format: String,
    /// `phone` or `property`.
    pub kind: String,
    /// The phone's MAC address, or the property's code.
    pub subject: String,
    pub made_at: Timestamp,
    pub made_by: String,
    /// The layers that were there, also those without values ([`layer_name`]). Older packages do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<BTreeSet<String>>,
    files: BTreeMap<String, String>,
}

/// A value of a layer; a secret's is masked, and stands in the sealed file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Value {
    pub layer: String,
    /// The room type's name, the room's number or the phone's MAC address; empty for the property.
    pub of: String,
    pub key: String,
    pub value: String,
    #[serde(default)]
    pub locked: bool,
    #[serde(default)]
    pub reason: String,
    pub changed_at: Timestamp,
    pub changed_by: String,
}

impl Value {
    /// What its secret is found by.
    pub fn name(&self) -> String {
        format!("{} {} {}", self.layer, self.of, self.key)
    }
}

/// A layer as the manifest names it.
pub(super) fn layer_name(layer: &str, of: &str) -> String {
    format!("{layer} {of}").trim_end().to_owned()
}

pub(super) struct Package {
    pub manifest: Manifest,
    pub values: Vec<Value>,
    /// By [`Value::name`]; empty without the password.
    pub secrets: BTreeMap<String, String>,
}

/// Writes a package.
pub(super) fn pack(
    (kind, subject, by, at): (&str, &str, &str, Timestamp),
    layers: BTreeSet<String>,
    mut files: BTreeMap<String, Vec<u8>>,
    secrets: &BTreeMap<String, String>,
    password: &str,
) -> Result<Vec<u8>> {
    if !password.is_empty() {
        files.insert(SECRETS.to_owned(), seal(&serde_json::to_vec(secrets)?, password)?);
    }
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        kind: kind.to_owned(),
        subject: subject.to_owned(),
        made_at: at,
        made_by: by.to_owned(),
        layers: Some(layers),
        files: files.iter().map(|(name, bytes)| (name.clone(), hex::encode(Sha256::digest(bytes)))).collect(),
    };
    let mut out = tar::Builder::new(Vec::new());
    let mut add = |name: &str, bytes: &[u8]| -> anyhow::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_mtime((at.0 / 1000).max(0) as u64);
        Ok(out.append_data(&mut header, name, bytes)?)
    };
    add(MANIFEST, &serde_json::to_vec_pretty(&manifest)?)?;
    for (name, bytes) in &files {
        add(name, bytes)?;
    }
    Ok(out.into_inner().map_err(anyhow::Error::from)?)
}

/// Reads a package of a kind, every checksum held against the manifest.
pub(super) fn unpack(bytes: &[u8], kind: &str, password: &str) -> Result<Package> {
    let wrong = |detail: String| invalid("package", detail);
    if provisioning::crypt::is_encrypted(bytes) {
        let detail = "This is a backup package (or an encrypted file) that a phone made itself. Restore it at the phone, with the \
                      password it was made with; here only packages made by this server are restored.";
        return Err(wrong(detail.to_owned()));
    }
    let mut files = files(bytes).map_err(|error| wrong(format!("This is no backup package: {error:#}.")))?;
    let manifest = files.remove(MANIFEST).ok_or_else(|| wrong(format!("The package has no {MANIFEST}.")))?;
    let manifest: Manifest =
        serde_json::from_slice(&manifest).map_err(|error| wrong(format!("{MANIFEST} does not read: {error}.")))?;
    if manifest.format != FORMAT {
        return Err(wrong(format!("The package is of another format than {FORMAT}.")));
    }
    if manifest.kind != kind {
        return Err(wrong(format!("The package is of a {}, not of a {kind}.", shown(&manifest.kind))));
    }
    for (name, sum) in &manifest.files {
        let bytes = files.get(name).ok_or_else(|| wrong(format!("{} is missing.", shown(name))))?;
        if hex::encode(Sha256::digest(bytes)) != *sum {
            return Err(wrong(format!("{} was changed or damaged: its checksum is another.", shown(name))));
        }
    }
    if let Some(name) = files.keys().find(|name| !manifest.files.contains_key(*name)) {
        return Err(wrong(format!("{} is not in the manifest.", shown(name))));
    }
    let layers = files.get(LAYERS).ok_or_else(|| wrong(format!("The package has no {LAYERS}.")))?;
    let values: Vec<Value> =
        serde_json::from_slice(layers).map_err(|error| wrong(format!("{LAYERS} does not read: {error}.")))?;
    let secrets = match files.get(SECRETS).filter(|_| !password.is_empty()) {
        Some(sealed) => {
            let plain = open(sealed, password)
                .ok_or_else(|| invalid("password", "The password does not open the package's secrets."))?;
            serde_json::from_slice(&plain).map_err(|error| wrong(format!("{SECRETS} does not read: {error}.")))?
        }
        None => BTreeMap::new(),
    };
    Ok(Package { manifest, values, secrets })
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

fn files(bytes: &[u8]) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in tar::Archive::new(bytes).entries()? {
        let mut entry = entry?;
        anyhow::ensure!(found.len() < MOST_FILES, "it holds more than {MOST_FILES} files");
        anyhow::ensure!(entry.header().entry_type().is_file(), "it holds something that is no file");
        let name = std::str::from_utf8(&entry.path_bytes()).context("a name is no text")?.to_owned();
        let mut content = Vec::new();
        entry.by_ref().take(MOST_BYTES as u64 + 1).read_to_end(&mut content)?;
        anyhow::ensure!(content.len() as u64 == entry.header().size()?, "it is cut off");
        anyhow::ensure!(found.insert(shown(&name), content).is_none(), "a name is there twice");
    }
    anyhow::ensure!(!found.is_empty(), "it is empty");
    Ok(found)
}

/// Salt (16 bytes), nonce (12), and what is sealed.
fn seal(plain: &[u8], password: &str) -> Result<Vec<u8>> {
    let (salt, nonce) = (random::<16>(), random::<12>());
    let sealed = cipher(password, &salt)?
        .encrypt(Nonce::from_slice(&nonce), Payload { msg: plain, aad: FORMAT.as_bytes() })
        .ok()
        .context("cannot seal a package's secrets")?;
    Ok([&salt[..], &nonce, &sealed].concat())
}

fn open(sealed: &[u8], password: &str) -> Option<Vec<u8>> {
    let (salt, rest) = sealed.split_first_chunk::<16>()?;
    let (nonce, sealed) = rest.split_first_chunk::<12>()?;
    let payload = Payload { msg: sealed, aad: FORMAT.as_bytes() };
    cipher(password, salt).ok()?.decrypt(Nonce::from_slice(nonce), payload).ok()
}

fn cipher(password: &str, salt: &[u8; 16]) -> Result<ChaCha20Poly1305> {
    let mut key = [0; 32];
    let made = Argon2::default().hash_password_into(password.as_bytes(), salt, &mut key);
    made.map_err(|error| anyhow::anyhow!("cannot derive a package's key: {error}"))?;
    Ok(ChaCha20Poly1305::new(&key.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "correct horse";

    fn packed(password: &str) -> Vec<u8> {
        let files = BTreeMap::from([(LAYERS.to_owned(), b"[]".to_vec()), ("phone.json".to_owned(), b"{}".to_vec())]);
        let secrets = BTreeMap::from([("phone c074ad770001 x".to_owned(), "s3cret".to_owned())]);
        pack(("phone", "c074ad770001", "me", Timestamp(1_000)), BTreeSet::new(), files, &secrets, password).unwrap()
    }

    fn refusal(bytes: &[u8], password: &str) -> String {
        unpack(bytes, "phone", password).err().unwrap().to_string()
    }

    #[test]
    fn what_was_packed_comes_back() {
        let sealed = packed(PASSWORD);
        assert!(!sealed.windows(6).any(|part| part == b"s3cret"));
        assert_eq!(unpack(&sealed, "phone", PASSWORD).unwrap().secrets.len(), 1);
        assert!(unpack(&sealed, "phone", "").unwrap().secrets.is_empty());
        assert!(unpack(&packed(""), "phone", PASSWORD).unwrap().secrets.is_empty());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let sealed = packed(PASSWORD);
        assert!(refusal(&sealed, "wrong horse!!").contains("does not open"));
        assert!(refusal(b"", "").contains("no backup package"));
        assert!(refusal(&[7; 2000], "").contains("no backup package"));
        assert!(refusal(b"Salted__12345678and so on", "").contains("Restore it at the phone"));
        let property = unpack(&sealed, "property", "").err().unwrap().to_string();
        assert!(property.contains("of a phone, not of a property"), "{property}");
        let mut damaged = sealed.clone();
        let at = damaged.windows(2).rposition(|part| part == b"{}").unwrap();
        damaged[at] = b'[';
        assert!(refusal(&damaged, "").contains("checksum"), "{}", refusal(&damaged, ""));
    }
}
