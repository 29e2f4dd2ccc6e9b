//! Session timers (RFC 4028).

use phone_core::sip::message::{Message, Method, Name};
use phone_core::{HookSwitch, PhoneEvent};

use super::bench::{Bench, bench};

const ON: (&str, &str) = ("account.1.sip.sessiontimer.enable", "yes");
const CALLER: (&str, &str) = ("account.1.sip.sessiontimer.requesttimer.caller", "yes");
const CALLEE: (&str, &str) = ("account.1.sip.sessiontimer.requesttimer.callee", "yes");

fn invite(pairs: &[(&str, &str)]) -> Message {
    let mut bench = bench(pairs);
    bench.dial("200");
    bench.last(&Method::Invite)
}

fn asks(pairs: &[(&str, &str)]) -> Option<String> {
    invite(pairs).header(Name::SessionExpires).map(str::to_owned)
}

/// The 200 to a call that comes.
fn takes(pairs: &[(&str, &str)], headers: &str) -> Message {
    let mut bench = bench(pairs);
    let leg = bench.call_in(headers);
    bench.hook(HookSwitch::Off);
    leg.answer(&bench)
}

fn grants(pairs: &[(&str, &str)], headers: &str) -> Option<String> {
    takes(pairs, headers).header(Name::SessionExpires).map(str::to_owned)
}

#[test]
fn timers_are_spoken_of_only_if_switched_on() {
    let supports = |pairs: &[(&str, &str)]| invite(pairs).tokens(Name::Supported).any(|tag| tag == "timer");
    assert!(!supports(&[CALLER]) && supports(&[ON]));
    assert_eq!(asks(&[CALLER]), None);
    let asked = "Supported: timer\r\nSession-Expires: 300\r\n";
    assert_eq!((grants(&[], asked), grants(&[ON], asked).is_some()), (None, true));
}

#[test]
fn the_caller_asks_if_so_set() {
    assert_eq!((asks(&[ON]), asks(&[ON, CALLER]).as_deref()), (None, Some("180;refresher=uac")));
}

#[test]
fn the_expiration_is_as_set() {
    let expiration = ("account.1.sip.sessiontimer.expiration", "600");
    assert_eq!(asks(&[ON, CALLER, expiration]).as_deref(), Some("600;refresher=uac"));
}

#[test]
fn the_called_asks_if_so_set() {
    let supported = "Supported: timer\r\n";
    assert_eq!(grants(&[ON], supported), None);
    assert_eq!(grants(&[ON, CALLEE], supported).as_deref(), Some("180;refresher=uac"));
}

#[test]
fn the_shortest_expiration_is_said_and_held_to() {
    let least = ("account.1.sip.minimumse", "150");
    assert_eq!(invite(&[ON]).header(Name::MinSe), Some("90"));
    assert_eq!(invite(&[ON, least]).header(Name::MinSe), Some("150"));
    let short = "Supported: timer\r\nSession-Expires: 120\r\n";
    assert_eq!(takes(&[ON], short).status(), Some(200));
    let refusal = takes(&[ON, least], short);
    assert_eq!((refusal.status(), refusal.header(Name::MinSe)), (Some(422), Some("150")));
}

#[test]
fn the_timer_runs_against_others_who_know_nothing_of_it_if_forced() {
    let force = ("account.1.sip.sessiontimer.force", "yes");
    assert_eq!((asks(&[ON]), asks(&[ON, force]).is_some()), (None, true));
    assert_eq!(grants(&[ON, CALLEE], ""), None);
    assert_eq!(grants(&[ON, force], "").as_deref(), Some("180;refresher=uas"));
    let refreshes = |pairs: &[(&str, &str)]| {
        let mut bench = bench(pairs);
        bench.dial("200");
        bench.run_s(100);
        bench.messages(&Method::Update).len()
    };
    assert_eq!((refreshes(&[ON, CALLER]), refreshes(&[ON, force])), (0, 1));
}

#[test]
fn the_refresher_of_calls_made_is_as_set() {
    let who = |value| asks(&[ON, CALLER, ("account.1.sip.sessiontimer.refresher.uacspecify", value)]).unwrap();
    assert_eq!([who("omit"), who("uac"), who("uas")], ["180", "180;refresher=uac", "180;refresher=uas"]);
}

#[test]
fn the_refresher_of_calls_taken_is_as_set() {
    let who = |value| {
        let pairs = [ON, ("account.1.sip.sessiontimer.refresher.uasspecify", value)];
        grants(&pairs, "Supported: timer\r\nSession-Expires: 200\r\n").unwrap()
    };
    assert_eq!([who("uac"), who("uas")], ["200;refresher=uac", "200;refresher=uas"]);
}

/// A call the phone refreshes: the other end grants what it asked for.
fn refreshed(pairs: &[(&str, &str)]) -> Bench {
    let mut bench = bench(&[&[ON, CALLER], pairs].concat());
    bench.server.invite_headers = vec![(Name::SessionExpires, "180;refresher=uac".to_owned())];
    bench.dial("200");
    bench.run_s(100);
    bench
}

#[test]
fn refreshes_are_invites_if_so_forced() {
    let methods = |bench: &Bench| (bench.messages(&Method::Update).len(), bench.messages(&Method::Invite).len() - 1);
    assert_eq!(methods(&refreshed(&[])), (1, 0));
    assert_eq!(methods(&refreshed(&[("account.1.sip.sessiontimer.forceinvite", "yes")])), (0, 1));
}

#[test]
fn a_call_nobody_refreshes_ends() {
    let mut bench = bench(&[ON, CALLER]);
    bench.server.invite_headers = vec![(Name::SessionExpires, "180;refresher=uas".to_owned())];
    bench.dial("200");
    bench.news();
    bench.run_s(181);
    assert!(bench.news().iter().any(|event| matches!(event, PhoneEvent::TerminatedCall { .. })));
}
