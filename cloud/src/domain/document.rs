//! The difference between what a phone should be and what it is.

use std::collections::BTreeMap;

use contract::rest::ValueState;

/// What a phone said it is: key → value.
pub type Reported = BTreeMap<String, String>;
/// What was last confirmed as set: key → fingerprint of the value. It stands in for secrets, which no phone reads back,
/// and tells a change that never arrived from one somebody undid.
pub type Applied = BTreeMap<String, String>;

/// A phone's own value that somebody chose to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub value: String,
    /// The fingerprint of the value it should have had then. Another wish ends the keeping.
    pub desired: String,
}

/// One value of a phone, held against all three documents.
pub struct Held<'a> {
    pub desired: &'a str,
    pub reported: Option<&'a str>,
    pub applied: Option<&'a str>,
    pub secret: bool,
    pub kept: Option<&'a Kept>,
    /// The phone protects what its user set.
    pub protected: bool,
    /// The phone says that its user set it, whether or not it says to what.
    pub by_user: bool,
}

impl Held<'_> {
    /// `fingerprint` stands for `desired`.
    pub fn state(&self, fingerprint: &str) -> ValueState {
        let confirmed = self.applied == Some(fingerprint);
        // Of a secret nobody knows the value that was kept.
        let same = |kept: &Kept| self.secret || self.reported == Some(kept.value.as_str());
        let kept = self.kept.is_some_and(|kept| kept.desired == fingerprint && same(kept));
        let own = match (kept, self.protected) {
            (true, _) => ValueState::Kept,
            (false, true) => ValueState::Protected,
            (false, false) => ValueState::Drift,
        };
        match self.reported.filter(|_| !self.secret) {
            // Nobody confirmed it: a person wants it written, so that it is ours again.
            Some(reported) if reported == self.desired && self.by_user && !confirmed => ValueState::Pending,
            Some(reported) if reported == self.desired => ValueState::InSync,
            Some(_) if kept || confirmed => own,
            Some(_) => ValueState::Pending,
            None if self.by_user && (kept || confirmed) => own,
            None if !self.secret => ValueState::NotReported,
            None if confirmed => ValueState::InSync,
            None => ValueState::Pending,
        }
    }
}

/// Whether a phone is left as it is in this state.
pub fn is_left(state: ValueState) -> bool {
    matches!(state, ValueState::InSync | ValueState::Kept | ValueState::Protected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held<'a>(reported: Option<&'a str>, applied: Option<&'a str>) -> Held<'a> {
        Held { desired: "1207", reported, applied, secret: false, kept: None, protected: false, by_user: false }
    }

    #[test]
    fn a_value_is_pending_until_reported_and_drift_after_somebody_changed_it() {
        let state = |reported, applied, secret| Held { secret, ..held(reported, applied) }.state("fp");
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
    fn a_value_is_kept_while_it_stays_and_nobody_wants_another() {
        let kept = Kept { value: "666".into(), desired: "fp".into() };
        let state = |reported, fingerprint: &str| {
            Held { kept: Some(&kept), ..held(Some(reported), Some("fp")) }.state(fingerprint)
        };
        assert_eq!(state("666", "fp"), ValueState::Kept);
        assert_eq!(state("667", "fp"), ValueState::Drift);
        assert_eq!(state("666", "another"), ValueState::Pending);
        assert_eq!(state("1207", "fp"), ValueState::InSync);
    }

    #[test]
    fn what_a_user_set_is_the_phones_own_before_it_says_what_it_is() {
        let kept = Kept { value: String::new(), desired: "fp".into() };
        let state = |secret, protected, kept, applied| {
            Held { secret, protected, kept, by_user: true, ..held(None, applied) }.state("fp")
        };
        for secret in [false, true] {
            assert_eq!(state(secret, false, None, Some("fp")), ValueState::Drift, "secret: {secret}");
            assert_eq!(state(secret, true, None, Some("fp")), ValueState::Protected, "secret: {secret}");
        }
        assert_eq!(state(true, true, Some(&kept), Some("fp")), ValueState::Kept);
        assert_eq!(state(false, true, Some(&kept), Some("fp")), ValueState::Protected, "what is kept is not known");
        // Ours is on its way.
        assert_eq!(state(true, true, None, None), ValueState::Pending);
        assert_eq!(state(false, true, None, None), ValueState::NotReported);
        let same = |applied| Held { by_user: true, ..held(Some("1207"), applied) }.state("fp");
        assert_eq!(same(Some("fp")), ValueState::InSync);
        assert_eq!(same(None), ValueState::Pending, "it is to be ours again");
    }

    #[test]
    fn what_a_user_set_on_a_phone_that_protects_it_is_left_but_a_new_value_is_not() {
        let state = |applied| Held { protected: true, ..held(Some("666"), applied) }.state("fp");
        assert_eq!(state(Some("fp")), ValueState::Protected);
        assert_eq!(state(Some("older")), ValueState::Pending);
        assert!(is_left(ValueState::Protected) && is_left(ValueState::Kept) && !is_left(ValueState::Drift));
    }
}
