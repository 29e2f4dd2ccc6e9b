//! The messages: of RFC 4475 those that can be read, what baresip, linphonec and Kamailio said to each other in
//! `tests/interop`, and the tolerance matrix.

/// Name and bytes of every message.
pub fn all() -> Vec<(String, Vec<u8>)> {
    let captured = include_str!("captured.txt").split("=== ").skip(1).map(|entry| entry.split_once('\n').unwrap());
    let torture = TORTURE.iter().map(|(name, text)| (*name, *text));
    let matrix = MATRIX.iter().map(|(name, text)| (*name, *text));
    let crlf = |(name, text): (&str, &str)| (name.to_owned(), text.replace('\n', "\r\n").into_bytes());
    let mut all: Vec<_> = captured.chain(torture).chain(matrix).map(crlf).collect();
    all.push(("bare line feeds".to_owned(), MATRIX[0].1.as_bytes().to_vec()));
    all
}

const TORTURE: [(&str, &str); 7] = [
    (
        "wsinv",
        "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : 150
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.3
s=-
c=IN IP4 192.0.2.4
t=0 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
",
    ),
    (
        "intmeth",
        "!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0
Via: SIP/2.0/UDP host1.example.com;branch=z9hG4bK-.!%66*_+`'~
To: \"BEL:\\\x07 NUL:\\\x01 DEL:\\\x7f\" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>
From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"работающий\";tag=_token~1'+`*%!-.
Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{
CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~
Max-Forwards: 255
extensionHeader-!.%*+_`'~:大停電
Content-Length: 0

",
    ),
    (
        "esc01",
        "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0
To: sip:%75se%72@example.com
From: <sip:I%20have%20spaces@example.net>;tag=938
Max-Forwards: 87
i: esc01.239409asdfakjkn23onasd0-3234
CSeq: 234234 INVITE
Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bKkdjuw
C: application/sdp
Contact:
  <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>
Content-Length: 0

",
    ),
    (
        "dblreq",
        "REGISTER sip:example.com SIP/2.0
To: sip:j.user@example.com
From: sip:j.user@example.com;tag=43251j3j324
Max-Forwards: 8
I: dblreq.0ha0isndaksdj99sdfafnl3lk233412
Contact: sip:j.user@host.example.com
CSeq: 8 REGISTER
Via: SIP/2.0/UDP 192.0.2.125;branch=z9hG4bKkdjuw23492
Content-Length: 0

INVITE sip:joe@example.com SIP/2.0
t: sip:joe@example.com
From: sip:caller@example.net;tag=141334

",
    ),
    (
        "semiuri",
        "OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0
To: sip:j_user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Call-ID: semiuri.0ha0isndaksdj
CSeq: 8 OPTIONS
Accept: application/sdp, application/pkcs7-mime,
        multipart/mixed, multipart/signed,
        message/sip, message/sipfrag
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw
l: 0

",
    ),
    (
        "unreason",
        "SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое
Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923
Call-ID: unreason.1234ksdfak3j2erwedfsASdf
CSeq: 35 INVITE
From: sip:user@example.com;tag=11141343
To: sip:user@example.edu;tag=2229
Content-Length: 0
Contact: <sip:user@host198.example.com>

",
    ),
    (
        "noreason",
        "SIP/2.0 100\x20
Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe
Call-ID: noreason.asndj203insdf99223ndf
CSeq: 35 INVITE
From: <sip:user@example.com>;tag=39ansfi3
To: <sip:user@example.edu>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example.com>

",
    ),
];

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
