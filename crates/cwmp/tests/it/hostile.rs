//! The attacks of the reference (B9), each by name.

use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::common::{read, refused, soap, soap_with_header, value};
use cwmp::*;

fn kind(text: &str) -> ErrorKind {
    read(text).expect_err("should be refused").kind
}

/// The work is no more than that of a hundred ordinary messages of some size, on this machine as busy as it is: what
/// grows with the square of its length is thousands. The best of a few times, since others take the processor away.
fn quickly<T>(work: impl Fn() -> T) -> T {
    let times = |work: &dyn Fn()| -> Duration {
        let time = |()| {
            let start = Instant::now();
            work();
            start.elapsed()
        };
        [(); 3].map(time).into_iter().min().unwrap()
    };
    let value = "<ParameterValueStruct><Name>Device.A.B</Name><Value>1</Value></ParameterValueStruct>".repeat(1_000);
    let list = format!("<ParameterList>{value}</ParameterList>");
    let ordinary = soap(&format!("<cwmp:GetParameterValuesResponse>{list}</cwmp:GetParameterValuesResponse>"));
    let measure = times(&|| drop(read(&ordinary).unwrap()));
    let took = times(&|| drop(work()));
    assert!(took < measure * 100, "took {took:?}, an ordinary message {measure:?}");
    work()
}

#[test]
fn hundred_thousand_unclosed_elements() {
    let text = "<a>".repeat(100_000);
    assert_eq!(quickly(|| kind(&text)), ErrorKind::TooDeep);
}

/// The reference's own numbers: each of these cost another parser seconds.
#[test]
fn nesting_of_10_000_to_200_000() {
    for count in [10_000, 40_000, 80_000] {
        assert_eq!(quickly(|| kind(&"<a>".repeat(count))), ErrorKind::TooDeep, "{count} unclosed");
    }
    let closed = format!("{}{}", "<a>".repeat(200_000), "</a>".repeat(200_000));
    assert_eq!(quickly(|| kind(&closed)), ErrorKind::TooDeep, "200,000 closed");
}

#[test]
fn hundred_thousand_closed_nested_elements_inside_an_rpc() {
    let nest = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    assert_eq!(quickly(|| kind(&soap(&nest))), ErrorKind::TooDeep);
}

/// Errors are logged and told: no name of the sender's makes them long.
#[test]
fn a_header_with_a_name_of_a_megabyte() {
    let header = format!("<cwmp:{} s:mustUnderstand=\"1\"/>", "h".repeat(1 << 20));
    let error = read(&soap_with_header(&header, "<cwmp:GetRPCMethods/>")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::MustUnderstand);
    assert!(error.to_string().len() < 300, "{}", error.to_string().len());
}

#[test]
fn a_message_over_a_limit_is_answered_like_any_other() {
    let nest = format!("{}{}", "<a>".repeat(40), "</a>".repeat(40));
    for rpc in [format!("<cwmp:Kicked>{nest}</cwmp:Kicked>"), format!("<cwmp:Kicked><Arg>{nest}</Arg></cwmp:Kicked>")] {
        let error = read(&soap(&rpc)).unwrap_err();
        let answer = error.fault_envelope(error::Side::Acs);
        assert_eq!(
            (error.kind, error.version, answer.id.as_deref()),
            (ErrorKind::TooDeep, Some(CwmpVersion::V1_0), Some("7"))
        );
        assert!(matches!(answer.body, Message::Fault(fault) if fault.code == FaultCode::ACS_RESOURCES_EXCEEDED));
    }
}

#[test]
fn siblings_without_end() {
    let many = "<a/>".repeat(100_000);
    assert_eq!(quickly(|| kind(&soap(&format!("<cwmp:Inform>{many}</cwmp:Inform>")))), ErrorKind::TooMany);
}

#[test]
fn hundred_thousand_attributes() {
    let attributes: String = (0..100_000).map(|i| format!(" a{i}=\"\"")).collect();
    assert_eq!(quickly(|| kind(&format!("<a{attributes}/>"))), ErrorKind::TooMany);
}

#[test]
fn hundred_thousand_namespaces() {
    let attributes: String = (0..100_000).map(|i| format!(" xmlns:a{i}=\"u\"")).collect();
    assert_eq!(quickly(|| kind(&format!("<a{attributes}/>"))), ErrorKind::TooMany);
}

#[test]
fn namespaces_on_every_element_stay_linear() {
    let body: String = (0..20_000).map(|i| format!("<x:a xmlns:x=\"urn:{i}\"/>")).collect();
    let message = soap(&format!("<cwmp:RebootResponse>{body}</cwmp:RebootResponse>"));
    assert_eq!(quickly(|| read(&message)).unwrap().body, Message::RebootResponse);
}

#[test]
fn a_long_text() {
    let text = "x".repeat(65 << 10);
    let value = format!("<cwmp:Reboot><CommandKey>{text}</CommandKey></cwmp:Reboot>");
    assert_eq!(kind(&soap(&value)), ErrorKind::TooLong);
    let split = format!("<cwmp:Reboot><CommandKey>{}</CommandKey></cwmp:Reboot>", "x<!---->&amp;".repeat(33 << 10));
    assert_eq!(quickly(|| kind(&soap(&split))), ErrorKind::TooLong, "in pieces");
    assert_eq!(kind(&format!("<a b=\"{text}\"/>")), ErrorKind::TooLong, "attribute");
}

#[test]
fn ten_megabytes() {
    let body = vec![b' '; 10 << 20];
    let limits = Limits::default();
    assert_eq!(decode_body(None, &body, &limits).unwrap_err().kind, ErrorKind::TooLarge);
    assert_eq!(decode(&body, &limits).unwrap_err().kind, ErrorKind::TooLarge);
}

#[test]
fn gzip_bomb() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..100 {
        encoder.write_all(&[b' '; 1 << 20]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 200_000);
    let error = quickly(|| decode_body(Some("gzip"), &bomb, &Limits::default())).unwrap_err();
    assert_eq!((error.kind, error.fault_for(Side::Acs).code), (ErrorKind::TooLarge, FaultCode::ACS_RESOURCES_EXCEEDED));
}

#[test]
fn compressed_bodies_within_the_limit() {
    let limits = Limits::default();
    let text = b"<a/>".repeat(100);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&text).unwrap();
    let gzip = gzip.finish().unwrap();
    assert_eq!(*decode_body(Some("GZIP"), &gzip, &limits).unwrap(), *text);
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(&text).unwrap();
    assert_eq!(*decode_body(Some("deflate"), &zlib.finish().unwrap(), &limits).unwrap(), *text);
    let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    raw.write_all(&text).unwrap();
    assert_eq!(*decode_body(Some("deflate"), &raw.finish().unwrap(), &limits).unwrap(), *text, "without zlib header");
    assert_eq!(decode_body(Some("gzip"), &gzip[..gzip.len() - 9], &limits).unwrap_err().kind, ErrorKind::Encoding);
    assert_eq!(decode_body(Some("br"), &gzip, &limits).unwrap_err().kind, ErrorKind::Encoding);
}

#[test]
fn billion_laughs() {
    let text = format!(
        r#"<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>{}"#,
        soap("<cwmp:RebootResponse>&b;</cwmp:RebootResponse>")
    );
    assert_eq!(kind(&text.replace(r#"<?xml version="1.0"?>"#, "")), ErrorKind::Doctype);
}

#[test]
fn external_and_unknown_entities() {
    let text = r#"<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>"#;
    assert_eq!(kind(text), ErrorKind::Doctype);
    assert_eq!(kind("<a>&x;</a>"), ErrorKind::Entity);
    assert_eq!(kind("<a b=\"&x;\"/>"), ErrorKind::Entity);
    assert_eq!(kind("<a>&#xD800;</a>"), ErrorKind::Malformed);
    assert_eq!(kind("<a>a & b</a>"), ErrorKind::Malformed);
}

#[test]
fn processing_instruction_inside_text() {
    assert_eq!(
        refused("<cwmp:Reboot><CommandKey>a<?x y?>b</CommandKey></cwmp:Reboot>").0,
        ErrorKind::ProcessingInstruction
    );
}

#[test]
fn utf_16_and_other_encodings() {
    let text = soap("<cwmp:RebootResponse/>");
    for bytes in [
        text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
        text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect(),
    ] {
        let error = decode(&bytes, &Limits::default()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Encoding);
        assert!(error.reason.contains("UTF-16"), "{error}");
    }
    assert_eq!(decode(b"<a>\xe4</a>", &Limits::default()).unwrap_err().kind, ErrorKind::Encoding);
    let latin = text.replace(r#"version="1.0""#, r#"version="1.0" encoding="ISO-8859-1""#);
    assert!(read(&latin).is_ok(), "plain ASCII whatever it says");
    assert_eq!(
        kind(&latin.replace("<cwmp:RebootResponse/>", "<!--\u{e4}--><cwmp:RebootResponse/>")),
        ErrorKind::Encoding
    );
}

#[test]
fn cdata_is_text() {
    assert_eq!(value("<Value><![CDATA[a <b> & c]]></Value>"), "a <b> & c");
    assert_eq!(value("<Value>a<![CDATA[b]]>c</Value>"), "abc");
    assert_eq!(value("<Value>a<!-- - -->b&#x41;&amp;</Value>"), "abA&");
}

#[test]
fn fault_code_that_is_no_number() {
    for code in ["abc", "", "-1", "0", "70000", "7999", "9900"] {
        let fault = format!(
            "<s:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring><detail><cwmp:Fault><FaultCode>{code}</FaultCode></cwmp:Fault></detail></s:Fault>"
        );
        assert_eq!(refused(&fault), (ErrorKind::Invalid, "Fault/detail/Fault/FaultCode".into()), "{code}");
    }
    let done = |code| {
        refused(&format!(
            "<cwmp:TransferComplete><CommandKey/><FaultStruct><FaultCode>{code}</FaultCode></FaultStruct></cwmp:TransferComplete>"
        ))
    };
    assert_eq!(done("abc"), (ErrorKind::Invalid, "TransferComplete/FaultStruct/FaultCode".into()), "no success");
}

#[test]
fn soap_fault_without_detail_tells_what_was_said() {
    let error = read(&soap("<s:Fault><faultstring>out of\nmemory</faultstring></s:Fault>")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
    assert!(error.reason.ends_with("out of memory"), "{error}");
}

#[test]
fn instance_numbers_that_are_none() {
    for number in ["abc", "-1", "0", "4294967296", "", "1.0", "<a/>"] {
        let body = format!(
            "<cwmp:AddObjectResponse><InstanceNumber>{number}</InstanceNumber><Status>0</Status></cwmp:AddObjectResponse>"
        );
        assert_eq!(refused(&body), (ErrorKind::Invalid, "AddObjectResponse/InstanceNumber".into()), "{number}");
    }
}

#[test]
fn booleans_and_states_that_are_none() {
    let names = |flag| {
        refused(&format!(
            "<cwmp:GetParameterNames><ParameterPath/><NextLevel>{flag}</NextLevel></cwmp:GetParameterNames>"
        ))
    };
    for flag in ["yes", "", "2", "TRUE"] {
        assert_eq!(names(flag), (ErrorKind::Invalid, "GetParameterNames/NextLevel".into()));
    }
    let status = "<cwmp:SetParameterValuesResponse><Status>2</Status></cwmp:SetParameterValuesResponse>";
    assert_eq!(refused(status), (ErrorKind::Invalid, "SetParameterValuesResponse/Status".into()));
}

#[test]
fn wrong_namespaces() {
    assert_eq!(kind("<a/>"), ErrorKind::NotSoap);
    assert_eq!(kind(&soap("<RebootResponse/>")), ErrorKind::Namespace);
    assert_eq!(kind(&soap("<cwmp:RebootResponse xmlns:cwmp='urn:dslforum-org:cwmp-1-5'/>")), ErrorKind::Namespace);
    assert_eq!(kind(&soap("<nobody:RebootResponse/>")), ErrorKind::Namespace);
    let soap12 = soap("<cwmp:RebootResponse/>")
        .replace("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope");
    let error = read(&soap12).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotSoap);
    assert!(error.reason.contains("1.2"), "{error}");
}

#[test]
fn two_rpcs_none_or_two_bodies() {
    assert_eq!(kind(&soap("<cwmp:RebootResponse/><cwmp:RebootResponse/>")), ErrorKind::ManyBodies);
    assert_eq!(kind(&soap("")), ErrorKind::EmptyBody);
    assert_eq!(kind(&soap("<cwmp:RebootResponse/></s:Body><s:Body>")), ErrorKind::NotSoap);
    assert_eq!(kind(&soap("<cwmp:RebootResponse/>").replace("s:Body>", "s:Torso>")), ErrorKind::NotSoap);
}

#[test]
fn ends_too_early_or_too_late() {
    let whole = soap("<cwmp:RebootResponse/>");
    for end in 0..whole.len() {
        assert!(read(&whole[..end]).is_err(), "{end}");
    }
    assert_eq!(kind(&format!("{whole}<a/>")), ErrorKind::Malformed);
    assert_eq!(kind(&format!("{whole}x")), ErrorKind::Malformed);
    assert_eq!(kind(""), ErrorKind::Malformed);
}

#[test]
fn unknown_methods_are_answered_with_8000_and_their_id() {
    let error = read(&soap("<cwmp:RequestDownload2><FileType>1</FileType></cwmp:RequestDownload2>")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::UnknownMethod);
    assert!(error.reason.contains("RequestDownload2"), "{error}");
    assert_eq!(error.fault_for(Side::Acs).code, FaultCode::ACS_METHOD_NOT_SUPPORTED);
    assert_eq!(error.fault_for(Side::Cpe).code, FaultCode::METHOD_NOT_SUPPORTED);
    assert_eq!(error.fault_envelope(Side::Acs).id.as_deref(), Some("7"));
}

#[test]
fn a_missing_or_repeated_element_is_named() {
    let error = read(&soap("<cwmp:Inform><DeviceId><OUI>0</OUI></DeviceId></cwmp:Inform>")).unwrap_err();
    assert_eq!(error.to_string(), "Inform/DeviceId/Manufacturer: is missing");
    assert_eq!(error.fault_for(Side::Acs).code, FaultCode::ACS_INVALID_ARGUMENTS);
    assert_eq!(
        refused("<cwmp:Reboot><CommandKey/><CommandKey/></cwmp:Reboot>"),
        (ErrorKind::Duplicate, "Reboot/CommandKey".into())
    );
    let list = "<cwmp:GetParameterNamesResponse><ParameterList><ParameterInfoStruct><Name>a</Name><Writable>1</Writable></ParameterInfoStruct><ParameterInfoStruct><Name>b</Name><Writable>x</Writable></ParameterInfoStruct></ParameterList></cwmp:GetParameterNamesResponse>";
    assert_eq!(refused(list).1, "GetParameterNamesResponse/ParameterList/ParameterInfoStruct[2]/Writable");
}

#[test]
fn headers_we_must_understand() {
    let body = "<cwmp:RebootResponse/>";
    let kind = |header: &str| read(&crate::common::soap_with_header(header, body)).map_err(|error| error.kind);
    assert!(kind(r#"<x:y xmlns:x="urn:x"/>"#).is_ok());
    assert_eq!(kind(r#"<x:y xmlns:x="urn:x" s:mustUnderstand="1"/>"#), Err(ErrorKind::MustUnderstand));
    assert_eq!(kind(r#"<cwmp:New s:mustUnderstand="1"/>"#), Err(ErrorKind::MustUnderstand));
    assert_eq!(kind("<cwmp:HoldRequests>x</cwmp:HoldRequests>"), Err(ErrorKind::Invalid));
}

#[test]
fn what_the_guard_refuses_is_refused_wherever_it_stands() {
    // Each RPC is unreadable already; the document's own fault comes first. What is only too much can be answered, what is
    // no XML has no ID to answer to.
    let bad = "<cwmp:AddObjectResponse><InstanceNumber>abc</InstanceNumber>";
    let deep = format!("{bad}{}{}</cwmp:AddObjectResponse>", "<a>".repeat(40), "</a>".repeat(40));
    for (body, expected) in [
        (deep, ErrorKind::TooDeep),
        (format!("{bad}<?x?></cwmp:AddObjectResponse>"), ErrorKind::ProcessingInstruction),
        (format!("{bad}&x;</cwmp:AddObjectResponse>"), ErrorKind::Entity),
        (format!("{bad}<a b='1' b='2'/></cwmp:AddObjectResponse>"), ErrorKind::Malformed),
        (format!("{bad}</cwmp:Reboot>"), ErrorKind::Malformed),
    ] {
        let error = read(&soap(&body)).unwrap_err();
        let answered = (expected == ErrorKind::TooDeep).then_some(CwmpVersion::V1_0);
        assert_eq!((error.kind, error.version), (expected, answered), "{body}");
        assert_eq!(error.id.is_some(), answered.is_some(), "{body}");
    }
    let two = format!("{bad}</cwmp:AddObjectResponse><cwmp:RebootResponse/>");
    assert_eq!(kind(&soap(&two)), ErrorKind::ManyBodies);
}

#[test]
fn namespaces_that_cannot_be_declared() {
    for declaration in
        ["xmlns:xmlns='urn:x'", "xmlns:xml='urn:x'", "xmlns:x='http://www.w3.org/XML/1998/namespace'", "xmlns:x=''"]
    {
        assert_eq!(
            kind(&soap(&format!("<cwmp:RebootResponse {declaration}/>"))),
            ErrorKind::Malformed,
            "{declaration}"
        );
    }
    let xml = "<cwmp:RebootResponse xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:lang='en'/>";
    assert!(read(&soap(xml)).is_ok());
}

#[test]
fn a_declaration_holds_for_its_element_only() {
    let inside = "<cwmp:Reboot><a xmlns:cwmp='urn:other'/><CommandKey>k</CommandKey></cwmp:Reboot>";
    assert!(read(&soap(inside)).is_ok());
    let outside = "<a xmlns:new='urn:dslforum-org:cwmp-1-0'/></s:Body><s:Body><new:RebootResponse/>";
    assert!(read(&soap(outside)).is_err());
    let shadowed = "<cwmp:RebootResponse xmlns:cwmp='urn:other'/>";
    assert_eq!(kind(&soap(shadowed)), ErrorKind::Namespace);
    assert_eq!(value("<Value xmlns:type='urn:x' type='xsd:int'> 5 </Value>"), " 5 ", "neither is xsi:type");
}
