//! Who is let in, how it rings, and when the phone answers by itself.

use phone_core::sip::call::Stage;
use phone_core::sip::message::Message;
use phone_core::{Command, Key, PhoneEvent, Tone};

use crate::peer::{Peer, sdp};
use crate::world::{World, account, phone};

/// A phone with these settings of its account and its own, and a peer that calls it with these headers.
fn called(settings: &[(&str, &str)], own: &[(&str, &str)], headers: &[&str]) -> (World, Peer) {
    let mut world = World::with(vec![(vec![account(1, "101", settings)], phone(own))]);
    let mut peer = Peer::new(&mut world, "200");
    peer.invite(&mut world, "101", headers, &sdp(40_000, "sendrecv"));
    world.run_ms(50);
    (world, peer)
}

fn answered(world: &World) -> bool {
    world.stages(0).iter().any(|stage| matches!(stage, Stage::Answering | Stage::Up))
}

#[test]
fn auto_answer_by_setting_and_by_number() {
    let (world, _) = called(&[("call.autoanswer", "yes")], &[], &[]);
    assert!(answered(&world) && world.desks[0].phone.state().speaker);
    for (numbers, answers) in [("200", true), ("199,200", true), ("201", false)] {
        let settings = [("call.autoanswer", "yes"), ("call.autoanswernumber", numbers)];
        let (world, _) = called(&settings, &[], &[]);
        assert_eq!(answered(&world), answers, "{numbers}");
    }
}

#[test]
fn auto_answer_waits_as_long_as_set() {
    let (mut world, _) = called(&[("call.autoanswer", "yes")], &[("call.autoanswerdelay.value", "3")], &[]);
    world.run_ms(2_900);
    assert!(!answered(&world));
    world.run_ms(200);
    assert!(answered(&world));
}

#[test]
fn callers_may_ask_to_be_answered_at_once() {
    for header in
        ["Call-Info: <sip:x>;answer-after=0", "Alert-Info: <http://x>;info=alert-autoanswer", "Alert-Info: Auto Answer"]
    {
        let (world, _) = called(&[], &[], &[header]);
        assert!(answered(&world), "{header}");
        assert_eq!(world.tone(0), Tone::Warning);
        let (world, _) = called(&[("intercom.allowautoanswer", "no")], &[], &[header]);
        assert!(!answered(&world), "{header}");
    }
    let custom = [("intercom.customcallinfoforautoanswer", "front desk")];
    let (world, _) = called(&custom, &[], &["Alert-Info: <http://x>;info=\"front desk\""]);
    assert!(answered(&world));
    let (world, _) = called(&custom, &[], &["Call-Info: <sip:x>;answer-after=0"]);
    assert!(!answered(&world));
}

#[test]
fn an_intercom_call_may_be_muted_and_without_warning() {
    let settings = [("intercom.muteonanswerintercom", "yes"), ("intercom.playwarningtoneforautoanswer", "no")];
    let (world, _) = called(&settings, &[], &["Call-Info: <sip:x>;answer-after=0"]);
    assert!(answered(&world) && world.desks[0].phone.state().muted);
    assert_eq!(world.tone(0), Tone::None);
    let (world, _) = called(&[], &[], &["Call-Info: <sip:x>;answer-after=0"]);
    assert!(!world.desks[0].phone.state().muted);
}

#[test]
fn barging_in_puts_the_present_call_on_hold_if_that_is_allowed() {
    for (barging, stages) in [("yes", vec![Stage::Up, Stage::Up]), ("no", vec![Stage::Up, Stage::Incoming])] {
        let one = |user: &str, settings: &[(&str, &str)]| (vec![account(1, user, settings)], phone(&[]));
        let mut world = World::with(vec![one("101", &[("intercom.allowbargingbycallinfo", barging)]), one("102", &[])]);
        world.talk(0, 1);
        let mut peer = Peer::new(&mut world, "200");
        let info = "Call-Info: <sip:x>;answer-after=0";
        peer.invite(&mut world, "101", &[info], &sdp(40_000, "sendrecv"));
        world.run_ms(50);
        if barging == "yes" {
            peer.confirm(&mut world, "");
            world.run(1);
            assert_eq!(world.holds(0), [(true, false), (false, false)], "{}", world.story());
            // Another intercom call is turned away while this one is up.
            let mut next = Peer::new(&mut world, "201");
            next.invite(&mut world, "101", &[info], &sdp(41_000, "sendrecv"));
            next.get(&mut world, "486 INVITE");
        }
        assert_eq!(world.stages(0), stages, "{barging}: {}", world.story());
    }
}

#[test]
fn anonymous_callers_are_rejected_if_so_set_and_sent_if_so_set() {
    let caller = |reject: &'static str, send: &'static str| {
        let mut world = World::pair(&[("call.rejectanonymouscall", reject)], &[("call.sendanonymous", send)]);
        world.dial(1, "101");
        world.run_ms(100);
        world
    };
    let world = caller("no", "yes");
    let peer = &world.calls(0)[0].peer;
    assert!(peer.anonymous && !peer.number.contains("102"), "{peer:?}");
    let mut world = caller("yes", "yes");
    assert!(world.calls(0).is_empty());
    let rejected = |event: &PhoneEvent| matches!(event, PhoneEvent::RejectedCall { code: 433, .. });
    assert!(world.events(0).iter().any(rejected));
    assert_eq!(caller("yes", "no").stages(0), [Stage::Incoming]);
}

#[test]
fn codes_hide_and_show_the_caller_for_one_call() {
    for (settings, number, hidden, dialled) in [
        (vec![], "*67102", true, "102"),
        (vec![], "102", false, "102"),
        (vec![("call.sendanonymous", "yes")], "*82102", false, "102"),
        (vec![("featurecodes.callfeatures", "no")], "*67102", false, "*67102"),
    ] {
        let mut world = World::pair(&settings, &[]);
        let peer = Peer::new(&mut world, dialled);
        world.dial(0, number);
        world.run(5);
        let invite = peer.get(&mut world, "INVITE");
        assert_eq!(invite.header_named("From").unwrap().contains("anonymous"), hidden, "{number}");
        assert_eq!(invite.header_named("Privacy") == Some("id"), hidden, "{number}");
        assert!(invite.header_named("P-Preferred-Identity").unwrap().contains("101@"), "the proxy still knows");
    }
}

#[test]
fn do_not_disturb_by_the_mute_key_while_idle() {
    let mut world = World::of(&["101", "102"]);
    world.key(0, Key::Mute);
    world.dial(1, "101");
    world.run(1);
    assert_eq!(crate::world::name(&world.events(0)[0]), "DoNotDisturb");
    assert!(world.calls(0).is_empty() && world.calls(1).is_empty());
    world.hang_up(1);
    world.command(0, Command::DoNotDisturb(false));
    world.dial(1, "101");
    world.run(1);
    assert_eq!(world.stages(0), [Stage::Incoming]);
}

#[test]
fn the_mute_key_while_idle_may_mute_the_next_call_or_nothing() {
    for (setting, muted) in [("idle_mute", true), ("disabled", false)] {
        let own = [("keys.custom.mute.idle", setting)];
        let mut world = World::with(vec![(vec![account(1, "101", &[])], phone(&own))]);
        world.key(0, Key::Mute);
        let mut peer = Peer::new(&mut world, "200");
        peer.calls(&mut world, 0, &[]);
        assert_eq!((world.stages(0), world.desks[0].phone.state().muted), (vec![Stage::Up], muted));
    }
}

#[test]
fn the_mute_key_in_a_call() {
    let mut world = World::of(&["101", "102"]);
    world.talk(0, 1);
    world.forget();
    world.key(0, Key::Mute);
    world.key(0, Key::Mute);
    assert_eq!(world.news(0), ["MuteCall", "UnmuteCall"]);
    let blocked = [("call.disable.mute.key", "blocked")];
    let one = |user: &str, own: &[(&str, &str)]| (vec![account(1, user, &[])], phone(own));
    let mut world = World::with(vec![one("101", &blocked), one("102", &[])]);
    world.talk(0, 1);
    world.key(0, Key::Mute);
    assert!(!world.desks[0].phone.state().muted);
}

#[test]
fn a_second_call_waits_with_its_tone_unless_that_is_switched_off() {
    for (account_says, phone_says, tone, waits) in [
        ("default", "yes", "yes", true),
        ("default", "yes", "no", true),
        ("default", "no", "yes", false),
        ("no", "yes", "yes", false),
        ("yes", "no", "yes", true),
    ] {
        let own = [("call.callwaiting.enable", phone_says), ("call.callwaiting.enabletone", tone)];
        let first = (vec![account(1, "101", &[("call.callwaiting", account_says)])], phone(&own));
        let other = |user: &str| (vec![account(1, user, &[])], phone(&[]));
        let mut world = World::with(vec![first, other("102"), other("103")]);
        world.talk(0, 1);
        world.dial(2, "101");
        world.run(1);
        assert_eq!(world.calls(0).len() == 2, waits, "{account_says} {phone_says}");
        assert_eq!(world.tone(0) == Tone::CallWaiting, waits && tone == "yes");
        assert_eq!(world.desks[0].phone.state().ringing, None, "no ringtone while somebody talks");
        if waits {
            // Flash takes it, and goes back and forth.
            world.key(0, Key::Flash);
            world.run(1);
            assert_eq!(world.holds(0), [(true, false), (false, false)], "{}", world.story());
            assert_eq!(world.tone(0), Tone::None);
            world.key(0, Key::Flash);
            world.run(1);
            assert_eq!(world.holds(0), [(false, false), (true, false)], "{}", world.story());
            // Putting the handset down ends the one and rings for the other.
            world.hang_up(0);
            world.run(1);
            assert_eq!((world.holds(0), world.calls(1).len()), (vec![(true, false)], 0));
            assert_eq!(world.desks[0].phone.state().ringing.as_deref(), Some("system"));
            world.lift(0);
            world.run(1);
            assert_eq!(world.holds(0), [(false, false)]);
        }
    }
}

#[test]
fn a_caller_who_gives_up_waiting_takes_his_tone_with_him() {
    let mut world = World::of(&["101", "102", "103"]);
    world.talk(0, 1);
    world.dial(2, "101");
    world.run(1);
    world.hang_up(2);
    world.run(1);
    assert_eq!((world.tone(0), world.stages(0)), (Tone::None, vec![Stage::Up]));
    assert!(world.news(0).contains(&"MissedCall".to_owned()));
}

#[test]
fn a_fifth_call_is_busy() {
    let mut world = World::of(&["101", "102", "103", "104", "105", "106"]);
    for at in 1..6 {
        world.dial(at, "101");
        world.run_ms(100);
    }
    assert_eq!(world.stages(0).len(), 4);
    assert!(world.calls(5).is_empty());
}

#[test]
fn who_dials_is_not_disturbed_before_it_rings_unless_so_set() {
    for (allowed, count) in [("no", 1), ("yes", 2)] {
        let own = [("callfeatures.allowncomingcallbeforeringing", allowed)];
        let other = |user: &str| (vec![account(1, user, &[])], phone(&[]));
        let mut world = World::with(vec![(vec![account(1, "101", &[])], phone(&own)), other("102")]);
        let _silent = Peer::new(&mut world, "200");
        world.dial(0, "200");
        world.run_ms(100);
        world.dial(1, "101");
        world.run_ms(100);
        assert_eq!(world.calls(0).len(), count, "{allowed}");
    }
}

#[test]
fn dialling_with_the_handset_down_may_be_interrupted_or_not() {
    for (barging, count) in [("yes", 1), ("no", 0)] {
        let own = [("call.dial.offhook.allowbarging", barging)];
        let other = |user: &str| (vec![account(1, user, &[])], phone(&[]));
        let mut world = World::with(vec![(vec![account(1, "101", &[])], phone(&own)), other("102")]);
        world.keys(0, "10");
        world.dial(1, "101");
        world.run_ms(100);
        assert_eq!(world.calls(0).len(), count, "{barging}");
    }
}

#[test]
fn calls_from_elsewhere_than_the_server() {
    let straight = |settings: &[(&str, &str)], own: &[(&str, &str)], user: &str| {
        let mut world = World::with(vec![(vec![account(1, "101", settings)], phone(own))]);
        let mut peer = Peer::new(&mut world, "200");
        peer.invite(&mut world, "101", &[], "");
        world.run_ms(5);
        world.forget();
        peer.call_id = "straight".into();
        peer.target = format!("sip:{user}@192.0.2.101:5060");
        peer.request(&mut world, "INVITE", &[], &sdp(40_000, "sendrecv"));
        world.run_ms(50);
        let answer: Option<Message> =
            ["180", "403", "404"].iter().find_map(|code| peer.take(&mut world, &format!("{code} INVITE")));
        answer.and_then(|answer| answer.status()).unwrap_or_default()
    };
    assert_eq!(straight(&[], &[], "101"), 180);
    assert_eq!(straight(&[("sip.validate.incomingserver", "yes")], &[], "101"), 403);
    assert_eq!(straight(&[], &[("call.ipcall.enable", "no")], "101"), 403);
    assert_eq!(straight(&[("sip.validate.useridforinvite", "yes")], &[], "999"), 404);
    assert_eq!(straight(&[("sip.validate.useridforinvite", "yes")], &[], "101"), 180);
}

#[test]
fn two_phones_call_each_other_by_address() {
    let mut world = World::of(&["101", "102"]);
    world.lift(0);
    world.keys(0, "192*0*2*102#");
    world.run_ms(100);
    assert_eq!(world.stages(1), [Stage::Incoming], "{}", world.story());
    assert_eq!(world.desks[1].phone.state().ringing.as_deref(), Some("ring3"));
    world.lift(1);
    world.run_ms(100);
    assert_eq!((world.stages(0), world.stages(1)), (vec![Stage::Up], vec![Stage::Up]));
    assert_eq!(world.proxy.seen.len(), 0, "past the server");
    world.key(1, Key::Hold);
    world.run(1);
    assert_eq!(world.holds(0), [(false, true)]);
    world.key(1, Key::Hold);
    world.run(1);
    world.hang_up(1);
    world.run(1);
    assert!(world.calls(0).is_empty(), "{}", world.story());
}

#[test]
fn a_call_may_be_answered_by_event_talk_if_callers_may_ask_for_that() {
    for (allowed, answers) in [("yes", true), ("no", false)] {
        let (mut world, mut peer) = called(&[("intercom.allowautoanswer", allowed)], &[], &[]);
        let rings = peer.get(&mut world, "180 INVITE");
        peer.learn(&rings);
        peer.request(&mut world, "NOTIFY", &["Event: talk", "Subscription-State: active"], "");
        peer.get(&mut world, "200 NOTIFY");
        assert_eq!(answered(&world), answers);
        assert_eq!(world.desks[0].phone.state().speaker, answers, "somebody is to be heard");
    }
}
