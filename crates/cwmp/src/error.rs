//! Why a message was refused, and the fault that answers it (TR-069 A.5).

use std::fmt;

use crate::fault::{Fault, FaultCode};
use crate::message::{CwmpVersion, Envelope, Message};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The body, as sent or inflated, is longer than the limit.
    TooLarge,
    /// Elements nested deeper than the limit.
    TooDeep,
    /// More elements, attributes or namespace declarations than the limit.
    TooMany,
    /// One text or attribute longer than the limit.
    TooLong,
    /// Not UTF-8, or a Content-Encoding we do not know or cannot inflate.
    Encoding,
    /// A DOCTYPE.
    Doctype,
    /// An entity other than the five of XML and character references.
    Entity,
    /// A processing instruction.
    ProcessingInstruction,
    /// Not well-formed XML.
    Malformed,
    /// Well-formed, but not a SOAP 1.1 envelope with one Body.
    NotSoap,
    /// The RPC is in no `urn:dslforum-org:cwmp-1-x` namespace.
    Namespace,
    /// A header we must understand and do not.
    MustUnderstand,
    /// The right namespace, but no RPC we know.
    UnknownMethod,
    /// The Body is empty.
    EmptyBody,
    /// The Body holds more than one RPC.
    ManyBodies,
    /// A required element is missing.
    Missing,
    /// An element that may be there once is there twice.
    Duplicate,
    /// The element's text is no value of its type.
    Invalid,
    /// What we were about to send is longer, more or of another form than the schema allows ([`Message::check`]).
    OutOfBounds,
}

/// Who answers: decides between the 8xxx and the 9xxx codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Acs,
    Cpe,
}

/// A refused message. `path` is the element (`Inform/Event/EventStruct[2]/EventCode`), empty where there is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct CwmpError {
    pub kind: ErrorKind,
    pub path: String,
    pub reason: String,
    /// The message's `cwmp:ID`, where the envelope could be read that far.
    pub id: Option<String>,
    pub version: Option<CwmpVersion>,
}

impl fmt::Display for CwmpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.reason) } else { write!(f, "{}: {}", self.path, self.reason) }
    }
}

impl CwmpError {
    pub(crate) fn new(kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self { kind, path: String::new(), reason: reason.into(), id: None, version: None }
    }

    /// More than the limits allow, rather than wrong.
    pub(crate) fn is_limit(&self) -> bool {
        matches!(self.kind, ErrorKind::TooLarge | ErrorKind::TooDeep | ErrorKind::TooMany | ErrorKind::TooLong)
    }

    /// The same error, seen from the parent element.
    pub(crate) fn under(mut self, parent: &str) -> Self {
        if self.path.is_empty() {
            self.path = parent.to_owned();
        } else {
            self.path.insert(0, '/');
            self.path.insert_str(0, parent);
        }
        self
    }

    /// The fault that tells the peer. The reason is ours and holds no value of the message.
    pub fn fault_for(&self, side: Side) -> Fault {
        let code = match (self.kind, side) {
            _ if self.is_limit() && side == Side::Acs => FaultCode::ACS_RESOURCES_EXCEEDED,
            _ if self.is_limit() => FaultCode::RESOURCES_EXCEEDED,
            (ErrorKind::UnknownMethod, Side::Acs) => FaultCode::ACS_METHOD_NOT_SUPPORTED,
            (ErrorKind::UnknownMethod, Side::Cpe) => FaultCode::METHOD_NOT_SUPPORTED,
            (_, Side::Acs) => FaultCode::ACS_INVALID_ARGUMENTS,
            (_, Side::Cpe) => FaultCode::INVALID_ARGUMENTS,
        };
        Fault::new(code, self.to_string())
    }

    /// [`Self::fault_for`] in an envelope that answers the refused message (its ID and version, where known).
    pub fn fault_envelope(&self, side: Side) -> Envelope {
        Envelope {
            id: self.id.clone(),
            ..Envelope::new(self.version.unwrap_or_default(), Message::Fault(self.fault_for(side)))
        }
    }
}
