//! How long answers serve.

use super::*;

const PBX: (&str, &str) = ("sip.server.1.address", "pbx.example");

fn pbx(answer: Result<Records, DnsFailure>) -> Bench {
    Bench::with(&[PBX], Transport::Udp, IpPreference::Ipv4Only).zone(a("pbx.example"), answer).started()
}

#[test]
fn answers_are_refreshed_when_their_ttl_ends_within_bounds() {
    for (ttl, wanted) in [(0, 30), (5, 30), (600, 600), (86_400, 86_400), (u64::MAX, 86_400)] {
        let mut bench = pbx(addresses(ttl, &["192.0.2.1"]));
        bench.pass(secs(wanted * 2 + 1));
        assert_eq!(bench.asked_at(&a("pbx.example")), [0, wanted, wanted * 2]);
    }
}

#[test]
fn turned_answers_do_not_move_the_phone() {
    let mut bench = pbx(addresses(60, &["192.0.2.1", "192.0.2.2"]));
    bench.changes();
    bench.zone.insert(a("pbx.example"), addresses(60, &["192.0.2.3", "192.0.2.2", "192.0.2.1"]));
    bench.pass(secs(61));
    assert_eq!(bench.all(), ["192.0.2.1:5060", "192.0.2.2:5060", "192.0.2.3:5060"]);
    assert_eq!(bench.changes(), []);
}

#[test]
fn srv_records_keep_the_order_they_were_drawn_in() {
    let list: Vec<String> = (1..=9).map(|n| format!("1 10 5060 192.0.2.{n}")).collect();
    let mut list: Vec<&str> = list.iter().map(String::as_str).collect();
    let mut bench = Bench::new(&[PBX, ("network.dnsmode", "srv")])
        .zone(srv("_sip._udp.pbx.example"), services(60, &list))
        .started();
    let drawn = bench.all();
    for _ in 0..20 {
        list.rotate_left(1);
        bench.zone.insert(srv("_sip._udp.pbx.example"), services(60, &list));
        bench.pass(secs(61));
        assert_eq!(bench.all(), drawn);
    }
}

#[test]
fn an_address_that_is_withdrawn_is_left() {
    let mut bench = pbx(addresses(60, &["192.0.2.1"]));
    bench.register(&["192.0.2.1:5060"]);
    assert_eq!(bench.changes(), [Change::Located]);
    bench.zone.insert(a("pbx.example"), addresses(60, &["192.0.2.2"]));
    bench.pass(secs(60));
    assert_eq!((bench.calls().as_str(), bench.changes()), ("192.0.2.2:5060", vec![Change::Located]));
    bench.zone.clear();
    bench.pass(secs(60));
    assert_eq!((bench.calls().as_str(), bench.changes()), ("none", vec![Change::Lost]));
    assert_eq!(bench.locator.state().why, Why::NotFound);
}

#[test]
fn while_new_names_are_looked_up_the_old_addresses_serve() {
    let mut bench = Bench::three("default", &[]);
    bench.changes();
    bench.zone.insert(srv("_sip._udp.pbx.example"), services(600, &["1 0 5060 d.x"]));
    bench.zone.insert(a("d.x"), addresses(600, &["192.0.2.4"]));
    bench.mute.push(a("d.x"));
    bench.pass(secs(605));
    assert_eq!((bench.calls().as_str(), bench.changes()), ("192.0.2.1:5060", vec![]));
    let now = bench.now;
    bench.locator.answered(now, &a("d.x"), addresses(600, &["192.0.2.4"]));
    bench.locator.answered(now, &aaaa("d.x"), answer(0, vec![]));
    assert_eq!((bench.calls().as_str(), bench.changes()), ("192.0.2.4:5060", vec![Change::Located]));
}

#[test]
fn a_name_that_is_not_there_is_asked_for_ever_less_often() {
    let mut bench = pbx(answer(0, vec![]));
    bench.pass(secs(4000));
    assert_eq!(bench.asked_at(&a("pbx.example")), [0, 60, 180, 420, 900, 1800, 2700, 3600]);
    // And used as soon as it is.
    bench.zone.insert(a("pbx.example"), addresses(600, &["192.0.2.1"]));
    bench.pass(secs(500));
    assert_eq!((bench.calls().as_str(), bench.changes()), ("192.0.2.1:5060", vec![Change::Located]));
}

#[test]
fn the_zone_may_say_how_long_a_name_is_not_there() {
    for (ttl, wanted) in [(1, 60), (300, 300), (90_000, 900)] {
        let mut bench = pbx(answer(ttl, vec![]));
        bench.pass(secs(wanted));
        assert_eq!(bench.asked_at(&a("pbx.example")), [0, wanted]);
    }
}

#[test]
fn an_old_answer_serves_while_the_resolver_fails() {
    let mut bench = pbx(addresses(60, &["192.0.2.1"]));
    bench.zone.insert(a("pbx.example"), Err(DnsFailure));
    bench.pass(secs(86_400));
    assert_eq!((bench.calls().as_str(), bench.changes()), ("192.0.2.1:5060", vec![Change::Located]));
    let asked = bench.asked_at(&a("pbx.example"));
    // After 30 s at first, and every five minutes later.
    assert!((90..=94).contains(&asked[2]) && (200..320).contains(&asked.len()), "{asked:?}");
    assert_eq!(bench.locator.state().why, Why::First);
}

#[test]
fn a_resolver_that_never_answered_is_asked_again_soon_and_at_once_when_the_network_is_back() {
    let mut bench = pbx(Err(DnsFailure));
    bench.pass(secs(6));
    assert_eq!(bench.asked_at(&a("pbx.example")).len(), 2);
    assert_eq!(bench.locator.state().why, Why::NotFound);
    bench.zone.insert(a("pbx.example"), addresses(60, &["192.0.2.1"]));
    let bench = bench.started();
    assert_eq!(bench.calls(), "192.0.2.1:5060");
}

#[test]
fn what_stands_in_for_srv_serves_while_srv_is_asked_for_again() {
    let mut bench = Bench::new(&[PBX, ("network.dnsmode", "srv")])
        .zone(srv("_sip._udp.pbx.example"), Err(DnsFailure))
        .zone(a("pbx.example"), addresses(600, &["192.0.2.1"]))
        .started();
    bench.mute.push(srv("_sip._udp.pbx.example"));
    bench.changes();
    bench.pass(secs(10));
    bench.locator.handle_timeout(bench.now);
    assert_eq!((bench.asked_at(&srv("_sip._udp.pbx.example")).len(), bench.asked_at(&a("pbx.example")).len()), (2, 1));
    assert_eq!((bench.calls().as_str(), bench.changes()), ("192.0.2.1:5060", vec![]));
}

#[test]
fn a_resolver_that_says_nothing_has_failed_after_a_while() {
    let mut bench = Bench::new(&[PBX, ("sip.server.2.address", "192.0.2.9")]);
    bench.mute.extend([a("pbx.example"), aaaa("pbx.example")]);
    let mut bench = bench.started();
    bench.pass(secs(14));
    assert_eq!((bench.calls().as_str(), bench.locator.state().why), ("none", Why::LookingUp));
    bench.pass(secs(1));
    assert_eq!(bench.calls(), "192.0.2.9:5060");
    assert_eq!(bench.locator.way().unwrap().server, Rank::Secondary);
    assert_eq!(bench.locator.registrar().unwrap().to_string(), "192.0.2.9");
}

#[test]
fn new_settings_begin_anew_unless_only_the_policy_changed() {
    let mut bench = pbx(addresses(60, &["192.0.2.1"]));
    bench.changes();
    bench.asked();
    let live = settings(&[PBX, ("network.maxnumofretries", "7"), ("network.failbacktimer", "1")]);
    bench.locator.apply(bench.now, live, Transport::Udp, IpPreference::Ipv4Only);
    bench.settle();
    assert_eq!((bench.asked().len(), bench.locator.attempts_per_target()), (0, 7));
    assert_eq!(bench.calls(), "192.0.2.1:5060");
    let other = settings(&[("sip.server.1.address", "192.0.2.5")]);
    bench.locator.apply(bench.now, other, Transport::Udp, IpPreference::Ipv4Only);
    assert_eq!((bench.calls().as_str(), bench.changes()), ("192.0.2.5:5060", vec![Change::Located]));
}
