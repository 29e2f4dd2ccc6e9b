//! The REGISTER request (RFC 3261 §10.2) and where it goes.

use std::net::SocketAddr;
use std::str::FromStr;

use super::{Purpose, Registration};
use crate::settings::{OutboundProxyMode, UnregisterOnReboot};
use crate::sip::message::{Host, HostPort, Message, Method, Name, NameAddr, RequestBuilder, Uri, Via};
use crate::sip::transaction::{BRANCH_COOKIE, ClientTransaction, Timers};
use crate::time::Instant;

/// What every request says about the phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    user_agent: String,
    /// `<urn:uuid:…>`, the value of `+sip.instance`.
    pub(super) instance: String,
}

impl Identity {
    /// `mac` makes the instance id: it stays the same over reboots and firmware (RFC 5626 §4.1).
    pub fn new(model: &str, version: &str, mac: [u8; 6]) -> Self {
        Self {
            user_agent: format!("Bellhop {model} {version}"),
            instance: format!("<urn:uuid:00000000-0000-1000-8000-{}>", hex::encode(mac)),
        }
    }

    /// `Bellhop <model> <version>`
    pub fn user_agent(&self) -> &str {
        &self.user_agent
    }
}

/// Reads `host[:port]`; a `sip:` before it and parameters behind it are tolerated.
fn host_port(text: &str) -> Option<HostPort> {
    let text = text.trim();
    let bare = text.get(..4).filter(|s| s.eq_ignore_ascii_case("sip:")).and_then(|_| text.get(4..)).unwrap_or(text);
    HostPort::from_str(bare.split(';').next()?).ok()
}

impl Registration {
    /// The next hop: the outbound proxy if there is one, else the server.
    pub(super) fn hop(&self) -> Option<HostPort> {
        let server = host_port(&self.settings.server)?;
        if self.settings.outbound_proxy.trim().is_empty() {
            Some(server)
        } else {
            host_port(&self.settings.outbound_proxy)
        }
    }

    pub(super) fn hop_is_literal(&self) -> bool {
        self.hop().is_some_and(|hop| matches!(hop.host, Host::Address(_)))
    }

    /// The address to be reached at: as the other side sees it, else our own.
    pub(super) fn contact_address(&self) -> Option<SocketAddr> {
        self.learned.or_else(|| Some(SocketAddr::new(self.local?, self.local_port)))
    }

    /// RFC 3581: where the response says our request came from.
    pub(super) fn learn(&mut self, message: &Message) {
        let (Ok(via), Some(local), true) = (message.top_via(), self.local, self.settings.rport) else {
            return;
        };
        if via.rport().is_none() && via.received().is_none() {
            return;
        }
        let seen = SocketAddr::new(via.received().unwrap_or(local), via.rport().unwrap_or(self.local_port));
        let ours = SocketAddr::new(local, self.local_port);
        self.learned = Some(seen).filter(|seen| *seen != ours && !seen.ip().is_unspecified());
    }

    /// Registration life asked for, seconds.
    pub(super) fn expires(&self) -> u32 {
        (self.settings.expires_min.clamp(1, 64_800) * 60).max(self.min_expires)
    }

    fn contact(&self, address: SocketAddr) -> NameAddr {
        let at = HostPort { host: Host::Address(address.ip()), port: Some(address.port()) };
        NameAddr::new(Uri::sip(Some(&self.settings.user), at))
    }

    /// The Contact values and Expires of a request for `purpose`.
    fn contacts(&self, purpose: &Purpose, own: SocketAddr, obsolete: Option<SocketAddr>) -> (Vec<String>, u32) {
        let mut contact = self.contact(own);
        if self.settings.instance_id {
            contact.params.set("+sip.instance", Some(&self.identity.instance));
        }
        let all = self.settings.unregister_on_reboot == UnregisterOnReboot::All;
        match purpose {
            Purpose::Register => {
                let mut contacts = vec![contact.to_string()];
                if let Some(obsolete) = obsolete {
                    contacts.push(format!("{};expires=0", self.contact(obsolete)));
                }
                (contacts, self.expires())
            }
            Purpose::Clear | Purpose::Goodbye(_) if all => (vec!["*".to_owned()], 0),
            Purpose::Clear | Purpose::Goodbye(_) => {
                // What is bound is removed, wherever we are now.
                let bound = self.binding.map_or(own, |binding| binding.contact);
                contact.uri = self.contact(bound).uri;
                (vec![contact.to_string()], 0)
            }
        }
    }

    /// Sends the next request of the current round. Without what it takes (address, target) the round fails.
    pub(super) fn send(&mut self, now: Instant) {
        let (Some(own), Some(local)) = (self.contact_address(), self.local) else {
            // Not on the network yet: the round begins again with the first address (`moved`).
            self.halt();
            return;
        };
        let (Some(server), Some(target)) = (host_port(&self.settings.server), self.target()) else {
            return self.fail(now, 0, "the server's address is not known".to_owned(), None);
        };
        if target.is_ipv4() != local.is_ipv4() {
            let wanted = self.addresses.iter().position(|a| a.is_ipv4() == local.is_ipv4());
            match wanted {
                Some(wanted) => self.chosen = wanted,
                None => {
                    return self.fail(now, 0, "the server has no address this phone can reach".to_owned(), None);
                }
            }
        }
        let Some(round) = &mut self.round else { return };
        round.contact = Some(own);
        let (purpose, obsolete) = (round.purpose.clone(), round.obsolete);
        let (contacts, expires) = self.contacts(&purpose, own, obsolete);

        let uri = Uri::sip(None, server.clone());
        let mut from = NameAddr::new(Uri::sip(Some(&self.settings.user), HostPort { host: server.host, port: None }));
        let to = from.clone();
        from.display = Some(self.settings.display_name.clone()).filter(|name| !name.is_empty());
        from.params.set("tag", Some(&self.from_tag));
        self.cseq = (self.cseq + 1) & 0x7fff_ffff;
        let branch = format!("{BRANCH_COOKIE}{}", self.rng.token());
        let sent_by = HostPort { host: Host::Address(local), port: Some(self.local_port) };
        let mut via = Via { transport: "UDP".to_owned(), sent_by, params: Default::default() };
        via.params.set("branch", Some(&branch));
        if self.settings.rport {
            via.params.set("rport", None);
        }

        let mut request = RequestBuilder::new(&Method::Register, &uri).header(Name::Via, via);
        let in_route = self.settings.outbound_proxy_mode == OutboundProxyMode::InRoute;
        if let Some(hop) = self.hop().filter(|_| in_route && !self.settings.outbound_proxy.trim().is_empty()) {
            let mut route = Uri::sip(None, hop);
            route.params.set("lr", None);
            request = request.header(Name::Route, NameAddr::new(route));
        }
        request = request
            .header(Name::MaxForwards, 70)
            .header(Name::From, from)
            .header(Name::To, to)
            .header(Name::CallId, &self.call_id)
            .header(Name::CSeq, format_args!("{} {}", self.cseq, Method::Register));
        for contact in &contacts {
            request = request.header(Name::Contact, contact);
        }
        request = request.header(Name::Expires, expires);
        for (name, value) in self.auth.headers(&self.settings, &Method::Register, &uri.to_string(), &mut self.rng) {
            request = request.header(name, value);
        }
        let bytes =
            request.header(Name::Allow, "OPTIONS").header(Name::UserAgent, &self.identity.user_agent).finish(&[]);

        let mut timers = Timers::new(self.settings.t1(), self.settings.t2());
        if matches!(purpose, Purpose::Goodbye(_)) {
            // A registrar that is gone must not hold new settings or the power switch up for 32 s.
            timers.give_up = self.settings.t1() * 8;
        }
        self.transaction = Some(ClientTransaction::new(now, branch, Method::Register, bytes, timers));
    }
}
