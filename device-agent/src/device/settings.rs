//! What the phone has been told: reading it, and the two ways to change it.

use std::io;

use settings::Catalogue;

use super::{Device, EXTENSION_KEY, ROOM_KEY};
use crate::clock;
use crate::provision::plan;
use crate::store::{Change, Document, Effect, MqttAccess, intern};
use crate::tls::{Purpose, TlsOptions};

/// Whoever stands before the phone, in an access list.
pub(crate) const SUBSCRIBER: &str = "Subscriber";

impl Device {
    /// A setting's value: as set, else the factory's, else empty.
    pub fn value(&self, key: &str) -> String {
        if let Some(stored) = self.lock().store.value(key) {
            return stored.to_owned();
        }
        Catalogue::get().find(key).and_then(|found| found.setting.default.clone()).unwrap_or_default()
    }

    /// As set, or `None`.
    pub fn stored_value(&self, key: &str) -> Option<String> {
        self.lock().store.value(key).map(str::to_owned)
    }

    pub(crate) fn document<R>(&self, read: impl FnOnce(&Document) -> R) -> R {
        read(self.lock().store.document())
    }

    /// The version of the desired document last applied; 0 = none.
    pub fn applied_version(&self) -> i64 {
        self.document(|document| document.version)
    }

    pub fn effects(&self) -> Vec<Effect> {
        self.lock().store.effects()
    }

    /// What the ACS set, all or nothing. Blocking.
    pub(crate) fn set_from_acs(&self, changes: &[Change], also: impl FnOnce(&mut Document)) -> io::Result<Vec<Effect>> {
        let effects = {
            let mut inner = self.lock();
            let before = (inner.store.document().version, inner.store.document().mqtt.clone());
            let effects = inner.store.set(changes, clock::now(), |document| {
                also(document);
                // What the ACS sets is the ACS's from then on.
                changes.iter().for_each(|(key, _)| {
                    document.by_user.remove(key);
                });
            })?;
            let after = inner.store.document();
            let (new_version, has_broker) = (before.0 != after.version, !after.mqtt.username.is_empty());
            if !effects.is_empty() || before != (after.version, after.mqtt.clone()) {
                self.state_changed(&mut inner);
            }
            let names = [ROOM_KEY, EXTENSION_KEY].map(|key| inner.store.value(key).unwrap_or_default());
            self.claims.configured(names, new_version, has_broker);
            effects
        };
        self.wake_all();
        Ok(effects)
    }

    /// What a person set at the phone; the ACS is told. Blocking.
    ///
    /// # Errors
    /// What is wrong with the value, or with the disk.
    pub fn set_locally(&self, key: &str, value: &str) -> Result<(), String> {
        let canonical = settings::validate_for(self.identity.model, key, value).map_err(|error| error.to_string())?;
        {
            let _whose = self.one_at_a_time();
            let mut inner = self.lock();
            if !may_be_set_locally(inner.store.document(), key) {
                return Err(format!("{key}: the server does not let it be set at the phone"));
            }
            let key = intern(key);
            let theirs = inner.store.document().by_user.contains(&key);
            if theirs && inner.store.value(&key) == Some(canonical.as_str()) {
                return Ok(());
            }
            let change = (key.clone(), Some(canonical));
            let by_user = |document: &mut Document| {
                document.by_user.insert(key);
                document.user_changes = document.user_changes.wrapping_add(1);
            };
            inner.store.set(&[change], clock::now(), by_user).map_err(|error| error.to_string())?;
            self.state_changed(&mut inner);
        }
        self.wake_all();
        Ok(())
    }

    /// Changes what is not a setting. Blocking.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Document)) -> io::Result<()> {
        self.lock().store.update(change)
    }

    /// The ACS to talk to.
    pub fn acs_url(&self) -> String {
        let inner = self.lock();
        acs_url(inner.store.document(), &self.identity.acs_url)
    }

    /// What a TLS connection for this purpose must hold to, by the settings as they are now.
    pub fn tls_options(&self, purpose: Purpose) -> TlsOptions {
        TlsOptions::of_settings(purpose, |key| self.value(key), self.identity.authorities.as_ref())
    }

    /// Forgets every setting and credential; events and the boot counter stay. Blocking.
    pub(crate) fn forget_settings(&self) -> io::Result<()> {
        let mut inner = self.lock();
        let changes: Vec<Change> = inner.store.document().values.keys().map(|key| (key.clone(), None)).collect();
        inner.store.set(&changes, clock::now(), |document| {
            document.version = 0;
            document.parameter_key.clear();
            document.mqtt = MqttAccess::default();
            document.bootstrapped.clear();
            document.pnp = false;
            document.own.clear();
            document.by_user.clear();
            document.attributes.clear();
            document.told.clear();
            document.schedule.clear();
            document.transfers.clear();
            document.paging_rows = 0;
            document.call_path = "".into();
        })?;
        self.state_changed(&mut inner);
        Ok(())
    }
}

/// The access list of the setting's parameters (TR-069 A.3.2.4): without "Subscriber" in it, the ACS alone may write.
fn may_be_set_locally(document: &Document, key: &str) -> bool {
    let Some(found) = Catalogue::get().find(key) else { return false };
    let paths = std::iter::once(settings::vendor_path(&found.key())).chain(found.tr069_path());
    paths
        .filter_map(|path| document.attributes.get(path.as_str())?.access.as_ref())
        .all(|access| access.iter().any(|who| &**who == SUBSCRIBER))
}

/// The ACS a document names; the guide allows an address without scheme.
pub(crate) fn acs_url(document: &Document, factory: &str) -> String {
    let own = document.values.get("tr069.url").map(AsRef::as_ref).filter(|url| !url.is_empty());
    let url = plan::acs(document).or(own).unwrap_or(factory);
    if url.is_empty() || url.contains("://") { url.to_owned() } else { format!("http://{url}") }
}
