//! Whether an Inform comes from the phone it names: HTTP Digest (MD5, SHA-256) or Basic, against stored HA1s.

use auth_digest::{Algorithm, BasicCredentials, Challenge, Credentials, Freshness, Ha1, NonceIssuer, verify};
use subtle::ConstantTimeEq;

use super::Post;
use crate::app::App;
use crate::app::enrol::REALM;
use crate::clock::now_ms;
use crate::db::entity::phone;

/// How long a nonce may be used, in milliseconds.
const NONCE_AGE_MS: u64 = 5 * 60 * 1000;

/// What the Authorization header proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// None was sent, or it proves nothing.
    Missing,
    /// The password is right, the nonce too old: ask again with a new one.
    Stale,
    Valid,
}

fn nonces(app: &App) -> NonceIssuer {
    NonceIssuer::new(app.secrets.derive("acs-nonce"))
}

/// Checks a POST's Authorization header against a phone's credentials.
pub fn check(app: &App, post: &Post, phone: &phone::Model) -> Proof {
    let Some(value) = &post.authorization else { return Proof::Missing };
    if phone.acs_ha1_md5.is_empty() {
        return Proof::Missing;
    }
    if let Ok(basic) = BasicCredentials::parse(value) {
        let given = Ha1::new(Algorithm::Sha256, &basic.username, REALM, &basic.password);
        let right = Ha1::from_hex(Algorithm::Sha256, &phone.acs_ha1_sha256)
            .is_ok_and(|stored| bool::from(stored.expose().as_bytes().ct_eq(given.expose().as_bytes())));
        return if right && basic.username == phone.id.to_string() { Proof::Valid } else { Proof::Missing };
    }
    let Ok(credentials) = Credentials::parse(value) else {
        return Proof::Missing;
    };
    let stored = match credentials.algorithm {
        Algorithm::Md5 => &phone.acs_ha1_md5,
        Algorithm::Sha256 => &phone.acs_ha1_sha256,
        Algorithm::Sha512_256 => return Proof::Missing,
    };
    let Ok(ha1) = Ha1::from_hex(credentials.algorithm, stored) else {
        return Proof::Missing;
    };
    if credentials.username != phone.id.to_string()
        || verify(&credentials, &ha1, "POST", &post.uri, &post.body).is_err()
    {
        return Proof::Missing;
    }
    let now = now_ms();
    let until = now + NONCE_AGE_MS as i64;
    match nonces(app).check(&credentials.nonce, &post.client, now as u64, NONCE_AGE_MS) {
        // A proof opens one session: who overheard it asks for a new nonce, and cannot answer for that one.
        Freshness::Fresh => {
            match app.used.first(&format!("{} {}", credentials.nonce, credentials.response), until, now) {
                true => Proof::Valid,
                false => Proof::Stale,
            }
        }
        Freshness::Stale => Proof::Stale,
        Freshness::Forged => Proof::Missing,
    }
}

/// The challenges of a 401, the stronger first.
pub fn challenges(app: &App, client: &str, stale: bool) -> Vec<String> {
    let nonces = nonces(app);
    [Algorithm::Sha256, Algorithm::Md5]
        .into_iter()
        .map(|algorithm| {
            let mut challenge = Challenge::new(algorithm, REALM, nonces.issue(now_ms() as u64, client));
            challenge.stale = stale;
            challenge.to_string()
        })
        .collect()
}
