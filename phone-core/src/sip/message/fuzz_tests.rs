//! Nothing panics on any bytes, and what we print we can read.

use proptest::prelude::*;

use super::*;

const VALID: &str = "REGISTER sip:h:5060;lr SIP/2.0\r\nVia: SIP/2.0/UDP [::1]:5060;branch=z9hG4bK1;rport, SIP / 2.0 / TCP h2 (c)\r\n\
    f: \"A \\\" b\" <sip:a%20b:p@1.2.3.4>;tag=1\r\nTo: Bob <tel:+1-2;x=y>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n\
    Contact: *, <sip:a@h>;+sip.instance=\"<urn:x>\";expires=1,\r\n sip:b@h;q=1\r\nl: 4\r\nRetry-After: 1 (x)\r\n\r\nbody";

/// Looks at everything a message has.
fn visit(bytes: &[u8]) {
    let Ok(message) = Message::parse_datagram(bytes) else {
        return;
    };
    let _ = (message.top_via(), message.from(), message.to(), message.cseq(), message.call_id(), message.request_uri());
    let _ = (message.expires(), message.min_expires(), message.retry_after(), message.body(), message.defect());
    for contact in message.contacts().flatten() {
        if let Contact::Addr(addr) = contact {
            let _ = (addr.to_string(), addr.uri.user_text(), addr.uri.port());
        }
    }
    for via in message.vias() {
        if let Ok(via) = via.parse::<Via>() {
            let _ = (via.to_string(), via.received(), via.rport());
        }
    }
    for (name, value) in message.all_headers() {
        let _ = (Name::lookup(name), value.parse::<NameAddr>(), value.parse::<Uri>(), value.parse::<HostPort>());
    }
    let printed = ResponseBuilder::new(&message, 200, "SIP/2.0/UDP h", "t").finish(&[]);
    assert!(Message::parse_datagram(&printed).is_ok() || printed.len() > MAX_LINE);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        visit(&bytes);
        let mut message = b"SIP/2.0 200 OK\r\n".to_vec();
        message.extend_from_slice(&bytes);
        visit(&message);
    }

    #[test]
    fn mutated_messages(edits in proptest::collection::vec((any::<prop::sample::Index>(), 0u8..3, any::<u8>()), 1..8)) {
        let mut bytes = VALID.as_bytes().to_vec();
        for (at, kind, byte) in edits {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { bytes.remove(at); }
            }
        }
        visit(&bytes);
    }

    /// Separators and quotes in every order are harder than random bytes.
    #[test]
    fn any_grammar(text in "[<>\"\\\\(),;:=@%\\[\\]*sip:/. a0-]{0,60}") {
        visit(format!("SIP/2.0 200 OK\r\nVia: {text}\r\nm: {text}\r\nf: {text}\r\nl: {text}\r\n\r\n").as_bytes());
        visit(format!("{text} sip:{text} SIP/2.0\r\nt: {text}\r\n\r\n").as_bytes());
    }

    #[test]
    fn name_addrs_survive_printing(
        display in proptest::option::of("[^\\p{C}]{1,20}"),
        user in "\\PC{1,20}",
        tag in "[^\\p{C}]{0,10}",
    ) {
        let address = HostPort { host: Host::Name("h".into()), port: Some(5060) };
        let mut addr = NameAddr::new(Uri::sip(Some(&user), address));
        addr.display = display;
        addr.params.set("tag", Some(&tag));
        let read: NameAddr = addr.to_string().parse().unwrap();
        prop_assert_eq!(read.uri.user_text(), Some(user));
        prop_assert_eq!(read, addr);
    }
}
