//! A DNS server of a few lines (RFC 1035 §4), on a socket of its own.
#![allow(clippy::unwrap_used)]

use std::net::Ipv4Addr;
use std::time::Instant;

use tokio::net::UdpSocket;

use super::*;

fn name(text: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        wire.push(u8::try_from(label.len()).unwrap());
        wire.extend_from_slice(label.as_bytes());
    }
    wire.push(0);
    wire
}

fn answer(owner: &str, kind: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let mut wire = name(owner);
    wire.extend(kind.to_be_bytes());
    wire.extend(1u16.to_be_bytes());
    wire.extend(ttl.to_be_bytes());
    wire.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    wire.extend_from_slice(data);
    wire
}

fn numbers(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn string(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

type Wire = Vec<Vec<u8>>;

/// Code, answers and authorities for a name; `None` stays silent.
fn zone(asked: &str, kind: u16) -> Option<(u8, Wire, Wire)> {
    let soa = || {
        let times: Vec<u8> = [1u32, 2, 3, 4, 90].into_iter().flat_map(u32::to_be_bytes).collect();
        answer("example", 6, 300, &[name("ns.example"), name("admin.example"), times].concat())
    };
    Some(match (asked, kind) {
        ("pbx.example", 1) => (
            0,
            vec![
                answer("pbx.example", 5, 20, &name("real.example")),
                answer("real.example", 1, 60, &[192, 0, 2, 7]),
                answer("real.example", 1, 50, &[192, 0, 2, 8]),
            ],
            vec![],
        ),
        ("pbx.example", 28) => (0, vec![], vec![soa()]),
        ("_sips._tcp.example", 33) => {
            let srv = |priority, target: &str| [numbers(&[priority, 5, 5061]), name(target)].concat();
            let owner = "_sips._tcp.example";
            (0, vec![answer(owner, 33, 70, &srv(10, "PBX.example")), answer(owner, 33, 80, &srv(20, "."))], vec![])
        }
        ("example", 35) => {
            let replacement = name("_sips._tcp.example");
            let data = [numbers(&[50, 60]), string("s"), string("SIPS+D2T"), string(""), replacement].concat();
            (0, vec![answer("example", 35, 100, &data)], vec![])
        }
        ("here.example", 1) => (0, vec![answer("here.example", 1, 60, &[127, 0, 0, 1])], vec![]),
        ("broken.example", _) => (2, vec![], vec![]),
        ("silent.example", _) => return None,
        _ => (3, vec![], vec![soa()]),
    })
}

async fn server() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        loop {
            let (_, from) = socket.recv_from(&mut buffer).await.unwrap();
            let (mut labels, mut at) = (Vec::new(), 12);
            while buffer[at] != 0 {
                let end = at + 1 + usize::from(buffer[at]);
                labels.push(String::from_utf8_lossy(&buffer[at + 1..end]).to_ascii_lowercase());
                at = end;
            }
            let kind = u16::from_be_bytes([buffer[at + 1], buffer[at + 2]]);
            let question = buffer[12..at + 5].to_vec();
            let Some((code, answers, authorities)) = zone(&labels.join("."), kind) else { continue };
            let counts = [1, answers.len(), authorities.len(), 0].map(|count| u16::try_from(count).unwrap());
            let head = [&buffer[..2], &[0x85, 0x80 | code], &numbers(&counts)].concat();
            let reply = [head, question, answers.concat(), authorities.concat()].concat();
            socket.send_to(&reply, from).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn addresses_come_through_an_alias_with_the_least_time() {
    let servers = [server().await];
    let found = lookup(&servers, &Query::A("pbx.example".to_owned())).await.unwrap();
    let address = |last| Record::Address([192, 0, 2, last].into());
    assert_eq!(found, Records { ttl: Duration::from_secs(20), records: vec![address(7), address(8)] });
}

#[tokio::test]
async fn services_and_where_to_look_for_them() {
    let servers = [server().await];
    let found = lookup(&servers, &Query::Srv("_sips._tcp.example".to_owned())).await.unwrap();
    let srv = |priority, target: &str| Record::Srv(Srv { priority, weight: 5, port: 5061, target: target.to_owned() });
    assert_eq!(found, Records { ttl: Duration::from_secs(70), records: vec![srv(10, "pbx.example"), srv(20, ".")] });
    let found = lookup(&servers, &Query::Naptr("example".to_owned())).await.unwrap();
    let naptr = Record::Naptr(Naptr {
        order: 50,
        preference: 60,
        flags: "s".to_owned(),
        service: "SIPS+D2T".to_owned(),
        replacement: "_sips._tcp.example".to_owned(),
    });
    assert_eq!(found, Records { ttl: Duration::from_secs(100), records: vec![naptr] });
}

#[tokio::test]
async fn what_is_not_there_is_no_failure() {
    let servers = [server().await];
    for query in [Query::A("nobody.example".to_owned()), Query::Aaaa("pbx.example".to_owned())] {
        // The lesser of the SOA's own time and its minimum (RFC 2308 §5).
        let expected = Records { ttl: Duration::from_secs(90), records: Vec::new() };
        assert_eq!(lookup(&servers, &query).await, Ok(expected), "{query:?}");
    }
    for nonsense in ["a..b".to_owned(), "x".repeat(300)] {
        assert_eq!(lookup(&servers, &Query::A(nonsense)).await, Ok(Records::default()));
    }
}

#[tokio::test]
async fn a_server_that_fails_is_a_failure() {
    let servers = [server().await];
    assert_eq!(lookup(&servers, &Query::A("broken.example".to_owned())).await, Err(DnsFailure));
}

#[tokio::test]
async fn silence_is_a_failure_within_the_time() {
    let servers = [server().await];
    let start = Instant::now();
    assert_eq!(lookup(&servers, &Query::A("silent.example".to_owned())).await, Err(DnsFailure));
    assert!(start.elapsed() < ANSWER_WAIT + Duration::from_secs(1));
}

#[tokio::test]
async fn this_machine_is_known_without_asking() {
    // Nobody listens there.
    let servers = [SocketAddr::from(([127, 0, 0, 1], 9))];
    let found = lookup(&servers, &Query::A("localhost".to_owned())).await.unwrap();
    assert_eq!(found.records, [Record::Address(Ipv4Addr::LOCALHOST.into())]);
}

#[tokio::test]
async fn a_phone_asks_the_servers_it_is_given() {
    let registrar = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let mut config = crate::PhoneConfig::new("GHP620", "1", [1, 2, 3, 4, 5, 6]);
    config.accounts = vec![crate::AccountSettings {
        enabled: true,
        servers: crate::settings::servers::ServerSettings::at(&format!(
            "here.example:{}",
            registrar.local_addr().unwrap().port()
        )),
        user: "7".to_owned(),
        local_port: 0,
        ..Default::default()
    }];
    let options = crate::IoOptions { dns: vec![server().await], ..Default::default() };
    let (_phone, _events) = crate::spawn(config, options).unwrap();
    let mut buffer = [0; 8];
    timeout(ANSWER_WAIT, registrar.recv_from(&mut buffer)).await.unwrap().unwrap();
    assert_eq!(&buffer, b"REGISTER");
}
