//! Which server requests go to, how it is found, and what happens when it is silent.

use std::net::SocketAddr;
use std::time::Duration;

use phone_core::Instant;
use phone_core::sip::locate::{DnsFailure, Naptr, Query, Record, Records, Srv};
use phone_core::sip::message::{Method, Name};

use super::bench::{BACKUP, Bench, SERVER, addresses, bench};

const REGISTER: &Method = &Method::Register;

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn the_sip_server_is_registered_with() {
    let bench = bench(&[("account.1.sip.server.1.address", "192.0.2.11:5070")]);
    assert_eq!(bench.targets(REGISTER), ["192.0.2.11:5070"]);
    assert_eq!(bench.last(REGISTER).request_uri_text(), Some("sip:192.0.2.11:5070"));
}

/// Where REGISTER goes while the first address is silent.
fn turns_to(pairs: &[(&str, &str)], dead: &str) -> Vec<String> {
    let mut bench = Bench::asleep(pairs);
    bench.server.dead = vec![at(dead)];
    bench.start();
    bench.run_s(60);
    bench.targets(REGISTER)
}

#[test]
fn the_secondary_server_is_turned_to_when_the_first_is_silent() {
    assert_eq!(turns_to(&[], SERVER), [SERVER]);
    assert_eq!(turns_to(&[("account.1.sip.server.2.address", "192.0.2.20")], SERVER), [SERVER, BACKUP]);
}

#[test]
fn the_outbound_proxy_is_where_requests_go() {
    let mut bench = bench(&[("account.1.sip.outboundproxy.1.address", "192.0.2.99:5070")]);
    bench.dial("200");
    assert_eq!(
        (bench.targets(REGISTER), bench.targets(&Method::Invite)),
        (vec!["192.0.2.99:5070".to_owned()], vec!["192.0.2.99:5070".to_owned()])
    );
    assert_eq!(bench.last(REGISTER).header(Name::Route), Some("<sip:192.0.2.99:5070;lr>"));
}

#[test]
fn the_secondary_outbound_proxy_is_turned_to_when_the_first_is_silent() {
    let first = ("account.1.sip.outboundproxy.1.address", "192.0.2.99");
    assert_eq!(turns_to(&[first], "192.0.2.99:5060"), ["192.0.2.99:5060"]);
    let both = [first, ("account.1.sip.outboundproxy.2.address", "192.0.2.98")];
    assert_eq!(turns_to(&both, "192.0.2.99:5060"), ["192.0.2.99:5060", "192.0.2.98:5060"]);
}

#[test]
fn a_silent_address_gets_a_request_so_often() {
    let copies = |pairs: &[(&str, &str)]| {
        let second = ("account.1.sip.server.2.address", "192.0.2.20");
        let mut bench = Bench::asleep(&[&[second], pairs].concat());
        bench.server.dead = vec![at(SERVER)];
        bench.start();
        bench.run_s(40);
        bench.sent_of(REGISTER).iter().take_while(|sent| sent.transmit.to == at(SERVER)).count()
    };
    assert_eq!(copies(&[]), 2);
    assert_eq!(copies(&[("account.1.network.maxnumofretries", "1")]), 1);
    assert_eq!(copies(&[("account.1.network.maxnumofretries", "4")]), 4);
}

#[test]
fn a_backup_is_left_after_the_failback_time() {
    let back = |pairs: &[(&str, &str)]| {
        let second = ("account.1.sip.server.2.address", "192.0.2.20");
        let mut bench = Bench::asleep(&[&[second], pairs].concat());
        bench.server.dead = vec![at(SERVER)];
        let start = bench.now;
        bench.start();
        bench.run_s(30);
        bench.server.dead.clear();
        let before = bench.sent_of(REGISTER).len();
        bench.run_s(7200);
        let first = bench.sent_of(REGISTER).into_iter().skip(before).find(|sent| sent.transmit.to == at(SERVER));
        first.unwrap().at.saturating_since(start).as_secs() / 60
    };
    assert_eq!(back(&[]), 60);
    assert_eq!(back(&[("account.1.network.failbacktimer", "7")]), 7);
}

const NAMED: (&str, &str) = ("account.1.sip.server.1.address", "pbx.example");

#[test]
fn the_dns_mode_says_what_is_asked() {
    let asked = |mode| {
        let bench = bench(&[NAMED, ("account.1.network.dnsmode", mode), ("account.1.network.primaryip", "192.0.2.31")]);
        bench.asked.first().map(|(_, query)| query.clone())
    };
    assert_eq!(asked("a"), Some(Query::A("pbx.example".to_owned())));
    assert_eq!(asked("srv"), Some(Query::Srv("_sip._udp.pbx.example".to_owned())));
    assert_eq!(asked("naptr_srv"), Some(Query::Naptr("pbx.example".to_owned())));
    assert_eq!(asked("configured_ip"), None);
}

#[test]
fn naptr_and_srv_records_lead_to_the_server() {
    let one = |record| Ok(Records { ttl: Duration::from_secs(600), records: vec![record] });
    let mut bench = Bench::asleep(&[NAMED, ("account.1.network.dnsmode", "naptr_srv")]);
    let (flags, service) = ("s".to_owned(), "SIP+D2U".to_owned());
    let replacement = "_sip._udp.sbc.example".to_owned();
    let naptr = Record::Naptr(Naptr { order: 1, preference: 1, flags, service, replacement });
    let srv = Record::Srv(Srv { priority: 1, weight: 1, port: 5088, target: "a.sbc.example".to_owned() });
    bench.server.dns = vec![
        (Query::Naptr("pbx.example".to_owned()), one(naptr)),
        (Query::Srv("_sip._udp.sbc.example".to_owned()), one(srv)),
        (Query::A("a.sbc.example".to_owned()), addresses(600, &["192.0.2.40"])),
    ];
    bench.start();
    bench.run_s(5);
    assert_eq!(bench.targets(REGISTER), ["192.0.2.40:5088"]);
}

#[test]
fn configured_addresses_stand_for_the_name_one_after_the_other() {
    let key = |index: usize| {
        ["primaryip", "backupip.1", "backupip.2"].map(|key| format!("account.1.network.{key}"))[index].clone()
    };
    for upto in 1..=3 {
        let keys: Vec<String> = (0..upto).map(key).collect();
        let values = ["192.0.2.31", "192.0.2.32", "192.0.2.33"];
        let mut pairs = vec![NAMED, ("account.1.network.dnsmode", "configured_ip")];
        pairs.extend(keys.iter().map(String::as_str).zip(values));
        let mut bench = Bench::asleep(&pairs);
        bench.server.dead = values.iter().map(|ip| at(&format!("{ip}:5060"))).collect();
        bench.start();
        bench.run_s(15);
        let tried: Vec<String> = values[..upto].iter().map(|ip| format!("{ip}:5060")).collect();
        assert_eq!(bench.targets(REGISTER)[..upto], tried);
        assert!(bench.targets(REGISTER).iter().all(|target| tried.contains(target)));
    }
}

/// Two addresses behind a name, with these settings beside.
fn two_addresses(pairs: &[(&str, &str)]) -> Bench {
    let mut bench = Bench::asleep(&[&[NAMED, ("account.1.network.dnsmode", "srv")], pairs].concat());
    let srv = |priority, target: &str| Record::Srv(Srv { priority, weight: 0, port: 5060, target: target.to_owned() });
    let records = vec![srv(1, "a.example"), srv(2, "b.example")];
    bench.server.dns = vec![
        (Query::Srv("_sip._udp.pbx.example".to_owned()), Ok(Records { ttl: Duration::from_secs(7200), records })),
        (Query::A("a.example".to_owned()), addresses(7200, &["192.0.2.10"])),
        (Query::A("b.example".to_owned()), addresses(7200, &["192.0.2.20"])),
    ];
    bench
}

#[test]
fn the_failover_mode_says_whether_the_saved_address_is_kept() {
    // Registered at the second address; at the next refresh the first is alive again.
    let refreshed_at = |mode, minutes: u64| {
        let mut bench = two_addresses(&[
            ("account.1.network.dnssrvfailovermode", mode),
            ("account.1.sip.registerexpiration", "10"),
            ("account.1.network.failbacktimer", "30"),
        ]);
        bench.server.dead = vec![at(SERVER)];
        bench.start();
        bench.run_s(10);
        bench.server.dead.clear();
        assert_eq!(bench.targets(REGISTER), [SERVER, BACKUP], "{mode}");
        bench.run_s(60 * minutes);
        bench.sent_of(REGISTER).last().unwrap().transmit.to.to_string()
    };
    assert_eq!(refreshed_at("default", 12), SERVER);
    assert_eq!(refreshed_at("until_ttl", 12), BACKUP);
    assert_eq!(refreshed_at("until_no_response", 12), BACKUP);
    assert_eq!(refreshed_at("failback_timer", 12), BACKUP);
    assert_eq!(refreshed_at("failback_timer", 45), SERVER);
    assert_eq!(refreshed_at("until_ttl", 150), SERVER);
    assert_eq!(refreshed_at("until_no_response", 150), BACKUP);
}

#[test]
fn a_call_waits_for_a_registration_at_the_backup_if_so_set() {
    let before_the_call = |value| {
        let mut bench = two_addresses(&[("account.1.network.dnssrvregisterbeforefailover", value)]);
        bench.start();
        bench.run_s(2);
        bench.server.dead = vec![at(SERVER)];
        bench.dial("200");
        bench.run_s(10);
        let to_backup = bench.sent.iter().filter(|sent| sent.transmit.to == at(BACKUP));
        let methods: Vec<Method> =
            to_backup.filter_map(|sent| sent.message.as_ref()?.method().cloned()).take(1).collect();
        methods
    };
    assert_eq!(before_the_call("no"), [Method::Invite]);
    assert_eq!(before_the_call("yes"), [Method::Register]);
}

/// Minutes at which the name was asked for.
fn lookups(bench: &Bench, start: Instant) -> Vec<u64> {
    let minute = |at: &Instant| at.saturating_since(start).as_secs() / 60;
    bench.asked.iter().filter(|(_, query)| matches!(query, Query::A(_))).map(|(at, _)| minute(at)).collect()
}

#[test]
fn names_are_looked_up_again_after_the_refresh_time_or_their_ttl() {
    let asked = |pairs: &[(&str, &str)]| {
        let mut bench = Bench::asleep(&[&[NAMED], pairs].concat());
        bench.server.dns = vec![(Query::A("pbx.example".to_owned()), addresses(600, &["192.0.2.10"]))];
        let start = bench.now;
        bench.start();
        bench.run_s(60 * 65);
        lookups(&bench, start)
    };
    assert_eq!(asked(&[]), [0, 10, 20, 30, 40, 50, 60]);
    assert_eq!(asked(&[("network.dns.refreshtime", "0")]), [0, 10, 20, 30, 40, 50, 60]);
    assert_eq!(asked(&[("network.dns.refreshtime", "30")]), [0, 30, 60]);
    assert_eq!(asked(&[("network.dns.refreshtime", "4")])[..3], [0, 4, 8]);
}

#[test]
fn a_refresh_time_set_while_at_work_counts_for_answers_in_hand() {
    let mut bench = Bench::asleep(&[NAMED]);
    bench.server.dns = vec![(Query::A("pbx.example".to_owned()), addresses(36_000, &["192.0.2.10"]))];
    let start = bench.now;
    bench.start();
    bench.run_s(60);
    bench.set_phone("network.dns.refreshtime", "5");
    bench.run_s(60 * 14);
    assert_eq!(lookups(&bench, start), [0, 6, 11]);
}

#[test]
fn a_lookup_that_failed_is_not_tried_again_before_its_time() {
    let asked = |answer: Result<Records, DnsFailure>, pairs: &[(&str, &str)]| {
        let mut bench = Bench::asleep(&[&[NAMED], pairs].concat());
        bench.server.dns = vec![(Query::A("pbx.example".to_owned()), answer)];
        let start = bench.now;
        bench.start();
        bench.run_s(60 * 62);
        lookups(&bench, start)
    };
    let set = [("network.dns.failurecacheduration", "20")];
    for answer in [Err(DnsFailure), Ok(Records::default())] {
        assert!(asked(answer.clone(), &[]).len() > 5);
        assert!(asked(answer.clone(), &[("network.dns.failurecacheduration", "0")]).len() > 5);
        let minutes = asked(answer, &set);
        assert!((3..=4).contains(&minutes.len()) && (20..=22).contains(&minutes[1]), "{minutes:?}");
    }
}

#[test]
fn a_name_that_is_there_again_is_registered_with_after_the_failure_time() {
    let mut bench = Bench::asleep(&[NAMED, ("network.dns.failurecacheduration", "3")]);
    bench.server.dns = vec![(Query::A("pbx.example".to_owned()), Err(DnsFailure))];
    bench.start();
    bench.run_s(30);
    bench.server.dns = vec![(Query::A("pbx.example".to_owned()), addresses(600, &["192.0.2.10"]))];
    bench.run_s(120);
    assert!(bench.sent_of(REGISTER).is_empty());
    bench.run_s(90);
    assert_eq!(bench.targets(REGISTER), [SERVER]);
}
