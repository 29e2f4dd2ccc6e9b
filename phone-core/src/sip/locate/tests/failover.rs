//! Turning to the next when one is silent.

use super::*;

const A: &str = "192.0.2.1:5060";
const B: &str = "192.0.2.2:5060";
const C: &str = "192.0.2.3:5060";

#[test]
fn each_address_has_its_turn_and_then_it_is_over() {
    let mut bench = Bench::three("default", &[]);
    assert_eq!((bench.registers().as_str(), bench.locator.state().index), (A, 1));
    bench.locator.begin(bench.now);
    assert_eq!(to(&bench.register_fails()), B);
    assert_eq!(to(&bench.register_fails()), C);
    assert_eq!(to(&bench.register_fails()), "exhausted");
    assert_eq!(bench.locator.state().why, Why::AllFailed);
    // All failed alike: the first is tried again.
    bench.pass(secs(20));
    assert_eq!(shown(bench.locator.begin(bench.now)), A);
    assert_eq!(bench.changes(), [Change::Located, Change::FailedOver]);
}

#[test]
fn slow_tries_reach_everyone_too() {
    let mut bench = Bench::three("default", &[]);
    bench.locator.begin(bench.now);
    let mut seen = vec![bench.registers()];
    for _ in 0..2 {
        // Longer than a way that failed is put back.
        bench.pass(secs(90));
        seen.push(to(&bench.register_fails()));
        // A registration that begins in between does not start over.
        bench.locator.begin(bench.now);
        assert_eq!(seen.last(), Some(&bench.registers()));
    }
    assert_eq!(seen, [A, B, C]);
}

#[test]
fn a_call_that_fails_takes_everything_along() {
    let mut bench = Bench::three("default", &[]);
    bench.register(&[A]);
    bench.changes();
    assert_eq!(to(&bench.call_fails()), B);
    assert_eq!((bench.calls().as_str(), bench.registers().as_str()), (B, B));
    assert_eq!(bench.changes(), [Change::FailedOver]);
    // The registration that follows goes there, not back to what has just failed.
    assert_eq!(bench.register(&[B, C]), B);
    assert_eq!(bench.locator.state().why, Why::FailedOver);
    assert_eq!((bench.locator.state().index, bench.locator.state().of), (2, 3));
}

#[test]
fn calls_wait_for_a_registration_at_the_backup_if_so_set() {
    let mut bench = Bench::three("default", &[("network.dnssrvregisterbeforefailover", "yes")]);
    bench.register(&[A]);
    assert_eq!(to(&bench.call_fails()), format!("register {B}"));
    bench.register(&[B]);
    // News of A that comes late: B has answered by now.
    let late = bench.locator.ways()[0].clone();
    assert_eq!(to(&bench.locator.no_answer(bench.now, &late, Failure::Silent)), B);
    assert_eq!(bench.calls(), B);
}

#[test]
fn a_server_that_asks_for_peace_gets_it() {
    let mut bench = Bench::three("default", &[]);
    bench.locator.begin(bench.now);
    let way = bench.locator.registering().unwrap().clone();
    let busy = Failure::Unavailable { retry_after: Some(secs(600)) };
    assert_eq!(to(&bench.locator.no_answer(bench.now, &way, busy)), B);
    bench.register_answered();
    bench.pass(secs(599));
    assert_eq!(bench.register(&[A, B]), B);
    bench.pass(secs(1));
    assert_eq!(bench.register(&[A, B]), A);
}

#[test]
fn late_news_after_the_last_failure_does_not_start_another_round() {
    let mut bench = Bench::three("default", &[]);
    let first = bench.locator.way().unwrap().clone();
    while bench.call_fails() != Next::Exhausted {}
    let last = bench.locator.ways()[2].clone();
    assert_eq!(bench.locator.no_answer(bench.now, &last, Failure::Silent), Next::Exhausted);
    // A new call may try.
    assert_eq!(bench.locator.way(), Some(&first));
    assert_ne!(bench.call_fails(), Next::Exhausted);
}

#[test]
fn new_addresses_after_all_failed_are_tried_at_once() {
    let mut bench = Bench::three("default", &[]);
    assert_eq!(bench.register(&[]), "nobody");
    bench.changes();
    bench.zone.insert(a("c.x"), addresses(600, &["192.0.2.33"]));
    bench.pass(secs(600));
    assert_eq!(bench.changes(), [Change::Located]);
    assert_eq!(bench.register(&["192.0.2.33:5060"]), "192.0.2.33:5060");
}

const SERVERS: [(&str, &str); 2] = [("sip.server.1.address", "one.example"), ("sip.server.2.address", "two.example")];

fn ways(bench: &Bench) -> Vec<String> {
    let show = |way: &Way| {
        let route = way.route.as_ref().map_or(String::new(), |route| format!("{route}>"));
        format!("{route}{} {}", way.registrar, way.target.address.ip())
    };
    bench.locator.ways().iter().map(show).collect()
}

#[test]
fn the_second_server_follows_all_addresses_of_the_first() {
    let mut bench = Bench::new(&SERVERS)
        .zone(a("one.example"), addresses(60, &["192.0.2.1", "192.0.2.2"]))
        .zone(a("two.example"), addresses(60, &["192.0.2.3"]))
        .started();
    assert_eq!(ways(&bench), ["one.example 192.0.2.1", "one.example 192.0.2.2", "two.example 192.0.2.3"]);
    assert_eq!(bench.locator.registrar().unwrap().to_string(), "one.example");
    assert_eq!(bench.register(&[C]), C);
    assert_eq!(bench.locator.registrar().unwrap().to_string(), "two.example");
    assert_eq!(bench.locator.route(), None);
    assert_eq!(bench.locator.target().unwrap().name, "two.example");
}

fn proxied() -> Bench {
    let mut pairs = SERVERS.to_vec();
    pairs.extend([("sip.outboundproxy.1.address", "192.0.2.1"), ("sip.outboundproxy.2.address", "192.0.2.2")]);
    let mut bench = Bench::new(&pairs).started();
    assert_eq!(bench.asked(), [], "only the proxies' addresses matter");
    bench
}

#[test]
fn a_proxy_that_is_silent_is_not_tried_for_the_second_server() {
    let mut bench = proxied();
    let [first, second, third, fourth] = [
        "192.0.2.1>one.example 192.0.2.1",
        "192.0.2.2>one.example 192.0.2.2",
        "192.0.2.1>two.example 192.0.2.1",
        "192.0.2.2>two.example 192.0.2.2",
    ];
    assert_eq!(ways(&bench), [first, second, third, fourth]);
    assert_eq!(to(&bench.register_fails()), B);
    assert_eq!(bench.locator.route().unwrap().to_string(), "192.0.2.2");
    assert_eq!(bench.locator.way().unwrap().proxy, Some(Rank::Secondary));
    assert_eq!(bench.register_fails(), Next::Exhausted);
}

#[test]
fn a_server_that_fails_behind_its_proxies_is_replaced() {
    let mut bench = proxied();
    let busy = Failure::Unavailable { retry_after: None };
    for _ in 0..2 {
        let way = bench.locator.way().unwrap().clone();
        bench.locator.no_answer(bench.now, &way, busy);
    }
    let way = bench.locator.way().unwrap();
    assert_eq!(
        (way.server, way.proxy, way.target.address.to_string()),
        (Rank::Secondary, Some(Rank::Primary), A.into())
    );
    assert_eq!(bench.locator.registrar().unwrap().to_string(), "two.example");
    assert_eq!(bench.locator.route().unwrap().to_string(), "192.0.2.1");
}
