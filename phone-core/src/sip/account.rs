//! One account: its line, its registration, what it subscribes to, and what keeps it reachable.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::events::{self, MessagesWaiting};
use super::inbox::{Answer, Inbox, IncomingId};
use super::keep_alive::{Found, KeepAlive};
use super::line::{Line, RequestId};
use super::locate::{DnsFailure, Query, Records};
use super::message::{Message, Name};
use super::publication::Publication;
use super::registration::Registration;
use super::subscription::{Package, Subscription};
use super::transaction::Received;
use super::transport::Transport;
use crate::phone::{PhoneEvent, Socket};
use crate::settings::{AccountSettings, ListeningMode};
use crate::state::AccountState;
use crate::time::{Instant, earliest};

/// What a response is for.
#[derive(Debug)]
pub enum Routed {
    /// It was taken.
    Taken,
    /// It belongs to a call.
    Call(RequestId, u16),
    /// It belongs to nobody here.
    Nobody,
}

/// One account.
#[derive(Debug)]
pub struct Account {
    /// Its side of the wire.
    pub line: Line,
    /// Its registration.
    pub registration: Registration,
    /// Messages that wait for it.
    pub messages: MessagesWaiting,
    mwi: Subscription,
    reg: Subscription,
    keep_alive: KeepAlive,
    publication: Publication,
    messages_changed: bool,
}

impl Account {
    /// An account whose first registration is due at `start`.
    pub fn new(mut line: Line, now: Instant, start: Instant) -> Self {
        line.locator.set_timers(now, line.phone.dns);
        let registration = Registration::new(&mut line, now, start);
        let mwi = Subscription::new(Package::MessageSummary, &mut line);
        let reg = Subscription::new(Package::Reg, &mut line);
        let mut account = Self {
            line,
            registration,
            messages: MessagesWaiting::default(),
            mwi,
            reg,
            keep_alive: KeepAlive::default(),
            publication: Publication::default(),
            messages_changed: false,
        };
        account.follow(now);
        account
    }

    // ---- inputs ----

    /// New settings.
    pub fn apply(&mut self, now: Instant, settings: Arc<AccountSettings>) {
        if settings != self.line.settings {
            self.keep_alive = KeepAlive::default();
            self.publication.restart(&mut self.line);
        }
        self.registration.apply(now, &mut self.line, settings);
        self.follow(now);
    }

    /// New settings of the phone.
    pub fn apply_phone(&mut self, now: Instant, phone: Arc<crate::settings::PhoneSettings>) {
        let old = std::mem::replace(&mut self.line.phone, phone);
        let new = &self.line.phone;
        let reachable = (old.nat_ip, old.random_ports, old.ip, &old.user_agent_prefix)
            != (new.nat_ip, new.random_ports, new.ip, &new.user_agent_prefix);
        self.line.locator.set_timers(now, self.line.phone.dns);
        self.keep_alive = KeepAlive::default();
        if reachable {
            if old.random_ports != new.random_ports {
                self.line.forget_ports();
            }
            self.registration.moved(now, &mut self.line);
        }
        self.follow(now);
    }

    /// The phone's own address.
    pub fn set_local(&mut self, now: Instant, address: IpAddr) {
        if self.line.set_local(now, address) {
            self.moved(now);
        }
    }

    /// The port a socket is really bound to.
    pub fn set_port(&mut self, now: Instant, transport: Transport, port: u16) {
        if self.line.set_port(transport, port) {
            self.moved(now);
        }
    }

    /// A stream of ours is open.
    pub fn connected(&mut self, now: Instant, transport: Transport, local: SocketAddr, remote: SocketAddr) {
        if self.line.set_stream(transport, local, remote) {
            self.moved(now);
        }
    }

    fn moved(&mut self, now: Instant) {
        self.registration.moved(now, &mut self.line);
        self.mwi.again(now);
        self.reg.again(now);
    }

    /// A stream broke. Returns the requests of calls that came to nothing by it.
    pub fn disconnected(
        &mut self,
        now: Instant,
        transport: Transport,
        remote: SocketAddr,
        reason: &str,
    ) -> Vec<RequestId> {
        let mut lost = self.line.disconnected(now, transport, remote);
        lost.retain(|id| !self.line.outlives_stream(now, *id));
        let registrar = self.line.locator.target().is_some_and(|t| t.transport == transport && t.address == remote);
        let calls = self.lost(now, lost, Some(reason));
        if registrar && transport.is_reliable() && self.registration.is_registered() {
            // Whoever calls us needs the stream the registrar knows.
            self.registration.disconnected(now, &mut self.line);
        }
        calls
    }

    fn lost(&mut self, now: Instant, ids: Vec<RequestId>, broken: Option<&str>) -> Vec<RequestId> {
        let mut calls = Vec::new();
        for id in ids {
            if self.registration.lost(now, &mut self.line, id, broken)
                || self.mwi.lost(now, &mut self.line, id)
                || self.reg.lost(now, &mut self.line, id)
                || self.publication.lost(now, &mut self.line, id)
            {
                continue;
            }
            match self.keep_alive.lost(&mut self.line, id) {
                Some(found) => self.found(now, found),
                None => calls.push(id),
            }
        }
        self.follow(now);
        calls
    }

    fn found(&mut self, now: Instant, found: Found) {
        match found {
            Found::Nothing => {}
            Found::Silent => self.registration.again(now, &mut self.line),
            Found::Moved => self.moved(now),
        }
    }

    /// A response.
    pub fn response(&mut self, now: Instant, message: &Message) -> Routed {
        let Some((id, what)) = self.line.response(now, message) else { return Routed::Nobody };
        let (Received::Provisional(status) | Received::Final(status)) = what else { return Routed::Taken };
        if self.registration.response(now, &mut self.line, id, what, message)
            || self.mwi.response(now, &mut self.line, id, status, message)
            || self.reg.response(now, &mut self.line, id, status, message)
            || self.publication.response(now, &mut self.line, id, status, message)
            || self.keep_alive.response(&mut self.line, id).is_some()
        {
            self.follow(now);
            return Routed::Taken;
        }
        Routed::Call(id, status)
    }

    /// A NOTIFY outside of calls; false if it is not for a subscription of ours.
    pub fn notified(&mut self, now: Instant, inbox: &mut Inbox, id: IncomingId, request: &Message) -> bool {
        if self.mwi.owns(request) {
            if self.mwi.notified(now, &mut self.line, inbox, id, request) {
                self.take_messages(request);
            }
        } else if self.reg.owns(request) {
            if self.reg.notified(now, &mut self.line, inbox, id, request) {
                self.take_reginfo(now, request);
            }
        } else {
            return false;
        }
        true
    }

    /// A NOTIFY of messages nobody subscribed to, as many servers send them.
    pub fn unsolicited(&mut self, now: Instant, inbox: &mut Inbox, id: IncomingId, request: &Message) {
        inbox.respond(now, id, &Answer::new(200));
        self.take_messages(request);
    }

    fn take_messages(&mut self, request: &Message) {
        if let Some(messages) = events::message_summary(request.body()) {
            self.messages_changed |= self.messages != messages;
            self.messages = messages;
        }
    }

    fn take_reginfo(&mut self, now: Instant, request: &Message) {
        let Some(address) = self.line.contact_address() else { return };
        let contact = self.line.contact_at(address).uri;
        let contact = contact.to_string();
        let bare = contact.split(';').next().unwrap_or(&contact);
        if events::registration_lost(request.body(), bare) {
            tracing::info!(account = self.line.index, "the registrar dropped the registration: registering again");
            self.registration.again(now, &mut self.line);
        }
    }

    /// A datagram that is STUN.
    pub fn stun(&mut self, now: Instant, bytes: &[u8]) {
        let found = self.keep_alive.stun(&mut self.line, bytes);
        self.found(now, found);
    }

    /// An answer of the DNS.
    pub fn resolved(&mut self, now: Instant, query: &Query, answer: &Result<Records, DnsFailure>) {
        self.keep_alive.resolved(now, &self.line, query, answer.as_ref().ok());
        self.line.locator.answered(now, query, answer.clone());
        self.line.hurry(now);
        self.follow(now);
        self.registration.handle_timeout(now, &mut self.line);
    }

    /// Tells the collector how a call sounded: `report` is the body.
    pub fn publish(&mut self, now: Instant, report: String) {
        self.publication.publish(now, &mut self.line, report);
    }

    /// Takes leave.
    pub fn shutdown(&mut self, now: Instant) {
        self.mwi.want(now, &mut self.line, false);
        self.reg.want(now, &mut self.line, false);
        self.registration.shutdown(now, &mut self.line);
    }

    // ---- time and consequences ----

    /// Lets timers fire. Returns the requests of calls nobody answered.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<RequestId> {
        let lost = self.line.handle_timeout(now);
        let calls = self.lost(now, lost, None);
        self.registration.handle_timeout(now, &mut self.line);
        self.mwi.handle_timeout(now, &mut self.line);
        self.reg.handle_timeout(now, &mut self.line);
        self.publication.handle_timeout(now, &mut self.line);
        let found = self.keep_alive.handle_timeout(now, &mut self.line);
        self.found(now, found);
        self.follow(now);
        calls
    }

    /// What one part found out, the others follow.
    fn follow(&mut self, now: Instant) {
        while let Some(change) = self.line.locator.poll_change() {
            self.registration.located(now, &mut self.line, change);
        }
        let registered = self.registration.is_registered();
        let settings = self.line.settings.clone();
        let usable = registered || (settings.enabled && !settings.register && !settings.user.is_empty());
        self.mwi.want(now, &mut self.line, usable && settings.subscribe_mwi);
        self.reg.want(now, &mut self.line, registered && settings.subscribe_reg);
        self.keep_alive.registered(now, &mut self.line, registered);
    }

    // ---- outputs ----

    /// When to call [`Account::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.registration.is_shut_down() {
            return None;
        }
        let subscriptions = earliest(self.mwi.poll_timeout(), self.reg.poll_timeout());
        let subscriptions = earliest(subscriptions, self.publication.poll_timeout());
        let own = earliest(self.registration.poll_timeout(&self.line), self.keep_alive.poll_timeout(&self.line));
        earliest(earliest(self.line.poll_timeout(), own), subscriptions.filter(|_| self.line.is_ready()))
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<PhoneEvent> {
        if let Some(event) = self.registration.poll_event() {
            return Some(event);
        }
        let account = self.line.index;
        let messages = self.messages;
        std::mem::take(&mut self.messages_changed).then_some(PhoneEvent::MessageWaiting { account, messages })
    }

    /// The next question to the DNS.
    pub fn poll_query(&mut self) -> Option<Query> {
        self.line.locator.poll_query().or_else(|| self.keep_alive.poll_query(&self.line))
    }

    /// What is shown.
    pub fn state(&self) -> AccountState {
        AccountState { messages: self.messages, ..self.registration.state(&self.line) }
    }

    /// The sockets to have open ("SIP Listening Mode").
    pub fn sockets(&self) -> Vec<Socket> {
        let settings = &self.line.settings;
        if !settings.enabled || self.registration.is_shut_down() {
            return Vec::new();
        }
        let beside: &[Transport] = match (settings.transport, settings.listening) {
            (_, ListeningMode::TransportOnly) | (Transport::Tcp | Transport::Tls, ListeningMode::Dual) => &[],
            (Transport::Udp, ListeningMode::Dual | ListeningMode::DualBlf) => &[Transport::Tcp],
            (Transport::Udp, ListeningMode::DualSecured) => &[Transport::Tls],
            (Transport::Tcp | Transport::Tls, ListeningMode::DualSecured | ListeningMode::DualBlf) => &[Transport::Udp],
        };
        let port = if self.line.phone.random_ports { 0 } else { settings.local_port };
        let socket = |transport: &Transport| {
            let port = match transport {
                Transport::Tls if port != 0 => port.saturating_add(1),
                _ => port,
            };
            Socket { account: self.line.index, transport: *transport, port }
        };
        [settings.transport].iter().chain(beside).map(socket).collect()
    }

    /// Whether a request to this port and user is for the account.
    pub fn takes(&self, port: u16, user: Option<&str>) -> (bool, bool) {
        let on_port = [Transport::Udp, Transport::Tcp, Transport::Tls].iter().any(|t| self.line.port(*t) == Some(port));
        (self.line.settings.enabled && on_port, user == Some(self.line.settings.user.as_str()))
    }

    /// Whether a message came from a server of the account's.
    pub fn is_server(&self, from: IpAddr) -> bool {
        self.registration.is_bound_at(from)
            || self.line.locator.ways().iter().any(|way| way.target.address.ip() == from)
    }

    /// Whether an incoming request names the user agent's own user in the To header or Request-URI.
    pub fn is_for(&self, request: &Message) -> bool {
        let named = request.request_uri().ok().and_then(|uri| uri.user_text());
        let to = || request.header(Name::To).and_then(|_| request.to().ok()).and_then(|to| to.uri.user_text());
        named.or_else(to).is_some_and(|user| user == self.line.settings.user)
    }
}
