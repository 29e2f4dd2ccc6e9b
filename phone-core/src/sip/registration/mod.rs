//! Keeping one account registered (RFC 3261 §10, RFC 3581, RFC 5626 §4.1 instance ids).
//!
//! Work comes in rounds: one [`Purpose`], and as many REGISTER requests as its challenges and corrections take, each
//! kind of correction bounded, so that no answer can make a round endless. Between rounds the machine sleeps until
//! `next`.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::auth::Authorizer;
use super::message::{HostPort, Message};
use super::transaction::{ClientTransaction, Received};
use crate::phone::{PhoneEvent, Transmit};
use crate::rng::Rng;
use crate::settings::{AccountSettings, UnregisterOnReboot};
use crate::state::{AccountState, AccountStatus};
use crate::time::{Instant, earliest};

mod outcome;
mod request;
mod schedule;
mod settings;

pub use request::Identity;

/// How long the driver may take to resolve a name.
const RESOLVE_WAIT: Duration = Duration::from_secs(15);

/// Why a round of REGISTER requests is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Purpose {
    /// "UNREGISTER on Reboot": remove what an earlier life left at the registrar, then register.
    Clear,
    /// Register or refresh.
    Register,
    /// Remove the binding, then do this.
    Goodbye(Then),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Then {
    /// Take these settings and go on.
    Apply(Box<AccountSettings>),
    /// End.
    ShutDown,
}

/// A round and the corrections it has used up.
#[derive(Debug)]
struct Round {
    purpose: Purpose,
    too_brief: u8,
    moved: bool,
    /// A binding of ours at an address we no longer have, to be removed along the way.
    obsolete: Option<SocketAddr>,
    /// The contact address the last request carried.
    contact: Option<SocketAddr>,
}

/// A binding the registrar is believed to hold.
#[derive(Clone, Copy, Debug)]
struct Binding {
    contact: SocketAddr,
    until: Instant,
}

/// One account's registration.
#[derive(Debug)]
pub struct Registration {
    index: u8,
    settings: AccountSettings,
    identity: Identity,
    rng: Rng,

    local: Option<IpAddr>,
    local_port: u16,
    /// Where the registrar side sees us, if elsewhere than where we are (RFC 3581).
    learned: Option<SocketAddr>,

    addresses: Vec<IpAddr>,
    /// Which of `addresses` is in use; moves on when one stays silent.
    chosen: usize,
    resolving: Option<(String, Instant)>,

    call_id: String,
    from_tag: String,
    cseq: u32,
    auth: Authorizer,
    /// Raised by 423, seconds.
    min_expires: u32,

    cleared: bool,
    binding: Option<Binding>,
    round: Option<Round>,
    transaction: Option<ClientTransaction>,
    /// When the next round begins.
    next: Option<Instant>,
    ended: bool,

    status: AccountStatus,
    since: Instant,
    reason: Option<String>,
    /// Code of the failure last reported, until something else happens.
    reported: Option<u16>,
    resolves: VecDeque<String>,
    events: VecDeque<PhoneEvent>,
}

impl Registration {
    /// The registration of account `index` (1-based). It waits for a local address, and until `start`.
    pub fn new(
        index: u8,
        settings: AccountSettings,
        identity: Identity,
        mut rng: Rng,
        now: Instant,
        start: Instant,
    ) -> Self {
        let (call_id, from_tag) = (format!("{}{}", rng.token(), rng.token()), rng.token());
        // RFC 3261 §8.1.1.5: any 31-bit number; low ones are easy to read in traces.
        let cseq = u32::try_from(rng.next_u64() % 1000).unwrap_or(0);
        let mut registration = Self {
            index,
            local_port: settings.local_port,
            settings,
            identity,
            rng,
            local: None,
            learned: None,
            addresses: Vec::new(),
            chosen: 0,
            resolving: None,
            call_id,
            from_tag,
            cseq,
            auth: Authorizer::default(),
            min_expires: 0,
            cleared: false,
            binding: None,
            round: None,
            transaction: None,
            next: Some(start),
            ended: false,
            status: AccountStatus::Disabled,
            since: now,
            reason: None,
            reported: None,
            resolves: VecDeque::new(),
            events: VecDeque::new(),
        };
        registration.rest_status(now);
        if registration.wants_binding() && !registration.hop_is_literal() {
            // Ask early: the driver needs the server's address to find its own.
            registration.ask_for_address(now);
        }
        registration
    }

    // ---- inputs ----

    /// The phone's own address.
    pub fn set_local_address(&mut self, now: Instant, address: IpAddr) {
        if self.local.replace(address) != Some(address) {
            self.moved(now);
        }
    }

    /// The local port really in use.
    pub fn set_local_port(&mut self, now: Instant, port: u16) {
        if std::mem::replace(&mut self.local_port, port) != port {
            self.moved(now);
        }
    }

    /// A resolved name; ignored if nobody waits for it.
    pub fn resolved(&mut self, now: Instant, host: &str, addresses: &[IpAddr]) {
        if self.resolving.as_ref().is_none_or(|(wanted, _)| wanted != host) {
            return;
        }
        self.resolving = None;
        if addresses.is_empty() {
            self.addresses.clear();
            if self.round.is_some() {
                self.fail(now, 0, format!("{host} cannot be resolved"), None);
            }
            return;
        }
        // Stay with the address in use as long as it is one of the name's.
        let current = self.addresses.get(self.chosen).copied();
        self.addresses = addresses.to_vec();
        self.chosen = current.and_then(|c| addresses.iter().position(|a| *a == c)).unwrap_or(0);
        if self.round.is_some() && self.transaction.is_none() {
            self.send(now);
        }
    }

    /// A response; false if it belongs to nobody here.
    pub fn response(&mut self, now: Instant, message: &Message) -> bool {
        let Some(transaction) = &mut self.transaction else {
            return false;
        };
        if message.defect().is_some() {
            return false;
        }
        match transaction.response(now, message) {
            Received::NotOurs => return false,
            Received::Absorbed => {}
            Received::Final(status) => self.answered(now, status, message),
        }
        true
    }

    /// Takes leave of the registrar as "UNREGISTER on Reboot" says, and ends.
    pub fn shutdown(&mut self, now: Instant) {
        let leave = self.settings.unregister_on_reboot != UnregisterOnReboot::No;
        if leave && self.may_be_bound(now) && self.target().is_some() {
            self.begin(now, Purpose::Goodbye(Then::ShutDown));
        } else {
            self.halt();
            self.ended = true;
        }
    }

    /// Lets timers fire.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.transaction.as_mut().is_some_and(|t| t.handle_timeout(now)) {
            let goodbye = self.round.as_ref().is_some_and(|r| matches!(r.purpose, Purpose::Goodbye(_)));
            if !goodbye && !self.addresses.is_empty() {
                self.chosen = (self.chosen + 1) % self.addresses.len();
            }
            self.fail(now, 408, "no answer from the server".to_owned(), None);
        }
        if let Some((host, _)) = self.resolving.take_if(|(_, deadline)| now >= *deadline)
            && self.round.is_some()
        {
            self.fail(now, 0, format!("{host} cannot be resolved"), None);
        }
        let ready = self.local.is_some() && self.local_port != 0;
        if ready && self.next.is_some_and(|next| now >= next) {
            self.next = None;
            self.begin_register(now);
        }
    }

    // ---- outputs ----

    /// When to call [`Registration::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let ready = self.local.is_some() && self.local_port != 0;
        let transaction = self.transaction.as_ref().and_then(ClientTransaction::poll_timeout);
        let resolving = self.resolving.as_ref().map(|(_, deadline)| *deadline);
        earliest(earliest(transaction, resolving), self.next.filter(|_| ready))
    }

    /// The next datagram.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let (to, local_port) = (self.target()?, self.local_port);
        let bytes = self.transaction.as_mut()?.poll_transmit()?.to_vec();
        Some(Transmit { local_port, to, bytes })
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<PhoneEvent> {
        self.events.pop_front()
    }

    /// The next name to resolve.
    pub fn poll_resolve(&mut self) -> Option<String> {
        self.resolves.pop_front()
    }

    /// What is shown of the account.
    pub fn state(&self) -> AccountState {
        AccountState {
            index: self.index,
            status: self.status,
            user: self.settings.user.clone(),
            server: self.settings.server.clone(),
            since: self.since,
            expires: self.binding.filter(|_| self.status == AccountStatus::Registered).map(|b| b.until),
            reason: self.reason.clone(),
        }
    }

    /// Where requests go, once known.
    pub fn target(&self) -> Option<SocketAddr> {
        let hop = self.hop()?;
        let address = match hop.host {
            super::message::Host::Address(address) => address,
            super::message::Host::Name(_) => *self.addresses.get(self.chosen)?,
        };
        Some(SocketAddr::new(address, hop.port.unwrap_or(5060)))
    }

    /// Whether the account is registered with a server at this address.
    pub fn is_bound_at(&self, address: IpAddr) -> bool {
        self.status == AccountStatus::Registered && self.target().is_some_and(|target| target.ip() == address)
    }

    /// The configured local port while the account is in use.
    pub fn wanted_port(&self) -> Option<u16> {
        (self.settings.enabled && !self.ended).then_some(self.settings.local_port)
    }

    /// After [`Registration::shutdown`]: nothing is left to do.
    pub fn is_shut_down(&self) -> bool {
        self.ended
    }

    // ---- rounds ----

    fn wants_binding(&self) -> bool {
        self.settings.enabled && self.settings.register && !self.settings.user.is_empty() && self.hop().is_some()
    }

    /// A registrar may hold a binding of ours, as far as we know.
    fn may_be_bound(&self, now: Instant) -> bool {
        let asked = self.round.as_ref().is_some_and(|r| r.purpose == Purpose::Register && r.contact.is_some());
        asked || self.binding.is_some_and(|binding| now < binding.until)
    }

    fn begin_register(&mut self, now: Instant) {
        if self.ended || !self.wants_binding() {
            self.rest_status(now);
            return;
        }
        let clear = !self.cleared && self.settings.unregister_on_reboot != UnregisterOnReboot::No;
        self.begin(now, if clear { Purpose::Clear } else { Purpose::Register });
    }

    fn begin(&mut self, now: Instant, purpose: Purpose) {
        let goodbye = matches!(purpose, Purpose::Goodbye(_));
        self.halt();
        self.auth.begin_round();
        let contact = self.contact_address();
        let obsolete = self.binding.map(|binding| binding.contact).filter(|bound| Some(*bound) != contact);
        self.round = Some(Round { purpose, too_brief: 0, moved: false, obsolete, contact: None });
        // Names are looked up anew in each round (the resolver caches); to say goodbye the old answer will do.
        if self.hop_is_literal() || (goodbye && self.target().is_some()) {
            self.send(now);
        } else if self.resolving.is_none() {
            self.ask_for_address(now);
        }
    }

    fn ask_for_address(&mut self, now: Instant) {
        if let Some(HostPort { host, .. }) = self.hop() {
            let host = host.to_string();
            self.resolves.push_back(host.clone());
            self.resolving = Some((host, now + RESOLVE_WAIT));
        }
    }

    /// Drops what is under way.
    fn halt(&mut self) {
        self.round = None;
        self.transaction = None;
        self.next = None;
    }

    /// The contact address changed: register anew at once, unless the first registration is not due yet or a goodbye
    /// is under way.
    fn moved(&mut self, now: Instant) {
        self.learned = None;
        let leaving = self.round.as_ref().is_some_and(|r| matches!(r.purpose, Purpose::Goodbye(_)));
        if leaving || self.ended || self.local.is_none() || self.local_port == 0 {
            return;
        }
        let waiting_for_start = self.cseq_untouched() && self.next.is_some_and(|next| next > now);
        if !waiting_for_start {
            self.begin_register(now);
        }
    }

    fn cseq_untouched(&self) -> bool {
        self.round.is_none() && self.binding.is_none() && self.reported.is_none()
    }

    /// The status of an account that is not at work on a binding, or begins to be.
    fn rest_status(&mut self, now: Instant) {
        let (status, reason) = if !self.settings.enabled {
            (AccountStatus::Disabled, None)
        } else if self.settings.user.is_empty() || self.settings.server.is_empty() {
            (AccountStatus::Unregistered, Some("SIP server or user is not configured"))
        } else if self.hop().is_none() {
            (AccountStatus::Unregistered, Some("SIP server or outbound proxy is not host[:port]"))
        } else if !self.settings.register {
            (AccountStatus::Unregistered, Some("SIP registration is switched off"))
        } else {
            (AccountStatus::Registering, None)
        };
        self.enter(now, status, reason.map(str::to_owned));
    }

    fn enter(&mut self, now: Instant, status: AccountStatus, reason: Option<String>) {
        if self.status != status {
            self.status = status;
            self.since = now;
            if status == AccountStatus::Registered {
                self.events.push_back(PhoneEvent::Registered { account: self.index });
            }
        }
        if status != AccountStatus::Failed {
            self.reported = None;
        }
        self.reason = reason;
    }
}
