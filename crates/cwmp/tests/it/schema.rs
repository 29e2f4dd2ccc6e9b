//! Whatever we send is valid by the Broadband Forum's schemas (`xsd/`, with their licence inside; the SOAP parts they
//! refer to are ours). `xmllint` does the checking.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::message;
use crate::common::samples::messages;
use cwmp::*;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

/// Runs all documents through one schema; what it objects to.
fn invalid(schema: &str, documents: &[(String, String)]) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/xsd");
    let mut failures = Vec::new();
    for (name, text) in documents {
        let mut xmllint = Command::new("xmllint")
            .args(["--nonet", "--noout", "--schema"])
            .arg(folder.join(schema))
            .arg("-")
            .env("XML_CATALOG_FILES", folder.join("catalog.xml"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("xmllint is missing: install the Debian package libxml2-utils, or run `cargo xtask test`");
        xmllint.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = xmllint.wait_with_output().unwrap();
        if !output.status.success() {
            failures.push(format!("{name}: {}\n{text}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    failures
}

/// What the first version of the protocol has: neither later methods nor fault codes above 9013.
fn in_1_0(message: &Message) -> bool {
    let later = ["ScheduleDownload", "CancelTransfer", "DUState", "GetAllQueuedTransfers", "Autonomous"];
    let new_code = matches!(message, Message::TransferComplete(transfer) if transfer.fault.code.0 > 9013);
    !later.iter().any(|part| message.name().contains(part)) && !new_code
}

#[test]
fn every_message_is_valid() {
    let document = |version, name: &str, message: Message| {
        message.check().unwrap_or_else(|error| panic!("{name}: {error}"));
        (name.to_owned(), encode(&Envelope::new(version, message).with_id("7")))
    };
    let all: Vec<_> =
        messages().into_iter().map(|(name, message)| document(CwmpVersion::V1_2, name, message)).collect();
    let failures = invalid("cwmp-1-4-envelope.xsd", &all);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let old: Vec<_> = messages()
        .into_iter()
        .filter(|(_, message)| in_1_0(message))
        .map(|(name, message)| document(CwmpVersion::V1_0, name, message))
        .collect();
    let failures = invalid("cwmp-1-0-envelope.xsd", &old);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_header_is_valid() {
    let envelope = Envelope {
        hold_requests: true,
        session_timeout: Some(60),
        supported_versions: Some(vec![CwmpVersion::V1_0, CwmpVersion::V1_4]),
        use_version: Some(CwmpVersion::V1_4),
        ..Envelope::new(CwmpVersion::V1_2, Message::GetRpcMethods).with_id("7")
    };
    let failures = invalid("cwmp-1-4-envelope.xsd", &[("headers".into(), encode(&envelope))]);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_fault_code_is_valid_where_it_may_stand() {
    let documents: Vec<_> = FaultCode::ALL
        .iter()
        .map(|code| {
            let fault = Fault::of(*code);
            (code.to_string(), encode(&Envelope::new(CwmpVersion::V1_2, fault.into()).with_id("7")))
        })
        .collect();
    let failures = invalid("cwmp-1-4-envelope.xsd", &documents);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_check_finds_what_is_wrong() {
    let wrong = encode(&Envelope::new(CwmpVersion::V1_2, Reboot { command_key: "k".repeat(33) }.into()).with_id("7"));
    assert_eq!(invalid("cwmp-1-4-envelope.xsd", &[("too long a key".into(), wrong)]).len(), 1);
}

/// Values whose text is not of their type, access lists and which of its codes a transfer may end with are their maker's
/// business, not the codec's: they are left out here.
fn with_plain_values(mut message: Message) -> Option<Message> {
    let values = match &mut message {
        Message::Inform(inform) => &mut inform.parameters,
        Message::SetParameterValues(set) => &mut set.parameters,
        Message::GetParameterValuesResponse(response) => &mut response.parameters,
        other => {
            let lists = ["TransferComplete", "DUStateChangeComplete", "ParameterAttributes"];
            let left_out = lists.iter().any(|part| other.name().contains(part));
            return (!left_out).then_some(message);
        }
    };
    values.iter_mut().for_each(|value| value.value.type_ = XsdType::String);
    Some(message)
}

#[test]
fn whatever_the_check_allows_is_valid() {
    let mut runner = TestRunner::deterministic();
    let random = std::iter::repeat_with(|| message().new_tree(&mut runner).unwrap().current());
    let allowed = random.take(3_000).filter_map(with_plain_values).filter(|message| message.check().is_ok());
    let documents: Vec<_> = allowed
        .take(200)
        .map(|message| (message.name().to_owned(), encode(&Envelope::new(CwmpVersion::V1_2, message).with_id("7"))))
        .collect();
    assert_eq!(documents.len(), 200);
    let failures = invalid("cwmp-1-4-envelope.xsd", &documents);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
