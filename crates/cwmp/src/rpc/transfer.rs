//! Files: downloads, uploads, their queue, and how they ended.

use serde::{Deserialize, Serialize};

use super::Status;
use crate::check::numbered_name;
use crate::fault::TransferFault;
use crate::model::Secret;
use crate::time::CwmpTime;
use crate::wire::wire_struct;

wire_struct! {
    /// A.3.2.8.
    #[derive(Default)]
    Download {
        /// Comes back in TransferComplete and in the event "M Download".
        command_key: String = required "CommandKey" max 32,
        /// "1 Firmware Upgrade Image", "3 Vendor Configuration File", ...
        file_type: String = required "FileType" max 64 is numbered_name,
        url: String = required "URL" max 256,
        username: String = or_default "Username" max 256,
        password: Secret = or_default "Password" max 256,
        /// Bytes; 0 where unknown.
        file_size: u32 = or_default "FileSize",
        target_file_name: String = or_default "TargetFileName" max 256,
        delay_seconds: u32 = or_default "DelaySeconds",
        success_url: String = or_default "SuccessURL" max 256,
        failure_url: String = or_default "FailureURL" max 256,
    }
}

wire_struct! {
    /// The times count only with [`Status::Applied`]; else they are [`CwmpTime::UNKNOWN`].
    DownloadResponse {
        status: Status = required "Status",
        start_time: CwmpTime = required "StartTime",
        complete_time: CwmpTime = required "CompleteTime",
    }
}

wire_struct! {
    /// A.4.1.5.
    #[derive(Default)]
    Upload {
        /// Comes back in TransferComplete and in the event "M Upload".
        command_key: String = required "CommandKey" max 32,
        /// "1 Vendor Configuration File", "2 Vendor Log File", "3 Vendor Configuration File 1", "4 Vendor Log File 1".
        file_type: String = required "FileType" max 64 is numbered_name,
        url: String = required "URL" max 256,
        username: String = or_default "Username" max 256,
        password: Secret = or_default "Password" max 256,
        delay_seconds: u32 = or_default "DelaySeconds",
    }
}

wire_struct! {
    /// The times count only with [`Status::Applied`]; else they are [`CwmpTime::UNKNOWN`].
    UploadResponse {
        status: Status = required "Status",
        start_time: CwmpTime = required "StartTime",
        complete_time: CwmpTime = required "CompleteTime",
    }
}

wire_struct! {
    /// `TimeWindowStruct` (A.4.1.8): when a scheduled download may happen. Seconds from the RPC's receipt.
    TimeWindow {
        start: u32 = required "WindowStart",
        /// After `start`.
        end: u32 = required "WindowEnd",
        /// "1 At Any Time", "2 Immediately", "3 When Idle", "4 Confirmation Needed".
        mode: String = required "WindowMode" max 64 is numbered_name,
        user_message: String = or_default "UserMessage" max 256,
        /// -1: the CPE decides.
        max_retries: i32 = or_default "MaxRetries",
    }
}

wire_struct! {
    /// A.4.1.8, since CWMP 1.2.
    #[derive(Default)]
    ScheduleDownload {
        /// Comes back in TransferComplete and in the event "M ScheduleDownload".
        command_key: String = required "CommandKey" max 32,
        file_type: String = required "FileType" max 64 is numbered_name,
        url: String = required "URL" max 256,
        username: String = or_default "Username" max 256,
        password: Secret = or_default "Password" max 256,
        /// Bytes; 0 where unknown.
        file_size: u32 = or_default "FileSize",
        target_file_name: String = or_default "TargetFileName" max 256,
        /// One or two, in order, not overlapping.
        time_windows: Vec<TimeWindow> = required "TimeWindowList" count 1..=2,
    }
}

wire_struct! {
    /// A.4.1.9, since CWMP 1.2. Cancels every transfer of this key; fault 9021 where it is too late.
    CancelTransfer {
        command_key: String = required "CommandKey" max 32,
    }
}

/// `State` of a queued transfer (A.4.1.4): 1, 2, 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferState {
    NotStarted,
    InProgress,
    /// Done, TransferComplete not yet delivered.
    Completed,
}

wire_struct! {
    QueuedTransfer {
        command_key: String = or_default "CommandKey" max 32,
        state: TransferState = required "State",
    }
}

wire_struct! {
    /// A.4.1.4: downloads and uploads the ACS asked for (deprecated, GetAllQueuedTransfers takes its place).
    GetQueuedTransfersResponse {
        transfers: Vec<QueuedTransfer> = required "TransferList" count 0..=16,
    }
}

wire_struct! {
    AllQueuedTransfer {
        /// Empty where nobody asked for the transfer.
        command_key: String = or_default "CommandKey" max 32,
        state: TransferState = required "State",
        is_download: bool = required "IsDownload",
        file_type: String = required "FileType" max 64 is numbered_name,
        /// Bytes; 0 where unknown.
        file_size: u32 = or_default "FileSize",
        target_file_name: String = or_default "TargetFileName" max 256,
    }
}

wire_struct! {
    /// A.4.1.7: also those nobody asked for.
    GetAllQueuedTransfersResponse {
        transfers: Vec<AllQueuedTransfer> = required "TransferList" count 0..=16,
    }
}

wire_struct! {
    /// A.3.3.2.
    TransferComplete {
        command_key: String = required "CommandKey" max 32,
        fault: TransferFault = required "FaultStruct",
        start_time: CwmpTime = required "StartTime",
        complete_time: CwmpTime = required "CompleteTime",
    }
}

wire_struct! {
    /// A.4.3.3: a transfer the ACS did not ask for.
    AutonomousTransferComplete {
        /// Where the CPE heard of the file; empty for none.
        announce_url: String = or_default "AnnounceURL" max 1024,
        transfer_url: String = or_default "TransferURL" max 1024,
        is_download: bool = required "IsDownload",
        file_type: String = required "FileType" max 64 is numbered_name,
        /// Bytes; 0 where unknown.
        file_size: u32 = or_default "FileSize",
        target_file_name: String = or_default "TargetFileName" max 256,
        fault: TransferFault = required "FaultStruct",
        start_time: CwmpTime = required "StartTime",
        complete_time: CwmpTime = required "CompleteTime",
    }
}

wire_struct! {
    /// `ArgStruct` (A.4.3.2).
    Argument {
        name: String = required "Name" max 64,
        value: String = or_default "Value" max 256,
    }
}

wire_struct! {
    /// A.4.3.2: the CPE wants a file of this type; the ACS sends a Download, now or later, or none.
    RequestDownload {
        file_type: String = required "FileType" max 64 is numbered_name,
        args: Vec<Argument> = or_default "FileTypeArg" count 0..=16,
    }
}
