//! Faults (TR-069 A.5 and §3.5): codes, what they mean, what to do.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::check::{cpe_code, cpe_code_or_none};
use crate::wire::wire_struct;

/// 8000-8899 from the ACS, 9000-9899 from the CPE; 0 only in a [`TransferFault`] that is a success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FaultCode(pub u16);

wire_struct! {
    /// A CWMP fault, wherever it travels (inside the SOAP Fault's detail).
    Fault {
        code: FaultCode = required "FaultCode",
        text: String = or_default "FaultString",
        /// SetParameterValues only: one entry a refused parameter.
        parameters: Vec<SetParameterValuesFault> = repeated "SetParameterValuesFault",
    }
}

wire_struct! {
    SetParameterValuesFault {
        name: String = required "ParameterName",
        code: FaultCode = required "FaultCode" is cpe_code,
        text: String = or_default "FaultString",
    }
}

wire_struct! {
    /// `FaultStruct` of TransferComplete, `Fault` of an operation's result: code 0 is success.
    #[derive(Default)]
    TransferFault {
        code: FaultCode = fault_or_none "FaultCode" is cpe_code_or_none,
        text: String = or_default "FaultString" max 256,
    }
}

impl TransferFault {
    pub fn success() -> Self {
        Self::default()
    }

    pub fn is_success(&self) -> bool {
        self.code.0 == 0
    }
}

impl Fault {
    pub fn new(code: FaultCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), parameters: Vec::new() }
    }

    /// With the code's own text.
    pub fn of(code: FaultCode) -> Self {
        Self::new(code, code.text())
    }

    /// SOAP §4.4: whose mistake it was, `Client` or `Server` (TR-069 A.5, column "type"). `Client` is the sender of the
    /// request, whichever end that is.
    pub fn soap_code(&self) -> &'static str {
        match self.code.0 {
            8003 | 9003 | 9005..=9008 | 9021 | 9022 => "Client",
            _ => "Server",
        }
    }
}

impl fmt::Display for FaultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.text())
    }
}

macro_rules! fault_codes {
    ($($code:literal $name:ident $text:literal $advice:literal;)*) => {
        impl FaultCode {
            $(pub const $name: Self = Self($code);)*
            /// Every code with a text, in order.
            pub const ALL: &'static [Self] = &[$(Self($code)),*];

            /// What happened, in plain words.
            pub fn text(self) -> &'static str {
                match self.0 {
                    0 => "No fault",
                    $($code => $text,)*
                    8800..=8899 | 9800..=9899 => "A fault of the vendor's own",
                    _ => "An unknown fault",
                }
            }

            /// What to do about it.
            pub fn advice(self) -> &'static str {
                match self.0 {
                    0 => "Nothing to do.",
                    $($code => $advice,)*
                    8800..=8899 | 9800..=9899 => "Look the code up in the vendor's documentation.",
                    _ => "Read the fault's own text; try once more, then look at the device's log.",
                }
            }
        }
    };
}

fault_codes! {
    8000 ACS_METHOD_NOT_SUPPORTED "The server does not know this method" "The phone may go on without it; nothing to do.";
    8001 ACS_REQUEST_DENIED "The server refused the request" "Check that the phone is claimed and allowed to call in.";
    8002 ACS_INTERNAL_ERROR "The server failed inside" "Look at the server's log; the phone tries again by itself.";
    8003 ACS_INVALID_ARGUMENTS "The server could not read the message" "The phone sent something malformed: capture it, check its firmware.";
    8004 ACS_RESOURCES_EXCEEDED "The message is over the server's limits" "The phone sent too much at once; check for a firmware fault.";
    8005 ACS_RETRY_REQUEST "The server asks to send the same again" "Nothing to do: the phone repeats the request.";
    8006 ACS_VERSION_INCOMPATIBLE "The server and the phone speak no common CWMP version" "Update the phone's firmware.";
    9000 METHOD_NOT_SUPPORTED "The phone does not know this method" "Use another way (a configuration file), or newer firmware.";
    9001 REQUEST_DENIED "The phone refused the request" "It may be in a call or locked: try again when it is idle.";
    9002 INTERNAL_ERROR "The phone failed inside" "Ask for fewer parameters at once; if it stays, restart the phone.";
    9003 INVALID_ARGUMENTS "The phone could not accept the arguments" "See the parameters listed with the fault.";
    9004 RESOURCES_EXCEEDED "The phone has not enough memory for this" "Ask for fewer parameters at once.";
    9005 INVALID_PARAMETER_NAME "The phone has no such parameter" "This model or firmware lacks it: leave it out, or update the firmware.";
    9006 INVALID_PARAMETER_TYPE "The value has the wrong type" "Send the type the phone reports for this parameter.";
    9007 INVALID_PARAMETER_VALUE "The phone does not accept this value" "Check the range in the template.";
    9008 NOT_WRITABLE "The parameter is read-only" "Leave it out.";
    9009 NOTIFICATION_REJECTED "The phone cannot notify about this parameter" "Read it at each Inform instead.";
    9010 DOWNLOAD_FAILED "The file could not be fetched" "Check the address from the phone's network, then try again.";
    9011 UPLOAD_FAILED "The file could not be sent" "Check that the server accepts uploads, then try again.";
    9012 FILE_AUTH_FAILED "The file server refused the credentials" "Check the user and password of the download.";
    9013 FILE_PROTOCOL_UNSUPPORTED "The phone cannot fetch by this protocol" "Offer the file by HTTP or HTTPS.";
    9014 MULTICAST_JOIN_FAILED "The phone could not join the multicast group" "Check IGMP on the switches.";
    9015 FILE_SERVER_UNREACHABLE "The file server could not be reached" "Check DNS, routing and firewall from the phone's network.";
    9016 FILE_NOT_ACCESSIBLE "The file is not there or not readable" "Check the file's name and that it was uploaded.";
    9017 DOWNLOAD_INCOMPLETE "The download broke off" "Try again; check the line if it stays.";
    9018 FILE_CORRUPTED "The file is damaged or not for this phone" "Check the file against its checksum and the phone's model.";
    9019 FILE_NOT_AUTHENTIC "The file's signature is not valid" "Use the vendor's unchanged file.";
    9020 TIME_WINDOW_MISSED "The download did not finish in its time window" "Give a longer window.";
    9021 CANCEL_NOT_PERMITTED "The transfer can no longer be cancelled" "Wait for it to finish.";
    9022 INVALID_UUID "The UUID is malformed" "Correct the UUID.";
    9023 UNKNOWN_EXECUTION_ENVIRONMENT "The phone has no such execution environment" "Check the name; phones rarely have one.";
    9024 DISABLED_EXECUTION_ENVIRONMENT "The execution environment is switched off" "Switch it on first.";
    9025 EXECUTION_ENVIRONMENT_MISMATCH "The package does not fit the execution environment" "Use the package built for it.";
    9026 DUPLICATE_DEPLOYMENT_UNIT "The package is already installed" "Nothing to do.";
    9027 SYSTEM_RESOURCES_EXCEEDED "The phone has not enough space" "Remove something first.";
    9028 UNKNOWN_DEPLOYMENT_UNIT "The phone has no such package" "Check the UUID and version.";
    9029 INVALID_DEPLOYMENT_UNIT_STATE "The package is in the wrong state for this" "Wait for the running operation, then try again.";
    9030 DOWNGRADE_NOT_PERMITTED "The phone refuses to go back to an older version" "Uninstall it first.";
    9031 VERSION_NOT_SPECIFIED "The version is missing" "Name the version.";
    9032 VERSION_ALREADY_EXISTS "This version is already there" "Nothing to do.";
}
