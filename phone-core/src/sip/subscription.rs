//! A subscription of the account's own: message waiting (RFC 3842) or its registration's state (RFC 3680), by RFC 6665.

use std::time::Duration;

use super::auth::Authorizer;
use super::dialog::Dialog;
use super::inbox::{Answer, Inbox, IncomingId};
use super::line::{Line, RequestId};
use super::locate::Failure;
use super::message::{Message, Method, Name, NameAddr};
use super::outgoing::Outgoing;
use super::transport::Transport;
use crate::settings::ListeningMode;
use crate::time::{Instant, earliest};

/// The shortest wait before a subscription that failed is tried again.
const RETRY: Duration = Duration::from_secs(60);
/// The longest, after it has failed again and again.
const RETRY_MOST: Duration = Duration::from_secs(3600);
/// The shortest time from a SUBSCRIBE to its refresh, however little the notifier grants.
const LEAST_LIFE: Duration = Duration::from_secs(30);
/// The longest life a notifier may grant, seconds.
const MOST_EXPIRES: u32 = 64_800 * 60;

/// What is subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Package {
    /// Messages that wait.
    MessageSummary,
    /// Registrations of the address of record.
    Reg,
}

impl Package {
    /// As `Event` has it.
    pub const fn event(self) -> &'static str {
        match self {
            Package::MessageSummary => "message-summary",
            Package::Reg => "reg",
        }
    }

    const fn accept(self) -> &'static str {
        match self {
            Package::MessageSummary => "application/simple-message-summary",
            Package::Reg => "application/reginfo+xml",
        }
    }
}

/// One subscription.
#[derive(Debug)]
pub struct Subscription {
    package: Package,
    /// It is wanted: the setting is on and the account registered.
    wanted: bool,
    call_id: String,
    tag: String,
    cseq: u32,
    auth: Authorizer,
    dialog: Option<Dialog>,
    request: Option<RequestId>,
    /// When to subscribe, or refresh.
    next: Option<Instant>,
    /// When the notifier took it in.
    born: Option<Instant>,
    failures: u32,
}

impl Subscription {
    /// One that is not wanted yet.
    pub fn new(package: Package, line: &mut Line) -> Self {
        Self {
            package,
            wanted: false,
            call_id: line.call_id(),
            tag: line.rng.token(),
            cseq: line.first_cseq(),
            auth: Authorizer::default(),
            dialog: None,
            request: None,
            next: None,
            born: None,
            failures: 0,
        }
    }

    /// Whether it is to be there. Taken back, it is ended.
    pub fn want(&mut self, now: Instant, line: &mut Line, wanted: bool) {
        if self.wanted == wanted {
            return;
        }
        self.wanted = wanted;
        if wanted {
            (self.next, self.failures) = (Some(now), 0);
        } else {
            self.next = None;
            if self.dialog.is_some() && line.is_ready() {
                self.subscribe(now, line, 0);
            }
            self.forget(line);
        }
    }

    /// The network changed: subscribe anew.
    pub fn again(&mut self, now: Instant) {
        if self.wanted && self.request.is_none() {
            self.dialog = None;
            self.next = Some(now);
        }
    }

    /// Nothing is held at the server any more.
    fn forget(&mut self, line: &mut Line) {
        if let Some(id) = self.request.take() {
            // The answer to a farewell is nobody's.
            if self.wanted {
                line.forget(id);
            }
        }
        self.dialog = None;
        self.call_id = line.call_id();
        self.tag = line.rng.token();
    }

    fn subscribe(&mut self, now: Instant, line: &mut Line, expires: u32) {
        let Some(mut contact) = line.contact() else { return };
        // "Dual (BLF Enforced)": what is subscribed to comes over TCP.
        if line.settings.listening == ListeningMode::DualBlf && line.settings.transport == Transport::Udp {
            contact.uri.params.set("transport", Some("tcp"));
        }
        let mut request = match &mut self.dialog {
            Some(dialog) => dialog.request(Method::Subscribe),
            None => match self.first(line) {
                Some(request) => request,
                None => return,
            },
        };
        request.push(Name::Event, self.package.event());
        request.push(Name::Expires, expires);
        request.push(Name::Accept, self.package.accept());
        request.push(Name::Contact, contact);
        request.push(Name::AllowEvents, self.package.event());
        line.sign(&mut request);
        line.authorize(&mut self.auth, &mut request);
        self.request = match &self.dialog {
            Some(dialog) => line.hop(&dialog.next_hop()).and_then(|target| line.send_to(now, request, target)),
            None => line.send_to_server(now, request),
        };
        if self.request.is_none() {
            self.failed(now, line, None);
        }
    }

    fn first(&mut self, line: &mut Line) -> Option<Outgoing> {
        let own = line.address_of_record()?;
        let mut from = own.clone();
        from.params.set("tag", Some(&self.tag));
        self.cseq += 1;
        let uri = own.uri.clone();
        let (from, to) = (from.to_string(), NameAddr::new(uri.clone()).to_string());
        let mut request = Outgoing::new(Method::Subscribe, uri, from, to, self.call_id.clone(), self.cseq);
        request.route = line.preloaded_route();
        Some(request)
    }

    // ---- inputs ----

    /// A response; false if it is not to a request of ours.
    pub fn response(&mut self, now: Instant, line: &mut Line, id: RequestId, status: u16, message: &Message) -> bool {
        if self.request != Some(id) {
            return false;
        }
        match status {
            100..200 => return true,
            200..300 => {
                self.request = None;
                let request = line.request(id);
                if request.is_some_and(|request| request.call_id != self.call_id) {
                    // The NOTIFY that ended it was faster.
                    return true;
                }
                self.born.get_or_insert(now);
                if self.dialog.is_none() {
                    self.dialog = request.and_then(|request| Dialog::from_response(request, message));
                }
                let asked = line.settings.subscribe_expires_min * 60;
                self.lives(now, line, message.expires().unwrap_or(asked));
            }
            401 | 407 => {
                // Within the round of `handle_timeout`: what is refused once more is not answered again.
                let cseq = match &mut self.dialog {
                    Some(dialog) => {
                        dialog.local_cseq += 1;
                        dialog.local_cseq
                    }
                    None => {
                        self.cseq += 1;
                        self.cseq
                    }
                };
                match line.answer_challenge(now, &mut self.auth, id, message, cseq) {
                    Ok(id) => self.request = Some(id),
                    Err(_) => self.failed(now, line, message.retry_after()),
                }
            }
            _ => self.failed(now, line, message.retry_after()),
        }
        true
    }

    /// A request of ours came to nothing; false if it is not ours.
    pub fn lost(&mut self, now: Instant, line: &mut Line, id: RequestId) -> bool {
        if self.request != Some(id) {
            return false;
        }
        line.no_answer(now, id, Failure::Silent);
        self.failed(now, line, None);
        true
    }

    /// Whether a NOTIFY is this subscription's. It may come before the answer to SUBSCRIBE (RFC 6665 §4.1.2.4).
    pub fn owns(&self, request: &Message) -> bool {
        let to_us = || request.to().is_ok_and(|to| to.tag() == Some(self.tag.as_str()));
        self.wanted && request.call_id().is_ok_and(|id| id == self.call_id) && to_us()
    }

    /// Takes a NOTIFY in and answers it. What it tells is its caller's to read, if this returns true.
    pub fn notified(
        &mut self,
        now: Instant,
        line: &mut Line,
        inbox: &mut Inbox,
        id: IncomingId,
        request: &Message,
    ) -> bool {
        let event = request.header(Name::Event).unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !event.eq_ignore_ascii_case(self.package.event()) {
            inbox.respond(now, id, &Answer::new(489).with(Name::AllowEvents, self.package.event()));
            return false;
        }
        // "Use Route Set in Notify": the NOTIFY's Contact and routes are the ones refreshes follow (RFC 6665 §4.4.1).
        if (self.dialog.is_none() || line.settings.notify_route)
            && let Some(mut dialog) = Dialog::from_request(request, &self.tag, self.cseq)
        {
            if let Some(known) = &self.dialog {
                if known.remote.tag() != dialog.remote.tag() {
                    // Of another fork: one is enough.
                    inbox.respond(now, id, &Answer::new(481));
                    return false;
                }
                dialog.local_cseq = known.local_cseq;
                dialog.remote_cseq = known.remote_cseq;
            } else {
                dialog.remote_cseq = None;
            }
            self.dialog = Some(dialog);
        }
        if self.dialog.as_mut().is_none_or(|dialog| !dialog.in_order(request)) {
            inbox.respond(now, id, &Answer::new(500));
            return false;
        }
        inbox.respond(now, id, &Answer::new(200));
        self.follow(now, line, request);
        true
    }

    /// Subscription-State (RFC 6665 §4.1.3).
    fn follow(&mut self, now: Instant, line: &mut Line, request: &Message) {
        let state = request.header(Name::SubscriptionState).unwrap_or("active").to_ascii_lowercase();
        let param = |name: &str| {
            let of = |part: &str| part.trim().strip_prefix(name)?.trim_start().strip_prefix('=').map(str::to_owned);
            state.split(';').find_map(of)
        };
        if state.starts_with("terminated") {
            let reason = param("reason").unwrap_or_default();
            let wait = param("retry-after").and_then(|value| value.trim().parse().ok());
            self.dialog = None;
            self.call_id = line.call_id();
            self.tag = line.rng.token();
            self.settle(now);
            match reason.trim() {
                // Anew at once; but a notifier that does it again and again is given time.
                "deactivated" | "timeout" if self.failures == 0 => {
                    self.failures = 1;
                    self.next = Some(now + line.rng.up_to(Duration::from_secs(2))).filter(|_| self.wanted);
                }
                "rejected" | "noresource" | "invariant" => self.next = None,
                _ => self.failed(now, line, wait),
            }
        } else if let Some(expires) = param("expires").and_then(|value| value.trim().parse().ok()) {
            self.lives(now, line, expires);
        }
    }

    fn lives(&mut self, now: Instant, line: &mut Line, expires: u32) {
        if expires == 0 {
            // Nothing was kept: not now, perhaps later.
            return self.failed(now, line, None);
        }
        let life = Duration::from_secs(u64::from(expires.min(MOST_EXPIRES)));
        let latest = life * 9 / 10;
        let wait = (latest - line.rng.up_to(latest / 10)).max(LEAST_LIFE);
        self.next = Some(now + wait).filter(|_| self.wanted);
    }

    /// It ends. If it had lived for a while, what failed before is forgotten.
    fn settle(&mut self, now: Instant) {
        if self.born.take().is_some_and(|born| now.saturating_since(born) >= RETRY) {
            self.failures = 0;
        }
    }

    fn failed(&mut self, now: Instant, line: &mut Line, retry_after: Option<u32>) {
        self.request = None;
        self.dialog = None;
        self.call_id = line.call_id();
        self.tag = line.rng.token();
        self.settle(now);
        self.failures = (self.failures + 1).min(7);
        let backoff = (RETRY * (1 << (self.failures - 1))).min(RETRY_MOST);
        let told = Duration::from_secs(u64::from(retry_after.unwrap_or_default())).min(RETRY_MOST);
        let wait = backoff.max(told);
        self.next = Some(now + wait + line.rng.up_to(wait / 10)).filter(|_| self.wanted);
    }

    /// Lets timers fire.
    pub fn handle_timeout(&mut self, now: Instant, line: &mut Line) {
        if self.next.is_some_and(|next| now >= next) && self.request.is_none() && line.is_ready() {
            self.next = None;
            self.auth.begin_round();
            let expires = line.settings.subscribe_expires_min * 60;
            self.subscribe(now, line, expires);
        }
    }

    /// When to call [`Subscription::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        earliest(None, self.next.filter(|_| self.request.is_none()))
    }
}
