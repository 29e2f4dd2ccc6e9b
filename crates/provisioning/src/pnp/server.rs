//! The server's side: who asked is handed up, and whoever gets a URL is told it until the phone acknowledges.
//!
//! Nobody is answered before the caller has decided, and who is not served hears nothing: another server on the LAN may
//! know the phone. Answers go to the address a packet came from, never elsewhere, so that nobody can be sent packets by
//! naming him.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::message::{Message, Refusal, Start, param};
use super::subscribe::{Asker, Subscribe};
use super::{GIVE_UP, Time, check_url, wait};

/// What strangers may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Subscriptions remembered.
    pub sessions: usize,
    /// Of them from one address.
    pub per_source: usize,
    /// Packets taken from one address in ten seconds.
    pub packets_per_source: u32,
    /// Packets taken from everybody in ten seconds.
    pub packets: u32,
    /// How long a subscription that was decided is remembered, so that it can be told later or once more.
    pub keep: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { sessions: 512, per_source: 4, packets_per_source: 30, packets: 4000, keep: GIVE_UP }
    }
}

const WINDOW: Duration = Duration::from_secs(10);

/// Names a subscription to the caller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(u64);

/// What the machine wants done, or tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send a packet.
    Send {
        /// Where to.
        to: SocketAddr,
        /// A datagram.
        packet: Vec<u8>,
    },
    /// A phone asks: [`Server::decide`] has to be called, or [`Server::undecided`].
    Asked {
        /// Its subscription.
        id: SessionId,
        /// The phone.
        asker: Asker,
        /// Where it is.
        from: SocketAddr,
    },
    /// The phone has acknowledged the URL.
    Acknowledged {
        /// Its subscription.
        id: SessionId,
    },
    /// The phone refused the URL with this status, or did not answer within 32 s (`None`).
    Failed {
        /// Its subscription.
        id: SessionId,
        /// Its answer.
        status: Option<u16>,
    },
}

#[derive(Debug)]
struct Session {
    id: SessionId,
    subscribe: Subscribe,
    from: SocketAddr,
    stage: Stage,
    /// Of the last NOTIFY.
    cseq: u32,
    forget_at: Time,
}

#[derive(Debug)]
enum Stage {
    /// The caller has not decided.
    Open,
    /// It was told nothing, not even that it was heard.
    Silent,
    Telling {
        packet: Vec<u8>,
        sent: u32,
        next: Time,
        until: Time,
    },
    Told,
    /// It refused the URL, or did not answer.
    Deaf,
}

impl Stage {
    /// Nothing is under way.
    const fn is_settled(&self) -> bool {
        matches!(self, Self::Silent | Self::Told | Self::Deaf)
    }
}

/// Call-ID, tag of the From, and where it came from.
type Key = (String, String, IpAddr);

/// See the module.
#[derive(Debug)]
pub struct Server {
    local: SocketAddr,
    name: String,
    secret: [u8; 16],
    limits: Limits,
    last_id: u64,
    sessions: HashMap<Key, Session>,
    window: Time,
    counts: HashMap<IpAddr, u32>,
    total: u32,
}

impl Server {
    /// `local` is where phones answer to, `name` goes into `Server:` (a product and a version), `secret` is random.
    pub fn new(local: SocketAddr, name: impl Into<String>, secret: [u8; 16], limits: Limits) -> Self {
        Self {
            local,
            name: name.into(),
            secret,
            limits,
            last_id: 0,
            sessions: HashMap::new(),
            window: Time::ZERO,
            counts: HashMap::new(),
            total: 0,
        }
    }

    /// Subscriptions remembered.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// A packet came.
    ///
    /// # Errors
    /// Why it is not taken; for a log at most.
    pub fn on_packet(&mut self, now: Time, from: SocketAddr, packet: &[u8]) -> Result<Vec<Output>, Refused> {
        self.count(now, from.ip())?;
        let message = Message::read(packet)?;
        match message.start {
            Start::Request { .. } => self.on_subscribe(now, from, &message, packet),
            Start::Response(status) => Ok(self.on_response(now, from, status, &message)),
        }
    }

    fn count(&mut self, now: Time, from: IpAddr) -> Result<(), Refused> {
        if now.saturating_sub(self.window) >= WINDOW {
            (self.window, self.total) = (now, 0);
            self.counts.clear();
        }
        if self.total >= self.limits.packets {
            return Err(Refused::TooMany);
        }
        // Not more addresses than packets, so the map is bounded.
        let count = self.counts.entry(from).or_default();
        if *count >= self.limits.packets_per_source {
            // Of the budget of all it takes no more.
            return Err(Refused::TooMany);
        }
        *count += 1;
        self.total += 1;
        Ok(())
    }

    fn on_subscribe(
        &mut self,
        now: Time,
        from: SocketAddr,
        message: &Message<'_>,
        packet: &[u8],
    ) -> Result<Vec<Output>, Refused> {
        let subscribe = Subscribe::read(message, packet)?;
        let tag = param(&subscribe.from, "tag").unwrap_or_default().to_owned();
        let key = (subscribe.call_id.clone(), tag, from.ip());
        if let Some(session) = self.sessions.get(&key) {
            // Sent again: the 200 may be lost; the NOTIFY has a clock of its own.
            let again = matches!(session.stage, Stage::Telling { .. } | Stage::Told);
            let tag = self.tag(session.id);
            let answer = again.then(|| self.accept(message, &subscribe, from, &tag)).flatten();
            return Ok(answer.into_iter().collect());
        }
        // A phone that starts again asks anew; what it asked before is of no use any more.
        let mac = subscribe.asker.mac;
        self.sessions.retain(|(.., source), session| *source != from.ip() || session.subscribe.asker.mac != mac);
        let own = |(.., source): &Key| *source == from.ip();
        if !self.make_room(self.limits.per_source, own) || !self.make_room(self.limits.sessions, |_| true) {
            return Err(Refused::Full);
        }
        self.last_id += 1;
        let id = SessionId(self.last_id);
        let asker = subscribe.asker.clone();
        let forget_at = now + GIVE_UP;
        self.sessions.insert(key, Session { id, subscribe, from, stage: Stage::Open, cseq: 0, forget_at });
        Ok(vec![Output::Asked { id, asker, from }])
    }

    /// Whether there is room for one more such subscription. The one that was decided first makes it: its phone can ask
    /// again.
    fn make_room(&mut self, most: usize, such: impl Fn(&Key) -> bool) -> bool {
        if self.sessions.keys().filter(|key| such(key)).count() < most {
            return true;
        }
        let settled = self.sessions.iter().filter(|(key, session)| such(key) && session.stage.is_settled());
        let oldest = settled.min_by_key(|(_, session)| session.forget_at).map(|(key, _)| key.clone());
        oldest.is_some_and(|key| self.sessions.remove(&key).is_some())
    }

    fn accept(&self, message: &Message<'_>, subscribe: &Subscribe, from: SocketAddr, tag: &str) -> Option<Output> {
        let more = format!("Contact: <sip:{}>\r\nExpires: 0\r\nServer: {}\r\n", self.local, self.name);
        let to = SocketAddr::new(from.ip(), subscribe.reply_port.unwrap_or(from.port()));
        Some(Output::Send { to, packet: message.answer("200 OK", tag, &more)? })
    }

    /// What a phone that asked is told: a URL, or nothing at all. Deciding twice changes nothing.
    pub fn decide(&mut self, now: Time, id: SessionId, url: Option<&str>) -> Vec<Output> {
        let Some(session) = self.sessions.values_mut().find(|session| session.id == id) else { return vec![] };
        if !matches!(session.stage, Stage::Open) {
            return vec![];
        }
        (session.stage, session.forget_at) = (Stage::Silent, now + self.limits.keep.max(GIVE_UP));
        url.map_or_else(Vec::new, |url| self.tell(now, id, url).1)
    }

    /// It could not be decided: the phone's next repetition asks anew.
    pub fn undecided(&mut self, id: SessionId) {
        self.sessions.retain(|_, session| session.id != id || !matches!(session.stage, Stage::Open));
    }

    /// The 200, of what was kept of the SUBSCRIBE.
    fn first_answer(&self, subscribe: &Subscribe, from: SocketAddr, id: SessionId) -> Option<Output> {
        let message = Message::read(&subscribe.raw).ok()?;
        self.accept(&message, subscribe, from, &self.tag(id))
    }

    /// Tells a phone that was decided about a URL: the first, if it was told nothing, or another. False if nobody remembers
    /// it.
    pub fn tell(&mut self, now: Time, id: SessionId, url: &str) -> (bool, Vec<Output>) {
        let (Ok(url), Some(session)) = (check_url(url), self.sessions.values().find(|session| session.id == id)) else {
            return (false, vec![]);
        };
        let first = match session.stage {
            Stage::Silent => self.first_answer(&session.subscribe, session.from, id),
            Stage::Told | Stage::Telling { .. } => None,
            Stage::Open | Stage::Deaf => return (false, vec![]),
        };
        (true, first.into_iter().chain(self.notify(now, id, url)).collect())
    }

    fn notify(&mut self, now: Time, id: SessionId, url: &str) -> Option<Output> {
        let (tag, local) = (self.tag(id), self.local);
        let session = self.sessions.values_mut().find(|session| session.id == id)?;
        session.cseq += 1;
        let (cseq, subscribe) = (session.cseq, &session.subscribe);
        let to = session.target();
        let uri = match &subscribe.contact_uri {
            Some(uri) if subscribe.contact.is_some_and(|contact| contact.ip() == to.ip()) => uri.clone(),
            _ => format!("sip:{to}"),
        };
        let Subscribe { from, to: to_header, call_id, .. } = subscribe;
        let packet = format!(
            "NOTIFY {uri} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {local};branch=z9hG4bK{tag}{cseq};rport\r\n\
             Max-Forwards: 70\r\n\
             From: {to_header};tag={tag}\r\n\
             To: {from}\r\n\
             Call-ID: {call_id}\r\n\
             CSeq: {cseq} NOTIFY\r\n\
             Contact: <sip:{local}>\r\n\
             Event: ua-profile\r\n\
             Subscription-State: terminated;reason=timeout\r\n\
             Content-Type: application/url\r\n\
             Content-Length: {}\r\n\r\n{url}",
            url.len()
        )
        .into_bytes();
        let until = now + GIVE_UP;
        session.stage = Stage::Telling { packet: packet.clone(), sent: 1, next: now + wait(1), until };
        session.forget_at = until + self.limits.keep;
        Some(Output::Send { to, packet })
    }

    fn on_response(&mut self, now: Time, from: SocketAddr, status: u16, message: &Message<'_>) -> Vec<Output> {
        let (Ok(call_id), Ok((number, "NOTIFY"))) = (message.once("Call-ID"), message.cseq()) else { return vec![] };
        let keep = self.limits.keep;
        let session = self.sessions.values_mut().find(|session| {
            session.subscribe.call_id == call_id && session.from.ip() == from.ip() && session.cseq == number
        });
        let Some(session) = session.filter(|session| matches!(session.stage, Stage::Telling { .. })) else {
            return vec![];
        };
        let id = session.id;
        match status {
            100..200 => vec![],
            200..300 => {
                (session.stage, session.forget_at) = (Stage::Told, now + keep.max(GIVE_UP));
                vec![Output::Acknowledged { id }]
            }
            _ => {
                (session.stage, session.forget_at) = (Stage::Deaf, now + GIVE_UP);
                vec![Output::Failed { id, status: Some(status) }]
            }
        }
    }

    /// When [`Self::on_time`] wants to be called.
    pub fn next_time(&self) -> Option<Time> {
        self.sessions
            .values()
            .map(|session| match &session.stage {
                Stage::Telling { next, until, .. } => (*next).min(*until),
                _ => session.forget_at,
            })
            .min()
    }

    /// Time has passed: NOTIFYs without an answer go out again, the old is forgotten.
    pub fn on_time(&mut self, now: Time) -> Vec<Output> {
        let mut out = vec![];
        for session in self.sessions.values_mut() {
            let to = session.target();
            let Stage::Telling { packet, sent, next, until } = &mut session.stage else { continue };
            if now >= *until {
                out.push(Output::Failed { id: session.id, status: None });
                (session.stage, session.forget_at) = (Stage::Deaf, now + GIVE_UP);
            } else if now >= *next {
                *sent += 1;
                *next = now + wait(*sent);
                out.push(Output::Send { to, packet: packet.clone() });
            }
        }
        self.sessions.retain(|_, session| now < session.forget_at);
        out
    }

    /// A word nobody guesses, the same for a session each time.
    fn tag(&self, id: SessionId) -> String {
        let hash = Sha256::new().chain_update(self.secret).chain_update(id.0.to_be_bytes()).finalize();
        hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Session {
    /// Where NOTIFYs go: the Contact's port where the Contact is the very host that asked.
    fn target(&self) -> SocketAddr {
        self.subscribe.contact.filter(|contact| contact.ip() == self.from.ip()).unwrap_or(self.from)
    }
}

/// Why a packet is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It cannot be read, or asks for something else.
    #[error(transparent)]
    Packet(#[from] Refusal),
    /// More packets than are taken in ten seconds.
    #[error("too many packets in ten seconds")]
    TooMany,
    /// More subscriptions than are remembered.
    #[error("too many subscriptions at once")]
    Full,
}
