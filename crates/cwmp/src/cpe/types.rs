//! What goes into a phone's session and what comes out.

use crate::error::CwmpError;
use crate::fault::Fault;
use crate::guard::Limits;
use crate::message::{CwmpVersion, Message};
use crate::model::{DeviceId, Event, ParameterValue};
use crate::time::CwmpTime;

/// What a session starts with.
#[derive(Clone, Debug)]
pub struct CpeConfig {
    /// The namespace the Inform goes out in; the rest of the session follows the InformResponse's.
    pub version: CwmpVersion,
    /// Protocol versions offered in the header `SupportedCWMPVersions` (§3.7.4, since 1.4). Empty: no header, as CPEs
    /// up to 1.3 do it.
    pub supported_versions: Vec<CwmpVersion>,
    /// The header `SessionTimeout`: seconds of silence after which the ACS may give the session up, 30 or more
    /// (since 1.3). `None`: no header.
    pub session_timeout: Option<u32>,
    pub device_id: DeviceId,
    /// 1 to 64; see [`crate::EventQueue::take`].
    pub events: Vec<Event>,
    /// The forced Inform parameters and the changed ones.
    pub parameters: Vec<ParameterValue>,
    pub current_time: CwmpTime,
    /// Sessions failed in a row so far; see [`crate::retry_wait`].
    pub retry_count: u32,
    /// Requests of our own, sent in this order as soon as the ACS lets us: TransferComplete,
    /// AutonomousTransferComplete, RequestDownload, Kicked, GetRPCMethods ([`crate::MessageKind::is_cpe_request`]; others
    /// are dropped, the Inform is made from the fields above).
    pub requests: Vec<Message>,
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
    /// POST this and call [`super::CpeSession::on_response`].
    Send(Post),
    /// Carry the request out and call [`super::CpeSession::reply`] with its response or a [`Fault`].
    Execute(Message),
    /// Close the connection.
    Done(SessionOutcome),
}

/// How it went. After a failure count up `retry_count` and wait [`crate::retry_wait`]; after a success set it to 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOutcome {
    /// `None`: the session ended as it should.
    pub failure: Option<SessionFailure>,
    /// The ACS has the Inform's events. [`crate::EventQueue::settle`] knows which of them that concerns.
    pub events_delivered: bool,
    /// Our own requests that were answered, in order: do not send them again. Those missing here stay for the next
    /// session.
    pub answered: Vec<Answered>,
    /// What the ACS asked, carried out or refused.
    pub requests: u32,
}

/// One of our own requests and what the ACS said to it. A fault other than 8005 is final as well: the standard forbids
/// to send the request again (A.3.3.2). Fault 9003 is ours: the schema does not allow the request ([`Message::check`]), so
/// it was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    pub request: Message,
    pub answer: Result<Message, Fault>,
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
    #[error("the server wants CWMP {}, which was not offered", .0.label())]
    Version(CwmpVersion),
    #[error("the server asked too much in one session")]
    Endless,
    #[error("the connection failed")]
    Transport,
}
