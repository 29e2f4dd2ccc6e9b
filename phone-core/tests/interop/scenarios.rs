//! SIPp: what few programs do, written down in `tests/interop/sip/sipp`.

use std::thread::sleep;
use std::time::Duration;

use phone_core::sip::call::{EndedBy, Stage};
use phone_core::{Command, PhoneEvent};

use crate::ours::Ours;
use crate::peers::{Kamailio, Sipp};
use crate::{PROXY, USERS, enter};

const SIPP: &str = "127.0.0.31:5060";
const PHONE: &str = "127.0.0.1:5110";

/// Our phone with SIPp as its server, without a registration.
fn phone(more: &[(&str, &str)]) -> Ours {
    let settings: Vec<(&str, &str)> = more.iter().copied().chain([("sip.registration", "no")]).collect();
    let mut phone = Ours::start("1001", SIPP, 5110, &settings);
    phone.event("it is ready", |event| *event == PhoneEvent::SetupCompleted);
    phone
}

/// SIPp calls the phone.
fn calls(scenario: &str, keys: &[&str]) -> Sipp {
    let keys: Vec<&str> = ["-s", "1001"].iter().chain(keys).copied().collect();
    Sipp::uac(scenario, SIPP, PHONE, &keys)
}

#[test]
fn uas() {
    enter!("uas", ["sipp"]);
    let sipp = Sipp::uas("uas", SIPP, &[]);
    let mut phone = phone(&[("dtmf.send", "info")]);
    let call = phone.dial("1003");
    phone.wait_up(call);
    phone.hold(call);
    phone.resume(call);
    phone.command(Command::Digit { call, digit: '5' });
    phone.hang_up(call);
    let messages = sipp.finish();
    assert!(messages.contains("a=sendonly") && messages.contains("a=sendrecv"), "{messages}");
    assert!(messages.contains("INFO sip:") && messages.contains("Signal=5"), "{messages}");
    phone.wait_idle();
}

#[test]
fn uas_is_cancelled() {
    enter!("uas_is_cancelled", ["sipp"]);
    let sipp = Sipp::uas("uas_ringing", SIPP, &[]);
    let mut phone = phone(&[]);
    let call = phone.dial("1003");
    phone.wait_call(call, "it rings", |call| (call.stage == Stage::Ringing).then_some(()));
    phone.hang_up(call);
    sipp.finish();
    phone.wait_idle();
}

#[test]
fn uas_busy() {
    enter!("uas_busy", ["sipp"]);
    let sipp = Sipp::uas("uas_busy", SIPP, &[]);
    let mut phone = phone(&[]);
    let call = phone.dial("1003");
    assert_eq!(phone.wait_ended(call), (EndedBy::Them, 486));
    sipp.finish();
}

#[test]
fn uas_100rel() {
    enter!("uas_100rel", ["sipp"]);
    let sipp = Sipp::uas("uas_100rel", SIPP, &[]);
    let mut phone = phone(&[("sip.header.100rel", "yes")]);
    let call = phone.dial("1003");
    phone.wait_up(call);
    phone.hang_up(call);
    assert!(sipp.finish().contains("RAck: "));
}

#[test]
fn uas_auth() {
    enter!("uas_auth", ["sipp"]);
    for scenario in ["uas_auth", "uas_auth_401"] {
        let realm = ["-key", "realm", "hotel", "-key", "user", "1001", "-key", "password", "pw1001"];
        let sipp = Sipp::uas(scenario, SIPP, &realm);
        let mut phone = phone(&[]);
        let call = phone.dial("1003");
        phone.wait_up(call);
        phone.hang_up(call);
        sipp.finish();
    }
}

#[test]
fn uas_fork() {
    enter!("uas_fork", ["sipp"]);
    let sipp = Sipp::uas("uas_fork", SIPP, &[]);
    let mut phone = phone(&[]);
    let call = phone.dial("1003");
    phone.wait_up(call);
    phone.hang_up(call);
    sipp.finish();
}

#[test]
fn uas_fork_two() {
    enter!("uas_fork_two", ["sipp"]);
    let sipp = Sipp::uas("uas_fork_two", SIPP, &[]);
    let mut phone = phone(&[]);
    let call = phone.dial("1003");
    phone.wait_up(call);
    sleep(Duration::from_millis(500));
    phone.hang_up(call);
    sipp.finish();
    phone.wait_idle();
}

#[test]
fn uas_redirect() {
    enter!("uas_redirect", ["sipp"]);
    let target = Sipp::uas("uas", "127.0.0.32:5060", &[]);
    let sipp = Sipp::uas("uas_redirect", SIPP, &["-key", "target", "sip:1009@127.0.0.32:5060"]);
    let mut phone = phone(&[]);
    let call = phone.dial("1003");
    phone.wait_up(call);
    sipp.finish();
    phone.hang_up(call);
    assert!(target.finish().contains("INVITE sip:1009@127.0.0.32:5060 SIP/2.0"));
}

#[test]
fn uas_session_timer() {
    enter!("uas_session_timer", ["sipp"]);
    let sipp = Sipp::uas("uas_session_timer", SIPP, &[]);
    let timer = [
        ("sip.sessiontimer.enable", "yes"),
        ("sip.sessiontimer.requesttimer.caller", "yes"),
        ("sip.sessiontimer.expiration", "90"),
    ];
    let mut phone = phone(&timer);
    let call = phone.dial("1003");
    phone.wait_up(call);
    phone.hang_up(call);
    assert!(sipp.finish().contains("Session-Expires: 120"));
}

/// The phone answers; SIPp does the rest, and ends.
fn answered(scenario: &str, settings: &[(&str, &str)]) -> (Ours, String) {
    let mut phone = phone(settings);
    let sipp = calls(scenario, &[]);
    let call = phone.answer();
    let messages = sipp.finish();
    assert_eq!(phone.wait_ended(call).0, EndedBy::Them);
    phone.wait_idle();
    (phone, messages)
}

#[test]
fn uac() {
    enter!("uac", ["sipp"]);
    let mut phone = phone(&[]);
    let sipp = calls("uac", &[]);
    let call = phone.answer();
    phone.wait_held(call, false, true);
    phone.wait_held(call, false, false);
    phone.wait_ended(call);
    let messages = sipp.finish();
    assert!(messages.contains("a=recvonly"), "{messages}");
}

#[test]
fn uac_2543hold() {
    enter!("uac_2543hold", ["sipp"]);
    let mut phone = phone(&[]);
    let sipp = calls("uac_2543hold", &[]);
    let call = phone.answer();
    phone.wait_held(call, false, true);
    phone.wait_held(call, false, false);
    phone.wait_ended(call);
    sipp.finish();
}

#[test]
fn uac_100rel() {
    enter!("uac_100rel", ["sipp"]);
    let (_, messages) = answered("uac_100rel", &[("sip.header.100rel", "yes")]);
    assert!(messages.contains("RSeq: "), "{messages}");
}

#[test]
fn uac_update() {
    enter!("uac_update", ["sipp"]);
    answered("uac_update", &[("sip.sessiontimer.enable", "yes")]);
}

#[test]
fn uac_late_offer() {
    enter!("uac_late_offer", ["sipp"]);
    answered("uac_late_offer", &[]);
}

#[test]
fn uac_replaces() {
    enter!("uac_replaces", ["sipp"]);
    let mut phone = phone(&[]);
    let first = Sipp::uas("uas", SIPP, &[]);
    let call = phone.dial("1003");
    phone.wait_up(call);
    let messages = first.messages();
    let value = |name: &str, answer: bool| {
        let from = if answer { messages.find("SIP/2.0 200 OK").unwrap() } else { 0 };
        let line = messages[from..].lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit([':', '=']).next().unwrap().trim().to_owned()
    };
    let call_id = messages.lines().find_map(|line| line.strip_prefix("Call-ID: ")).unwrap().trim().to_owned();
    let replaces = format!("{call_id};to-tag={};from-tag={}", value("From:", false), value("To:", true));
    let third = Sipp::uac("uac_replaces", "127.0.0.32:5060", PHONE, &["-s", "1001", "-key", "replaces", &replaces]);
    assert_eq!(phone.wait_ended(call).0, EndedBy::Us);
    first.finish();
    let up = phone.state().calls;
    assert_eq!(up.len(), 1, "{up:?}");
    third.finish();
    phone.wait_idle();
}

#[test]
fn uac_cancel() {
    enter!("uac_cancel", ["sipp"]);
    let mut phone = phone(&[]);
    let sipp = calls("uac_cancel", &[]);
    phone.event("a call is missed", |event| matches!(event, PhoneEvent::MissedCall(info) if info.number == "sipp"));
    sipp.finish();
    phone.wait_idle();
}

#[test]
fn uac_options() {
    enter!("uac_options", ["sipp"]);
    let _phone = phone(&[]);
    let messages = calls("uac_options", &[]).finish();
    let answer = &messages[messages.find("SIP/2.0 200").unwrap()..];
    for header in ["Allow: ", "Accept: ", "Supported: "] {
        assert!(answer.contains(header), "{header}: {answer}");
    }
}

#[test]
fn uac_refer_unsolicited() {
    enter!("uac_refer_unsolicited", ["sipp"]);
    let target = ["-key", "target", "sip:1009@127.0.0.32:5060"];
    for (policy, status) in [("disabled", "403"), ("force_auth", "401"), ("enabled", "202")] {
        let mut phone = phone(&[("sip.allowunsolicitedrefer", policy)]);
        let third = Sipp::uas("uas", "127.0.0.32:5060", &[]);
        let messages = calls("uac_refer_unsolicited", &target).finish();
        assert!(messages.contains(&format!("SIP/2.0 {status} ")), "{policy}: {messages}");
        let calls = phone.state().calls;
        assert_eq!(calls.len(), usize::from(policy == "enabled"), "{policy}: {calls:?}");
        if let [call] = &calls[..] {
            phone.wait_up(call.id);
            phone.hang_up(call.id);
            third.finish();
        }
    }
}

#[test]
fn uac_alert_info() {
    enter!("uac_alert_info", ["sipp"]);
    let mut phone = phone(&[]);
    let sipp = calls("uac_alert_info", &[]);
    phone.event("it answers by itself", |event| matches!(event, PhoneEvent::EstablishedCall(_)));
    assert!(phone.state().speaker);
    sipp.finish();
    phone.wait_idle();
    // Where that is not wanted it rings.
    drop(phone);
    answered("uac_alert_info", &[("intercom.allowautoanswer", "no")]);
}

#[test]
fn uac_anonymous() {
    enter!("uac_anonymous", ["sipp"]);
    let mut phone = phone(&[]);
    let sipp = calls("uac_anonymous", &[]);
    let call = phone.answer();
    assert!(phone.wait_up(call).peer.anonymous);
    sipp.finish();
    phone.wait_idle();
    drop(phone);
    let mut phone = self::phone(&[("call.rejectanonymouscall", "yes")]);
    let messages = calls("uac_anonymous", &[]).finish();
    assert!(messages.contains("SIP/2.0 433 "), "{messages}");
    phone.event("it is turned away", |event| matches!(event, PhoneEvent::RejectedCall { code: 433, .. }));
}

/// The server's own address: what the phone is told by others it does not believe.
#[test]
fn notify() {
    enter!("notify", ["kamailio", "sipp"]);
    let _kamailio = Kamailio::start(PROXY, &[], &USERS);
    let mut phone = Ours::registered("1001", PROXY, 5110, &[]);
    let keys = ["-s", "1001", "-key", "waiting", "yes", "-key", "new", "2", "-key", "old", "8"];
    Sipp::uac("notify_mwi", "127.0.0.2:5090", PHONE, &keys).finish();
    let messages = phone.wait("messages wait", |state| Some(state.accounts[0].messages).filter(|m| m.waiting));
    assert_eq!((messages.new, messages.old), (2, 8));
    Sipp::uac("notify_check_sync", "127.0.0.2:5090", PHONE, &["-s", "1001"]).finish();
    let news = PhoneEvent::CheckSync { account: 1, reset: false, reboot: false };
    phone.event("it looks for news", |event| *event == news);
    let stranger = std::panic::catch_unwind(|| {
        Sipp::uac("notify_check_sync", "127.0.0.31:5060", PHONE, &["-s", "1001", "-timeout", "5s"]).finish()
    });
    assert!(stranger.is_err(), "403");
    assert!(!phone.drain().contains(&news));
}
