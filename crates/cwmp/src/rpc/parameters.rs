//! Values, names, attributes and objects of the data model.

use serde::{Deserialize, Serialize};

use super::Status;
use crate::check::{notification, object_name};
use crate::model::ParameterValue;
use crate::wire::wire_struct;

wire_struct! {
    SetParameterValues {
        parameters: Vec<ParameterValue> = required "ParameterList",
        /// The device stores it as `ParameterKey`.
        parameter_key: String = or_default "ParameterKey" max 32,
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
        names: Vec<String> = required "ParameterNames" max 256 count 1..=usize::MAX,
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
        path: String = required "ParameterPath" max 256,
        /// Only the path's children, not everything below.
        next_level: bool = required "NextLevel",
    }
}

wire_struct! {
    /// `ParameterInfoStruct`. Objects end in a dot.
    ParameterInfo {
        name: String = required "Name" max 256,
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
        name: String = required "Name" max 256,
        notification_change: bool = required "NotificationChange",
        /// 0 off, 1 passive, 2 active; 3 to 6 the lightweight ones.
        notification: u32 = required "Notification" is notification,
        access_list_change: bool = required "AccessListChange",
        access_list: Vec<String> = or_default "AccessList" max 64,
    }
}

wire_struct! {
    SetParameterAttributes {
        parameters: Vec<SetParameterAttributesEntry> = required "ParameterList" count 1..=usize::MAX,
    }
}

wire_struct! {
    GetParameterAttributes {
        names: Vec<String> = required "ParameterNames" max 256 count 1..=usize::MAX,
    }
}

wire_struct! {
    ParameterAttribute {
        name: String = required "Name" max 256,
        notification: u32 = required "Notification" is notification,
        access_list: Vec<String> = or_default "AccessList" max 64,
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
        object_name: String = required "ObjectName" max 256 is object_name,
        parameter_key: String = or_default "ParameterKey" max 32,
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
        /// The path of an instance, ending in a dot.
        object_name: String = required "ObjectName" max 256 is object_name,
        parameter_key: String = or_default "ParameterKey" max 32,
    }
}

wire_struct! {
    DeleteObjectResponse {
        status: Status = required "Status",
    }
}
