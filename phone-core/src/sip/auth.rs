//! Digest for requests we send (RFC 3261 §22, RFC 8760): which challenges are open, which were answered, and when to
//! stop. The arithmetic is `auth-digest`'s.

use auth_digest::{Algorithm, Challenge, Credentials, respond, strongest};

use super::message::{Message, Method, Name};
use crate::rng::Rng;
use crate::settings::AccountSettings;

/// Realms answered at the same time (a registrar and proxies before it).
const MOST_REALMS: usize = 4;
/// `stale=true` answered within a round.
const MOST_STALE: u8 = 3;

/// What to do after a 401 or 407.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send the request again; [`Authorizer::headers`] has the answer.
    Answer,
    /// The answer was refused.
    Refused,
    /// No challenge, or none with an algorithm and qop we know.
    Unsupported,
}

#[derive(Debug)]
struct Held {
    proxy: bool,
    challenge: Challenge,
    /// Uses of the nonce.
    count: u32,
    /// Ours, of the last use.
    cnonce: String,
    /// An answer to it was called for in this round.
    answered: bool,
    stale: u8,
}

/// The challenges of one registration, subscription or call. They are kept between rounds, so that a refresh needs no second
/// request as long as the nonce lives.
#[derive(Debug, Default)]
pub struct Authorizer {
    held: Vec<Held>,
}

impl Authorizer {
    /// A new round: answers may be refused once more.
    pub fn begin_round(&mut self) {
        for held in &mut self.held {
            held.answered = false;
            held.stale = 0;
        }
    }

    /// Drops every challenge.
    pub fn forget(&mut self) {
        self.held.clear();
    }

    /// Takes the challenges of a response with `status` 401 or 407. Of several, the strongest algorithm is answered.
    pub fn challenged(&mut self, message: &Message, status: u16) -> Verdict {
        let proxy = status == 407;
        let name = if proxy { Name::ProxyAuthenticate } else { Name::WwwAuthenticate };
        // Each value by itself: one broken challenge does not spoil the others.
        let challenges: Vec<Challenge> =
            message.headers(name).filter_map(|value| Challenge::parse([value]).ok()).flatten().collect();
        let Some(challenge) = strongest(&challenges).cloned() else {
            return Verdict::Unsupported;
        };
        let full = self.held.len() >= MOST_REALMS;
        let known = self.held.iter_mut().find(|h| h.proxy == proxy && h.challenge.realm == challenge.realm);
        match known {
            Some(held) if held.answered => {
                if !challenge.stale || held.stale >= MOST_STALE {
                    return Verdict::Refused;
                }
                held.stale += 1;
                (held.challenge, held.count) = (challenge, 0);
            }
            Some(held) => (held.challenge, held.count, held.answered) = (challenge, 0, true),
            None if full => return Verdict::Refused,
            None => {
                self.held.push(Held { proxy, challenge, count: 0, cnonce: String::new(), answered: true, stale: 0 })
            }
        }
        Verdict::Answer
    }

    /// The `Authorization` and `Proxy-Authorization` headers of the next request.
    pub fn headers(
        &mut self,
        account: &AccountSettings,
        method: &Method,
        uri: &str,
        body: &[u8],
        rng: &mut Rng,
    ) -> Vec<(Name, String)> {
        if self.held.is_empty() && account.add_auth_on_initial && *method == Method::Register {
            return vec![(Name::Authorization, empty_credentials(account, uri).to_string())];
        }
        let mut headers = Vec::with_capacity(self.held.len());
        for held in &mut self.held {
            held.count = held.count.saturating_add(1);
            // A session keeps its first one (RFC 7616 §3.4.2).
            if held.count == 1 || !held.challenge.session {
                held.cnonce = format!("{}{}", rng.token(), rng.token());
            }
            let credentials = respond(
                &held.challenge,
                account.auth_user(),
                account.password.expose(),
                method.as_str(),
                uri,
                body,
                &held.cnonce,
                held.count,
            );
            let name = if held.proxy { Name::ProxyAuthorization } else { Name::Authorization };
            headers.push((name, credentials.to_string()));
        }
        headers
    }
}

/// "Add Auth Header on Initial REGISTER": names the user before a challenge is known (3GPP TS 24.229 §5.1.1.2).
fn empty_credentials(account: &AccountSettings, uri: &str) -> Credentials {
    let host = uri.split_once(':').map_or(uri, |(_, host)| host);
    Credentials {
        username: account.auth_user().to_owned(),
        realm: host.split(':').next().unwrap_or(host).to_owned(),
        nonce: String::new(),
        uri: uri.to_owned(),
        response: String::new(),
        algorithm: Algorithm::Md5,
        session: false,
        opaque: None,
        qop: None,
        cnonce: None,
        nc: None,
    }
}
