//! A registrar in memory and a virtual clock, for tests of the sans-IO core.
#![allow(clippy::unwrap_used)]
#![allow(dead_code)] // Not every test binary uses all of it.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use auth_digest::{Algorithm, Challenge, Credentials, Ha1, verify};
use phone_core::settings::servers::ServerSettings;
use phone_core::sip::locate::{Query, Record, Records};
use phone_core::sip::message::{Contact, Message, Name, ResponseBuilder};
use phone_core::sip::transport::Transport;
use phone_core::{AccountSettings, AccountStatus, Input, Instant, Phone, PhoneConfig, PhoneEvent, Secret, Transmit};

pub const REALM: &str = "hotel.example";
pub const SERVER: &str = "192.0.2.10:5060";
pub const PHONE: &str = "192.0.2.55";
pub const PASSWORD: &str = "s3cret";

pub fn account() -> AccountSettings {
    let mut settings = AccountSettings {
        enabled: true,
        user: "1001".into(),
        password: Secret::new(PASSWORD),
        ..AccountSettings::default()
    };
    server(&mut settings, SERVER);
    settings
}

/// Sets the SIP server, as a person would write it; one that cannot be read counts as such.
pub fn server(settings: &mut AccountSettings, text: &str) {
    settings.servers = ServerSettings::at(text);
}

pub fn config(accounts: Vec<AccountSettings>) -> PhoneConfig {
    let mut config = PhoneConfig::new("GHP621", "1.0", [0xc0, 0x74, 0xad, 1, 2, 3]);
    config.accounts = accounts;
    // Ports people can read.
    config.phone.random_ports = false;
    config
}

/// How the registrar behaves. Change at will between steps.
pub struct Registrar {
    pub algorithms: Vec<Algorithm>,
    pub proxy_challenge: bool,
    pub nonce: u32,
    /// How long a nonce lives.
    pub nonce_life: Duration,
    pub min_expires: u32,
    pub grant: Option<u32>,
    pub password: String,
    pub dead: bool,
    /// Answers given instead of the usual ones, in order: status and headers.
    pub script: VecDeque<(u16, Vec<(Name, String)>)>,
    /// Claims to see requests from here.
    pub seen_at: Option<SocketAddr>,
    pub bindings: Vec<(String, Instant)>,
    pub requests: Vec<(Instant, Message, SocketAddr)>,
    nonce_made: Instant,
    last_cseq: u32,
}

impl Registrar {
    pub fn new(algorithms: &[Algorithm]) -> Self {
        Self {
            algorithms: algorithms.to_vec(),
            proxy_challenge: false,
            nonce: 1,
            nonce_life: Duration::from_secs(300),
            min_expires: 0,
            grant: None,
            password: PASSWORD.into(),
            dead: false,
            script: VecDeque::new(),
            seen_at: None,
            bindings: Vec::new(),
            requests: Vec::new(),
            nonce_made: Instant::ZERO,
            last_cseq: 0,
        }
    }

    pub fn take(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) -> Option<Vec<u8>> {
        let request = Message::parse_datagram(bytes).expect("the phone sends SIP");
        assert_eq!(request.defect(), None);
        if request.is_response() {
            // To something a test sent by itself.
            return None;
        }
        self.requests.push((now, request.clone(), from));
        if self.dead {
            return None;
        }
        assert_eq!(request.method().map(|m| m.as_str()), Some("REGISTER"));
        self.last_cseq = request.cseq().unwrap().number;
        let mut via = request.top_via().unwrap();
        if via.params.contains("rport") {
            let seen = self.seen_at.unwrap_or(from);
            via.params.set("rport", Some(&seen.port().to_string()));
            via.params.set("received", Some(&seen.ip().to_string()));
        }
        let (status, headers) = self.script.pop_front().unwrap_or_else(|| self.usual(now, &request));
        let mut response = ResponseBuilder::new(&request, status, via, "srv");
        for (name, value) in headers {
            response = response.header(name, value);
        }
        Some(response.finish(&[]))
    }

    fn usual(&mut self, now: Instant, request: &Message) -> (u16, Vec<(Name, String)>) {
        if self.proxy_challenge
            && let Err(refusal) = self.check(now, request, Name::ProxyAuthorization, Name::ProxyAuthenticate, 407)
        {
            return refusal;
        }
        if let Err(refusal) = self.check(now, request, Name::Authorization, Name::WwwAuthenticate, 401) {
            return refusal;
        }
        let asked = request.expires().unwrap_or(3600);
        if asked != 0 && asked < self.min_expires {
            return (423, vec![(Name::MinExpires, self.min_expires.to_string())]);
        }
        let granted = self.grant.unwrap_or(asked).min(asked);
        for contact in request.contacts() {
            match contact.unwrap() {
                Contact::Star => self.bindings.clear(),
                Contact::Addr(addr) => {
                    let own = addr.params.value("expires").and_then(|e| e.parse().ok()).unwrap_or(granted);
                    let uri = addr.uri.to_string();
                    self.bindings.retain(|(bound, _)| *bound != uri);
                    if own > 0 {
                        self.bindings.push((uri, now + Duration::from_secs(u64::from(own))));
                    }
                }
            }
        }
        self.bindings.retain(|(_, until)| *until > now);
        let contacts = self
            .bindings
            .iter()
            .map(|(uri, until)| (Name::Contact, format!("<{uri}>;expires={}", until.saturating_since(now).as_secs())));
        (200, contacts.collect())
    }

    fn check(
        &mut self,
        now: Instant,
        request: &Message,
        field: Name,
        challenge: Name,
        status: u16,
    ) -> Result<(), (u16, Vec<(Name, String)>)> {
        if self.algorithms.is_empty() {
            return Ok(());
        }
        if now.saturating_since(self.nonce_made) > self.nonce_life {
            self.nonce += 1;
            self.nonce_made = now;
        }
        let nonce = format!("n{}", self.nonce);
        let mut stale = false;
        if let Some(value) = request.header(field).filter(|v| !v.contains("nonce=\"\"")) {
            let credentials = Credentials::parse(value).expect("credentials parse");
            let ha1 = Ha1::new(credentials.algorithm, "1001", REALM, &self.password);
            let uri = request.request_uri_text().unwrap();
            let proven = verify(&credentials, &ha1, "REGISTER", uri, &[]).is_ok();
            if proven && credentials.nonce == nonce {
                assert_eq!(Some(credentials.algorithm), self.algorithms.iter().copied().max(), "strongest is used");
                return Ok(());
            }
            stale = proven;
        }
        let offers = self.algorithms.iter().map(|algorithm| {
            let mut offer = Challenge::new(*algorithm, REALM, nonce.clone());
            offer.stale = stale;
            (challenge, offer.to_string())
        });
        Err((status, offers.collect()))
    }
}

/// A phone, a registrar and the time between them.
pub struct World {
    pub now: Instant,
    pub phone: Phone,
    pub registrar: Registrar,
    pub events: Vec<(Instant, PhoneEvent)>,
    pub sent: Vec<(Instant, Transmit)>,
    /// Names the phone may resolve.
    pub names: Vec<(String, Vec<IpAddr>)>,
    pub resolved: Vec<String>,
    /// Loses the datagrams for which it says so: index from 0, in both directions together.
    pub lose: Box<dyn FnMut(usize) -> bool>,
    datagrams: usize,
    pub one_way: Duration,
    flying: Vec<(Instant, Transmit)>,
    answers: Vec<(Instant, u16, SocketAddr, Vec<u8>)>,
}

impl World {
    pub fn new(config: PhoneConfig, registrar: Registrar) -> Self {
        let mut world = Self::without_address(config, registrar);
        world.input(Input::LocalAddress(PHONE.parse().unwrap()));
        world
    }

    pub fn without_address(config: PhoneConfig, registrar: Registrar) -> Self {
        let now = Instant::new(Duration::from_secs(1_000_000));
        Self {
            now,
            phone: Phone::new(config, 42, now),
            registrar,
            events: Vec::new(),
            sent: Vec::new(),
            names: Vec::new(),
            resolved: Vec::new(),
            lose: Box::new(|_| false),
            datagrams: 0,
            one_way: Duration::from_millis(1),
            flying: Vec::new(),
            answers: Vec::new(),
        }
    }

    pub fn input(&mut self, input: Input) {
        self.phone.handle_input(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(query) = self.phone.poll_query() {
            let (Query::A(host) | Query::Aaaa(host) | Query::Srv(host) | Query::Naptr(host)) = &query;
            let known =
                self.names.iter().find(|(name, _)| name == host).map(|(_, all)| all.clone()).unwrap_or_default();
            let v6 = matches!(query, Query::Aaaa(_));
            let found = known.into_iter().filter(|address| address.is_ipv6() == v6).map(Record::Address);
            let records = if matches!(query, Query::A(_) | Query::Aaaa(_)) { found.collect() } else { Vec::new() };
            self.resolved.push(host.clone());
            let answer = Ok(Records { ttl: Duration::from_secs(60), records });
            self.phone.handle_input(self.now, Input::Resolved { query, answer });
        }
        while let Some(transmit) = self.phone.poll_transmit() {
            self.sent.push((self.now, transmit.clone()));
            self.datagrams += 1;
            if !(self.lose)(self.datagrams - 1) {
                self.flying.push((self.now + self.one_way, transmit));
            }
        }
        while let Some(event) = self.phone.poll_event() {
            self.events.push((self.now, event));
        }
    }

    /// Runs `span` of virtual time.
    pub fn run(&mut self, span: Duration) {
        let end = self.now + span;
        for _ in 0..1_000_000 {
            self.drain();
            let next = [
                self.phone.poll_timeout(),
                self.flying.iter().map(|(at, _)| *at).min(),
                self.answers.iter().map(|(at, ..)| *at).min(),
            ];
            let Some(next) = next.into_iter().flatten().min().filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            let (now, one_way) = (self.now, self.one_way);
            let (arrived, flying): (Vec<_>, _) =
                std::mem::take(&mut self.flying).into_iter().partition(|(at, _)| *at <= now);
            self.flying = flying;
            for (_, transmit) in arrived {
                let from = SocketAddr::new(self.phone.state().local_address.unwrap(), transmit.local_port);
                if let Some(bytes) = self.registrar.take(now, from, &transmit.bytes) {
                    self.datagrams += 1;
                    if !(self.lose)(self.datagrams - 1) {
                        self.answers.push((now + one_way, transmit.local_port, transmit.to, bytes));
                    }
                }
            }
            let (arrived, answers): (Vec<_>, _) =
                std::mem::take(&mut self.answers).into_iter().partition(|(at, ..)| *at <= now);
            self.answers = answers;
            for (_, port, from, bytes) in arrived {
                let local = SocketAddr::new(self.phone.state().local_address.unwrap(), port);
                self.phone.handle_input(now, Input::Message { transport: Transport::Udp, local, from, bytes });
            }
            self.phone.handle_timeout(now);
        }
        panic!("the phone does not come to rest");
    }

    pub fn run_s(&mut self, seconds: u64) {
        self.run(Duration::from_secs(seconds));
    }

    /// Events since the last call.
    pub fn news(&mut self) -> Vec<PhoneEvent> {
        self.drain();
        std::mem::take(&mut self.events).into_iter().map(|(_, event)| event).collect()
    }

    pub fn status(&self, account: usize) -> AccountStatus {
        self.phone.state().accounts[account - 1].status
    }

    /// Requests the registrar saw since the last call.
    pub fn requests(&mut self) -> Vec<(Instant, Message, SocketAddr)> {
        std::mem::take(&mut self.registrar.requests)
    }

    pub fn settings(&mut self, account: u8, settings: AccountSettings) {
        self.input(Input::Settings { account, settings: Box::new(settings) });
    }
}
