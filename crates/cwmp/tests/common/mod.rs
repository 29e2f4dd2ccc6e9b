//! Messages by hand, and every message at random.
#![allow(dead_code)]

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
    let fault = prop_oneof![Just(FaultCode(0)), code()];
    (trimmed(), fault, trimmed(), time(), time()).prop_map(|(command_key, code, text, start_time, complete_time)| {
        TransferComplete { command_key, fault: TransferFault { code, text }, start_time, complete_time }
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
    ]
}

pub fn envelope() -> impl Strategy<Value = Envelope> {
    let version = prop::sample::select(&CwmpVersion::ALL[..]);
    (prop::option::of(trimmed()), any::<bool>(), any::<bool>(), version, message()).prop_map(
        |(id, hold_requests, no_more_requests, version, body)| Envelope {
            id,
            hold_requests,
            no_more_requests,
            version,
            body,
        },
    )
}
