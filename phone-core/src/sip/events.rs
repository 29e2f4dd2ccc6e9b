//! What NOTIFY tells: messages that wait (RFC 3842) and the account's registrations (RFC 3680).

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde::Serialize;

/// Largest body read, bytes.
const MOST: usize = 16_384;
/// Elements read of a reginfo document.
const MOST_ELEMENTS: usize = 512;

/// Messages that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MessagesWaiting {
    /// The lamp is on.
    pub waiting: bool,
    /// New voice messages.
    pub new: u32,
    /// Voice messages that were listened to.
    pub old: u32,
    /// Of the new ones, urgent.
    pub urgent: u32,
}

/// Reads `application/simple-message-summary`. `None` if it says nothing of messages.
pub fn message_summary(body: &[u8]) -> Option<MessagesWaiting> {
    let text = std::str::from_utf8(body.get(..body.len().min(MOST))?).ok()?;
    let mut summary = MessagesWaiting::default();
    let mut told = false;
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        if name.trim().eq_ignore_ascii_case("Messages-Waiting") {
            (told, summary.waiting) = (true, value.eq_ignore_ascii_case("yes"));
        } else if name.trim().eq_ignore_ascii_case("Voice-Message") {
            // `new/old (urgent-new/urgent-old)`
            let mut numbers = value.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok());
            let mut next = || numbers.next().unwrap_or_default();
            (summary.new, summary.old, summary.urgent) = (next(), next(), next());
        }
    }
    told.then_some(summary)
}

/// Whether a `reginfo` document says that the registrar holds no binding of ours any more: every contact it names that is at
/// `contact` has been terminated by the server, and there is one; or the whole registration has, and no contact is left to be
/// named.
pub fn registration_lost(body: &[u8], contact: &str) -> bool {
    let Ok(text) = std::str::from_utf8(body.get(..body.len().min(MOST)).unwrap_or_default()) else { return false };
    let mut reader = Reader::from_str(text);
    let (mut terminated, mut uri, mut in_uri) = (None, String::new(), false);
    let (mut lost, mut held) = (false, false);
    let (mut full, mut ended, mut contacts) = (false, false, false);
    for _ in 0..MOST_ELEMENTS {
        let value = |element: &BytesStart<'_>, name: &str| {
            let found = element.attributes().flatten().find(|one| one.key.as_ref() == name);
            found.map(|one| one.value.into_owned()).unwrap_or_default()
        };
        match reader.read_event() {
            Ok(Event::Empty(element)) if element.local_name().as_ref() == "registration" => {
                ended |= value(&element, "state") == "terminated";
            }
            Ok(Event::Start(element)) => match element.local_name().as_ref() {
                "reginfo" => full = value(&element, "state") == "full",
                "registration" => ended |= value(&element, "state") == "terminated",
                "contact" => {
                    contacts = true;
                    // Our own farewell is no news.
                    let taken = matches!(
                        value(&element, "event").as_str(),
                        "deactivated" | "rejected" | "expired" | "probation"
                    );
                    terminated = Some(value(&element, "state") == "terminated" && taken);
                    uri.clear();
                }
                "uri" => in_uri = true,
                _ => {}
            },
            Ok(Event::Text(text)) if in_uri => uri.push_str(&text.into_inner()),
            Ok(Event::End(element)) => match element.local_name().as_ref() {
                "uri" => in_uri = false,
                "contact" if uri.split(';').next().is_some_and(|uri| uri.trim() == contact) => match terminated {
                    Some(true) => lost = true,
                    _ => held = true,
                },
                _ => {}
            },
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    (lost && !held) || (full && ended && !contacts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted() {
        let body = b"Messages-Waiting: yes\r\nMessage-Account: sip:100@pbx\r\nVoice-Message: 2/8 (1/2)\r\n";
        let told = MessagesWaiting { waiting: true, new: 2, old: 8, urgent: 1 };
        assert_eq!(message_summary(body), Some(told));
        assert_eq!(message_summary(b"Messages-Waiting: no\n"), Some(MessagesWaiting::default()));
        for broken in [&b""[..], b"Voice-Message: 1/1", b"\xff\xfe", b"Messages-Waiting"] {
            assert_eq!(message_summary(broken), None);
        }
    }

    #[test]
    fn a_registrar_that_dropped_us_is_noticed() {
        let info = |state: &str, event: &str| {
            format!(
                "<?xml version=\"1.0\"?><reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"1\" state=\"full\">\
                 <registration aor=\"sip:100@pbx\" id=\"a\" state=\"active\"><contact id=\"1\" state=\"{state}\" event=\"{event}\">\
                 <uri>sip:100@10.0.0.5:5060</uri></contact></registration></reginfo>"
            )
        };
        let lost = |state: &str, event: &str| registration_lost(info(state, event).as_bytes(), "sip:100@10.0.0.5:5060");
        assert!(lost("terminated", "deactivated") && lost("terminated", "rejected"));
        assert!(!lost("active", "registered") && !lost("terminated", "unregistered"));
        assert!(!registration_lost(info("terminated", "expired").as_bytes(), "sip:100@10.0.0.6"));
        let empty = |state: &str| {
            let text = format!(
                "<reginfo state=\"{state}\"><registration aor=\"sip:100@pbx\" state=\"terminated\"/></reginfo>"
            );
            registration_lost(text.as_bytes(), "sip:100@10.0.0.5:5060")
        };
        assert!(empty("full") && !empty("partial"), "Kamailio names no contact that ran out");
        assert!(!registration_lost(b"<contact state=\"terminated\"><uri>", "sip:"));
        assert!(!registration_lost(&b"<a>".repeat(100_000), "sip:"));
    }
}
