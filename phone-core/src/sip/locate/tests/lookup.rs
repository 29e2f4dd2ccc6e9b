//! From settings to addresses.

use super::*;

const PBX: (&str, &str) = ("sip.server.1.address", "PBX.example");
const SRV: (&str, &str) = ("network.dnsmode", "srv");
const NAPTR: (&str, &str) = ("network.dnsmode", "naptr_srv");

#[test]
fn an_address_needs_no_dns() {
    let mut bench = Bench::new(&[("sip.server.1.address", "192.0.2.7"), NAPTR]).started();
    assert_eq!((bench.calls().as_str(), bench.asked().len()), ("192.0.2.7:5060", 0));
    assert_eq!(bench.locator.target().unwrap().name, "");
    let pairs = [("sip.server.1.address", "[2001:db8::7]"), SRV];
    let bench = Bench::with(&pairs, Transport::Tls, IpPreference::PreferIpv4).started();
    assert_eq!(bench.calls(), "[2001:db8::7]:5061");
    assert_eq!(bench.locator.poll_timeout(), None);
}

#[test]
fn nothing_is_asked_before_the_start() {
    let mut bench = Bench::new(&[PBX]);
    bench.settle();
    assert_eq!((bench.asked().len(), bench.locator.poll_timeout()), (0, None));
    assert_eq!(bench.locator.state().why, Why::LookingUp);
}

#[test]
fn a_port_rules_srv_and_naptr_out() {
    let mut bench = Bench::new(&[("sip.server.1.address", "pbx.example:5080"), NAPTR])
        .zone(a("pbx.example"), addresses(60, &["192.0.2.1"]))
        .started();
    assert_eq!(bench.asked(), [a("pbx.example"), aaaa("pbx.example")]);
    assert_eq!(bench.calls(), "192.0.2.1:5080");
}

#[test]
fn address_families_are_used_as_the_phone_prefers_them() {
    let all = |ip| {
        let mut bench = Bench::with(&[PBX], Transport::Udp, ip)
            .zone(a("pbx.example"), addresses(60, &["192.0.2.1", "192.0.2.2"]))
            .zone(aaaa("pbx.example"), addresses(60, &["2001:db8::1"]))
            .started();
        (bench.all(), bench.asked().len())
    };
    let [v4, w4, v6] = ["192.0.2.1:5060", "192.0.2.2:5060", "[2001:db8::1]:5060"].map(str::to_owned);
    assert_eq!(all(IpPreference::PreferIpv4), (vec![v4.clone(), w4.clone(), v6.clone()], 2));
    assert_eq!(all(IpPreference::PreferIpv6), (vec![v6.clone(), v4.clone(), w4.clone()], 2));
    assert_eq!(all(IpPreference::Ipv4Only), (vec![v4, w4], 1));
    assert_eq!(all(IpPreference::Ipv6Only), (vec![v6], 1));
}

#[test]
fn the_preferred_family_is_waited_for_but_not_long() {
    let mut bench = Bench::with(&[PBX], Transport::Udp, IpPreference::PreferIpv6)
        .zone(a("pbx.example"), addresses(60, &["192.0.2.1"]));
    bench.mute.push(aaaa("pbx.example"));
    let mut bench = bench.started();
    bench.pass(Duration::from_millis(1999));
    assert_eq!(bench.calls(), "none");
    bench.pass(Duration::from_millis(1));
    assert_eq!((bench.calls().as_str(), bench.changes()), ("192.0.2.1:5060", vec![Change::Located]));
    // A late one is known, and what is in use stays.
    let now = bench.now;
    bench.locator.answered(now, &aaaa("pbx.example"), addresses(60, &["2001:db8::1"]));
    assert_eq!((bench.calls().as_str(), bench.all().len()), ("192.0.2.1:5060", 2));
}

#[test]
fn srv_names_the_service_of_the_transport_and_keeps_the_configured_name() {
    for (transport, service) in [
        (Transport::Udp, "_sip._udp.pbx.example"),
        (Transport::Tcp, "_sip._tcp.pbx.example"),
        (Transport::Tls, "_sips._tcp.pbx.example"),
    ] {
        let mut bench = Bench::with(&[PBX, SRV], transport, IpPreference::Ipv4Only)
            .zone(srv(service), services(60, &["20 0 5070 b.x.", "10 0 5080 A.x", "30 0 0 c.x", "30 0 9 192.0.2.9"]))
            .zone(a("a.x"), addresses(60, &["192.0.2.1"]))
            .zone(a("b.x"), addresses(60, &["192.0.2.2"]))
            .started();
        assert_eq!(bench.all(), ["192.0.2.1:5080", "192.0.2.2:5070", "192.0.2.9:9"]);
        assert_eq!(bench.asked(), [srv(service), a("a.x"), a("b.x")]);
        let target = bench.locator.target().unwrap();
        assert_eq!((target.transport, target.name.as_str()), (transport, "PBX.example"));
    }
}

#[test]
fn without_srv_the_name_itself_is_looked_up() {
    for nothing in [answer(0, Vec::new()), Err(DnsFailure)] {
        let bench = Bench::with(&[PBX, SRV], Transport::Tls, IpPreference::PreferIpv4)
            .zone(srv("_sips._tcp.pbx.example"), nothing)
            .zone(a("pbx.example"), addresses(60, &["192.0.2.1"]))
            .started();
        assert_eq!(bench.calls(), "192.0.2.1:5061");
    }
}

#[test]
fn a_service_that_is_not_offered_is_not_looked_for_elsewhere() {
    let bench = Bench::new(&[PBX, SRV])
        .zone(srv("_sip._udp.pbx.example"), services(60, &["0 0 0 ."]))
        .zone(a("pbx.example"), addresses(60, &["192.0.2.1"]))
        .started();
    assert_eq!((bench.calls().as_str(), bench.locator.state().why), ("none", Why::NotFound));
}

#[test]
fn naptr_leads_to_the_srv_name_of_the_transport() {
    let bench = |transport| {
        Bench::with(&[PBX, NAPTR], transport, IpPreference::Ipv4Only)
            .zone(
                naptr("pbx.example"),
                pointers(
                    60,
                    &[
                        "50 50 s SIP+D2T _sip._tcp.far.example",
                        "90 50 s SIP+D2U _sip._udp.far.example.",
                        "10 50 s SIPS+D2T _sips._tcp.far.example",
                        "95 50 a SIP+D2U host.example",
                    ],
                ),
            )
            .zone(srv("_sip._udp.far.example"), services(60, &["1 1 5071 u.x"]))
            .zone(srv("_sip._tcp.far.example"), services(60, &["1 1 5072 u.x"]))
            .zone(srv("_sips._tcp.far.example"), services(60, &["1 1 5073 u.x"]))
            .zone(a("u.x"), addresses(60, &["192.0.2.1"]))
            .zone(a("host.example"), addresses(60, &["192.0.2.2"]))
            .started()
    };
    assert_eq!(bench(Transport::Udp).all(), ["192.0.2.1:5071", "192.0.2.2:5060"]);
    assert_eq!(bench(Transport::Tcp).all(), ["192.0.2.1:5072"]);
    assert_eq!(bench(Transport::Tls).all(), ["192.0.2.1:5073"]);
}

#[test]
fn without_a_naptr_of_use_srv_is_tried_and_then_the_name() {
    for useless in [pointers(60, &["1 1 s SIPS+D2T _sips._tcp.x"]), pointers(60, &["1 1 s SIP+D2U _gone.x"])] {
        let bench = Bench::new(&[PBX, NAPTR])
            .zone(naptr("pbx.example"), useless)
            .zone(srv("_sip._udp.pbx.example"), services(60, &["1 1 5071 u.x"]))
            .zone(a("u.x"), addresses(60, &["192.0.2.1"]))
            .started();
        assert_eq!(bench.all(), ["192.0.2.1:5071"]);
    }
    let mut bench = Bench::new(&[PBX, NAPTR]).zone(a("pbx.example"), addresses(60, &["192.0.2.1"])).started();
    assert_eq!(bench.calls(), "192.0.2.1:5060");
    let asked = [naptr("pbx.example"), srv("_sip._udp.pbx.example"), a("pbx.example"), aaaa("pbx.example")];
    assert_eq!(bench.asked(), asked);
}

#[test]
fn configured_addresses_stand_for_the_servers_name() {
    let ips = [
        ("network.dnsmode", "configured_ip"),
        ("network.primaryip", "192.0.2.1"),
        ("network.backupip.1", "192.0.2.2"),
        ("network.backupip.2", "2001:db8::3"),
    ];
    let mut pairs = vec![("sip.server.1.address", "pbx.example:5070")];
    pairs.extend(ips);
    let mut bench = Bench::with(&pairs, Transport::Tls, IpPreference::PreferIpv6).started();
    assert_eq!(bench.all(), ["192.0.2.1:5070", "192.0.2.2:5070", "[2001:db8::3]:5070"]);
    assert_eq!((bench.asked().len(), bench.locator.poll_timeout()), (0, None));
    assert_eq!(bench.locator.target().unwrap().name, "pbx.example");
    assert_eq!(bench.register(&["192.0.2.2:5070"]), "192.0.2.2:5070");

    // The second server is another: its name is looked up.
    pairs.push(("sip.server.2.address", "backup.example"));
    let bench = Bench::new(&pairs).zone(a("backup.example"), addresses(60, &["192.0.2.9"])).started();
    assert_eq!(bench.all().last().unwrap(), "192.0.2.9:5060");
    // An address is one already.
    pairs[0].1 = "192.0.2.8";
    assert_eq!(Bench::new(&pairs).started().calls(), "192.0.2.8:5060");
}

#[test]
fn what_cannot_be_read_is_not_gone_around() {
    let mut bench = Bench::new(&[PBX, ("sip.outboundproxy.1.address", "not a host")]).started();
    assert_eq!((bench.calls().as_str(), bench.asked().len()), ("none", 0));
    assert_eq!(bench.locator.state().why, Why::NotConfigured);
    assert_eq!(bench.locator.begin(bench.now), None);
}

#[test]
fn answers_are_bounded() {
    let many: Vec<Record> = (0..5000u32).map(|n| Record::Address(std::net::Ipv4Addr::from(n + 9).into())).collect();
    let bench = Bench::new(&[PBX]).zone(a("pbx.example"), answer(60, many.clone())).started();
    assert_eq!(bench.all().len(), MAX_ADDRESSES);

    let many_srv = |domain: u16| -> Vec<Record> {
        let record = |n| Record::Srv(Srv { priority: 1, weight: n, port: 5060, target: format!("h{n}.d{domain}.x") });
        (0..2000).map(record).collect()
    };
    let many_naptr: Vec<String> = (0..40).map(|n| format!("1 {n} s SIP+D2U _sip._udp.d{n}.x")).collect();
    let many_naptr: Vec<&str> = many_naptr.iter().map(String::as_str).collect();
    let mut bench = Bench::new(&[PBX, NAPTR]).zone(naptr("pbx.example"), pointers(60, &many_naptr));
    for n in 0..40 {
        bench = bench.zone(srv(&format!("_sip._udp.d{n}.x")), answer(60, many_srv(n)));
    }
    let mut bench = bench.started();
    let asked = bench.asked();
    let srvs = asked.iter().filter(|query| matches!(query, Query::Srv(_))).count();
    assert!(srvs <= MAX_NAPTR && asked.len() <= 100 && bench.locator.poll_query().is_none(), "{srvs} {}", asked.len());
}

#[test]
fn nonsense_in_an_answer_is_passed_over() {
    let odd = vec![
        Record::Address("2001:db8::1".parse().unwrap()),
        Record::Address("0.0.0.0".parse().unwrap()),
        Record::Address("224.0.1.75".parse().unwrap()),
        Record::Srv(Srv { priority: 0, weight: 0, port: 1, target: "x".into() }),
        Record::Address("192.0.2.1".parse().unwrap()),
        Record::Address("192.0.2.1".parse().unwrap()),
    ];
    let mut bench = Bench::new(&[PBX]).zone(a("pbx.example"), answer(60, odd)).started();
    assert_eq!(bench.all(), ["192.0.2.1:5060"]);
    // Nobody asked.
    let now = bench.now;
    bench.locator.answered(now, &a("other.example"), addresses(60, &["192.0.2.66"]));
    assert_eq!(bench.all(), ["192.0.2.1:5060"]);
    let names = ["1 1 5060 with space", "1 1 5060 ", "1 1 5060 ..."];
    let bench = Bench::new(&[PBX, SRV]).zone(srv("_sip._udp.pbx.example"), services(60, &names[1..])).started();
    assert_eq!(bench.calls(), "none");
}
