//! linphone: calls, holding, digits, transfer with Replaces, SRTP, codecs.

use phone_core::sip::call::{CallId, EndedBy, Stage};
use phone_core::{Command, PhoneEvent};

use crate::ours::Ours;
use crate::peers::{Baresip, Kamailio, Linphone};
use crate::{PROXY, USERS, assert_suite, enter};

fn proxy() -> Kamailio {
    Kamailio::start(PROXY, &["WITH_PROXY_AUTH", "WITH_SHA256"], &USERS)
}

/// 1002.
fn linphone(options: &[&str]) -> Linphone {
    Linphone::start("1002", "pw1002", PROXY, "127.0.0.1:5080", options)
}

fn both_hold(phone: &mut Ours, call: CallId, linphone: &mut Linphone) {
    phone.hold(call);
    linphone.expect("has been paused by");
    phone.resume(call);
    linphone.expect("Media streams established");
    linphone.command("pause");
    phone.wait_held(call, false, true);
    linphone.expect("is now paused");
    linphone.command("resume");
    phone.wait_held(call, false, false);
    linphone.expect("Media streams established");
}

#[test]
fn we_call_hold_and_send_digits() {
    enter!("we_call_hold_and_send_digits", ["kamailio", "linphonec"]);
    let _proxy = proxy();
    let mut linphone = linphone(&[]);
    let mut phone = Ours::registered("1001", PROXY, 5110, &[("dtmf.send", "info")]);
    let call = phone.dial("1002");
    linphone.expect("Receiving new incoming call from");
    phone.wait_call(call, "it rings", |call| (call.stage == Stage::Ringing).then_some(()));
    linphone.command("answer");
    phone.wait_up(call);
    linphone.expect("Media streams established");
    both_hold(&mut phone, call, &mut linphone);
    phone.command(Command::Digit { call, digit: '5' });
    linphone.expect("Receiving tone 5");
    phone.hang_up(call);
    linphone.expect("ended");
}

#[test]
fn it_calls_and_both_hold() {
    enter!("it_calls_and_both_hold", ["kamailio", "linphonec"]);
    let _proxy = proxy();
    let mut linphone = linphone(&[]);
    let mut phone = Ours::registered("1001", PROXY, 5110, &[]);
    linphone.command("call sip:1001@127.0.0.2");
    let call = phone.answer();
    linphone.expect("Media streams established");
    both_hold(&mut phone, call, &mut linphone);
    linphone.command("terminate");
    assert_eq!(phone.wait_ended(call).0, EndedBy::Them);
    // It gives up.
    linphone.expect("ended");
    linphone.command("call sip:1001@127.0.0.2");
    let call = phone.incoming();
    linphone.expect("ringing");
    linphone.command("terminate");
    phone.event("a call is missed", |event| matches!(event, PhoneEvent::MissedCall(info) if info.call == call));
    // It declines.
    let call = phone.dial("1002");
    linphone.expect("Receiving new incoming call from");
    linphone.command("terminate");
    assert_eq!(phone.wait_ended(call), (EndedBy::Them, 603));
    // We decline.
    linphone.command("call sip:1001@127.0.0.2");
    let call = phone.incoming();
    phone.command(Command::Reject(call, 486));
    linphone.expect(" error.");
}

#[test]
fn blind_transfers() {
    enter!("blind_transfers", ["kamailio", "linphonec", "baresip"]);
    // MD5: baresip has no SHA-256.
    let _proxy = Kamailio::start(PROXY, &["WITH_PROXY_AUTH"], &USERS);
    let mut linphone = linphone(&["answer=auto"]);
    let mut third = Baresip::start("1003", "pw1003", PROXY, "127.0.0.1:5090", &["answer=auto"]);
    let mut phone = Ours::registered("1001", PROXY, 5110, &[]);
    // By us.
    let call = phone.dial("1002");
    phone.wait_up(call);
    linphone.expect("Media streams established");
    phone.command(Command::BlindTransfer { call, number: "1003".into() });
    assert_eq!(third.event("CALL_ESTABLISHED")["peeruri"], "sip:1002@127.0.0.2");
    phone.event("it is passed on", |event| matches!(event, PhoneEvent::TransferCompleted(info) if info.call == call));
    phone.wait_idle();
    linphone.expect("with sip:1003@127.0.0.2 connected");
    linphone.command("terminate");
    third.event("CALL_CLOSED");
    linphone.expect("ended");
    // Of us.
    let call = phone.dial("1002");
    phone.wait_up(call);
    linphone.expect("Media streams established");
    linphone.command("transfer sip:1003@127.0.0.2");
    assert_eq!(third.event("CALL_ESTABLISHED")["peeruri"], "sip:1001@127.0.0.2");
    linphone.expect("has been transfered");
    phone.wait_ended(call);
    let left = phone.wait("the new call alone is up", |state| match &state.calls[..] {
        [call] if call.stage == Stage::Up && !call.held => Some(call.id),
        _ => None,
    });
    phone.hang_up(left);
}

#[test]
fn attended_transfers() {
    enter!("attended_transfers", ["kamailio", "linphonec"]);
    let _proxy = proxy();
    let mut linphone = linphone(&["answer=auto"]);
    let mut phone = Ours::registered("1001", PROXY, 5110, &[]);
    let mut third = Ours::registered("1003", PROXY, 5130, &[]);
    // By us, linphone taking the place of ours in the call with 1003.
    let call = phone.dial("1002");
    phone.wait_up(call);
    linphone.expect("Media streams established");
    let with = phone.dial("1003");
    let old = third.answer();
    phone.wait_up(with);
    phone.wait_held(call, true, false);
    phone.command(Command::AttendedTransfer { call, with });
    third.wait_ended(old);
    phone.event("it is passed on", |event| matches!(event, PhoneEvent::TransferCompleted(_)));
    phone.wait_idle();
    let joined = third.wait("it talks to 1002", |state| match &state.calls[..] {
        [call] if call.stage == Stage::Up && call.peer.number == "1002" => Some(call.id),
        _ => None,
    });
    linphone.expect("Media streams established with <sip:1003@127.0.0.2?Replaces=");
    linphone.expect("Call 1 with sip:1001@127.0.0.2 ended");
    third.hang_up(joined);
    linphone.expect("ended");
    // By linphone: 1003 takes its place in the call with us.
    linphone.command("call sip:1001@127.0.0.2");
    let ours = phone.answer();
    linphone.expect("Media streams established");
    linphone.command("pause");
    linphone.expect("is now paused");
    linphone.command("call sip:1003@127.0.0.2");
    let theirs = third.answer();
    linphone.expect("Media streams established");
    let numbers = linphone.call_numbers();
    linphone.command(&format!("transfer {} --to-call {}", numbers[0], numbers[1]));
    phone.wait_ended(ours);
    third.wait_ended(theirs);
    for (phone, number) in [(&mut phone, "1003"), (&mut third, "1001")] {
        phone.wait(&format!("it talks to {number}"), |state| match &state.calls[..] {
            [call] if call.stage == Stage::Up && call.peer.number == number && !call.held => Some(()),
            _ => None,
        });
    }
}

/// Ours, its, whether a call of ours is encrypted, whether one of its is; `None`: there is no call.
const SRTP: [(&str, &str, Option<bool>, Option<bool>); 12] = [
    ("no", "none", Some(false), Some(false)),
    ("no", "optional", Some(false), Some(false)),
    ("no", "mandatory", None, None),
    ("enabled", "none", Some(false), Some(false)),
    ("enabled", "optional", Some(false), Some(true)),
    ("enabled", "mandatory", None, Some(true)),
    ("forced", "none", Some(true), None),
    ("forced", "optional", Some(true), Some(true)),
    ("forced", "mandatory", Some(true), Some(true)),
    ("optional", "none", Some(false), Some(false)),
    ("optional", "optional", Some(false), Some(true)),
    ("optional", "mandatory", None, Some(true)),
];

#[test]
fn srtp_is_agreed() {
    enter!("srtp_is_agreed", ["kamailio", "linphonec"]);
    let _proxy = proxy();
    for theirs in ["none", "optional", "mandatory"] {
        let srtp = format!("srtp={theirs}");
        let mut linphone = linphone(&["answer=auto", &srtp]);
        for (ours, _, out, back) in SRTP.iter().filter(|(_, its, ..)| *its == theirs) {
            let mut phone = Ours::registered("1001", PROXY, 5110, &[("audio.srtpmode", ours)]);
            let call = phone.dial("1002");
            let agreed = phone.up_or_over(call);
            let encrypted = agreed.as_ref().map(|call| call.srtp);
            assert_eq!(encrypted, *out, "{ours} calls {theirs}\n{}", linphone.log());
            if let Some(agreed) = agreed {
                assert_suite(&agreed, &linphone.library_log());
                phone.hang_up(call);
                linphone.expect("ended");
            }
            linphone.command("call sip:1001@127.0.0.2");
            if back.is_some() {
                let call = phone.answer();
                let agreed = phone.wait_up(call);
                assert_eq!(Some(agreed.srtp), *back, "{ours} called by {theirs}");
                linphone.expect("Media streams established");
                assert_suite(&agreed, &linphone.library_log());
                phone.hang_up(call);
                linphone.expect("ended");
            } else {
                linphone.expect(" error.");
            }
        }
    }
}

#[test]
fn srtp_keys_are_as_long_as_set() {
    enter!("srtp_keys_are_as_long_as_set", ["kamailio", "linphonec"]);
    let _proxy = proxy();
    let _linphone = linphone(&["answer=auto", "srtp=mandatory"]);
    for (length, suite) in [("aes128", "AES_CM_128_HMAC_SHA1_80"), ("aes256", "AES_256_CM_HMAC_SHA1_80")] {
        let settings = [("audio.srtpmode", "forced"), ("audio.srtpkeylength", length)];
        let mut phone = Ours::registered("1001", PROXY, 5110, &settings);
        let call = phone.dial("1002");
        assert_eq!(phone.up_or_over(call).and_then(|call| call.suite), Some(suite));
        phone.hang_up(call);
    }
}

#[test]
fn codecs_are_agreed() {
    enter!("codecs_are_agreed", ["kamailio", "linphonec"]);
    let _proxy = proxy();
    let codecs = "codecs=opus/48000,G722/8000,PCMU/8000,PCMA/8000,G729/8000,G726-32/8000,AAL2-G726-32/8000";
    let mut linphone = linphone(&["answer=auto", codecs]);
    let packed = [
        ("opus", "itu"),
        ("g722", "itu"),
        ("pcmu", "itu"),
        ("pcma", "itu"),
        ("g729", "itu"),
        ("g726-32", "itu"),
        ("g726-32", "ietf"),
    ];
    for (codec, packing) in packed {
        let choice = [("codec.choice", codec), ("codec.g723.32.packingmode", packing)];
        let mut phone = Ours::registered("1001", PROXY, 5110, &choice);
        let call = phone.dial("1002");
        assert_eq!(phone.wait_up(call).codec.as_deref(), Some(codec), "we call");
        phone.hang_up(call);
        linphone.expect("ended");
        linphone.command("call sip:1001@127.0.0.2");
        let call = phone.answer();
        assert_eq!(phone.wait_up(call).codec.as_deref(), Some(codec), "it calls");
        phone.hang_up(call);
        linphone.expect("ended");
    }
}
