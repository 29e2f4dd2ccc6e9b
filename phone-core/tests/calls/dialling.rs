//! From keys to an INVITE: plan, prefix, time, and what the phone dials by itself.

use phone_core::settings::calls::DialSource;
use phone_core::sip::call::Stage;
use phone_core::{Command, Key, Tone};

use crate::peer::Peer;
use crate::world::{World, account, phone};

fn at_desk(settings: &[(&str, &str)], own: &[(&str, &str)]) -> World {
    World::with(vec![(vec![account(1, "101", settings)], phone(own))])
}

/// The user the last INVITE went to.
fn called(world: &World) -> Option<String> {
    let invite = world.trace.iter().rfind(|(_, packet)| packet.bytes.starts_with(b"INVITE"))?;
    let text = String::from_utf8_lossy(&invite.1.bytes).into_owned();
    Some(text.split([':', '@']).nth(1)?.to_owned())
}

#[test]
fn a_number_goes_out_when_no_key_follows() {
    for (seconds, value) in [(4, None), (9, Some("9"))] {
        let settings: Vec<_> = value.map(|value| ("call.nokeyentrytimeout", value)).into_iter().collect();
        let mut world = at_desk(&settings, &[]);
        world.lift(0);
        world.keys(0, "20");
        world.run_ms(seconds * 1000 - 100);
        world.keys(0, "0");
        world.run_ms(seconds * 1000 - 100);
        assert_eq!(called(&world), None);
        world.run_ms(200);
        assert_eq!(called(&world).as_deref(), Some("200"));
    }
}

#[test]
fn the_send_key_may_be_pound_star_or_none() {
    for (value, keys, sent) in [
        ("pound", "200#", Some("200")),
        ("star", "200*", Some("200")),
        ("star", "200#", None),
        ("disabled", "200#", None),
    ] {
        let mut world = at_desk(&[("call.keyassend", value)], &[]);
        world.lift(0);
        world.keys(0, keys);
        world.run_ms(100);
        assert_eq!(called(&world).as_deref(), sent, "{value} {keys}");
    }
}

#[test]
fn a_plan_sends_at_once_what_is_complete_and_refuses_what_never_can_be() {
    let plan = [("call.dialplan", "{ [2-4]xx | <9=0>xxx | ^900 }")];
    let mut world = at_desk(&plan, &[("call.ipcall.enable", "no")]);
    world.lift(0);
    world.keys(0, "200");
    world.run_ms(10);
    assert_eq!(called(&world).as_deref(), Some("200"));
    let mut world = at_desk(&plan, &[("call.ipcall.enable", "no")]);
    world.dial(0, "9123");
    world.run_ms(10);
    assert_eq!(called(&world).as_deref(), Some("0123"));
    let mut world = at_desk(&plan, &[("call.ipcall.enable", "no")]);
    world.lift(0);
    world.keys(0, "5");
    world.run(6);
    assert_eq!((called(&world), world.tone(0)), (None, Tone::Reorder));
    assert!(world.news(0).contains(&"DialFailed".to_owned()));
}

#[test]
fn the_phones_own_codes_are_told_and_not_dialled() {
    // With an account and without one, as from the box.
    for settings in [[account(1, "101", &[])].to_vec(), vec![]] {
        let mut world = World::with(vec![(settings, phone(&[]))]);
        world.lift(0);
        for keys in ["**766*1207#", "**766#", "**82#", "**37*123#"] {
            world.keys(0, keys);
        }
        world.run(6);
        assert_eq!(called(&world), None);
        assert_eq!(world.news(0).iter().filter(|one| *one == "Code").count(), 4);
        world.hang_up(0);
        // Somebody looks at the door before he goes on.
        world.lift(0);
        world.keys(0, "**766*");
        world.run(6);
        world.keys(0, "1207#");
        world.run(6);
        let codes = world.news(0).iter().filter(|one| *one == "Code").count();
        assert_eq!((called(&world), codes), (None, 1));
        world.hang_up(0);
    }
}

#[test]
fn other_numbers_that_begin_with_two_stars_are_the_dial_plans() {
    let plan = [("call.dialplan", "{ x+ | **xx | **xxxx }")];
    let mut world = at_desk(&plan, &[]);
    world.lift(0);
    world.keys(0, "**1207");
    world.run_ms(10);
    assert_eq!(called(&world).as_deref(), Some("**1207"), "pick up");
    let mut world = at_desk(&plan, &[]);
    world.dial(0, "**47");
    world.run_ms(10);
    assert_eq!(called(&world).as_deref(), Some("**47"));
    // What may be a code is one by the # behind it, and else the plan's.
    let mut world = at_desk(&plan, &[]);
    world.lift(0);
    world.keys(0, "**82");
    world.run_ms(10);
    assert_eq!(called(&world), None);
    world.run(5);
    assert_eq!(called(&world).as_deref(), Some("**82"));
    // And what the plan does not have is said.
    let mut world = at_desk(&[("call.dialplan", "{ x+ }")], &[]);
    world.lift(0);
    world.keys(0, "**1");
    world.run_ms(10);
    assert_eq!((called(&world), world.tone(0)), (None, Tone::Reorder));
}

#[test]
fn the_prefix_goes_before_every_number_and_some_sources_pass_the_plan() {
    let settings =
        [("call.dialplanprefix", "9"), ("call.dialplan", "{ 2xx }"), ("call.dialplanbypass", "api,outgoing")];
    let mut world = at_desk(&settings, &[]);
    world.dial(0, "200");
    world.run_ms(10);
    assert_eq!(called(&world).as_deref(), Some("9200"));
    for (source, passes) in [(DialSource::Api, true), (DialSource::Contact, false), (DialSource::Outgoing, true)] {
        let mut world = at_desk(&settings, &[]);
        world.command(0, Command::Dial { account: 0, number: "555".into(), source });
        world.run_ms(10);
        assert_eq!(called(&world).as_deref(), passes.then_some("9555"), "{source:?}");
    }
}

#[test]
fn redial_is_for_the_same_guest() {
    let mut world = at_desk(&[], &[]);
    let _peer = Peer::new(&mut world, "200");
    world.key(0, Key::Redial);
    assert_eq!(called(&world), None, "nothing was dialled yet");
    world.dial(0, "200");
    world.run(1);
    world.hang_up(0);
    world.run(29 * 60);
    world.forget();
    world.key(0, Key::Redial);
    world.run_ms(10);
    assert_eq!(called(&world).as_deref(), Some("200"));
    assert!(world.desks[0].phone.state().speaker);
    world.key(0, Key::Speaker);
    world.run(31 * 60);
    world.forget();
    world.key(0, Key::Redial);
    world.run_ms(10);
    assert_eq!(called(&world), None, "it has expired");
}

#[test]
fn lifting_the_handset_may_dial_by_itself() {
    for (delay, wait) in [("0", 0), ("5", 5)] {
        let own = [("call.dial.offhook.autodial.number", "0"), ("call.dial.offhook.autodial.delay", delay)];
        let mut world = at_desk(&[], &own);
        world.lift(0);
        if wait > 0 {
            world.run_ms(wait * 1000 - 100);
            assert_eq!(called(&world), None);
            world.run_ms(200);
        }
        world.run_ms(10);
        assert_eq!(called(&world).as_deref(), Some("0"));
    }
    // A digit in time takes its place.
    let own = [("call.dial.offhook.autodial.number", "0"), ("call.dial.offhook.autodial.delay", "5")];
    let mut world = at_desk(&[], &own);
    world.lift(0);
    world.run(3);
    world.keys(0, "200#");
    world.run(10);
    assert_eq!(called(&world).as_deref(), Some("200"));
    assert_eq!(world.news(0).iter().filter(|one| *one == "OutgoingCall").count(), 1);
}

#[test]
fn a_handset_left_off_its_cradle_is_told_so() {
    let mut world = at_desk(&[], &[("call.dial.offhook.timeout", "20")]);
    world.lift(0);
    world.run(19);
    assert_eq!(world.tone(0), Tone::Dial);
    world.run(2);
    assert_eq!(world.tone(0), Tone::Reorder);
    world.hang_up(0);
    world.run(1);
    assert_eq!(world.tone(0), Tone::None);
    assert_eq!(world.news(0), ["OffHook", "IdleToBusy", "OnHook", "BusyToIdle"]);
}

#[test]
fn numbers_entered_with_the_handset_down() {
    let mut world = at_desk(&[], &[]);
    let _peer = Peer::new(&mut world, "200");
    world.keys(0, "200");
    world.lift(0);
    world.run_ms(10);
    assert_eq!(called(&world).as_deref(), Some("200"), "lifting sends");
    let mut world = at_desk(&[], &[]);
    let _peer = Peer::new(&mut world, "200");
    world.keys(0, "200");
    world.key(0, Key::Send);
    world.run_ms(10);
    assert_eq!(called(&world).as_deref(), Some("200"));
    assert!(world.desks[0].phone.state().speaker);
    let mut world = at_desk(&[], &[]);
    let _peer = Peer::new(&mut world, "200");
    world.keys(0, "200");
    world.run(5);
    assert!(called(&world).is_some() && world.desks[0].phone.state().speaker, "talked to over the loudspeaker");
}

#[test]
fn the_message_key_calls_the_mailbox() {
    let mut world = at_desk(&[("sip.voicemail.number", "*97")], &[]);
    world.key(0, Key::Message);
    world.run_ms(10);
    assert_eq!(called(&world).as_deref(), Some("*97"));
}

#[test]
fn pound_is_escaped_unless_so_set_and_numbers_may_be_tel() {
    for (value, user) in [("escape", "12%2334"), ("keep", "12#34")] {
        let mut world = at_desk(&[], &[("sip.escapeurl", value)]);
        world.command(0, Command::Dial { account: 1, number: "12#34".into(), source: DialSource::Mpk });
        world.run_ms(10);
        assert_eq!(called(&world).as_deref(), Some(user));
    }
    for (value, start) in [
        ("user_phone", "INVITE sip:200@192.0.2.10;user=phone "),
        ("enabled", "INVITE tel:200;phone-context=192.0.2.10 "),
    ] {
        let mut world = at_desk(&[("sip.teluri", value)], &[]);
        world.dial(0, "200");
        world.run_ms(10);
        let invite = world.trace.iter().find(|(_, packet)| packet.bytes.starts_with(b"INVITE")).unwrap();
        assert!(invite.1.bytes.starts_with(start.as_bytes()), "{}", String::from_utf8_lossy(&invite.1.bytes));
    }
}

#[test]
fn the_preferred_account_dials_and_the_other_steps_in() {
    let setup = |preferred: &str| {
        let accounts = vec![account(1, "101", &[]), account(2, "111", &[("sip.server.1.address", "192.0.2.11")])];
        World::with(vec![(accounts, phone(&[("call.dial.preferredaccount", preferred)]))])
    };
    for (preferred, index) in [("account1", 1), ("account2", 2)] {
        let mut world = setup(preferred);
        let _peer = Peer::new(&mut world, "200");
        world.dial(0, "200");
        assert_eq!(world.calls(0)[0].account, index);
    }
    let mut world = World::unregistered(vec![(
        vec![account(1, "101", &[]), account(2, "111", &[("sip.server.1.address", "192.0.2.11")])],
        phone(&[]),
    )]);
    world.proxy.dead.insert("192.0.2.10".parse().unwrap());
    world.run(40);
    world.api_dial(0, "200");
    assert_eq!(world.calls(0)[0].account, 2);
}

#[test]
fn digits_in_a_call_go_by_info_if_so_set() {
    for (value, count) in [("info", 2), ("rtp", 0)] {
        let mut world = World::pair(&[("dtmf.send", value)], &[]);
        world.talk(0, 1);
        world.forget();
        world.keys(0, "5#");
        world.run(1);
        assert_eq!(world.count("INFO"), count, "{}", world.story());
        assert_eq!(world.news(1).iter().filter(|one| *one == "Digit").count(), count);
    }
}

#[test]
fn digits_while_it_rings_there_begin_no_other_call_and_flash_does() {
    let mut world = World::of(&["101", "102", "103"]);
    world.dial(0, "102");
    world.run_ms(100);
    world.keys(0, "103#");
    world.run(10);
    assert_eq!(world.stages(0), [Stage::Ringing]);
    world.key(0, Key::Flash);
    assert_eq!(world.tone(0), Tone::Dial);
    world.keys(0, "103#");
    world.run_ms(200);
    assert_eq!((world.stages(0), world.stages(2)), (vec![Stage::Ringing], vec![Stage::Incoming]));
    assert!(world.calls(1).is_empty());
}
