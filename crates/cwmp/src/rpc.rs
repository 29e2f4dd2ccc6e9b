//! The RPCs, each declared once: field, type, how strictly it is read, element (TR-069 A.3 and A.4).
//!
//! `required` refuses a message without the element; `or_default` takes a missing one as empty, zero or false (phones
//! that leave it out exist). White space around text is dropped, except in values and passwords.

use serde::{Deserialize, Serialize};

use crate::fault::TransferFault;
use crate::model::{EventCode, ParameterValue, Secret};
use crate::time::CwmpTime;
use crate::wire::{Element, wire_struct};

/// Whether the device has done it already or will on its own later (`Status` 0 and 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Done and in force.
    #[default]
    Applied,
    /// Accepted, in force later: after a reboot, or when the download has finished.
    Pending,
}

wire_struct! {
    /// `DeviceIdStruct` (A.3.3.1).
    #[derive(Default, Hash)]
    DeviceId {
        manufacturer: String = required "Manufacturer",
        /// Six upper-case hexadecimal digits; not checked, phones differ.
        oui: String = required "OUI",
        product_class: String = or_default "ProductClass",
        serial_number: String = required "SerialNumber",
    }
}

wire_struct! {
    /// `EventStruct` (A.3.3.1).
    Event {
        code: EventCode = required "EventCode",
        command_key: String = or_default "CommandKey",
    }
}

wire_struct! {
    Inform {
        device_id: DeviceId = required "DeviceId",
        events: Vec<Event> = required "Event",
        /// Must be 1; kept as sent.
        max_envelopes: u32 = or_default "MaxEnvelopes",
        current_time: CwmpTime = required "CurrentTime",
        /// How often this session was tried before.
        retry_count: u32 = or_default "RetryCount",
        parameters: Vec<ParameterValue> = required "ParameterList",
    }
}

wire_struct! {
    InformResponse {
        max_envelopes: u32 = or_default "MaxEnvelopes",
    }
}

wire_struct! {
    GetRpcMethodsResponse {
        methods: Vec<String> = required "MethodList",
    }
}

wire_struct! {
    SetParameterValues {
        parameters: Vec<ParameterValue> = required "ParameterList",
        /// Up to 32 characters; the device stores it as `ParameterKey`.
        parameter_key: String = or_default "ParameterKey",
    }
}

wire_struct! {
    SetParameterValuesResponse {
        status: Status = required "Status",
    }
}

wire_struct! {
    GetParameterValues {
        /// Full names, or partial paths ending in a dot.
        names: Vec<String> = required "ParameterNames",
    }
}

wire_struct! {
    GetParameterValuesResponse {
        parameters: Vec<ParameterValue> = required "ParameterList",
    }
}

wire_struct! {
    GetParameterNames {
        /// A full name, a partial path ending in a dot, or empty for everything.
        path: String = required "ParameterPath",
        /// Only the path's children, not everything below.
        next_level: bool = required "NextLevel",
    }
}

wire_struct! {
    /// `ParameterInfoStruct`. Objects end in a dot.
    ParameterInfo {
        name: String = required "Name",
        writable: bool = required "Writable",
    }
}

wire_struct! {
    GetParameterNamesResponse {
        parameters: Vec<ParameterInfo> = required "ParameterList",
    }
}

wire_struct! {
    SetParameterAttributesEntry {
        name: String = required "Name",
        notification_change: bool = required "NotificationChange",
        /// 0 off, 1 passive, 2 active; 3 to 6 the lightweight ones.
        notification: u32 = required "Notification",
        access_list_change: bool = required "AccessListChange",
        access_list: Vec<String> = or_default "AccessList",
    }
}

wire_struct! {
    SetParameterAttributes {
        parameters: Vec<SetParameterAttributesEntry> = required "ParameterList",
    }
}

wire_struct! {
    GetParameterAttributes {
        names: Vec<String> = required "ParameterNames",
    }
}

wire_struct! {
    ParameterAttribute {
        name: String = required "Name",
        notification: u32 = required "Notification",
        access_list: Vec<String> = or_default "AccessList",
    }
}

wire_struct! {
    GetParameterAttributesResponse {
        parameters: Vec<ParameterAttribute> = required "ParameterList",
    }
}

wire_struct! {
    AddObject {
        /// A path ending in a dot.
        object_name: String = required "ObjectName",
        parameter_key: String = or_default "ParameterKey",
    }
}

/// A number the device gave an object: 1 or more (A.3.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instance(pub std::num::NonZeroU32);

impl Instance {
    /// `None` for 0.
    pub fn new(number: u32) -> Option<Self> {
        std::num::NonZeroU32::new(number).map(Self)
    }

    pub fn get(self) -> u32 {
        self.0.get()
    }
}

wire_struct! {
    AddObjectResponse {
        instance_number: Instance = required "InstanceNumber",
        status: Status = required "Status",
    }
}

wire_struct! {
    DeleteObject {
        object_name: String = required "ObjectName",
        parameter_key: String = or_default "ParameterKey",
    }
}

wire_struct! {
    DeleteObjectResponse {
        status: Status = required "Status",
    }
}

wire_struct! {
    Download {
        /// Up to 32 characters, comes back in TransferComplete.
        command_key: String = required "CommandKey",
        /// "1 Firmware Upgrade Image", "3 Vendor Configuration File", ...
        file_type: String = required "FileType",
        url: String = required "URL",
        username: String = or_default "Username",
        password: Secret = or_default "Password",
        /// Bytes; 0 where unknown.
        file_size: u32 = or_default "FileSize",
        target_file_name: String = or_default "TargetFileName",
        delay_seconds: u32 = or_default "DelaySeconds",
        success_url: String = or_default "SuccessURL",
        failure_url: String = or_default "FailureURL",
    }
}

wire_struct! {
    DownloadResponse {
        status: Status = required "Status",
        start_time: CwmpTime = required "StartTime",
        complete_time: CwmpTime = required "CompleteTime",
    }
}

wire_struct! {
    Reboot {
        command_key: String = required "CommandKey",
    }
}

wire_struct! {
    ScheduleInform {
        delay_seconds: u32 = required "DelaySeconds",
        command_key: String = required "CommandKey",
    }
}

wire_struct! {
    TransferComplete {
        command_key: String = required "CommandKey",
        fault: TransferFault = required "FaultStruct",
        start_time: CwmpTime = required "StartTime",
        complete_time: CwmpTime = required "CompleteTime",
    }
}
