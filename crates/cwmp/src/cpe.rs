//! The phone's half of a session (TR-069 §3.7.1), without sockets: what to POST, what to carry out, when it is over.
//!
//! The caller owns HTTP: connection, TLS, cookies, digest (401), redirects (302, 307; §3.4). It hands over each final
//! answer and does what the step says:
//!
//! ```text
//! let mut post = session.start();
//! loop {
//!     let mut step = session.on_response(status, &body);
//!     if let CpeStep::Execute(request) = step { step = session.reply(carry_out(request)); }
//!     match step { CpeStep::Send(next) => post = next, CpeStep::Done(outcome) => break, .. }
//! }
//! ```

mod types;

use std::collections::VecDeque;

pub use types::{Answered, CpeConfig, CpeStep, Post, SessionFailure, SessionOutcome};

use crate::decode::decode_post;
use crate::encode::encode;
use crate::error::{CwmpError, Side};
use crate::fault::{Fault, FaultCode};
use crate::guard::Limits;
use crate::message::{CwmpVersion, Envelope, Message};
use crate::rpc::Inform;

/// An ACS may ask this much in one session before we call it a loop.
const MAX_EXCHANGES: u32 = 5_000;
/// How often "8005 retry request" is obeyed in one session (the standard sets no bound).
const MAX_RESENDS: u32 = 3;

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    New,
    /// The Inform or a request of our own is out under this ID.
    Asked {
        id: String,
        request: Message,
        /// As it went out: 8005 asks for the very same again (§3.7.1.6).
        post: Post,
    },
    /// An empty POST or our response is out: the ACS's turn.
    Listening,
    /// The caller carries a request out; its envelope less the content.
    Executing {
        id: Option<String>,
        version: CwmpVersion,
        request: Message,
    },
    Over,
}

#[derive(Debug)]
pub struct CpeSession {
    version: CwmpVersion,
    inform: Inform,
    limits: Limits,
    supported_versions: Vec<CwmpVersion>,
    session_timeout: Option<u32>,
    own: VecDeque<Message>,
    answered: Vec<Answered>,
    state: State,
    hold_requests: bool,
    events_delivered: bool,
    next_id: u32,
    resends: u32,
    requests: u32,
}

impl CpeSession {
    pub fn new(config: CpeConfig) -> Self {
        Self {
            version: config.version,
            inform: Inform {
                device_id: config.device_id,
                events: config.events,
                max_envelopes: 1,
                current_time: config.current_time,
                retry_count: config.retry_count,
                parameters: config.parameters,
            },
            limits: config.limits,
            supported_versions: config.supported_versions,
            session_timeout: config.session_timeout,
            own: config.requests.into_iter().filter(is_own).collect(),
            answered: Vec::new(),
            state: State::New,
            hold_requests: false,
            events_delivered: false,
            next_id: 1,
            resends: 0,
            requests: 0,
        }
    }

    /// The first POST, the Inform.
    pub fn start(&mut self) -> Post {
        self.ask(Message::Inform(self.inform.clone()))
    }

    /// One more request of our own, such as the TransferComplete of a download that ended meanwhile. It goes out in this
    /// session if our turn comes again; else it is not in [`SessionOutcome::answered`].
    pub fn push(&mut self, request: impl Into<Message>) {
        self.own.extend(Some(request.into()).filter(is_own));
    }

    /// The ACS's answer to the last POST: its status and its body, inflated.
    pub fn on_response(&mut self, status: u16, body: &[u8]) -> CpeStep {
        if !matches!(status, 200 | 204) {
            return self.fail(SessionFailure::Http(status));
        }
        let decoded = if status == 204 { Ok(None) } else { decode_post(body, &self.limits) };
        match (std::mem::replace(&mut self.state, State::Over), decoded) {
            (State::Asked { request, .. }, Ok(None)) => self.fail(SessionFailure::Unanswered(request.name())),
            (State::Asked { id, request, post }, Ok(Some(envelope))) => self.on_answer(id, request, post, envelope),
            (State::Listening, Ok(None)) => {
                // No envelope, no HoldRequests (§3.5).
                self.hold_requests = false;
                if self.own.is_empty() { self.done(None) } else { CpeStep::Send(self.proceed()) }
            }
            (State::Listening, Ok(Some(envelope))) => self.on_request(envelope),
            (State::Listening, Err(error)) if error.version.is_some() => self.refuse(&error),
            (_, Err(error)) => self.fail(SessionFailure::Unreadable(error)),
            (State::New | State::Executing { .. } | State::Over, Ok(_)) => {
                self.fail(SessionFailure::OutOfTurn("an answer"))
            }
        }
    }

    /// The outcome of the request last handed out: its response, or a fault. Anything else, and what the schema does not
    /// allow ([`Message::check`]), becomes fault 9002.
    pub fn reply(&mut self, message: impl Into<Message>) -> CpeStep {
        let State::Executing { id, version, request } = std::mem::replace(&mut self.state, State::Listening) else {
            return self.fail(SessionFailure::OutOfTurn("nothing to reply to"));
        };
        let mut message = message.into();
        let fits = message.kind().answers(request.kind()) || matches!(message, Message::Fault(_));
        if !fits || message.check().is_err() {
            message = Fault::of(FaultCode::INTERNAL_ERROR).into();
        }
        CpeStep::Send(Post { body: encode(&Envelope { id, ..Envelope::new(version, message) }) })
    }

    /// The connection broke, timed out, or could not be authenticated.
    pub fn on_transport_failure(&mut self) -> SessionOutcome {
        self.outcome(Some(SessionFailure::Transport))
    }

    fn on_answer(&mut self, id: String, request: Message, post: Post, envelope: Envelope) -> CpeStep {
        self.hold_requests = envelope.hold_requests;
        // A missing ID is forgiven, one envelope is out at a time; a wrong one is not.
        if envelope.id.as_ref().is_some_and(|answered| *answered != id) {
            return self.fail(SessionFailure::OutOfTurn("an answer to something else"));
        }
        match envelope.body {
            Message::Fault(fault) if fault.code == FaultCode::ACS_RETRY_REQUEST && self.resends < MAX_RESENDS => {
                self.resends += 1;
                self.state = State::Asked { id, request, post: post.clone() };
                CpeStep::Send(post)
            }
            // After too many 8005 a request stays for the next session; any other fault settles it (A.3.3.2).
            Message::Fault(fault)
                if matches!(request, Message::Inform(_)) || fault.code == FaultCode::ACS_RETRY_REQUEST =>
            {
                self.fail(SessionFailure::Refused { request: request.name(), fault })
            }
            Message::Fault(fault) => self.settle(request, Err(fault)),
            Message::InformResponse(_) if matches!(request, Message::Inform(_)) => {
                self.on_informed(envelope.version, envelope.use_version)
            }
            body if body.kind().answers(request.kind()) => self.settle(request, Ok(body)),
            other => self.fail(SessionFailure::OutOfTurn(other.name())),
        }
    }

    /// The session is open (§3.7.4: how the versions are agreed on). The InformResponse's MaxEnvelopes changes nothing:
    /// we send one envelope a POST in any case.
    fn on_informed(&mut self, namespace: CwmpVersion, use_version: Option<CwmpVersion>) -> CpeStep {
        // Told a version without having offered any, we are what we are.
        if let Some(version) = use_version
            && !self.supported_versions.is_empty()
            && !self.supported_versions.contains(&version)
        {
            return self.fail(SessionFailure::Version(version));
        }
        self.version = namespace;
        self.events_delivered = true;
        self.resends = 0;
        CpeStep::Send(self.proceed())
    }

    /// The first of our own requests is done with.
    fn settle(&mut self, request: Message, answer: Result<Message, Fault>) -> CpeStep {
        self.own.pop_front();
        self.answered.push(Answered { request, answer });
        self.resends = 0;
        CpeStep::Send(self.proceed())
    }

    fn on_request(&mut self, envelope: Envelope) -> CpeStep {
        self.hold_requests = envelope.hold_requests;
        if !envelope.body.kind().is_request() {
            return self.fail(SessionFailure::OutOfTurn(envelope.body.name()));
        }
        if !self.count_request() {
            return self.fail(SessionFailure::Endless);
        }
        let Envelope { id, version, body, .. } = envelope;
        if !body.kind().is_acs_request() {
            self.state = State::Listening;
            let fault = Fault::of(FaultCode::METHOD_NOT_SUPPORTED);
            return CpeStep::Send(Post { body: encode(&Envelope { id, ..Envelope::new(version, fault.into()) }) });
        }
        self.state = State::Executing { id, version, request: body.clone() };
        CpeStep::Execute(body)
    }

    /// A request we could not read is answered with the fault that says why.
    fn refuse(&mut self, error: &CwmpError) -> CpeStep {
        if !self.count_request() {
            return self.fail(SessionFailure::Endless);
        }
        self.state = State::Listening;
        CpeStep::Send(Post { body: encode(&error.fault_envelope(Side::Cpe)) })
    }

    fn count_request(&mut self) -> bool {
        self.requests += 1;
        self.requests <= MAX_EXCHANGES
    }

    /// Our turn: the next request of our own unless the ACS holds us back, else the empty POST.
    fn proceed(&mut self) -> Post {
        while let Some(request) = self.own.front().filter(|_| !self.hold_requests) {
            match request.check() {
                Ok(()) => return self.ask(request.clone()),
                // It would be no better the next time.
                Err(error) => {
                    let answer = Err(error.fault_for(Side::Cpe));
                    self.answered.extend(self.own.pop_front().map(|request| Answered { request, answer }));
                }
            }
        }
        self.state = State::Listening;
        Post { body: String::new() }
    }

    fn ask(&mut self, request: Message) -> Post {
        let id = self.next_id.to_string();
        self.next_id += 1;
        let mut envelope = Envelope::new(self.version, request.clone()).with_id(id.clone());
        if matches!(request, Message::Inform(_)) {
            envelope.session_timeout = self.session_timeout;
            envelope.supported_versions = Some(self.supported_versions.clone()).filter(|versions| !versions.is_empty());
        }
        let post = Post { body: encode(&envelope) };
        self.state = State::Asked { id, request, post: post.clone() };
        post
    }

    fn fail(&mut self, failure: SessionFailure) -> CpeStep {
        self.done(Some(failure))
    }

    fn done(&mut self, failure: Option<SessionFailure>) -> CpeStep {
        CpeStep::Done(self.outcome(failure))
    }

    fn outcome(&mut self, failure: Option<SessionFailure>) -> SessionOutcome {
        self.state = State::Over;
        SessionOutcome {
            failure,
            events_delivered: self.events_delivered,
            answered: std::mem::take(&mut self.answered),
            requests: self.requests,
        }
    }
}

fn is_own(request: &Message) -> bool {
    request.kind().is_cpe_request() && !matches!(request, Message::Inform(_))
}
