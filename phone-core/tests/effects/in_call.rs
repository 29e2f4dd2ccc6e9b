//! What can be done in a call.

use phone_core::sip::message::{Method, Name};
use phone_core::{Command, HookSwitch, Input, Key, PhoneEvent, Tone};

use super::bench::{Bench, bench};
use super::leg::Leg;

fn talking(pairs: &[(&str, &str)]) -> Bench {
    let mut bench = bench(pairs);
    bench.dial("200");
    assert!(bench.calls()[0].stage == phone_core::sip::call::Stage::Up, "{:?}", bench.calls());
    bench
}

/// Talks to 300, with 200 on hold.
fn two_calls(pairs: &[(&str, &str)]) -> Bench {
    let mut bench = talking(pairs);
    bench.server.contact = "<sip:300-desk@192.0.2.10:5066>".to_owned();
    bench.dial("300");
    bench.run(100);
    assert_eq!(bench.calls().len(), 2);
    bench
}

fn body(bench: &Bench) -> String {
    String::from_utf8(bench.last(&Method::Invite).body().to_vec()).unwrap()
}

#[test]
fn hold_names_no_address_the_old_way_unless_that_is_off() {
    let held = |value| {
        let mut bench = talking(&[("account.1.call.rfc2543hold.enable", value)]);
        let call = bench.calls()[0].id;
        bench.command(Command::Hold(call));
        body(&bench)
    };
    // Whoever is held with music must be told where it comes from; the old way counts only where nothing is received.
    assert!(held("no").contains("a=sendonly\r\n") && !held("no").contains("0.0.0.0"));
    assert!(held("yes").contains("c=IN IP4 0.0.0.0\r\n"), "{}", held("yes"));
}

#[test]
fn the_others_are_joined_when_the_initiator_of_a_conference_leaves_if_so_set() {
    let left = |value| {
        let mut bench = bench(&[("account.1.call.transferonconferencehangup", value)]);
        bench.hook(HookSwitch::Off);
        bench.dial("200");
        bench.dial("300");
        bench.run(100);
        bench.command(Command::Conference);
        assert!(bench.calls().iter().all(|call| call.conference), "{:?}", bench.calls());
        bench.hook(HookSwitch::On);
        bench.run(200);
        (bench.messages(&Method::Refer).len(), bench.messages(&Method::Bye).len())
    };
    assert_eq!(left("no"), (0, 2));
    assert_eq!(left("yes").0, 1);
}

/// A transfer the other end could not carry out: was the call taken back?
#[test]
fn a_failed_transfer_leads_back_to_the_call_if_so_set() {
    let after = |value| {
        let mut bench = talking(&[("account.1.call.recoveryonblindtransfer", value)]);
        let call = bench.calls()[0].id;
        bench.command(Command::BlindTransfer { call, number: "300".to_owned() });
        assert!(bench.calls().first().is_none_or(|call| call.held));
        let mut leg = Leg::of_outgoing(&bench);
        let headers = "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n\
                       Content-Type: message/sipfrag\r\n";
        leg.send(&mut bench, "NOTIFY", headers, "SIP/2.0 486 Busy Here\r\n");
        bench.run(200);
        bench.calls().first().map(|call| call.held)
    };
    assert_eq!(after("yes"), Some(false), "talking again");
    assert_eq!(after("no"), None, "hung up as soon as it was passed on");
}

#[test]
fn word_of_a_blind_transfer_is_waited_for_as_set() {
    let done = |pairs: &[(&str, &str)]| {
        let mut bench = talking(pairs);
        let (call, start) = (bench.calls()[0].id, bench.now);
        bench.command(Command::BlindTransfer { call, number: "300".to_owned() });
        bench.run_s(400);
        bench.times(&Method::Bye, start)[0] as u64
    };
    assert_eq!((done(&[]), done(&[("account.1.call.blindtransfertimeout", "120")])), (30, 120));
}

fn attended(pairs: &[(&str, &str)]) -> (String, Bench) {
    let mut bench = two_calls(pairs);
    let [first, second] = [0, 1].map(|at| bench.calls()[at].id);
    bench.command(Command::AttendedTransfer { call: first, with: second });
    let refer = bench.last(&Method::Refer);
    (refer.header(Name::ReferTo).unwrap().to_owned(), bench)
}

#[test]
fn refer_to_names_the_target_s_contact_if_so_set() {
    assert!(attended(&[]).0.starts_with("<sip:300@192.0.2.10?Replaces="));
    let contact = attended(&[("account.1.call.refertousetargetcontact", "yes")]).0;
    assert!(contact.starts_with("<sip:300-desk@192.0.2.10:5066?Replaces="), "{contact}");
}

#[test]
fn both_calls_are_held_before_an_attended_transfer_unless_that_is_off() {
    let holds = |value| {
        let (_, bench) = attended(&[("call.transfer.holdcall.enable", value)]);
        bench
            .messages(&Method::Invite)
            .iter()
            .filter(|invite| String::from_utf8_lossy(invite.body()).contains("sendonly"))
            .count()
    };
    // The first is held when the second is dialled.
    assert_eq!((holds("yes"), holds("no")), (2, 1));
}

#[test]
fn transfers_are_made_unless_that_is_off() {
    let refers = |value| {
        let mut bench = talking(&[("call.transfer.enable", value)]);
        let call = bench.calls()[0].id;
        bench.command(Command::BlindTransfer { call, number: "300".to_owned() });
        bench.messages(&Method::Refer).len()
    };
    assert_eq!((refers("yes"), refers("no")), (1, 0));
}

#[test]
fn calls_are_joined_unless_that_is_off() {
    let joined = |value| {
        let mut bench = two_calls(&[("call.conference.enable", value)]);
        bench.command(Command::Conference);
        bench.calls().iter().all(|call| call.conference)
    };
    assert!(joined("yes") && !joined("no"));
}

#[test]
fn a_held_call_is_recalled_by_a_tone_if_so_set() {
    let tone = |value| {
        let mut bench = bench(&[("account.1.call.onholdremindertone", value)]);
        bench.hook(HookSwitch::Off);
        bench.dial("200");
        bench.input(Input::Key(Key::Hold));
        bench.run(100);
        let held = bench.tone();
        bench.input(Input::Key(Key::Hold));
        bench.run(100);
        (held, bench.tone())
    };
    assert_eq!(tone("no"), (Tone::None, Tone::None));
    assert_eq!(tone("yes"), (Tone::HoldReminder, Tone::None));
}

#[test]
fn the_reminder_is_heard_when_the_second_call_is_over_if_so_set() {
    let tone = |value| {
        let mut bench = bench(&[("account.1.call.onholdremindertone", value)]);
        bench.hook(HookSwitch::Off);
        bench.dial("200");
        bench.dial("300");
        bench.run(100);
        let second = bench.calls()[1].id;
        bench.command(Command::HangUp(second));
        bench.tone()
    };
    assert_eq!((tone("no"), tone("yes")), (Tone::None, Tone::HoldReminder));
}

#[test]
fn the_microphone_comes_on_again_unless_that_is_off() {
    let muted = |value| {
        let mut bench = talking(&[("callfeatures.autounmute.enable", value)]);
        bench.command(Command::Mute(true));
        let call = bench.calls()[0].id;
        bench.command(Command::Hold(call));
        bench.command(Command::Resume(call));
        let resumed = bench.phone.state().muted;
        bench.command(Command::Mute(true));
        bench.dial("300");
        let called = bench.phone.state().muted;
        bench.command(Command::Mute(true));
        bench.call_in("");
        bench.input(Input::Key(Key::Flash));
        (resumed, called, bench.phone.state().muted)
    };
    assert_eq!((muted("yes"), muted("no")), ((false, false, false), (true, true, true)));
}

#[test]
fn the_busy_tone_is_heard_when_they_hang_up_unless_that_is_off() {
    let tone = |value| {
        let mut bench = bench(&[("call.disconnect.remote.enabletone", value)]);
        bench.hook(HookSwitch::Off);
        bench.dial("200");
        Leg::of_outgoing(&bench).send(&mut bench, "BYE", "", "");
        bench.tone()
    };
    assert_eq!((tone("yes"), tone("no")), (Tone::Busy, Tone::None));
}

#[test]
fn the_mute_key_works_in_a_call_unless_it_is_blocked() {
    let pressed = |value| {
        let mut bench = talking(&[("call.disable.mute.key", value)]);
        bench.news();
        bench.input(Input::Key(Key::Mute));
        (bench.phone.state().muted, bench.news().iter().any(|event| matches!(event, PhoneEvent::MuteCall(_))))
    };
    assert_eq!((pressed("works"), pressed("blocked")), ((true, true), (false, false)));
}

#[test]
fn digits_go_by_info_if_so_set() {
    let infos = |value| {
        let mut bench = talking(&[("account.1.dtmf.send", value)]);
        bench.keys("5");
        bench.run(50);
        let infos = bench.messages(&Method::Info);
        infos.iter().map(|info| String::from_utf8_lossy(info.body()).into_owned()).collect::<Vec<_>>()
    };
    assert!(infos("rtp").is_empty() && infos("audio").is_empty());
    assert!(infos("info")[0].starts_with("Signal=5\r\n") && infos("rtp,info").len() == 1);
}
