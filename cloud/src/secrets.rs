//! The server's secret key and what is made from it: sealed values, token keys, random secrets.

use std::borrow::Cow;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use sha2::{Digest, Sha256};

use crate::domain::catalogue;

/// What a sealed value begins with.
pub const SEALED: &str = "sealed:1:";

/// The key ring. It can neither be printed nor serialised.
pub struct Secrets {
    root: [u8; 32],
}

impl Secrets {
    /// Takes the configured key, or reads `secret.key` in the data folder, or makes it.
    pub fn load(configured: &str, data_dir: &Path) -> anyhow::Result<Self> {
        if !configured.is_empty() {
            return Self::from_hex(configured).context("server.secret_key");
        }
        let path = data_dir.join("secret.key");
        if !path.exists() {
            fs::create_dir_all(data_dir).with_context(|| format!("cannot make {}", data_dir.display()))?;
            let key = random::<32>();
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
                .with_context(|| format!("cannot make {}", path.display()))?;
            file.write_all(hex::encode(key).as_bytes())?;
            file.sync_all()?;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::from_hex(text.trim()).with_context(|| path.display().to_string())
    }

    fn from_hex(text: &str) -> anyhow::Result<Self> {
        let mut root = [0; 32];
        if hex::decode_to_slice(text, &mut root).is_err() {
            bail!("the secret key must be 64 hexadecimal digits");
        }
        Ok(Self { root })
    }

    /// A key of its own for each purpose, so that none can be used for another.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update((purpose.len() as u64).to_be_bytes());
        hash.update(purpose);
        hash.update(self.root);
        hash.finalize().into()
    }

    /// Encrypts `plain`; `context` (for example the setting's key) must be the same when opening.
    pub fn seal(&self, context: &str, plain: &str) -> anyhow::Result<String> {
        let nonce = random::<12>();
        let sealed = self
            .cipher()
            .encrypt(Nonce::from_slice(&nonce), Payload { msg: plain.as_bytes(), aad: context.as_bytes() })
            .ok()
            .context("cannot seal a value")?;
        Ok(format!("{SEALED}{}", STANDARD_NO_PAD.encode([&nonce[..], &sealed].concat())))
    }

    /// Decrypts what [`Secrets::seal`] made. Text that is not sealed is returned as it is.
    pub fn open(&self, context: &str, text: &str) -> anyhow::Result<String> {
        let Some(encoded) = text.strip_prefix(SEALED) else {
            return Ok(text.to_owned());
        };
        let bytes = STANDARD_NO_PAD.decode(encoded).context("a sealed value is damaged")?;
        if bytes.len() < 12 {
            bail!("a sealed value is too short");
        }
        let (nonce, sealed) = bytes.split_at(12);
        let plain = self
            .cipher()
            .decrypt(Nonce::from_slice(nonce), Payload { msg: sealed, aad: context.as_bytes() })
            .ok()
            .context("a sealed value does not open with this secret key")?;
        String::from_utf8(plain).context("a sealed value is not text")
    }

    /// A setting's value as it is stored: sealed if the setting is secret.
    pub fn seal_setting(&self, key: &str, text: &str) -> anyhow::Result<String> {
        if catalogue::is_secret(key) { self.seal(key, text) } else { Ok(text.to_owned()) }
    }

    /// The same back in clear.
    pub fn open_setting<'a>(&self, key: &str, stored: &'a str) -> anyhow::Result<Cow<'a, str>> {
        if catalogue::is_secret(key) { self.open(key, stored).map(Cow::Owned) } else { Ok(Cow::Borrowed(stored)) }
    }

    /// Stands for a value without giving it away: equal values have equal fingerprints under one key.
    pub fn fingerprint(&self, value: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(self.derive("fingerprint"));
        hash.update(value);
        hex::encode(&hash.finalize()[..16])
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(&self.derive("seal").into())
    }
}

/// Random bytes from the operating system.
///
/// # Panics
/// When the operating system has no randomness, in which case nothing here is safe to go on.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A random secret of 192 bits, safe in URLs, XML and configuration files.
pub fn random_token() -> String {
    URL_SAFE_NO_PAD.encode(random::<24>())
}

/// The hash under which a random token is stored. Tokens are long and random, so a plain hash is enough.
pub fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

/// A number in `0.0..1.0` for jitter.
pub fn random_fraction() -> f64 {
    (u64::from_be_bytes(random::<8>()) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets::from_hex(&"5a".repeat(32)).unwrap()
    }

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let secrets = secrets();
        let sealed = secrets.seal("account.1.sip.subscriber.password", "pw-1207").unwrap();
        assert!(!sealed.contains("pw-1207"));
        assert_eq!(secrets.open("account.1.sip.subscriber.password", &sealed).unwrap(), "pw-1207");
        assert!(secrets.open("account.2.sip.subscriber.password", &sealed).is_err());
        assert!(secrets.open("x", "sealed:1:AAAA").is_err());
        assert!(Secrets::from_hex("abc").is_err());
    }

    #[test]
    fn seals_differently_each_time() {
        let secrets = secrets();
        assert_ne!(secrets.seal("k", "v").unwrap(), secrets.seal("k", "v").unwrap());
        assert_eq!(secrets.fingerprint("v"), secrets.fingerprint("v"));
    }

    #[test]
    fn makes_the_key_file_once_and_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let first = Secrets::load("", folder.path()).unwrap();
        let second = Secrets::load("", folder.path()).unwrap();
        assert_eq!(first.root, second.root);
        let mode = fs::metadata(folder.path().join("secret.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
