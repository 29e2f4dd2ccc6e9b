//! One account's side of the wire: the addresses it gives out, the requests it has under way, and where they go.
//!
//! Whoever wants something of a server (registration, subscriptions, calls) makes an [`Outgoing`], sends it here, and is
//! told what came of it by its [`RequestId`].

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::auth::{Authorizer, Verdict};
use super::identity::Identity;
use super::locate::{Failure, Locator, Next, Way};
use super::message::{Host, HostPort, Message, Method, Name, NameAddr, Scheme, Uri, Via};
use super::outgoing::Outgoing;
use super::transaction::{BRANCH_COOKIE, ClientTransaction, Received, Timers};
use super::transport::{Target, Transport};
use crate::phone::Transmit;
use crate::rng::Rng;
use crate::settings::servers::IpPreference;
use crate::settings::{AccountSettings, NatTraversal, OutboundProxyMode, PhoneSettings};
use crate::time::{Instant, earliest};

/// Above this, in bytes, a request goes by TCP instead of UDP (RFC 3261 §18.1.1, with an unknown path MTU).
const LARGEST_DATAGRAM: usize = 1300;
/// Requests under way at once; one more fails at once.
const MOST_REQUESTS: usize = 64;
/// Silence over a stream to one of several servers after which the next is tried.
const STREAM_PATIENCE: Duration = Duration::from_secs(4);

/// How long an INVITE that was heard waits for more after its stream broke (timer C of RFC 3261 §16.6).
const TIMER_C: Duration = Duration::from_secs(180);

/// Names a request that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(u64);

/// An ACK to a 2xx that was sent, see [`Line::acknowledge`].
#[derive(Debug, Clone)]
pub struct Acknowledgement {
    request: Outgoing,
    branch: String,
    target: Target,
}

/// A request on its way.
#[derive(Debug)]
struct Sent {
    id: RequestId,
    request: Outgoing,
    target: Target,
    via: Via,
    /// The way it belongs to, if it went to the account's server.
    way: Option<Way>,
    /// A CANCEL was sent for it.
    cancelled: bool,
    /// It went by TCP because it is large; UDP is tried if there is no connection.
    instead_of_udp: bool,
    transaction: ClientTransaction,
}

/// One account's side of the wire.
#[derive(Debug)]
pub struct Line {
    /// 1-based.
    pub index: u8,
    /// The account's settings.
    pub settings: Arc<AccountSettings>,
    /// The phone's settings.
    pub phone: Arc<PhoneSettings>,
    /// What is said about the phone.
    pub identity: Arc<Identity>,
    /// Identifiers of this account.
    pub rng: Rng,
    /// Where requests go.
    pub locator: Locator,
    /// Routes the registrar wants used (RFC 3608).
    pub service_route: Vec<String>,
    /// The URI the registrar made for this phone (RFC 5627).
    pub gruu: Option<Uri>,
    local: Option<IpAddr>,
    ports: [Option<u16>; 3],
    /// Our end of the stream to the server.
    stream: Option<SocketAddr>,
    /// Where the server, or a STUN server, sees us, if elsewhere than where we are.
    learned: Option<SocketAddr>,
    sent: Vec<Sent>,
    next_id: u64,
    transmits: VecDeque<Transmit>,
}

impl Line {
    /// The line of account `index`. It has no address yet.
    pub fn new(
        index: u8,
        settings: Arc<AccountSettings>,
        phone: Arc<PhoneSettings>,
        identity: Arc<Identity>,
        mut rng: Rng,
    ) -> Self {
        let locator = Locator::new(settings.servers.clone(), settings.transport, phone.ip, rng.fork());
        let mut line = Self {
            index,
            settings,
            phone,
            identity,
            rng,
            locator,
            service_route: Vec::new(),
            gruu: None,
            local: None,
            ports: [None; 3],
            stream: None,
            learned: None,
            sent: Vec::new(),
            next_id: 0,
            transmits: VecDeque::new(),
        };
        line.forget_ports();
        line
    }

    // ---- addresses ----

    /// The phone's own address. True if it is another one. Only servers of its family can be reached from it.
    pub fn set_local(&mut self, now: Instant, address: IpAddr) -> bool {
        let moved = self.local.replace(address) != Some(address);
        if moved {
            (self.learned, self.stream) = (None, None);
            self.point_locator(now);
        }
        moved
    }

    /// Takes new settings. Nothing of the old ones is left under way.
    pub fn set_settings(&mut self, now: Instant, settings: Arc<AccountSettings>) {
        let other_sockets = (self.settings.local_port, self.settings.transport, self.settings.listening)
            != (settings.local_port, settings.transport, settings.listening);
        self.settings = settings;
        (self.gruu, self.service_route, self.learned) = (None, Vec::new(), None);
        if other_sockets {
            self.forget_ports();
        }
        self.point_locator(now);
    }

    fn point_locator(&mut self, now: Instant) {
        let ip = match self.local {
            Some(IpAddr::V4(_)) => IpPreference::Ipv4Only,
            Some(IpAddr::V6(_)) => IpPreference::Ipv6Only,
            None => self.phone.ip,
        };
        self.locator.apply(now, self.settings.servers.clone(), self.settings.transport, ip);
    }

    /// The ports asked for, until the shell says which ones they became.
    pub fn forget_ports(&mut self) {
        let wanted = Some(self.settings.local_port).filter(|port| *port != 0 && !self.phone.random_ports);
        (self.ports, self.learned, self.stream) = ([None; 3], None, None);
        self.ports[self.settings.transport as usize] = match self.settings.transport {
            Transport::Tls => wanted.map(|port| port.saturating_add(1)),
            _ => wanted,
        };
    }

    /// The port really bound. True if that moves the address given out.
    pub fn set_port(&mut self, transport: Transport, port: u16) -> bool {
        let slot = &mut self.ports[transport as usize];
        let moved = slot.replace(port) != Some(port) && transport == self.settings.transport;
        if moved {
            self.learned = None;
        }
        moved
    }

    /// A stream to the server was opened from here. True if that moves the address given out.
    pub fn set_stream(&mut self, transport: Transport, local: SocketAddr, remote: SocketAddr) -> bool {
        let ours = self.locator.ways().iter().any(|way| way.target.address == remote);
        if transport != self.settings.transport || !ours {
            return false;
        }
        self.stream.replace(local) != Some(local) && self.settings.ephemeral_contact
    }

    /// The phone's own address.
    pub fn local(&self) -> Option<IpAddr> {
        self.local
    }

    /// The port bound for a transport; for one that is not listened on, that of another.
    pub fn port(&self, transport: Transport) -> Option<u16> {
        self.ports[transport as usize].or(self.ports[Transport::Udp as usize]).or(self.ports[Transport::Tcp as usize])
    }

    /// Whether requests can be sent.
    pub fn is_ready(&self) -> bool {
        self.local.is_some() && self.port(self.settings.transport).is_some()
    }

    /// Where we are, as we see it.
    pub fn own_address(&self) -> Option<SocketAddr> {
        Some(SocketAddr::new(self.local?, self.port(self.settings.transport)?))
    }

    /// Where we are to be reached: the address set, the one others see us at, the end of our stream, or our own.
    pub fn contact_address(&self) -> Option<SocketAddr> {
        let stream = self.stream.filter(|_| self.settings.ephemeral_contact && self.settings.transport.is_reliable());
        let mut address = self.learned.or(stream).or_else(|| self.own_address())?;
        if let Some(nat) = self.phone.nat_ip {
            address.set_ip(nat);
        }
        Some(address)
    }

    /// A STUN server saw the SIP port here (RFC 8489). True if that moves the address given out.
    pub fn set_mapped(&mut self, mapped: SocketAddr) -> bool {
        let learned = Some(mapped).filter(|mapped| self.own_address() != Some(*mapped));
        std::mem::replace(&mut self.learned, learned) != learned
    }

    /// RFC 3581: where a response says our request came from.
    pub fn learn(&mut self, message: &Message) {
        let by_rport = self.settings.rport && self.settings.nat != NatTraversal::Stun;
        let (Ok(via), Some(own), true) = (message.top_via(), self.own_address(), by_rport) else { return };
        if (via.rport().is_none() && via.received().is_none()) || self.settings.transport.is_reliable() {
            return;
        }
        let seen = SocketAddr::new(via.received().unwrap_or(own.ip()), via.rport().unwrap_or(own.port()));
        self.learned = Some(seen).filter(|seen| *seen != own && !seen.ip().is_unspecified());
    }

    fn sips(&self) -> bool {
        self.settings.transport == Transport::Tls && self.settings.sips
    }

    /// Makes a URI secure where the settings say so.
    pub fn scheme(&self, mut uri: Uri) -> Uri {
        if self.sips() && uri.scheme == Scheme::Sip {
            uri.scheme = Scheme::Sips;
        }
        uri
    }

    /// A Contact at `address`.
    pub fn contact_at(&self, address: SocketAddr) -> NameAddr {
        let at = HostPort { host: Host::Address(address.ip()), port: Some(address.port()) };
        let mut uri = self.scheme(Uri::sip(Some(&self.settings.user), at));
        match self.settings.transport {
            Transport::Tls if self.sips() => {}
            Transport::Udp => {}
            other => uri.params.set("transport", Some(other.param())),
        }
        NameAddr::new(uri)
    }

    /// Contact of dialogs: the GRUU, or the address.
    pub fn contact(&self) -> Option<NameAddr> {
        match self.gruu.clone().filter(|_| self.settings.instance_id) {
            Some(gruu) => Some(NameAddr::new(gruu)),
            None => Some(self.contact_at(self.contact_address()?)),
        }
    }

    /// The address of record.
    pub fn address_of_record(&self) -> Option<NameAddr> {
        self.address_of(&self.settings.user)
    }

    /// A user of our server.
    pub fn address_of(&self, user: &str) -> Option<NameAddr> {
        let host = self.locator.registrar()?.host.clone();
        Some(NameAddr::new(self.scheme(Uri::sip(Some(user), HostPort { host, port: None }))))
    }

    // ---- requests ----

    /// A random Call-ID.
    pub fn call_id(&mut self) -> String {
        format!("{}{}", self.rng.token(), self.rng.token())
    }

    /// The first number of a sequence (RFC 3261 §8.1.1.5): low ones are easy to read in traces.
    pub fn first_cseq(&mut self) -> u32 {
        u32::try_from(self.rng.next_u64() % 1000).unwrap_or_default()
    }

    /// Routes of a request outside of a dialog: the proxy ("Outbound Proxy Mode"), or what the registrar said.
    pub fn preloaded_route(&self) -> Vec<String> {
        if !self.service_route.is_empty() {
            return self.service_route.clone();
        }
        let in_route = self.settings.outbound_proxy_mode == OutboundProxyMode::InRoute;
        self.locator.route().filter(|_| in_route).map(|proxy| self.route_to(proxy)).into_iter().collect()
    }

    /// Route of a REGISTER: the proxy it goes through. What a registrar said is not for itself (RFC 3608 §5.1).
    pub fn register_route(&self, way: &Way) -> Vec<String> {
        let in_route = self.settings.outbound_proxy_mode == OutboundProxyMode::InRoute;
        way.route.as_ref().filter(|_| in_route).map(|proxy| self.route_to(proxy)).into_iter().collect()
    }

    fn route_to(&self, proxy: &HostPort) -> String {
        let mut uri = self.scheme(Uri::sip(None, proxy.clone()));
        if self.settings.transport == Transport::Tcp {
            uri.params.set("transport", Some("tcp"));
        }
        uri.params.set("lr", None);
        NameAddr::new(uri).to_string()
    }

    /// Adds what the settings want in each request.
    pub fn sign(&self, request: &mut Outgoing) {
        self.identity.sign(request, &self.settings, &self.phone);
    }

    /// Adds answers to the challenges `auth` holds.
    pub fn authorize(&mut self, auth: &mut Authorizer, request: &mut Outgoing) {
        let body = request.body.as_ref().map(|(_, bytes)| bytes.as_slice()).unwrap_or_default();
        let uri = request.uri.to_string();
        let answers = auth.headers(&self.settings, &request.method, &uri, body, &mut self.rng);
        request.authorize(answers);
    }

    /// Where a request within a dialog goes: its next hop, or always the proxy ("Outbound Proxy Mode"). A next hop that
    /// is a name is taken to be reached through our server.
    pub fn hop(&self, uri: &Uri) -> Option<Target> {
        let way = self.locator.way();
        let always = self.settings.outbound_proxy_mode == OutboundProxyMode::AlwaysSendTo;
        if let Some(way) = way.filter(|way| always && way.route.is_some()) {
            return Some(way.target.clone());
        }
        let Some(Host::Address(ip)) = uri.address.as_ref().map(|at| at.host.clone()) else {
            return way.map(|way| way.target.clone());
        };
        let named = uri.params.value("transport").and_then(Transport::parse);
        let secure = (uri.scheme == Scheme::Sips).then_some(Transport::Tls);
        let as_way = way.filter(|way| way.target.address.ip() == ip).map(|way| way.target.transport);
        let transport = secure.or(named).or(as_way).unwrap_or(match self.ports[Transport::Udp as usize] {
            Some(_) => Transport::Udp,
            None => self.settings.transport,
        });
        let port = uri.address.as_ref().and_then(|at| at.port).unwrap_or(transport.default_port());
        let address = SocketAddr::new(ip, port);
        let name = way.filter(|way| way.target.address.ip() == ip).map(|way| way.target.name.clone());
        Some(Target { transport, address, name: name.unwrap_or_default() })
    }

    /// Sends a request to the account's server. `None` if there is none, or too much is under way.
    pub fn send_to_server(&mut self, now: Instant, request: Outgoing) -> Option<RequestId> {
        let way = self.locator.way()?.clone();
        self.send_way(now, request, way)
    }

    /// Sends a request a certain way.
    pub fn send_way(&mut self, now: Instant, request: Outgoing, way: Way) -> Option<RequestId> {
        let target = way.target.clone();
        self.send(now, request, target, Some(way), None)
    }

    /// Sends a request somewhere.
    pub fn send_to(&mut self, now: Instant, request: Outgoing, target: Target) -> Option<RequestId> {
        self.send(now, request, target, None, None)
    }

    /// As [`Line::send_way`], giving up after `patience`.
    pub fn send_in_a_hurry(
        &mut self,
        now: Instant,
        request: Outgoing,
        way: Way,
        patience: Duration,
    ) -> Option<RequestId> {
        let target = way.target.clone();
        self.send(now, request, target, Some(way), Some(patience))
    }

    fn send(
        &mut self,
        now: Instant,
        request: Outgoing,
        mut target: Target,
        way: Option<Way>,
        patience: Option<Duration>,
    ) -> Option<RequestId> {
        // What ends a call, and a call for help, goes out however much is under way.
        let urgent = request.method == Method::Bye || request.headers.iter().any(|(name, _)| *name == Name::Priority);
        if !urgent && self.sent.iter().filter(|sent| sent.transaction.is_open()).count() >= MOST_REQUESTS {
            tracing::warn!(account = self.index, %request.method, "too many requests under way");
            return None;
        }
        let branch = format!("{BRANCH_COOKIE}{}", self.rng.token());
        let mut via = self.via(target.transport, &branch)?;
        let mut bytes = request.bytes(&via);
        let instead_of_udp = target.transport == Transport::Udp && bytes.len() > LARGEST_DATAGRAM;
        if instead_of_udp {
            target.transport = Transport::Tcp;
            via = self.via(Transport::Tcp, &branch)?;
            bytes = request.bytes(&via);
        }
        let timers = self.timers(&target, way.is_some(), patience);
        let transaction = ClientTransaction::new(now, branch, request.method.clone(), bytes, timers);
        self.next_id += 1;
        let id = RequestId(self.next_id);
        self.sent.push(Sent { id, request, target, via, way, cancelled: false, instead_of_udp, transaction });
        Some(id)
    }

    fn via(&self, transport: Transport, branch: &str) -> Option<Via> {
        let sent_by = HostPort { host: Host::Address(self.local?), port: Some(self.port(transport)?) };
        let mut via = Via { transport: transport.via().to_owned(), sent_by, params: Default::default() };
        via.params.set("branch", Some(branch));
        if self.settings.rport {
            via.params.set("rport", None);
        }
        Some(via)
    }

    /// With another server to turn to, a request is not sent for ever: as often as "Maximum Number of SIP Request
    /// Retries" says.
    fn timers(&self, target: &Target, to_server: bool, patience: Option<Duration>) -> Timers {
        let mut timers = self.settings.timers(target.transport.is_reliable());
        if let Some(patience) = patience {
            timers.give_up = timers.give_up.min(patience);
        } else if to_server && self.locator.ways().len() > 1 {
            let rounds = (1u32 << self.locator.attempts_per_target().min(6)) - 1;
            let least = if timers.reliable { STREAM_PATIENCE } else { Duration::ZERO };
            timers.give_up = timers.give_up.min((timers.t1 * rounds).max(least));
        }
        timers
    }

    /// More of the servers are known: what is under way to one of several need not wait as long for it.
    pub fn hurry(&mut self, now: Instant) {
        for at in 0..self.sent.len() {
            let Some(sent) = self.sent.get(at).filter(|sent| sent.way.is_some()) else { continue };
            let give_up = self.timers(&sent.target, true, None).give_up;
            if let Some(sent) = self.sent.get_mut(at) {
                sent.transaction.hurry(now, give_up);
            }
        }
    }

    /// Sends the ACK to a 2xx, a request that has no transaction. Kept by who may get that 2xx again.
    pub fn acknowledge(&mut self, mut request: Outgoing, target: Target) -> Acknowledgement {
        self.sign(&mut request);
        let branch = format!("{BRANCH_COOKIE}{}", self.rng.token());
        let ack = Acknowledgement { request, branch, target };
        self.acknowledge_again(&ack);
        ack
    }

    /// For a copy of the 2xx (RFC 3261 §13.2.2.4). The same request with the same branch, so that proxies and the other
    /// side see it for the copy it is.
    pub fn acknowledge_again(&mut self, ack: &Acknowledgement) {
        let Some(via) = self.via(ack.target.transport, &ack.branch) else { return };
        self.transmit(ack.target.clone(), ack.request.bytes(&via));
    }

    /// Cancels an INVITE, once: CANCEL goes where the INVITE went, as soon as something has come back (RFC 3261 §9.1), and
    /// 64 × T1 later nobody waits any more.
    pub fn cancel(&mut self, now: Instant, id: RequestId) {
        let Some(sent) = self.sent.iter_mut().find(|sent| sent.id == id) else { return };
        if !sent.transaction.is_open() || std::mem::replace(&mut sent.cancelled, true) {
            return;
        }
        if !sent.transaction.is_unheard() {
            self.send_cancel(now, id);
        }
    }

    fn send_cancel(&mut self, now: Instant, id: RequestId) {
        let Some(sent) = self.sent.iter_mut().find(|sent| sent.id == id) else { return };
        let timers = self.settings.timers(sent.target.transport.is_reliable());
        sent.transaction.limit(now + timers.give_up);
        let branch = sent.via.branch().unwrap_or_default().to_owned();
        let bytes = sent.request.cancel(&sent.via);
        let transaction = ClientTransaction::new(now, branch, Method::Cancel, bytes, timers);
        self.next_id += 1;
        let (request, target, via) = (sent.request.clone(), sent.target.clone(), sent.via.clone());
        let id = RequestId(self.next_id);
        let (way, cancelled, instead_of_udp) = (None, false, false);
        self.sent.push(Sent { id, request, target, via, way, cancelled, instead_of_udp, transaction });
    }

    /// Sends a request once more, with answers to a challenge, as number `cseq`. `Err` says why it cannot. Only servers of the
    /// account are answered: a stranger who is called, or calls, must not be given a proof to try passwords on, or to use.
    pub fn answer_challenge(
        &mut self,
        now: Instant,
        auth: &mut Authorizer,
        id: RequestId,
        response: &Message,
        cseq: u32,
    ) -> Result<RequestId, Verdict> {
        let status = response.status().unwrap_or_default();
        let ours = self.sent.iter().find(|sent| sent.id == id).is_some_and(|sent| {
            let known = |way: &Way| way.target.address.ip() == sent.target.address.ip();
            sent.way.is_some() || self.locator.ways().iter().any(known)
        });
        if !ours {
            tracing::warn!(account = self.index, status, "challenged by somebody who is not the account's server");
            return Err(Verdict::Refused);
        }
        match auth.challenged(response, status) {
            Verdict::Answer => {}
            refusal => return Err(refusal),
        }
        let (mut request, target, way) = self.taken(id).ok_or(Verdict::Unsupported)?;
        request.cseq = cseq;
        self.authorize(auth, &mut request);
        self.send(now, request, target, way, None).ok_or(Verdict::Unsupported)
    }

    fn taken(&self, id: RequestId) -> Option<(Outgoing, Target, Option<Way>)> {
        let sent = self.sent.iter().find(|sent| sent.id == id)?;
        let mut target = sent.target.clone();
        if sent.instead_of_udp {
            target.transport = Transport::Udp;
        }
        Some((sent.request.clone(), target, sent.way.clone()))
    }

    /// The request of an id, while it is remembered.
    pub fn request(&self, id: RequestId) -> Option<&Outgoing> {
        self.sent.iter().find(|sent| sent.id == id).map(|sent| &sent.request)
    }

    /// Whether anything came back for a request yet.
    pub fn is_heard(&self, id: RequestId) -> bool {
        self.sent.iter().any(|sent| sent.id == id && !sent.transaction.is_unheard())
    }

    /// Whether a request still waits for its final answer.
    pub fn is_open(&self, id: RequestId) -> bool {
        self.sent.iter().any(|sent| sent.id == id && sent.transaction.is_open())
    }

    /// The stream broke by which an INVITE went. If it was heard, the answer may come over another one (RFC 3261 §18.2.2):
    /// it is waited for, as long as a proxy would. False if it is not worth that.
    pub fn outlives_stream(&mut self, now: Instant, id: RequestId) -> bool {
        let Some(sent) = self.sent.iter_mut().find(|sent| sent.id == id) else { return false };
        let first = sent.request.to.parse::<NameAddr>().is_ok_and(|to| to.tag().is_none());
        let waits = sent.request.method == Method::Invite && first && !sent.transaction.is_unheard();
        if waits {
            sent.transaction.limit(now + TIMER_C);
        }
        waits && sent.transaction.is_open()
    }

    /// Where a request went.
    pub fn target_of(&self, id: RequestId) -> Option<&Target> {
        self.sent.iter().find(|sent| sent.id == id).map(|sent| &sent.target)
    }

    /// A request came to nothing; `failure` says how. Says what to do with it. It is forgotten here: another server may
    /// want another request.
    pub fn no_answer(&mut self, now: Instant, id: RequestId, failure: Failure) -> Next {
        let way = self.sent.iter().find(|sent| sent.id == id).and_then(|sent| sent.way.clone());
        self.forget(id);
        way.map_or(Next::Exhausted, |way| self.locator.no_answer(now, &way, failure))
    }

    /// Nobody waits for the answer any more. A request that was answered finally stays until the copies of its answer can
    /// have died out: a refused INVITE confirms each of them (RFC 3261 §17.1.1.2).
    pub fn forget(&mut self, id: RequestId) {
        self.sent.retain(|sent| sent.id != id || !(sent.transaction.is_open() || sent.transaction.is_over()));
    }

    /// Drops everything under way.
    pub fn forget_all(&mut self) {
        self.sent.clear();
    }

    // ---- inputs ----

    /// Takes a response in: whose it is, and what it means. `None` if nothing here waits for it.
    pub fn response(&mut self, now: Instant, message: &Message) -> Option<(RequestId, Received)> {
        let sent = self.sent.iter_mut().find(|sent| sent.transaction.fits(message))?;
        let waited = sent.cancelled && sent.transaction.is_unheard();
        let received = sent.transaction.response(now, message);
        let (id, way) = (sent.id, sent.way.clone());
        if let Received::Final(status) = received
            && status >= 300
            && sent.request.method == Method::Invite
            && let Some(to) = message.header(Name::To)
        {
            let ack = sent.request.ack(&sent.via, to);
            sent.transaction.acknowledge(ack);
        }
        if waited && matches!(received, Received::Provisional(_)) {
            self.send_cancel(now, id);
        }
        let lives = match received {
            Received::Provisional(_) => true,
            Received::Final(status) => !matches!(status, 408 | 503),
            Received::NotOurs | Received::Absorbed => false,
        };
        if let Some(way) = way.filter(|_| lives) {
            self.locator.answered_by(now, &way);
        }
        Some((id, received))
    }

    /// A stream broke or could not be opened. Returns the requests that came to nothing by it.
    pub fn disconnected(&mut self, now: Instant, transport: Transport, remote: SocketAddr) -> Vec<RequestId> {
        let mut lost = Vec::new();
        for sent in &mut self.sent {
            let theirs = sent.target.transport == transport && sent.target.address == remote;
            if !theirs || !sent.transaction.is_open() {
                continue;
            }
            if sent.instead_of_udp && sent.transaction.is_unheard() {
                sent.instead_of_udp = false;
                sent.target.transport = Transport::Udp;
                sent.via.transport = Transport::Udp.via().to_owned();
                let branch = sent.via.branch().unwrap_or_default().to_owned();
                let timers = self.settings.timers(false);
                let bytes = sent.request.bytes(&sent.via);
                sent.transaction = ClientTransaction::new(now, branch, sent.request.method.clone(), bytes, timers);
            } else {
                lost.push(sent.id);
            }
        }
        lost
    }

    /// Lets timers fire. Returns the requests nobody answered.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<RequestId> {
        self.locator.handle_timeout(now);
        let mut lost = Vec::new();
        for sent in &mut self.sent {
            if sent.transaction.handle_timeout(now) {
                lost.push(sent.id);
            }
        }
        // Those nobody answered stay until they are taken up by their owners (`no_answer`, `forget`).
        self.sent.retain(|sent| !sent.transaction.is_over() || lost.contains(&sent.id));
        lost
    }

    // ---- outputs ----

    /// When to call [`Line::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let own = self.sent.iter().map(|sent| sent.transaction.poll_timeout()).fold(None, earliest);
        earliest(own, self.locator.poll_timeout())
    }

    /// Puts bytes on the wire.
    pub fn transmit(&mut self, target: Target, bytes: Vec<u8>) {
        let Some(local_port) = self.port(target.transport) else { return };
        let Target { transport, address, name } = target;
        self.transmits.push_back(Transmit { account: self.index, transport, local_port, to: address, name, bytes });
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        if let Some(transmit) = self.transmits.pop_front() {
            return Some(transmit);
        }
        for at in 0..self.sent.len() {
            let Some(sent) = self.sent.get_mut(at) else { break };
            let Some(bytes) = sent.transaction.poll_transmit().map(<[u8]>::to_vec) else { continue };
            let target = sent.target.clone();
            self.transmit(target, bytes);
            if let Some(transmit) = self.transmits.pop_front() {
                return Some(transmit);
            }
        }
        None
    }

    /// Nothing is on its way.
    pub fn is_quiet(&self) -> bool {
        self.transmits.is_empty()
    }
}
