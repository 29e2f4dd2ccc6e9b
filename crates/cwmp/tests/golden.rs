//! What goes out, to look at: each file in `golden/` is one message, indented.
//! (Checked by hand with xmllint against the Broadband Forum's cwmp-1-2.xsd.)
#![allow(clippy::unwrap_used)]

mod common;

use std::num::NonZeroU32;
use std::path::Path;

use cwmp::*;

fn messages() -> Vec<(&'static str, Message)> {
    let key = |text: &str| text.to_owned();
    let value = |name: &str, value| ParameterValue::new(name, value);
    let start_time = CwmpTime::parse("2026-03-01T13:00:00Z").unwrap();
    let complete_time = CwmpTime::parse("2026-03-01T13:02:30Z").unwrap();
    let parameters = vec![
        value("Device.Services.VoiceService.1.VoiceProfile.1.Line.1.SIP.AuthUserName", Value::string("1204")),
        value(
            "Device.Services.VoiceService.1.VoiceProfile.1.Line.1.SIP.AuthPassword",
            Value::string("a<b>&\"c' \u{e4}"),
        ),
        value(
            "Device.Services.VoiceService.1.VoiceProfile.1.Line.1.CallingFeatures.CallWaitingEnable",
            Value::boolean(true),
        ),
        value("Device.ManagementServer.PeriodicInformInterval", Value::unsigned(300)),
        value("Device.Time.LocalOffset", Value::int(-60)),
    ];
    vec![
        (
            "inform",
            Inform {
                device_id: DeviceId::new("Bellhop", "000B82", "GHP621W", "000b827fd280"),
                events: vec![Event::new(EventCode::BOOT), Event::with_key(EventCode::M_REBOOT, "job-4711")],
                max_envelopes: 1,
                current_time: start_time,
                retry_count: 2,
                parameters: vec![value("Device.DeviceInfo.SoftwareVersion", Value::string("1.0.3.12"))],
            }
            .into(),
        ),
        ("inform-response", InformResponse { max_envelopes: 1 }.into()),
        ("get-rpc-methods", Message::GetRpcMethods),
        ("get-rpc-methods-response", GetRpcMethodsResponse { methods: acs::ACS_METHODS.map(key).to_vec() }.into()),
        (
            "set-parameter-values",
            SetParameterValues { parameters: parameters.clone(), parameter_key: key("v43") }.into(),
        ),
        ("set-parameter-values-response", SetParameterValuesResponse { status: Status::Pending }.into()),
        (
            "get-parameter-values",
            GetParameterValues { names: vec![key("Device.DeviceInfo."), key("Device.LAN.IPAddress")] }.into(),
        ),
        ("get-parameter-values-response", GetParameterValuesResponse { parameters }.into()),
        ("get-parameter-names", GetParameterNames { path: key("Device."), next_level: true }.into()),
        (
            "get-parameter-names-response",
            GetParameterNamesResponse {
                parameters: vec![
                    ParameterInfo { name: key("Device.LAN."), writable: false },
                    ParameterInfo { name: key("Device.ProvisioningCode"), writable: true },
                ],
            }
            .into(),
        ),
        (
            "set-parameter-attributes",
            SetParameterAttributes {
                parameters: vec![SetParameterAttributesEntry {
                    name: key("Device.LAN.IPAddress"),
                    notification_change: true,
                    notification: 2,
                    access_list_change: false,
                    access_list: vec![],
                }],
            }
            .into(),
        ),
        ("get-parameter-attributes", GetParameterAttributes { names: vec![key("Device.LAN.IPAddress")] }.into()),
        (
            "get-parameter-attributes-response",
            GetParameterAttributesResponse {
                parameters: vec![ParameterAttribute {
                    name: key("Device.LAN.IPAddress"),
                    notification: 2,
                    access_list: vec![key("Subscriber")],
                }],
            }
            .into(),
        ),
        ("add-object", AddObject { object_name: key("Device.Services.VoiceService."), parameter_key: key("") }.into()),
        (
            "add-object-response",
            AddObjectResponse { instance_number: Instance(NonZeroU32::new(3).unwrap()), status: Status::Applied }
                .into(),
        ),
        (
            "delete-object",
            DeleteObject { object_name: key("Device.Services.VoiceService.3."), parameter_key: key("") }.into(),
        ),
        ("delete-object-response", DeleteObjectResponse { status: Status::Applied }.into()),
        (
            "download",
            Download {
                command_key: key("job-4712"),
                file_type: key("1 Firmware Upgrade Image"),
                url: key("https://bellhop.example/fw/ghp62x.bin?a=1&b=2"),
                username: key("phone"),
                password: Secret(key("secret")),
                file_size: 41_943_040,
                target_file_name: key(""),
                delay_seconds: 30,
                success_url: key(""),
                failure_url: key(""),
            }
            .into(),
        ),
        (
            "download-response",
            DownloadResponse {
                status: Status::Pending,
                start_time: CwmpTime::UNKNOWN,
                complete_time: CwmpTime::UNKNOWN,
            }
            .into(),
        ),
        ("reboot", Reboot { command_key: key("job-4713") }.into()),
        ("reboot-response", Message::RebootResponse),
        ("factory-reset", Message::FactoryReset),
        ("schedule-inform", ScheduleInform { delay_seconds: 60, command_key: key("job-4714") }.into()),
        (
            "transfer-complete",
            TransferComplete {
                command_key: key("job-4712"),
                fault: TransferFault { code: FaultCode::FILE_CORRUPTED, text: key("bad checksum") },
                start_time,
                complete_time,
            }
            .into(),
        ),
        ("transfer-complete-response", Message::TransferCompleteResponse),
        (
            "fault",
            Fault {
                parameters: vec![SetParameterValuesFault {
                    name: key("Device.ManagementServer.PeriodicInformInterval"),
                    code: FaultCode::INVALID_PARAMETER_VALUE,
                    text: key("0 is below 1"),
                }],
                ..Fault::of(FaultCode::INVALID_ARGUMENTS)
            }
            .into(),
        ),
    ]
}

/// Without the white space between elements.
fn flat(text: &str) -> String {
    text.lines().map(str::trim_start).collect()
}

#[test]
fn messages_look_like_the_golden_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for (name, message) in messages() {
        let envelope = Envelope::new(CwmpVersion::V1_2, message).with_id("7");
        let text = encode(&envelope);
        let path = folder.join(format!("{name}.xml"));
        if std::env::var_os("GOLDEN_WRITE").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let golden = std::fs::read_to_string(&path).expect(name);
        assert_eq!(flat(&text), flat(&golden), "{name}");
        assert_eq!(decode(golden.as_bytes(), &Limits::default()).unwrap(), envelope, "{name}, indented");
    }
}

#[test]
fn a_phones_inform() {
    let text = include_bytes!("golden/phone-inform.xml");
    let envelope = decode(text, &Limits::default()).unwrap();
    assert_eq!((envelope.id.as_deref(), envelope.version), (Some("1804289383"), CwmpVersion::V1_0));
    let Message::Inform(inform) = &envelope.body else { panic!() };
    assert_eq!(inform.device_id, DeviceId::new("Grandstream", "000B82", "GHP621W", "000b827fd280"));
    assert_eq!(inform.events, [Event::new(EventCode::BOOT), Event::with_key(EventCode::M_REBOOT, "job-4711")]);
    assert_eq!(inform.current_time.print(), "2026-03-01T13:05:09Z");
    assert_eq!(inform.parameters.len(), 7);
    assert_eq!(inform.parameters[5].value.text, "http://10.4.2.17:7547/0a1b?x=1&y=2");
}

#[test]
fn characters_xml_forbids_go_out_replaced() {
    let reboot = Reboot { command_key: "a\0b\u{1b}".into() };
    assert_eq!(illegal_char(&reboot.command_key), Some('\0'));
    let text = encode(&Envelope::new(CwmpVersion::V1_0, reboot.into()));
    assert!(text.contains("<CommandKey>a\u{fffd}b\u{fffd}</CommandKey>"), "{text}");
}

#[test]
fn hold_requests_is_written_and_read() {
    let mut envelope = Envelope::new(CwmpVersion::V1_0, Message::GetRpcMethods);
    envelope.hold_requests = true;
    let text = encode(&envelope);
    assert!(text.contains(r#"<cwmp:HoldRequests soap-env:mustUnderstand="1">1</cwmp:HoldRequests>"#), "{text}");
    assert_eq!(decode(text.as_bytes(), &Limits::default()).unwrap(), envelope);
}

#[test]
fn debug_output_holds_no_values_or_passwords() {
    let messages = format!("{:?}", messages());
    assert!(!messages.contains("a<b>") && !messages.contains("\"secret\""), "{messages}");
}

#[test]
fn every_fault_code_has_text_and_advice() {
    let codes: Vec<u16> = FaultCode::ALL.iter().map(|code| code.0).collect();
    assert_eq!(codes, (8000..=8006).chain(9000..=9032).collect::<Vec<_>>());
    for code in FaultCode::ALL {
        assert!(!code.text().is_empty() && !code.advice().is_empty());
    }
    assert_eq!(FaultCode(9850).text(), "A fault of the vendor's own");
    assert_eq!(FaultCode::INVALID_PARAMETER_VALUE.to_string(), "9007 The phone does not accept this value");
}
