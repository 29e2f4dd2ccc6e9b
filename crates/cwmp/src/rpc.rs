//! The RPCs, each declared once: field, type, how strictly it is read, element, bounds (TR-069 A.3 and A.4, and the
//! schemas cwmp-1-0 to cwmp-1-4).
//!
//! `required` refuses a message without the element; `or_default` takes a missing one as empty, zero or false (phones
//! that leave it out exist); `optional` leaves it out where there is nothing; `repeated` is a list without a list
//! element around it. White space around text is dropped, except in values and passwords.
//!
//! `max` (characters), `count` (members of a list) and `is` (form of a text) are the schema's. They are not checked on
//! reading, where phones are sloppy, but by [`crate::Message::check`] on what we send.

mod inform;
mod parameters;
mod software;
mod transfer;

pub use inform::*;
pub use parameters::*;
pub use software::*;
pub use transfer::*;

use serde::{Deserialize, Serialize};

/// Whether the device has done it already or will on its own later (`Status` 0 and 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Done and in force.
    #[default]
    Applied,
    /// Accepted, in force later: after a reboot, or when the transfer has finished.
    Pending,
}
