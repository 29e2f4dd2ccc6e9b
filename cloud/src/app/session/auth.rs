//! Whether an Inform comes from the phone it names: a client certificate, HTTP Digest (MD5, SHA-256) or Basic, as far as
//! the phone's trust profile takes them.

use auth_digest::{Algorithm, BasicCredentials, Challenge, Credentials, Freshness, Ha1, NonceIssuer, verify};
use contract::rest::{Enrolment, ProofKind};
use subtle::ConstantTimeEq;

use super::Post;
use crate::app::enrol::REALM;
use crate::app::trust::{Profile, certificate};
use crate::app::{App, views};
use crate::clock::now_ms;
use crate::db::entity::phone;

/// How long a nonce may be used, in milliseconds.
const NONCE_AGE_MS: u64 = 5 * 60 * 1000;

/// What a POST proves of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// None was sent, or it proves nothing.
    Missing,
    /// The password is right, the nonce too old or used: ask again with a new one.
    Stale,
    /// Too many were wrong of late: this one was not looked at.
    TooMany,
    Valid(By),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The credentials the server gave this phone.
    Own,
    /// Those its property's phones share.
    Shared,
    Certificate,
}

/// HA1s that a user name stands for.
struct Known {
    by: By,
    md5: Ha1,
    sha256: Ha1,
}

fn nonces(app: &App) -> NonceIssuer {
    NonceIssuer::new(app.secrets.derive("acs-nonce"))
}

/// Checks what a POST shows against what is known of a phone. Passwords that are wrong count; old nonces do not.
pub fn check(app: &App, post: &Post, phone: &phone::Model, profile: &Profile) -> Proof {
    if profile.takes(ProofKind::Mtls) && shows_certificate(app, post, phone, profile) {
        return Proof::Valid(By::Certificate);
    }
    let Some(value) = &post.authorization else { return Proof::Missing };
    if app.wrong.too_many(&post.client, phone.id, now_ms()) {
        return Proof::TooMany;
    }
    let proof = check_password(app, post, phone, profile, value);
    if proof == Proof::Missing {
        app.wrong.count(&post.client, phone.id, now_ms());
    }
    proof
}

fn check_password(app: &App, post: &Post, phone: &phone::Model, profile: &Profile, value: &str) -> Proof {
    if let Ok(basic) = BasicCredentials::parse(value) {
        if !takes_basic(post, profile) {
            return Proof::Missing;
        }
        let Some(known) = known(phone, profile, &basic.username) else { return Proof::Missing };
        let given = Ha1::new(Algorithm::Sha256, &basic.username, REALM, &basic.password);
        let right = bool::from(known.sha256.expose().as_bytes().ct_eq(given.expose().as_bytes()));
        return if right { Proof::Valid(known.by) } else { Proof::Missing };
    }
    let Ok(credentials) = Credentials::parse(value) else {
        return Proof::Missing;
    };
    let Some(known) = known(phone, profile, &credentials.username) else { return Proof::Missing };
    let ha1 = match credentials.algorithm {
        Algorithm::Md5 if profile.takes(ProofKind::DigestMd5) => &known.md5,
        Algorithm::Sha256 if profile.takes(ProofKind::DigestSha256) => &known.sha256,
        _ => return Proof::Missing,
    };
    if verify(&credentials, ha1, "POST", &post.uri, &post.body).is_err() {
        return Proof::Missing;
    }
    let now = now_ms();
    // What counts of a nonce was seen is forgotten when the server ends; so are its nonces.
    let age = NONCE_AGE_MS.min((now - app.started_at).max(0) as u64);
    match nonces(app).check(&credentials.nonce, &post.client, now as u64, age) {
        // Each count of a nonce opens one session: who overheard a proof can use neither it nor an earlier one.
        Freshness::Fresh => {
            let until = now + NONCE_AGE_MS as i64;
            // By user as well: phones behind one address are given the same nonce in the same millisecond.
            let nonce = format!("{} {}", credentials.nonce, credentials.username);
            match app.counts.grows(&nonce, credentials.count().unwrap_or(0), until, now) {
                true => Proof::Valid(known.by),
                false => Proof::Stale,
            }
        }
        // The password is right: a nonce given to the phone's address of yesterday, or by a server that lost its keys.
        Freshness::Stale | Freshness::Forged => Proof::Stale,
    }
}

fn shows_certificate(app: &App, post: &Post, phone: &phone::Model, profile: &Profile) -> bool {
    let (Some(shown), Some(roots)) = (&post.shown, profile.client_ca(app)) else { return false };
    certificate::names_phone(&certificate::names(shown, &roots, now_ms()), phone)
}

fn takes_basic(post: &Post, profile: &Profile) -> bool {
    profile.takes(ProofKind::Basic) && (post.tls || profile.basic_without_tls)
}

/// What a user name must prove to speak for this phone. Shared credentials only speak for phones that have none of their
/// own: who learns them cannot take the place of one that has.
fn known(phone: &phone::Model, profile: &Profile, user: &str) -> Option<Known> {
    if user == phone.id.to_string() {
        let md5 = Ha1::from_hex(Algorithm::Md5, &phone.acs_ha1_md5).ok()?;
        let sha256 = Ha1::from_hex(Algorithm::Sha256, &phone.acs_ha1_sha256).ok()?;
        return Some(Known { by: By::Own, md5, sha256 });
    }
    let shared = profile.shared.as_ref().filter(|shared| shared.user == user)?;
    let has_own = views::enrolment(phone) == Enrolment::Enrolled && !phone.acs_ha1_md5.is_empty();
    (!has_own).then(|| Known { by: By::Shared, md5: shared.md5.clone(), sha256: shared.sha256.clone() })
}

/// The challenges of a 401, MD5 first, since the oldest phones read only the first; none if only a certificate would do.
/// Basic is asked for only where no digest is taken: a phone might choose it, and show its password for nothing.
pub fn challenges(app: &App, post: &Post, profile: &Profile, stale: bool) -> Vec<String> {
    let nonces = nonces(app);
    let kinds = [(ProofKind::DigestMd5, Algorithm::Md5), (ProofKind::DigestSha256, Algorithm::Sha256)];
    let mut challenges: Vec<String> = kinds
        .into_iter()
        .filter(|(kind, _)| profile.takes(*kind))
        .map(|(_, algorithm)| {
            let mut challenge = Challenge::new(algorithm, REALM, nonces.issue(now_ms() as u64, &post.client));
            challenge.stale = stale;
            challenge.to_string()
        })
        .collect();
    if challenges.is_empty() && takes_basic(post, profile) {
        challenges.push(format!("Basic realm=\"{REALM}\", charset=\"UTF-8\""));
    }
    challenges
}
