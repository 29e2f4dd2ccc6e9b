//! Calls that come: how they ring, and when the phone answers by itself.

use phone_core::{Command, Tone};

use super::bench::{Bench, SERVER, bench};

const ALERT: &str = "Alert-Info: <http://pbx.example>;info=alert-autoanswer\r\n";

/// Statuses of a call's answers after a second, and the phone.
fn rings(pairs: &[(&str, &str)], headers: &str) -> (Vec<u16>, Bench) {
    let mut bench = bench(pairs);
    let leg = bench.call_in(headers);
    bench.run(1000);
    (leg.statuses(&bench), bench)
}

fn statuses(pairs: &[(&str, &str)], headers: &str) -> Vec<u16> {
    rings(pairs, headers).0
}

#[test]
fn anonymous_calls_are_refused_if_so_set() {
    let call = |value| {
        let mut bench = bench(&[("account.1.call.rejectanonymouscall", value)]);
        let from = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";
        let hidden = bench.call_in_as(from, "sip:1001@192.0.2.55:5060", SERVER, "Privacy: id\r\n").statuses(&bench);
        let shown = bench.call_in("").statuses(&bench);
        (hidden, shown)
    };
    assert_eq!(call("no").0, [180]);
    assert_eq!(call("yes"), (vec![433], vec![180]));
}

/// Answers of a second call while somebody talks.
fn second(pairs: &[(&str, &str)]) -> (Vec<u16>, Bench) {
    let mut bench = bench(pairs);
    bench.dial("200");
    let leg = bench.call_in("");
    (leg.statuses(&bench), bench)
}

#[test]
fn the_account_s_call_waiting_comes_before_the_phone_s() {
    let account = |value| second(&[("account.1.call.callwaiting", value)]).0;
    assert_eq!([account("yes"), account("no"), account("default")], [[180], [486], [180]]);
    let phone_off = ("call.callwaiting.enable", "no");
    assert_eq!(second(&[phone_off, ("account.1.call.callwaiting", "yes")]).0, [180]);
    assert_eq!(second(&[phone_off, ("account.1.call.callwaiting", "default")]).0, [486]);
}

#[test]
fn call_waiting_of_the_phone_lets_a_second_call_in() {
    assert_eq!((second(&[]).0, second(&[("call.callwaiting.enable", "no")]).0), (vec![180], vec![486]));
}

#[test]
fn a_call_that_waits_is_heard_unless_that_is_off() {
    assert_eq!(second(&[]).1.tone(), Tone::CallWaiting);
    assert_eq!(second(&[("call.callwaiting.enabletone", "no")]).1.tone(), Tone::None);
}

#[test]
fn a_call_rings_as_long_as_set() {
    let given_up = |pairs: &[(&str, &str)]| {
        let mut bench = bench(pairs);
        let leg = bench.call_in("");
        let start = bench.now;
        bench.run_s(200);
        assert_eq!(leg.answer(&bench).status(), Some(480));
        let last = bench.sent.iter().rfind(|sent| sent.message.as_ref().is_some_and(|m| m.status() == Some(480)));
        last.unwrap().at.saturating_since(start).as_secs()
    };
    assert!((59..=60).contains(&given_up(&[])));
    assert!((119..=120).contains(&given_up(&[("account.1.ring.timeout", "120")])));
}

#[test]
fn calls_are_answered_by_the_phone_if_so_set() {
    assert_eq!(statuses(&[], ""), [180]);
    let mut bench = bench(&[("account.1.call.autoanswer", "yes")]);
    let leg = bench.call_in("");
    assert_eq!(leg.statuses(&bench), [180, 200]);
    assert!(bench.phone.state().speaker);
    assert_eq!(bench.tone(), Tone::Warning, "after a beep");
}

#[test]
fn only_callers_of_the_list_are_answered_by_the_phone() {
    let list =
        |numbers| statuses(&[("account.1.call.autoanswer", "yes"), ("account.1.call.autoanswernumber", numbers)], "");
    assert_eq!([list("2001,2002"), list("")], [[180, 200], [180, 200]]);
    assert_eq!(list("2003"), [180]);
}

#[test]
fn the_phone_waits_before_it_answers_as_set() {
    let pairs = [("account.1.call.autoanswer", "yes"), ("call.autoanswerdelay.value", "5")];
    let mut bench = bench(&pairs);
    let leg = bench.call_in("");
    bench.run_s(4);
    assert_eq!(leg.statuses(&bench), [180]);
    bench.run_s(2);
    assert_eq!(leg.statuses(&bench), [180, 200]);
}

#[test]
fn headers_may_ask_for_an_answer_unless_that_is_off() {
    let off = [("account.1.intercom.allowautoanswer", "no")];
    for header in [ALERT, "Call-Info: <sip:pbx.example>;answer-after=0\r\n"] {
        assert_eq!(statuses(&[], header), [180, 200]);
        assert_eq!(statuses(&off, header), [180]);
    }
}

#[test]
fn the_hotel_s_own_text_is_then_the_only_one() {
    let own = [("account.1.intercom.customcallinfoforautoanswer", "front desk")];
    let alert = "Alert-Info: <http://pbx.example>;info=\"front desk\"\r\n";
    assert_eq!((statuses(&own, alert), statuses(&[], alert)), (vec![180, 200], vec![180]));
    assert_eq!(statuses(&own, ALERT), [180]);
}

#[test]
fn the_phone_warns_before_an_intercom_call_unless_that_is_off() {
    let tone = |pairs: &[(&str, &str)]| {
        let mut bench = bench(pairs);
        bench.call_in(ALERT);
        bench.run(500);
        let first = bench.tone();
        bench.run_s(2);
        assert_eq!(bench.tone(), Tone::None);
        first
    };
    assert_eq!(tone(&[]), Tone::Warning);
    assert_eq!(tone(&[("account.1.intercom.playwarningtoneforautoanswer", "no")]), Tone::None);
}

#[test]
fn intercom_calls_are_answered_muted_if_so_set() {
    let muted = |value| rings(&[("account.1.intercom.muteonanswerintercom", value)], ALERT).1.phone.state().muted;
    assert!(!muted("no") && muted("yes"));
}

#[test]
fn an_intercom_call_barges_in_if_so_set() {
    let held = |value| {
        let mut bench = bench(&[("account.1.intercom.allowbargingbycallinfo", value)]);
        bench.dial("200");
        let leg = bench.call_in(ALERT);
        bench.run(500);
        (bench.calls()[0].held, leg.statuses(&bench))
    };
    assert_eq!(held("no"), (false, vec![180]));
    assert_eq!(held("yes"), (true, vec![180, 200]));
}

fn ringtone(pairs: &[(&str, &str)], headers: &str) -> Option<String> {
    let mut bench = bench(pairs);
    bench.call_in(headers);
    bench.phone.state().ringing
}

#[test]
fn the_account_has_a_ringtone() {
    assert_eq!(ringtone(&[], "").as_deref(), Some("system"));
    assert_eq!(ringtone(&[("account.1.ring.ringtone", "ring4")], "").as_deref(), Some("ring4"));
}

#[test]
fn alert_info_names_the_ringtone_unless_it_is_ignored() {
    let alert = "Alert-Info: <http://pbx.example>;info=ring3\r\n";
    assert_eq!(ringtone(&[], alert).as_deref(), Some("ring3"));
    assert_eq!(ringtone(&[("account.1.ring.ignoresipalertinfo", "yes")], alert).as_deref(), Some("system"));
}

#[test]
fn some_callers_have_their_ringtone() {
    let rules = |rules| ringtone(&[("account.1.ring.match", rules)], "");
    assert_eq!(rules("2002=ring5").as_deref(), Some("ring5"));
    assert_eq!(rules("20xx=ring6").as_deref(), Some("ring6"));
    assert_eq!(rules("3002=ring5").as_deref(), Some("system"));
}

#[test]
fn calls_by_address_have_a_ringtone_of_their_own() {
    let tone = |pairs: &[(&str, &str)]| {
        let mut bench = bench(pairs);
        bench.call_in_as("<sip:room102@198.51.100.7>", "sip:1001@192.0.2.55:5060", "198.51.100.7:5060", "");
        bench.phone.state().ringing
    };
    assert_eq!(tone(&[]).as_deref(), Some("ring3"));
    assert_eq!(tone(&[("call.ipcall.ringtone", "doorbell")]).as_deref(), Some("doorbell"));
}

#[test]
fn calls_by_address_are_refused_if_they_are_off() {
    let call = |value| {
        let mut bench = bench(&[("call.ipcall.enable", value)]);
        let from = "<sip:room102@198.51.100.7>";
        bench.call_in_as(from, "sip:1001@192.0.2.55:5060", "198.51.100.7:5060", "").statuses(&bench)
    };
    assert_eq!((call("yes"), call("no")), (vec![180], vec![403]));
}

#[test]
fn refusing_a_call_needs_no_setting() {
    let mut bench = bench(&[]);
    let leg = bench.call_in("");
    let call = bench.calls()[0].id;
    bench.command(Command::Reject(call, 603));
    assert_eq!(leg.statuses(&bench), [180, 603]);
}
