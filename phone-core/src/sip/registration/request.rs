//! The REGISTER request (RFC 3261 §10.2).

use std::net::SocketAddr;

use super::{Purpose, RESOLVE_WAIT, Registration};
use crate::settings::UnregisterOnReboot;
use crate::sip::identity::ALLOW;
use crate::sip::line::Line;
use crate::sip::message::{Method, Name, NameAddr, Uri};
use crate::sip::outgoing::Outgoing;
use crate::time::Instant;

impl Registration {
    /// Registration life asked for, seconds.
    pub(super) fn expires(&self, line: &Line) -> u32 {
        (line.settings.expires_min.clamp(1, 64_800) * 60).max(self.min_expires)
    }

    /// The Contact values and Expires of a request for `purpose`.
    fn contacts(
        &self,
        line: &Line,
        purpose: &Purpose,
        own: SocketAddr,
        obsolete: Option<SocketAddr>,
    ) -> (Vec<String>, u32) {
        let mut contact = line.contact_at(own);
        if line.settings.instance_id {
            contact.params.set("+sip.instance", Some(&line.identity.instance));
        }
        let all = line.settings.unregister_on_reboot == UnregisterOnReboot::All;
        match purpose {
            Purpose::Register => {
                let mut contacts = vec![contact.to_string()];
                if let Some(obsolete) = obsolete {
                    contacts.push(format!("{};expires=0", line.contact_at(obsolete)));
                }
                (contacts, self.expires(line))
            }
            Purpose::Clear | Purpose::Goodbye(_) if all => (vec!["*".to_owned()], 0),
            Purpose::Clear | Purpose::Goodbye(_) => {
                // What is bound is removed, wherever we are now.
                let bound = self.binding.as_ref().map_or(own, |binding| binding.contact);
                contact.uri = line.contact_at(bound).uri;
                (vec![contact.to_string()], 0)
            }
        }
    }

    /// Sends the next request of the current round, the way registrations go. While none is known the round waits.
    pub(super) fn send(&mut self, now: Instant, line: &mut Line) {
        let Some(own) = line.contact_address().filter(|_| line.is_ready()) else {
            // Not on the network yet: the round begins again with the first address (`moved`).
            self.halt(line);
            return;
        };
        let Some(round) = &mut self.round else { return };
        let Some(way) = line.locator.registering().cloned() else {
            round.looking_up.get_or_insert(now + RESOLVE_WAIT);
            return;
        };
        round.looking_up = None;
        round.contact = Some(own);
        round.way = Some(way.clone());
        let (purpose, obsolete) = (round.purpose.clone(), round.obsolete);
        let (contacts, expires) = self.contacts(line, &purpose, own, obsolete);

        let host = crate::sip::message::HostPort { host: way.registrar.host.clone(), port: None };
        let mut from = NameAddr::new(line.scheme(Uri::sip(Some(&line.settings.user), host)));
        let to = from.to_string();
        from.display = Some(line.settings.display_name.clone()).filter(|name| !name.is_empty());
        from.params.set("tag", Some(&self.from_tag));
        self.cseq = (self.cseq + 1) & 0x7fff_ffff;
        let uri = line.scheme(Uri::sip(None, way.registrar.clone()));
        let mut request = Outgoing::new(Method::Register, uri, from.to_string(), to, self.call_id.clone(), self.cseq);
        request.route = line.register_route(&way);
        for contact in &contacts {
            request.push(Name::Contact, contact);
        }
        request.push(Name::Expires, expires);
        let supported = if line.settings.instance_id { "path, gruu" } else { "path" };
        request.push(Name::Supported, supported);
        request.push(Name::Allow, ALLOW);
        line.sign(&mut request);
        line.authorize(&mut self.auth, &mut request);
        self.request = match purpose {
            // A registrar that is gone must not hold new settings or the power switch up for 32 s.
            Purpose::Goodbye(_) => {
                let patience = line.settings.timers(false).t1 * 8;
                line.send_in_a_hurry(now, request, way, patience)
            }
            _ => line.send_way(now, request, way),
        };
        if self.request.is_none() {
            self.fail(now, line, 0, "too much is under way".to_owned(), None);
        }
    }
}
