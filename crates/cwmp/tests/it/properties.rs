//! Whatever comes in, decoding answers; whatever goes out comes back the same.

use crate::common::{config, envelope, message, soap, transfer};
use cwmp::*;
use proptest::collection::vec;
use proptest::prelude::*;

const LIMITS: Limits =
    Limits { body: 2 << 20, inflated: 2 << 20, depth: 32, elements: 50_000, text: 64 << 10, attributes: 64 };

/// One careless change to a message.
#[derive(Clone, Debug)]
enum Change {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index, prop::sample::Index),
    Repeat(prop::sample::Index, prop::sample::Index),
    Insert(prop::sample::Index, &'static str),
    /// The nth `>text<` becomes something else.
    Text(prop::sample::Index, &'static str),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    let inserts =
        vec!["<", ">", "&", "]]>", "<![CDATA[", "<!--", "<?x?>", "<!DOCTYPE a>", "<a>", "</a>", "&#0;", "\"", "\0"];
    let texts = vec![">abc<", ">-1<", ">4294967296<", "><", "> 5 <", ">NaN<", "><a/><", ">9999999999999999999999<"];
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(i, b)| Change::Flip(i, b)),
        (at(), at()).prop_map(|(a, b)| Change::Cut(a, b)),
        (at(), at()).prop_map(|(a, b)| Change::Repeat(a, b)),
        (at(), prop::sample::select(inserts)).prop_map(|(i, s)| Change::Insert(i, s)),
        (at(), prop::sample::select(texts)).prop_map(|(i, s)| Change::Text(i, s)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    if bytes.is_empty() {
        return;
    }
    let len = bytes.len();
    let span = |a: &prop::sample::Index, b: &prop::sample::Index| {
        let (a, b) = (a.index(len), b.index(len));
        a.min(b)..a.max(b)
    };
    match change {
        Change::Flip(i, b) => bytes[i.index(len)] = *b,
        Change::Cut(a, b) => drop(bytes.drain(span(a, b))),
        Change::Repeat(a, b) => {
            let part = bytes[span(a, b)].to_vec();
            let at = span(a, b).end;
            bytes.splice(at..at, part);
        }
        Change::Insert(i, text) => drop(bytes.splice(i.index(len)..i.index(len), text.bytes())),
        Change::Text(i, text) => {
            let starts: Vec<_> = (0..len).filter(|&at| bytes[at] == b'>').collect();
            let start = starts[i.index(starts.len().max(1)) % starts.len().max(1)];
            let end = bytes[start..].iter().position(|&b| b == b'<').map_or(len, |n| start + n + 1);
            bytes.splice(start..end, text.bytes());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_message_survives_the_wire(envelope in envelope()) {
        let text = encode(&envelope);
        prop_assert_eq!(decode(text.as_bytes(), &LIMITS).unwrap(), envelope, "{}", text);
    }

    #[test]
    fn mutated_messages_never_panic_and_refusals_explain(envelope in envelope(), changes in vec(change(), 1..4)) {
        let mut bytes = encode(&envelope).into_bytes();
        for change in &changes {
            // `Text` needs a `>`.
            if bytes.contains(&b'>') {
                apply(&mut bytes, change);
            }
        }
        match decode(&bytes, &LIMITS) {
            // What was understood can be said again.
            Ok(read) => { decode(encode(&read).as_bytes(), &LIMITS).unwrap(); }
            Err(error) => {
                prop_assert!(!error.reason.is_empty());
                let answer = encode(&error.fault_envelope(Side::Acs));
                decode(answer.as_bytes(), &LIMITS).unwrap();
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..300)) {
        let _ = decode(&bytes, &LIMITS);
        for encoding in ["gzip", "deflate", "br"] {
            let _ = decode_body(Some(encoding), &bytes, &LIMITS);
        }
    }

    #[test]
    fn arbitrary_markup_never_panics(text in "(<(/|!|\\?)?[a-c:]{0,3}( [a-c:]{1,3}=\"[a&;]?\")?/?>|[a-c&;#x0]|<!\\[CDATA\\[|\\]\\]>){0,30}") {
        let _ = decode(text.as_bytes(), &LIMITS);
    }

    /// A document is refused for its size exactly where it passes a limit, and for the right one.
    #[test]
    fn the_guards_limits_hold(depth in 1usize..12, siblings in 0usize..12, text in 0usize..40, attributes in 0usize..8) {
        // Envelope, Header, ID, Body and RPC are there already.
        let limits = Limits { depth: 8, elements: 14, text: 110, attributes: 5, ..LIMITS };
        let list: String = (0..attributes).map(|i| format!(" a{i}='x'")).collect();
        let inside = format!("{}{}{}", "<n>".repeat(depth), "y".repeat(100 + text), "</n>".repeat(depth));
        let body = format!("<cwmp:RebootResponse>{inside}{}<b{list}/></cwmp:RebootResponse>", "<s/>".repeat(siblings));
        let read = decode(soap(&body).as_bytes(), &limits);
        let elements = 5 + depth + siblings + 1;
        let over = [
            (3 + depth > 8, ErrorKind::TooDeep),
            (elements > 14, ErrorKind::TooMany),
            (attributes > 5, ErrorKind::TooMany),
            (100 + text > 110, ErrorKind::TooLong),
        ];
        match read {
            Ok(_) => prop_assert!(over.iter().all(|(over, _)| !over), "{:?}", over),
            Err(error) => prop_assert!(over.contains(&(true, error.kind)), "{:?} {:?}", error, over),
        }
    }

    /// What another reader calls ill-formed we do not accept either.
    #[test]
    fn nothing_ill_formed_is_read(envelope in envelope(), changes in vec(change(), 1..3)) {
        let mut bytes = encode(&envelope).into_bytes();
        for change in changes.iter().filter(|change| !matches!(change, Change::Text(..))) {
            apply(&mut bytes, change);
        }
        if let (Ok(text), Ok(_)) = (std::str::from_utf8(&bytes), decode(&bytes, &LIMITS)) {
            let mut reader = quick_xml::NsReader::from_str(text);
            loop {
                match reader.read_event() {
                    Ok(quick_xml::events::Event::Eof) => break,
                    Ok(quick_xml::events::Event::Start(start) | quick_xml::events::Event::Empty(start)) => {
                        prop_assert!(start.attributes().all(|attribute| attribute.is_ok()), "{}", text);
                    }
                    Ok(_) => {}
                    Err(error) => prop_assert!(false, "{}: {}", error, text),
                }
            }
        }
    }

    #[test]
    fn sessions_never_panic(
        answers in vec((prop::sample::select(vec![200u16, 204, 401, 500]), prop::option::of(message()), "[1-4]?"), 1..12),
    ) {
        let mut phone = CpeSession::new(cpe::CpeConfig { requests: vec![transfer("a")], ..config() });
        let mut server = AcsSession::new();
        phone.start();
        for (status, message, id) in answers {
            let envelope = message.map(|m| Envelope { id: (!id.is_empty()).then_some(id), ..Envelope::new(CwmpVersion::V1_0, m) });
            let body = envelope.as_ref().map(encode).unwrap_or_default();
            if let CpeStep::Execute(request) = phone.on_response(status, body.as_bytes()) {
                prop_assert!(request.kind().is_acs_request());
                phone.reply(Fault::of(FaultCode::REQUEST_DENIED));
            }
            if matches!(server.on_message(envelope), AcsInput::Ready) {
                server.request(Message::GetRpcMethods).unwrap();
            }
            let saved = serde_json::to_string(&server).unwrap();
            prop_assert_eq!(&serde_json::from_str::<AcsSession>(&saved).unwrap(), &server);
        }
    }
}
