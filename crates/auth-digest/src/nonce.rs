//! Nonces any replica can check without having stored them (RFC 7616 §3.3, "nonce").

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Time (8 bytes) and the first 16 bytes of its HMAC, in base64url: 32 characters.
const TIME: usize = 8;
const MAC: usize = 16;
/// Replicas' clocks may differ this much, in milliseconds.
const SKEW_MS: u64 = 60_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    Fresh,
    /// Ours, but too old: challenge again with `stale=true`.
    Stale,
    /// Not ours, or for another class.
    Forged,
}

/// Debug prints no key. All replicas hold the same key.
#[derive(Clone)]
pub struct NonceIssuer {
    key: [u8; 32],
}

impl std::fmt::Debug for NonceIssuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NonceIssuer(..)")
    }
}

impl NonceIssuer {
    pub fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// `client_class` says what the nonce is good for ("acs", "sip", a property's id): it holds nowhere else.
    pub fn issue(&self, now_ms: u64, client_class: &str) -> String {
        let time = now_ms.to_be_bytes();
        let mut nonce = time.to_vec();
        nonce.extend_from_slice(&self.mac(time, client_class));
        URL_SAFE_NO_PAD.encode(nonce)
    }

    /// `max_age_ms` in milliseconds. A nonce can be used more than once while it is fresh; a caller who minds keeps the
    /// highest `nc` seen with it.
    pub fn check(&self, nonce: &str, client_class: &str, now_ms: u64, max_age_ms: u64) -> Freshness {
        let mut bytes = [0; TIME + MAC];
        if URL_SAFE_NO_PAD.decode_slice(nonce, &mut bytes) != Ok(TIME + MAC) {
            return Freshness::Forged;
        }
        let mut time = [0; TIME];
        time.copy_from_slice(&bytes[..TIME]);
        if !bool::from(self.mac(time, client_class).ct_eq(&bytes[TIME..])) {
            return Freshness::Forged;
        }
        let issued = u64::from_be_bytes(time);
        if issued > now_ms.saturating_add(SKEW_MS) || now_ms.saturating_sub(issued) > max_age_ms {
            Freshness::Stale
        } else {
            Freshness::Fresh
        }
    }

    fn mac(&self, time: [u8; TIME], client_class: &str) -> [u8; MAC] {
        let full = hmac_sha256(&self.key, &[&time, client_class.as_bytes()]);
        let mut mac = [0; MAC];
        mac.copy_from_slice(&full[..MAC]);
        mac
    }
}

/// RFC 2104, for keys of up to one block (64 bytes).
fn hmac_sha256(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut inner = Sha256::new();
    inner.update(block.map(|b| b ^ 0x36));
    for part in parts {
        inner.update(part);
    }
    let mut outer = Sha256::new();
    outer.update(block.map(|b| b ^ 0x5c));
    outer.update(inner.finalize());
    outer.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_vector_rfc_4231_case_2() {
        // Keys shorter than a block are filled up with zeros, so "Jefe" is also a 32-byte key.
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        assert_eq!(
            hex::encode(hmac_sha256(&key, &[b"what do ya want ", b"for nothing?"])),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn fresh_then_stale() {
        let issuer = NonceIssuer::new([7; 32]);
        let nonce = issuer.issue(1_000_000, "acs");
        assert_eq!(nonce.len(), 32);
        assert_eq!(issuer.check(&nonce, "acs", 1_000_000, 300_000), Freshness::Fresh);
        assert_eq!(issuer.check(&nonce, "acs", 1_300_000, 300_000), Freshness::Fresh);
        assert_eq!(issuer.check(&nonce, "acs", 1_300_001, 300_000), Freshness::Stale);
        assert_eq!(issuer.check(&nonce, "acs", 950_000, 300_000), Freshness::Fresh, "clock skew");
        assert_eq!(issuer.check(&nonce, "acs", 900_000, 300_000), Freshness::Stale, "from the future");
    }

    #[test]
    fn another_key_class_or_byte_is_forged() {
        let issuer = NonceIssuer::new([7; 32]);
        let nonce = issuer.issue(1_000_000, "acs");
        assert_eq!(issuer.check(&nonce, "sip", 1_000_000, 300_000), Freshness::Forged);
        assert_eq!(NonceIssuer::new([8; 32]).check(&nonce, "acs", 1_000_000, 300_000), Freshness::Forged);
        let longer = format!("{nonce}A");
        for other in ["", "x", &nonce[1..], longer.as_str(), "\u{e4}"] {
            assert_eq!(issuer.check(other, "acs", 1_000_000, 300_000), Freshness::Forged);
        }
        for at in 0..nonce.len() {
            let mut changed = nonce.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(issuer.check(&changed, "acs", 1_000_000, 300_000), Freshness::Forged);
        }
    }
}
