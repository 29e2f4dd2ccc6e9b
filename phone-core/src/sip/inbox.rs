//! Requests that come: each is taken once, answered, and its copies get the same answer (RFC 3261 §17.2, §18.2).

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::identity::ALLOW;
use super::message::{Defect, Host, Message, Method, Name, ResponseBuilder, Scheme, Uri};
use super::transaction::{Again, ServerTransaction, Timers};
use super::transport::Transport;
use crate::phone::Transmit;
use crate::rng::Rng;
use crate::time::{Instant, earliest};

/// Requests remembered at once. Beyond that the oldest that are answered go, then new ones are dropped.
const MOST: usize = 128;
/// Sources whose rate is watched.
const MOST_SOURCES: usize = 256;
/// New requests a source may send at once, and in a second after that.
const BURST: f64 = 60.0;
const PER_SECOND: f64 = 20.0;
/// Extensions the phone knows (`Require`, RFC 3261 §8.2.2.3).
pub const EXTENSIONS: [&str; 6] = ["100rel", "gruu", "norefersub", "path", "replaces", "timer"];

/// Names a request that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IncomingId(u64);

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Over this.
    pub transport: Transport,
    /// To this address of ours.
    pub local: SocketAddr,
    /// From there.
    pub from: SocketAddr,
}

/// What a request turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// A new one, to be answered.
    New(IncomingId),
    /// It takes this INVITE back. The CANCEL itself is answered.
    Cancel(IncomingId),
    /// An ACK that belongs to no refusal of ours: a dialog may know it.
    Ack,
    /// A copy, or nothing to bother about.
    Nothing,
}

struct Incoming {
    id: IncomingId,
    key: String,
    request: Message,
    arrival: Arrival,
    account: u8,
    reply_to: SocketAddr,
    via: String,
    tag: String,
    transaction: ServerTransaction,
}

struct Source {
    address: IpAddr,
    tokens: f64,
    at: Instant,
}

/// The requests that came and are not forgotten yet.
pub struct Inbox {
    /// `Server` of our responses.
    pub server: String,
    rng: Rng,
    next_id: u64,
    kept: VecDeque<Incoming>,
    sources: Vec<Source>,
    /// Requests dropped because their source sent too many.
    pub flooded: u64,
    unacknowledged: VecDeque<IncomingId>,
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Inbox({} kept)", self.kept.len())
    }
}

impl Inbox {
    /// An empty one.
    pub fn new(server: String, rng: Rng) -> Self {
        let (kept, unacknowledged) = (VecDeque::new(), VecDeque::new());
        Self { server, rng, next_id: 0, kept, sources: Vec::new(), flooded: 0, unacknowledged }
    }

    // ---- inputs ----

    /// Takes a request in. `trusted`: it comes from a server we are registered with, which may send as much as it likes.
    pub fn take(&mut self, now: Instant, request: &Message, arrival: Arrival, trusted: bool) -> Taken {
        self.handle_timeout(now);
        let Some(method) = request.method() else { return Taken::Nothing };
        // Without these there is nothing to hang a response on.
        let (Ok(mut via), Ok(call_id), Ok(cseq)) = (request.top_via(), request.call_id(), request.cseq()) else {
            return Taken::Nothing;
        };
        let Some(from) = request.header(Name::From).filter(|_| request.header(Name::To).is_some()) else {
            return Taken::Nothing;
        };
        // ACK and CANCEL share branch and number with their INVITE; senders before RFC 3261 have no unique branch.
        let key = format!(
            "{}\n{}\n{}\n{}\n{call_id}\n{}\n{from}",
            via.branch().unwrap_or_default(),
            via.sent_by,
            arrival.from,
            arrival.transport,
            cseq.number,
        );
        if *method == Method::Cancel
            && let Some(copy) =
                self.kept.iter_mut().find(|kept| kept.key == key && kept.request.method() == Some(method))
        {
            copy.transaction.again();
            return Taken::Nothing;
        }
        let of_invite = matches!(method, Method::Ack | Method::Cancel);
        let wanted = if of_invite { &Method::Invite } else { method };
        let known = self.kept.iter_mut().find(|kept| kept.key == key && kept.request.method() == Some(wanted));
        match (method, known) {
            // An ACK of a 2xx has a branch of its own (RFC 3261 §13.2.2.4); some reuse the INVITE's.
            (Method::Ack, Some(invite)) if invite.transaction.is_accepted() => return Taken::Ack,
            (Method::Ack, Some(invite)) => {
                invite.transaction.acknowledged(now);
                return Taken::Nothing;
            }
            (Method::Ack, None) => return Taken::Ack,
            (Method::Cancel, Some(invite)) => {
                let (id, open) = (invite.id, invite.transaction.is_open());
                if !self.has_room() {
                    return Taken::Nothing;
                }
                let cancel = self.keep(key, request, arrival, &mut via);
                self.respond(now, cancel, &Answer::new(200));
                return if open { Taken::Cancel(id) } else { Taken::Nothing };
            }
            (_, Some(known)) => {
                if known.transaction.again() == Again::Nothing {
                    tracing::trace!(from = %arrival.from, %method, "a copy");
                }
                return Taken::Nothing;
            }
            (_, None) => {}
        }
        let merged = !of_invite && self.is_merged(request);
        if !trusted && !self.admits(now, arrival.from.ip()) {
            self.flooded += 1;
            return Taken::Nothing;
        }
        if !self.has_room() {
            return Taken::Nothing;
        }
        let id = self.keep(key, request, arrival, &mut via);
        if *method == Method::Cancel {
            self.respond(now, id, &Answer::new(481));
            return Taken::Nothing;
        }
        if merged {
            self.respond(now, id, &Answer::new(482));
            return Taken::Nothing;
        }
        Taken::New(id)
    }

    /// Whether a request that makes a dialog has come by another way already (RFC 3261 §8.2.2.2): it rings once.
    fn is_merged(&self, request: &Message) -> bool {
        let untagged = |message: &Message| message.to().is_ok_and(|to| to.tag().is_none());
        let branch = |message: &Message| message.top_via().ok().and_then(|via| via.branch().map(str::to_owned));
        let (Ok(from), Ok(cseq)) = (request.from(), request.cseq()) else { return false };
        let same = |kept: &Incoming| {
            (kept.transaction.is_open() || kept.transaction.is_accepted())
                && kept.request.call_id() == request.call_id()
                && kept.request.cseq().is_ok_and(|known| known == cseq)
                && kept.request.from().is_ok_and(|known| known.tag() == from.tag())
                && untagged(&kept.request)
                && branch(&kept.request) != branch(request)
        };
        from.tag().is_some() && untagged(request) && self.kept.iter().any(same)
    }

    fn keep(&mut self, key: String, request: &Message, arrival: Arrival, via: &mut super::message::Via) -> IncomingId {
        let Arrival { transport, from, .. } = arrival;
        // RFC 3261 §18.2.2, RFC 3581 §4: always to the address it came from, so nobody is made to send at a third party.
        let port = match via.params.contains("rport") {
            true => {
                via.params.set("rport", Some(&from.port().to_string()));
                from.port()
            }
            false => via.sent_by.port.unwrap_or(transport.default_port()),
        };
        if via.params.contains("rport") || via.sent_by.host != Host::Address(from.ip()) {
            via.params.set("received", Some(&from.ip().to_string()));
        }
        let reply_to = if transport.is_reliable() { from } else { SocketAddr::new(from.ip(), port) };
        self.next_id += 1;
        let id = IncomingId(self.next_id);
        let timers = Timers::new(Duration::from_millis(500), Duration::from_secs(4), transport.is_reliable());
        let transaction = ServerTransaction::new(request.method() == Some(&Method::Invite), timers);
        let (via, tag) = (via.to_string(), self.rng.token());
        let request = request.clone();
        self.kept.push_back(Incoming { id, key, request, arrival, account: 1, reply_to, via, tag, transaction });
        id
    }

    /// Makes room for one more. What is not answered, or answered and not acknowledged, stays: calls hang on it.
    fn has_room(&mut self) -> bool {
        if self.kept.len() < MOST {
            return true;
        }
        let over = |kept: &Incoming| !kept.transaction.is_open() && !kept.transaction.is_accepted();
        match self.kept.iter().position(over) {
            Some(oldest) => self.kept.remove(oldest).is_some(),
            None => false,
        }
    }

    /// A token bucket a source.
    fn admits(&mut self, now: Instant, address: IpAddr) -> bool {
        let at = self.sources.iter().position(|source| source.address == address).unwrap_or_else(|| {
            if self.sources.len() >= MOST_SOURCES {
                let oldest = self.sources.iter().enumerate().min_by_key(|(_, source)| source.at).map(|(at, _)| at);
                self.sources.swap_remove(oldest.unwrap_or_default());
            }
            self.sources.push(Source { address, tokens: BURST, at: now });
            self.sources.len() - 1
        });
        let Some(source) = self.sources.get_mut(at) else { return false };
        let passed = now.saturating_since(source.at).as_secs_f64();
        source.tokens = (source.tokens + passed * PER_SECOND).min(BURST);
        source.at = now;
        let admitted = source.tokens >= 1.0;
        if admitted {
            source.tokens -= 1.0;
        }
        admitted
    }

    // ---- answers ----

    /// The account a request is for: its answers go out from there.
    pub fn assign(&mut self, id: IncomingId, account: u8, timers: impl Fn(bool) -> Timers) {
        if let Some(kept) = self.kept.iter_mut().find(|kept| kept.id == id) {
            kept.account = account;
            let invite = kept.request.method() == Some(&Method::Invite);
            kept.transaction = ServerTransaction::new(invite, timers(kept.arrival.transport.is_reliable()));
        }
    }

    /// A request that is remembered.
    pub fn request(&self, id: IncomingId) -> Option<&Message> {
        self.kept.iter().find(|kept| kept.id == id).map(|kept| &kept.request)
    }

    /// How a request came.
    pub fn arrival(&self, id: IncomingId) -> Option<Arrival> {
        self.kept.iter().find(|kept| kept.id == id).map(|kept| kept.arrival)
    }

    /// The To tag our answers to a request carry, if it has none.
    pub fn tag(&self, id: IncomingId) -> Option<&str> {
        self.kept.iter().find(|kept| kept.id == id).map(|kept| kept.tag.as_str())
    }

    /// Whether a request still waits for a final answer.
    pub fn is_open(&self, id: IncomingId) -> bool {
        self.kept.iter().any(|kept| kept.id == id && kept.transaction.is_open())
    }

    /// Answers a request.
    pub fn respond(&mut self, now: Instant, id: IncomingId, answer: &Answer) {
        let Some(kept) = self.kept.iter_mut().find(|kept| kept.id == id) else { return };
        let mut response = ResponseBuilder::new(&kept.request, answer.status, &kept.via, &kept.tag);
        // A response that makes or meets a dialog carries the route back (RFC 3261 §12.1.1).
        let in_dialog = kept.request.to().is_ok_and(|to| to.tag().is_some());
        if !in_dialog && (101..300).contains(&answer.status) {
            for route in kept.request.headers(Name::RecordRoute) {
                response = response.header(Name::RecordRoute, route);
            }
        }
        if matches!(answer.status, 405) || (answer.status == 200 && kept.request.method() == Some(&Method::Options)) {
            response = response.header(Name::Allow, ALLOW);
        }
        for (name, value) in &answer.headers {
            response = response.header(*name, value);
        }
        response = response.header(Name::Server, &self.server);
        let bytes = match &answer.body {
            Some(body) => response.header(Name::ContentType, "application/sdp").finish(body.as_bytes()),
            None => response.finish(&[]),
        };
        kept.transaction.respond(now, answer.status, bytes);
    }

    /// The dialog's ACK to our 2xx has come.
    pub fn acknowledged(&mut self, now: Instant, id: IncomingId) {
        if let Some(kept) = self.kept.iter_mut().find(|kept| kept.id == id) {
            kept.transaction.acknowledged(now);
        }
    }

    // ---- time and outputs ----

    /// Lets timers fire.
    pub fn handle_timeout(&mut self, now: Instant) {
        for kept in &mut self.kept {
            if kept.transaction.handle_timeout(now) {
                self.unacknowledged.push_back(kept.id);
            }
        }
        self.kept.retain(|kept| !kept.transaction.is_over());
    }

    /// The next INVITE whose answer nobody acknowledged.
    pub fn poll_unacknowledged(&mut self) -> Option<IncomingId> {
        self.unacknowledged.pop_front()
    }

    /// When to call [`Inbox::handle_timeout`] next. Forgetting old answers can wait for an INVITE, or for the next request:
    /// an idle phone sleeps.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let invites = self.kept.iter().filter(|kept| kept.request.method() == Some(&Method::Invite));
        invites.map(|kept| kept.transaction.poll_timeout()).fold(None, earliest)
    }

    /// The next response to send. CANCEL is answered before the INVITE it takes back: some wait for it in this order.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let is_cancel = |kept: &Incoming| kept.request.method() == Some(&Method::Cancel);
        for cancels in [true, false] {
            for kept in self.kept.iter_mut().filter(|kept| is_cancel(kept) == cancels) {
                let Some(bytes) = kept.transaction.poll_transmit() else { continue };
                let transmit = Transmit {
                    account: kept.account,
                    transport: kept.arrival.transport,
                    local_port: kept.arrival.local.port(),
                    to: kept.reply_to,
                    name: String::new(),
                    bytes: bytes.to_vec(),
                };
                return Some(transmit);
            }
        }
        None
    }
}

/// What a request is answered with.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers beside those every response has.
    pub headers: Vec<(Name, String)>,
    /// A session description.
    pub body: Option<String>,
}

impl Answer {
    /// Just a status.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None }
    }

    /// With a header.
    pub fn with(mut self, name: Name, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

/// Why a request cannot be served, whatever it is about, in the order of RFC 3261 §8.2. `None` if it can be.
pub fn refusal(request: &Message, timer: bool) -> Option<Answer> {
    if !request.is_version_2() {
        return Some(Answer::new(505));
    }
    let method = request.method()?;
    let readable = request.from().is_ok()
        && request.to().is_ok()
        && request.cseq().is_ok_and(|cseq| cseq.method == *method)
        && !matches!(request.defect(), Some(Defect::ContentLength | Defect::BodyShort | Defect::HeaderLine));
    if !readable {
        return Some(Answer::new(400));
    }
    match method {
        Method::Other(_) => return Some(Answer::new(501)),
        Method::Register | Method::Publish => return Some(Answer::new(405)),
        _ => {}
    }
    match request.request_uri() {
        Err(_) => return Some(Answer::new(400)),
        Ok(Uri { scheme: Scheme::Other(_), .. }) => return Some(Answer::new(416)),
        Ok(_) => {}
    }
    let known = |tag: &str| EXTENSIONS.iter().any(|one| one.eq_ignore_ascii_case(tag)) && (timer || tag != "timer");
    let unknown: Vec<&str> = request.tokens(Name::Require).filter(|tag| !known(tag)).collect();
    if !unknown.is_empty() && !matches!(method, Method::Ack | Method::Cancel) {
        return Some(Answer::new(420).with(Name::Unsupported, unknown.join(", ")));
    }
    if request.header(Name::ContentEncoding).is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Some(Answer::new(415).with(Name::AcceptEncoding, "identity"));
    }
    None
}
