//! Trust profiles: which proofs a property takes of its phones, and from where they may call. Kept in memory, because
//! every Inform asks.

pub mod certificate;
mod change;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use auth_digest::{Algorithm, Ha1};
use contract::rest::{Enrolment, ProofKind};
use rustls::RootCertStore;
use sea_orm::EntityTrait;
use uuid::Uuid;

use super::enrol::REALM;
use super::{App, Result, views};
use crate::clock::now_ms;
use crate::db::entity::{phone, property, trust_profile};
use crate::network::Network;
use crate::tls;

pub use change::{default_of_all, of_property, remove, set, set_default};

/// A change by another process is followed within this time, one by this process at once.
const KEPT_MS: i64 = 5_000;

/// The context shared passwords are sealed with.
const SEALED: &str = "shared-acs-password";

/// A profile, ready to be asked.
pub struct Profile {
    pub proofs: Vec<ProofKind>,
    pub basic_without_tls: bool,
    pub require_tls: bool,
    /// The property's own authorities.
    client_ca: Option<Arc<RootCertStore>>,
    pub shared: Option<Shared>,
    first_contact: Vec<Network>,
}

/// Credentials several phones share.
pub struct Shared {
    pub user: String,
    /// Sealed; see [`Shared::password`].
    password: String,
    pub md5: Ha1,
    pub sha256: Ha1,
}

impl Shared {
    /// In clear, to answer a phone's challenge with.
    pub fn password(&self, app: &App) -> anyhow::Result<String> {
        app.secrets.open(SEALED, &self.password)
    }
}

impl Default for Profile {
    /// Everything that proves something; from everywhere; TLS where it is spoken.
    fn default() -> Self {
        Self {
            proofs: ProofKind::ALL.to_vec(),
            basic_without_tls: true,
            require_tls: false,
            client_ca: None,
            shared: None,
            first_contact: Vec::new(),
        }
    }
}

impl Profile {
    fn read(app: &App, row: &trust_profile::Model) -> anyhow::Result<Self> {
        let client_ca = match row.client_ca.is_empty() {
            true => None,
            false => {
                let mut roots = RootCertStore::empty();
                for certificate in tls::authorities(row.client_ca.as_bytes())? {
                    roots.add(certificate)?;
                }
                Some(Arc::new(roots))
            }
        };
        let shared = match row.shared_user.is_empty() {
            true => None,
            false => {
                let (user, password) = (row.shared_user.clone(), app.secrets.open(SEALED, &row.shared_password)?);
                Some(Shared {
                    md5: Ha1::new(Algorithm::Md5, &user, REALM, &password),
                    sha256: Ha1::new(Algorithm::Sha256, &user, REALM, &password),
                    user,
                    password: row.shared_password.clone(),
                })
            }
        };
        Ok(Self {
            proofs: words(&row.proofs).filter_map(|word| word.parse().ok()).collect(),
            basic_without_tls: row.basic_without_tls,
            require_tls: row.require_tls,
            client_ca,
            shared,
            first_contact: words(&row.first_contact).filter_map(|word| word.parse().ok()).collect(),
        })
    }

    pub fn takes(&self, proof: ProofKind) -> bool {
        self.proofs.contains(&proof)
    }

    /// Whether a phone without proof may call from `client`. With no network named, from anywhere.
    pub fn takes_first_contact(&self, client: &str) -> bool {
        let Ok(client) = client.parse::<IpAddr>() else { return self.first_contact.is_empty() };
        self.first_contact.is_empty() || self.first_contact.iter().any(|network| network.contains(client))
    }

    /// Who may sign the phones' certificates: the property's authorities, else those of the configuration.
    pub fn client_ca(&self, app: &App) -> Option<Arc<RootCertStore>> {
        self.client_ca.clone().or_else(|| app.tls.as_ref().map(|tls| tls.client_ca()))
    }
}

/// Profiles as they were a moment ago.
#[derive(Default)]
pub struct Profiles(RwLock<Option<Arc<Known>>>);

#[derive(Default)]
pub struct Known {
    read_at: i64,
    default: Arc<Profile>,
    by_property: HashMap<Uuid, Arc<Profile>>,
    codes: HashMap<String, Uuid>,
}

impl Known {
    /// What counts for a phone: its property's profile; for one that belongs to none and is not enrolled, that of the
    /// property whose address it called; the default else. Nobody who speaks for a known phone picks what is asked of it.
    pub fn of(&self, phone: &phone::Model, called: Option<Uuid>) -> &Profile {
        let called = called.filter(|_| views::enrolment(phone) != Enrolment::Enrolled);
        let property = phone.property_id.or(called);
        property.and_then(|property| self.by_property.get(&property)).unwrap_or(&self.default)
    }

    /// A property by its code.
    pub fn property(&self, code: &str) -> Option<Uuid> {
        self.codes.get(code).copied()
    }
}

impl Profiles {
    /// The profiles of now. Read them before a transaction: they come from a connection of their own.
    pub async fn now(&self, app: &App) -> Result<Arc<Known>> {
        let now = now_ms();
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = kept.filter(|known| (now - known.read_at).abs() < KEPT_MS) {
            return Ok(known);
        }
        let known = Arc::new(load(app, now).await?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        Ok(known)
    }

    /// They were changed.
    fn forget(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

async fn load(app: &App, now: i64) -> Result<Known> {
    let db = app.db.read();
    let mut known = Known { read_at: now, ..Known::default() };
    for row in trust_profile::Entity::find().all(db).await? {
        let profile = Profile::read(app, &row).unwrap_or_else(|error| {
            // What cannot be read takes nobody: it may have been stricter than the default.
            tracing::error!(profile = row.name, error = format!("{error:#}"), "a trust profile cannot be read");
            Profile { proofs: Vec::new(), ..Profile::default() }
        });
        let profile = Arc::new(profile);
        match row.id.is_nil() {
            true => known.default = profile,
            false => drop(known.by_property.insert(row.id, profile)),
        }
    }
    known.codes = property::Entity::find().all(db).await?.into_iter().map(|row| (row.code, row.id)).collect();
    Ok(known)
}

/// The words of a list as it is stored.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter(|word| !word.is_empty())
}
