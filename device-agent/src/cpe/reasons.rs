//! Why a session is due, and with which Inform events (TR-069 A.3.3.1).

use cwmp::{Event, EventCode};

use crate::device::acs_url;
use crate::store::Document;

/// Reasons pile up until a session delivers them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasons {
    pub boot: bool,
    pub periodic: bool,
    pub value_change: bool,
    pub connection_request: bool,
    /// The newest version the broker told us of; a reason while it is newer than the applied one.
    pub desired: i64,
    /// `desired` has been asked for in a session: asked again only when told again.
    pub desired_asked: bool,
    /// Events that survive restarts, with their command keys.
    pub pending: bool,
    /// A call of the ACS whose session failed.
    pub retry: bool,
}

impl Reasons {
    /// At start.
    pub fn booted(&mut self, document: &Document) {
        self.boot = true;
        self.pending = !document.pending.is_empty();
    }

    /// The broker says there is this version.
    pub fn told(&mut self, version: i64) {
        self.desired = self.desired.max(version);
        self.desired_asked = false;
    }

    /// Whether a session is due.
    pub fn due(&self, document: &Document) -> bool {
        self.boot
            || self.periodic
            || self.value_change
            || self.connection_request
            || self.pending
            || self.retry
            || self.newer(document)
    }

    /// Reasons that do not wait for a retry's turn (TR-069 §3.2.1.1 has the ACS's call start a session at once).
    pub fn urgent(&self, document: &Document) -> bool {
        self.connection_request || self.newer(document)
    }

    fn newer(&self, document: &Document) -> bool {
        !self.desired_asked && self.desired > document.version
    }

    /// The events of a session that starts now. What comes in while it runs is kept for the next; see [`Self::restore`].
    pub fn take(&mut self, document: &Document, factory_url: &str) -> Taken {
        let mut events = Vec::new();
        if document.bootstrapped != acs_url(document, factory_url) {
            events.push(Event::new(EventCode::BOOTSTRAP));
        }
        if self.boot {
            events.push(Event::new(EventCode::BOOT));
        }
        if self.periodic {
            events.push(Event::new(EventCode::PERIODIC));
        }
        if self.value_change {
            events.push(Event::new(EventCode::VALUE_CHANGE));
        }
        // "There is something for you" by MQTT is the ACS's call by another way.
        if self.connection_request || self.newer(document) || events.is_empty() && document.pending.is_empty() {
            events.push(Event::new(EventCode::CONNECTION_REQUEST));
        }
        for pending in &document.pending {
            events.push(Event::with_key(EventCode::new(pending.code.clone()), pending.command_key.clone()));
        }
        let kept = Self { desired: self.desired, desired_asked: true, ..Self::default() };
        Taken { reasons: std::mem::replace(self, kept), events }
    }

    /// The session failed before its events were delivered.
    pub fn restore(&mut self, taken: Self) {
        self.boot |= taken.boot;
        self.periodic |= taken.periodic;
        self.value_change |= taken.value_change;
        self.pending |= taken.pending;
        // Answering the ACS's call is still due, but no longer urgent.
        self.retry |= taken.retry || taken.connection_request || !taken.desired_asked && taken.desired > 0;
    }
}

/// What a session starts with.
#[derive(Clone, Debug)]
pub struct Taken {
    pub reasons: Reasons,
    pub events: Vec<Event>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(taken: &Taken) -> Vec<&str> {
        taken.events.iter().map(|event| event.code.as_str()).collect()
    }

    #[test]
    fn first_contact_then_boots_then_calls() {
        let mut document = Document::default();
        let mut reasons = Reasons::default();
        reasons.booted(&document);
        let taken = reasons.take(&document, "http://acs/");
        assert_eq!(codes(&taken), ["0 BOOTSTRAP", "1 BOOT"]);
        assert!(!reasons.due(&document));
        reasons.restore(taken.reasons);
        assert!(reasons.due(&document));
        assert_eq!(codes(&reasons.take(&document, "http://acs/")), ["0 BOOTSTRAP", "1 BOOT"]);

        document.bootstrapped = "http://acs/".into();
        reasons.connection_request = true;
        assert_eq!(codes(&reasons.take(&document, "http://acs/")), ["6 CONNECTION REQUEST"]);
        // Another ACS is a first contact.
        reasons.periodic = true;
        assert_eq!(codes(&reasons.take(&document, "http://other/")), ["0 BOOTSTRAP", "2 PERIODIC"]);
    }

    #[test]
    fn a_newer_version_is_asked_for_once_each_time_it_is_told() {
        let document = Document { version: 4, bootstrapped: "u".into(), ..Document::default() };
        let mut document = Document { bootstrapped: "http://u".into(), ..document };
        let mut reasons = Reasons::default();
        reasons.told(4);
        assert!(!reasons.due(&document));
        reasons.told(5);
        assert!(reasons.due(&document) && reasons.urgent(&document));
        assert_eq!(codes(&reasons.take(&document, "u")), ["6 CONNECTION REQUEST"]);
        assert!(!reasons.due(&document));
        reasons.told(5);
        assert!(reasons.due(&document));
        document.version = 5;
        assert!(!reasons.due(&document));
    }
}
