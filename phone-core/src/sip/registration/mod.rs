//! Keeping one account registered (RFC 3261 §10, RFC 3581, RFC 5626 §4.1 instance ids, RFC 5627, RFC 3608).
//!
//! Work comes in rounds: one [`Purpose`], and as many REGISTER requests as its challenges, corrections and servers take,
//! each kind bounded, so that no answer can make a round endless. Between rounds the machine sleeps until `next`.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::auth::Authorizer;
use super::line::{Line, RequestId};
use super::locate::{Change, Failure, Next, Way, Why};
use super::message::Message;
use super::transaction::Received;
use crate::phone::PhoneEvent;
use crate::settings::{AccountSettings, UnregisterOnReboot};
use crate::state::{AccountState, AccountStatus};
use crate::time::{Instant, earliest};

mod outcome;
mod request;
mod schedule;
mod settings;

/// How long a round waits for a server's address.
const RESOLVE_WAIT: Duration = Duration::from_secs(15);
/// Servers of one round to which challenges are answered anew.
const MOST_ELSEWHERE: u8 = 16;
/// The shortest time from a registration to the next one that a broken stream calls for, and the longest it grows to
/// while streams break again and again.
const STREAM_REST: Duration = Duration::from_secs(10);
const STREAM_REST_MOST: Duration = Duration::from_secs(300);
/// Phones whose stream broke at the same moment come back within so long.
const STREAM_SPREAD: Duration = Duration::from_secs(5);

/// Why a round of REGISTER requests is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Purpose {
    /// "UNREGISTER on Reboot": remove what an earlier life left at the registrar, then register.
    Clear,
    /// Register or refresh.
    Register,
    /// Remove the binding, then do this.
    Goodbye(Then),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Then {
    /// Take these settings and go on.
    Apply(Arc<AccountSettings>),
    /// End.
    ShutDown,
}

/// A round and the corrections it has used up.
#[derive(Debug)]
struct Round {
    purpose: Purpose,
    too_brief: u8,
    moved: bool,
    /// How often it went on to another server.
    elsewhere: u8,
    /// A binding of ours at an address we no longer have, to be removed along the way.
    obsolete: Option<SocketAddr>,
    /// The contact address the last request carried.
    contact: Option<SocketAddr>,
    /// Where the last request went.
    way: Option<Way>,
    /// No server's address is known yet; until then is waited.
    looking_up: Option<Instant>,
}

/// A binding the registrar is believed to hold.
#[derive(Clone, Debug)]
struct Binding {
    contact: SocketAddr,
    until: Instant,
    way: Way,
}

/// One account's registration.
#[derive(Debug)]
pub struct Registration {
    call_id: String,
    from_tag: String,
    cseq: u32,
    auth: Authorizer,
    /// Raised by 423, seconds.
    min_expires: u32,

    cleared: bool,
    binding: Option<Binding>,
    round: Option<Round>,
    request: Option<RequestId>,
    /// When the next round begins.
    next: Option<Instant>,
    /// When the registrar took us in last.
    succeeded: Option<Instant>,
    /// How long after that a broken stream has to wait.
    stream_rest: Duration,
    ended: bool,

    status: AccountStatus,
    since: Instant,
    reason: Option<String>,
    /// Code of the failure last reported, until something else happens.
    reported: Option<u16>,
    events: VecDeque<PhoneEvent>,
}

impl Registration {
    /// The registration of a line. It waits for a local address, and until `start`.
    pub fn new(line: &mut Line, now: Instant, start: Instant) -> Self {
        let mut registration = Self {
            call_id: line.call_id(),
            from_tag: line.rng.token(),
            cseq: line.first_cseq(),
            auth: Authorizer::default(),
            min_expires: 0,
            cleared: false,
            binding: None,
            round: None,
            request: None,
            next: Some(start),
            succeeded: None,
            stream_rest: STREAM_REST,
            ended: false,
            status: AccountStatus::Disabled,
            since: now,
            reason: None,
            reported: None,
            events: VecDeque::new(),
        };
        registration.rest_status(now, line);
        if line.settings.enabled {
            // Ask early: the shell needs the server's address to find the phone's own.
            line.locator.start(now);
        }
        registration
    }

    // ---- inputs ----

    /// A response to a request of ours; false if it is not.
    pub fn response(
        &mut self,
        now: Instant,
        line: &mut Line,
        id: RequestId,
        what: Received,
        message: &Message,
    ) -> bool {
        if self.request != Some(id) {
            return false;
        }
        match what {
            // A proxy that cannot reach its registrar, and one that is out of service: another may do.
            Received::Final(status @ (408 | 503)) => {
                let retry_after = message.retry_after();
                let wait = retry_after.map(|wait| Duration::from_secs(u64::from(wait)));
                let reason = if status == 503 { "the server is out of service" } else { "the proxy got no answer" };
                let failure = (status, reason.to_owned(), retry_after);
                self.unanswered(now, line, id, Failure::Unavailable { retry_after: wait }, failure);
            }
            Received::Final(status) => self.answered(now, line, status, message),
            _ => {}
        }
        true
    }

    /// A request of ours came to nothing; false if it is not ours. `broken` says why there is no connection, if that is why.
    pub fn lost(&mut self, now: Instant, line: &mut Line, id: RequestId, broken: Option<&str>) -> bool {
        let ours = self.request == Some(id);
        if ours {
            let failure = match broken {
                Some(reason) => (0, reason.to_owned(), None),
                None => (408, "no answer from the server".to_owned(), None),
            };
            self.unanswered(now, line, id, Failure::Silent, failure);
        }
        ours
    }

    fn unanswered(
        &mut self,
        now: Instant,
        line: &mut Line,
        id: RequestId,
        failure: Failure,
        (code, reason, retry_after): (u16, String, Option<u32>),
    ) {
        self.request = None;
        let goodbye = self.round.as_ref().is_some_and(|round| matches!(round.purpose, Purpose::Goodbye(_)));
        let next = line.no_answer(now, id, failure);
        match next {
            Next::Try(_) | Next::Register(_) if !goodbye => {
                // Another server has challenges of its own: that it refuses the answer to the last one's says nothing.
                if let Some(round) = self.round.as_mut().filter(|round| round.elsewhere < MOST_ELSEWHERE) {
                    round.elsewhere += 1;
                    self.auth.begin_round();
                }
                self.send(now, line);
            }
            _ => self.fail(now, line, code, reason, retry_after),
        }
    }

    /// What the locator has found out.
    pub fn located(&mut self, now: Instant, line: &mut Line, change: Change) {
        let working = self.round.as_ref().is_some_and(|round| round.looking_up.is_none());
        match change {
            Change::Located | Change::FailedOver | Change::FailbackDue if working => {}
            Change::Located if self.round.is_some() => self.send(now, line),
            Change::Located | Change::FailedOver | Change::FailbackDue => {
                // Not before the first registration is due, nor during the wait after a failure.
                if self.binding.is_some() && self.status == AccountStatus::Registered {
                    self.begin_register(now, line);
                }
            }
            Change::Lost | Change::FailedBack => {}
        }
    }

    /// The address given out changed: register anew at once, unless the first registration is not due yet or a goodbye
    /// is under way.
    pub fn moved(&mut self, now: Instant, line: &mut Line) {
        let leaving = self.round.as_ref().is_some_and(|round| matches!(round.purpose, Purpose::Goodbye(_)));
        if leaving || self.ended || !line.is_ready() {
            return;
        }
        let untouched = self.round.is_none() && self.binding.is_none() && self.reported.is_none();
        let waiting_for_start = untouched && self.next.is_some_and(|next| next > now);
        if !waiting_for_start {
            self.begin_register(now, line);
        }
    }

    /// Registers at once: the server is thought to have forgotten us (OPTIONS unanswered, a reg event says so).
    pub fn again(&mut self, now: Instant, line: &mut Line) {
        if self.round.is_none() && self.next.is_some() {
            self.begin_register(now, line);
        }
    }

    /// The stream to the registrar broke while nothing was under way: registers over a new one, so that calls find us.
    /// Not at once: a registrar that was restarted has lost the streams of all phones at the same moment; and one that
    /// closes each of them is not asked again and again.
    pub fn disconnected(&mut self, now: Instant, line: &mut Line) {
        let (None, Some(next)) = (&self.round, self.next) else { return };
        let lived = self.succeeded.map_or(STREAM_REST_MOST, |at| now.saturating_since(at));
        if lived >= self.stream_rest * 2 {
            self.stream_rest = STREAM_REST;
        }
        let rest = self.stream_rest.saturating_sub(lived);
        self.stream_rest = (self.stream_rest * 2).min(STREAM_REST_MOST);
        self.next = Some(next.min(now + rest + line.rng.up_to(STREAM_SPREAD)));
    }

    /// Takes leave of the registrar as "UNREGISTER on Reboot" says, and ends.
    pub fn shutdown(&mut self, now: Instant, line: &mut Line) {
        let leave = line.settings.unregister_on_reboot != UnregisterOnReboot::No;
        if leave && self.may_be_bound(now) && line.locator.registering().is_some() {
            self.begin(now, line, Purpose::Goodbye(Then::ShutDown));
        } else {
            self.halt(line);
            self.ended = true;
        }
    }

    /// Lets timers fire.
    pub fn handle_timeout(&mut self, now: Instant, line: &mut Line) {
        if let Some(deadline) = self.round.as_ref().and_then(|round| round.looking_up) {
            let nowhere = matches!(line.locator.state().why, Why::NotFound | Why::NotConfigured);
            if nowhere || now >= deadline {
                let name = line.locator.registrar().map_or_else(String::new, |at| at.host.to_string());
                self.fail(now, line, 0, format!("{name} cannot be resolved"), None);
            }
        }
        if line.is_ready() && self.next.is_some_and(|next| now >= next) {
            self.next = None;
            self.begin_register(now, line);
        }
    }

    // ---- outputs ----

    /// When to call [`Registration::handle_timeout`] next.
    pub fn poll_timeout(&self, line: &Line) -> Option<Instant> {
        let looking_up = self.round.as_ref().and_then(|round| round.looking_up);
        earliest(looking_up, self.next.filter(|_| line.is_ready()))
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<PhoneEvent> {
        self.events.pop_front()
    }

    /// What is shown of the account.
    pub fn state(&self, line: &Line) -> AccountState {
        let servers = &line.settings.servers;
        let registered = self.status == AccountStatus::Registered;
        AccountState {
            index: line.index,
            status: self.status,
            user: line.settings.user.clone(),
            server: servers.servers[0].as_ref().map(ToString::to_string).unwrap_or_default(),
            way: line.locator.way().map(|way| way.target.to_string()),
            messages: Default::default(),
            since: self.since,
            expires: self.binding.as_ref().filter(|_| registered).map(|binding| binding.until),
            reason: self.reason.clone(),
        }
    }

    /// Whether the account is registered.
    pub fn is_registered(&self) -> bool {
        self.status == AccountStatus::Registered
    }

    /// Whether the account is registered with a server at this address.
    pub fn is_bound_at(&self, address: IpAddr) -> bool {
        self.is_registered() && self.binding.as_ref().is_some_and(|binding| binding.way.target.address.ip() == address)
    }

    /// After [`Registration::shutdown`]: nothing is left to do.
    pub fn is_shut_down(&self) -> bool {
        self.ended
    }

    // ---- rounds ----

    fn wants_binding(line: &Line) -> bool {
        let settings = &line.settings;
        settings.enabled && settings.register && !settings.user.is_empty() && line.locator.registrar().is_some()
    }

    /// A registrar may hold a binding of ours, as far as we know.
    fn may_be_bound(&self, now: Instant) -> bool {
        let asked = self.round.as_ref().is_some_and(|r| r.purpose == Purpose::Register && r.contact.is_some());
        asked || self.binding.as_ref().is_some_and(|binding| now < binding.until)
    }

    fn begin_register(&mut self, now: Instant, line: &mut Line) {
        if self.ended || !Self::wants_binding(line) {
            self.rest_status(now, line);
            return;
        }
        let clear = !self.cleared && line.settings.unregister_on_reboot != UnregisterOnReboot::No;
        self.begin(now, line, if clear { Purpose::Clear } else { Purpose::Register });
    }

    fn begin(&mut self, now: Instant, line: &mut Line, purpose: Purpose) {
        self.halt(line);
        self.auth.begin_round();
        let goodbye = matches!(purpose, Purpose::Goodbye(_));
        let contact = line.contact_address();
        let obsolete = self.binding.as_ref().map(|binding| binding.contact).filter(|bound| Some(*bound) != contact);
        let (contact, way, looking_up) = (None, None, None);
        self.round =
            Some(Round { purpose, too_brief: 0, moved: false, elsewhere: 0, obsolete, contact, way, looking_up });
        if !goodbye {
            line.locator.begin(now);
        }
        self.send(now, line);
    }

    /// Drops what is under way.
    fn halt(&mut self, line: &mut Line) {
        if let Some(id) = self.request.take() {
            line.forget(id);
        }
        self.round = None;
        self.next = None;
    }

    /// The status of an account that is not at work on a binding, or begins to be.
    fn rest_status(&mut self, now: Instant, line: &Line) {
        let (settings, servers) = (&line.settings, &line.settings.servers);
        let (status, reason) = if !settings.enabled {
            (AccountStatus::Disabled, None)
        } else if servers.unreadable {
            (AccountStatus::Unregistered, Some("SIP server or outbound proxy is not host[:port]"))
        } else if settings.user.is_empty() || servers.servers.iter().all(Option::is_none) {
            (AccountStatus::Unregistered, Some("SIP server or user is not configured"))
        } else if !settings.register {
            (AccountStatus::Unregistered, Some("SIP registration is switched off"))
        } else {
            (AccountStatus::Registering, None)
        };
        self.enter(now, line, status, reason.map(str::to_owned));
    }

    fn enter(&mut self, now: Instant, line: &Line, status: AccountStatus, reason: Option<String>) {
        if self.status != status {
            self.status = status;
            self.since = now;
            if status == AccountStatus::Registered {
                self.events.push_back(PhoneEvent::Registered { account: line.index });
            }
        }
        if status != AccountStatus::Failed {
            self.reported = None;
        }
        self.reason = reason;
    }
}
