//! Envelopes (TR-069 §3.5) and the table of RPCs. Adding an RPC: declare its struct in `rpc/`, add its line here.

use serde::{Deserialize, Serialize};

use crate::check::Bounds;
use crate::fault::Fault;
use crate::reader::{Element, Reader};
use crate::rpc::*;
use crate::wire::{Field, Res, Writer};

/// The namespace a message is written in, `urn:dslforum-org:cwmp-1-x`. (Devices of protocol version 1.3 and 1.4 rightly
/// use `cwmp-1-2`; some use their own number, so all five are accepted.) Answers go out in the peer's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CwmpVersion {
    #[default]
    V1_0,
    V1_1,
    V1_2,
    V1_3,
    V1_4,
}

impl CwmpVersion {
    pub const ALL: [Self; 5] = [Self::V1_0, Self::V1_1, Self::V1_2, Self::V1_3, Self::V1_4];

    pub fn namespace(self) -> &'static str {
        match self {
            Self::V1_0 => "urn:dslforum-org:cwmp-1-0",
            Self::V1_1 => "urn:dslforum-org:cwmp-1-1",
            Self::V1_2 => "urn:dslforum-org:cwmp-1-2",
            Self::V1_3 => "urn:dslforum-org:cwmp-1-3",
            Self::V1_4 => "urn:dslforum-org:cwmp-1-4",
        }
    }

    /// "1.0" to "1.4".
    pub fn label(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
            Self::V1_3 => "1.3",
            Self::V1_4 => "1.4",
        }
    }

    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.label() == label.trim())
    }

    pub fn from_namespace(namespace: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.namespace() == namespace)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// `cwmp:ID`: answers carry the request's.
    pub id: Option<String>,
    /// `cwmp:HoldRequests`, ACS to CPE only: false where missing.
    pub hold_requests: bool,
    /// `cwmp:NoMoreRequests`, CPE to ACS, deprecated since Amendment 1: read, not acted on.
    pub no_more_requests: bool,
    /// `cwmp:SessionTimeout`, in an Inform: seconds, 30 or more (since CWMP 1.3).
    pub session_timeout: Option<u32>,
    /// `cwmp:SupportedCWMPVersions`, in an Inform (since CWMP 1.4): those of them we know; may be none.
    pub supported_versions: Option<Vec<CwmpVersion>>,
    /// `cwmp:UseCWMPVersion`, in the InformResponse to such an Inform.
    pub use_version: Option<CwmpVersion>,
    /// The namespace.
    pub version: CwmpVersion,
    pub body: Message,
}

impl Envelope {
    pub fn new(version: CwmpVersion, body: Message) -> Self {
        Self {
            id: None,
            hold_requests: false,
            no_more_requests: false,
            session_timeout: None,
            supported_versions: None,
            use_version: None,
            version,
            body,
        }
    }

    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The answer to this message: same ID, same namespace.
    pub fn answer(&self, body: Message) -> Self {
        Self { id: self.id.clone(), ..Self::new(self.version, body) }
    }
}

macro_rules! messages {
    ($($(#[$meta:meta])* $wire:literal $variant:ident $(($bind:ident: $ty:ty))?;)*) => {
        /// One RPC, request or response, or a fault.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Message {
            $($(#[$meta])* $variant $(($ty))?,)*
            Fault(Fault),
        }

        /// A [`Message`] without its content.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum MessageKind {
            $($variant,)*
            Fault,
        }

        impl MessageKind {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)* Self::Fault];

            /// The element's local name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $wire,)*
                    Self::Fault => "Fault",
                }
            }
        }

        impl Message {
            pub fn kind(&self) -> MessageKind {
                match self {
                    $(messages!(@any $variant $($bind)?) => MessageKind::$variant,)*
                    Self::Fault(_) => MessageKind::Fault,
                }
            }

            /// `None`: no RPC of this name.
            pub(crate) fn read(reader: &mut Reader<'_>, element: &Element<'_>) -> Option<Res<Self>> {
                Some(match element.name() {
                    $($wire => messages!(@read reader element $variant $($ty)?),)*
                    _ => return None,
                })
            }

            /// Writes the element, in the prefix `cwmp`. Faults are the envelope's.
            pub(crate) fn write(&self, out: &mut Writer) {
                match self {
                    $(Self::$variant $(($bind))? => messages!(@write out $wire $($bind)?),)*
                    Self::Fault(fault) => fault.write("cwmp:Fault", out),
                }
            }

            /// Whether the schema allows this content: lengths, counts, forms. Reading does not ask, phones are
            /// sloppy; whoever builds a message from values of outside should. Fails with
            /// [`crate::ErrorKind::OutOfBounds`].
            pub fn check(&self) -> Res<()> {
                let checked = match self {
                    $(messages!(@any $variant $($bind)?) => messages!(@check self $variant $($bind)?),)*
                    Self::Fault(fault) => fault.check(&Bounds::NONE),
                };
                checked.map_err(|error| error.under(self.name()))
            }
        }

        $($(impl From<$ty> for Message {
            fn from($bind: $ty) -> Self {
                Self::$variant($bind)
            }
        })?)*
    };
    (@any $variant:ident $bind:ident) => { Self::$variant(_) };
    (@any $variant:ident) => { Self::$variant };
    (@read $reader:ident $element:ident $variant:ident $ty:ty) => {
        <$ty as Field>::read($reader, $element).map(Self::$variant)
    };
    (@read $reader:ident $element:ident $variant:ident) => { $reader.skip().map(|()| Self::$variant) };
    (@check $self:ident $variant:ident $bind:ident) => {
        if let Self::$variant($bind) = $self { $bind.check(&Bounds::NONE) } else { Ok(()) }
    };
    (@check $self:ident $variant:ident) => { Ok(()) };
    (@write $out:ident $wire:literal $bind:ident) => { $bind.write(concat!("cwmp:", $wire), $out) };
    (@write $out:ident $wire:literal) => { $out.empty(concat!("cwmp:", $wire)) };
}

messages! {
    /// CPE to ACS, opens every session (A.3.3.1).
    "Inform" Inform(m: Inform);
    "InformResponse" InformResponse(m: InformResponse);
    /// Either way (A.3.1.1).
    "GetRPCMethods" GetRpcMethods;
    "GetRPCMethodsResponse" GetRpcMethodsResponse(m: GetRpcMethodsResponse);
    "SetParameterValues" SetParameterValues(m: SetParameterValues);
    "SetParameterValuesResponse" SetParameterValuesResponse(m: SetParameterValuesResponse);
    "GetParameterValues" GetParameterValues(m: GetParameterValues);
    "GetParameterValuesResponse" GetParameterValuesResponse(m: GetParameterValuesResponse);
    "GetParameterNames" GetParameterNames(m: GetParameterNames);
    "GetParameterNamesResponse" GetParameterNamesResponse(m: GetParameterNamesResponse);
    "SetParameterAttributes" SetParameterAttributes(m: SetParameterAttributes);
    "SetParameterAttributesResponse" SetParameterAttributesResponse;
    "GetParameterAttributes" GetParameterAttributes(m: GetParameterAttributes);
    "GetParameterAttributesResponse" GetParameterAttributesResponse(m: GetParameterAttributesResponse);
    "AddObject" AddObject(m: AddObject);
    "AddObjectResponse" AddObjectResponse(m: AddObjectResponse);
    "DeleteObject" DeleteObject(m: DeleteObject);
    "DeleteObjectResponse" DeleteObjectResponse(m: DeleteObjectResponse);
    "Download" Download(m: Download);
    "DownloadResponse" DownloadResponse(m: DownloadResponse);
    "Upload" Upload(m: Upload);
    "UploadResponse" UploadResponse(m: UploadResponse);
    "ScheduleDownload" ScheduleDownload(m: ScheduleDownload);
    "ScheduleDownloadResponse" ScheduleDownloadResponse;
    "CancelTransfer" CancelTransfer(m: CancelTransfer);
    "CancelTransferResponse" CancelTransferResponse;
    "GetQueuedTransfers" GetQueuedTransfers;
    "GetQueuedTransfersResponse" GetQueuedTransfersResponse(m: GetQueuedTransfersResponse);
    "GetAllQueuedTransfers" GetAllQueuedTransfers;
    "GetAllQueuedTransfersResponse" GetAllQueuedTransfersResponse(m: GetAllQueuedTransfersResponse);
    "Reboot" Reboot(m: Reboot);
    "RebootResponse" RebootResponse;
    "FactoryReset" FactoryReset;
    "FactoryResetResponse" FactoryResetResponse;
    "ScheduleInform" ScheduleInform(m: ScheduleInform);
    "ScheduleInformResponse" ScheduleInformResponse;
    "ChangeDUState" ChangeDuState(m: ChangeDuState);
    "ChangeDUStateResponse" ChangeDuStateResponse;
    /// CPE to ACS: how a download or upload ended (A.3.3.2).
    "TransferComplete" TransferComplete(m: TransferComplete);
    "TransferCompleteResponse" TransferCompleteResponse;
    /// CPE to ACS: how a transfer ended that the ACS did not ask for (A.4.3.3).
    "AutonomousTransferComplete" AutonomousTransferComplete(m: AutonomousTransferComplete);
    "AutonomousTransferCompleteResponse" AutonomousTransferCompleteResponse;
    /// CPE to ACS: it would like a file (A.4.3.2).
    "RequestDownload" RequestDownload(m: RequestDownload);
    "RequestDownloadResponse" RequestDownloadResponse;
    /// CPE to ACS: a user came from a web page (A.4.2.1).
    "Kicked" Kicked(m: Kicked);
    "KickedResponse" KickedResponse(m: KickedResponse);
    /// CPE to ACS: how a ChangeDUState ended (A.4.3.4).
    "DUStateChangeComplete" DuStateChangeComplete(m: DuStateChangeComplete);
    "DUStateChangeCompleteResponse" DuStateChangeCompleteResponse;
    /// CPE to ACS (A.4.3.5).
    "AutonomousDUStateChangeComplete" AutonomousDuStateChangeComplete(m: AutonomousDuStateChangeComplete);
    "AutonomousDUStateChangeCompleteResponse" AutonomousDuStateChangeCompleteResponse;
}

impl From<Fault> for Message {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl MessageKind {
    /// A fault is no response here.
    pub fn is_response(self) -> bool {
        self.name().ends_with("Response")
    }

    pub fn is_request(self) -> bool {
        self != Self::Fault && !self.is_response()
    }

    /// Whether `self` is the response to `request`.
    pub fn answers(self, request: Self) -> bool {
        self.name().strip_suffix("Response") == Some(request.name())
    }

    /// Requests a CPE sends to an ACS.
    pub fn is_cpe_request(self) -> bool {
        self == Self::GetRpcMethods || (self.is_request() && self.only_from_cpe())
    }

    /// Requests an ACS sends to a CPE.
    pub fn is_acs_request(self) -> bool {
        self.is_request() && !self.only_from_cpe()
    }

    fn only_from_cpe(self) -> bool {
        matches!(
            self,
            Self::Inform
                | Self::TransferComplete
                | Self::AutonomousTransferComplete
                | Self::RequestDownload
                | Self::Kicked
                | Self::DuStateChangeComplete
                | Self::AutonomousDuStateChangeComplete
        )
    }
}

impl Message {
    /// "Inform", "GetParameterValuesResponse", "Fault".
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }
}
