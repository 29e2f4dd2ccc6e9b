//! What a phone carries while its session is idle: who it is and when it came, sealed, instead of a row in the database.
//! A session gets its row when there is something to keep.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cwmp::acs::Phase;
use cwmp::{AcsSession, CwmpVersion};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// When, process, salt, phone, version, protocol, the phone's own time-out.
const CONTENT: usize = 8 + 8 + 8 + 16 + 1 + 1 + 4;
const TAG: usize = 16;
/// Replicas' clocks may differ this much, in ms.
const SKEW_MS: i64 = 60_000;

/// A session as its Inform left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// When the Inform came, in ms since 1970.
    pub opened: i64,
    /// The process that opened it.
    pub process: u64,
    /// Tells it from every other pass.
    pub salt: u64,
    pub phone: Uuid,
    /// Informed, with nothing asked yet.
    pub acs: AcsSession,
}

impl Pass {
    /// As a token, good for `client`, the address the phone comes from: who overhears it cannot use it from elsewhere, also
    /// not at a process that does not know that it is used up.
    pub fn seal(&self, key: &[u8; 32], client: &str) -> String {
        let version = |version: CwmpVersion| CwmpVersion::ALL.iter().position(|one| *one == version).unwrap_or(0) as u8;
        let mut bytes = Vec::with_capacity(CONTENT + TAG);
        bytes.extend(self.opened.to_be_bytes());
        bytes.extend(self.process.to_be_bytes());
        bytes.extend(self.salt.to_be_bytes());
        bytes.extend(self.phone.as_bytes());
        bytes.push(version(self.acs.version));
        bytes.push(self.acs.protocol.map_or(u8::MAX, version));
        bytes.extend(self.acs.session_timeout.unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend(tag(key, &bytes, client));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Until when it is good, in ms since 1970: `timeout_s` seconds, or as long as the phone asked for.
    pub fn until(&self, timeout_s: u32) -> i64 {
        self.opened + i64::from(self.acs.patience(timeout_s)) * 1000
    }

    /// `None`: none of ours, another client's, or too old ([`Self::until`]).
    pub fn open(key: &[u8; 32], token: &str, client: &str, now: i64, timeout_s: u32) -> Option<Self> {
        let mut bytes = [0; CONTENT + TAG];
        if URL_SAFE_NO_PAD.decode_slice(token, &mut bytes) != Ok(CONTENT + TAG) {
            return None;
        }
        let (content, given) = bytes.split_at(CONTENT);
        if !bool::from(tag(key, content, client).ct_eq(given)) {
            return None;
        }
        let number = |at: usize| Some(u64::from_be_bytes(content[at..at + 8].try_into().ok()?));
        let opened = number(0)? as i64;
        let version = |at: usize| CwmpVersion::ALL.get(usize::from(content[at])).copied();
        let timeout = u32::from_be_bytes(content[42..].try_into().ok()?);
        let acs = AcsSession {
            version: version(40)?,
            protocol: version(41),
            phase: Phase::Informed,
            session_timeout: (timeout != u32::MAX).then_some(timeout),
            ..AcsSession::new()
        };
        let (process, salt) = (number(8)?, number(16)?);
        let pass = Self { opened, process, salt, phone: Uuid::from_slice(&content[24..40]).ok()?, acs };
        (opened <= now + SKEW_MS && now <= pass.until(timeout_s)).then_some(pass)
    }
}

/// The content is always as long and the client comes last, so a hash that begins with the key is a sound tag, cut as it is.
fn tag(key: &[u8; 32], content: &[u8], client: &str) -> [u8; TAG] {
    let full: [u8; 32] = Sha256::new().chain_update(key).chain_update(content).chain_update(client).finalize().into();
    let mut cut = [0; TAG];
    cut.copy_from_slice(&full[..TAG]);
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];
    const CLIENT: &str = "192.0.2.1";

    fn pass() -> Pass {
        let acs = AcsSession {
            version: CwmpVersion::V1_2,
            protocol: Some(CwmpVersion::V1_4),
            phase: Phase::Informed,
            session_timeout: Some(60),
            ..AcsSession::new()
        };
        Pass { opened: 1_000_000, process: 3, salt: 4, phone: Uuid::from_u128(1207), acs }
    }

    #[test]
    fn opens_as_it_was_sealed_in_time_and_under_its_key() {
        let token = pass().seal(&KEY, CLIENT);
        assert_eq!(Pass::open(&KEY, &token, CLIENT, 1_000_500, 30), Some(pass()));
        assert_eq!(Pass::open(&KEY, &token, CLIENT, 1_060_000, 30), Some(pass()), "it asked for a minute");
        assert_eq!(Pass::open(&KEY, &token, CLIENT, 1_060_001, 30), None, "too old");
        assert_eq!(Pass::open(&KEY, &token, CLIENT, 1_000_000 - SKEW_MS - 1, 30), None, "from the future");
        assert_eq!(Pass::open(&KEY, &token, "192.0.2.2", 1_000_500, 30), None, "from elsewhere");
        assert_eq!(Pass::open(&[8; 32], &token, CLIENT, 1_000_500, 30), None);
        let plain = Pass { acs: AcsSession { phase: Phase::Informed, ..AcsSession::new() }, ..pass() };
        let token = plain.seal(&KEY, CLIENT);
        assert_eq!(Pass::open(&KEY, &token, CLIENT, 1_030_001, 30), None, "it asked for nothing");
        assert_eq!(Pass::open(&KEY, &token, CLIENT, 1_000_500, 30), Some(plain));
    }

    #[test]
    fn none_can_be_changed() {
        let token = pass().seal(&KEY, CLIENT);
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(Pass::open(&KEY, &changed, CLIENT, 1_000_500, 30), None, "{at}");
        }
        for other in ["", "x", &token[1..], "00000000000000000000000000000000"] {
            assert_eq!(Pass::open(&KEY, other, CLIENT, 1_000_500, 30), None);
        }
    }
}
