//! What our builder writes, all read alike.

use phone_core::sip::message::{CSeq, Method, Name, NameAddr, RequestBuilder, ResponseBuilder, Uri, Via};
use phone_core::sip::message::{HostPort, Message, Params};
use proptest::prelude::*;

use super::{ORACLES, disagreements, ours};

/// Hosts both oracles know: rsip has no IPv6.
fn host() -> impl Strategy<Value = HostPort> {
    let host =
        prop_oneof!["[a-z]([a-z0-9-]{0,8}[a-z0-9])?(\\.[a-z]{2,6}){0,2}", "1[0-9]{1,2}\\.[1-9][0-9]?\\.0\\.[1-9]"];
    (host, proptest::option::of(1u16..)).prop_map(|(host, port)| HostPort { host: host.parse().unwrap(), port })
}

fn token() -> impl Strategy<Value = String> {
    "[A-Za-z0-9][A-Za-z0-9.!*_+~-]{0,20}"
}

/// A user of any characters, escaped where they have to be, but for the dot: rsip takes what follows for the host.
fn uri() -> impl Strategy<Value = Uri> {
    let user = proptest::option::of("[a-zA-Z0-9 #é&=+$,;?/@:_!~*'()-]{1,16}");
    let transport = proptest::option::of(prop_oneof![Just("udp"), Just("tcp")]);
    (user, host(), any::<bool>(), transport).prop_map(|(user, host, lr, transport)| {
        let mut uri = Uri::sip(user.as_deref(), host);
        if let Some(transport) = transport {
            uri.params.set("transport", Some(transport));
        }
        if lr {
            uri.params.set("lr", None);
        }
        uri
    })
}

/// Display names without what an oracle stumbles over: angle brackets (rsip), quotes and backslashes (ezk).
fn party() -> impl Strategy<Value = NameAddr> {
    let display = proptest::option::of("[A-Za-z0-9é大,;:@. ]{0,14}[A-Za-z0-9é大,;:@.]");
    (display, uri(), token()).prop_map(|(display, uri, tag)| {
        let mut party = NameAddr { display: display.filter(|name| name.trim() == name), ..NameAddr::new(uri) };
        party.params.set("tag", Some(&tag));
        party
    })
}

fn via() -> impl Strategy<Value = Via> {
    (host(), token(), 0..3u8, any::<u16>()).prop_map(|(sent_by, branch, rport, port)| {
        let mut params = Params::default();
        params.set("branch", Some(&format!("z9hG4bK{branch}")));
        match rport {
            0 => {}
            1 => params.set("rport", None),
            _ => {
                params.set("rport", Some(&port.to_string()));
                params.set("received", Some("192.0.2.7"));
            }
        }
        Via { transport: "UDP".to_owned(), sent_by, params }
    })
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![
        Just(Method::Invite),
        Just(Method::Register),
        Just(Method::Bye),
        Just(Method::Notify),
        Just(Method::Refer),
        Just(Method::Update),
    ]
}

prop_compose! {
    fn request()(
        method in method(),
        target in uri(),
        via in via(),
        from in party(),
        to in party(),
        (call_id, number) in ("[A-Za-z0-9.@-]{1,30}", 0..0x8000_0000u32),
        contact in uri(),
        routes in proptest::collection::vec(uri(), 0..3),
        body in "[ -~]{0,40}",
    ) -> Vec<u8> {
        let mut request = RequestBuilder::new(&method, &target)
            .header(Name::Via, &via)
            .header(Name::From, &from)
            .header(Name::To, &to)
            .header(Name::CallId, &call_id)
            .header(Name::CSeq, CSeq { number, method })
            .header(Name::Contact, NameAddr::new(contact))
            .header(Name::MaxForwards, 70);
        for route in routes {
            request = request.header(Name::Route, NameAddr::new(route));
        }
        request.finish(body.as_bytes())
    }
}

fn all_read_alike(bytes: &[u8]) -> Result<(), TestCaseError> {
    let ours = ours::read(bytes);
    prop_assert!(ours.len() >= 11, "{ours:?}");
    for (oracle, read) in ORACLES {
        let wrong = disagreements(&ours, &read(bytes));
        prop_assert!(wrong.is_empty(), "{oracle}: {wrong:#?}\n{}", String::from_utf8_lossy(bytes));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn what_we_write_all_read_alike(bytes in request(), code in 100..700u16, tag in token()) {
        all_read_alike(&bytes)?;
        let request = Message::parse_datagram(&bytes).unwrap();
        let response = ResponseBuilder::new(&request, code, request.top_via().unwrap(), &tag);
        let contact = request.header(Name::Contact).unwrap_or_default();
        all_read_alike(&response.header(Name::Contact, contact).finish(b""))?;
    }
}
