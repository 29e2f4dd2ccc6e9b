//! The difference between what a phone should be and what it is.

use std::collections::BTreeMap;

use super::layers::{Desired, Effective};
use contract::rest::{Layer, ValueState};

/// What a phone said it is: key → value.
pub type Reported = BTreeMap<String, String>;
/// What was last confirmed as set: key → fingerprint of the value. It stands in for secrets, which no phone reads back,
/// and tells a change that never arrived from one somebody undid.
pub type Applied = BTreeMap<String, String>;

/// One value of a phone, held against all three documents.
pub struct Held<'a> {
    pub desired: &'a str,
    pub reported: Option<&'a str>,
    pub applied: Option<&'a str>,
    pub secret: bool,
}

impl Held<'_> {
    /// `fingerprint` stands for `desired`.
    pub fn state(&self, fingerprint: &str) -> ValueState {
        let confirmed = self.applied == Some(fingerprint);
        if self.secret {
            return if confirmed { ValueState::InSync } else { ValueState::Pending };
        }
        match self.reported {
            Some(reported) if reported == self.desired => ValueState::InSync,
            Some(_) if confirmed => ValueState::Drift,
            Some(_) => ValueState::Pending,
            None => ValueState::NotReported,
        }
    }
}

/// Keeps keys that were managed before and are no longer set by any layer: they go back to the catalogue's default, so
/// that a phone taken out of a room keeps nothing of it.
pub fn keep_managed(new: &mut Desired, old: &Desired, default: impl Fn(&str) -> String) {
    for key in old.keys() {
        if !new.contains_key(key) {
            let value = default(key);
            new.insert(key.clone(), Effective { value, layer: Layer::ModelDefault, locked: false });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_pending_until_reported_and_drift_after_somebody_changed_it() {
        let state = |reported, applied, secret| Held { desired: "1207", reported, applied, secret }.state("fp");
        assert_eq!(state(None, None, false), ValueState::NotReported);
        assert_eq!(state(Some("101"), None, false), ValueState::Pending);
        assert_eq!(state(Some("1207"), None, false), ValueState::InSync);
        assert_eq!(state(Some("666"), Some("fp"), false), ValueState::Drift);
        assert_eq!(state(Some("666"), Some("older"), false), ValueState::Pending);
        // A secret is never read back: only our own confirmation counts.
        assert_eq!(state(Some(""), None, true), ValueState::Pending);
        assert_eq!(state(Some(""), Some("fp"), true), ValueState::InSync);
    }

    #[test]
    fn what_was_managed_goes_back_to_its_default() {
        let value = |text: &str| Effective { value: text.into(), layer: Layer::Room, locked: false };
        let old = Desired::from([("hotel.room.number".into(), value("1207")), ("hotel.name".into(), value("A"))]);
        let mut new = Desired::from([("hotel.name".into(), value("B"))]);
        keep_managed(&mut new, &old, |_| String::new());
        assert_eq!(new["hotel.room.number"].value, "");
        assert_eq!(new["hotel.room.number"].layer, Layer::ModelDefault);
        assert_eq!(new["hotel.name"].value, "B");
    }
}
