//! Both sides of SIP PnP against each other, in virtual time, over a network that loses, repeats, delays and lies.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;
use provisioning::pnp::client::{About, End, Ids};
use provisioning::pnp::server::{Limits, Refused, SessionId};
use provisioning::pnp::{Client, Forms, Server, Time, client, group, server};

const GRP2612W: &str = "SUBSCRIBE sip:MAC%3AC074AD112233@224.0.1.75 SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.168.1.2:5080;branch=z9hG4bK1611133778;rport\r\n\
    From: <sip:MAC%3AC074AD112233@224.0.1.75>;tag=395400190\r\n\
    To: <sip:MAC%3AC074AD112233@224.0.1.75>\r\n\
    Call-ID: 490431573-5080-1@BJC.BGI.B.C\r\n\
    CSeq: 20000 SUBSCRIBE\r\n\
    Contact: <sip:192.168.1.2:5080>\r\n\
    Max-Forwards: 70\r\n\
    User-Agent: Grandstream GRP2612W 1.0.5.67\r\n\
    Expires: 0\r\n\
    Supported: replaces, path\r\n\
    Event: ua-profile;profile-type=\"device\";vendor=\"Grandstream\";model=\"GRP2612W\";version=\"1.0.5.67\"\r\n\
    Accept: application/url\r\n\
    Content-Length: 0\r\n\r\n";

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn phone() -> SocketAddr {
    at("192.168.1.2:5080")
}

fn new_server(limits: Limits) -> Server {
    Server::new(at("192.168.1.1:40000"), "Bellhop/0.1", [7; 16], limits)
}

/// The id of the phone that asks, which has to be the only output.
fn asked(outputs: &[server::Output]) -> SessionId {
    match outputs {
        [server::Output::Asked { id, .. }] => *id,
        other => panic!("{other:?}"),
    }
}

fn sent(outputs: &[server::Output]) -> Vec<(SocketAddr, String)> {
    outputs
        .iter()
        .filter_map(|output| match output {
            server::Output::Send { to, packet } => Some((*to, String::from_utf8(packet.clone()).unwrap())),
            _ => None,
        })
        .collect()
}

fn response_to(notify: &str, status: &str) -> String {
    let header = |name: &str| notify.lines().find(|line| line.starts_with(name)).unwrap();
    let lines = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].map(header);
    format!("SIP/2.0 {status}\r\n{}\r\nContent-Length: 0\r\n\r\n", lines.join("\r\n"))
}

#[test]
fn a_packet_as_a_real_phone_sends_it_is_answered_200_and_told_a_folder() {
    let mut server = new_server(Limits::default());
    let outputs = server.on_packet(Time::ZERO, phone(), GRP2612W.as_bytes()).unwrap();
    let [server::Output::Asked { id, asker, from }] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!((asker.mac.compact().as_str(), asker.model.as_str(), *from), ("c074ad112233", "GRP2612W", phone()));
    let url = Forms::default().url("http://192.168.1.1:8080/p/x", asker).unwrap();
    let told = sent(&server.decide(Time::ZERO, *id, Some(&url)));
    let [(to, ok), (notify_to, notify)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((*to, *notify_to), (phone(), phone()));
    let tag = ok.lines().find_map(|line| line.strip_prefix("To: <sip:MAC%3AC074AD112233@224.0.1.75>;tag=")).unwrap();
    assert_eq!(
        ok,
        &format!(
            "SIP/2.0 200 OK\r\n\
             Via: SIP/2.0/UDP 192.168.1.2:5080;branch=z9hG4bK1611133778;rport\r\n\
             From: <sip:MAC%3AC074AD112233@224.0.1.75>;tag=395400190\r\n\
             To: <sip:MAC%3AC074AD112233@224.0.1.75>;tag={tag}\r\n\
             Call-ID: 490431573-5080-1@BJC.BGI.B.C\r\n\
             CSeq: 20000 SUBSCRIBE\r\n\
             Contact: <sip:192.168.1.1:40000>\r\n\
             Expires: 0\r\n\
             Server: Bellhop/0.1\r\n\
             Content-Length: 0\r\n\r\n"
        )
    );
    assert_eq!(
        notify,
        &format!(
            "NOTIFY sip:192.168.1.2:5080 SIP/2.0\r\n\
             Via: SIP/2.0/UDP 192.168.1.1:40000;branch=z9hG4bK{tag}1;rport\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:MAC%3AC074AD112233@224.0.1.75>;tag={tag}\r\n\
             To: <sip:MAC%3AC074AD112233@224.0.1.75>;tag=395400190\r\n\
             Call-ID: 490431573-5080-1@BJC.BGI.B.C\r\n\
             CSeq: 1 NOTIFY\r\n\
             Contact: <sip:192.168.1.1:40000>\r\n\
             Event: ua-profile\r\n\
             Subscription-State: terminated;reason=timeout\r\n\
             Content-Type: application/url\r\n\
             Content-Length: 28\r\n\r\nhttp://192.168.1.1:8080/p/x/"
        )
    );
    let ok = response_to(notify, "200 OK");
    let done = server.on_packet(Time::from_secs(1), phone(), ok.as_bytes()).unwrap();
    assert_eq!(done, [server::Output::Acknowledged { id: *id }]);
    assert!(sent(&server.on_time(Time::from_secs(20))).is_empty(), "nothing goes out after the 200");
}

#[test]
fn a_notify_is_sent_again_until_the_200_and_given_up_after_32_seconds() {
    let mut server = new_server(Limits::default());
    let id = asked(&server.on_packet(Time::ZERO, phone(), GRP2612W.as_bytes()).unwrap());
    assert_eq!(sent(&server.decide(Time::ZERO, id, Some("http://h/"))).len(), 2);
    let (mut times, mut failed) = (vec![], None);
    while failed.is_none() {
        let now = server.next_time().unwrap();
        for output in server.on_time(now) {
            match output {
                server::Output::Send { .. } => times.push(now.as_millis()),
                server::Output::Failed { status: None, .. } => failed = Some(now.as_secs()),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(times, [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    assert_eq!(failed, Some(32));
    // Then the subscription is forgotten, and the memory is free again.
    server.on_time(Time::from_secs(65));
    assert_eq!((server.sessions(), server.next_time()), (0, None));
}

#[test]
fn who_is_not_served_hears_nothing_and_is_decided_once() {
    let mut server = new_server(Limits::default());
    let id = asked(&server.on_packet(Time::ZERO, phone(), GRP2612W.as_bytes()).unwrap());
    assert_eq!(server.on_packet(Time::ZERO, phone(), GRP2612W.as_bytes()), Ok(vec![]), "asked, not decided yet");
    assert_eq!(server.decide(Time::ZERO, id, None), []);
    assert_eq!(server.on_packet(Time::from_secs(1), phone(), GRP2612W.as_bytes()), Ok(vec![]));
    assert_eq!(server.decide(Time::ZERO, id, Some("http://late/")), []);
}

#[test]
fn what_could_not_be_decided_is_asked_again_by_the_next_repetition() {
    let mut server = new_server(Limits::default());
    let id = asked(&server.on_packet(Time::ZERO, phone(), GRP2612W.as_bytes()).unwrap());
    server.undecided(id);
    assert_eq!(server.decide(Time::ZERO, id, Some("http://late/")), []);
    let id = asked(&server.on_packet(Time::from_millis(500), phone(), GRP2612W.as_bytes()).unwrap());
    server.decide(Time::from_millis(500), id, Some("http://h/"));
    server.undecided(id);
    assert_eq!(server.sessions(), 1, "decided is decided");
}

#[test]
fn a_question_sent_again_gets_the_200_again_and_no_second_notify() {
    let mut server = new_server(Limits::default());
    let id = asked(&server.on_packet(Time::ZERO, phone(), GRP2612W.as_bytes()).unwrap());
    let first = sent(&server.decide(Time::ZERO, id, Some("http://h/")));
    let again = sent(&server.on_packet(Time::from_millis(500), phone(), GRP2612W.as_bytes()).unwrap());
    assert_eq!(again, first[..1]);
}

#[test]
fn answers_go_to_the_host_that_asked_whatever_it_writes() {
    let mut server = new_server(Limits::default());
    let victim = GRP2612W.replace("Contact: <sip:192.168.1.2:5080>", "Contact: <sip:203.0.113.9:53>");
    let liar = at("192.168.1.66:6000");
    let id = asked(&server.on_packet(Time::ZERO, liar, victim.as_bytes()).unwrap());
    for (to, text) in sent(&server.decide(Time::ZERO, id, Some("http://h/"))) {
        assert_eq!(to, liar, "{text}");
        assert!(!text.starts_with("NOTIFY sip:203"), "{text}");
    }
    // Without rport the answer goes to the port of the Via, at the same host.
    let plain = GRP2612W.replace(";rport", "").replace("490431573", "1");
    let id = asked(&server.on_packet(Time::ZERO, at("192.168.1.2:9999"), plain.as_bytes()).unwrap());
    assert_eq!(sent(&server.decide(Time::ZERO, id, Some("http://h/")))[0].0, phone());
    // Nobody else's 200 ends the NOTIFY.
    let notify = sent(&server.on_time(Time::from_millis(500))).remove(0).1;
    let forged = response_to(&notify, "200 OK");
    assert_eq!(server.on_packet(Time::from_millis(600), at("192.168.1.99:1"), forged.as_bytes()), Ok(vec![]));
}

#[test]
fn a_phone_can_be_told_again_and_may_refuse() {
    let mut server = new_server(Limits { keep: Duration::from_secs(86_400), ..Limits::default() });
    let id = asked(&server.on_packet(Time::ZERO, phone(), GRP2612W.as_bytes()).unwrap());
    assert!(!server.tell(Time::ZERO, id, "http://h/").0, "nobody decided yet");
    let notify = sent(&server.decide(Time::ZERO, id, Some("http://h/"))).remove(1).1;
    server.on_packet(Time::ZERO, phone(), response_to(&notify, "200 OK").as_bytes()).unwrap();
    let later = Time::from_secs(3600);
    server.on_time(later);
    let (known, outputs) = server.tell(later, id, "http://h/2/");
    let again = sent(&outputs).remove(0).1;
    assert!(known && again.contains("CSeq: 2 NOTIFY") && again.ends_with("http://h/2/"), "{again}");
    let refused = response_to(&again, "481 Gone");
    let outputs = server.on_packet(later, phone(), refused.as_bytes()).unwrap();
    assert_eq!(outputs, [server::Output::Failed { id, status: Some(481) }]);
    assert!(!server.tell(later, id, "http://h/").0, "it does not listen any more");
}

#[test]
fn a_phone_that_was_told_nothing_can_be_told_later() {
    let mut server = new_server(Limits { keep: Duration::from_secs(86_400), ..Limits::default() });
    let id = asked(&server.on_packet(Time::ZERO, phone(), GRP2612W.as_bytes()).unwrap());
    assert_eq!(server.decide(Time::ZERO, id, None), []);
    let later = Time::from_secs(3600);
    server.on_time(later);
    let (known, outputs) = server.tell(later, id, "http://h/");
    let sent = sent(&outputs);
    assert!(known && sent[0].1.starts_with("SIP/2.0 200 OK") && sent[1].1.ends_with("http://h/"), "{sent:?}");
    let outputs = server.on_packet(later, phone(), response_to(&sent[1].1, "200 OK").as_bytes()).unwrap();
    assert_eq!(outputs, [server::Output::Acknowledged { id }]);
}

#[test]
fn phones_that_were_decided_make_room_for_others_at_their_address() {
    let mut server = new_server(Limits { per_source: 2, keep: Duration::from_secs(86_400), ..Limits::default() });
    let one_of = |n: u32| GRP2612W.replace("490431573", &n.to_string()).replace("112233", &format!("11{n:04x}"));
    for n in 0..5 {
        let id = asked(&server.on_packet(Time::from_secs(n.into()), phone(), one_of(n).as_bytes()).unwrap());
        server.decide(Time::from_secs(n.into()), id, (n % 2 == 0).then_some("http://h/"));
        server.on_time(Time::from_secs(40 * (u64::from(n) + 1)));
    }
    assert_eq!(server.sessions(), 2);
}

#[test]
fn floods_cost_a_bounded_memory_and_others_are_still_heard() {
    let limits = Limits { sessions: 8, per_source: 2, packets_per_source: 5, packets: 1000, ..Limits::default() };
    let mut server = new_server(limits);
    let flood = |n: u32| GRP2612W.replace("490431573", &n.to_string()).replace("112233", &format!("11{n:04x}"));
    let one = at("192.168.1.66:6000");
    let outcomes: Vec<_> = (0..8).map(|n| server.on_packet(Time::ZERO, one, flood(n).as_bytes()).err()).collect();
    let (full, many) = (Some(Refused::Full), Some(Refused::TooMany));
    assert_eq!(outcomes, [None, None, full.clone(), full.clone(), full, many.clone(), many.clone(), many]);
    asked(&server.on_packet(Time::ZERO, phone(), GRP2612W.as_bytes()).unwrap());
    for host in 1..200 {
        let from = at(&format!("10.0.0.{host}:1"));
        let _ = server.on_packet(Time::ZERO, from, flood(host).as_bytes());
    }
    assert_eq!(server.sessions(), 8);
    server.on_time(Time::from_secs(33));
    assert_eq!(server.sessions(), 0);
    asked(&server.on_packet(Time::from_secs(33), one, flood(1).as_bytes()).unwrap());
}

#[test]
fn one_address_does_not_use_up_what_all_may_send() {
    let mut server = new_server(Limits { packets: 100, ..Limits::default() });
    for _ in 0..1000 {
        assert!(server.on_packet(Time::ZERO, at("192.168.1.66:6000"), b"any bytes").is_err());
    }
    asked(&server.on_packet(Time::ZERO, phone(), GRP2612W.as_bytes()).unwrap());
}

/// What becomes of one packet: how often it arrives, and when.
#[derive(Debug, Clone)]
struct Fate {
    copies: u8,
    delay_ms: u16,
    flip: Option<(u16, u8)>,
}

fn fate() -> impl Strategy<Value = Fate> {
    let copies = prop_oneof![3 => Just(1u8), 2 => Just(0u8), 1 => Just(2u8)];
    let flip = proptest::option::weighted(0.1, (any::<u16>(), any::<u8>()));
    (copies, 0u16..900, flip).prop_map(|(copies, delay_ms, flip)| Fate { copies, delay_ms, flip })
}

/// Packets under way, by arrival: whether to the server, and what.
type Wire = BTreeMap<(Time, u64), (bool, Vec<u8>)>;

fn post(wire: &mut Wire, fates: &mut impl Iterator<Item = Fate>, now: Time, to_server: bool, packet: &[u8]) {
    let fate = fates.next().unwrap_or(Fate { copies: 1, delay_ms: 1, flip: None });
    for copy in 0..fate.copies {
        let mut packet = packet.to_vec();
        if let Some((at, byte)) = fate.flip {
            let at = usize::from(at) % packet.len();
            packet[at] = byte;
        }
        let number = wire.len() as u64 * 1000 + u64::from(copy) + now.subsec_nanos() as u64;
        let mut key = (now + Duration::from_millis(u64::from(fate.delay_ms) * u64::from(copy + 1)), number);
        while wire.contains_key(&key) {
            key.1 += 1;
        }
        wire.insert(key, (to_server, packet));
    }
}

/// Both machines until nothing is due any more: the URLs the phone took, whether the server heard so, and the end.
fn play(fates: Vec<Fate>) -> (Vec<String>, bool, Option<End>) {
    let contact = at("192.168.1.2:40001");
    let about = About {
        mac: "c074ad120701".parse().unwrap(),
        vendor: "Bellhop".into(),
        model: "GHP620".into(),
        version: "0.1.0".into(),
        contact,
    };
    let ids = Ids { call_id: "abc".into(), tag: "def".into(), branch: "ghi".into() };
    let mut client = Client::new(about, ids, Time::ZERO);
    let mut server = new_server(Limits::default());
    let (mut wire, mut fates) = (Wire::new(), fates.into_iter());
    let (mut urls, mut acknowledged, mut end) = (vec![], false, None);
    loop {
        let arrival = wire.keys().next().map(|(at, _)| *at);
        let Some(now) = [arrival, client.next_time(), server.next_time()].into_iter().flatten().min() else { break };
        let (mut from_client, mut from_server) = (client.on_time(now), server.on_time(now));
        if arrival == Some(now)
            && let Some((_, (to_server, packet))) = wire.pop_first()
        {
            if to_server {
                from_server.extend(server.on_packet(now, contact, &packet).unwrap_or_default());
            } else {
                from_client.extend(client.on_packet(now, at("192.168.1.1:40000"), &packet));
            }
        }
        for output in from_client {
            match output {
                client::Output::Send { packet, .. } => post(&mut wire, &mut fates, now, true, &packet),
                client::Output::Url { url, .. } => urls.push(url),
                client::Output::Ended(why) => end = Some(why),
            }
        }
        let mut queue = std::collections::VecDeque::from(from_server);
        while let Some(output) = queue.pop_front() {
            match output {
                server::Output::Asked { id, asker, .. } => {
                    let url = Forms::default().url("http://192.168.1.1/p", &asker).unwrap();
                    queue.extend(server.decide(now, id, Some(&url)));
                }
                server::Output::Send { packet, .. } => post(&mut wire, &mut fates, now, false, &packet),
                server::Output::Acknowledged { .. } => acknowledged = true,
                server::Output::Failed { .. } => {}
            }
        }
    }
    (urls, acknowledged, end)
}

#[test]
fn with_half_of_the_packets_lost_the_phone_still_learns_its_url() {
    const ARRIVES: u64 = 0b1011_0001_1010_0110_1001_0011_0100_1010;
    let lossy = (0..40).map(|at| Fate { copies: (ARRIVES >> at & 1) as u8, delay_ms: 5, flip: None }).collect();
    let (urls, acknowledged, _) = play(lossy);
    assert_eq!((urls, acknowledged), (vec!["http://192.168.1.1/p/".to_owned()], true));
}

#[test]
fn on_a_dead_network_it_ends() {
    let dead = (0..1000).map(|_| Fate { copies: 0, delay_ms: 0, flip: None }).collect();
    assert_eq!(play(dead), (vec![], false, Some(End::Nobody)));
}

#[test]
fn questions_go_to_the_group() {
    assert_eq!(group(), at("224.0.1.75:5060"));
}

proptest! {
    /// Loss, copies, delays and spoiled packets: it ends, the phone takes a URL at most once, and only one it was sent.
    #[test]
    fn any_network(fates in proptest::collection::vec(fate(), 0..60)) {
        let spoiled = fates.iter().any(|fate| fate.flip.is_some());
        let (urls, _, end) = play(fates);
        prop_assert!(urls.len() <= 1, "{:?}", urls);
        if !spoiled {
            prop_assert!(urls.iter().all(|url| url == "http://192.168.1.1/p/"));
            prop_assert!(!urls.is_empty() || end == Some(End::Nobody));
        }
    }

    /// The server outlives any packets, and remembers no more than it should.
    #[test]
    fn any_packets(packets in proptest::collection::vec((any::<u8>(), any::<u16>(), any::<u8>(), 0u64..40_000), 0..80)) {
        let limits = Limits { sessions: 6, per_source: 3, ..Limits::default() };
        let mut server = new_server(limits);
        let mut packets = packets;
        packets.sort_by_key(|packet| packet.3);
        for (kind, place, byte, at_ms) in packets {
            let now = Time::from_millis(at_ms);
            server.on_time(now);
            let mut bytes = GRP2612W.replace("490431573", &kind.to_string()).into_bytes();
            let place = usize::from(place) % bytes.len();
            bytes[place] = byte;
            let from = at(&format!("10.0.0.{}:5060", kind % 8));
            for output in server.on_packet(now, from, &bytes).unwrap_or_default() {
                if let server::Output::Asked { id, .. } = output {
                    let url = (byte % 2 == 0).then_some("http://h/");
                    for (to, _) in sent(&server.decide(now, id, url)) {
                        prop_assert_eq!(to.ip(), from.ip());
                    }
                }
            }
            prop_assert!(server.sessions() <= 6);
        }
    }
}
