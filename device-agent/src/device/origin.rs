//! Where values come from: set at the phone by a user, by a file the phone fetched, or by DHCP for as long as the lease says
//! so.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use contract::Timestamp;
use contract::mqtt::StateReport;
use settings::{Catalogue, Effect as WhenInForce};

use super::Device;
use crate::clock;
use crate::provision::Wish;
use crate::store::{Change, Document};
use crate::zone;

/// "User Protection".
pub(super) const PROTECT_KEY: &str = "provisioning.userprotect.enable";

/// What a file did.
#[derive(Debug, Default)]
pub(crate) struct Provisioned {
    /// Keys whose value is another one now.
    pub changed: Vec<Arc<str>>,
    /// Keys left as the user set them, though the file says otherwise.
    pub protected: Vec<Arc<str>>,
}

impl Device {
    /// What files say, all or nothing; what a user set stays where "User Protection" is on. The ACS is told. Blocking.
    ///
    /// # Errors
    /// The file system's; nothing is changed then.
    pub(crate) fn set_provisioned(&self, changes: &[Change]) -> io::Result<Provisioned> {
        let applied = {
            let _whose = self.one_at_a_time();
            let mut inner = self.lock();
            let document = inner.store.document();
            // The file itself may switch the protection on or off; what counts is how it stood before.
            let protects = document.values.get(PROTECT_KEY).is_some_and(|value| &**value == "yes");
            let differs = |(key, value): &Change| document.values.get(key).map(AsRef::as_ref) != value.as_deref();
            let kept = |change: &Change| protects && document.by_user.contains(&change.0);
            let (protected, taken): (Vec<_>, Vec<_>) = changes.iter().cloned().partition(kept);
            let protected = protected.into_iter().filter(differs).map(|(key, _)| key).collect();
            let effects = inner.store.set(&taken, clock::now(), |document| {
                taken.iter().for_each(|(key, _)| {
                    document.by_user.remove(key);
                });
            })?;
            let changed: Vec<Arc<str>> = effects.into_iter().map(|effect| effect.key).collect();
            if !changed.is_empty() {
                self.state_changed(&mut inner);
            }
            Provisioned { changed, protected }
        };
        if !applied.changed.is_empty() {
            self.wake_all();
        }
        Ok(applied)
    }

    /// What somebody uploaded, all or nothing; the number of settings that changed. Blocking.
    ///
    /// # Errors
    /// The file system's, in words.
    pub(crate) fn set_uploaded(&self, changes: &[Change], by_user: bool) -> Result<usize, String> {
        let mark = |document: &mut Document| {
            for (key, _) in changes {
                if by_user {
                    document.by_user.insert(key.clone());
                } else {
                    document.by_user.remove(key);
                }
            }
        };
        let counts =
            if by_user { u32::try_from(changes.len()).unwrap_or(StateReport::WHOLE) } else { StateReport::WHOLE };
        self.set_marking(changes, counts, mark).map_err(|error| error.to_string())
    }

    /// As [`Self::set_uploaded`], with all that a user has set from now on. Blocking.
    pub(crate) fn set_all(&self, changes: &[Change], by_user: BTreeSet<Arc<str>>) -> io::Result<usize> {
        self.set_marking(changes, StateReport::WHOLE, |document| document.by_user = by_user)
    }

    /// `counts`: as how many changes of a user it is told.
    fn set_marking(&self, changes: &[Change], counts: u32, mark: impl FnOnce(&mut Document)) -> io::Result<usize> {
        let effects = {
            let _whose = self.one_at_a_time();
            let mut inner = self.lock();
            let effects = inner.store.set(changes, clock::now(), |document| {
                mark(document);
                document.user_changes = document.user_changes.wrapping_add(counts);
            })?;
            self.state_changed(&mut inner);
            effects
        };
        if effects.iter().any(|effect| self.needs_restart(&effect.key)) {
            self.provision.want_restart(Wish::Asked);
        }
        self.wake_all();
        Ok(effects.len())
    }

    /// Keys whose values a user set at the phone.
    pub fn set_by_user(&self) -> Vec<Arc<str>> {
        self.document(|document| document.by_user.iter().cloned().collect())
    }

    /// Whether a change of this setting counts after a restart only.
    pub(crate) fn needs_restart(&self, key: &str) -> bool {
        Catalogue::get().find(key).is_some_and(|found| found.setting.effect == WhenInForce::Reboot)
    }

    /// What a lease says counts at once: its ACS, and its SIP servers where something in it `changed`. Blocking.
    pub(crate) fn lease_read(&self, acs: Option<&str>, changed: bool) {
        let acs = acs.unwrap_or_default();
        let other_acs = self.document(|document| *document.dhcp_acs != *acs);
        if other_acs && let Err(error) = self.update(|document| document.dhcp_acs = acs.into()) {
            tracing::error!(%error, "the ACS that DHCP names could not be stored");
        }
        if other_acs || changed {
            self.wake_all();
        }
    }

    /// A setting's value with what DHCP says in its place, where the settings let it.
    pub fn value_in_force(&self, key: &str) -> String {
        self.dhcp_value(key).unwrap_or_else(|| self.value(key))
    }

    fn dhcp_value(&self, key: &str) -> Option<String> {
        let lease = self.provision.lease();
        let allowed = |key: &str| self.value(key) == "yes";
        match key {
            "datetime.ntp.server.1" => {
                lease.ntp.first().filter(|_| allowed("datetime.override.dhcp.allowoption42")).cloned()
            }
            "datetime.ntp.server.2" => {
                lease.ntp.get(1).filter(|_| allowed("datetime.override.dhcp.allowoption42")).cloned()
            }
            _ => None,
        }
    }

    /// The time of day by the phone's time servers; without one, by the system's clock.
    pub fn now(&self) -> Timestamp {
        self.time.now().unwrap_or_else(clock::now)
    }

    /// Seconds the phone's own time is east of UTC now: DHCP's where the settings let it, else the time zone's.
    pub fn offset_s(&self) -> i32 {
        let allowed = self.value("datetime.override.dhcp.allowoption2") == "yes";
        if let Some(offset) = self.provision.lease().offset_s.filter(|_| allowed) {
            return offset;
        }
        let zone = match self.value("datetime.timezone").as_str() {
            "customize" => self.value("datetime.timezone.custom"),
            zone => zone.to_owned(),
        };
        zone::offset_s(&zone, self.now().millis() / 1000)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::device::Identity;
    use crate::provision::backup;
    use crate::store::{Storage, intern};

    fn device(dir: &Path) -> Arc<Device> {
        Device::open(Identity::of("c074ad120701"), Storage::Disk(dir.to_owned())).unwrap()
    }

    #[test]
    fn what_users_set_is_counted_setting_by_setting_and_over_restarts() {
        let dir = tempfile::tempdir().unwrap();
        let phone = device(dir.path());
        let count = |phone: &Device| phone.report(None).map(|(report, _)| report.user_changes);
        phone.set_locally("hotel.name", "Grand").unwrap();
        let package = backup::pack(&phone, "long enough").unwrap();
        let both = ["hotel.name", "hotel.fax"].map(|key| (intern(key), Some("1".to_owned())));
        phone.set_uploaded(&both, true).unwrap();
        assert_eq!(count(&phone), Some(3));
        // The same value as before is a user's from now on, and that is news; once.
        phone.set_from_acs(&[(intern("hotel.fax"), Some("1".into()))], |_| {}).unwrap();
        let (_, told) = phone.report(None).unwrap();
        phone.set_locally("hotel.fax", "1").unwrap();
        let (report, told) = phone.report(Some(told)).expect("it is told");
        assert_eq!((report.user_changes, report.set_by_user.len()), (4, 2));
        phone.set_locally("hotel.fax", "1").unwrap();
        assert!(phone.report(Some(told)).is_none(), "nothing is new");
        drop(phone);

        let phone = device(dir.path());
        assert_eq!(count(&phone), Some(4));
        phone.set_uploaded(&both[..1], false).unwrap();
        backup::restore(&phone, None, &package, "long enough").unwrap();
        assert_eq!(count(&phone), Some(4 + 2 * StateReport::WHOLE), "any of its settings may be another");
    }

    #[test]
    fn a_file_the_acs_has_it_fetch_is_the_acss_and_restarts_where_that_is_needed() {
        let dir = tempfile::tempdir().unwrap();
        let phone = device(dir.path());
        phone.set_locally("hotel.fax", "1").unwrap();
        phone.end_transfer(7, Ok(()), &[(intern("hotel.fax"), Some("2".into()))]).unwrap();
        assert!(phone.set_by_user().is_empty());
        assert_eq!(phone.provision().wants_restart(), None);
        let tag = "network.port.eth.1.vlan.tag";
        assert!(phone.needs_restart(tag));
        phone.end_transfer(8, Ok(()), &[(intern(tag), Some("5".into()))]).unwrap();
        assert!(phone.provision().wants_restart().is_some());
    }
}
