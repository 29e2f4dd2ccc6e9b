//! What the phone has been told: reading it, and the two ways to change it.

use std::io;

use settings::Catalogue;

use super::Device;
use crate::clock;
use crate::store::{Change, Document, Effect, MqttAccess, intern};

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
            let effects = inner.store.set(changes, clock::now(), also)?;
            let after = inner.store.document();
            if effects.is_empty() && before == (after.version, after.mqtt.clone()) {
                return Ok(effects);
            }
            self.state_changed(&mut inner);
            effects
        };
        self.settings_wake.notify_one();
        self.mqtt_wake.notify_one();
        self.cwmp_wake.notify_one();
        Ok(effects)
    }

    /// What a person set at the phone; the ACS is told. Blocking.
    ///
    /// # Errors
    /// What is wrong with the value, or with the disk.
    pub fn set_locally(&self, key: &str, value: &str) -> Result<(), String> {
        let canonical = settings::validate_for(self.identity.model, key, value).map_err(|error| error.to_string())?;
        {
            let mut inner = self.lock();
            let change = (intern(key), Some(canonical));
            let effects = inner.store.set(&[change], clock::now(), |_| {}).map_err(|error| error.to_string())?;
            if effects.is_empty() {
                return Ok(());
            }
            inner.reasons.value_change = true;
            self.state_changed(&mut inner);
        }
        self.settings_wake.notify_one();
        self.mqtt_wake.notify_one();
        self.cwmp_wake.notify_one();
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

    /// Forgets every setting and credential; events and the boot counter stay. Blocking.
    pub(crate) fn forget_settings(&self) -> io::Result<()> {
        let mut inner = self.lock();
        let changes: Vec<Change> = inner.store.document().values.keys().map(|key| (key.clone(), None)).collect();
        inner.store.set(&changes, clock::now(), |document| {
            document.version = 0;
            document.parameter_key.clear();
            document.mqtt = MqttAccess::default();
            document.bootstrapped.clear();
        })?;
        self.state_changed(&mut inner);
        Ok(())
    }
}

/// The ACS a document names; the guide allows an address without scheme.
pub(crate) fn acs_url(document: &Document, factory: &str) -> String {
    let url = document.values.get("tr069.url").map_or(factory, AsRef::as_ref);
    let url = if url.is_empty() { factory } else { url };
    if url.is_empty() || url.contains("://") { url.to_owned() } else { format!("http://{url}") }
}
