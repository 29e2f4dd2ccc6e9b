//! How long a binding lives, and when to refresh it (RFC 3261 §10.2.1.1, §10.2.4).

use std::net::SocketAddr;
use std::time::Duration;

use crate::rng::Rng;
use crate::sip::message::delta_seconds;
use crate::sip::message::{Contact, Host, Message, NameAddr};

/// 64,800 minutes, the longest life the phone asks for or accepts, seconds.
pub(super) const MOST_EXPIRES: u32 = 64_800 * 60;

/// The life granted to our binding, seconds: the `expires` of our Contact in the response, else its Expires header,
/// else what was asked for. 0 if the registrar kept nothing.
pub(super) fn granted(message: &Message, ours: SocketAddr, instance: &str, asked: u32) -> u32 {
    let contacts: Vec<NameAddr> = message
        .contacts()
        .filter_map(|contact| match contact {
            Ok(Contact::Addr(addr)) => Some(addr),
            Ok(Contact::Star) | Err(_) => None,
        })
        .collect();
    let same_address = |contact: &&NameAddr| {
        let host = contact.uri.address.as_ref().map(|address| &address.host);
        host == Some(&Host::Address(ours.ip())) && contact.uri.port() == ours.port()
    };
    let same_instance =
        |contact: &&NameAddr| contact.params.value("+sip.instance").is_some_and(|i| i.eq_ignore_ascii_case(instance));
    // A registrar behind a rewriting proxy may list us under another address; a single binding is then ours.
    let own = contacts
        .iter()
        .find(same_address)
        .or_else(|| contacts.iter().find(same_instance))
        .or_else(|| contacts.first().filter(|_| contacts.len() == 1));
    let expires = own.and_then(|contact| contact.params.value("expires")).and_then(delta_seconds);
    expires.or_else(|| message.expires()).unwrap_or(asked).min(MOST_EXPIRES)
}

/// Our own Contact in a response, by the instance id.
pub(super) fn own_contact(message: &Message, instance: &str) -> Option<NameAddr> {
    message.contacts().filter_map(Result::ok).find_map(|contact| match contact {
        Contact::Addr(addr) if addr.params.value("+sip.instance").is_some_and(|i| i.eq_ignore_ascii_case(instance)) => {
            Some(addr)
        }
        _ => None,
    })
}

/// How long after the answer to refresh a binding of `life`: `before_s` seconds before it ends if that is set; else at
/// 90 % of it, up to a tenth of that earlier so that a fleet spreads. Never later than 90 % or 5 s before the end,
/// never earlier than half of it.
pub(super) fn refresh_after(life: Duration, before_s: u32, rng: &mut Rng) -> Duration {
    let latest = (life * 9 / 10).min(life.saturating_sub(Duration::from_secs(5)));
    let wanted = match before_s {
        0 => latest - rng.up_to(latest / 10),
        before => life.saturating_sub(Duration::from_secs(u64::from(before))),
    };
    wanted.min(latest).max(life / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(life: u64, before: u32) -> u64 {
        refresh_after(Duration::from_secs(life), before, &mut Rng::new(1, 1)).as_secs()
    }

    #[test]
    fn refresh_comes_early_enough_and_not_too_early() {
        assert_eq!(seconds(3600, 600), 3000);
        assert_eq!(seconds(3600, 60), 3240, "at worst at 90 %");
        assert_eq!(seconds(30, 1), 25, "at worst 5 s before");
        assert_eq!(seconds(3600, 3600), 1800, "not earlier than half");
        assert_eq!(seconds(3600, 64_800), 1800);
        assert!((2916..=3240).contains(&seconds(3600, 0)));
        assert_eq!(seconds(4, 0), 2);
        assert!(refresh_after(Duration::from_secs(1), 0, &mut Rng::new(1, 1)) >= Duration::from_millis(500));
    }

    fn granted_of(headers: &str) -> u32 {
        let text = format!("SIP/2.0 200 OK\r\n{headers}\r\n");
        let message = Message::parse_datagram(text.as_bytes()).unwrap();
        granted(&message, "10.0.0.1:5060".parse().unwrap(), "<urn:uuid:1>", 3600)
    }

    #[test]
    fn the_life_is_that_of_our_own_contact() {
        assert_eq!(
            granted_of("Contact: <sip:a@9.9.9.9>;expires=9, <sip:a@10.0.0.1:5060>;expires=120\r\nExpires: 7"),
            120
        );
        assert_eq!(granted_of("Contact: <sip:a@10.0.0.1>\r\nExpires: 77\r\n"), 77);
        assert_eq!(
            granted_of(
                "m: <sip:a@8.8.8.8>;expires=5\r\nm: <sip:a@9.9.9.9>;+sip.instance=\"<urn:uuid:1>\";expires=6\r\n"
            ),
            6
        );
        assert_eq!(granted_of("Contact: <sip:a@pbx>;expires=55\r\n"), 55);
        assert_eq!(granted_of(""), 3600);
        assert_eq!(granted_of("Contact: <sip:a@10.0.0.1>;expires=99999999999\r\n"), MOST_EXPIRES);
    }
}
