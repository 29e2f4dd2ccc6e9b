//! A registrar and proxy in memory: stateless, with Record-Route, so that phones do all the repeating themselves; it keeps
//! state only for a call it forks. It answers at several addresses, some of which can be dead.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use auth_digest::{Algorithm, Challenge, Credentials, Ha1, verify};
use phone_core::Instant;
use phone_core::sip::message::{Contact, Host, Message, Method, Name, NameAddr, ResponseBuilder, Uri, Via};

use crate::world::{PASSWORD, Packet, SERVER};

/// Which requests are to be challenged with 407.
pub type Challenged = fn(&Message) -> bool;

/// Method of the request; status and headers of the answer.
pub type Scripted = (Method, u16, Vec<(Name, String)>);

pub struct Proxy {
    pub addresses: Vec<IpAddr>,
    /// Addresses that say nothing.
    pub dead: BTreeSet<IpAddr>,
    /// Addresses that refuse every INVITE.
    pub refusing: BTreeMap<IpAddr, u16>,
    /// Says 100 to an INVITE at once.
    pub trying: bool,
    pub challenged: Option<Challenged>,
    /// Each nonce is good for one request.
    pub one_time_nonces: bool,
    /// User: contacts.
    pub bindings: BTreeMap<String, Vec<String>>,
    /// Answers given to the next request of a method, instead of passing it on.
    pub script: VecDeque<Scripted>,
    /// What came, before anything was done with it.
    pub seen: Vec<(Instant, IpAddr, Message)>,
    /// Where every new SUBSCRIBE goes.
    pub notifier: Option<SocketAddr>,
    nonce: u32,
    forks: Vec<Fork>,
}

struct Fork {
    branch: String,
    invite: Text,
    from: SocketAddr,
    open: BTreeSet<usize>,
    to: Vec<SocketAddr>,
    answered: bool,
}

/// A message as lines.
#[derive(Clone)]
pub struct Text {
    pub lines: Vec<String>,
    pub body: String,
}

impl Text {
    pub fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        Self { lines: head.split("\r\n").map(str::to_owned).collect(), body: body.to_owned() }
    }

    pub fn bytes(&self) -> Vec<u8> {
        format!("{}\r\n\r\n{}", self.lines.join("\r\n"), self.body).into_bytes()
    }

    fn at(&self, header: &str) -> Option<usize> {
        self.lines.iter().position(|line| line.starts_with(&format!("{header}: ")))
    }
}

pub fn place_of(uri: &Uri) -> Option<SocketAddr> {
    let at = uri.address.as_ref()?;
    match at.host {
        Host::Address(ip) => Some(SocketAddr::new(ip, at.port.unwrap_or(5060))),
        Host::Name(_) => None,
    }
}

impl Proxy {
    pub fn new() -> Self {
        Self {
            addresses: vec![SERVER.parse().unwrap(), "192.0.2.11".parse().unwrap()],
            dead: BTreeSet::new(),
            refusing: BTreeMap::new(),
            trying: false,
            challenged: None,
            one_time_nonces: false,
            bindings: BTreeMap::new(),
            script: VecDeque::new(),
            seen: Vec::new(),
            notifier: None,
            nonce: 1,
            forks: Vec::new(),
        }
    }

    /// Requests of a method that came since the last call.
    pub fn took(&mut self, method: &Method) -> Vec<Message> {
        let (taken, rest) =
            std::mem::take(&mut self.seen).into_iter().partition(|(_, _, message)| message.method() == Some(method));
        self.seen = rest;
        let taken: Vec<(Instant, IpAddr, Message)> = taken;
        taken.into_iter().map(|(_, _, message)| message).collect()
    }

    pub fn take(&mut self, now: Instant, packet: &Packet) -> Vec<Packet> {
        let Ok(message) = Message::parse_datagram(&packet.bytes) else { return Vec::new() };
        // What noise has spoilt is nobody's.
        let readable = message.to().is_ok() && message.cseq().is_ok() && message.top_via().is_ok();
        let readable = readable && message.from().is_ok() && message.contacts().all(|contact| contact.is_ok());
        let readable = readable && message.headers(Name::Route).all(|route| route.parse::<NameAddr>().is_ok());
        if self.dead.contains(&packet.to.ip()) || !readable {
            return Vec::new();
        }
        if message.is_response() { self.response(packet, &message) } else { self.request(now, packet, &message) }
    }

    fn request(&mut self, now: Instant, packet: &Packet, message: &Message) -> Vec<Packet> {
        self.seen.push((now, packet.to.ip(), message.clone()));
        let method = message.method().unwrap().clone();
        let in_dialog = message.to().unwrap().tag().is_some();
        if self.script.front().is_some_and(|(wanted, ..)| *wanted == method) {
            let (_, status, headers) = self.script.pop_front().unwrap();
            return vec![self.answer(packet, message, status, headers)];
        }
        if method == Method::Register {
            return vec![self.register(packet, message)];
        }
        let refusing = self.refusing.get(&packet.to.ip()).copied();
        if let Some(status) = refusing.filter(|_| !in_dialog || method == Method::Ack) {
            return match method {
                Method::Ack => Vec::new(),
                _ => vec![self.answer(packet, message, status, Vec::new())],
            };
        }
        let passes = matches!(method, Method::Ack | Method::Cancel);
        if !passes && self.challenged.is_some_and(|challenged| challenged(message)) && !self.proves(message) {
            self.nonce += 1;
            let nonce = format!("p{}", self.nonce);
            let challenge = Challenge::new(Algorithm::Sha256, "hotel.example", nonce).to_string();
            return vec![self.answer(packet, message, 407, vec![(Name::ProxyAuthenticate, challenge)])];
        }
        if let Some(out) = self.forked(packet, message, &method) {
            return out;
        }
        let mut text = Text::of(&packet.bytes);
        // A request a fork or a refusal of ours was answered to ends here.
        while let Some(at) = text.at("Route") {
            let route: NameAddr = text.lines[at]["Route: ".len()..].parse().unwrap();
            if !place_of(&route.uri).is_some_and(|place| self.addresses.contains(&place.ip())) {
                break;
            }
            text.lines.remove(at);
        }
        let next = text.at("Route").map(|at| text.lines[at]["Route: ".len()..].parse::<NameAddr>().unwrap().uri);
        let Ok(uri) = message.request_uri() else { return Vec::new() };
        let ours = place_of(&uri).is_none_or(|place| self.addresses.contains(&place.ip()));
        if let Some(notifier) = self.notifier.filter(|_| method == Method::Subscribe) {
            return vec![self.forward(packet, message, text, notifier, 0)];
        }
        if next.is_none() && ours {
            let user = uri.user_text().unwrap_or_default();
            if user.is_empty() && method == Method::Options {
                return vec![self.answer(packet, message, 200, Vec::new())];
            }
            let Some(contacts) = self.bindings.get(&user).filter(|contacts| !contacts.is_empty()) else {
                return match method {
                    Method::Ack => Vec::new(),
                    _ => vec![self.answer(packet, message, 404, Vec::new())],
                };
            };
            let contacts = contacts.clone();
            let version = "SIP/2.0";
            if !in_dialog && method == Method::Invite {
                text.lines.insert(1, format!("Record-Route: <sip:{};lr>", packet.to));
            }
            let mut out = Vec::new();
            if self.trying && method == Method::Invite {
                out.push(self.answer(packet, message, 100, Vec::new()));
            }
            if contacts.len() > 1 && method == Method::Invite {
                let place = |uri: &String| place_of(&uri.parse().ok()?);
                let to = contacts.iter().filter_map(place).collect();
                self.forks.push(Fork {
                    branch: message.top_via().unwrap().branch().unwrap().to_owned(),
                    invite: text.clone(),
                    from: packet.from,
                    open: (0..contacts.len()).collect(),
                    to,
                    answered: false,
                });
            }
            for (number, contact) in contacts.iter().enumerate() {
                let mut copy = text.clone();
                copy.lines[0] = format!("{method} {contact} {version}");
                let Some(to) = contact.parse().ok().and_then(|uri| place_of(&uri)) else { continue };
                out.push(self.forward(packet, message, copy, to, number));
            }
            return out;
        }
        let Some(to) = place_of(&next.unwrap_or(uri)) else { return Vec::new() };
        vec![self.forward(packet, message, text, to, 0)]
    }

    fn forward(&self, packet: &Packet, message: &Message, mut text: Text, to: SocketAddr, number: usize) -> Packet {
        let mut via = message.top_via().unwrap();
        via.params.set("rport", Some(&packet.from.port().to_string()));
        via.params.set("received", Some(&packet.from.ip().to_string()));
        let branch = via.branch().unwrap_or_default().to_owned();
        let at = text.at("Via").unwrap();
        text.lines[at] = format!("Via: {via}");
        text.lines.insert(at, format!("Via: SIP/2.0/UDP {}:5060;branch=z9hG4bKp{number}{branch}", packet.to.ip()));
        Packet { from: packet.to, to, bytes: text.bytes() }
    }

    /// What is to be done with ACK, CANCEL and copies of an INVITE that was forked.
    fn forked(&mut self, packet: &Packet, message: &Message, method: &Method) -> Option<Vec<Packet>> {
        let branch = message.top_via().ok()?.branch()?.to_owned();
        let fork = self.forks.iter().find(|fork| fork.branch == branch)?;
        match method {
            Method::Ack | Method::Invite => Some(Vec::new()),
            Method::Cancel => {
                let mut out = vec![self.answer(packet, message, 200, Vec::new())];
                let open: Vec<usize> = fork.open.iter().copied().collect();
                out.extend(open.iter().map(|number| cancel(fork, *number, packet.to, "")));
                Some(out)
            }
            _ => None,
        }
    }

    fn response(&mut self, packet: &Packet, message: &Message) -> Vec<Packet> {
        let mut text = Text::of(&packet.bytes);
        let Some(at) = text.at("Via") else { return Vec::new() };
        let ours = text.lines.remove(at);
        let Some(next) = text.at("Via") else { return Vec::new() };
        let Ok(via) = text.lines[next]["Via: ".len()..].parse::<Via>() else { return Vec::new() };
        let port = via.rport().or(via.sent_by.port).unwrap_or(5060);
        let Some(ip) = via.received() else { return Vec::new() };
        let to = SocketAddr::new(ip, port);
        let on = Packet { from: packet.to, to, bytes: text.bytes() };
        let invite = message.cseq().is_ok_and(|cseq| cseq.method == Method::Invite);
        let Some(fork) = self.forks.iter_mut().find(|fork| Some(fork.branch.as_str()) == via.branch() && invite) else {
            return vec![on];
        };
        let number: usize = ours.split("z9hG4bKp").nth(1).unwrap()[..1].parse().unwrap();
        match message.status().unwrap() {
            100..200 => vec![on],
            200..300 => {
                fork.open.remove(&number);
                fork.answered = true;
                let others: Vec<usize> = fork.open.iter().copied().collect();
                let why = "Reason: SIP;cause=200;text=\"Call completed elsewhere\"";
                let fork = &*fork;
                others.iter().map(|other| cancel(fork, *other, packet.to, why)).chain([on]).collect()
            }
            _ => {
                fork.open.remove(&number);
                let mut ack = fork_request(fork, number, "ACK", packet.to);
                let at = ack.at("To").unwrap();
                ack.lines[at] = format!("To: {}", message.header(Name::To).unwrap());
                let mut out = vec![Packet { from: packet.to, to: fork.to[number], bytes: ack.bytes() }];
                if fork.open.is_empty() && !fork.answered {
                    out.push(on);
                }
                out
            }
        }
    }

    fn register(&mut self, packet: &Packet, message: &Message) -> Packet {
        let user = message.to().unwrap().uri.user_text().unwrap_or_default();
        let expires = message.expires().unwrap_or(3600);
        let bound = self.bindings.entry(user).or_default();
        for contact in message.contacts() {
            match contact.unwrap() {
                Contact::Star => bound.clear(),
                Contact::Addr(addr) => {
                    let uri = addr.uri.to_string();
                    bound.retain(|known| *known != uri);
                    let own = addr.params.value("expires").and_then(|text| text.parse().ok()).unwrap_or(expires);
                    if own > 0 {
                        bound.push(uri);
                    }
                }
            }
        }
        let contacts = bound.iter().map(|uri| (Name::Contact, format!("<{uri}>;expires={expires}"))).collect();
        self.answer(packet, message, 200, contacts)
    }

    pub fn answer(&self, packet: &Packet, message: &Message, status: u16, headers: Vec<(Name, String)>) -> Packet {
        let mut via = message.top_via().unwrap();
        via.params.set("rport", Some(&packet.from.port().to_string()));
        via.params.set("received", Some(&packet.from.ip().to_string()));
        let mut response = ResponseBuilder::new(message, status, via, "proxy");
        for (name, value) in headers {
            response = response.header(name, value);
        }
        Packet { from: packet.to, to: packet.from, bytes: response.finish(&[]) }
    }

    fn proves(&mut self, message: &Message) -> bool {
        let Some(value) = message.header(Name::ProxyAuthorization) else { return false };
        let Ok(credentials) = Credentials::parse(value) else { return false };
        let ha1 = Ha1::new(credentials.algorithm, &credentials.username, "hotel.example", PASSWORD);
        let method = message.method().unwrap().as_str();
        let fresh = credentials.nonce == format!("p{}", self.nonce);
        let proven = verify(&credentials, &ha1, method, message.request_uri_text().unwrap(), message.body()).is_ok();
        if proven && fresh && self.one_time_nonces {
            self.nonce += 1;
        }
        proven && fresh
    }
}

fn fork_request(fork: &Fork, number: usize, method: &str, ours: SocketAddr) -> Text {
    let wanted = ["From", "To", "Call-ID", "Max-Forwards"];
    let cseq = &fork.invite.lines[fork.invite.at("CSeq").unwrap()];
    let number_of = cseq.split_whitespace().nth(1).unwrap();
    let mut lines = vec![
        format!("{method} sip:{} SIP/2.0", fork.to[number]),
        format!("Via: SIP/2.0/UDP {}:5060;branch=z9hG4bKp{number}{}", ours.ip(), fork.branch),
        format!("CSeq: {number_of} {method}"),
    ];
    lines.extend(wanted.iter().filter_map(|name| Some(fork.invite.lines[fork.invite.at(name)?].clone())));
    let _ = fork.from;
    Text { lines, body: String::new() }
}

fn cancel(fork: &Fork, number: usize, ours: SocketAddr, why: &str) -> Packet {
    let mut text = fork_request(fork, number, "CANCEL", ours);
    text.lines.extend(Some(why.to_owned()).filter(|why| !why.is_empty()));
    Packet { from: ours, to: fork.to[number], bytes: text.bytes() }
}
