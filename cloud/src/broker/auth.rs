//! From our credentials to the broker's questions.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use mqtt5::broker::{AuthProvider, AuthResult};
use mqtt5::packet::connect::ConnectPacket;
use mqtt5::protocol::v5::reason_codes::ReasonCode;

use super::acl::{Identity, MAX_ID_BYTES};
use super::stats::{Counters, Refusal};
use crate::tls::Shown;

/// Longest user name and password that are looked at, in bytes.
const MAX_CREDENTIAL_BYTES: usize = 512;

/// What a client says about itself in CONNECT.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    /// At most 64 bytes, never empty.
    pub client_id: &'a str,
    /// At most 512 bytes.
    pub username: &'a str,
    /// At most 512 bytes; empty only with a certificate.
    pub password: &'a [u8],
    /// What the client showed over TLS. It holds the key; whether the certificate counts is up to [`DeviceAuth`].
    pub shown: Option<&'a Shown>,
    /// Where it comes from; behind a NAT, all phones of a hotel share it.
    pub peer: SocketAddr,
}

/// Names a client, against the database.
#[async_trait]
pub trait DeviceAuth: Send + Sync {
    /// `Ok(None)`: the credential is wrong (the client hears 0x86, "bad user name or password").
    /// The broker itself then checks that the identity may use this client id.
    ///
    /// # Errors
    /// Nobody can tell right now (the client hears 0x88, "server unavailable", and should come back later).
    async fn authenticate(&self, login: Login<'_>) -> anyhow::Result<Option<Identity>>;
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Adapts [`DeviceAuth`] and the access rules to the broker library.
#[derive(Clone)]
pub(super) struct Gate {
    auth: Arc<dyn DeviceAuth>,
    counters: Arc<Counters>,
    max_keep_alive: u16,
    /// The certificates of the one connection this gate is for.
    shown: Option<Shown>,
}

impl Gate {
    pub(super) fn new(auth: Arc<dyn DeviceAuth>, counters: Arc<Counters>, max_keep_alive: u16) -> Self {
        Self { auth, counters, max_keep_alive, shown: None }
    }

    /// The same for one connection over TLS.
    pub(super) fn showing(&self, shown: Option<Shown>) -> Self {
        Self { shown, ..self.clone() }
    }

    /// Who this is, or why not.
    async fn admit(&self, connect: &ConnectPacket, peer: SocketAddr) -> Result<Identity, (Refusal, ReasonCode)> {
        let client_id = connect.client_id.as_str();
        let username = connect.username.as_deref().unwrap_or_default();
        let password = connect.password.as_deref().unwrap_or_default();
        if client_id.is_empty() || client_id.len() > MAX_ID_BYTES {
            return Err((Refusal::ClientId, ReasonCode::ClientIdentifierNotValid));
        }
        let nothing_proved = password.is_empty() && self.shown.is_none();
        if nothing_proved || username.len() > MAX_CREDENTIAL_BYTES || password.len() > MAX_CREDENTIAL_BYTES {
            return Err((Refusal::Login, ReasonCode::BadUsernameOrPassword));
        }
        if connect.keep_alive == 0 || connect.keep_alive > self.max_keep_alive {
            return Err((Refusal::KeepAlive, ReasonCode::ImplementationSpecificError));
        }
        let identity = match self
            .auth
            .authenticate(Login { client_id, username, password, shown: self.shown.as_ref(), peer })
            .await
        {
            Ok(Some(identity)) => identity,
            Ok(None) => return Err((Refusal::Login, ReasonCode::BadUsernameOrPassword)),
            Err(error) => {
                tracing::warn!(%peer, client_id, %error, "MQTT login cannot be checked");
                return Err((Refusal::Unavailable, ReasonCode::ServerUnavailable));
            }
        };
        if !identity.owns_client_id(client_id) {
            return Err((Refusal::ClientId, ReasonCode::ClientIdentifierNotValid));
        }
        let will = connect.will.as_ref();
        if will
            .is_some_and(|will| !identity.may_publish(&will.topic) || will.retain && !identity.may_retain(&will.topic))
        {
            return Err((Refusal::Will, ReasonCode::NotAuthorized));
        }
        Ok(identity)
    }

    /// One answer for every question after the login; a connection without identity may nothing.
    fn allow(&self, user: Option<&str>, refusal: Refusal, rule: impl Fn(&Identity) -> bool) -> bool {
        let allowed = user.and_then(from_user_id).is_some_and(|identity| rule(&identity));
        if !allowed {
            self.counters.refused(refusal);
        }
        allowed
    }
}

impl AuthProvider for Gate {
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        client_addr: SocketAddr,
    ) -> Answer<'a, mqtt5::Result<AuthResult>> {
        Box::pin(async move {
            Ok(match self.admit(connect, client_addr).await {
                Ok(identity) => {
                    self.counters.login();
                    AuthResult::success_with_user(to_user_id(&identity))
                }
                Err((refusal, code)) => {
                    self.counters.refused(refusal);
                    tracing::info!(peer = %client_addr, client_id = %connect.client_id, ?refusal, "MQTT login refused");
                    AuthResult::fail(code)
                }
            })
        })
    }

    fn authorize_publish<'a>(&'a self, _client_id: &str, user_id: Option<&'a str>, topic: &'a str) -> Answer<'a, bool> {
        let allowed = self.allow(user_id, Refusal::Publish, |identity| identity.may_publish(topic));
        Box::pin(std::future::ready(allowed))
    }

    fn authorize_subscribe<'a>(
        &'a self,
        _client_id: &str,
        user_id: Option<&'a str>,
        topic_filter: &'a str,
    ) -> Answer<'a, bool> {
        let allowed = self.allow(user_id, Refusal::Subscribe, |identity| identity.may_subscribe(topic_filter));
        Box::pin(std::future::ready(allowed))
    }
}

const SERVICE: &str = "service";
const DEVICE: &str = "device/";

/// Whether whoever the library carries a message for may have it kept.
pub(super) fn may_retain(user: Option<&str>, topic: &str) -> bool {
    user.and_then(from_user_id).is_some_and(|identity| identity.may_retain(topic))
}

/// The identity as the library carries it with a session; a resumed session must have the same one.
fn to_user_id(identity: &Identity) -> String {
    match identity {
        Identity::Device(id) => format!("{DEVICE}{id}"),
        Identity::Service => SERVICE.to_owned(),
    }
}

fn from_user_id(user: &str) -> Option<Identity> {
    match user.strip_prefix(DEVICE) {
        Some(id) => Some(Identity::Device(id.to_owned())),
        None => (user == SERVICE).then_some(Identity::Service),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_ids_do_not_confuse_a_device_with_a_service() {
        for identity in [Identity::Service, Identity::Device("service".into()), Identity::Device("device".into())] {
            assert_eq!(from_user_id(&to_user_id(&identity)), Some(identity));
        }
        assert_eq!(from_user_id(""), None);
        assert_eq!(from_user_id("root"), None);
    }
}
