//! Messages by hand, and every message at random.
#![allow(dead_code, clippy::unwrap_used)]

pub mod samples;

use std::num::NonZeroU32;

use cwmp::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// An envelope around `body`, with the usual prefixes declared and ID 7.
pub fn soap(body: &str) -> String {
    soap_with_header(r#"<cwmp:ID s:mustUnderstand="1">7</cwmp:ID>"#, body)
}

pub fn soap_with_header(header: &str, body: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:e="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="urn:dslforum-org:cwmp-1-0"><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"#
    )
}

pub fn read(text: &str) -> Result<Envelope, CwmpError> {
    decode(text.as_bytes(), &Limits::default())
}

/// What is wrong with this RPC.
pub fn refused(body: &str) -> (ErrorKind, String) {
    let error = read(&soap(body)).expect_err("should be refused");
    (error.kind, error.path)
}

/// The values of a GetParameterValuesResponse with this list.
pub fn values(list: &str) -> Vec<ParameterValue> {
    let body = format!(
        "<cwmp:GetParameterValuesResponse><ParameterList>{list}</ParameterList></cwmp:GetParameterValuesResponse>"
    );
    match read(&soap(&body)).unwrap().body {
        Message::GetParameterValuesResponse(response) => response.parameters,
        other => panic!("{other:?}"),
    }
}

/// The text of one value.
pub fn value(element: &str) -> String {
    values(&format!("<ParameterValueStruct><Name>A.B</Name>{element}</ParameterValueStruct>")).remove(0).value.text
}

/// A phone that calls in as usual.
pub fn config() -> cpe::CpeConfig {
    cpe::CpeConfig {
        version: CwmpVersion::V1_2,
        device_id: DeviceId::new("Bellhop", "000B82", "GHP621W", "000b827fd280"),
        events: vec![Event::new(EventCode::PERIODIC)],
        parameters: vec![],
        current_time: CwmpTime::UNKNOWN,
        retry_count: 0,
        requests: vec![],
        supported_versions: vec![],
        session_timeout: None,
        limits: Limits::default(),
    }
}

pub fn transfer(key: &str) -> Message {
    TransferComplete {
        command_key: key.into(),
        fault: TransferFault::success(),
        start_time: CwmpTime::UNKNOWN,
        complete_time: CwmpTime::UNKNOWN,
    }
    .into()
}

/// Text that survives the wire: what XML can hold.
pub fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~\u{e4}\u{20ac}\u{1f600}\n\t\r&<>\"']{0,20}",
        any::<String>().prop_map(|text| text.chars().filter(|c| illegal_char(&c.to_string()).is_none()).collect()),
    ]
}

/// Names and keys: without white space around.
pub fn trimmed() -> impl Strategy<Value = String> {
    any_text().prop_map(|text| text.trim().to_owned())
}

fn time() -> impl Strategy<Value = CwmpTime> {
    prop_oneof![Just(CwmpTime::UNKNOWN), (-62_135_596_800_000..253_402_300_799_999i64).prop_map(CwmpTime::from_unix_ms)]
}

fn type_() -> impl Strategy<Value = XsdType> {
    let known =
        vec!["string", "int", "unsignedInt", "long", "unsignedLong", "boolean", "dateTime", "base64", "hexBinary"];
    prop_oneof![
        4 => prop::sample::select(known).prop_map(XsdType::from_name),
        1 => "x[A-Za-z0-9]{1,8}".prop_map(XsdType::Other),
    ]
}

fn parameter() -> impl Strategy<Value = ParameterValue> {
    (trimmed(), type_(), any_text()).prop_map(|(name, type_, text)| {
        let kept = matches!(type_, XsdType::String | XsdType::Other(_));
        let text = if kept { text } else { text.trim().to_owned() };
        ParameterValue::new(name, Value::new(type_, text))
    })
}

fn parameters() -> impl Strategy<Value = Vec<ParameterValue>> {
    vec(parameter(), 0..5)
}

fn names() -> impl Strategy<Value = Vec<String>> {
    vec(trimmed(), 0..5)
}

fn status() -> impl Strategy<Value = Status> {
    prop::sample::select(vec![Status::Applied, Status::Pending])
}

fn code() -> impl Strategy<Value = FaultCode> {
    prop_oneof![8000..=8899u16, 9000..=9899u16].prop_map(FaultCode)
}

fn fault() -> impl Strategy<Value = Fault> {
    let entry =
        (trimmed(), code(), trimmed()).prop_map(|(name, code, text)| SetParameterValuesFault { name, code, text });
    (code(), trimmed(), vec(entry, 0..4)).prop_map(|(code, text, parameters)| Fault { code, text, parameters })
}

fn device_id() -> impl Strategy<Value = DeviceId> {
    (trimmed(), trimmed(), trimmed(), trimmed()).prop_map(|(m, o, p, s)| DeviceId::new(m, o, p, s))
}

fn inform() -> impl Strategy<Value = Inform> {
    let event = (trimmed(), trimmed()).prop_map(|(code, key)| Event::with_key(EventCode::new(code), key));
    (device_id(), vec(event, 0..4), any::<u32>(), time(), any::<u32>(), parameters()).prop_map(
        |(device_id, events, max_envelopes, current_time, retry_count, parameters)| Inform {
            device_id,
            events,
            max_envelopes,
            current_time,
            retry_count,
            parameters,
        },
    )
}

fn download() -> impl Strategy<Value = Download> {
    let words = (trimmed(), trimmed(), trimmed(), trimmed(), any_text(), trimmed(), trimmed(), trimmed());
    (words, any::<u32>(), any::<u32>()).prop_map(|(w, file_size, delay_seconds)| Download {
        command_key: w.0,
        file_type: w.1,
        url: w.2,
        username: w.3,
        password: Secret(w.4),
        file_size,
        target_file_name: w.5,
        delay_seconds,
        success_url: w.6,
        failure_url: w.7,
    })
}

fn transfer_complete() -> impl Strategy<Value = TransferComplete> {
    (trimmed(), transfer_fault(), time(), time()).prop_map(|(command_key, fault, start_time, complete_time)| {
        TransferComplete { command_key, fault, start_time, complete_time }
    })
}

pub fn message() -> impl Strategy<Value = Message> {
    let unit = vec![
        Message::GetRpcMethods,
        Message::SetParameterAttributesResponse,
        Message::RebootResponse,
        Message::FactoryReset,
        Message::FactoryResetResponse,
        Message::ScheduleInformResponse,
        Message::TransferCompleteResponse,
        Message::ScheduleDownloadResponse,
        Message::CancelTransferResponse,
        Message::GetQueuedTransfers,
        Message::GetAllQueuedTransfers,
        Message::ChangeDuStateResponse,
        Message::AutonomousTransferCompleteResponse,
        Message::RequestDownloadResponse,
        Message::DuStateChangeCompleteResponse,
        Message::AutonomousDuStateChangeCompleteResponse,
    ];
    let info = (trimmed(), any::<bool>()).prop_map(|(name, writable)| ParameterInfo { name, writable });
    let attribute = (trimmed(), 0..7u32, names()).prop_map(|(name, notification, access_list)| ParameterAttribute {
        name,
        notification,
        access_list,
    });
    let change = (trimmed(), any::<bool>(), 0..7u32, any::<bool>(), names()).prop_map(
        |(name, notification_change, notification, access_list_change, access_list)| SetParameterAttributesEntry {
            name,
            notification_change,
            notification,
            access_list_change,
            access_list,
        },
    );
    prop_oneof![
        prop::sample::select(unit),
        inform().prop_map(Message::from),
        any::<u32>().prop_map(|max_envelopes| InformResponse { max_envelopes }.into()),
        names().prop_map(|methods| GetRpcMethodsResponse { methods }.into()),
        (parameters(), trimmed()).prop_map(|(parameters, parameter_key)| SetParameterValues {
            parameters,
            parameter_key
        }
        .into()),
        status().prop_map(|status| SetParameterValuesResponse { status }.into()),
        names().prop_map(|names| GetParameterValues { names }.into()),
        parameters().prop_map(|parameters| GetParameterValuesResponse { parameters }.into()),
        (trimmed(), any::<bool>()).prop_map(|(path, next_level)| GetParameterNames { path, next_level }.into()),
        vec(info, 0..5).prop_map(|parameters| GetParameterNamesResponse { parameters }.into()),
        vec(change, 0..4).prop_map(|parameters| SetParameterAttributes { parameters }.into()),
        names().prop_map(|names| GetParameterAttributes { names }.into()),
        vec(attribute, 0..4).prop_map(|parameters| GetParameterAttributesResponse { parameters }.into()),
        (trimmed(), trimmed()).prop_map(|(object_name, parameter_key)| AddObject { object_name, parameter_key }.into()),
        (any::<NonZeroU32>(), status()).prop_map(|(n, status)| AddObjectResponse {
            instance_number: Instance(n),
            status
        }
        .into()),
        (trimmed(), trimmed())
            .prop_map(|(object_name, parameter_key)| DeleteObject { object_name, parameter_key }.into()),
        status().prop_map(|status| DeleteObjectResponse { status }.into()),
        download().prop_map(Message::from),
        (status(), time(), time()).prop_map(|(status, start_time, complete_time)| {
            DownloadResponse { status, start_time, complete_time }.into()
        }),
        trimmed().prop_map(|command_key| Reboot { command_key }.into()),
        (any::<u32>(), trimmed()).prop_map(|(delay_seconds, command_key)| ScheduleInform {
            delay_seconds,
            command_key
        }
        .into()),
        transfer_complete().prop_map(Message::from),
        fault().prop_map(Message::from),
        transfers(),
        software(),
    ]
}

pub fn envelope() -> impl Strategy<Value = Envelope> {
    let version = || prop::sample::select(&CwmpVersion::ALL[..]);
    let id = prop::option::of(trimmed());
    let versions = prop::option::of(vec(version(), 0..4));
    let headers = (any::<bool>(), any::<bool>(), prop::option::of(any::<u32>()), versions, prop::option::of(version()));
    (id, headers, version(), message()).prop_map(|(id, headers, version, body)| {
        let (hold_requests, no_more_requests, session_timeout, supported_versions, use_version) = headers;
        Envelope {
            id,
            hold_requests,
            no_more_requests,
            session_timeout,
            supported_versions,
            use_version,
            ..Envelope::new(version, body)
        }
    })
}

fn file() -> impl Strategy<Value = (String, String, Secret, String)> {
    (trimmed(), trimmed(), any_text().prop_map(Secret), trimmed())
}

fn transfer_state() -> impl Strategy<Value = TransferState> {
    prop::sample::select(vec![TransferState::NotStarted, TransferState::InProgress, TransferState::Completed])
}

fn transfer_fault() -> impl Strategy<Value = TransferFault> {
    (prop_oneof![Just(FaultCode(0)), code()], trimmed()).prop_map(|(code, text)| TransferFault { code, text })
}

/// Uploads, the queue, what the CPE tells and asks of its own.
fn transfers() -> impl Strategy<Value = Message> {
    let window = (any::<u32>(), any::<u32>(), trimmed(), trimmed(), any::<i32>()).prop_map(
        |(start, end, mode, user_message, max_retries)| TimeWindow { start, end, mode, user_message, max_retries },
    );
    let queued = (trimmed(), transfer_state()).prop_map(|(command_key, state)| QueuedTransfer { command_key, state });
    let all_queued = (trimmed(), transfer_state(), any::<bool>(), trimmed(), any::<u32>(), trimmed()).prop_map(
        |(command_key, state, is_download, file_type, file_size, target_file_name)| AllQueuedTransfer {
            command_key,
            state,
            is_download,
            file_type,
            file_size,
            target_file_name,
        },
    );
    let argument = (trimmed(), trimmed()).prop_map(|(name, value)| Argument { name, value });
    let text = trimmed;
    prop_oneof![
        (text(), text(), file(), any::<u32>()).prop_map(|(command_key, file_type, file, delay_seconds)| {
            let (url, username, password, _) = file;
            Upload { command_key, file_type, url, username, password, delay_seconds }.into()
        }),
        (status(), time(), time()).prop_map(|(status, start_time, complete_time)| {
            UploadResponse { status, start_time, complete_time }.into()
        }),
        (text(), text(), file(), any::<u32>(), vec(window, 0..3)).prop_map(
            |(command_key, file_type, (url, username, password, target_file_name), file_size, time_windows)| {
                ScheduleDownload {
                    command_key,
                    file_type,
                    url,
                    username,
                    password,
                    file_size,
                    target_file_name,
                    time_windows,
                }
                .into()
            }
        ),
        text().prop_map(|command_key| CancelTransfer { command_key }.into()),
        vec(queued, 0..4).prop_map(|transfers| GetQueuedTransfersResponse { transfers }.into()),
        vec(all_queued, 0..4).prop_map(|transfers| GetAllQueuedTransfersResponse { transfers }.into()),
        (file(), any::<bool>(), text(), any::<u32>(), transfer_fault(), time(), time()).prop_map(
            |(
                (announce_url, transfer_url, _, target_file_name),
                is_download,
                file_type,
                file_size,
                fault,
                start,
                end,
            )| {
                AutonomousTransferComplete {
                    announce_url,
                    transfer_url,
                    is_download,
                    file_type,
                    file_size,
                    target_file_name,
                    fault,
                    start_time: start,
                    complete_time: end,
                }
                .into()
            }
        ),
        (text(), vec(argument, 0..4)).prop_map(|(file_type, args)| RequestDownload { file_type, args }.into()),
        (text(), text(), text(), text()).prop_map(|(command, referer, arg, next)| Kicked {
            command,
            referer,
            arg,
            next
        }
        .into()),
        text().prop_map(|next_url| KickedResponse { next_url }.into()),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let some = || prop::option::of(trimmed());
    let secret = || prop::option::of(any_text().prop_map(Secret));
    prop_oneof![
        (trimmed(), some(), some(), secret(), some()).prop_map(|(url, uuid, username, password, execution_env_ref)| {
            Operation::Install(InstallOperation { url, uuid, username, password, execution_env_ref })
        }),
        (some(), some(), some(), some(), secret()).prop_map(|(uuid, version, url, username, password)| {
            Operation::Update(UpdateOperation { uuid, version, url, username, password })
        }),
        (trimmed(), some(), some()).prop_map(|(uuid, version, execution_env_ref)| {
            Operation::Uninstall(UninstallOperation { uuid, version, execution_env_ref })
        }),
    ]
}

fn operation_result() -> impl Strategy<Value = OperationResult> {
    let states = vec![DeploymentUnitState::Installed, DeploymentUnitState::Uninstalled, DeploymentUnitState::Failed];
    let texts = (trimmed(), trimmed(), trimmed(), trimmed());
    (texts, prop::sample::select(states), any::<bool>(), time(), time(), transfer_fault()).prop_map(
        |((uuid, deployment_unit_ref, version, units), current_state, resolved, start_time, complete_time, fault)| {
            OperationResult {
                uuid,
                deployment_unit_ref,
                version,
                current_state,
                resolved,
                execution_unit_ref_list: units,
                start_time,
                complete_time,
                fault,
            }
        },
    )
}

fn software() -> impl Strategy<Value = Message> {
    let autonomous =
        (operation_result(), trimmed()).prop_map(|(result, operation_performed)| AutonomousOperationResult {
            uuid: result.uuid,
            deployment_unit_ref: result.deployment_unit_ref,
            version: result.version,
            current_state: result.current_state,
            resolved: result.resolved,
            execution_unit_ref_list: result.execution_unit_ref_list,
            start_time: result.start_time,
            complete_time: result.complete_time,
            fault: result.fault,
            operation_performed,
        });
    prop_oneof![
        (vec(operation(), 0..3), trimmed()).prop_map(|(operations, command_key)| ChangeDuState {
            operations,
            command_key
        }
        .into()),
        (vec(operation_result(), 0..3), trimmed()).prop_map(|(results, command_key)| DuStateChangeComplete {
            results,
            command_key
        }
        .into()),
        vec(autonomous, 0..3).prop_map(|results| AutonomousDuStateChangeComplete { results }.into()),
    ]
}
