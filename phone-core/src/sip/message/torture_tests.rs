//! Torture messages of RFC 4475, by section.

use super::*;

fn parse(text: &str) -> Message {
    Message::parse_datagram(text.replace('\n', "\r\n").as_bytes()).unwrap()
}

/// §3.1.1.1 A short tortuous INVITE.
#[test]
fn wsinv() {
    let text = include_str!("../../../tests/interop/rfc4475.txt").split("%%\n").next().unwrap();
    let message = parse(text);
    assert_eq!(message.defect(), None);
    assert_eq!(message.request_uri().unwrap().params.get("unknownparam"), Some(None));
    assert_eq!(message.to().unwrap().tag(), Some("1918181833n"));
    assert_eq!(message.from().unwrap().display.as_deref(), Some("J Rosenberg \\\""));
    assert_eq!(message.from().unwrap().tag(), Some("98asjd8"));
    assert_eq!(message.cseq(), Ok(CSeq { number: 9, method: Method::Invite }));
    assert_eq!(message.header(Name::Subject), Some(""));
    assert_eq!(message.header_named("newfangledheader"), Some("newfangled value continued newfangled value"));
    let vias: Vec<Via> = message.vias().map(|via| via.parse().unwrap()).collect();
    assert_eq!(vias.len(), 3);
    assert_eq!(vias[0].branch(), Some("390skdjuw"));
    assert_eq!((vias[1].transport.as_str(), vias[1].branch()), ("TCP", Some("z9hG4bK9ikj8")));
    assert_eq!(vias[2].branch(), Some("z9hG4bK30239"));
    let Contact::Addr(contact) = message.contacts().next().unwrap().unwrap() else { panic!() };
    assert_eq!(contact.display.as_deref(), Some("Quoted string \"\""));
    assert_eq!((contact.params.value("newparam"), contact.params.value("q")), (Some("newvalue"), Some("0.33")));
    assert_eq!(message.body().len(), 150);
}

/// §3.1.1.2 Wide range of valid characters.
#[test]
fn intmeth() {
    let method = "!interesting-Method0123456789_*+`.%indeed'~";
    let message = parse(&format!(
        "{method} sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0
Via: SIP/2.0/UDP host1.example.com;branch=z9hG4bK-.!%66*_+`'~
To: \"BEL:\\\x07 NUL:\\\x01 DEL:\\\x7f\" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>
From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"работающий\";tag=_token~1'+`*%!-.
Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}}{{
CSeq: 139122385 {method}
Max-Forwards: 255
extensionHeader-!.%*+_`'~:大停電
Content-Length: 0

"
    ));
    assert_eq!(message.method(), Some(&Method::Other(method.into())));
    let uri = message.request_uri().unwrap();
    assert_eq!(uri.user.as_deref(), Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
    assert_eq!(uri.password.as_deref(), Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
    assert_eq!(message.from().unwrap().params.value("fromParam''~+*_!.-%"), Some("работающий"));
    assert_eq!(message.from().unwrap().display.as_deref(), Some("token1~` token2'+_ token3*%!.-"));
    assert!(message.to().is_ok() && message.top_via().is_ok() && message.cseq().is_ok());
    assert_eq!(message.header_named("extensionHeader-!.%*+_`'~"), Some("大停電"));
}

/// §3.1.1.3 Valid use of the % escaping mechanism; §3.1.1.4 escaped nulls.
#[test]
fn esc01_and_escnull() {
    let message = parse(
        "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0
To: sip:%75se%72@example.com
From: <sip:I%20have%20spaces@example.net>;tag=938
Contact:
  <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>
m: <sip:%00@host5.example.com>

",
    );
    assert_eq!(message.request_uri().unwrap().user_text().as_deref(), Some("sips:user@example.com"));
    assert_eq!(message.to().unwrap().uri.user_text().as_deref(), Some("user"));
    assert_eq!(message.from().unwrap().uri.user_text().as_deref(), Some("I have spaces"));
    let users: Vec<_> = message
        .contacts()
        .map(|contact| match contact {
            Ok(Contact::Addr(addr)) => addr.uri.user_text().unwrap(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(users, ["caller", "\0"]);
}

/// §3.1.1.7 Long values.
#[test]
fn longreq() {
    let long = "longvalue".repeat(60);
    let message = parse(&format!(
        "INVITE sip:user@example.com SIP/2.0\nTo: \"{long}\" <sip:user@example.com;{long}>;{long}={long}\n\
         Call-ID: {long}\n{}\n\n",
        format!("v: SIP/2.0/TCP sip{long}.example.com\n").repeat(33).trim_end()
    ));
    assert_eq!(message.to().unwrap().params.value(&long), Some(long.as_str()));
    assert_eq!(message.vias().count(), 33);
    assert!(message.top_via().is_err(), "no host name is that long");
}

/// §3.1.1.8 Extra trailing octets in a datagram.
#[test]
fn dblreq() {
    let message =
        parse("REGISTER sip:example.com SIP/2.0\nContent-Length: 0\n\nINVITE sip:joe@example.com SIP/2.0\n\n");
    assert_eq!((message.method(), message.body()), (Some(&Method::Register), &b""[..]));
}

/// §3.1.1.9 Semicolon-separated parameters in the user part.
#[test]
fn semiuri() {
    let message = parse("OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0\n\n");
    let uri = message.request_uri().unwrap();
    assert_eq!(uri.user_text().as_deref(), Some("user;par=u@example.net"));
    assert!(uri.params.is_empty());
}

/// §3.1.1.12, §3.1.1.13 Reason phrases: UTF-8, and none.
#[test]
fn unreason_and_noreason() {
    let phrase = "= 2**3 * 5**2 но сто девяносто девять - простое";
    assert_eq!(parse(&format!("SIP/2.0 200 {phrase}\n\n")).reason(), Some(phrase));
    assert_eq!(parse("SIP/2.0 100 \n\n").reason(), Some(""));
}

/// §3.1.2: invalid messages are refused or marked, or fail where they are looked at.
#[test]
fn invalid_ones() {
    // badinv01
    let message = parse(
        "INVITE sip:user@example.com SIP/2.0\nContact: \"Joe\" <sip:joe@example.org>;;;;\nFrom: \"Bob <sip:b@h>\n\n",
    );
    assert!(message.from().is_err());
    // clerr, ncl
    assert_eq!(parse("OPTIONS sip:h SIP/2.0\nl: 9999\n\nx").defect(), Some(Defect::BodyShort));
    assert_eq!(parse("OPTIONS sip:h SIP/2.0\nl: -999\n\nx").defect(), Some(Defect::ContentLength));
    // scalar02, scalarlg
    let message =
        parse("REGISTER sip:h SIP/2.0\nCSeq: 36893488147419103232 REGISTER\nExpires: 1000000000000000000000\n\n");
    assert!(message.cseq().is_err());
    assert_eq!(message.expires(), Some(u32::MAX));
    // ltgtruri, lwsruri, lwsstart, trws
    assert!(parse("INVITE <sip:user@example.com> SIP/2.0\n\n").request_uri().is_err());
    assert!(parse("INVITE sip:user@example.com; lr SIP/2.0\n\n").request_uri().is_ok(), "tolerated");
    assert!(parse("INVITE  sip:user@example.com  SIP/2.0 \n\n").request_uri().is_ok(), "tolerated");
    // escruri: headers in a Request-URI are kept, not obeyed
    assert!(parse("INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0\n\n").request_uri().is_ok());
    // badvers
    assert!(!parse("OPTIONS sip:t@example.org SIP/7.0\n\n").is_version_2());
    // bigcode
    assert!(Message::parse_datagram(b"SIP/2.0 4294967301 better not break the receiver\r\n\r\n").is_err());
    // quotbal
    assert!("\"Mr. J. User <sip:j.user@example.com>".parse::<NameAddr>().is_err());
    // mismatch01 is the server's business; insuf: missing headers are told apart
    assert_eq!(parse("INVITE sip:u@h SIP/2.0\n\n").call_id(), Err(ParseError::Missing(Name::CallId)));
}
