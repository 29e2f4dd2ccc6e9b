//! SIP messages (RFC 3261 §7, §25): strict to send, tolerant to receive.
//!
//! [`Message::parse_datagram`] copies the head once, unfolding as it goes, and remembers where each header lies; the
//! typed values ([`Via`], [`NameAddr`], [`CSeq`], …) are parsed when asked for. Nothing here panics on any input.

mod build;
pub mod frame;
mod head;
mod name_addr;
mod names;
mod params;
pub(crate) mod scan;
mod start;
mod uri;
mod values;
mod via;

#[cfg(test)]
mod frame_tests;
#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod tolerance_tests;
#[cfg(test)]
mod torture_tests;

pub use build::{RequestBuilder, ResponseBuilder, reason_phrase};
pub use head::{Defect, Message};
pub use name_addr::{Contact, NameAddr};
pub use names::Name;
pub use params::Params;
pub use start::Method;
pub use uri::{Host, HostPort, Scheme, Uri};
pub(crate) use uri::{escape_header, unescape};
pub use values::CSeq;
pub(crate) use values::delta_seconds;
pub use via::Via;

/// Largest message accepted, bytes.
pub const MAX_MESSAGE: usize = 65_536;
/// Most header fields accepted (after unfolding, before splitting lists).
pub const MAX_HEADERS: usize = 256;
/// Longest start line or header field accepted, bytes, unfolded.
pub const MAX_LINE: usize = 8192;

/// Why bytes are not a SIP message, or a value not what its header calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// More than [`MAX_MESSAGE`] bytes.
    #[error("message too large")]
    TooLarge,
    /// More than [`MAX_HEADERS`] header fields.
    #[error("too many headers")]
    TooManyHeaders,
    /// A line above [`MAX_LINE`] bytes.
    #[error("line too long")]
    LineTooLong,
    /// The first line is neither a request line nor a status line.
    #[error("bad start line")]
    StartLine,
    /// The header is not there.
    #[error("{0} is missing")]
    Missing(Name),
    /// The header is there and makes no sense.
    #[error("{0} cannot be read")]
    Value(Name),
    /// Not a URI, or one without what its scheme needs.
    #[error("bad URI")]
    Uri,
    /// Not a host, or not a port.
    #[error("bad host or port")]
    Host,
    /// A quoted string or bracket without end, or a value out of its grammar.
    #[error("bad syntax")]
    Syntax,
}
