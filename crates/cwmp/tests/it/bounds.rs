//! What we send keeps to the schemas' lengths, counts and forms; `Message::check` says what does not.

use crate::common::samples::messages;
use cwmp::*;

fn refusal(message: impl Into<Message>) -> String {
    let error = message.into().check().unwrap_err();
    assert_eq!(error.kind, ErrorKind::OutOfBounds);
    error.to_string()
}

fn value(name: &str) -> ParameterValue {
    ParameterValue::new(name, Value::string("x"))
}

fn download() -> Download {
    let found = messages().into_iter().find_map(|(_, message)| match message {
        Message::Download(download) => Some(download),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn the_samples_are_within_bounds() {
    for (name, message) in messages() {
        assert_eq!(message.check(), Ok(()), "{name}");
    }
}

#[test]
fn lengths_are_counted_in_characters() {
    let reboot = |length| Message::from(Reboot { command_key: "\u{e4}".repeat(length) });
    assert_eq!(reboot(32).check(), Ok(()));
    assert_eq!(refusal(reboot(33)), "Reboot/CommandKey: is longer than 32 characters");
}

#[test]
fn every_text_of_a_download_has_its_limit() {
    let long = |length: usize| "a".repeat(length + 1);
    assert_eq!(
        refusal(Download { command_key: long(32), ..download() }),
        "Download/CommandKey: is longer than 32 characters"
    );
    assert_eq!(refusal(Download { url: long(256), ..download() }), "Download/URL: is longer than 256 characters");
    assert_eq!(
        refusal(Download { username: long(256), ..download() }),
        "Download/Username: is longer than 256 characters"
    );
    assert_eq!(
        refusal(Download { password: Secret(long(256)), ..download() }),
        "Download/Password: is longer than 256 characters"
    );
    assert_eq!(
        refusal(Download { target_file_name: long(256), ..download() }),
        "Download/TargetFileName: is longer than 256 characters"
    );
    assert_eq!(
        refusal(Download { file_type: format!("1 {}", long(62)), ..download() }),
        "Download/FileType: is longer than 64 characters"
    );
    assert_eq!(
        refusal(Download { file_type: "firmware".into(), ..download() }),
        "Download/FileType: is not a number and a name"
    );
    let vendors = Download { file_type: "X 000B82 Ringtone".into(), ..download() };
    assert_eq!(Message::from(vendors).check(), Ok(()));
}

#[test]
fn names_keys_and_paths() {
    let set = |name: &str, key: &str| SetParameterValues {
        parameters: vec![value("A"), value(name)],
        parameter_key: key.into(),
    };
    assert_eq!(
        refusal(set(&"n".repeat(257), "")),
        "SetParameterValues/ParameterList/ParameterValueStruct[2]/Name: is longer than 256 characters"
    );
    assert_eq!(refusal(set("B", &"k".repeat(33))), "SetParameterValues/ParameterKey: is longer than 32 characters");
    assert_eq!(
        refusal(AddObject { object_name: "Device.X".into(), parameter_key: String::new() }),
        "AddObject/ObjectName: is not a path that ends in a dot"
    );
    assert_eq!(refusal(GetParameterValues { names: vec![] }), "GetParameterValues/ParameterNames: is empty");
    assert_eq!(
        refusal(GetParameterValues { names: vec!["A".into(), "b".repeat(257)] }),
        "GetParameterValues/ParameterNames/string[2]: is longer than 256 characters"
    );
    let attributes = SetParameterAttributesEntry {
        name: "A".into(),
        notification_change: true,
        notification: 7,
        access_list_change: false,
        access_list: vec![],
    };
    let refused = refusal(SetParameterAttributes { parameters: vec![attributes] });
    assert!(
        refused.ends_with("SetParameterAttributesStruct[1]/Notification: is not a number from 0 to 6"),
        "{refused}"
    );
}

#[test]
fn counts() {
    let Some(Message::Inform(inform)) = messages().into_iter().map(|(_, message)| message).next() else { panic!() };
    let events = vec![Event::new(EventCode::BOOT); 65];
    assert_eq!(refusal(Inform { events, ..inform.clone() }), "Inform/Event: has 65 members, at most 64 are allowed");
    let device_id = DeviceId::new("M", "000b82", "P", "S");
    assert_eq!(
        refusal(Inform { device_id, ..inform.clone() }),
        "Inform/DeviceId/OUI: is not six upper-case hexadecimal digits"
    );
    let events = vec![Event::new(EventCode::new("BOOT"))];
    assert_eq!(refusal(Inform { events, ..inform }), "Inform/Event/EventStruct[1]/EventCode: is not an event code");
    let empty = ChangeDuState { operations: vec![], command_key: String::new() };
    assert_eq!(refusal(empty), "ChangeDUState/Operations: is empty");
    let bad = UninstallOperation { uuid: "7".into(), version: None, execution_env_ref: None };
    let change = ChangeDuState { operations: vec![Operation::Uninstall(bad)], command_key: String::new() };
    assert_eq!(refusal(change), "ChangeDUState/Operations[1]/UUID: is not a UUID");
}

#[test]
fn a_server_does_not_send_what_the_schema_forbids() {
    let mut server = AcsSession::new();
    let inform = Envelope::new(CwmpVersion::V1_0, messages().remove(0).1);
    server.on_message(Some(inform));
    server.on_message(None);
    let refused = server.request(Reboot { command_key: "k".repeat(33) }.into());
    assert!(matches!(refused, Err(RequestError::Unfit(_))), "{refused:?}");
    assert!(server.request(Reboot { command_key: "k".into() }.into()).is_ok(), "its turn still");
}

#[test]
fn a_parameter_is_refused_with_a_code_of_a_cpe() {
    let parameter = |code| SetParameterValuesFault { name: "A".into(), code, text: String::new() };
    let fault = |code| Fault { parameters: vec![parameter(code)], ..Fault::of(FaultCode::INVALID_ARGUMENTS) };
    assert_eq!(Message::from(fault(FaultCode::NOT_WRITABLE)).check(), Ok(()));
    assert_eq!(
        refusal(fault(FaultCode::ACS_INTERNAL_ERROR)),
        "Fault/SetParameterValuesFault[1]/FaultCode: is not a fault code of a CPE"
    );
}
