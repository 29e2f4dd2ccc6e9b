//! A phone set up by catalogue keys, a server in memory, and virtual time between them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use auth_digest::{Algorithm, Challenge};
use phone_core::phone::PhoneConfig;
use phone_core::sip::locate::{DnsFailure, Query, Record, Records};
use phone_core::sip::message::{Message, Method, Name, ResponseBuilder};
use phone_core::sip::transport::Transport;
use phone_core::{
    AccountSettings, CallState, Command, HookSwitch, Input, Instant, Phone, PhoneEvent, PhoneSettings, Tone, Transmit,
};

use super::leg::{Leg, answer_to, mirrored, offer};

/// The registrar of account 1.
pub const SERVER: &str = "192.0.2.10:5060";
/// A second one.
pub const BACKUP: &str = "192.0.2.20:5060";
/// Where the phone is.
pub const PHONE: &str = "192.0.2.55";
/// What every test begins with.
const BASE: &[(&str, &str)] = &[
    ("account.1.enable", "yes"),
    ("account.1.sip.server.1.address", SERVER),
    ("account.1.sip.userid", "1001"),
    ("account.1.sip.subscriber.password", "s3cret"),
    // Ports people can read.
    ("network.rtp.userandomport", "no"),
    // INVITEs that fit into a datagram.
    ("account.1.codec.choice", "pcmu,pcma"),
];

/// A message the phone sent.
#[derive(Clone, Debug)]
pub struct Sent {
    pub at: Instant,
    pub transmit: Transmit,
    /// `None` for what is not SIP.
    pub message: Option<Message>,
}

/// How the server behaves. Change at will between steps.
pub struct Server {
    /// Addresses that are silent.
    pub dead: Vec<SocketAddr>,
    /// Methods nobody answers.
    pub silent: Vec<Method>,
    /// How REGISTER is answered, once it is let in.
    pub register: u16,
    /// REGISTER is asked for credentials.
    pub challenges: bool,
    /// How a new INVITE is answered: statuses, one after the other.
    pub invite: Vec<u16>,
    /// Headers of answers to INVITE, beside the usual.
    pub invite_headers: Vec<(Name, String)>,
    /// The Contact of answers in a dialog.
    pub contact: String,
    /// Where it says requests come from; `None`: where they do.
    pub seen: Option<SocketAddr>,
    /// How PUBLISH is answered, once it is let in.
    pub publish: u16,
    /// How REFER is answered.
    pub refer: u16,
    /// It agrees to offers as they are, whatever `formats` says.
    pub mirrors: bool,
    /// The payload types of its offers and answers.
    pub formats: &'static str,
    /// The DNS; what is not in here is not there.
    pub dns: Vec<(Query, Result<Records, DnsFailure>)>,
}

pub struct Bench {
    pub now: Instant,
    pub phone: Phone,
    pub server: Server,
    pub sent: Vec<Sent>,
    pub asked: Vec<(Instant, Query)>,
    events: Vec<PhoneEvent>,
    settings: BTreeMap<String, String>,
    arriving: Vec<(Instant, Transport, SocketAddr, SocketAddr, Vec<u8>)>,
    counter: u32,
}

/// The environment variable that names a key the phone is not told: see `ignored`.
pub const IGNORE: &str = "EFFECTS_IGNORE";

fn all(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let ignored = std::env::var(IGNORE).unwrap_or_default();
    let told = BASE.iter().chain(pairs.iter().filter(|(key, _)| *key != ignored));
    told.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn phone_settings(values: &BTreeMap<String, String>) -> PhoneSettings {
    PhoneSettings::from_values(&|key| values.get(key).cloned())
}

fn account_settings(values: &BTreeMap<String, String>, index: u8) -> AccountSettings {
    AccountSettings::from_values(index, |key| values.get(key).cloned())
}

/// A phone with these settings (whole catalogue keys) over the usual ones, half a second after its start: registered.
pub fn bench(pairs: &[(&str, &str)]) -> Bench {
    let mut bench = Bench::asleep(pairs);
    bench.start();
    bench.run(500);
    bench
}

impl Bench {
    /// One that has not been started.
    pub fn asleep(pairs: &[(&str, &str)]) -> Self {
        let settings = all(pairs);
        let mut config = PhoneConfig::new("GHP621", "1.0", [0xc0, 0x74, 0xad, 1, 2, 3]);
        config.accounts = vec![account_settings(&settings, 1), account_settings(&settings, 2)];
        config.phone = phone_settings(&settings);
        let now = Instant::new(Duration::from_secs(1_000_000));
        let server = Server {
            dead: Vec::new(),
            silent: Vec::new(),
            register: 200,
            challenges: false,
            invite: vec![180, 200],
            invite_headers: Vec::new(),
            contact: format!("<sip:200@{SERVER}>"),
            seen: None,
            publish: 200,
            refer: 202,
            mirrors: false,
            formats: "0 101",
            dns: Vec::new(),
        };
        let (sent, asked, events, arriving) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let phone = Phone::new(config, 7, now);
        Self { now, phone, server, sent, asked, events, settings, arriving, counter: 0 }
    }

    pub fn start(&mut self) {
        self.input(Input::LocalAddress(PHONE.parse().unwrap()));
    }

    /// Changes settings of the phone itself while it runs.
    pub fn set_phone(&mut self, key: &str, value: &str) {
        let told = all(&[(key, value)]);
        self.settings.extend(told.into_iter().filter(|(told, _)| told == key));
        self.input(Input::PhoneSettings(Box::new(phone_settings(&self.settings))));
    }

    pub fn input(&mut self, input: Input) {
        self.phone.handle_input(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(query) = self.phone.poll_query() {
            self.asked.push((self.now, query.clone()));
            let known = self.server.dns.iter().find(|(name, _)| *name == query).map(|(_, answer)| answer.clone());
            let answer = known.unwrap_or_else(|| Ok(Records::default()));
            self.phone.handle_input(self.now, Input::Resolved { query, answer });
        }
        while let Some(transmit) = self.phone.poll_transmit() {
            let message = Message::parse_datagram(&transmit.bytes).ok();
            self.sent.push(Sent { at: self.now, transmit: transmit.clone(), message: message.clone() });
            if self.server.dead.contains(&transmit.to) {
                continue;
            }
            let mut local = SocketAddr::new(PHONE.parse().unwrap(), transmit.local_port);
            if transmit.transport.is_reliable() {
                local.set_port(40_001);
                let (account, transport, remote) = (transmit.account, transmit.transport, transmit.to);
                self.phone.handle_input(self.now, Input::Connected { account, transport, local, remote });
            }
            let Some(message) = message else { continue };
            for (delay, bytes) in self.answers_to(&message, &transmit) {
                let at = self.now + Duration::from_millis(delay);
                self.arriving.push((at, transmit.transport, local, transmit.to, bytes));
            }
        }
        while let Some(event) = self.phone.poll_event() {
            self.events.push(event);
        }
    }

    fn answers_to(&mut self, message: &Message, transmit: &Transmit) -> Vec<(u64, Vec<u8>)> {
        if message.is_response() {
            return self.acknowledges(message).into_iter().map(|ack| (2, ack)).collect();
        }
        let method = message.method().cloned().unwrap();
        if method == Method::Ack || self.server.silent.contains(&method) {
            return Vec::new();
        }
        let in_dialog = message.to().unwrap().tag().is_some();
        let contact = (Name::Contact, self.server.contact.clone());
        let seen = self.server.seen.unwrap_or(SocketAddr::new(PHONE.parse().unwrap(), transmit.local_port));
        let one = |status, headers| vec![(2, respond(message, seen, status, headers, None))];
        match method {
            Method::Register if self.server.challenges && !has_proof(message) => {
                let challenge = Challenge::new(Algorithm::Md5, "hotel.example", "nonce1".to_owned());
                one(401, vec![(Name::WwwAuthenticate, challenge.to_string())])
            }
            Method::Publish if self.server.challenges && !has_proof(message) => {
                let challenge = Challenge::new(Algorithm::Md5, "hotel.example", "nonce1".to_owned());
                one(401, vec![(Name::WwwAuthenticate, challenge.to_string())])
            }
            Method::Publish => one(self.server.publish, Vec::new()),
            Method::Register => {
                let mut headers = vec![(Name::Expires, message.expires().unwrap_or(3600).to_string())];
                headers.extend(message.header(Name::Contact).map(|value| (Name::Contact, value.to_owned())));
                one(self.server.register, headers)
            }
            Method::Invite => {
                let statuses = if in_dialog { vec![200] } else { self.server.invite.clone() };
                let body = match self.server.mirrors && !message.body().is_empty() {
                    true => mirrored(message.body()),
                    false => answer_to(message.body(), self.server.formats),
                };
                let answer = |(at, status): (usize, u16)| {
                    let mut headers = self.server.invite_headers.clone();
                    if status < 300 {
                        headers.push(contact.clone());
                        headers
                            .push((Name::Allow, "INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, REFER, NOTIFY".to_owned()));
                    }
                    let body = (200..300).contains(&status).then_some(body.as_str());
                    (2 + 10 * at as u64, respond(message, seen, status, headers, body))
                };
                statuses.into_iter().enumerate().map(answer).collect()
            }
            Method::Subscribe => {
                let expires = (Name::Expires, message.expires().unwrap_or_default().to_string());
                one(200, vec![expires, contact])
            }
            Method::Refer => one(self.server.refer, vec![contact]),
            Method::Update => one(200, vec![contact]),
            _ => one(200, Vec::new()),
        }
    }

    /// The ACK to a final answer of the phone's to our INVITE.
    fn acknowledges(&mut self, response: &Message) -> Option<Vec<u8>> {
        let cseq = response.cseq().ok()?;
        if cseq.method != Method::Invite || response.status()? < 200 {
            return None;
        }
        let branch = match response.status()? {
            200..300 => self.branch(),
            _ => response.top_via().ok()?.branch()?.to_owned(),
        };
        let header = |name: Name| response.header(name).unwrap_or_default();
        Some(
            format!(
                "ACK sip:1001@{PHONE}:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {};branch={branch};rport\r\nMax-Forwards: 70\r\n\
                 From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} ACK\r\nContent-Length: 0\r\n\r\n",
                response.top_via().ok()?.sent_by,
                header(Name::From),
                header(Name::To),
                header(Name::CallId),
                cseq.number
            )
            .into_bytes(),
        )
    }

    pub fn branch(&mut self) -> String {
        self.counter += 1;
        format!("z9hG4bKbench{}", self.counter)
    }

    /// Runs so many milliseconds.
    pub fn run(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        for _ in 0..1_000_000 {
            self.drain();
            let next = [self.phone.poll_timeout(), self.arriving.iter().map(|one| one.0).min()];
            let Some(next) = next.into_iter().flatten().min().filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            let now = self.now;
            let (due, later) = std::mem::take(&mut self.arriving).into_iter().partition(|one| one.0 <= now);
            self.arriving = later;
            let mut due: Vec<_> = due;
            due.sort_by_key(|one| one.0);
            for (_, transport, local, from, bytes) in due {
                self.phone.handle_input(now, Input::Message { transport, local, from, bytes });
            }
            self.phone.handle_timeout(now);
        }
        panic!("the phone does not come to rest");
    }

    pub fn run_s(&mut self, seconds: u64) {
        self.run(1000 * seconds);
    }

    /// A message from somewhere reaches the phone's SIP port.
    pub fn deliver(&mut self, from: &str, text: String) {
        let local = SocketAddr::new(PHONE.parse().unwrap(), 5060);
        let (transport, from) = (Transport::Udp, from.parse().unwrap());
        self.input(Input::Message { transport, local, from, bytes: text.into_bytes() });
        self.run(20);
    }

    // ---- what was sent ----

    /// Requests of a method so far.
    pub fn sent_of(&self, method: &Method) -> Vec<&Sent> {
        self.sent.iter().filter(|sent| sent.message.as_ref().is_some_and(|m| m.method() == Some(method))).collect()
    }

    pub fn messages(&self, method: &Method) -> Vec<Message> {
        self.sent_of(method).into_iter().filter_map(|sent| sent.message.clone()).collect()
    }

    /// The last request of a method.
    pub fn last(&self, method: &Method) -> Message {
        self.messages(method).pop().unwrap_or_else(|| panic!("no {method} was sent"))
    }

    /// Seconds since `from` at which requests of a method went out.
    pub fn times(&self, method: &Method, from: Instant) -> Vec<f64> {
        self.sent_of(method).iter().map(|sent| sent.at.saturating_since(from).as_secs_f64()).collect()
    }

    /// Where requests of a method went, in order, without repetitions in a row.
    pub fn targets(&self, method: &Method) -> Vec<String> {
        let mut all: Vec<String> = self.sent_of(method).iter().map(|sent| sent.transmit.to.to_string()).collect();
        all.dedup();
        all
    }

    /// Statuses the phone has answered a request of ours with.
    pub fn statuses(&self, call_id: &str) -> Vec<u16> {
        self.responses(call_id).iter().filter_map(Message::status).collect()
    }

    pub fn responses(&self, call_id: &str) -> Vec<Message> {
        let of = |message: &&Message| message.is_response() && message.call_id() == Ok(call_id);
        self.sent.iter().filter_map(|sent| sent.message.as_ref()).filter(of).cloned().collect()
    }

    /// Events since the last call.
    pub fn news(&mut self) -> Vec<PhoneEvent> {
        std::mem::take(&mut self.events)
    }

    // ---- people ----

    pub fn keys(&mut self, keys: &str) {
        keys.chars().for_each(|key| self.input(Input::KeyPress(key)));
    }

    pub fn hook(&mut self, hook: HookSwitch) {
        self.input(Input::Hook(hook));
        self.run(50);
    }

    /// Dials a number as if from the keypad, and lets the other end answer.
    pub fn dial(&mut self, number: &str) {
        self.dial_from(number, phone_core::settings::calls::DialSource::Dialing);
    }

    pub fn dial_from(&mut self, number: &str, source: phone_core::settings::calls::DialSource) {
        self.command(Command::Dial { account: 0, number: number.to_owned(), source });
        self.run(50);
    }

    pub fn command(&mut self, command: Command) {
        self.input(Input::Command(command));
        self.run(50);
    }

    pub fn calls(&self) -> Vec<CallState> {
        self.phone.state().calls
    }

    pub fn tone(&self) -> Tone {
        self.phone.state().tone
    }

    // ---- calls that come ----

    /// The server sends a call of 2002's with these headers, each with its line end.
    pub fn call_in(&mut self, headers: &str) -> Leg {
        self.call_in_as("\"Front desk\" <sip:2002@192.0.2.10>", "sip:1001@192.0.2.55:5060", SERVER, headers)
    }

    pub fn call_in_as(&mut self, caller: &str, uri: &str, source: &str, headers: &str) -> Leg {
        let branch = self.branch();
        let call_id = format!("in{}", self.counter);
        let from = format!("{caller};tag=f{}", self.counter);
        let body = offer(self.server.formats);
        let text = format!(
            "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {source};branch={branch};rport\r\nMax-Forwards: 70\r\n\
             From: {from}\r\nTo: <sip:1001@192.0.2.10>\r\nCall-ID: {call_id}\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:2002@{source}>\r\n{headers}Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.deliver(source, text);
        Leg { call_id, local: from, remote: String::new(), cseq: 1, source: source.to_owned() }
    }
}

fn has_proof(message: &Message) -> bool {
    message.header(Name::Authorization).is_some_and(|value| value.contains("nonce1"))
}

fn respond(
    request: &Message,
    seen: SocketAddr,
    status: u16,
    headers: Vec<(Name, String)>,
    body: Option<&str>,
) -> Vec<u8> {
    let mut via = request.top_via().unwrap();
    if via.params.contains("rport") {
        via.params.set("rport", Some(&seen.port().to_string()));
        via.params.set("received", Some(&seen.ip().to_string()));
    }
    let mut response = ResponseBuilder::new(request, status, via, "srv");
    for (name, value) in headers {
        response = response.header(name, value);
    }
    match body {
        Some(body) => response.header(Name::ContentType, "application/sdp").finish(body.as_bytes()),
        None => response.finish(&[]),
    }
}

/// A DNS answer of addresses.
pub fn addresses(ttl: u64, list: &[&str]) -> Result<Records, DnsFailure> {
    let records = list.iter().map(|address| Record::Address(address.parse().unwrap())).collect();
    Ok(Records { ttl: Duration::from_secs(ttl), records })
}
