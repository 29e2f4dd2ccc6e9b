//! The messages: of RFC 4475 those that can be read, what baresip, linphonec and Kamailio said to each other in
//! `tests/interop`, and the tolerance matrix.

/// Name and bytes of every message.
pub fn all() -> Vec<(String, Vec<u8>)> {
    let captured = include_str!("captured.txt").split("=== ").skip(1).map(|entry| entry.split_once('\n').unwrap());
    let matrix = MATRIX.iter().map(|(name, text)| (*name, *text));
    let crlf =
        |(name, text): (&str, &str)| (name.to_owned(), text.replace('\n', "\r\n").replace('␀', "\0").into_bytes());
    let mut all: Vec<_> = captured.chain(TORTURE.map(torture)).chain(matrix).map(crlf).collect();
    all.push(("bare line feeds".to_owned(), MATRIX[0].1.as_bytes().to_vec()));
    all
}

const TORTURE: [&str; 7] = ["wsinv", "intmeth", "esc01", "dblreq", "semiuri", "unreason", "noreason"];

/// The message RFC 4475 calls `name`: its Call-ID begins with that.
fn torture(name: &'static str) -> (&'static str, &'static str) {
    let mut messages = include_str!("../interop/rfc4475.txt").split("%%\n");
    (name, messages.find(|message| message.contains(&format!(" {name}."))).unwrap())
}

/// What senders in the field write. The first is plain, and serves for what is done to whole messages.
const MATRIX: [(&str, &str); 14] = [
    (
        "plain",
        "INVITE sip:1002@192.0.2.10:5060;transport=udp SIP/2.0
Via: SIP/2.0/UDP 192.0.2.55:5060;branch=z9hG4bK1;rport=5066;received=203.0.113.9
From: \"Room 1001\" <sip:1001@hotel.example>;tag=a
To: Reception <sip:1002@hotel.example>
Call-ID: plain@192.0.2.55
CSeq: 1 INVITE
Contact: <sip:1001@192.0.2.55:5060;transport=udp>
Route: <sip:192.0.2.10;lr>
Content-Length: 0

",
    ),
    (
        "several contacts",
        "SIP/2.0 200 OK
Contact: <sip:a@192.0.2.1:5060>;expires=60, <sip:b@192.0.2.2>;expires=30

",
    ),
    ("contact with an instance", "SIP/2.0 200 OK\nContact: <sip:a@192.0.2.1>;+sip.instance=\"<urn:uuid:0>\"\n\n"),
    ("tel URI", "SIP/2.0 200 OK\nFrom: <tel:+358-555-1234567>;tag=1\nContact: <tel:+358-555-1234567>\n\n"),
    ("all contacts", "REGISTER sip:h.example SIP/2.0\nContact: *\nExpires: 0\n\n"),
    ("folded", "OPTIONS sip:h.example SIP/2.0\nCall-ID: 1\nSubject: one\n two\n\n"),
    ("IPv6", "OPTIONS sip:[2001:db8::1]:5070 SIP/2.0\nVia: SIP/2.0/UDP [2001:db8::9]:5062;branch=z9hG4bK1\n\n"),
    (
        "compact names",
        "SIP/2.0 200 OK\nv: SIP/2.0/UDP h.example;branch=z9hG4bK1\nf: <sip:a@h.example>;tag=1\nt: <sip:b@h.example>;tag=2\n\
         i: 2@h\nm: <sip:a@h.example>\nl: 0\n\n",
    ),
    ("blanks in Via", "OPTIONS sip:h.example SIP/2.0\nVia: SIP / 2.0 / UDP 192.0.2.1:5060;branch=z9hG4bK1\n\n"),
    ("dot in the user", "SIP/2.0 200 OK\nFrom: <sip:front.desk@h.example>;tag=1\nTo: <sip:1001@h.example>\n\n"),
    ("unknown method", "JUMP sip:h.example SIP/2.0\nCSeq: 1 JUMP\nCall-ID: 3\n\n"),
    ("line breaks before", "\n\nOPTIONS sip:h.example SIP/2.0\nCall-ID: 4\n\n"),
    ("escapes in a display name", "SIP/2.0 200 OK\nFrom: \"a \\\"b\\\" c\" <sip:a@h.example>;tag=1\n\n"),
    ("UTF-8 in a display name", "SIP/2.0 200 OK\nFrom: \"Zimmer Süd 大\" <sip:a@h.example>;tag=1\n\n"),
];
