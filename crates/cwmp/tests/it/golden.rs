//! What goes out, to look at: each file in `golden/` is one message, indented. `schema.rs` holds the same messages against
//! the Broadband Forum's schemas. `GOLDEN_WRITE=1` writes the files anew.

use std::path::Path;

use crate::common::samples::messages;
use cwmp::*;

/// Without the white space between elements.
fn flat(text: &str) -> String {
    text.lines().map(str::trim_start).collect()
}

#[test]
fn messages_look_like_the_golden_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let messages = messages();
    for kind in MessageKind::ALL {
        assert!(messages.iter().any(|(_, message)| message.kind() == *kind), "{} has no file", kind.name());
    }
    for (name, message) in messages {
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
    let text = include_bytes!("../golden/phone-inform.xml");
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

#[test]
fn fault_types_are_the_standards() {
    let client = [8003, 9003, 9005, 9006, 9007, 9008, 9021, 9022];
    for code in FaultCode::ALL {
        let expected = if client.contains(&code.0) { "Client" } else { "Server" };
        assert_eq!(Fault::of(*code).soap_code(), expected, "{code}");
    }
}
