//! The server's half of a session (TR-069 §3.7.2): plain data a replica loads, steps and saves between two POSTs.

use serde::{Deserialize, Serialize};

use crate::error::{CwmpError, Side};
use crate::fault::{Fault, FaultCode};
use crate::message::{CwmpVersion, Envelope, Message, MessageKind};
use crate::rpc::{GetRpcMethodsResponse, Inform, InformResponse, KickedResponse};

/// What this ACS answers (A.3.1.1).
pub const ACS_METHODS: [&str; 8] = [
    "Inform",
    "GetRPCMethods",
    "TransferComplete",
    "AutonomousTransferComplete",
    "RequestDownload",
    "Kicked",
    "DUStateChangeComplete",
    "AutonomousDUStateChangeComplete",
];

/// A phone that announces more is waited for no longer than this many seconds.
pub const MOST_TIMEOUT: u32 = 600;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcsSession {
    /// The namespace the Inform came in; all we send goes out in it.
    pub version: CwmpVersion,
    pub phase: Phase,
    /// What both speak, where the phone said what it can (§3.7.4): `None` where the namespace is all there is.
    pub protocol: Option<CwmpVersion>,
    /// From the Inform: seconds of silence the phone can bear.
    pub session_timeout: Option<u32>,
    /// From the Inform. We send one envelope an answer in any case.
    pub max_envelopes: u32,
    pub next_request: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Nothing heard yet.
    #[default]
    New,
    /// The Inform is answered; the phone may send requests of its own, then an empty POST.
    Informed,
    /// Our turn: answer with a request, or with 204 to end.
    Idle,
    /// A request is out.
    Waiting {
        request_id: String,
        kind: MessageKind,
    },
    Ended,
}

/// What the phone's POST means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcsInput {
    /// The session begins (or the same Inform came again): send `reply`.
    Informed { inform: Box<Inform>, reply: Box<Envelope> },
    /// Empty POST: send a [`AcsSession::request`], or end.
    Ready,
    /// The answer to our request; then as `Ready`.
    Response { request_id: String, message: Message },
    /// The phone refused our request; then as `Ready`.
    Fault { request_id: String, fault: Fault },
    /// The answer to our request cannot be read; then as `Ready`.
    BadResponse { request_id: String, error: CwmpError },
    /// The phone asks something: send `reply` once its content is safe, or [`AcsSession::ask_again`]. Its answer to
    /// Kicked names the address the phone itself gave; the caller may put another.
    CpeRequest { message: Message, reply: Box<Envelope> },
    /// The phone asks something we do not know or cannot read: send `reply`, a fault; the session goes on.
    Refused { reason: String, reply: Box<Envelope> },
    /// The phone offers no version we speak: send `reply`, fault 8006, and end.
    Incompatible { reply: Box<Envelope> },
    /// A message that makes no sense here: answer 400 and end.
    Unexpected { reason: String },
}

/// Why [`AcsSession::request`] sends nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error("it is not the server's turn")]
    NotReady,
    /// Not a request of an ACS.
    #[error("{0} is no request of a server")]
    NoRequest(&'static str),
    /// [`Message::check`] refuses it.
    #[error("{0}")]
    Unfit(CwmpError),
}

impl Default for AcsSession {
    fn default() -> Self {
        Self::new()
    }
}

impl AcsSession {
    pub fn new() -> Self {
        Self {
            version: CwmpVersion::default(),
            protocol: None,
            session_timeout: None,
            phase: Phase::New,
            max_envelopes: 1,
            next_request: 1,
        }
    }

    /// How long to wait for the phone, in seconds: `least`, or what it announced itself (`SessionTimeout`), up to
    /// [`MOST_TIMEOUT`].
    pub fn patience(&self, least: u32) -> u32 {
        least.max(self.session_timeout.unwrap_or(0).min(MOST_TIMEOUT))
    }

    /// A POST as [`crate::decode_post`] gave it; `None` is the empty POST.
    pub fn on_message(&mut self, envelope: Option<Envelope>) -> AcsInput {
        let Some(envelope) = envelope else {
            return self.on_empty();
        };
        match &self.phase {
            Phase::Ended => unexpected("the session is over"),
            Phase::Waiting { request_id, kind } => {
                let (request_id, kind) = (request_id.clone(), *kind);
                self.on_answer(request_id, kind, envelope)
            }
            // A phone that lost our answer sends its Inform again.
            Phase::New | Phase::Informed if matches!(envelope.body, Message::Inform(_)) => self.on_inform(envelope),
            Phase::New => unexpected(format!("{} before the Inform", envelope.body.name())),
            Phase::Informed | Phase::Idle => self.on_cpe_request(envelope),
        }
    }

    /// A POST that [`crate::decode_post`] refused.
    pub fn on_error(&mut self, error: CwmpError) -> AcsInput {
        if let Phase::Waiting { request_id, .. } = &self.phase {
            let request_id = request_id.clone();
            self.phase = Phase::Idle;
            return AcsInput::BadResponse { request_id, error };
        }
        if error.version.is_none() || self.phase == Phase::Ended {
            return unexpected(error.to_string());
        }
        AcsInput::Refused { reason: error.to_string(), reply: Box::new(error.fault_envelope(Side::Acs)) }
    }

    /// The envelope that asks the phone, under an ID of its own; the next message answers it.
    /// Only after `Ready`, `Response`, `Fault` or `BadResponse`. After an error it is still our turn, or still not.
    pub fn request(&mut self, message: Message) -> Result<Envelope, RequestError> {
        if self.phase != Phase::Idle {
            return Err(RequestError::NotReady);
        }
        if !message.kind().is_acs_request() {
            return Err(RequestError::NoRequest(message.name()));
        }
        message.check().map_err(RequestError::Unfit)?;
        let request_id = self.next_request.to_string();
        self.next_request = self.next_request.wrapping_add(1);
        self.phase = Phase::Waiting { request_id: request_id.clone(), kind: message.kind() };
        Ok(Envelope::new(self.version, message).with_id(request_id))
    }

    /// Instead of `reply`: fault 8005, the phone shall send the same again. For when its request cannot be kept just now.
    pub fn ask_again(&mut self, reply: &Envelope) -> Envelope {
        if matches!(reply.body, Message::InformResponse(_)) {
            self.phase = Phase::New;
        }
        reply.answer(Fault::of(FaultCode::ACS_RETRY_REQUEST).into())
    }

    /// The 204 goes out, or the session is given up.
    pub fn end(&mut self) {
        self.phase = Phase::Ended;
    }

    fn on_empty(&mut self) -> AcsInput {
        match &self.phase {
            Phase::New => unexpected("an empty POST before the Inform"),
            Phase::Informed | Phase::Idle => {
                self.phase = Phase::Idle;
                AcsInput::Ready
            }
            Phase::Waiting { kind, .. } => unexpected(format!("an empty POST, {} is unanswered", kind.name())),
            Phase::Ended => unexpected("the session is over"),
        }
    }

    fn on_inform(&mut self, envelope: Envelope) -> AcsInput {
        let mut reply = Box::new(envelope.answer(InformResponse { max_envelopes: 1 }.into()));
        let Message::Inform(inform) = envelope.body else {
            return unexpected("no Inform");
        };
        if let Some(offered) = envelope.supported_versions {
            let Some(&best) = offered.iter().max() else {
                self.phase = Phase::Ended;
                reply.body = Fault::of(FaultCode::ACS_VERSION_INCOMPATIBLE).into();
                return AcsInput::Incompatible { reply };
            };
            reply.use_version = Some(best);
        }
        self.version = envelope.version;
        self.protocol = reply.use_version;
        self.session_timeout = envelope.session_timeout;
        self.max_envelopes = inform.max_envelopes.max(1);
        self.phase = Phase::Informed;
        AcsInput::Informed { inform: Box::new(inform), reply }
    }

    fn on_answer(&mut self, request_id: String, kind: MessageKind, envelope: Envelope) -> AcsInput {
        // Phones that leave the ID out exist; one request is out at a time, so its kind tells.
        if envelope.id.as_ref().is_some_and(|id| *id != request_id) {
            return unexpected(format!("an answer to another request than {}", kind.name()));
        }
        match envelope.body {
            Message::Fault(fault) => {
                self.phase = Phase::Idle;
                AcsInput::Fault { request_id, fault }
            }
            message if message.kind().answers(kind) => {
                self.phase = Phase::Idle;
                AcsInput::Response { request_id, message }
            }
            other => unexpected(format!("{} while {} is unanswered", other.name(), kind.name())),
        }
    }

    fn on_cpe_request(&mut self, envelope: Envelope) -> AcsInput {
        let answer = match &envelope.body {
            Message::TransferComplete(_) => Message::TransferCompleteResponse,
            Message::AutonomousTransferComplete(_) => Message::AutonomousTransferCompleteResponse,
            Message::DuStateChangeComplete(_) => Message::DuStateChangeCompleteResponse,
            Message::AutonomousDuStateChangeComplete(_) => Message::AutonomousDuStateChangeCompleteResponse,
            // Whether a Download follows is the caller's decision.
            Message::RequestDownload(_) => Message::RequestDownloadResponse,
            Message::Kicked(kicked) => KickedResponse { next_url: kicked.next.clone() }.into(),
            Message::GetRpcMethods => GetRpcMethodsResponse { methods: ACS_METHODS.map(str::to_owned).to_vec() }.into(),
            Message::Inform(_) => return unexpected("a second Inform"),
            other if other.kind().is_request() => {
                let reason = format!("{} is no request to a server", other.name());
                let reply = Box::new(envelope.answer(Fault::of(FaultCode::ACS_METHOD_NOT_SUPPORTED).into()));
                return AcsInput::Refused { reason, reply };
            }
            other => return unexpected(format!("{}, which nobody asked for", other.name())),
        };
        // Our answer takes this turn; the phone has the next.
        self.phase = Phase::Informed;
        AcsInput::CpeRequest { reply: Box::new(envelope.answer(answer)), message: envelope.body }
    }
}

fn unexpected(reason: impl Into<String>) -> AcsInput {
    AcsInput::Unexpected { reason: reason.into() }
}
