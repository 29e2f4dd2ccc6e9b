//! What real phones get wrong and we forgive, one test each.

use crate::common::{read, soap, value, values};
use cwmp::*;

fn inform(text: &str) -> Inform {
    match read(text).unwrap().body {
        Message::Inform(inform) => inform,
        other => panic!("{other:?}"),
    }
}

const PHONE: &str = include_str!("../golden/phone-inform.xml");

#[test]
fn any_prefix() {
    let text =
        PHONE.replace("SOAP-ENV:", "q:").replace(":SOAP-ENV", ":q").replace("cwmp:", "z9:").replace(":cwmp=", ":z9=");
    assert_eq!(inform(&text), inform(PHONE));
}

#[test]
fn the_envelope_as_default_namespace() {
    let text = PHONE.replace("SOAP-ENV:mustUnderstand", "mustUnderstand");
    let text = text.replace("SOAP-ENV:", "").replace("xmlns:SOAP-ENV=", "xmlns=");
    assert_eq!(inform(&text), inform(PHONE));
}

#[test]
fn parameters_in_the_rpcs_namespace() {
    let qualified = "<cwmp:Reboot><cwmp:CommandKey>k</cwmp:CommandKey></cwmp:Reboot>";
    let default = "<Reboot xmlns='urn:dslforum-org:cwmp-1-2'><CommandKey>k</CommandKey></Reboot>";
    for body in [qualified, default] {
        assert_eq!(read(&soap(body)).unwrap().body, Reboot { command_key: "k".into() }.into());
    }
    assert_eq!(read(&soap(default)).unwrap().version, CwmpVersion::V1_2);
}

#[test]
fn a_missing_value_is_empty() {
    assert_eq!(value(""), "");
    assert_eq!(value("<Value/>"), "");
}

#[test]
fn white_space_around_names_numbers_and_typed_values() {
    let body =
        "<cwmp:AddObjectResponse><InstanceNumber>\n 5 </InstanceNumber><Status> 1\t</Status></cwmp:AddObjectResponse>";
    let Message::AddObjectResponse(response) = read(&soap(body)).unwrap().body else { panic!() };
    assert_eq!((response.instance_number.0.get(), response.status), (5, Status::Pending));
    assert_eq!(value("<Value xsi:type='xsd:int'> 5 </Value>"), "5");
    assert_eq!(value("<Value xsi:type='xsd:string'> 5 </Value>"), " 5 ", "a string's own");
    let list = "<ParameterValueStruct><Name>\n A.B\n </Name><Value>x</Value></ParameterValueStruct>";
    assert_eq!(values(list)[0].name, "A.B");
}

#[test]
fn a_time_without_zone_is_utc_and_flagged() {
    let read = inform(&PHONE.replace("14:05:09+01:00", "13:05:09"));
    assert!(read.current_time.zone_assumed);
    assert_eq!(read.current_time, inform(PHONE).current_time);
}

#[test]
fn an_empty_time_is_unknown() {
    assert!(inform(&PHONE.replace("2026-03-01T14:05:09+01:00", "")).current_time.is_unknown());
}

#[test]
fn wrong_array_types_and_counts() {
    let text = PHONE.replace("EventStruct[2]", "EventStruct[99]").replace("cwmp:ParameterValueStruct[7]", "oops");
    assert_eq!(inform(&text), inform(PHONE));
    let text = PHONE.replace(" SOAP-ENC:arrayType=\"cwmp:EventStruct[2]\"", "");
    assert_eq!(inform(&text), inform(PHONE));
}

#[test]
fn unknown_elements_are_skipped() {
    let extra = "<X_Extra><Deep>1</Deep></X_Extra><v:OUI xmlns:v='urn:vendor'>x</v:OUI><OUI>";
    assert_eq!(inform(&PHONE.replace("<OUI>", extra)), inform(PHONE));
}

#[test]
fn undeclared_xsi_prefix() {
    let text = PHONE.replace(" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"", "");
    assert_eq!(inform(&text), inform(PHONE));
}

#[test]
fn missing_or_foreign_types() {
    let type_ = |attribute: &str| {
        values(&format!("<ParameterValueStruct><Name>A</Name><Value {attribute}>1</Value></ParameterValueStruct>"))
            .remove(0)
            .value
            .type_
    };
    assert_eq!(type_(""), XsdType::String);
    assert_eq!(type_("xsi:type='unsignedInt'"), XsdType::UnsignedInt);
    assert_eq!(type_("xsi:type='whatever:base64'"), XsdType::Base64);
    assert_eq!(type_("xsi:type='xsd:float'"), XsdType::Other("float".into()));
}

#[test]
fn characters_xml_forbids_are_replaced() {
    assert_eq!(value("<Value>a\u{0}b\u{1b}c&#0;&#x1;</Value>"), "a\u{fffd}b\u{fffd}c\u{fffd}\u{fffd}");
}

#[test]
fn what_may_be_left_out() {
    let mut text = PHONE.to_owned();
    for gone in [
        "<MaxEnvelopes>1</MaxEnvelopes>",
        "<RetryCount>0</RetryCount>",
        "<CommandKey></CommandKey>",
        "<ProductClass>GHP621W</ProductClass>",
    ] {
        assert!(text.contains(gone));
        text = text.replace(gone, "");
    }
    let read = inform(&text);
    assert_eq!((read.max_envelopes, read.retry_count, read.device_id.product_class.as_str()), (0, 0, ""));
}

#[test]
fn a_byte_order_mark() {
    assert_eq!(inform(&format!("\u{feff}{PHONE}")), inform(PHONE));
}

#[test]
fn an_empty_post_may_hold_line_ends() {
    assert_eq!(decode_post(b"\r\n", &Limits::default()), Ok(None));
    assert_eq!(decode_post(b"", &Limits::default()), Ok(None));
}

#[test]
fn a_long_list_may_be_indented() {
    let one = "<ParameterValueStruct>\n<Name>A.B</Name>\n<Value>x</Value>\n</ParameterValueStruct>";
    let list = format!("{one}\n{}", " ".repeat(60)).repeat(2_000);
    assert!(list.len() > 200_000);
    assert_eq!(values(&list).len(), 2_000, "white space between elements is nobody's text");
}

#[test]
fn keys_and_lists_that_are_missing() {
    let set = "<cwmp:SetParameterValues><ParameterList/></cwmp:SetParameterValues>";
    assert_eq!(
        read(&soap(set)).unwrap().body,
        SetParameterValues { parameters: vec![], parameter_key: String::new() }.into()
    );
    let request = "<cwmp:RequestDownload><FileType>1 Firmware Upgrade Image</FileType></cwmp:RequestDownload>";
    let Message::RequestDownload(request) = read(&soap(request)).unwrap().body else { panic!() };
    assert!(request.args.is_empty());
    let add = "<cwmp:AddObject><ObjectName>Device.X.</ObjectName></cwmp:AddObject>";
    let Message::AddObject(add) = read(&soap(add)).unwrap().body else { panic!() };
    assert_eq!(add.parameter_key, "");
}

#[test]
fn the_header_may_come_last_or_be_missing() {
    let text = soap("<cwmp:RebootResponse/>");
    let start = text.find("<s:Header>").unwrap();
    let end = text.find("<s:Body>").unwrap();
    let header = &text[start..end];
    let last = text.replace(header, "").replace("</s:Body>", &format!("</s:Body>{header}"));
    assert_eq!(read(&last).unwrap(), read(&text).unwrap());
    assert_eq!(read(&text.replace(header, "")).unwrap().id, None);
}

#[test]
fn more_than_the_schema_allows_is_read_all_the_same() {
    let key = "k".repeat(300);
    let body = format!("<cwmp:Reboot><CommandKey>{key}</CommandKey></cwmp:Reboot>");
    assert_eq!(read(&soap(&body)).unwrap().body, Reboot { command_key: key }.into());
    let text = PHONE.replace("<OUI>000B82</OUI>", "<OUI>00:0b:82</OUI>");
    assert_eq!(inform(&text).device_id.oui, "00:0b:82");
}

#[test]
fn versions_we_do_not_know_are_passed_over() {
    let header = "<cwmp:SupportedCWMPVersions> 1.0, 1.4,2.7 ,x</cwmp:SupportedCWMPVersions>";
    let envelope = read(&crate::common::soap_with_header(header, "<cwmp:RebootResponse/>")).unwrap();
    assert_eq!(envelope.supported_versions, Some(vec![CwmpVersion::V1_0, CwmpVersion::V1_4]));
}
