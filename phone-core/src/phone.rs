//! The top machine: everything that reaches the phone enters here, and everything it wants is polled from here.
//!
//! After each `handle_*` call, drain `poll_transmit`, `poll_resolve` and `poll_event`, then sleep until
//! `poll_timeout`.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::Serialize;

use crate::rng::Rng;
use crate::settings::AccountSettings;
use crate::sip::message::Message;
use crate::sip::registration::{Identity, Registration};
use crate::sip::server::Responder;
use crate::state::{AccountState, PhoneState};
use crate::time::{Instant, earliest};

/// Digits kept while dialling.
const MAX_DIALLED: usize = 64;

/// What a phone is when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneConfig {
    /// Model name, for `User-Agent`.
    pub model: String,
    /// Software version, for `User-Agent`.
    pub version: String,
    /// The phone's MAC address; `+sip.instance` derives from it.
    pub mac: [u8; 6],
    /// Settings of account 1, 2, … in order.
    pub accounts: Vec<AccountSettings>,
    /// First registrations are spread evenly over this time after start; zero starts at once. For fleets that come
    /// back from a power cut together.
    pub start_spread: Duration,
}

impl PhoneConfig {
    /// A phone without accounts.
    pub fn new(model: impl Into<String>, version: impl Into<String>, mac: [u8; 6]) -> Self {
        let (model, version) = (model.into(), version.into());
        Self { model, version, mac, accounts: Vec::new(), start_spread: Duration::ZERO }
    }
}

/// Where the handset is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HookSwitch {
    /// Lifted.
    Off,
    /// In its cradle.
    #[default]
    On,
}

/// Something that happened to the phone.
#[derive(Clone, Debug)]
pub enum Input {
    /// A datagram arrived on the socket bound to `local`.
    Datagram { local: SocketAddr, from: SocketAddr, bytes: Vec<u8> },
    /// New settings of account `account` (1-based; unknown accounts are ignored). What did not change has no effect.
    Settings { account: u8, settings: Box<AccountSettings> },
    /// The handset moved.
    Hook(HookSwitch),
    /// A key was pressed: `0`-`9`, `*`, `#`, `A`-`D`.
    KeyPress(char),
    /// The answer to [`Phone::poll_resolve`]; no addresses means the name could not be resolved.
    Resolved { host: String, addrs: Vec<IpAddr> },
    /// The phone's own address: the first one starts the phone, later ones move it.
    LocalAddress(IpAddr),
    /// The port account `account` (1-based) is really bound to, if not the configured one.
    LocalPort { account: u8, port: u16 },
    /// Take leave of the registrars as set, then fall silent; see [`Phone::is_shut_down`].
    Shutdown,
}

/// A datagram to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The local port to send from.
    pub local_port: u16,
    /// Destination.
    pub to: SocketAddr,
    /// Payload.
    pub bytes: Vec<u8>,
}

/// What the phone reports. Carries no secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum PhoneEvent {
    /// The phone has settings and an address and is at work. Once a start.
    SetupCompleted,
    /// The account got registered (a refresh is not reported).
    Registered { account: u8 },
    /// The account gave its registration up.
    Unregistered { account: u8 },
    /// A registration failed. `code` is the SIP status, 408 when nothing answered, 0 when no request could be sent.
    /// Reported when the failure begins and when its code changes, not on each retry.
    RegisterFailed { account: u8, code: u16, reason: String },
    /// Handset lifted.
    OffHook,
    /// Handset replaced.
    OnHook,
    /// The server of this account asks the phone to look for news (NOTIFY with `Event: check-sync`).
    CheckSync { account: u8 },
    /// The phone's own address changed.
    IpChange { old: IpAddr, new: IpAddr },
    /// The phone went from idle into use.
    IdleToBusy,
    /// The phone went back to idle.
    BusyToIdle,
}

/// The phone. See the module documentation for how to drive it.
#[derive(Debug)]
pub struct Phone {
    accounts: Vec<Registration>,
    responder: Responder,
    hook: HookSwitch,
    dialled: String,
    local_address: Option<IpAddr>,
    transmits: VecDeque<Transmit>,
    events: VecDeque<PhoneEvent>,
}

impl Phone {
    /// A phone at `now`. `seed` should be random and secret outside tests; identifiers and jitter come from it.
    /// Nothing is sent before the first [`Input::LocalAddress`].
    pub fn new(config: PhoneConfig, seed: u64, now: Instant) -> Self {
        let identity = Identity::new(&config.model, &config.version, config.mac);
        let accounts = config
            .accounts
            .into_iter()
            .zip(1u8..)
            .map(|(settings, index)| {
                let mut rng = Rng::new(seed, u64::from(index));
                let start = now + rng.up_to(config.start_spread);
                Registration::new(index, settings, identity.clone(), rng, now, start)
            })
            .collect();
        let responder = Responder::new(identity.user_agent(), Rng::new(seed, 0));
        Self {
            accounts,
            responder,
            hook: HookSwitch::On,
            dialled: String::new(),
            local_address: None,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Takes one input in. Never fails: what makes no sense is ignored or answered on the wire.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        match input {
            Input::Datagram { local, from, bytes } => self.datagram(now, local, from, &bytes),
            Input::Settings { account, settings } => {
                if let Some(registration) = self.account_mut(account) {
                    registration.apply(now, *settings);
                }
            }
            Input::Hook(hook) => self.hook(hook),
            Input::KeyPress(key) => self.key(key),
            Input::Resolved { host, addrs } => {
                for account in &mut self.accounts {
                    account.resolved(now, &host, &addrs);
                }
            }
            Input::LocalAddress(address) => self.local_address(now, address),
            Input::LocalPort { account, port } => {
                if let Some(registration) = self.account_mut(account) {
                    registration.set_local_port(now, port);
                }
            }
            Input::Shutdown => {
                for account in &mut self.accounts {
                    account.shutdown(now);
                }
            }
        }
    }

    /// Lets the time-driven parts act. Calling early or late is harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.responder.handle_timeout(now);
        for account in &mut self.accounts {
            account.handle_timeout(now);
        }
    }

    /// When to call [`Phone::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.accounts.iter().map(Registration::poll_timeout).fold(self.responder.poll_timeout(), earliest)
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front().or_else(|| self.accounts.iter_mut().find_map(Registration::poll_transmit))
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<PhoneEvent> {
        self.events.pop_front().or_else(|| self.accounts.iter_mut().find_map(Registration::poll_event))
    }

    /// The next host name to resolve; answer with [`Input::Resolved`].
    pub fn poll_resolve(&mut self) -> Option<String> {
        self.accounts.iter_mut().find_map(Registration::poll_resolve)
    }

    /// What the phone shows of itself.
    pub fn state(&self) -> PhoneState {
        PhoneState {
            hook: self.hook,
            local_address: self.local_address,
            accounts: self.accounts.iter().map(Registration::state).collect::<Vec<AccountState>>(),
        }
    }

    /// Where the first account's requests go, once known: what the driver needs to find the local address that
    /// reaches it.
    pub fn probe_target(&self) -> Option<SocketAddr> {
        self.accounts.iter().find_map(Registration::target)
    }

    /// The local ports in use, one an account (0: any), `None` for inactive ones.
    pub fn wanted_ports(&self) -> Vec<Option<u16>> {
        self.accounts.iter().map(Registration::wanted_port).collect()
    }

    /// True when [`Input::Shutdown`] was handled to its end.
    pub fn is_shut_down(&self) -> bool {
        self.accounts.iter().all(Registration::is_shut_down) && self.transmits.is_empty()
    }

    /// Digits entered since the handset was lifted.
    pub fn dialled(&self) -> &str {
        &self.dialled
    }

    fn account_mut(&mut self, account: u8) -> Option<&mut Registration> {
        self.accounts.get_mut(usize::from(account).checked_sub(1)?)
    }

    fn datagram(&mut self, now: Instant, local: SocketAddr, from: SocketAddr, bytes: &[u8]) {
        // Keep-alives (RFC 5626 §3.5.1) and noise: too short for any message.
        if bytes.len() < 16 {
            return;
        }
        let message = match Message::parse_datagram(bytes) {
            Ok(message) => message,
            Err(error) => {
                tracing::debug!(%from, %error, "not a SIP message");
                return;
            }
        };
        if message.is_response() {
            for account in &mut self.accounts {
                if account.response(now, &message) {
                    return;
                }
            }
            tracing::debug!(%from, "response to nothing we sent");
            return;
        }
        let server = self.accounts.iter().find(|account| account.is_bound_at(from.ip()));
        let server = server.map(|account| account.state().index);
        let Some(answer) = self.responder.answer(now, &message, from, server.is_some()) else { return };
        self.transmits.push_back(Transmit { local_port: local.port(), to: answer.to, bytes: answer.bytes });
        if let Some(account) = server.filter(|_| answer.check_sync) {
            self.events.push_back(PhoneEvent::CheckSync { account });
        }
    }

    fn hook(&mut self, hook: HookSwitch) {
        if self.hook == hook {
            return;
        }
        self.hook = hook;
        self.dialled.clear();
        self.events.extend(match hook {
            HookSwitch::Off => [PhoneEvent::OffHook, PhoneEvent::IdleToBusy],
            HookSwitch::On => [PhoneEvent::OnHook, PhoneEvent::BusyToIdle],
        });
    }

    fn key(&mut self, key: char) {
        let dialling = self.hook == HookSwitch::Off && self.dialled.len() < MAX_DIALLED;
        if dialling && matches!(key, '0'..='9' | '*' | '#' | 'A'..='D') {
            self.dialled.push(key);
        }
    }

    fn local_address(&mut self, now: Instant, new: IpAddr) {
        match self.local_address.replace(new) {
            Some(old) if old == new => return,
            Some(old) => self.events.push_back(PhoneEvent::IpChange { old, new }),
            None => self.events.push_back(PhoneEvent::SetupCompleted),
        }
        for account in &mut self.accounts {
            account.set_local_address(now, new);
        }
    }
}
