//! Files that come to the phone and go from it. An order is in the settings document before it is answered, and stays
//! there until the ACS has heard how it ended, so that a power cut at any moment neither loses nor repeats one.

mod fetch;
mod files;
pub mod firmware;
pub mod log;
mod orders;
mod run;
mod send;

use contract::Timestamp;
use cwmp::{
    AutonomousTransferComplete, CwmpTime, EventCode, FaultCode, Message, Secret, TransferComplete, TransferFault,
    TransferState,
};
use serde::{Deserialize, Serialize};

pub(crate) use fetch::Failure;
pub use files::FileKind;
pub use orders::{Offer, offer};
pub(crate) use orders::{cancel, download, install_file, queued, queued_all, schedule, upload};
pub(crate) use run::{deed, install, run, settle};

/// Transfers a phone keeps track of; the standard wants three at least.
pub const MOST_TRANSFERS: usize = 16;

/// Who asked for a transfer, and by which RPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    Download,
    ScheduleDownload,
    Upload,
    /// Nobody at the ACS: a file was offered by another way.
    Offer,
}

/// One file on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// Counts this phone's transfers, for the names of files.
    pub id: u64,
    pub order: Order,
    /// Empty for an offer.
    pub command_key: String,
    /// As it was named in the order.
    pub file_type: String,
    pub url: String,
    #[serde(default)]
    pub username: String,
    #[serde(default)]
    pub password: Secret,
    /// Bytes; 0 where unknown.
    #[serde(default)]
    pub file_size: u32,
    #[serde(default)]
    pub target_file_name: String,
    /// What the file must be, hexadecimal, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Not before this.
    pub due: Timestamp,
    /// When a scheduled download may happen; empty for others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// What the server calls the version of the file that is partly here (`ETag`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validator: Option<String>,
    /// Starts so far, over restarts of the phone.
    #[serde(default)]
    pub tries: u32,
    /// When the first try began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    pub stage: Stage,
}

/// How far a transfer is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Waiting,
    Running,
    /// Firmware is here and in force after the restart that follows.
    Installing {
        version: String,
    },
    /// Over; the ACS does not know yet.
    Done {
        code: u16,
        text: String,
        at: Timestamp,
    },
}

/// A time in which a scheduled download may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    pub start: Timestamp,
    pub end: Timestamp,
    /// Only while the handset is on its hook.
    pub idle: bool,
    /// Failures that are forgiven in this window.
    pub retries: u32,
}

impl Transfer {
    pub fn is_download(&self) -> bool {
        self.order != Order::Upload
    }

    pub fn state(&self) -> TransferState {
        match self.stage {
            Stage::Waiting => TransferState::NotStarted,
            Stage::Running | Stage::Installing { .. } => TransferState::InProgress,
            Stage::Done { .. } => TransferState::Completed,
        }
    }

    /// Firmware that is here and waits for the restart.
    pub fn is_installing(&self) -> bool {
        matches!(self.stage, Stage::Installing { .. })
    }

    pub fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done { .. })
    }

    /// The Inform events of a transfer that is over: those of its kind, and its own.
    pub fn events(&self) -> (EventCode, Option<EventCode>) {
        match self.order {
            Order::Download => (EventCode::TRANSFER_COMPLETE, Some(EventCode::M_DOWNLOAD)),
            Order::ScheduleDownload => (EventCode::TRANSFER_COMPLETE, Some(EventCode::M_SCHEDULE_DOWNLOAD)),
            Order::Upload => (EventCode::TRANSFER_COMPLETE, Some(EventCode::M_UPLOAD)),
            Order::Offer => (EventCode::AUTONOMOUS_TRANSFER_COMPLETE, None),
        }
    }

    /// What the ACS is told of a transfer that is over.
    pub fn report(&self) -> Option<Message> {
        let Stage::Done { code, text, at } = &self.stage else { return None };
        let fault = TransferFault { code: FaultCode(*code), text: text.clone() };
        // Of a failure no times are known (A.3.3.2).
        let time = |at: Option<Timestamp>| match at {
            Some(at) if *code == 0 => CwmpTime::from_unix_ms(at.millis()),
            _ => CwmpTime::UNKNOWN,
        };
        let (start_time, complete_time) = (time(self.started), time(Some(*at)));
        Some(match self.order {
            Order::Offer => AutonomousTransferComplete {
                announce_url: String::new(),
                transfer_url: self.url.clone(),
                is_download: true,
                file_type: self.file_type.clone(),
                file_size: self.file_size,
                target_file_name: self.target_file_name.clone(),
                fault,
                start_time,
                complete_time,
            }
            .into(),
            _ => TransferComplete { command_key: self.command_key.clone(), fault, start_time, complete_time }.into(),
        })
    }
}
