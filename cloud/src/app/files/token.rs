//! Addresses phones fetch files from and send files to. An address is good for one phone, one thing and a while; nobody can
//! make one without the server's key. A phone's HTTP client need not know any password.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::secrets::Secrets;

/// What an address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Fetching a file; the subject is the file.
    Fetch = 1,
    /// Sending a file; the subject is the job.
    Send = 2,
    /// Measuring; the subject is the job.
    Test = 3,
}

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    pub phone: Uuid,
    pub subject: Uuid,
    /// Milliseconds since 1970.
    pub until: i64,
}

/// Bytes of the signature: enough that nobody guesses one within an address's life.
const SIGNATURE: usize = 16;

fn sign(secrets: &Secrets, purpose: Purpose, grant: &[u8]) -> [u8; SIGNATURE] {
    let mut out = [0; SIGNATURE];
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&secrets.derive("file-address")) {
        mac.update(&[purpose as u8]);
        mac.update(grant);
        out.copy_from_slice(&mac.finalize().into_bytes()[..SIGNATURE]);
    }
    out
}

/// The text for the address.
pub fn issue(secrets: &Secrets, purpose: Purpose, grant: Grant) -> String {
    let mut bytes = Vec::with_capacity(40 + SIGNATURE);
    bytes.extend(grant.phone.as_bytes());
    bytes.extend(grant.subject.as_bytes());
    bytes.extend(grant.until.to_be_bytes());
    let signature = sign(secrets, purpose, &bytes);
    bytes.extend(signature);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What a token stands for, if the server made it for this purpose and it is still good.
pub fn check(secrets: &Secrets, purpose: Purpose, token: &str, now: i64) -> Option<Grant> {
    use subtle::ConstantTimeEq;
    let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.len() == 40 + SIGNATURE)?;
    let (grant, signature) = bytes.split_at(40);
    if !bool::from(sign(secrets, purpose, grant).ct_eq(signature)) {
        return None;
    }
    let grant = Grant {
        phone: Uuid::from_slice(&grant[..16]).ok()?,
        subject: Uuid::from_slice(&grant[16..32]).ok()?,
        until: i64::from_be_bytes(grant[32..40].try_into().ok()?),
    };
    (grant.until > now).then_some(grant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_good_for_one_thing_and_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::load("", folder.path()).unwrap();
        let grant = Grant { phone: Uuid::now_v7(), subject: Uuid::now_v7(), until: 1_000 };
        let token = issue(&secrets, Purpose::Fetch, grant);
        assert_eq!(check(&secrets, Purpose::Fetch, &token, 999), Some(grant));
        assert_eq!(check(&secrets, Purpose::Fetch, &token, 1_000), None);
        assert_eq!(check(&secrets, Purpose::Send, &token, 0), None);
        let mut other = token.clone().into_bytes();
        other[3] ^= 1;
        assert_eq!(check(&secrets, Purpose::Fetch, &String::from_utf8(other).unwrap(), 0), None);
        let elsewhere = tempfile::tempdir().unwrap();
        assert_eq!(check(&Secrets::load("", elsewhere.path()).unwrap(), Purpose::Fetch, &token, 0), None);
    }
}
