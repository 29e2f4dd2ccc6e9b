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

use std::collections::VecDeque;

use crate::decode::decode_post;
use crate::encode::encode;
use crate::error::{CwmpError, Side};
use crate::fault::{Fault, FaultCode};
use crate::guard::Limits;
use crate::message::{CwmpVersion, Envelope, Message};
use crate::model::{DeviceId, Event, ParameterValue};
use crate::rpc::{Inform, TransferComplete};
use crate::time::CwmpTime;

/// An ACS may ask this much in one session before we call it a loop.
const MAX_EXCHANGES: u32 = 5_000;
/// How often "8005 retry request" is obeyed in one session (the standard sets no bound).
const MAX_RESENDS: u32 = 3;

/// What a session starts with.
#[derive(Clone, Debug)]
pub struct CpeConfig {
    pub version: CwmpVersion,
    pub device_id: DeviceId,
    /// At least one.
    pub events: Vec<Event>,
    /// The forced Inform parameters and the changed ones.
    pub parameters: Vec<ParameterValue>,
    pub current_time: CwmpTime,
    /// Sessions failed in a row so far; see [`crate::retry_wait`].
    pub retry_count: u32,
    /// Finished transfers to report, oldest first.
    pub transfers: Vec<TransferComplete>,
    /// For what the ACS sends.
    pub limits: Limits,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Empty: a POST without body and without Content-Type and SOAPAction (§3.4).
    pub body: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CpeStep {
    /// POST this and call [`CpeSession::on_response`].
    Send(Post),
    /// Carry the request out and call [`CpeSession::reply`] with its response or a [`Fault`].
    Execute(Message),
    /// Close the connection.
    Done(SessionOutcome),
}

/// How it went. After a failure count up `retry_count` and wait [`crate::retry_wait`]; after a success set it to 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOutcome {
    /// `None`: the session ended as it should.
    pub failure: Option<SessionFailure>,
    /// The ACS has the events: drop those that need no other answer (§3.7.1.5).
    pub events_delivered: bool,
    /// Transfers the ACS acknowledged, or refused for good: do not report them again.
    pub transfers_done: Vec<TransferComplete>,
    /// Requests carried out or refused.
    pub requests: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionFailure {
    #[error("the server answered HTTP {0}")]
    Http(u16),
    #[error("the server ended the session before answering {0}")]
    Unanswered(&'static str),
    #[error("the server refused {request}: {}", fault.code)]
    Refused { request: &'static str, fault: Fault },
    #[error("the server sent something unreadable: {0}")]
    Unreadable(CwmpError),
    #[error("the server sent {0} out of turn")]
    OutOfTurn(&'static str),
    #[error("the server asked too much in one session")]
    Endless,
    #[error("the connection failed")]
    Transport,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    New,
    /// Inform or TransferComplete is out under this ID.
    Asked {
        id: String,
        request: Message,
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
    transfers: VecDeque<TransferComplete>,
    transfers_done: Vec<TransferComplete>,
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
            transfers: config.transfers.into(),
            transfers_done: Vec::new(),
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

    /// The ACS's answer to the last POST: its status and its body, inflated.
    pub fn on_response(&mut self, status: u16, body: &[u8]) -> CpeStep {
        if !matches!(status, 200 | 204) {
            return self.fail(SessionFailure::Http(status));
        }
        let decoded = if status == 204 { Ok(None) } else { decode_post(body, &self.limits) };
        match (std::mem::replace(&mut self.state, State::Over), decoded) {
            (State::Asked { request, .. }, Ok(None)) => self.fail(SessionFailure::Unanswered(request.name())),
            (State::Asked { id, request }, Ok(Some(envelope))) => self.on_answer(id, request, envelope),
            (State::Listening, Ok(None)) => {
                // No envelope, no HoldRequests (§3.5).
                self.hold_requests = false;
                if self.transfers.is_empty() { self.done(None) } else { CpeStep::Send(self.proceed()) }
            }
            (State::Listening, Ok(Some(envelope))) => self.on_request(envelope),
            (State::Listening, Err(error)) if error.version.is_some() => self.refuse(&error),
            (_, Err(error)) => self.fail(SessionFailure::Unreadable(error)),
            (State::New | State::Executing { .. } | State::Over, Ok(_)) => {
                self.fail(SessionFailure::OutOfTurn("an answer"))
            }
        }
    }

    /// The outcome of the request last handed out: its response, or a fault. Anything else becomes fault 9002.
    pub fn reply(&mut self, message: impl Into<Message>) -> CpeStep {
        let State::Executing { id, version, request } = std::mem::replace(&mut self.state, State::Listening) else {
            return self.fail(SessionFailure::OutOfTurn("nothing to reply to"));
        };
        let mut message = message.into();
        if !message.kind().answers(request.kind()) && !matches!(message, Message::Fault(_)) {
            message = Fault::of(FaultCode::INTERNAL_ERROR).into();
        }
        CpeStep::Send(Post { body: encode(&Envelope { id, ..Envelope::new(version, message) }) })
    }

    /// The connection broke, timed out, or could not be authenticated.
    pub fn on_transport_failure(&mut self) -> SessionOutcome {
        self.outcome(Some(SessionFailure::Transport))
    }

    fn on_answer(&mut self, id: String, request: Message, envelope: Envelope) -> CpeStep {
        self.hold_requests = envelope.hold_requests;
        // A missing ID is forgiven, one envelope is out at a time; a wrong one is not.
        if envelope.id.as_ref().is_some_and(|answered| *answered != id) {
            return self.fail(SessionFailure::OutOfTurn("an answer to something else"));
        }
        match envelope.body {
            Message::Fault(fault) if fault.code == FaultCode::ACS_RETRY_REQUEST && self.resends < MAX_RESENDS => {
                self.resends += 1;
                CpeStep::Send(self.ask(request))
            }
            Message::Fault(fault) if matches!(request, Message::TransferComplete(_)) => {
                // Only 8005 asks for it again (A.3.3.2); after too many of those it stays for the next session.
                if fault.code == FaultCode::ACS_RETRY_REQUEST {
                    return self.fail(SessionFailure::Refused { request: request.name(), fault });
                }
                self.transfers_done.extend(self.transfers.pop_front());
                CpeStep::Send(self.proceed())
            }
            Message::Fault(fault) => self.fail(SessionFailure::Refused { request: request.name(), fault }),
            // Its MaxEnvelopes changes nothing: we send one envelope a POST in any case.
            body if body.kind().answers(request.kind()) => {
                if matches!(request, Message::Inform(_)) {
                    self.events_delivered = true;
                } else {
                    self.transfers_done.extend(self.transfers.pop_front());
                }
                self.resends = 0;
                CpeStep::Send(self.proceed())
            }
            other => self.fail(SessionFailure::OutOfTurn(other.name())),
        }
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

    /// Our turn: the next transfer unless the ACS holds us back, else the empty POST.
    fn proceed(&mut self) -> Post {
        match self.transfers.front() {
            Some(transfer) if !self.hold_requests => self.ask(Message::TransferComplete(transfer.clone())),
            _ => {
                self.state = State::Listening;
                Post { body: String::new() }
            }
        }
    }

    fn ask(&mut self, request: Message) -> Post {
        let id = self.next_id.to_string();
        self.next_id += 1;
        let body = encode(&Envelope::new(self.version, request.clone()).with_id(id.clone()));
        self.state = State::Asked { id, request };
        Post { body }
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
            transfers_done: std::mem::take(&mut self.transfers_done),
            requests: self.requests,
        }
    }
}
