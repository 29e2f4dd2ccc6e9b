//! baresip: calls, holding, transfer, SRTP, codecs.

use phone_core::sip::call::{EndedBy, Stage};
use phone_core::{Command, PhoneEvent};

use crate::ours::Ours;
use crate::peers::{self, Baresip, Kamailio};
use crate::{PROXY, USERS, assert_suite, enter, proxy};

fn proxy() -> Kamailio {
    Kamailio::start(PROXY, &["WITH_PROXY_AUTH"], &USERS)
}

/// 1002.
fn baresip(options: &[&str]) -> Baresip {
    Baresip::start("1002", "pw1002", PROXY, "127.0.0.1:5070", options)
}

#[test]
fn we_call_and_both_hold() {
    enter!("we_call_and_both_hold", ["kamailio", "baresip"]);
    let _proxy = proxy();
    let mut baresip = baresip(&[]);
    let mut phone = Ours::registered("1001", PROXY, 5110, &[("dtmf.send", "info")]);
    let call = phone.dial("1002");
    baresip.event("CALL_INCOMING");
    phone.wait_call(call, "it rings", |call| (call.stage == Stage::Ringing).then_some(()));
    baresip.command("accept", "");
    baresip.event("CALL_ESTABLISHED");
    phone.wait_up(call);
    both_hold(&mut phone, call, &mut baresip);
    phone.command(Command::Digit { call, digit: '5' });
    assert_eq!(baresip.event("CALL_DTMF_START")["param"], "5");
    phone.hang_up(call);
    baresip.event("CALL_CLOSED");
}

#[test]
fn it_calls_and_both_hold() {
    enter!("it_calls_and_both_hold", ["kamailio", "baresip"]);
    let _proxy = proxy();
    let mut baresip = baresip(&[]);
    let mut phone = Ours::registered("1001", PROXY, 5110, &[("sip.transport", "tcp")]);
    baresip.command("dial", "sip:1001@127.0.0.2");
    baresip.event("CALL_RINGING");
    let call = phone.answer();
    baresip.event("CALL_ESTABLISHED");
    both_hold(&mut phone, call, &mut baresip);
    baresip.command("hangup", "");
    assert_eq!(phone.wait_ended(call).0, EndedBy::Them);
}

fn both_hold(phone: &mut Ours, call: phone_core::sip::call::CallId, baresip: &mut Baresip) {
    phone.hold(call);
    assert!(baresip.log().contains("a=sendonly"));
    baresip.command("hold", "");
    phone.wait_held(call, true, true);
    phone.resume(call);
    phone.wait_held(call, false, true);
    baresip.command("resume", "");
    phone.wait_held(call, false, false);
    baresip.command("hold", "");
    phone.wait_held(call, false, true);
    baresip.command("resume", "");
    phone.wait_held(call, false, false);
}

#[test]
fn calls_are_refused_and_given_up() {
    enter!("calls_are_refused_and_given_up", ["kamailio", "baresip"]);
    let _proxy = proxy();
    let mut baresip = baresip(&[]);
    let mut phone = Ours::registered("1001", PROXY, 5110, &[]);
    // It declines.
    let call = phone.dial("1002");
    baresip.event("CALL_INCOMING");
    baresip.command("hangup", "");
    assert_eq!(phone.wait_ended(call), (EndedBy::Them, 486));
    baresip.event("CALL_CLOSED");
    // We give up.
    let call = phone.dial("1002");
    baresip.event("CALL_INCOMING");
    phone.hang_up(call);
    baresip.event("CALL_CLOSED");
    phone.wait_idle();
    // It gives up.
    baresip.command("dial", "sip:1001@127.0.0.2");
    let call = phone.incoming();
    baresip.event("CALL_RINGING");
    baresip.command("hangup", "");
    phone.event("a call is missed", |event| matches!(event, PhoneEvent::MissedCall(info) if info.call == call));
    baresip.event("CALL_CLOSED");
    phone.wait_idle();
    // We decline, and are busy.
    baresip.command("dial", "sip:1001@127.0.0.2");
    let call = phone.incoming();
    phone.command(Command::Reject(call, 603));
    assert_eq!(baresip.event("CALL_CLOSED")["param"], "603 Decline");
    phone.command(Command::DoNotDisturb(true));
    baresip.command("dial", "sip:1001@127.0.0.2");
    assert_eq!(baresip.event("CALL_CLOSED")["param"], "486 Busy Here");
    // Nobody there.
    let call = phone.dial("1003");
    assert_eq!(phone.wait_ended(call), (EndedBy::Them, 404));
}

#[test]
fn we_pass_it_on_unannounced() {
    enter!("we_pass_it_on_unannounced", ["kamailio", "baresip"]);
    let _proxy = proxy();
    let mut baresip = baresip(&["answer=auto"]);
    let mut third = Baresip::start("1003", "pw1003", PROXY, "127.0.0.1:5090", &["answer=auto"]);
    let mut phone = Ours::registered("1001", PROXY, 5110, &[]);
    let call = phone.dial("1002");
    phone.wait_up(call);
    baresip.event("CALL_ESTABLISHED");
    phone.command(Command::BlindTransfer { call, number: "1003".into() });
    baresip.event("TRANSFER");
    assert_eq!(third.event("CALL_ESTABLISHED")["peeruri"], "sip:1002@127.0.0.2");
    phone.event("it is passed on", |event| matches!(event, PhoneEvent::TransferCompleted(info) if info.call == call));
    phone.wait_idle();
}

#[test]
fn a_transfer_that_fails_leaves_the_call() {
    enter!("a_transfer_that_fails_leaves_the_call", ["kamailio", "baresip"]);
    let _proxy = proxy();
    let mut baresip = baresip(&["answer=auto"]);
    let mut phone = Ours::registered("1001", PROXY, 5110, &[]);
    let call = phone.dial("1002");
    phone.wait_up(call);
    baresip.event("CALL_ESTABLISHED");
    phone.command(Command::BlindTransfer { call, number: "1003".into() });
    phone.event(
        "it is not passed on",
        |event| matches!(event, PhoneEvent::TransferFailed { info, code: 404 } if info.call == call),
    );
    phone.wait_held(call, false, false);
    phone.hang_up(call);
}

#[test]
fn it_passes_us_on() {
    enter!("it_passes_us_on", ["kamailio", "baresip"]);
    let _proxy = proxy();
    let mut baresip = baresip(&["answer=auto"]);
    let mut third = Baresip::start("1003", "pw1003", PROXY, "127.0.0.1:5090", &["answer=auto"]);
    let mut phone = Ours::registered("1001", PROXY, 5110, &[]);
    let call = phone.dial("1002");
    phone.wait_up(call);
    baresip.event("CALL_ESTABLISHED");
    baresip.command("transfer", "sip:1003@127.0.0.2");
    assert_eq!(third.event("CALL_ESTABLISHED")["peeruri"], "sip:1001@127.0.0.2");
    assert_eq!(baresip.event("CALL_CLOSED")["param"], "Call transfered");
    phone.wait_ended(call);
    let left = phone.wait("the new call alone is up", |state| match &state.calls[..] {
        [call] if call.stage == Stage::Up => Some(call.clone()),
        _ => None,
    });
    assert_eq!((left.peer.number.as_str(), left.held), ("1003", false));
    phone.hang_up(left.id);
    third.event("CALL_CLOSED");
    // Nobody there: it is told so, and hangs up.
    let call = phone.dial("1002");
    phone.wait_up(call);
    baresip.event("CALL_ESTABLISHED");
    baresip.command("transfer", "sip:1004@127.0.0.2");
    assert_eq!(baresip.event("TRANSFER_FAILED")["param"], "404 Not Found");
    phone.wait_ended(call);
    phone.wait_idle();
}

#[test]
fn we_pass_it_on_after_asking() {
    enter!("we_pass_it_on_after_asking", ["kamailio", "baresip"]);
    let _proxy = proxy();
    let mut baresip = baresip(&["answer=auto"]);
    let mut third = Baresip::start("1003", "pw1003", PROXY, "127.0.0.1:5090", &["answer=auto"]);
    let mut phone = Ours::registered("1001", PROXY, 5110, &[]);
    let call = phone.dial("1002");
    phone.wait_up(call);
    let with = phone.dial("1003");
    phone.wait_up(with);
    phone.wait_held(call, true, false);
    third.event("CALL_ESTABLISHED");
    phone.command(Command::AttendedTransfer { call, with });
    baresip.event("TRANSFER");
    // It knows no Replaces: 1003 is called anew, and we end the call we had with it.
    assert_eq!(third.event("CALL_ESTABLISHED")["peeruri"], "sip:1002@127.0.0.2");
    phone.event("it is passed on", |event| matches!(event, PhoneEvent::TransferCompleted(_)));
    assert_eq!(third.event("CALL_CLOSED")["peeruri"], "sip:1001@127.0.0.2");
    phone.wait_idle();
}

/// Ours, its, whether a call of ours is encrypted, whether one of its is; `None`: there is no call.
const SRTP: [(&str, &str, Option<bool>, Option<bool>); 12] = [
    ("no", "none", Some(false), Some(false)),
    ("no", "optional", Some(false), Some(false)),
    ("no", "mandatory", None, None),
    ("enabled", "none", Some(false), Some(false)),
    ("enabled", "optional", Some(true), Some(true)),
    ("enabled", "mandatory", None, Some(true)),
    ("forced", "none", None, None),
    ("forced", "optional", Some(true), Some(true)),
    ("forced", "mandatory", Some(true), Some(true)),
    ("optional", "none", Some(false), Some(false)),
    ("optional", "optional", Some(false), Some(true)),
    ("optional", "mandatory", None, Some(true)),
];

#[test]
fn srtp_is_agreed() {
    enter!("srtp_is_agreed", ["kamailio", "baresip"]);
    let _proxy = proxy();
    for theirs in ["none", "optional", "mandatory"] {
        let srtp = format!("srtp={theirs}");
        let mut baresip = baresip(&["answer=auto", &srtp]);
        for (ours, _, out, back) in SRTP.iter().filter(|(_, its, ..)| *its == theirs) {
            let mut phone = Ours::registered("1001", PROXY, 5110, &[("audio.srtpmode", ours)]);
            let call = phone.dial("1002");
            let agreed = phone.up_or_over(call);
            let encrypted = agreed.as_ref().map(|call| call.srtp);
            assert_eq!(encrypted, *out, "{ours} calls {theirs}\n{}", baresip.log());
            if let Some(agreed) = agreed {
                assert_suite(&agreed, &baresip.log());
                phone.hang_up(call);
            }
            baresip.events();
            baresip.command("dial", "sip:1001@127.0.0.2");
            if back.is_some() {
                let call = phone.answer();
                let agreed = phone.wait_up(call);
                assert_eq!(Some(agreed.srtp), *back, "{ours} called by {theirs}\n{}", baresip.log());
                baresip.event("CALL_ESTABLISHED");
                assert_suite(&agreed, &baresip.log());
                phone.hang_up(call);
                baresip.event("CALL_CLOSED");
            } else {
                assert_eq!(baresip.event("CALL_CLOSED")["param"], "488 Not Acceptable Here", "{ours} {theirs}");
            }
        }
    }
}

#[test]
fn all_is_encrypted_all_the_way() {
    enter!("all_is_encrypted_all_the_way", ["kamailio", "baresip"]);
    let certificates = peers::certificates();
    let _proxy = proxy::kamailio(certificates.path(), "server", &["WITH_PROXY_AUTH"]);
    let registrar = format!("{};transport=tls", proxy::TLS);
    let mut baresip =
        Baresip::start("1002", "pw1002", &registrar, "127.0.0.1:5070", &["answer=auto", "srtp=mandatory"]);
    let settings = [("sip.transport", "tls"), ("audio.srtpmode", "forced")];
    let mut phone = Ours::registered("1001", proxy::TLS, 5110, &settings);
    let call = phone.dial("1002");
    let agreed = phone.wait_up(call);
    assert!(agreed.srtp, "{agreed:?}");
    baresip.event("CALL_ESTABLISHED");
    assert_suite(&agreed, &baresip.log());
    phone.hold(call);
    phone.resume(call);
    phone.hang_up(call);
    baresip.event("CALL_CLOSED");
    baresip.command("dial", "sip:1001@127.0.0.2:5061;transport=tls");
    let call = phone.answer();
    assert!(phone.wait_up(call).srtp);
    baresip.command("hangup", "");
    assert_eq!(phone.wait_ended(call).0, EndedBy::Them);
}

#[test]
fn codecs_are_agreed() {
    enter!("codecs_are_agreed", ["kamailio", "baresip"]);
    let _proxy = proxy();
    let mut baresip =
        baresip(&["answer=auto", "codecs=opus/48000/2,G722/16000/1,PCMU/8000/1,PCMA/8000/1,G726-32/8000/1"]);
    for codec in ["opus", "g722", "pcmu", "pcma", "g726-32"] {
        let choice = [("codec.choice", codec), ("codec.g723.32.packingmode", "ietf")];
        let mut phone = Ours::registered("1001", PROXY, 5110, &choice);
        let call = phone.dial("1002");
        assert_eq!(phone.wait_up(call).codec.as_deref(), Some(codec), "we call");
        phone.hang_up(call);
        baresip.events();
        baresip.command("dial", "sip:1001@127.0.0.2");
        let call = phone.answer();
        assert_eq!(phone.wait_up(call).codec.as_deref(), Some(codec), "it calls");
        phone.hang_up(call);
        baresip.event("CALL_CLOSED");
    }
    let mut phone = Ours::registered("1001", PROXY, 5110, &[("codec.choice", "g729")]);
    let call = phone.dial("1002");
    assert_eq!(phone.wait_ended(call), (EndedBy::Them, 488));
}
