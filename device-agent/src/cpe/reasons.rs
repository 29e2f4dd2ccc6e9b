//! Why a session is due beside the events that wait in the document ([`cwmp::EventQueue`]), and what it starts with.

use cwmp::{Event, EventCode, EventQueue};

use crate::device::acs_url;
use crate::store::Document;

/// What does not survive a restart: a restart is a reason of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasons {
    /// The ACS calls: by HTTP, by UDP, or by a SIP NOTIFY.
    pub connection_request: bool,
    /// The newest version the broker told us of; a reason while it is newer than the applied one.
    pub desired: i64,
    /// `desired` has been asked for in a session: asked again only when told again.
    pub desired_asked: bool,
    /// A session that failed after its events were delivered, or one the ACS had called for.
    pub retry: bool,
}

impl Reasons {
    /// The broker says there is this version.
    pub fn told(&mut self, version: i64) {
        self.desired = self.desired.max(version);
        self.desired_asked = false;
    }

    /// Whether a session is due.
    pub fn due(&self, document: &Document) -> bool {
        !document.events.is_empty() || self.retry || self.urgent(document)
    }

    /// Reasons that do not wait for a retry's turn (TR-069 §3.2.1.1 has the ACS's call start a session at once).
    pub fn urgent(&self, document: &Document) -> bool {
        self.connection_request || self.newer(document)
    }

    fn newer(&self, document: &Document) -> bool {
        !self.desired_asked && self.desired > document.version
    }

    /// The events of a session that starts now, and whether the ACS called for it. What comes in while it runs is kept
    /// for the next.
    pub fn take(&mut self, document: &mut Document, factory_url: &str, changed: bool) -> (Vec<Event>, bool) {
        let called = self.urgent(document);
        if document.bootstrapped != acs_url(document, factory_url) && !document.events.contains(&EventCode::BOOTSTRAP) {
            document.events.push(Event::new(EventCode::BOOTSTRAP));
        }
        if changed {
            document.events.push(Event::new(EventCode::VALUE_CHANGE));
        }
        // "There is something for you" by MQTT is the ACS's call by another way.
        if called || document.events.is_empty() {
            document.events.push(Event::new(EventCode::CONNECTION_REQUEST));
        }
        *self = Self { desired: self.desired, desired_asked: true, ..Self::default() };
        (document.events.take(EventQueue::MAX_IN_INFORM), called)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes((events, _): (Vec<Event>, bool)) -> Vec<String> {
        events.iter().map(|event| event.code.as_str().to_owned()).collect()
    }

    #[test]
    fn first_contact_and_another_acs() {
        let (mut document, mut reasons) = (Document::default(), Reasons::default());
        document.events.push(Event::new(EventCode::BOOTSTRAP));
        document.events.push(Event::new(EventCode::BOOT));
        assert!(reasons.due(&document));
        assert_eq!(codes(reasons.take(&mut document, "http://acs/", false)), ["0 BOOTSTRAP", "1 BOOT"]);

        let mut document = Document { bootstrapped: "http://acs/".into(), ..Document::default() };
        assert!(!reasons.due(&document));
        reasons.connection_request = true;
        assert!(reasons.due(&document) && reasons.urgent(&document));
        assert_eq!(codes(reasons.take(&mut document, "http://acs/", true)), ["4 VALUE CHANGE", "6 CONNECTION REQUEST"]);
        // Another ACS is a first contact, and has no business with what was meant for the one before.
        document.events.push(Event::new(EventCode::PERIODIC));
        assert_eq!(codes(reasons.take(&mut document, "http://other/", false)), ["0 BOOTSTRAP"]);
    }

    #[test]
    fn a_newer_version_is_asked_for_once_each_time_it_is_told() {
        let mut document = Document { version: 4, bootstrapped: "http://u".into(), ..Document::default() };
        let mut reasons = Reasons::default();
        reasons.told(4);
        assert!(!reasons.due(&document));
        reasons.told(5);
        assert!(reasons.due(&document) && reasons.urgent(&document));
        assert_eq!(codes(reasons.take(&mut document, "u", false)), ["6 CONNECTION REQUEST"]);
        document.events = EventQueue::default();
        assert!(!reasons.due(&document));
        reasons.told(5);
        assert!(reasons.due(&document));
        document.version = 5;
        assert!(!reasons.due(&document));
    }
}
