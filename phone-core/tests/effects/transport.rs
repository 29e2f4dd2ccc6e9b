//! What the phone speaks, from where, and the addresses it gives out.

use phone_core::phone::Socket;
use phone_core::sip::message::{Method, Name};
use phone_core::sip::transport::Transport::{self, Tcp, Tls, Udp};

use super::bench::{Bench, PHONE, bench};
use super::leg::Leg;

fn sockets(pairs: &[(&str, &str)]) -> Vec<(Transport, u16)> {
    bench(pairs).phone.sockets().iter().map(|Socket { transport, port, .. }| (*transport, *port)).collect()
}

fn contact(pairs: &[(&str, &str)]) -> String {
    let mut bench = bench(pairs);
    bench.run_s(1);
    bench.last(&Method::Register).header(Name::Contact).unwrap().split('>').next().unwrap().to_owned()
}

#[test]
fn the_transport_is_the_one_set() {
    let speaks = |pairs: &[(&str, &str)]| {
        let bench = bench(pairs);
        let first = bench.sent_of(&Method::Register)[0];
        let via = first.message.as_ref().unwrap().top_via().unwrap();
        (first.transmit.transport, via.transport, sockets(pairs)[0].0)
    };
    assert_eq!(speaks(&[]), (Udp, "UDP".to_owned(), Udp));
    assert_eq!(speaks(&[("account.1.sip.transport", "tcp")]), (Tcp, "TCP".to_owned(), Tcp));
    assert_eq!(speaks(&[("account.1.sip.transport", "tls")]), (Tls, "TLS".to_owned(), Tls));
}

#[test]
fn the_listening_mode_opens_other_transports_beside() {
    let listens = |transport, mode| {
        let pairs = [("account.1.sip.transport", transport), ("account.1.sip.listeningmode", mode)];
        sockets(&pairs).into_iter().map(|(transport, _)| transport).collect::<Vec<_>>()
    };
    assert_eq!(listens("udp", "transport_only"), [Udp]);
    assert_eq!(listens("udp", "dual"), [Udp, Tcp]);
    assert_eq!(listens("udp", "dual_blf"), [Udp, Tcp]);
    assert_eq!(listens("udp", "dual_secured"), [Udp, Tls]);
    assert_eq!(listens("tcp", "dual"), [Tcp]);
    assert_eq!(listens("tls", "dual_secured"), [Tls, Udp]);
}

#[test]
fn blf_enforced_names_tcp_in_the_contact_of_subscriptions() {
    let names = |mode| {
        let pairs = [("account.1.sip.subscribe.formwi", "yes"), ("account.1.sip.listeningmode", mode)];
        bench(&pairs).last(&Method::Subscribe).header(Name::Contact).unwrap().contains("transport=tcp")
    };
    assert!(names("dual_blf") && !names("dual") && !names("transport_only"));
}

#[test]
fn the_local_port_is_sent_from_and_listened_on() {
    for (pairs, port) in [(&[][..], 5060), (&[("account.1.sip.localport", "5080")], 5080)] {
        assert_eq!(sockets(pairs), [(Udp, port)]);
        let bench = bench(pairs);
        assert_eq!(bench.sent[0].transmit.local_port, port);
        assert!(contact(pairs).ends_with(&format!("@{PHONE}:{port}")));
    }
    let second = [("account.2.enable", "yes"), ("account.2.sip.userid", "2"), ("account.2.sip.localport", "5099")];
    assert_eq!(sockets(&second), [(Udp, 5060), (Udp, 5099)]);
}

#[test]
fn random_ports_leave_the_sip_port_to_the_system() {
    assert_eq!(sockets(&[("network.rtp.userandomport", "yes")]), [(Udp, 0)]);
    assert_eq!(sockets(&[("network.rtp.userandomport", "no")]), [(Udp, 5060)]);
}

#[test]
fn over_tls_addresses_are_sips_or_sip() {
    let uri = |scheme| {
        let pairs = [("account.1.sip.transport", "tls"), ("account.1.sip.urischemewhenusingtls", scheme)];
        bench(&pairs).last(&Method::Register).request_uri_text().unwrap().to_owned()
    };
    assert_eq!([uri("sips"), uri("sip")], ["sips:192.0.2.10:5060", "sip:192.0.2.10:5060"]);
    assert!(contact(&[("account.1.sip.transport", "tls")]).starts_with("<sips:"));
    assert!(
        contact(&[("account.1.sip.transport", "udp"), ("account.1.sip.urischemewhenusingtls", "sips")])
            .starts_with("<sip:")
    );
}

#[test]
fn the_contact_names_the_connection_s_own_port_if_so_set() {
    let port = |value| {
        let key = "account.1.sip.useactualephemeralportincontactwithtcptls";
        contact(&[("account.1.sip.transport", "tcp"), (key, value)])
    };
    assert!(port("no").contains(":5060") && port("yes").contains(":40001"));
}

#[test]
fn tcp_keep_alive_is_as_set() {
    let probes = |pairs: &[(&str, &str)]| bench(pairs).phone.stream_settings(1).tcp_keep_alive;
    assert!(probes(&[]) && !probes(&[("account.1.sip.enabletcpkeepalive", "no")]));
}

/// Milliseconds at which a first request nobody answers goes out.
fn repeats(pairs: &[(&str, &str)]) -> Vec<u64> {
    let mut bench = Bench::asleep(pairs);
    bench.server.dead = vec![super::bench::SERVER.parse().unwrap()];
    let start = bench.now;
    bench.start();
    bench.run_s(20);
    bench.times(&Method::Register, start).iter().map(|at| (at * 1000.0).round() as u64).collect()
}

#[test]
fn t1_is_the_first_pause_between_repetitions() {
    assert_eq!(repeats(&[])[..4], [0, 500, 1500, 3500]);
    assert_eq!(repeats(&[("account.1.sip.timer.t1", "2")])[..3], [0, 2000, 6000]);
}

#[test]
fn t2_is_the_longest_pause_between_repetitions() {
    assert_eq!(repeats(&[])[3..6], [3500, 7500, 11_500]);
    assert_eq!(repeats(&[("account.1.sip.timer.t2", "2")])[2..5], [1500, 3500, 5500]);
    assert_eq!(repeats(&[("account.1.sip.timer.t2", "8")])[3..6], [3500, 7500, 15_500]);
}

#[test]
fn the_fixed_address_stands_in_contact_and_description() {
    let set = [("sip.usernatip", "203.0.113.9")];
    assert!(contact(&[]).contains(PHONE) && contact(&set).contains("@203.0.113.9:5060"));
    let mut bench = bench(&set);
    bench.dial("200");
    let body = String::from_utf8(bench.last(&Method::Invite).body().to_vec()).unwrap();
    assert!(body.contains("c=IN IP4 203.0.113.9\r\n"), "{body}");
}

/// What is sent beside SIP in 90 s: size, target, and seconds between.
fn other_packets(pairs: &[(&str, &str)]) -> Vec<(usize, String, u64)> {
    let mut bench = bench(pairs);
    bench.run_s(90);
    let packets: Vec<_> = bench.sent.iter().filter(|sent| sent.message.is_none()).collect();
    let first = packets.first().map(|sent| sent.at).unwrap_or_default();
    let of = |sent: &&super::bench::Sent| {
        (sent.transmit.bytes.len(), sent.transmit.to.to_string(), sent.at.saturating_since(first).as_secs())
    };
    packets.iter().map(of).collect()
}

#[test]
fn nat_traversal_keeps_the_way_open_or_asks_a_stun_server() {
    assert!(
        other_packets(&[("account.1.network.nattraversal", "no"), ("network.stunserver", "192.0.2.200")]).is_empty()
    );
    let blank = other_packets(&[("account.1.network.nattraversal", "keep_alive")]);
    assert_eq!(blank[..2], [(4, super::bench::SERVER.to_owned(), 0), (4, super::bench::SERVER.to_owned(), 20)]);
    let stun = other_packets(&[("account.1.network.nattraversal", "stun"), ("network.stunserver", "192.0.2.200")]);
    assert_eq!((stun[0].0, stun[0].1.as_str()), (20, "192.0.2.200:3478"));
}

#[test]
fn the_stun_server_is_the_one_set() {
    let asked = |server| {
        let pairs = [("account.1.network.nattraversal", "stun"), ("network.stunserver", server)];
        other_packets(&pairs)[0].1.clone()
    };
    assert_eq!([asked("192.0.2.201"), asked("192.0.2.202:3479")], ["192.0.2.201:3478", "192.0.2.202:3479"]);
    assert!(other_packets(&[("account.1.network.nattraversal", "stun")]).is_empty());
}

#[test]
fn blank_packets_go_out_at_the_interval() {
    let pairs = [("account.1.network.nattraversal", "keep_alive"), ("sip.keepaliveinterval", "40")];
    assert_eq!(other_packets(&pairs)[1].2, 40);
}

#[test]
fn the_class_of_service_of_sip_is_as_set() {
    assert_eq!(bench(&[]).phone.dscp_sip(), 26);
    let mut bench = bench(&[("network.qos.forsip", "40")]);
    assert_eq!(bench.phone.dscp_sip(), 40);
    bench.set_phone("network.qos.forsip", "0");
    assert_eq!(bench.phone.dscp_sip(), 0);
}

/// Where a BYE goes to somebody whose Contact is elsewhere, and the Route of the INVITE before.
fn through_proxy(mode: &str) -> (String, Option<String>, String) {
    let pairs = [("account.1.sip.outboundproxy.1.address", "192.0.2.99"), ("account.1.sip.outboundproxy.mode", mode)];
    let mut bench = bench(&pairs);
    bench.server.contact = "<sip:200@192.0.2.77:5070>".to_owned();
    bench.dial("200");
    let invite = bench.sent_of(&Method::Invite)[0].clone();
    let call = bench.calls()[0].id;
    bench.command(phone_core::Command::HangUp(call));
    let route = invite.message.unwrap().header(Name::Route).map(str::to_owned);
    (invite.transmit.to.to_string(), route, bench.targets(&Method::Bye)[0].clone())
}

#[test]
fn the_outbound_proxy_mode_says_what_goes_through_it() {
    let proxy = "192.0.2.99:5060".to_owned();
    let route = Some("<sip:192.0.2.99;lr>".to_owned());
    assert_eq!(through_proxy("in_route"), (proxy.clone(), route, "192.0.2.77:5070".to_owned()));
    assert_eq!(through_proxy("not_in_route"), (proxy.clone(), None, "192.0.2.77:5070".to_owned()));
    assert_eq!(through_proxy("always"), (proxy.clone(), None, proxy));
}

#[test]
fn a_reliable_ringing_is_sent_to_who_can_confirm_it_if_so_set() {
    let reliable = |value| {
        let mut bench = bench(&[("account.1.sip.header.100rel", value)]);
        let leg: Leg = bench.call_in("Supported: 100rel\r\n");
        leg.answer(&bench).header(Name::Require).map(str::to_owned)
    };
    assert_eq!((reliable("yes").as_deref(), reliable("no")), (Some("100rel"), None));
}
