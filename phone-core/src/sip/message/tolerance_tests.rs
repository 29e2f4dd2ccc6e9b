//! The tolerance matrix of the project's reference (what field peers send and published parsers trip over).

use super::*;

fn parse(text: &str) -> Message {
    let message = Message::parse_datagram(text.as_bytes()).unwrap();
    assert_eq!(message.defect(), None);
    message
}

fn response(headers: &str) -> Message {
    parse(&format!("SIP/2.0 200 OK\r\n{headers}\r\n\r\n"))
}

fn contacts(headers: &str) -> Vec<Contact> {
    response(headers).contacts().map(Result::unwrap).collect()
}

fn addr(contact: &Contact) -> &NameAddr {
    match contact {
        Contact::Addr(addr) => addr,
        Contact::Star => panic!("star"),
    }
}

#[test]
fn multi_value_contact() {
    let list = contacts(
        "Contact: \"a, b\" <sip:a@1.1.1.1;x=1,2>;expires=5 , <sip:b@2.2.2.2>, sip:c@h;expires=7\r\nm: <sip:d@h>",
    );
    assert_eq!(list.len(), 4);
    assert_eq!(addr(&list[0]).display.as_deref(), Some("a, b"));
    assert_eq!(addr(&list[0]).uri.params.value("x"), Some("1,2"));
    assert_eq!(addr(&list[2]).params.value("expires"), Some("7"), "without <> parameters are the header's");
}

#[test]
fn contact_with_sip_instance() {
    let text = "<sip:a@1.1.1.1>;+sip.instance=\"<urn:uuid:0-1;2>\";q=0.5";
    let list = contacts(&format!("Contact: {text}"));
    assert_eq!(addr(&list[0]).params.value("+SIP.Instance"), Some("<urn:uuid:0-1;2>"));
    assert_eq!(addr(&list[0]).to_string(), text);
}

#[test]
fn tel_uri() {
    let list = contacts("Contact: <tel:+358-555-1234567;postd=pp22>;q=1");
    assert_eq!(addr(&list[0]).uri.scheme, Scheme::Tel);
    assert_eq!(addr(&list[0]).uri.user.as_deref(), Some("+358-555-1234567"));
    assert_eq!(addr(&list[0]).uri.to_string(), "tel:+358-555-1234567;postd=pp22");
    assert_eq!("tel:".parse::<Uri>(), Err(ParseError::Uri));
}

#[test]
fn contact_star() {
    assert_eq!(contacts("Contact: *"), [Contact::Star]);
    assert_eq!(contacts("m:*"), [Contact::Star]);
    assert!(matches!(contacts("m: *x <sip:a@h>")[0], Contact::Addr(_)));
}

#[test]
fn folded_header() {
    let message = response("Subject: one\r\n two\r\n\tthree\r\nContact:\r\n <sip:a@h>\r\n ;expires=3");
    assert_eq!(message.header(Name::Subject), Some("one two three"));
    assert_eq!(addr(&message.contacts().next().unwrap().unwrap()).params.value("expires"), Some("3"));
}

#[test]
fn ipv6_in_via() {
    let via =
        response("Via: SIP/2.0/UDP [2001:db8::9:1]:5070;received=2001:db8::9:255;branch=z9hG4bKas3").top_via().unwrap();
    assert_eq!(via.sent_by.to_string(), "[2001:db8::9:1]:5070");
    assert_eq!(via.received(), "2001:db8::9:255".parse().ok());
    let via: Via = "SIP/2.0/UDP [::1];received=[2001:db8::1];rport=0".parse().unwrap();
    assert_eq!((via.sent_by.port, via.received(), via.rport()), (None, "2001:db8::1".parse().ok(), None));
}

#[test]
fn compact_names() {
    let message =
        response("v: SIP/2.0/UDP h;branch=1\r\nf: <sip:a@h>;tag=x\r\nT: <sip:b@h>\r\ni: id\r\nl: 0\r\nk: timer");
    assert!(message.top_via().is_ok() && message.from().is_ok() && message.to().is_ok());
    assert_eq!(message.call_id(), Ok("id"));
    assert_eq!(message.tokens(Name::Supported).collect::<Vec<_>>(), ["timer"]);
}

#[test]
fn white_space_and_comments_in_via() {
    let message = response(
        "Via: SIP / 2.0 / UDP  first.example : 4000 ;ttl=16 ;branch = z9hG4bKa (a, \"comment\\)\") , SIP/2.0/TCP h2",
    );
    let via = message.top_via().unwrap();
    assert_eq!((via.transport.as_str(), via.sent_by.port, via.branch()), ("UDP", Some(4000), Some("z9hG4bKa")));
    assert_eq!(message.vias().count(), 2);
}

#[test]
fn unknown_method() {
    let message = parse("NEW.method! sip:a@h SIP/2.0\r\nCSeq: 3 NEW.method!\r\n\r\n");
    assert_eq!(message.method(), Some(&Method::Other("NEW.method!".into())));
    assert_eq!(message.cseq().unwrap().method.as_str(), "NEW.method!");
    assert_eq!(Method::parse("invite"), Some(Method::Other("invite".into())), "case matters");
}

#[test]
fn bare_lf_lines_and_leading_crlfs() {
    let message = parse("\r\n\r\n\nOPTIONS sip:a@h SIP/2.0\nCall-ID: x\nl: 4\n\nbody");
    assert_eq!((message.call_id(), message.body()), (Ok("x"), &b"body"[..]));
}

#[test]
fn display_names() {
    for (text, display) in [
        (r#""J \"Rosenberg\" \\" <sip:j@h>"#, r#"J "Rosenberg" \"#),
        ("\"Zoë 東京\" <sip:z@h>", "Zoë 東京"),
        ("Anna Lee <sip:a@h>", "Anna Lee"),
        ("\"a<b>\"<sip:a@h>", "a<b>"),
    ] {
        let parsed: NameAddr = text.parse().unwrap();
        assert_eq!(parsed.display.as_deref(), Some(display));
        assert_eq!(parsed.to_string().parse::<NameAddr>().as_ref(), Ok(&parsed));
    }
    assert_eq!("\"\" <sip:a@h>".parse::<NameAddr>().unwrap().display, None);
    assert!("\"open <sip:a@h>".parse::<NameAddr>().is_err());
    assert!("<sip:a@h".parse::<NameAddr>().is_err());
}

#[test]
fn invalid_utf8_does_not_spoil_the_rest() {
    let message =
        Message::parse_datagram(b"SIP/2.0 200 O\xffK\r\nSubject: \xc3\x28\r\nCall-ID: y\r\n\r\n\xff").unwrap();
    assert_eq!((message.call_id(), message.body()), (Ok("y"), &b"\xff"[..]));
}

#[test]
fn content_length_rules_a_datagram() {
    let of = |length: &str| Message::parse_datagram(format!("SIP/2.0 200 OK\r\n{length}\r\nbody").as_bytes()).unwrap();
    assert_eq!(of("").body(), b"body");
    assert_eq!((of("l: 2\r\n").body(), of("l: 2\r\n").defect()), (&b"bo"[..], None));
    assert_eq!(of("l: 5\r\n").defect(), Some(Defect::BodyShort));
    for bad in ["l: -1\r\n", "l: 1\r\nContent-Length: 2\r\n", "l: 99999999999\r\n", "l:\r\n"] {
        assert_eq!(of(bad).defect(), Some(Defect::ContentLength));
    }
    assert_eq!(of("l: 4\r\nl: 4\r\n").body(), b"body");
}

#[test]
fn limits() {
    let of = |text: String| Message::parse_datagram(text.as_bytes()).err();
    let head = "SIP/2.0 200 OK\r\n";
    assert_eq!(of(format!("{head}{}", "a: b\r\n".repeat(MAX_HEADERS))), None);
    assert_eq!(of(format!("{head}{}", "a: b\r\n".repeat(MAX_HEADERS + 1))), Some(ParseError::TooManyHeaders));
    assert_eq!(of(format!("{head}a: {}\r\n", "b".repeat(MAX_LINE))), Some(ParseError::LineTooLong));
    assert_eq!(of(format!("{head}a: b\r\n{}", " bbbbbbbb\r\n".repeat(1000))), Some(ParseError::LineTooLong));
    assert_eq!(of(format!("{head}\r\n{}", "b".repeat(MAX_MESSAGE))), Some(ParseError::TooLarge));
    for nothing in ["", "\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "SIP/3.0 200 OK\r\n\r\n", "SIP/2.0 99 x\r\n\r\n"] {
        assert_eq!(of(nothing.to_owned()), Some(ParseError::StartLine), "{nothing:?}");
    }
}

#[test]
fn numbers_with_comments_and_parameters() {
    let message = response("Retry-After: 120 (busy);duration=60\r\nExpires: 99999999999999\r\nMin-Expires: x");
    assert_eq!(message.retry_after(), Some(120));
    assert_eq!((message.expires(), message.min_expires()), (Some(u32::MAX), None));
}

#[test]
fn uris_print_as_they_came() {
    for text in [
        "sip:alice:pw@atlanta.example:5061;transport=tcp;lr?subject=x%20y&priority=urgent",
        "sips:1.2.3.4",
        "sip:[::1]:5060;maddr=239.1.1.1",
        "sip:%61lice@h",
        "urn:service:sos",
        "sip:+1-212;phone-context=x@gw.example;user=phone",
    ] {
        assert_eq!(text.parse::<Uri>().unwrap().to_string(), text);
    }
    assert_eq!("sip:%61l%ice%@h".parse::<Uri>().unwrap().user_text().as_deref(), Some("al%ice%"));
    for bad in [
        "",
        "sip:",
        "sip:@h",
        "sip:a@",
        "sip:h:0",
        "sip:h:65536",
        "sip:h:x",
        "sip:[::1",
        "1x:y",
        "sip:a b@h",
        "sip:h h",
    ] {
        assert!(bad.parse::<Uri>().is_err(), "{bad}");
    }
    assert_eq!("::1".parse::<HostPort>().unwrap().to_string(), "[::1]");
}

#[test]
fn no_header_breaks_out_of_its_line() {
    let bytes = RequestBuilder::new(&Method::Options, "sip:h").header(Name::Subject, "a\r\nEvil: 1\0").finish(b"x");
    let message = Message::parse_datagram(&bytes).unwrap();
    assert_eq!(message.header(Name::Subject), Some("a  Evil: 1"));
    assert_eq!((message.header_named("evil"), message.body()), (None, &b"x"[..]));
    let uri = Uri::sip(Some("a@b c\r\n\"é"), "h".parse().unwrap());
    assert_eq!(uri.to_string(), "sip:a%40b%20c%0D%0A%22%C3%A9@h");
}
