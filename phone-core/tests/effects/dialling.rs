//! From the handset and the keypad to a number.

use phone_core::HookSwitch::Off;
use phone_core::sip::message::Method;
use phone_core::{Input, Key, Tone};

use super::bench::{Bench, bench};

fn called(bench: &Bench) -> Vec<String> {
    bench.messages(&Method::Invite).iter().map(|invite| invite.request_uri().unwrap().user.unwrap()).collect()
}

fn lifted(pairs: &[(&str, &str)]) -> Bench {
    let mut bench = bench(pairs);
    bench.hook(Off);
    bench
}

#[test]
fn the_send_key_is_the_one_set() {
    let after = |value, keys| {
        let mut bench = lifted(&[("account.1.call.keyassend", value)]);
        bench.keys(keys);
        bench.run(50);
        called(&bench)
    };
    assert_eq!(after("pound", "200#"), ["200"]);
    assert_eq!(after("star", "200*"), ["200"]);
    assert!(after("pound", "200*").is_empty() && after("star", "200#").is_empty());
    assert!(after("disabled", "200#").is_empty() && after("disabled", "200*").is_empty());
}

#[test]
fn a_number_is_sent_after_the_wait() {
    let seconds = |pairs: &[(&str, &str)]| {
        let mut bench = lifted(pairs);
        bench.keys("200");
        let start = bench.now;
        bench.run_s(20);
        bench.times(&Method::Invite, start)[0] as u64
    };
    assert_eq!((seconds(&[]), seconds(&[("account.1.call.nokeyentrytimeout", "9")])), (4, 9));
}

#[test]
fn a_number_is_dialled_when_the_handset_is_lifted_if_so_set() {
    assert!(called(&lifted(&[])).is_empty());
    assert_eq!(called(&lifted(&[("call.dial.offhook.autodial.number", "0")])), ["0"]);
}

#[test]
fn the_automatic_number_waits_as_set() {
    let mut bench = lifted(&[("call.dial.offhook.autodial.number", "0"), ("call.dial.offhook.autodial.delay", "6")]);
    bench.run_s(5);
    assert!(called(&bench).is_empty());
    bench.run_s(2);
    assert_eq!(called(&bench), ["0"]);
}

#[test]
fn an_open_phone_without_a_digit_goes_back_to_idle() {
    let idle = |pairs: &[(&str, &str)], seconds| {
        let mut bench = lifted(pairs);
        bench.run_s(seconds);
        bench.tone() == Tone::Reorder
    };
    assert!(!idle(&[], 29) && idle(&[], 31));
    assert!(idle(&[("call.dial.offhook.timeout", "10")], 11) && !idle(&[("call.dial.offhook.timeout", "60")], 31));
}

#[test]
fn a_call_interrupts_dialling_on_hook_unless_that_is_off() {
    let statuses = |pairs: &[(&str, &str)]| {
        let mut bench = bench(pairs);
        bench.keys("20");
        let leg = bench.call_in("");
        leg.statuses(&bench)
    };
    assert_eq!(statuses(&[]), [180]);
    assert_eq!(statuses(&[("call.dial.offhook.allowbarging", "no")]), [486]);
}

#[test]
fn the_mute_key_of_an_idle_phone_does_what_is_set() {
    // Whether the next call is refused, and whether it is answered muted.
    let pressed = |pairs: &[(&str, &str)]| {
        let mut bench = bench(pairs);
        bench.input(Input::Key(Key::Mute));
        let leg = bench.call_in("");
        let refused = leg.statuses(&bench) == [486];
        bench.hook(Off);
        (refused, bench.phone.state().muted)
    };
    assert_eq!(pressed(&[]), (true, false));
    assert_eq!(pressed(&[("keys.custom.mute.idle", "dnd")]), (true, false));
    assert_eq!(pressed(&[("keys.custom.mute.idle", "idle_mute")]), (false, true));
    assert_eq!(pressed(&[("keys.custom.mute.idle", "disabled")]), (false, false));
}
