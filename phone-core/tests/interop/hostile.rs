//! Messages nobody should send, and SIPVicious, while a call is up.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use phone_core::PhoneEvent;
use phone_core::rng::Rng;
use phone_core::sip::call::CallId;
use rustls::pki_types::{CertificateDer, pem::PemObject};

use crate::ours::Ours;
use crate::peers::{self, Kamailio, Sipp};
use crate::{PROXY, USERS, enter};

static PANICS: AtomicUsize = AtomicUsize::new(0);
/// On each transport.
const MUTATED: usize = 10_000;

fn count_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        usual(info);
    }));
}

/// Ours in a call with another of ours, over the proxy.
struct InCall {
    _proxy: Kamailio,
    phone: Ours,
    other: Ours,
    call: CallId,
    theirs: CallId,
}

impl InCall {
    fn start(settings: &[(&str, &str)]) -> Self {
        count_panics();
        let proxy = Kamailio::start(PROXY, &["WITH_PROXY_AUTH"], &USERS);
        let mut phone = Ours::registered("1001", PROXY, 5110, settings);
        let mut other = Ours::registered("1002", PROXY, 5120, &[]);
        let call = phone.dial("1002");
        let theirs = other.answer();
        phone.wait_up(call);
        Self { _proxy: proxy, phone, other, call, theirs }
    }

    /// The call is as it was, goes through hold and resume, and ends as it should; the phone answers.
    fn finish(mut self, transport: &str) {
        assert_eq!(PANICS.load(Ordering::SeqCst), 0, "panics");
        let untouched = self.phone.wait_up(self.call);
        assert!(!untouched.held && !untouched.held_by_them, "{untouched:?}");
        self.phone.hold(self.call);
        self.other.wait_held(self.theirs, false, true);
        self.phone.resume(self.call);
        self.other.wait_held(self.theirs, false, false);
        let options = ["-s", "1001", "-t", if transport == "udp" { "u1" } else { "t1" }];
        if transport != "tls" {
            Sipp::uac("uac_options", "127.0.0.31:5060", "127.0.0.1:5110", &options).finish();
        }
        self.other.hang_up(self.theirs);
        self.phone.wait_ended(self.call);
        assert_eq!(PANICS.load(Ordering::SeqCst), 0, "panics");
    }
}

/// Requests and responses that come close to the phone's: they name its user, its address, its methods.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = torture();
    let body = "v=0\r\no=a 1 1 IN IP4 127.0.0.66\r\ns=-\r\nc=IN IP4 127.0.0.66\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n\
                a=rtpmap:101 telephone-event/8000\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n";
    let more = [
        (
            "INVITE",
            "Content-Type: application/sdp\r\nSession-Expires: 90;refresher=uac\r\nSupported: timer, 100rel\r\n",
            body,
        ),
        ("INVITE", "Replaces: a;to-tag=b;from-tag=c\r\nRequire: replaces\r\n", ""),
        ("ACK", "", ""),
        ("BYE", "", ""),
        ("CANCEL", "", ""),
        ("OPTIONS", "Accept: application/sdp\r\n", ""),
        ("REFER", "Refer-To: <sip:9@127.0.0.66?Replaces=a%3Bto-tag%3Db>\r\nReferred-By: <sip:x@y>\r\n", ""),
        ("NOTIFY", "Event: message-summary\r\nSubscription-State: active;expires=5\r\n", "Messages-Waiting: yes\r\n"),
        (
            "NOTIFY",
            "Event: refer;id=1\r\nSubscription-State: terminated\r\nContent-Type: message/sipfrag\r\n",
            "SIP/2.0 200 OK\r\n",
        ),
        ("INFO", "Content-Type: application/dtmf-relay\r\n", "Signal=5\r\nDuration=160\r\n"),
        ("PRACK", "RAck: 1 1 INVITE\r\n", ""),
        ("UPDATE", "Content-Type: application/sdp\r\n", body),
        ("SUBSCRIBE", "Event: dialog\r\n", ""),
        ("MESSAGE", "Content-Type: text/plain\r\n", "hello"),
    ];
    for (method, headers, body) in more {
        let text = format!(
            "{method} sip:1001@127.0.0.1:5110 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.66:5060;branch=z9hG4bKseed;rport\r\n\
             Max-Forwards: 70\r\nFrom: \"Nobody\" <sip:nobody@127.0.0.66>;tag=f\r\nTo: <sip:1001@127.0.0.1>\r\n\
             Call-ID: seed-{method}\r\nCSeq: 1 {method}\r\nContact: <sip:nobody@127.0.0.66:5060>\r\n{headers}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        seeds.push(text.into_bytes());
    }
    let response = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:5110;branch=z9hG4bK1\r\nFrom: <sip:1001@127.0.0.2>;tag=a\r\n\
                    To: <sip:1001@127.0.0.2>;tag=b\r\nCall-ID: x\r\nCSeq: 1 REGISTER\r\nContact: <sip:1001@127.0.0.1:5110>;expires=60\r\n\
                    WWW-Authenticate: Digest realm=\"x\", nonce=\"y\", algorithm=SHA-256, qop=\"auth\"\r\nContent-Length: 0\r\n\r\n";
    seeds.push(response.as_bytes().to_vec());
    seeds
}

/// The messages of RFC 4475, as far as `rfc4475/` has them, split at lines of `%%`.
fn torture() -> Vec<Vec<u8>> {
    let text = include_str!("rfc4475.txt");
    let messages = text.split("%%\n").filter(|message| !message.trim().is_empty());
    messages.map(|message| message.replace('\n', "\r\n").replace('␀', "\0").into_bytes()).collect()
}

fn mutated(rng: &mut Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let pick = |rng: &mut Rng, most: usize| (rng.next_u64() % most.max(1) as u64) as usize;
    let mut bytes = seeds[pick(rng, seeds.len())].clone();
    // Each its own transaction, or else they would all be copies.
    let branch = format!("z9hG4bK{}", rng.token());
    if let Some(at) = bytes.windows(11).position(|window| window == b"z9hG4bKseed") {
        bytes.splice(at..at + 11, branch.into_bytes());
    }
    for _ in 0..=pick(rng, 6) {
        if bytes.is_empty() {
            bytes.push(b'A');
        }
        let at = pick(rng, bytes.len());
        match pick(rng, 7) {
            0 => bytes[at] = rng.next_u64() as u8,
            1 => bytes.insert(at, rng.next_u64() as u8),
            2 => drop(bytes.remove(at)),
            3 => bytes.truncate(at + 1),
            4 => {
                let end = (at + pick(rng, 60)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            5 => drop(bytes.splice(at..at, b"\r\n".iter().copied())),
            _ => drop(bytes.splice(at..at, b"4294967296999".iter().copied())),
        }
    }
    bytes
}

fn all(seed: u64) -> impl Iterator<Item = Vec<u8>> {
    let seeds = seeds();
    let mut rng = Rng::seeded(seed.into(), 1);
    let mut left = MUTATED;
    seeds.clone().into_iter().chain(std::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        Some(mutated(&mut rng, &seeds))
    }))
}

/// Bytes that wait in the socket at 127.0.0.1:5110, and datagrams it has lost.
fn phone_socket() -> (u64, u64) {
    let sockets = std::fs::read_to_string("/proc/net/udp").unwrap();
    let ours = sockets.lines().find(|line| line.contains(" 0100007F:13F6 ")).expect("the phone's socket");
    let fields: Vec<&str> = ours.split_whitespace().collect();
    let waiting = fields[4].split(':').nth(1).unwrap();
    (u64::from_str_radix(waiting, 16).unwrap(), fields.last().unwrap().parse().unwrap())
}

#[test]
fn broken_messages_over_udp() {
    enter!("broken_messages_over_udp", ["kamailio", "sipp"]);
    let call = InCall::start(&[]);
    // From many addresses, or most would not be looked at: an address may send so many a second.
    let senders: Vec<UdpSocket> =
        (1..=200).map(|last| UdpSocket::bind(format!("127.0.66.{last}:0")).unwrap()).collect();
    for (number, bytes) in all(1).enumerate() {
        let _ = senders[number % senders.len()].send_to(&bytes, "127.0.0.1:5110");
        // No faster than it reads, or the kernel throws away what is to be tried.
        while number % 16 == 0 && phone_socket().0 > 16_384 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    while phone_socket().0 > 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(phone_socket().1, 0, "all were looked at");
    call.finish("udp");
}

/// Sends all over streams; begins another whenever the phone has had enough.
fn over_streams<S: Read + Write>(seed: u64, mut open: impl FnMut(u8) -> Option<S>) -> usize {
    let (mut number, mut opened, mut stream) = (0_u8, 0, None);
    for bytes in all(seed) {
        for _ in 0..3 {
            if stream.is_none() {
                number = number % 200 + 1;
                stream = open(number);
                opened += usize::from(stream.is_some());
            }
            let sent =
                stream.as_mut().is_some_and(|stream| stream.write_all(&bytes).and_then(|()| stream.flush()).is_ok());
            if sent {
                break;
            }
            stream = None;
        }
        if opened > 0 && bytes.len() % 97 == 0 {
            // Now and then somebody hangs up in the middle.
            stream = None;
        }
    }
    opened
}

fn tcp(last: u8, to: &str) -> Option<TcpStream> {
    use socket2::{Domain, Socket, Type};
    let address = |text: String| text.parse::<std::net::SocketAddr>().unwrap().into();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&address(format!("127.0.66.{last}:0"))).unwrap();
    socket.connect(&address(to.to_owned())).ok()?;
    let stream: TcpStream = socket.into();
    stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    Some(stream)
}

#[test]
fn broken_messages_over_tcp() {
    enter!("broken_messages_over_tcp", ["kamailio", "sipp"]);
    let call = InCall::start(&[("sip.listeningmode", "dual")]);
    let opened = over_streams(2, |last| tcp(last, "127.0.0.1:5110"));
    assert!(opened > 10, "{opened} connections");
    std::thread::sleep(Duration::from_millis(500));
    call.finish("tcp");
}

#[test]
fn broken_messages_over_tls() {
    enter!("broken_messages_over_tls", ["kamailio"]);
    let folder = peers::certificates();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let (certificate, key) = (read("server.crt"), read("server.key"));
    let settings = [
        ("sip.listeningmode", "dual_secured"),
        ("security.certificate", certificate.as_str()),
        ("security.key", key.as_str()),
    ];
    let call = InCall::start(&settings);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(read("ca.crt").as_bytes()).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    let opened = over_streams(3, |last| {
        let mut socket = tcp(last, "127.0.0.1:5111")?;
        let mut tls = rustls::ClientConnection::new(config.clone(), "hotel.test".try_into().unwrap()).unwrap();
        tls.complete_io(&mut socket).ok()?;
        Some(rustls::StreamOwned::new(tls, socket))
    });
    assert!(opened > 10, "{opened} connections");
    std::thread::sleep(Duration::from_millis(500));
    call.finish("tls");
}

fn sipvicious(program: &str, arguments: &[&str]) -> String {
    let output = Command::new("timeout").arg("60").arg(program).args(arguments).output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Status and header names of what a stranger is answered who asks for a user by a method.
fn answered(method: &str, user: &str) -> String {
    let socket = UdpSocket::bind("127.0.67.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let (from, branch) = (socket.local_addr().unwrap(), format!("z9hG4bK{method}{user}"));
    let request = format!(
        "{method} sip:{user}@127.0.0.1:5110 SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch={branch}\r\nMax-Forwards: 70\r\n\
         From: <sip:{user}@127.0.0.1>;tag=f\r\nTo: <sip:{user}@127.0.0.1>\r\nCall-ID: {method}{user}\r\n\
         CSeq: 1 {method}\r\nContact: <sip:x@{from}>\r\nEvent: dialog\r\nRefer-To: <sip:9@127.0.0.66>\r\n\
         Content-Length: 0\r\n\r\n"
    );
    socket.send_to(request.as_bytes(), "127.0.0.1:5110").unwrap();
    let mut buffer = [0; 4096];
    loop {
        let Ok(length) = socket.recv(&mut buffer) else { return "nothing".to_owned() };
        let answer = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if !answer.starts_with("SIP/2.0 1") {
            let mut lines = answer.lines();
            let status = lines.next().unwrap_or_default().to_owned();
            return lines
                .filter_map(|line| line.split_once(':'))
                .fold(status, |all, (name, _)| format!("{all} {name}"));
        }
    }
}

/// Who asks with INVITE, REGISTER or OPTIONS for numbers and passwords learns nothing of them.
#[test]
fn sipvicious_learns_nothing() {
    enter!("sipvicious_learns_nothing", ["kamailio", "sipp", "svmap", "svwar", "svcrack"]);
    let call = InCall::start(&[("sip.authenticateincominginvite", "yes")]);
    // That there is a phone is no secret: it answers OPTIONS.
    let map = sipvicious("svmap", &["-p", "5110", "-P", "6001", "127.0.0.1"]);
    assert!(map.contains("127.0.0.1:5110"), "{map}");
    for (method, port) in [("REGISTER", "6011"), ("INVITE", "6012"), ("OPTIONS", "6013")] {
        let arguments = ["-e999-1010", "-m", method, "-p", "5110", "-P", port, "--force", "127.0.0.1"];
        let found = sipvicious("svwar", &arguments);
        let told: Vec<&str> =
            found.lines().filter(|line| line.starts_with("| ") && !line.contains("Extension")).collect();
        // All alike: 1001, which is there, shows no more than its neighbours.
        let kinds: std::collections::BTreeSet<&str> =
            told.iter().filter_map(|line| line.split('|').nth(2)).map(str::trim).collect();
        let ours = told.iter().any(|line| line.contains("1001"));
        assert!(kinds.len() <= 1 && (told.is_empty() || told.len() > 1 || !ours), "{method}: {found}");
    }
    let cracked = sipvicious("svcrack", &["-u1001", "-r1000-1100", "-p", "5110", "-P", "6021", "127.0.0.1"]);
    assert!(!cracked.contains("| 1001"), "{cracked}");
    for method in
        ["INVITE", "OPTIONS", "REGISTER", "SUBSCRIBE", "NOTIFY", "REFER", "MESSAGE", "INFO", "BYE", "FROBNICATE"]
    {
        assert_eq!(answered(method, "1001"), answered(method, "1000"), "{method}: who is there is not told");
        assert_ne!(answered(method, "1002"), "nothing", "{method}");
    }
    let mut call = call;
    let rang = call.phone.drain();
    assert!(!rang.iter().any(|event| matches!(event, PhoneEvent::IncomingCall(_))), "nobody is woken: {rang:?}");
    // Its rate is bounded until it has been quiet for a moment.
    std::thread::sleep(Duration::from_secs(3));
    call.finish("udp");
}
