//! The small types the RPCs are made of (TR-069 A.3, TR-106 §3.2).

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::wire::wire_struct;

/// `xsi:type` of a value, by local name (the prefix does not matter).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum XsdType {
    /// Also what a missing `xsi:type` is taken for.
    #[default]
    String,
    Int,
    UnsignedInt,
    Long,
    UnsignedLong,
    Boolean,
    DateTime,
    /// `base64` and `base64Binary`.
    Base64,
    HexBinary,
    /// Any other local name.
    Other(String),
}

impl XsdType {
    /// `name` as in `xsi:type`, with or without prefix.
    pub fn from_name(name: &str) -> Self {
        let name = name.trim();
        match name.rsplit(':').next().unwrap_or(name) {
            "string" | "" => Self::String,
            "int" => Self::Int,
            "unsignedInt" => Self::UnsignedInt,
            "long" => Self::Long,
            "unsignedLong" => Self::UnsignedLong,
            "boolean" => Self::Boolean,
            "dateTime" => Self::DateTime,
            "base64" | "base64Binary" => Self::Base64,
            "hexBinary" => Self::HexBinary,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The local name we write.
    pub fn name(&self) -> &str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::UnsignedInt => "unsignedInt",
            Self::Long => "long",
            Self::UnsignedLong => "unsignedLong",
            Self::Boolean => "boolean",
            Self::DateTime => "dateTime",
            Self::Base64 => "base64Binary",
            Self::HexBinary => "hexBinary",
            Self::Other(name) => name,
        }
    }
}

/// A parameter's value as text. String text is kept as it came; other types are trimmed. It may be a password, so
/// Debug prints its type and length only.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    pub type_: XsdType,
    pub text: String,
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({}, {} bytes)", self.type_.name(), self.text.len())
    }
}

impl Value {
    pub fn new(type_: XsdType, text: impl Into<String>) -> Self {
        Self { type_, text: text.into() }
    }

    pub fn string(text: impl Into<String>) -> Self {
        Self::new(XsdType::String, text)
    }

    pub fn boolean(value: bool) -> Self {
        Self::new(XsdType::Boolean, if value { "true" } else { "false" })
    }

    pub fn unsigned(value: u32) -> Self {
        Self::new(XsdType::UnsignedInt, value.to_string())
    }

    pub fn int(value: i32) -> Self {
        Self::new(XsdType::Int, value.to_string())
    }
}

wire_struct! {
    /// `ParameterValueStruct`.
    #[derive(Default)]
    ParameterValue {
        name: String = required "Name" max 256,
        /// Some phones leave it out where it would be empty.
        value: Value = or_default "Value",
    }
}

impl ParameterValue {
    pub fn new(name: impl Into<String>, value: Value) -> Self {
        Self { name: name.into(), value }
    }
}

/// Text that Debug does not print. Serialised as it is: whoever stores it seals it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// TR-069 A.3.3.1, table "Event codes". Unknown codes are kept as they came.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventCode(pub Cow<'static, str>);

macro_rules! event_codes {
    ($($name:ident = $code:literal),* $(,)?) => {
        impl EventCode {
            $(pub const $name: Self = Self(Cow::Borrowed($code));)*
        }
    };
}

event_codes! {
    BOOTSTRAP = "0 BOOTSTRAP",
    BOOT = "1 BOOT",
    PERIODIC = "2 PERIODIC",
    SCHEDULED = "3 SCHEDULED",
    VALUE_CHANGE = "4 VALUE CHANGE",
    KICKED = "5 KICKED",
    CONNECTION_REQUEST = "6 CONNECTION REQUEST",
    TRANSFER_COMPLETE = "7 TRANSFER COMPLETE",
    DIAGNOSTICS_COMPLETE = "8 DIAGNOSTICS COMPLETE",
    REQUEST_DOWNLOAD = "9 REQUEST DOWNLOAD",
    AUTONOMOUS_TRANSFER_COMPLETE = "10 AUTONOMOUS TRANSFER COMPLETE",
    DU_STATE_CHANGE_COMPLETE = "11 DU STATE CHANGE COMPLETE",
    AUTONOMOUS_DU_STATE_CHANGE_COMPLETE = "12 AUTONOMOUS DU STATE CHANGE COMPLETE",
    WAKEUP = "13 WAKEUP",
    HEARTBEAT = "14 HEARTBEAT",
    M_REBOOT = "M Reboot",
    M_SCHEDULE_INFORM = "M ScheduleInform",
    M_DOWNLOAD = "M Download",
    M_SCHEDULE_DOWNLOAD = "M ScheduleDownload",
    M_UPLOAD = "M Upload",
    M_CHANGE_DU_STATE = "M ChangeDUState",
}

impl EventCode {
    pub fn new(code: impl Into<String>) -> Self {
        Self(Cow::Owned(code.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Event {
    /// With no command key.
    pub fn new(code: EventCode) -> Self {
        Self { code, command_key: String::new() }
    }

    pub fn with_key(code: EventCode, command_key: impl Into<String>) -> Self {
        Self { code, command_key: command_key.into() }
    }
}

impl DeviceId {
    pub fn new(
        manufacturer: impl Into<String>,
        oui: impl Into<String>,
        product_class: impl Into<String>,
        serial_number: impl Into<String>,
    ) -> Self {
        Self {
            manufacturer: manufacturer.into(),
            oui: oui.into(),
            product_class: product_class.into(),
            serial_number: serial_number.into(),
        }
    }
}

pub use crate::rpc::{DeviceId, Event};
