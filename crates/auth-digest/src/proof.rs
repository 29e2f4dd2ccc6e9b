//! Making and checking the proof (RFC 7616 §3.4.1).

use subtle::ConstantTimeEq;

use crate::{Algorithm, Challenge, Credentials, Ha1, Qop};

/// Why credentials do not hold. Not for the peer: it learns nothing but 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    #[error("the credentials are of another algorithm")]
    Algorithm,
    #[error("the credentials are for another address")]
    Uri,
    #[error("the credentials have no qop")]
    NoQop,
    #[error("the proof is wrong")]
    Proof,
}

/// Answers a challenge. `cnonce` is the caller's randomness (16 bytes or more, any printable form), `nc` counts the
/// uses of this nonce from 1. `body` matters only where the server wants `auth-int` and nothing else. In a session
/// ([`Challenge::session`]) the first `cnonce` with a nonce stays for all its uses: the server may keep the session's hash
/// of them (RFC 7616 §3.4.2).
#[allow(clippy::too_many_arguments)] // The standard's own list.
pub fn respond(
    challenge: &Challenge,
    user: &str,
    password: &str,
    method: &str,
    uri: &str,
    body: &[u8],
    cnonce: &str,
    nc: u32,
) -> Credentials {
    let ha1 = Ha1::new(challenge.algorithm, user, &challenge.realm, password);
    respond_with(challenge, user, &ha1, method, uri, body, cnonce, nc)
}

/// [`respond`] from the hash. The challenge must be of the hash's algorithm and realm, or the server refuses.
#[allow(clippy::too_many_arguments)]
pub fn respond_with(
    challenge: &Challenge,
    user: &str,
    ha1: &Ha1,
    method: &str,
    uri: &str,
    body: &[u8],
    cnonce: &str,
    nc: u32,
) -> Credentials {
    let qop = if challenge.qop.contains(&Qop::Auth) { Some(Qop::Auth) } else { challenge.qop.first().copied() };
    let mut credentials = Credentials {
        username: user.to_owned(),
        realm: challenge.realm.clone(),
        nonce: challenge.nonce.clone(),
        uri: uri.to_owned(),
        response: String::new(),
        algorithm: ha1.algorithm(),
        session: challenge.session,
        opaque: challenge.opaque.clone(),
        qop,
        cnonce: (qop.is_some() || challenge.session).then(|| cnonce.to_owned()),
        nc: qop.map(|_| format!("{nc:08x}")),
    };
    credentials.response = proof(&credentials, ha1, method, body);
    credentials
}

/// Whether the sender knew the password, in time that does not depend on how wrong the proof is. `uri` is the request's
/// target as received; it must be the one the proof covers. The nonce is the caller's to check, before or after.
pub fn verify(credentials: &Credentials, ha1: &Ha1, method: &str, uri: &str, body: &[u8]) -> Result<(), Mismatch> {
    if credentials.algorithm != ha1.algorithm() || credentials.session {
        return Err(Mismatch::Algorithm);
    }
    if credentials.qop.is_none() {
        return Err(Mismatch::NoQop);
    }
    if credentials.uri != uri {
        return Err(Mismatch::Uri);
    }
    let expected = proof(credentials, ha1, method, body);
    if bool::from(expected.as_bytes().ct_eq(credentials.response.as_bytes())) { Ok(()) } else { Err(Mismatch::Proof) }
}

fn proof(credentials: &Credentials, ha1: &Ha1, method: &str, body: &[u8]) -> String {
    let algorithm: Algorithm = ha1.algorithm();
    let (method, uri) = (method.as_bytes(), credentials.uri.as_bytes());
    let ha2 = match credentials.qop {
        Some(Qop::AuthInt) => algorithm.hash(&[method, uri, algorithm.hash(&[body]).as_bytes()]),
        Some(Qop::Auth) | None => algorithm.hash(&[method, uri]),
    };
    let nonce = credentials.nonce.as_bytes();
    let cnonce = credentials.cnonce.as_deref().unwrap_or_default().as_bytes();
    // RFC 7616 §3.4.2, RFC 2617 §3.2.2.2: the session's hash is of the hash in hexadecimal, as every peer has it.
    let session = credentials.session.then(|| algorithm.hash(&[ha1.expose().as_bytes(), nonce, cnonce]));
    let ha1 = session.as_deref().unwrap_or(ha1.expose()).as_bytes();
    match credentials.qop {
        Some(qop) => {
            let nc = credentials.nc.as_deref().unwrap_or_default().as_bytes();
            algorithm.hash(&[ha1, nonce, nc, cnonce, qop.name().as_bytes(), ha2.as_bytes()])
        }
        None => algorithm.hash(&[ha1, nonce, ha2.as_bytes()]),
    }
}
