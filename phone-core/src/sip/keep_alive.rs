//! Keeping the way to the server open, and noticing when it is gone: OPTIONS (RFC 3261 §11), blank packets and CRLF
//! (RFC 5626 §3.5.1), and STUN (RFC 8489) for the address others see us at.

use std::net::{IpAddr, SocketAddr};

use super::line::{Line, RequestId};
use super::locate::{Query, Record, Records};
use super::message::{Host, Method, Name, NameAddr, Uri};
use super::outgoing::Outgoing;
use super::stun;
use super::transport::{Target, Transport};
use crate::settings::NatTraversal;
use crate::time::{Instant, earliest};

/// One account's keep-alives.
#[derive(Debug, Default)]
pub struct KeepAlive {
    options_at: Option<Instant>,
    options: Option<RequestId>,
    /// OPTIONS in a row nobody answered.
    unanswered: u32,
    blank_at: Option<Instant>,
    stun_id: Option<[u8; 12]>,
    /// The STUN server's address, once known, and whether it was asked for.
    stun_server: Option<IpAddr>,
    asked: bool,
}

/// What a keep-alive found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing new.
    Nothing,
    /// The server does not answer: register anew.
    Silent,
    /// Others see us at another address than before.
    Moved,
}

impl KeepAlive {
    /// The account is registered now, or is not any more.
    pub fn registered(&mut self, now: Instant, line: &mut Line, registered: bool) {
        let options = line.settings.options.filter(|_| registered);
        match options {
            Some(options) => {
                self.options_at.get_or_insert(now + options.interval);
            }
            None => {
                if let Some(id) = self.options.take() {
                    line.forget(id);
                }
                (self.options_at, self.unanswered) = (None, 0);
            }
        }
        let blank = line.settings.nat != NatTraversal::No && (registered || line.settings.nat == NatTraversal::Stun);
        match blank {
            true => {
                let first = if line.settings.nat == NatTraversal::Stun { now } else { now + line.phone.keep_alive };
                self.blank_at.get_or_insert(first);
            }
            false => self.blank_at = None,
        }
    }

    /// A response; `None` if it is not to a request of ours. Any answer will do.
    pub fn response(&mut self, line: &mut Line, id: RequestId) -> Option<Found> {
        if self.options != Some(id) {
            return None;
        }
        line.forget(id);
        (self.options, self.unanswered) = (None, 0);
        Some(Found::Nothing)
    }

    /// Nobody answered; `None` if it is not a request of ours.
    pub fn lost(&mut self, line: &mut Line, id: RequestId) -> Option<Found> {
        if self.options != Some(id) {
            return None;
        }
        line.forget(id);
        self.options = None;
        Some(self.one_more_lost(line))
    }

    fn one_more_lost(&mut self, line: &Line) -> Found {
        self.unanswered += 1;
        match line.settings.options {
            Some(options) if self.unanswered >= options.max_lost => {
                self.unanswered = 0;
                Found::Silent
            }
            _ => Found::Nothing,
        }
    }

    /// Lets timers fire.
    pub fn handle_timeout(&mut self, now: Instant, line: &mut Line) -> Found {
        let mut found = Found::Nothing;
        if let (Some(at), Some(options)) = (self.options_at, line.settings.options)
            && now >= at
            && line.is_ready()
        {
            self.options_at = Some(now + options.interval);
            if let Some(id) = self.options.take() {
                // One that is still under way when the next is due counts as lost.
                line.forget(id);
                found = self.one_more_lost(line);
            }
            if found == Found::Nothing {
                self.options = ask(now, line);
            }
        }
        if self.blank_at.is_some_and(|at| now >= at) && line.is_ready() {
            self.blank_at = Some(now + line.phone.keep_alive);
            match line.settings.nat {
                NatTraversal::Stun => self.ask_stun(line),
                _ => blank(line),
            }
        }
        found
    }

    /// When to call [`KeepAlive::handle_timeout`] next.
    pub fn poll_timeout(&self, line: &Line) -> Option<Instant> {
        earliest(self.options_at, self.blank_at).filter(|_| line.is_ready())
    }

    // ---- STUN ----

    fn ask_stun(&mut self, line: &mut Line) {
        let Some(server) = line.phone.stun_server.clone() else { return };
        let address = match server.host {
            Host::Address(address) => Some(address),
            Host::Name(_) => self.stun_server,
        };
        // Its name is being looked up (`poll_query`).
        let Some(address) = address else { return };
        let id = *self.stun_id.get_or_insert_with(|| stun::transaction_id(&mut line.rng));
        let address = SocketAddr::new(address, server.port.unwrap_or(stun::PORT));
        line.transmit(Target { transport: Transport::Udp, address, name: String::new() }, stun::binding_request(id));
    }

    /// The STUN server's name, to be looked up.
    pub fn poll_query(&mut self, line: &Line) -> Option<Query> {
        let wanted = line.settings.nat == NatTraversal::Stun && line.settings.enabled && !self.asked;
        let server = line.phone.stun_server.as_ref().filter(|_| wanted)?;
        let Host::Name(name) = &server.host else { return None };
        self.asked = true;
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        Some(if line.local().is_some_and(|local| local.is_ipv6()) { Query::Aaaa(name) } else { Query::A(name) })
    }

    /// The answer to it.
    pub fn resolved(&mut self, now: Instant, line: &Line, query: &Query, records: Option<&Records>) {
        let Some(Host::Name(name)) = line.phone.stun_server.as_ref().map(|server| &server.host) else { return };
        let (Query::A(asked) | Query::Aaaa(asked)) = query else { return };
        if !name.trim_end_matches('.').eq_ignore_ascii_case(asked) {
            return;
        }
        let address = records.and_then(|records| {
            records.records.iter().find_map(|record| match record {
                Record::Address(address) => Some(*address),
                _ => None,
            })
        });
        match address {
            Some(address) => self.stun_server = Some(address),
            // Asked again with the next keep-alive.
            None => self.asked = false,
        }
        if self.blank_at.is_some() {
            self.blank_at = Some(now);
        }
    }

    /// A STUN message; true if it was the answer to ours and others see us elsewhere than thought.
    pub fn stun(&mut self, line: &mut Line, bytes: &[u8]) -> Found {
        let mapped = self.stun_id.and_then(|id| stun::mapped_address(bytes, id));
        match mapped {
            Some(mapped) => {
                self.stun_id = None;
                if line.set_mapped(mapped) { Found::Moved } else { Found::Nothing }
            }
            None => Found::Nothing,
        }
    }
}

fn ask(now: Instant, line: &mut Line) -> Option<RequestId> {
    let own = line.address_of_record()?;
    let registrar = line.locator.registrar()?.clone();
    let uri = line.scheme(Uri::sip(None, registrar));
    let mut from = own.clone();
    let tag = line.rng.token();
    from.params.set("tag", Some(&tag));
    let (call_id, cseq) = (line.call_id(), line.first_cseq());
    let to = NameAddr::new(uri.clone()).to_string();
    let mut request = Outgoing::new(Method::Options, uri, from.to_string(), to, call_id, cseq);
    request.route = line.preloaded_route();
    request.push(Name::Contact, line.contact()?);
    request.push(Name::Accept, "application/sdp");
    line.sign(&mut request);
    line.send_to_server(now, request)
}

/// A packet that says nothing keeps the NAT's binding open; over a stream the double CRLF asks for an answer.
fn blank(line: &mut Line) {
    let Some(target) = line.locator.target().cloned() else { return };
    let bytes = if target.transport == Transport::Udp { vec![0; 4] } else { b"\r\n\r\n".to_vec() };
    line.transmit(target, bytes);
}
