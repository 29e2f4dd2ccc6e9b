//! The top machine: everything that reaches the phone enters here, and everything it wants is polled from here.
//!
//! After each `handle_*` call, drain `poll_transmit`, `poll_query` and `poll_event`, then sleep until `poll_timeout`.
//!
//! | file | what |
//! |---|---|
//! | `input` | what goes in and comes out |
//! | `requests` | requests that come, up to the decision whose they are |
//! | `incoming` | who may call, how it rings, and when the phone answers by itself |
//! | `outgoing` | from a number to an INVITE: prefix, dial plan, emergency, address calls |
//! | `dialling` | digits one by one |
//! | `code` | numbers that are the phone's own |
//! | `keys` | hook switch, keys and commands |
//! | `calls` | what becomes of calls: events, holding, swapping, conference, transfer |
//! | `saying` | what the phone says itself |
//! | `report` | how a call sounded, for a collector |
//! | `ring` | ringtones |
//! | `sound` | what is to be heard, where, and what the sound of calls tells |

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::rng::Rng;
use crate::settings::tls::StreamSettings;
use crate::settings::{AccountSettings, PhoneSettings};
use crate::sip::account::{Account, Routed};
use crate::sip::call::{Call, CallId, Ctx};
use crate::sip::identity::Identity;
use crate::sip::inbox::{Arrival, Inbox};
use crate::sip::late;
use crate::sip::line::Line;
use crate::sip::locate::{DnsFailure, Query, Records};
use crate::sip::message::{HostPort, Message, Name};
use crate::sip::stun;
use crate::sip::transport::Transport;
use crate::state::{CallQuality, CallState, PhoneState, Tone};
use crate::time::{Instant, earliest};

mod calls;
mod code;
mod dialling;
mod incoming;
mod input;
mod keys;
mod outgoing;
mod report;
mod requests;
mod ring;
mod saying;
mod sound;

pub use code::Code;
pub use input::{
    CallInfo, Command, HookSwitch, Input, Key, PhoneConfig, PhoneEvent, Socket, SoundDigit, SoundNews, Transmit,
};
pub use saying::Saying;
pub use sound::{Ear, Leg, Sound};

use calls::Entry;
use dialling::Dialler;
use requests::Challenger;

/// Calls at the same time; one more is busy.
pub const MOST_CALLS: usize = 4;

/// The number dialled last.
#[derive(Clone, Debug)]
struct Redial {
    account: u8,
    number: String,
    at: Instant,
}

/// The phone. See the module documentation for how to drive it.
#[derive(Debug)]
pub struct Phone {
    settings: Arc<PhoneSettings>,
    accounts: Vec<Account>,
    inbox: Inbox,
    challenger: Challenger,
    rng: Rng,

    calls: Vec<Entry>,
    next_call: u32,
    /// The call people talk in.
    focus: Option<CallId>,
    /// Those that hear each other.
    conference: Vec<CallId>,
    /// To be passed on, once it is known to whom.
    passing_on: Option<CallId>,
    redial: Option<Redial>,
    last_caller: Option<(u8, String)>,

    hook: HookSwitch,
    speaker: bool,
    muted: bool,
    mute_next: bool,
    do_not_disturb: bool,
    dialler: Dialler,
    tone: Tone,
    tone_until: Option<Instant>,
    saying: Option<Saying>,
    /// Utterances so far.
    said: u32,
    busy: bool,

    /// Digits to send in the sound of calls.
    sound_digits: VecDeque<SoundDigit>,
    /// Ports of audio that another program holds.
    taken_ports: VecDeque<u16>,
    ring_volume: u8,
    talk_volume: u8,

    location: Option<String>,
    dhcp_servers: Vec<HostPort>,
    /// The accounts' settings as they were given, before DHCP's servers.
    given: Vec<AccountSettings>,
    local_address: Option<IpAddr>,
    events: VecDeque<PhoneEvent>,
}

impl Phone {
    /// A phone at `now`. `seed` should be random and secret outside tests; identifiers, keys and jitter come from it.
    /// Nothing is sent before the first [`Input::LocalAddress`].
    pub fn new(config: PhoneConfig, seed: impl Into<crate::rng::Seed>, now: Instant) -> Self {
        let seed = seed.into();
        let identity = Arc::new(Identity::new(&config.model, &config.version, config.mac));
        let settings = Arc::new(config.phone);
        let given = config.accounts.clone();
        let accounts = config.accounts.into_iter().zip(1u8..).map(|(account, index)| {
            let mut rng = Rng::seeded(seed, u64::from(index));
            let start = now + settings.register_delay + rng.up_to(config.start_spread);
            let line = Line::new(index, Arc::new(account), settings.clone(), identity.clone(), rng);
            Account::new(line, now, start)
        });
        let accounts: Vec<Account> = accounts.collect();
        let ring_volume = settings.sound.ring_volume;
        let server = identity.user_agent(&AccountSettings::default(), &settings, false);
        Self {
            accounts,
            inbox: Inbox::new(server, Rng::seeded(seed, 0)),
            challenger: Challenger::default(),
            rng: Rng::seeded(seed, 1 << 32),
            settings,
            calls: Vec::new(),
            next_call: 0,
            focus: None,
            conference: Vec::new(),
            passing_on: None,
            redial: None,
            last_caller: None,
            hook: HookSwitch::On,
            speaker: false,
            muted: false,
            mute_next: false,
            do_not_disturb: false,
            dialler: Dialler::default(),
            tone: Tone::None,
            tone_until: None,
            saying: None,
            said: 0,
            busy: false,
            sound_digits: VecDeque::new(),
            taken_ports: VecDeque::new(),
            ring_volume,
            talk_volume: sound::USUAL_VOLUME,
            location: None,
            dhcp_servers: Vec::new(),
            given,
            local_address: None,
            events: VecDeque::new(),
        }
    }

    /// Takes one input in. Never fails: what makes no sense is ignored or answered on the wire.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        match input {
            Input::Message { transport, local, from, bytes } => {
                self.message(now, Arrival { transport, local, from }, &bytes);
            }
            Input::Connected { account, transport, local, remote } => {
                if let Some(account) = self.account_mut(account) {
                    account.connected(now, transport, local, remote);
                }
            }
            Input::Disconnected { transport, remote, reason } => self.disconnected(now, transport, remote, &reason),
            Input::Pong { .. } => {}
            Input::Settings { account, settings } => self.account_settings(now, account, *settings),
            Input::PhoneSettings(settings) => self.phone_settings(now, *settings),
            Input::DhcpServers(servers) => self.set_dhcp_servers(now, servers),
            Input::Location(location) => self.location = location,
            Input::Hook(hook) => self.hook(now, hook),
            Input::KeyPress(key) => self.digit(now, key),
            Input::Key(key) => self.key(now, key),
            Input::Command(command) => self.command(now, command),
            Input::Resolved { query, answer } => self.resolved(now, &query, &answer),
            Input::LocalAddress(address) => self.set_local_address(now, address),
            Input::LocalPort { account, transport, port } => {
                if let Some(account) = self.account_mut(account) {
                    account.set_port(now, transport, port);
                }
            }
            Input::Say { words, aloud } => self.say(now, &words, aloud),
            Input::Sound { call, news } => self.sound_news(now, call, news),
            Input::Shutdown => self.shutdown(now),
        }
        self.settle(now);
    }

    /// Lets the time-driven parts act. Calling early or late is harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.inbox.handle_timeout(now);
        while let Some(id) = self.inbox.poll_unacknowledged() {
            self.each_call(now, |call, ctx| call.unacknowledged(ctx, id));
        }
        for at in 0..self.accounts.len() {
            let Some(account) = self.accounts.get_mut(at) else { break };
            for id in account.handle_timeout(now) {
                self.lost(now, at, id);
            }
        }
        self.each_call(now, |call, ctx| call.handle_timeout(ctx));
        self.entries_timeout(now);
        self.dialler_timeout(now);
        if self.tone_until.is_some_and(|until| now >= until) {
            self.set_tone(Tone::None);
        }
        self.settle(now);
    }

    /// When to call [`Phone::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let accounts = self.accounts.iter().map(Account::poll_timeout).fold(self.inbox.poll_timeout(), earliest);
        let calls = self.calls.iter().map(Entry::poll_timeout).fold(accounts, earliest);
        earliest(earliest(calls, self.dialler.poll_timeout()), self.tone_until)
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.inbox.poll_transmit().or_else(|| self.accounts.iter_mut().find_map(|one| one.line.poll_transmit()))
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<PhoneEvent> {
        self.events.pop_front().or_else(|| self.accounts.iter_mut().find_map(Account::poll_event))
    }

    /// The next question to the DNS; answer with [`Input::Resolved`].
    pub fn poll_query(&mut self) -> Option<Query> {
        self.accounts.iter_mut().find_map(Account::poll_query)
    }

    /// What the phone shows of itself.
    pub fn state(&self) -> PhoneState {
        let call = |entry: &Entry| CallState {
            id: entry.call.id,
            account: entry.call.account,
            outgoing: entry.call.outgoing,
            peer: entry.call.peer.clone(),
            stage: entry.call.stage(),
            since: entry.call.since(),
            held: entry.call.is_held(),
            held_by_them: entry.call.is_held_by_them(),
            conference: self.conference.contains(&entry.call.id),
            emergency: entry.call.emergency,
            codec: entry.call.media().map(|media| media.codec.name.key().to_owned()),
            srtp: entry.call.media().is_some_and(|media| media.srtp.is_some()),
            suite: entry.call.media().and_then(|media| media.srtp.as_ref()).map(|pair| pair.suite.name()),
            quality: entry.quality.as_deref().map(CallQuality::of),
        };
        PhoneState {
            hook: self.hook,
            local_address: self.local_address,
            accounts: self.accounts.iter().map(Account::state).collect(),
            calls: self.calls.iter().filter(|entry| entry.call.is_alive()).map(call).collect(),
            tone: self.tone,
            saying: self.saying.iter().flat_map(|saying| saying.words.iter()).map(|word| word.text()).collect(),
            ringing: self.ringing(),
            dialled: self.dialler.digits().to_owned(),
            muted: self.muted,
            do_not_disturb: self.do_not_disturb,
            speaker: self.speaker,
            ring_volume: self.ring_volume,
            talk_volume: self.talk_volume,
        }
    }

    /// What was agreed about the audio of a call, and our port of it.
    pub fn media(&self, call: CallId) -> Option<(&crate::sdp::Agreed, u16)> {
        let entry = self.calls.iter().find(|entry| entry.call.id == call)?;
        Some((entry.call.media()?, entry.call.media_port()))
    }

    /// Where the first account's requests go, once known: what the driver needs to find the local address that
    /// reaches it.
    pub fn probe_target(&self) -> Option<SocketAddr> {
        self.accounts.iter().find_map(|account| account.line.locator.target()).map(|target| target.address)
    }

    /// The sockets to have open.
    pub fn sockets(&self) -> Vec<Socket> {
        self.accounts.iter().flat_map(Account::sockets).collect()
    }

    /// What the streams of an account (1-based) must hold to.
    pub fn stream_settings(&self, account: u8) -> StreamSettings {
        self.account(account).map(|account| account.line.settings.streams.clone()).unwrap_or_default()
    }

    /// The class of service (DSCP) of SIP, 0..=63.
    pub fn dscp_sip(&self) -> u8 {
        self.settings.dscp_sip
    }

    /// True when [`Input::Shutdown`] was handled to its end.
    pub fn is_shut_down(&self) -> bool {
        self.accounts.iter().all(|account| account.registration.is_shut_down() && account.line.is_quiet())
    }

    /// Digits entered and not yet sent.
    pub fn dialled(&self) -> &str {
        self.dialler.digits()
    }

    /// Requests dropped because their senders sent too many.
    pub fn flooded(&self) -> u64 {
        self.inbox.flooded
    }

    // ---- within ----

    fn account(&self, account: u8) -> Option<&Account> {
        self.accounts.get(usize::from(account).checked_sub(1)?)
    }

    fn account_mut(&mut self, account: u8) -> Option<&mut Account> {
        self.accounts.get_mut(usize::from(account).checked_sub(1)?)
    }

    fn entry(&self, id: CallId) -> Option<&Entry> {
        self.calls.iter().find(|entry| entry.call.id == id)
    }

    fn entry_mut(&mut self, id: CallId) -> Option<&mut Entry> {
        self.calls.iter_mut().find(|entry| entry.call.id == id)
    }

    /// Whether a call is alive.
    fn has_calls(&self) -> bool {
        self.calls.iter().any(|entry| entry.call.is_alive())
    }

    /// Lets a call act.
    fn with_call<R>(&mut self, now: Instant, id: CallId, act: impl FnOnce(&mut Call, &mut Ctx<'_>) -> R) -> Option<R> {
        let entry = self.calls.iter_mut().find(|entry| entry.call.id == id)?;
        let account = self.accounts.get_mut(usize::from(entry.call.account).checked_sub(1)?)?;
        Some(act(&mut entry.call, &mut Ctx { now, line: &mut account.line, inbox: &mut self.inbox }))
    }

    fn each_call(&mut self, now: Instant, mut act: impl FnMut(&mut Call, &mut Ctx<'_>)) {
        let ids: Vec<CallId> = self.calls.iter().map(|entry| entry.call.id).collect();
        for id in ids {
            self.with_call(now, id, &mut act);
        }
    }

    fn message(&mut self, now: Instant, arrival: Arrival, bytes: &[u8]) {
        if arrival.transport == Transport::Udp && stun::is_stun(bytes) {
            for account in &mut self.accounts {
                account.stun(now, bytes);
            }
            return;
        }
        // Keep-alives (RFC 5626 §3.5.1) and noise: too short for any message.
        if bytes.len() < 16 {
            return;
        }
        let message = match Message::parse_datagram(bytes) {
            Ok(message) => message,
            Err(error) => {
                tracing::debug!(from = %arrival.from, %error, "not a SIP message");
                return;
            }
        };
        if message.is_response() {
            self.response(now, &message);
        } else {
            self.request(now, arrival, &message);
        }
    }

    fn response(&mut self, now: Instant, message: &Message) {
        if message.defect().is_some() {
            // RFC 3261 §18.3: as if it had not come.
            return;
        }
        for at in 0..self.accounts.len() {
            let Some(account) = self.accounts.get_mut(at) else { return };
            match account.response(now, message) {
                Routed::Nobody => {}
                Routed::Taken => return,
                Routed::Call(id, status) => {
                    let owner = self.calls.iter().find(|entry| is_at(entry, at) && entry.call.sent(id));
                    if let Some(owner) = owner.map(|entry| entry.call.id) {
                        self.with_call(now, owner, |call, ctx| call.response(ctx, id, status, message));
                    } else if (200..300).contains(&status)
                        && let Some(account) = self.accounts.get_mut(at)
                    {
                        late::part_with(&mut account.line, now, id, message);
                    }
                    return;
                }
            }
        }
        tracing::debug!("response to nothing we sent");
    }

    /// A request of a call of account number `at` came to nothing.
    fn lost(&mut self, now: Instant, at: usize, id: crate::sip::line::RequestId) {
        let owner = self.calls.iter().find(|entry| is_at(entry, at) && entry.call.sent(id));
        match owner.map(|entry| entry.call.id) {
            Some(owner) => drop(self.with_call(now, owner, |call, ctx| call.lost(ctx, id))),
            None => {
                if let Some(account) = self.accounts.get_mut(at) {
                    account.line.forget(id);
                }
            }
        }
    }

    fn disconnected(&mut self, now: Instant, transport: Transport, remote: SocketAddr, reason: &str) {
        tracing::debug!(%transport, %remote, reason, "disconnected");
        for at in 0..self.accounts.len() {
            let Some(account) = self.accounts.get_mut(at) else { break };
            for id in account.disconnected(now, transport, remote, reason) {
                self.lost(now, at, id);
            }
        }
    }

    fn resolved(&mut self, now: Instant, query: &Query, answer: &Result<Records, DnsFailure>) {
        for account in &mut self.accounts {
            account.resolved(now, query, answer);
        }
    }

    fn account_settings(&mut self, now: Instant, index: u8, settings: AccountSettings) {
        let Some(at) = usize::from(index).checked_sub(1).filter(|at| *at < self.accounts.len()) else { return };
        if let Some(given) = self.given.get_mut(at) {
            *given = settings;
        }
        self.apply_account(now, at);
    }

    /// Puts an account's settings into force, with the servers DHCP names in place of its own if that is allowed
    /// (RFC 3361).
    fn apply_account(&mut self, now: Instant, at: usize) {
        let (Some(given), Some(account)) = (self.given.get(at), self.accounts.get_mut(at)) else { return };
        let mut settings = given.clone();
        if self.settings.dhcp_servers && !self.dhcp_servers.is_empty() {
            settings.servers.servers = [self.dhcp_servers.first().cloned(), self.dhcp_servers.get(1).cloned()];
        }
        account.apply(now, Arc::new(settings));
    }

    fn phone_settings(&mut self, now: Instant, settings: PhoneSettings) {
        if *self.settings == settings {
            return;
        }
        if self.settings.sound.ring_volume != settings.sound.ring_volume {
            self.ring_volume = settings.sound.ring_volume;
        }
        self.settings = Arc::new(settings);
        if let Some(account) = self.accounts.first() {
            let identity = account.line.identity.clone();
            self.inbox.server = identity.user_agent(&AccountSettings::default(), &self.settings, false);
        }
        for at in 0..self.accounts.len() {
            if let Some(account) = self.accounts.get_mut(at) {
                account.apply_phone(now, self.settings.clone());
            }
            self.apply_account(now, at);
        }
    }

    fn set_dhcp_servers(&mut self, now: Instant, servers: Vec<HostPort>) {
        if self.dhcp_servers == servers {
            return;
        }
        self.dhcp_servers = servers;
        for at in 0..self.accounts.len() {
            self.apply_account(now, at);
        }
    }

    fn set_local_address(&mut self, now: Instant, new: IpAddr) {
        match self.local_address.replace(new) {
            Some(old) if old == new => return,
            Some(old) => self.events.push_back(PhoneEvent::IpChange { old, new }),
            None => self.events.push_back(PhoneEvent::SetupCompleted),
        }
        for account in &mut self.accounts {
            account.set_local(now, new);
        }
        self.move_calls(now);
    }

    fn shutdown(&mut self, now: Instant) {
        self.each_call(now, |call, ctx| call.hang_up(ctx));
        for account in &mut self.accounts {
            account.shutdown(now);
        }
    }
}

fn is_at(entry: &Entry, at: usize) -> bool {
    usize::from(entry.call.account) == at + 1
}

/// The cause a Reason header names for SIP (RFC 3326): 200 says that the call was answered elsewhere.
pub(crate) fn cause(message: &Message) -> Option<u16> {
    let reason =
        message.headers(Name::Reason).find(|value| value.trim_start().to_ascii_uppercase().starts_with("SIP"))?;
    let cause = reason.split(';').find_map(|part| part.trim().strip_prefix("cause="))?;
    cause.trim().parse().ok()
}
