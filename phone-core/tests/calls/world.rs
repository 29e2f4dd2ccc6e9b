//! Phones, the proxy, peers made by hand, the network between them, and the time.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use phone_core::rng::Rng;
use phone_core::settings::calls::DialSource;
use phone_core::sip::call::{CallId, Stage};
use phone_core::sip::locate::{Record, Records};
use phone_core::sip::message::Message;
use phone_core::sip::transport::Transport;
use phone_core::{
    AccountSettings, AccountStatus, CallState, Command, HookSwitch, Input, Instant, Key, Phone, PhoneConfig,
    PhoneEvent, PhoneSettings, Tone, Transmit,
};

use crate::proxy::Proxy;

pub const SERVER: &str = "192.0.2.10";
pub const PASSWORD: &str = "s3cret";

/// A datagram.
#[derive(Clone)]
pub struct Packet {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
}

/// Settings of account `index` with user `user`; keys are those of the catalogue without `account.N.`.
pub fn account(index: u8, user: &str, extra: &[(&str, &str)]) -> AccountSettings {
    let port = (5060 + 2 * (u32::from(index) - 1)).to_string();
    let base = [
        ("enable", "yes"),
        ("sip.userid", user),
        ("sip.subscriber.password", PASSWORD),
        ("sip.server.1.address", SERVER),
        ("sip.localport", port.as_str()),
    ];
    AccountSettings::from_values(index, |key| {
        let key = key.strip_prefix(&format!("account.{index}."))?;
        let mut all = extra.iter().chain(&base);
        all.find(|(known, _)| *known == key).map(|(_, value)| (*value).to_owned())
    })
}

/// Settings of a phone, by their keys in the catalogue.
pub fn phone(extra: &[(&str, &str)]) -> PhoneSettings {
    PhoneSettings::from_values(&|key| {
        let mut all = extra.iter().chain(&[("network.rtp.userandomport", "no")]);
        all.find(|(known, _)| *known == key).map(|(_, value)| (*value).to_owned())
    })
}

/// How bad the network is: chances in a thousand, and the spread of delays.
#[derive(Clone, Copy, Default, Debug)]
pub struct Weather {
    pub loss: u64,
    pub copies: u64,
    pub spread_ms: u64,
}

pub struct Desk {
    pub phone: Phone,
    pub events: Vec<(Instant, PhoneEvent)>,
    /// Whether it is busy, by its events.
    pub busy: bool,
    /// What it speaks, if its accounts speak over streams.
    pub stream: Option<Transport>,
    /// Servers it is connected to.
    pub connected: Vec<SocketAddr>,
}

pub struct World {
    pub now: Instant,
    pub desks: Vec<Desk>,
    pub proxy: Proxy,
    /// What came for addresses that are nobody's phone.
    pub mail: BTreeMap<SocketAddr, Vec<(Instant, Message)>>,
    pub weather: Weather,
    rng: Rng,
    flying: Vec<(Instant, u64, Packet)>,
    sent: u64,
    /// Kinds of messages to lose, and how many of each.
    losing: Vec<(String, usize)>,
    pub trace: Vec<(Instant, Packet)>,
    /// What comes for the first address is led to the second.
    pub moved: BTreeMap<IpAddr, IpAddr>,
    pub peers: u32,
}

pub type Setup = (Vec<AccountSettings>, PhoneSettings);

impl World {
    /// One phone a user, registered.
    pub fn of(users: &[&str]) -> Self {
        Self::with(users.iter().map(|user| (vec![account(1, user, &[])], phone(&[]))).collect())
    }

    /// Phones 101 and 102, the first with these settings.
    pub fn pair(first: &[(&str, &str)], second: &[(&str, &str)]) -> Self {
        Self::with(vec![(vec![account(1, "101", first)], phone(&[])), (vec![account(1, "102", second)], phone(&[]))])
    }

    pub fn with(setups: Vec<Setup>) -> Self {
        let mut world = Self::unregistered(setups);
        world.run(1);
        for (at, desk) in world.desks.iter().enumerate() {
            for account in desk.phone.state().accounts {
                assert_ne!(account.status, AccountStatus::Failed, "phone {at}: {account:?}");
            }
        }
        world.forget();
        world
    }

    /// Phones that have just been switched on.
    pub fn unregistered(setups: Vec<Setup>) -> Self {
        let now = Instant::new(Duration::from_secs(1_000_000));
        let mut world = Self {
            now,
            desks: Vec::new(),
            proxy: Proxy::new(),
            mail: BTreeMap::new(),
            weather: Weather::default(),
            rng: Rng::new(7, 7),
            flying: Vec::new(),
            sent: 0,
            losing: Vec::new(),
            trace: Vec::new(),
            moved: BTreeMap::new(),
            peers: 0,
        };
        for (number, (accounts, phone)) in (1u8..).zip(setups) {
            let transport = accounts.first().map(|account| account.transport);
            let stream = transport.filter(|transport| *transport != Transport::Udp);
            let mut config = PhoneConfig::new("GHP621", "1.0", [0xc0, 0x74, 0xad, 0, 0, number]);
            (config.accounts, config.phone) = (accounts, phone);
            let phone = Phone::new(config, u64::from(number), now);
            let address = IpAddr::from([192, 0, 2, 100 + number]);
            world.desks.push(Desk { phone, events: Vec::new(), busy: false, stream, connected: Vec::new() });
            world.input(usize::from(number) - 1, Input::LocalAddress(address));
        }
        world
    }

    pub fn seed(mut self, seed: u64) -> Self {
        self.rng = Rng::new(seed, 7);
        self
    }

    // ---- what people do ----

    pub fn input(&mut self, at: usize, input: Input) {
        self.desks[at].phone.handle_input(self.now, input);
        self.drain();
    }

    pub fn lift(&mut self, at: usize) {
        self.input(at, Input::Hook(HookSwitch::Off));
    }

    pub fn hang_up(&mut self, at: usize) {
        self.input(at, Input::Hook(HookSwitch::On));
    }

    pub fn keys(&mut self, at: usize, keys: &str) {
        for key in keys.chars() {
            self.input(at, Input::KeyPress(key));
        }
    }

    pub fn key(&mut self, at: usize, key: Key) {
        self.input(at, Input::Key(key));
    }

    pub fn command(&mut self, at: usize, command: Command) {
        self.input(at, Input::Command(command));
    }

    /// Lifts, dials and sends.
    pub fn dial(&mut self, at: usize, number: &str) {
        self.lift(at);
        self.keys(at, number);
        self.keys(at, "#");
    }

    /// Another program dials.
    pub fn api_dial(&mut self, at: usize, number: &str) {
        self.command(at, Command::Dial { account: 0, number: number.to_owned(), source: DialSource::Api });
    }

    /// `from` calls `to`, who answers.
    pub fn talk(&mut self, from: usize, to: usize) {
        let number = self.desks[to].phone.state().accounts[0].user.clone();
        self.dial(from, &number);
        self.run_ms(200);
        self.lift(to);
        self.run_ms(200);
        assert_eq!(self.stages(from), [Stage::Up], "{}", self.story());
        assert_eq!(self.stages(to), [Stage::Up], "{}", self.story());
    }

    // ---- what is seen ----

    pub fn calls(&self, at: usize) -> Vec<CallState> {
        self.desks[at].phone.state().calls
    }

    pub fn call(&self, at: usize, number: usize) -> CallId {
        self.calls(at)[number].id
    }

    pub fn stages(&self, at: usize) -> Vec<Stage> {
        self.calls(at).iter().map(|call| call.stage).collect()
    }

    pub fn tone(&self, at: usize) -> Tone {
        self.desks[at].phone.state().tone
    }

    /// We hold, they hold: of each call.
    pub fn holds(&self, at: usize) -> Vec<(bool, bool)> {
        self.calls(at).iter().map(|call| (call.held, call.held_by_them)).collect()
    }

    /// The names of the events since the last call.
    pub fn news(&mut self, at: usize) -> Vec<String> {
        self.events(at).iter().map(name).collect()
    }

    /// The events since the last call.
    pub fn events(&mut self, at: usize) -> Vec<PhoneEvent> {
        std::mem::take(&mut self.desks[at].events).into_iter().map(|(_, event)| event).collect()
    }

    /// Forgets all that was seen.
    pub fn forget(&mut self) {
        self.trace.clear();
        self.proxy.seen.clear();
        self.mail.clear();
        self.desks.iter_mut().for_each(|desk| desk.events.clear());
    }

    /// How many of a kind phones and peers sent.
    pub fn count(&self, wanted: &str) -> usize {
        let ours = |packet: &Packet| !self.proxy.addresses.contains(&packet.from.ip());
        self.trace.iter().filter(|(_, packet)| ours(packet) && kind(&packet.bytes) == wanted).count()
    }

    /// What went over the wire, for messages of failing tests.
    pub fn story(&self) -> String {
        let mut text = String::new();
        for (at, packet) in &self.trace {
            let millis = at.since_epoch().as_millis() % 100_000_000;
            let _ = writeln!(text, "{millis} {} -> {} {}", packet.from, packet.to, kind(&packet.bytes));
        }
        for (at, desk) in self.desks.iter().enumerate() {
            let names: Vec<String> = desk.events.iter().map(|(_, event)| name(event)).collect();
            let _ = writeln!(text, "phone {at}: {:?} {names:?}", desk.phone.state().calls);
        }
        text
    }

    // ---- the network ----

    /// The next `count` messages of a kind are lost; with the proxy between them each message flies twice.
    pub fn lose(&mut self, kind: &str, count: usize) {
        self.losing.push((kind.to_owned(), count));
    }

    pub fn send(&mut self, packet: Packet) {
        self.trace.push((self.now, packet.clone()));
        let wanted = kind(&packet.bytes);
        if let Some((_, left)) = self.losing.iter_mut().find(|(kind, left)| *kind == wanted && *left > 0) {
            *left -= 1;
            return;
        }
        let streamed = self
            .desks
            .iter()
            .any(|desk| desk.stream.is_some() && desk.phone.state().local_address == Some(packet.to.ip()));
        if streamed {
            return self.fly(Duration::from_millis(1), packet);
        }
        let chance = |rng: &mut Rng, of: u64| of > 0 && rng.next_u64() % 1000 < of;
        let copies = if chance(&mut self.rng, self.weather.loss) { 0 } else { 1 }
            + usize::from(chance(&mut self.rng, self.weather.copies));
        for _ in 0..copies {
            let delay = Duration::from_millis(1) + self.rng.up_to(Duration::from_millis(self.weather.spread_ms));
            self.fly(delay, packet.clone());
        }
    }

    fn drain(&mut self) {
        for at in 0..self.desks.len() {
            let now = self.now;
            while let Some(query) = self.desks[at].phone.poll_query() {
                let records: Vec<Record> = Vec::new();
                let answer = Ok(Records { ttl: Duration::from_secs(60), records });
                self.desks[at].phone.handle_input(now, Input::Resolved { query, answer });
            }
            while let Some(transmit) = self.desks[at].phone.poll_transmit() {
                if transmit.transport != Transport::Udp && self.desks[at].stream.is_some() {
                    self.send_on_stream(at, transmit);
                    continue;
                }
                if transmit.transport != Transport::Udp {
                    // Nobody listens for streams otherwise: large requests go back to UDP.
                    let (transport, remote, reason) = (transmit.transport, transmit.to, "refused".to_owned());
                    let refused = Input::Disconnected { transport, remote, reason };
                    self.desks[at].phone.handle_input(now, refused);
                    continue;
                }
                let desk = &self.desks[at];
                if let Some(address) = desk.phone.state().local_address {
                    let from = SocketAddr::new(address, transmit.local_port);
                    self.send(Packet { from, to: transmit.to, bytes: transmit.bytes });
                }
            }
            self.read(at);
        }
    }

    /// Over a stream, that is opened if there is none yet.
    fn send_on_stream(&mut self, at: usize, transmit: Transmit) {
        let Transmit { account, transport, to: remote, bytes, .. } = transmit;
        let Some(address) = self.desks[at].phone.state().local_address else { return };
        let local = SocketAddr::new(address, 40_000);
        if !self.desks[at].connected.contains(&remote) {
            self.desks[at].connected.push(remote);
            let open = Input::Connected { account, transport, local, remote };
            self.desks[at].phone.handle_input(self.now, open);
        }
        let packet = Packet { from: local, to: remote, bytes };
        self.trace.push((self.now, packet.clone()));
        self.fly(Duration::from_millis(1), packet);
    }

    fn fly(&mut self, delay: Duration, packet: Packet) {
        self.sent += 1;
        self.flying.push((self.now + delay, self.sent, packet));
    }

    /// The stream of a phone to a server breaks.
    pub fn disconnect(&mut self, at: usize, remote: SocketAddr) {
        let Some(transport) = self.desks[at].stream else { return };
        self.desks[at].connected.retain(|known| *known != remote);
        self.input(at, Input::Disconnected { transport, remote, reason: "reset by peer".to_owned() });
    }

    /// Takes events, and checks what must hold at every moment.
    fn read(&mut self, at: usize) {
        let now = self.now;
        let desk = &mut self.desks[at];
        while let Some(event) = desk.phone.poll_event() {
            match event {
                PhoneEvent::IdleToBusy | PhoneEvent::BusyToIdle => {
                    let busy = event == PhoneEvent::IdleToBusy;
                    assert_ne!(desk.busy, busy, "busy and idle alternate");
                    desk.busy = busy;
                }
                _ => {}
            }
            desk.events.push((now, event));
        }
        let calls = desk.phone.state().calls;
        let mut ports: Vec<u16> = calls.iter().filter_map(|call| Some(desk.phone.media(call.id)?.1)).collect();
        let all = ports.len();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), all, "no two calls share a port");
    }

    pub fn run(&mut self, seconds: u64) {
        self.run_ms(seconds * 1000);
    }

    pub fn run_ms(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        let mut still = 0;
        for _ in 0..2_000_000 {
            self.drain();
            let phones = self.desks.iter().filter_map(|desk| desk.phone.poll_timeout()).min();
            let packets = self.flying.iter().map(|(at, ..)| *at).min();
            let next = [phones, packets].into_iter().flatten().min().filter(|next| *next <= end);
            let Some(next) = next else {
                self.now = end;
                return;
            };
            still = if next <= self.now { still + 1 } else { 0 };
            assert!(still < 1_000, "time stands still: {}", self.story());
            self.now = self.now.max(next);
            self.deliver();
            for at in 0..self.desks.len() {
                self.desks[at].phone.handle_timeout(self.now);
            }
        }
        panic!("the phones do not come to rest");
    }

    fn deliver(&mut self) {
        let now = self.now;
        let (mut due, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.flying).into_iter().partition(|(at, ..)| *at <= now);
        self.flying = rest;
        due.sort_by_key(|(at, number, _)| (*at, *number));
        for (_, _, mut packet) in due {
            if let Some(ip) = self.moved.get(&packet.to.ip()) {
                packet.to.set_ip(*ip);
            }
            if self.proxy.addresses.contains(&packet.to.ip()) {
                for answer in self.proxy.take(now, &packet) {
                    self.send(answer);
                }
                continue;
            }
            let owner = self.desks.iter().position(|desk| desk.phone.state().local_address == Some(packet.to.ip()));
            match owner {
                Some(at) => {
                    let Packet { from, to: local, bytes } = packet;
                    let transport = self.desks[at].stream.unwrap_or(Transport::Udp);
                    self.input(at, Input::Message { transport, local, from, bytes });
                }
                None => {
                    if let Ok(message) = Message::parse_datagram(&packet.bytes) {
                        self.mail.entry(packet.to).or_default().push((now, message));
                    }
                }
            }
        }
    }
}

/// `INVITE`, `180 INVITE`.
pub fn kind(bytes: &[u8]) -> String {
    let Ok(message) = Message::parse_datagram(bytes) else { return "noise".to_owned() };
    match (message.status(), message.method()) {
        (Some(status), _) => format!("{status} {}", message.cseq().map_or("?".into(), |c| c.method.to_string())),
        (None, Some(method)) => method.to_string(),
        _ => "noise".to_owned(),
    }
}

/// The name of an event.
pub fn name(event: &PhoneEvent) -> String {
    format!("{event:?}").split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}
