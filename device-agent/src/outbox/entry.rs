//! What waits for the cloud's acknowledgement.

use contract::event::{DeviceEvent, EventKind};
use contract::mqtt::{Channel, CommandResult, Telemetry};

/// One thing to tell, named for ever by `(boot, seq)`.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    Event(DeviceEvent),
    Telemetry(Box<Telemetry>),
    Result(Box<CommandResult>),
}

/// What goes first when there is no room. In this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worth {
    /// Numbers, and what only tells of the phone's health: a person at the front desk would not miss it.
    Telemetry,
    /// What happened.
    Event,
    /// What somebody must do something about, or waits for. Goes only when nothing else is left.
    Alarm,
}

impl Entry {
    /// `(boot, seq)`.
    pub fn name(&self) -> (u32, u64) {
        match self {
            Self::Event(event) => (event.boot, event.seq),
            Self::Telemetry(telemetry) => (telemetry.boot, telemetry.seq),
            Self::Result(result) => (result.boot, result.seq),
        }
    }

    pub fn channel(&self) -> Channel {
        match self {
            Self::Event(_) => Channel::Event,
            Self::Telemetry(_) => Channel::Telemetry,
            Self::Result(_) => Channel::Result,
        }
    }

    pub fn worth(&self) -> Worth {
        use EventKind::*;
        match self {
            Self::Telemetry(_) => Worth::Telemetry,
            Self::Result(result) if result.state.is_final() => Worth::Alarm,
            Self::Result(_) => Worth::Telemetry,
            Self::Event(event) => match event.kind {
                RegisterFailed | Unregistered | TransferFailed | RoomDialled | ExtensionWanted => Worth::Alarm,
                SetupCompleted | Registered | IdleToBusy | BusyToIdle | AutoProvisionCompleted | IpChange => {
                    Worth::Telemetry
                }
                _ => Worth::Event,
            },
        }
    }

    /// As it is published.
    pub(crate) fn payload(&self) -> serde_json::Result<Vec<u8>> {
        match self {
            Self::Event(event) => serde_json::to_vec(event),
            Self::Telemetry(telemetry) => serde_json::to_vec(telemetry),
            Self::Result(result) => serde_json::to_vec(result),
        }
    }

    /// The length of its line, near enough; an event's without writing it.
    pub(super) fn size(&self) -> u32 {
        match self {
            Self::Event(event) => {
                let detail = event.detail.as_ref().map_or(0, |detail| detail.len() + 12);
                let account = event.account.map_or(0, |_| 12);
                (88 + event.kind.as_str().len() + detail + account) as u32
            }
            other => other.payload().map_or(0, |payload| payload.len() as u32 + 16),
        }
    }
}
