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

const MUSIC: (&str, &str) = ("account.1.sip.musiconholduri", "sip:moh@192.0.2.10");

fn text(message: &phone_core::sip::message::Message) -> String {
    String::from_utf8(message.body().to_vec()).unwrap()
}

/// Puts a call on hold whose other end, and then the server, answer as `statuses` say.
fn held(pairs: &[(&str, &str)], statuses: &[u16]) -> Bench {
    let mut bench = talking(pairs);
    bench.server.invite = statuses.to_vec();
    let call = bench.calls()[0].id;
    bench.command(Command::Hold(call));
    bench.run_s(10);
    bench
}

fn users(bench: &Bench, method: &Method) -> Vec<String> {
    let user = |message: &phone_core::sip::message::Message| message.to().unwrap().uri.user.unwrap();
    bench.messages(method).iter().map(user).collect()
}

#[test]
fn a_held_party_hears_the_music_on_hold_server_if_one_is_set() {
    let without = held(&[], &[180, 200]);
    assert_eq!(users(&without, &Method::Invite), ["200", "200"]);
    assert!(text(&without.messages(&Method::Invite)[1]).contains("a=sendonly"));
    let mut bench = held(&[MUSIC], &[180, 200]);
    let invites = bench.messages(&Method::Invite);
    assert_eq!(users(&bench, &Method::Invite), ["200", "200", "moh"]);
    assert!(invites[1].body().is_empty(), "asks for an offer");
    // The party's offer, as a listener's, goes to the server; the server's answer to the party.
    assert!(
        text(&invites[2]).contains("o=- 1 1 IN IP4 192.0.2.10\r\n") && text(&invites[2]).contains("a=recvonly\r\n")
    );
    let acks = bench.messages(&Method::Ack);
    assert_eq!(users(&bench, &Method::Ack), ["200", "moh", "200"]);
    assert!(acks[1].body().is_empty() && text(&acks[2]).contains("a=sendonly\r\n"));
    assert!(bench.news().iter().any(|event| matches!(event, PhoneEvent::HoldCall(_))));
    assert!(bench.calls()[0].held && bench.calls()[0].codec.is_none(), "our own audio is out of it");
    // Taken back, the party talks to us again, and the server is left.
    let call = bench.calls()[0].id;
    bench.command(Command::Resume(call));
    assert!(body(&bench).contains("a=sendrecv\r\n") && body(&bench).contains("c=IN IP4 192.0.2.55\r\n"));
    assert_eq!(users(&bench, &Method::Bye), ["moh"]);
    assert!(!bench.calls()[0].held && bench.calls()[0].codec.is_some());
}

#[test]
fn a_music_server_that_does_not_play_leaves_the_party_on_hold() {
    for statuses in [&[486][..], &[180], &[]] {
        let mut bench = held(&[MUSIC], statuses);
        assert_eq!(users(&bench, &Method::Invite)[..3], ["200", "200", "moh"]);
        let ack =
            bench.messages(&Method::Ack).into_iter().rfind(|ack| ack.to().unwrap().uri.user.as_deref() == Some("200"));
        let ack = text(&ack.unwrap());
        assert!(ack.contains("a=sendonly\r\n") && ack.contains("IN IP4 192.0.2.55\r\n"), "ours: {ack}");
        assert!(bench.news().iter().any(|event| matches!(event, PhoneEvent::HoldCall(_))));
        let call = bench.calls()[0].id;
        bench.command(Command::Resume(call));
        assert!(!bench.calls()[0].held && bench.messages(&Method::Bye).is_empty());
    }
}

#[test]
fn a_held_call_with_music_is_hung_up_on_both_sides() {
    let mut bench = held(&[MUSIC], &[180, 200]);
    let call = bench.calls()[0].id;
    bench.command(Command::HangUp(call));
    let mut over = users(&bench, &Method::Bye);
    over.sort_unstable();
    assert_eq!((over, bench.calls().len()), (vec!["200".to_owned(), "moh".to_owned()], 0));
    let mut bench = held(&[MUSIC], &[180, 200]);
    Leg::of_first(&bench).send(&mut bench, "BYE", "", "");
    assert_eq!((users(&bench, &Method::Bye), bench.calls().len()), (vec!["moh".to_owned()], 0));
}

#[test]
fn the_music_plays_again_after_a_change_of_theirs_or_a_refresh_of_ours() {
    let mut bench = held(&[MUSIC], &[180, 200]);
    let offer = super::leg::offer("0 101");
    let answer = Leg::of_first(&bench).send(&mut bench, "INVITE", "Content-Type: application/sdp\r\n", &offer);
    assert!(text(&answer.unwrap()).contains("a=sendonly\r\n"));
    bench.run(100);
    assert_eq!(users(&bench, &Method::Bye), ["moh"]);
    assert_eq!(users(&bench, &Method::Invite), ["200", "200", "moh", "200", "moh"]);
    assert!(text(bench.messages(&Method::Ack).last().unwrap()).contains("a=sendonly\r\n"));
    let timer = [
        MUSIC,
        ("account.1.sip.sessiontimer.enable", "yes"),
        ("account.1.sip.sessiontimer.force", "yes"),
        ("account.1.sip.sessiontimer.forceinvite", "yes"),
    ];
    let mut bench = held(&timer, &[180, 200]);
    bench.news();
    bench.run_s(85);
    assert_eq!(users(&bench, &Method::Invite), ["200", "200", "moh", "200", "moh"]);
    assert_eq!((users(&bench, &Method::Bye), bench.news()), (vec!["moh".to_owned()], Vec::new()));
    let call = bench.calls()[0].id;
    bench.command(Command::Resume(call));
    assert!(!bench.calls()[0].held && users(&bench, &Method::Bye) == ["moh", "moh"]);
}

#[test]
fn when_the_music_ends_the_party_is_held_as_usual() {
    let mut bench = held(&[MUSIC], &[180, 200]);
    let answer = Leg::of_outgoing(&bench).send(&mut bench, "BYE", "", "").unwrap();
    assert_eq!(answer.status(), Some(200));
    bench.run(100);
    assert!(body(&bench).contains("a=sendonly\r\n"));
    assert!(bench.calls()[0].held && bench.messages(&Method::Bye).is_empty());
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
