//! Staying with the one that answered, and going back.

use super::*;

const A: &str = "192.0.2.1:5060";
const B: &str = "192.0.2.2:5060";
const C: &str = "192.0.2.3:5060";

/// Registered at B, since A did not answer.
fn at_b(mode: &str, more: &[(&str, &str)]) -> Bench {
    let mut bench = Bench::three(mode, more);
    assert_eq!(bench.register(&[B, C]), B);
    bench.changes();
    bench
}

#[test]
fn default_starts_from_the_first_with_each_registration() {
    let mut bench = at_b("default", &[]);
    // Not within the minute in which it failed.
    bench.pass(secs(59));
    assert_eq!(shown(bench.locator.begin(bench.now)), B);
    bench.register_answered();
    bench.pass(secs(1));
    assert_eq!(shown(bench.locator.begin(bench.now)), A);
    // Calls do not wait for what may be dead.
    assert_eq!(bench.calls(), B);
    bench.call_answered();
    assert_eq!((bench.calls().as_str(), bench.registers().as_str()), (B, A));
    assert_eq!(to(&bench.register_fails()), B);
    bench.register_answered();
    assert_eq!(bench.changes(), []);
    // Back.
    bench.pass(secs(60));
    assert_eq!(bench.register(&[A, B]), A);
    assert_eq!((bench.calls().as_str(), bench.changes()), (A, vec![Change::FailedBack]));
    assert_eq!(bench.locator.state().why, Why::First);
}

#[test]
fn a_call_that_fails_while_another_is_on_trial_goes_there() {
    let mut bench = at_b("default", &[]);
    bench.pass(secs(60));
    bench.locator.begin(bench.now);
    assert_eq!(to(&bench.call_fails()), A);
    assert_eq!((bench.calls().as_str(), bench.registers().as_str()), (A, A));
    assert_eq!(to(&bench.register_fails()), C);
    assert_eq!(to(&bench.call_fails()), "exhausted");
}

#[test]
fn slow_trials_reach_everyone_better_whatever_happens_meanwhile() {
    let mut bench = Bench::three("default", &[]);
    assert_eq!(bench.register(&[C]), C);
    bench.pass(secs(60));
    assert_eq!(shown(bench.locator.begin(bench.now)), A);
    assert_eq!(to(&bench.register_fails()), B);
    // Long enough for A not to be put back any more; calls are answered, and somebody begins again.
    bench.pass(secs(90));
    bench.call_answered();
    assert_eq!(shown(bench.locator.begin(bench.now)), B);
    assert_eq!(to(&bench.register_fails()), C);
}

#[test]
fn until_ttl_keeps_the_saved_one_until_the_records_run_out() {
    let mut bench = at_b("until_ttl", &[]);
    for _ in 0..5 {
        bench.pass(secs(119));
        assert_eq!(bench.register(&[A, B]), B);
        bench.call_answered();
    }
    bench.pass(secs(5));
    // Calls alone do not make it last.
    bench.call_answered();
    assert_eq!(shown(bench.locator.begin(bench.now)), A);
    assert_eq!(to(&bench.register_fails()), B);
    bench.register_answered();
    // Saved anew, for another TTL.
    bench.pass(secs(590));
    assert_eq!(bench.register(&[A, B]), B);
    bench.pass(secs(20));
    assert_eq!(bench.register(&[A, B]), A);
}

#[test]
fn until_ttl_starts_with_the_saved_one_and_goes_on_with_the_first() {
    let mut bench = at_b("until_ttl", &[]);
    bench.pass(secs(120));
    assert_eq!(shown(bench.locator.begin(bench.now)), B);
    assert_eq!(to(&bench.register_fails()), A);
}

#[test]
fn until_no_response_keeps_the_saved_one_beyond_its_ttl() {
    let mut bench = at_b("until_no_response", &[]);
    for _ in 0..20 {
        bench.pass(secs(1000));
        assert_eq!(bench.register(&[A, B]), B);
    }
    assert_eq!(bench.changes(), []);
    // Even when the DNS does not know it any more.
    bench.zone.insert(srv("_sip._udp.pbx.example"), services(600, &["1 0 5060 a.x"]));
    bench.pass(secs(1000));
    assert_eq!((bench.register(&[A, B]).as_str(), bench.all().len()), (B, 2));
    // Until it does not answer.
    assert_eq!(bench.register(&[A]), A);
    assert_eq!(bench.changes(), [Change::FailedOver]);
    bench.pass(secs(1000));
    assert_eq!(bench.all(), [A]);
}

#[test]
fn failback_timer_keeps_the_saved_one_until_it_ends() {
    let mut bench = at_b("failback_timer", &[("network.failbacktimer", "30")]);
    assert_eq!(bench.locator.state().failback_at, Some(bench.now + 30 * MINUTE));
    for _ in 0..29 {
        bench.pass(MINUTE);
        assert_eq!(bench.register(&[A, B]), B);
    }
    assert_eq!(bench.changes(), []);
    bench.pass(MINUTE);
    assert_eq!(bench.changes(), [Change::FailbackDue]);
    assert_eq!((bench.calls().as_str(), bench.registers().as_str()), (B, A));
    // Still dead: the timer runs again.
    assert_eq!(bench.register(&[B, C]), B);
    bench.pass(29 * MINUTE);
    assert_eq!((bench.register(&[A, B]).as_str(), bench.changes()), (B, vec![]));
    bench.pass(MINUTE);
    assert_eq!(bench.register(&[A, B]), A);
    assert_eq!(bench.changes(), [Change::FailbackDue, Change::FailedBack]);
    assert_eq!(bench.locator.state().failback_at, None);
}

#[test]
fn the_failback_timer_begins_with_each_failover() {
    let mut bench = at_b("failback_timer", &[("network.failbacktimer", "30")]);
    bench.pass(20 * MINUTE);
    assert_eq!(to(&bench.call_fails()), A, "the first of those that may live");
    assert_eq!(bench.register(&[C]), C);
    assert_eq!(bench.locator.state().failback_at, Some(bench.now + 30 * MINUTE));
}

fn two_servers(mode: &str, more: &[(&str, &str)]) -> Bench {
    let mut pairs = vec![("sip.server.1.address", "192.0.2.1"), ("sip.server.2.address", "192.0.2.2")];
    pairs.extend([("network.failbacktimer", "10"), ("network.dnssrvfailovermode", mode)]);
    pairs.extend(more);
    let mut bench = Bench::new(&pairs).started();
    assert_eq!(bench.register(&[B]), B);
    bench.changes();
    bench
}

#[test]
fn the_second_server_is_kept_until_the_failback_timer_ends_in_every_mode() {
    for mode in ["default", "until_ttl", "until_no_response", "failback_timer"] {
        let mut bench = two_servers(mode, &[]);
        for _ in 0..9 {
            bench.pass(MINUTE);
            assert_eq!((bench.register(&[A, B]).as_str(), bench.registers().as_str()), (B, B), "{mode}");
        }
        bench.pass(MINUTE);
        assert_eq!((bench.changes(), bench.registers().as_str()), (vec![Change::FailbackDue], A), "{mode}");
        assert_eq!(bench.register(&[B]), B, "{mode}");
        bench.pass(10 * MINUTE);
        assert_eq!(bench.register(&[A, B]), A, "{mode}");
        assert_eq!(bench.changes(), [Change::FailbackDue, Change::FailedBack], "{mode}");
        bench.pass(100 * MINUTE);
        assert_eq!((bench.changes(), bench.locator.poll_timeout()), (vec![], None), "{mode}");
    }
}

#[test]
fn the_first_server_is_turned_to_before_its_time_if_the_second_fails() {
    let mut bench = two_servers("default", &[]);
    bench.pass(2 * MINUTE);
    assert_eq!(to(&bench.call_fails()), A);
    assert_eq!(bench.register(&[A]), A);
    assert_eq!((bench.changes(), bench.locator.poll_timeout()), (vec![Change::FailedOver], None));
}

#[test]
fn without_registrations_requests_go_back_by_themselves() {
    let mut bench = two_servers("default", &[("sip.registration", "no")]);
    bench.pass(10 * MINUTE);
    assert_eq!((bench.changes(), bench.calls().as_str()), (vec![Change::FailedBack], A));
    assert_eq!(to(&bench.call_fails()), B);
    bench.call_answered();
    bench.pass(10 * MINUTE);
    assert_eq!(bench.calls(), A);

    let mut bench = at_b("default", &[("sip.registration", "no"), ("network.dnssrvregisterbeforefailover", "yes")]);
    bench.pass(60 * MINUTE);
    assert_eq!(bench.calls(), A);
    assert_eq!(to(&bench.call_fails()), B);
}

#[test]
fn a_first_server_whose_name_comes_back_is_returned_to() {
    let mut bench = Bench::new(&[
        ("sip.server.1.address", "one.example"),
        ("sip.server.2.address", "192.0.2.2"),
        ("network.failbacktimer", "10"),
    ])
    .started();
    assert_eq!(bench.register(&[B]), B);
    bench.zone.insert(a("one.example"), addresses(600, &["192.0.2.1"]));
    bench.pass(9 * MINUTE);
    assert_eq!((bench.register(&[A, B]).as_str(), bench.all().len()), (B, 2));
    bench.pass(2 * MINUTE);
    assert_eq!(bench.register(&[A, B]), A);
}
