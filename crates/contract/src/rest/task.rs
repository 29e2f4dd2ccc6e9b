//! Tasks: what a person asks of one phone, what came of it, and what can be seen of its parameters and sessions.
//!
//! A task is a job like a change of settings: it waits for the phone, survives restarts and is carried out once.

use serde::{Deserialize, Serialize};

use crate::*;

macro_rules! shape {
    ($($item:item)*) => {$(
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        $item
    )*};
}

shape! {
    /// `POST /api/v1/phones/{id}/tasks`.
    #[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
    pub enum Task {
        /// Reads names, values, types and attributes below a path again. Empty: everything.
        Refresh { path: String },
        /// Sets parameters by their full names, beside the layers: for what the catalogue does not know.
        SetParameters { values: Vec<ParameterEdit> },
        SetAttributes { attributes: Vec<AttributeEdit> },
        /// `object` ends in a dot.
        AddObject { object: String },
        DeleteObject { object: String },
        #[serde(deserialize_with = "alone")]
        Reboot,
        #[serde(deserialize_with = "alone")]
        FactoryReset,
        Download(DownloadOrder),
        /// `file_type` is one of TR-069's, for example `2 Vendor Log File`.
        Upload {
            file_type: String,
            #[serde(default)]
            delay_seconds: u32,
        },
        ScheduleInform { delay_seconds: u32 },
        ScheduleDownload { file_type: String, file: FileId, windows: Vec<WindowOrder> },
        /// The transfer of another task of this phone.
        CancelTransfer { job: JobId },
        /// Lists what the phone still has to fetch or send.
        #[serde(deserialize_with = "alone")]
        Transfers,
        /// Lists the RPCs the phone knows.
        #[serde(deserialize_with = "alone")]
        Methods,
        Ping(PingRequest),
        Traceroute(TraceRequest),
        Throughput(ThroughputRequest),
        /// Installs a software unit, for devices that have execution environments.
        InstallUnit { url: String, uuid: String },
    }

    /// A file goes to the phone: one stored here, or one the phone can reach by itself.
    #[serde(deny_unknown_fields)]
    pub struct DownloadOrder {
        /// One of TR-069's file types, for example `1 Firmware Upgrade Image`.
        pub file_type: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub file: Option<FileId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub url: Option<String>,
        #[serde(default)]
        pub target_file_name: String,
        #[serde(default)]
        pub delay_seconds: u32,
    }

    #[serde(deny_unknown_fields)]
    pub struct ParameterEdit {
        pub path: String,
        pub value: String,
        /// The XML Schema type without its prefix (`string`, `unsignedInt`, ...); empty: as the phone reported it.
        #[serde(default, rename = "type")]
        pub xsd_type: String,
    }

    #[serde(deny_unknown_fields)]
    pub struct AttributeEdit {
        /// A full name, or a partial path ending in a dot.
        pub path: String,
        /// 0 off, 1 passive, 2 active.
        pub notification: u32,
    }

    /// When a scheduled download may start and what to do then (TR-069 A.4.1.8).
    #[serde(deny_unknown_fields)]
    pub struct WindowOrder {
        /// Seconds from now.
        pub start: u32,
        pub end: u32,
        /// `1 At Any Time`, `2 Immediately`, `3 When Idle` or `4 Confirmation Needed`.
        pub mode: String,
        #[serde(default)]
        pub user_message: String,
        /// -1: as often as the phone likes.
        #[serde(default)]
        pub max_retries: i32,
    }

    #[serde(deny_unknown_fields)]
    pub struct PingRequest {
        pub host: String,
        /// 1 to 100.
        pub count: u16,
        /// Bytes of payload, 0 to 1472.
        pub size: u16,
        /// For each answer, 100 to 10000 ms.
        pub timeout_ms: u32,
        #[serde(default)]
        pub dscp: u8,
    }

    pub struct PingResult {
        /// The address the name led to.
        pub address: String,
        pub sent: u32,
        pub received: u32,
        /// Round trips that came back, in milliseconds, in order; a lost one is `None`.
        pub round_trips_ms: Vec<Option<f64>>,
        /// Smallest, mean and largest, where that is all the phone says (TR-106); then `round_trips_ms` is empty.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub summary_ms: Option<Vec<f64>>,
    }

    #[serde(deny_unknown_fields)]
    pub struct TraceRequest {
        pub host: String,
        /// 1 to 64.
        pub max_hops: u8,
        /// Probes a hop, 1 to 3.
        pub tries: u8,
        /// For each answer, 100 to 10000 ms.
        pub timeout_ms: u32,
    }

    pub struct TraceResult {
        pub address: String,
        pub reached: bool,
        pub hops: Vec<Hop>,
    }

    pub struct Hop {
        /// Empty: nobody answered.
        pub address: String,
        /// One per probe, in milliseconds.
        pub round_trips_ms: Vec<Option<f64>>,
    }

    /// TR-143: the phone fetches or sends a file as fast as it can.
    #[serde(deny_unknown_fields)]
    pub struct ThroughputRequest {
        pub direction: Direction,
        /// Empty: this server's own test file.
        #[serde(default)]
        pub url: String,
        /// Bytes to send, for `upload`; at most 100,000,000.
        #[serde(default)]
        pub bytes: u64,
    }

    pub struct ThroughputResult {
        pub bytes: u64,
        /// From the first byte to the last, in milliseconds.
        pub duration_ms: f64,
        pub bits_per_second: u64,
    }

    /// What came of a task.
    #[serde(tag = "kind", rename_all = "kebab-case")]
    pub enum TaskResult {
        /// How many parameters were read or written.
        Parameters { count: u32 },
        Object { instance: u32 },
        /// A file went to the phone or came from it.
        Transfer {
            #[serde(default, skip_serializing_if = "Option::is_none")]
            started_at: Option<Timestamp>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            completed_at: Option<Timestamp>,
            /// What the phone sent.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            file: Option<FileId>,
        },
        Transfers { transfers: Vec<TransferView> },
        Methods { methods: Vec<String> },
        Ping(PingResult),
        Traceroute(TraceResult),
        Throughput(ThroughputResult),
        /// The phone refused.
        Fault(FaultView),
    }

    pub struct FaultView {
        pub code: u16,
        /// The phone's own words.
        pub text: String,
        /// What it means.
        pub meaning: String,
        /// What to do about it.
        pub advice: String,
        /// Parameter by parameter, where the phone said so.
        pub parameters: Vec<ParameterFault>,
    }

    pub struct ParameterFault {
        pub path: String,
        pub code: u16,
        pub text: String,
        pub meaning: String,
        pub advice: String,
    }

    pub struct TransferView {
        pub command_key: String,
        /// `not-started`, `in-progress` or `completed`.
        pub state: String,
        pub download: Option<bool>,
        pub file_type: String,
        pub file_size: u32,
        pub target_file_name: String,
    }

    // ---- files ----

    /// A file kept for phones, or sent by one. `POST /api/v1/files?name=…&file_type=…` with the bytes as the body.
    pub struct FileView {
        pub id: FileId,
        pub name: String,
        /// `1 Firmware Upgrade Image`, `3 Vendor Configuration File`, ...
        pub file_type: String,
        pub size: u64,
        /// Hexadecimal.
        pub sha256: String,
        pub created_at: Timestamp,
        pub created_by: String,
        /// The phone that sent it.
        pub phone: Option<PhoneId>,
    }

    // ---- the parameter tree ----

    /// `GET /api/v1/phones/{id}/parameters?path=…&search=…&changed=…&offset=…&limit=…`: one level below `path`, or what
    /// matches `search` anywhere below it, or what changed since the last reading.
    pub struct ParameterPage {
        pub path: String,
        /// When this path was last read from the phone; `None`: never.
        pub read_at: Option<Timestamp>,
        pub items: Vec<ParameterNode>,
        pub total: u64,
        pub offset: u64,
    }

    pub struct ParameterNode {
        /// Objects end in a dot.
        pub path: String,
        pub object: bool,
        /// Parameters known below an object.
        pub children: u32,
        pub writable: bool,
        /// `None`: not read yet. A secret is masked.
        pub value: Option<String>,
        #[serde(rename = "type")]
        pub xsd_type: String,
        pub notification: Option<u32>,
        pub read_at: Option<Timestamp>,
        /// What it was before, where the last reading found a change.
        pub previous: Option<String>,
        pub changed_at: Option<Timestamp>,
        /// The catalogue's setting behind it: its editor, range and help.
        pub setting: Option<String>,
    }

    // ---- sessions ----

    /// `GET /api/v1/phones/{id}/sessions`, newest first.
    pub struct SessionView {
        pub id: i64,
        pub started_at: Timestamp,
        /// `None`: it goes on, or was cut off.
        pub ended_at: Option<Timestamp>,
        /// The Inform's events.
        pub events: Vec<String>,
        /// How it ended, in words.
        pub outcome: String,
        pub bytes_in: u64,
        pub bytes_out: u64,
        pub steps: Vec<SessionStep>,
    }

    pub struct SessionStep {
        pub at: Timestamp,
        /// From the phone, or to it.
        pub from_phone: bool,
        /// The RPC's name, `empty` or `HTTP 401`.
        pub name: String,
        /// What it was about, in words.
        pub summary: String,
        pub bytes: u64,
        /// What the server took to answer, in milliseconds; on steps to the phone.
        pub took_ms: Option<f64>,
        /// Whether `GET …/sessions/{id}/steps/{index}` has its XML.
        pub xml: bool,
    }

    pub struct SessionPage {
        pub items: Vec<SessionView>,
        pub total: u64,
        pub offset: u64,
    }

    /// The message as it was, secrets masked.
    pub struct StepXml {
        pub xml: String,
    }

    /// `POST /api/v1/phones/{id}/wake`: what was tried, in order, and what the phone can be reached by.
    pub struct WakeResult {
        pub attempts: Vec<WakeAttempt>,
    }

    pub struct WakeAttempt {
        pub way: WakeWay,
        pub ok: bool,
        /// What happened, in words, with what to do when it failed.
        pub note: String,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    Download,
    Upload,
}

/// The ways a phone can be asked to open a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum WakeWay {
    /// A message on the phone's own topic.
    Mqtt,
    /// TR-069 §3.2.2.
    ConnectionRequest,
    /// TR-069 Annex G.
    Udp,
    /// NOTIFY with `Event: check-sync` through the property's PBX.
    Sip,
}

impl Task {
    /// The word that names the kind, in JSON and in `job.kind`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Refresh { .. } => "refresh",
            Self::SetParameters { .. } => "set-parameters",
            Self::SetAttributes { .. } => "set-attributes",
            Self::AddObject { .. } => "add-object",
            Self::DeleteObject { .. } => "delete-object",
            Self::Reboot => "reboot",
            Self::FactoryReset => "factory-reset",
            Self::Download(_) => "download",
            Self::Upload { .. } => "upload",
            Self::ScheduleInform { .. } => "schedule-inform",
            Self::ScheduleDownload { .. } => "schedule-download",
            Self::CancelTransfer { .. } => "cancel-transfer",
            Self::Transfers => "transfers",
            Self::Methods => "methods",
            Self::Ping(_) => "ping",
            Self::Traceroute(_) => "traceroute",
            Self::Throughput(_) => "throughput",
            Self::InstallUnit { .. } => "install-unit",
        }
    }
}

impl PingResult {
    /// Smallest, mean and largest round trip in milliseconds; `None` if nothing came back.
    pub fn round_trip_ms(&self) -> Option<(f64, f64, f64)> {
        if let Some([least, mean, most]) = self.summary_ms.as_deref() {
            return Some((*least, *mean, *most));
        }
        let back: Vec<f64> = self.round_trips_ms.iter().flatten().copied().collect();
        let least = back.iter().copied().reduce(f64::min)?;
        let most = back.iter().copied().reduce(f64::max)?;
        Some((least, back.iter().sum::<f64>() / back.len() as f64, most))
    }
}

/// A kind without fields: `deny_unknown_fields` does not reach it.
fn alone<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    Nothing::deserialize(deserializer).map(|Nothing {}| ())
}

/// The key by which a phone names a job's command: CommandKey and ParameterKey have 32 characters (TR-069 A.3.2).
pub fn command_key(job: JobId) -> String {
    let digits = job.0.simple().to_string();
    format!("t{}", digits.get(..31).unwrap_or(&digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_reads_by_its_kind() {
        let text = r#"{"kind":"ping","host":"10.0.0.1","count":4,"size":56,"timeout_ms":1000}"#;
        let task: Task = serde_json::from_str(text).unwrap();
        assert_eq!(task.kind(), "ping");
        let json = serde_json::to_value(&task).unwrap();
        assert_eq!(json["kind"], task.kind());
        let alone = [Task::Reboot, Task::FactoryReset, Task::Transfers, Task::Methods];
        for task in alone.iter().chain([&Task::Refresh { path: String::new() }]) {
            let json = serde_json::to_value(task).unwrap();
            assert_eq!(json["kind"], task.kind());
            assert_eq!(serde_json::from_value::<Task>(json).as_ref().ok(), Some(task));
        }
        for task in alone {
            let more = serde_json::json!({ "kind": task.kind(), "more": 1 });
            assert!(serde_json::from_value::<Task>(more).is_err(), "{task:?}");
        }
        assert!(serde_json::from_str::<Task>(r#"{"kind":"refresh","path":"","more":1}"#).is_err());
    }

    #[test]
    fn a_command_key_has_32_characters_of_its_job() {
        let job = JobId("6f2c1f9e-0d1c-4b5e-9a57-3f1f6a2b9d10".parse().unwrap());
        assert_eq!(command_key(job), "t6f2c1f9e0d1c4b5e9a573f1f6a2b9d1");
        assert_eq!(command_key(job).len(), 32);
    }

    #[test]
    fn round_trips_are_summed_up() {
        let result = PingResult {
            address: "10.0.0.1".into(),
            sent: 3,
            received: 2,
            round_trips_ms: vec![Some(1.0), None, Some(3.0)],
            summary_ms: None,
        };
        assert_eq!(result.round_trip_ms(), Some((1.0, 2.0, 3.0)));
    }
}
