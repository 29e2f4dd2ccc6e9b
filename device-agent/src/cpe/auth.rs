//! Answering 401 with what the server asks for: the strongest digest, or basic.

use auth_digest::{BasicCredentials, Challenge, respond, strongest};

use crate::clock;

/// Login of one session: remembers the challenge, so that later requests carry the proof at once.
#[derive(Default)]
pub struct Login {
    user: String,
    password: String,
    scheme: Scheme,
}

#[derive(Default)]
enum Scheme {
    #[default]
    None,
    Basic,
    Digest {
        challenge: Challenge,
        uses: u32,
        /// Ours, of the last use.
        cnonce: String,
    },
}

impl Login {
    /// No user: nothing is ever sent.
    pub fn new(user: String, password: String) -> Self {
        Self { user, password, scheme: Scheme::None }
    }

    /// Nothing is sent until the server asks again.
    pub fn forget(&mut self) {
        self.scheme = Scheme::None;
    }

    /// User and password go with the first request already, unasked.
    pub fn indicate(&mut self) {
        if !self.user.is_empty() {
            self.scheme = Scheme::Basic;
        }
    }

    /// The `Authorization` of the next request.
    pub fn header(&mut self, method: &str, target: &str, body: &[u8]) -> Option<String> {
        match &mut self.scheme {
            Scheme::None => None,
            Scheme::Basic => {
                Some(BasicCredentials { username: self.user.clone(), password: self.password.clone() }.to_string())
            }
            Scheme::Digest { challenge, uses, cnonce } => {
                *uses += 1;
                // A session keeps its first one (RFC 7616 §3.4.2).
                if *uses == 1 || !challenge.session {
                    *cnonce = clock::token(16).ok()?;
                }
                let proof = respond(challenge, &self.user, &self.password, method, target, body, cnonce, *uses);
                Some(proof.to_string())
            }
        }
    }

    /// A 401 came with these `WWW-Authenticate` values: whether another try may succeed.
    pub fn challenged(&mut self, values: &[&str]) -> bool {
        if self.user.is_empty() {
            return false;
        }
        let challenges = Challenge::parse(values.iter().copied()).unwrap_or_default();
        match (strongest(&challenges), &self.scheme) {
            // The same nonce again and not stale: the password is wrong.
            (Some(new), Scheme::Digest { challenge, .. }) if new.nonce == challenge.nonce && !new.stale => false,
            (Some(new), _) => {
                self.scheme = Scheme::Digest { challenge: new.clone(), uses: 0, cnonce: String::new() };
                true
            }
            (None, Scheme::Basic) => false,
            (None, _) => {
                let basic = asks_basic(values);
                if basic {
                    self.scheme = Scheme::Basic;
                }
                basic
            }
        }
    }
}

/// Whether a user and password could answer what a 401 asks for with these `WWW-Authenticate` values: by no other kind of
/// login than Digest and Basic.
pub fn is_known(values: &[&str]) -> bool {
    Challenge::parse(values.iter().copied()).is_ok() || asks_basic(values)
}

fn asks_basic(values: &[&str]) -> bool {
    let is_basic = |part: &str| part.trim_start().get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic"));
    values.iter().any(|value| value.split(',').any(is_basic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_digest::{Algorithm, Credentials, Ha1, verify};

    #[test]
    fn takes_the_strongest_digest_and_counts() {
        let mut login = Login::new("phone".into(), "secret".into());
        assert_eq!(login.header("POST", "/", b""), None);
        let md5 = Challenge::new(Algorithm::Md5, "acs", "n1").to_string();
        let sha = Challenge::new(Algorithm::Sha256, "acs", "n1").to_string();
        assert!(login.challenged(&["Basic realm=\"acs\"", &md5, &sha]));
        let ha1 = Ha1::new(Algorithm::Sha256, "phone", "acs", "secret");
        for count in 1..=2 {
            let proof = Credentials::parse(&login.header("POST", "/acs?x=1", b"").unwrap()).unwrap();
            assert_eq!(proof.count(), Some(count));
            assert_eq!(verify(&proof, &ha1, "POST", "/acs?x=1", b""), Ok(()));
        }
        // The same challenge again means the password is wrong; a new nonce may help.
        assert!(!login.challenged(&[&sha]));
        assert!(login.challenged(&[&Challenge::new(Algorithm::Md5, "acs", "n2").to_string()]));
    }

    #[test]
    fn a_session_is_answered_with_one_cnonce_throughout() {
        let mut login = Login::new("phone".into(), "secret".into());
        let iis = r#"Digest qop="auth",algorithm=MD5-sess,nonce="n1",charset=utf-8,realm="Digest""#;
        assert!(login.challenged(&["Negotiate", "NTLM", iis]));
        let mut proof = |target: &str| Credentials::parse(&login.header("GET", target, b"").unwrap()).unwrap();
        let (first, second) = (proof("/a"), proof("/b"));
        assert!(first.session && second.session);
        assert_eq!((first.cnonce, first.nc.as_deref()), (second.cnonce, Some("00000001")));
        assert_eq!(second.nc.as_deref(), Some("00000002"));
    }

    #[test]
    fn what_kind_of_login_is_asked_for() {
        for known in ["Basic realm=\"a\"", "Digest realm=\"a\", nonce=\"n\"", "NTLM, basic realm=\"x\""] {
            assert!(is_known(&[known]), "{known}");
        }
        for unknown in [
            &["Negotiate", "NTLM"][..],
            &["Bearer realm=\"basically\""],
            &[],
            &["Digest realm=\"a\", nonce=\"n\", algorithm=SHA3"],
        ] {
            assert!(!is_known(unknown), "{unknown:?}");
        }
    }

    #[test]
    fn basic_once_and_nothing_without_a_user() {
        let mut login = Login::new("phone".into(), "secret".into());
        assert!(login.challenged(&["Basic realm=\"acs\""]));
        assert_eq!(login.header("POST", "/", b"").as_deref(), Some("Basic cGhvbmU6c2VjcmV0"));
        assert!(!login.challenged(&["Basic realm=\"acs\""]));
        assert!(!Login::new(String::new(), String::new()).challenged(&["Basic realm=\"acs\""]));
    }
}
