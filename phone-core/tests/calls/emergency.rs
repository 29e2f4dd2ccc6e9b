//! Calls for help always go out.

use phone_core::sip::call::Stage;
use phone_core::sip::message::{Method, Name};
use phone_core::{AccountStatus, Input, PhoneEvent};

use crate::peer::{Peer, sdp};
use crate::world::{World, account, phone};

fn help(world: &World, at: usize) -> bool {
    world.calls(at).iter().any(|call| call.emergency)
}

#[test]
fn the_event_comes_at_the_same_instant_and_the_call_says_what_it_is() {
    for number in ["112", "911"] {
        let mut world = World::with(vec![(vec![account(1, "101", &[])], phone(&[("e911.enable", "yes")]))]);
        let mut peer = Peer::new(&mut world, number);
        world.input(0, Input::Location(Some("https://hotel.example/room/101".into())));
        world.api_dial(0, number);
        let (at, _) = world.desks[0].events.iter().find(|(_, e)| matches!(e, PhoneEvent::EmergencyCall(_))).unwrap();
        assert_eq!(*at, world.now);
        let invite = peer.get(&mut world, "INVITE");
        assert_eq!(invite.header(Name::Priority), Some("emergency"));
        assert_eq!(invite.header_named("Geolocation"), Some("<https://hotel.example/room/101>"));
        peer.reply(&mut world, &invite, 200, &[], &sdp(40_000, "sendrecv"));
        peer.get(&mut world, "ACK");
        assert_eq!((world.stages(0), help(&world, 0)), (vec![Stage::Up], true), "{}", world.story());
    }
}

#[test]
fn the_keypad_calls_for_help_whatever_the_dial_plan_says() {
    for (plan, prefix) in [("{ 2xx }", ""), ("{ ^112 | ^911 | xx+ }", "0"), ("{ broken", "9")] {
        let settings = [("call.dialplan", plan), ("call.dialplanprefix", prefix)];
        let mut world = World::with(vec![(vec![account(1, "101", &settings)], phone(&[]))]);
        let peer = Peer::new(&mut world, "112");
        world.lift(0);
        world.keys(0, "112");
        world.run(5);
        assert!(peer.take(&mut world, "INVITE").is_some(), "{plan}: {}", world.story());
        assert!(help(&world, 0));
    }
}

#[test]
fn where_no_longer_number_exists_help_is_called_with_the_last_digit() {
    for (plan, at_once) in
        [("{ [2-9]xx }", true), ("{ ^911x. | 2xx }", true), ("{ 112x | 911x }", false), ("{ x+ }", false)]
    {
        for number in ["112", "911"] {
            let mut world = World::with(vec![(vec![account(1, "101", &[("call.dialplan", plan)])], phone(&[]))]);
            let _peer = Peer::new(&mut world, number);
            world.lift(0);
            world.keys(0, number);
            assert_eq!(help(&world, 0), at_once, "{plan} {number}");
            world.run(5);
            assert!(help(&world, 0), "{plan} {number}");
        }
    }
}

#[test]
fn help_is_called_from_within_a_call_and_while_another_rings() {
    let mut world = World::of(&["101", "102", "103"]);
    let _peer = Peer::new(&mut world, "112");
    world.talk(0, 1);
    world.dial(2, "101");
    world.run(1);
    assert_eq!(world.stages(0), [Stage::Up, Stage::Incoming]);
    world.key(0, phone_core::Key::Hold);
    world.run(1);
    world.api_dial(0, "112");
    world.run(1);
    assert!(help(&world, 0), "{}", world.story());

    let mut world = World::of(&["101", "102"]);
    let _peer = Peer::new(&mut world, "112");
    world.talk(0, 1);
    world.key(0, phone_core::Key::Flash);
    world.keys(0, "112#");
    world.run(1);
    assert!(help(&world, 0), "{}", world.story());
    assert_eq!(world.holds(1), [(false, true)]);
}

#[test]
fn a_room_whose_number_begins_like_an_emergency_can_be_called() {
    let mut world = World::of(&["101"]);
    let peer = Peer::new(&mut world, "1123");
    world.dial(0, "1123");
    world.run_ms(100);
    assert!(peer.take(&mut world, "INVITE").is_some(), "{}", world.story());
    assert!(!help(&world, 0));
}

#[test]
fn an_account_that_is_not_registered_carries_it() {
    let mut world = World::with(vec![(vec![account(1, "101", &[("sip.registration", "no")])], phone(&[]))]);
    assert_eq!(world.desks[0].phone.state().accounts[0].status, AccountStatus::Unregistered);
    let peer = Peer::new(&mut world, "112");
    world.api_dial(0, "112");
    world.run_ms(100);
    assert!(peer.take(&mut world, "INVITE").is_some(), "{}", world.story());

    // Refused by its registrar, and waiting for the next try.
    let mut world = World::unregistered(vec![(vec![account(1, "101", &[])], phone(&[]))]);
    world.proxy.script.push_back((Method::Register, 403, Vec::new()));
    world.run(1);
    assert_eq!(world.desks[0].phone.state().accounts[0].status, AccountStatus::Failed);
    let peer = Peer::new(&mut world, "112");
    world.api_dial(0, "112");
    world.run_ms(100);
    assert!(peer.take(&mut world, "INVITE").is_some(), "{}", world.story());
}

#[test]
fn a_full_phone_gives_up_what_is_least_worth() {
    let mut world = World::of(&["101", "102", "103", "104", "105"]);
    let peer = Peer::new(&mut world, "112");
    world.talk(0, 1);
    for at in 2..5 {
        world.dial(at, "101");
        world.run_ms(100);
    }
    assert_eq!(world.stages(0).len(), 4);
    world.api_dial(0, "112");
    world.run(1);
    assert!(peer.take(&mut world, "INVITE").is_some());
    assert!(help(&world, 0) && world.stages(0).len() == 4, "{}", world.story());
    assert_eq!(world.calls(2).len(), 0, "who rang first is told it is busy\n{}", world.story());
    assert_eq!(world.holds(1), [(false, true)], "who is talked to is held");
}

#[test]
fn nobody_comes_in_and_nothing_else_goes_out_meanwhile() {
    let mut world = World::of(&["101", "102"]);
    let mut peer = Peer::new(&mut world, "112");
    peer.called_by(&mut world, 0, &[]);
    assert!(help(&world, 0), "{}", world.story());
    world.dial(1, "101");
    world.run(1);
    assert_eq!((world.calls(1).len(), world.calls(0).len()), (0, 1));
    world.api_dial(0, "102");
    world.run(1);
    assert_eq!(world.calls(0).len(), 1);
    world.api_dial(0, "112");
    assert_eq!(world.calls(0).len(), 1, "it is on its way already");
}

fn two_accounts(first: &[(&str, &str)]) -> World {
    let second = [("sip.server.1.address", "192.0.2.11")];
    World::with(vec![(vec![account(1, "101", first), account(2, "111", &second)], phone(&[]))])
}

#[test]
fn an_account_that_fails_hands_over_to_the_next() {
    for dead in [false, true] {
        let mut world = two_accounts(&[]);
        let mut peer = Peer::new(&mut world, "112");
        let first = "192.0.2.10".parse().unwrap();
        if dead {
            world.proxy.dead.insert(first);
        } else {
            world.proxy.refusing.insert(first, 404);
        }
        world.api_dial(0, "112");
        let invite = peer.get(&mut world, "INVITE");
        assert!(invite.header(Name::From).unwrap().contains("111@"), "{}", world.story());
        peer.reply(&mut world, &invite, 200, &[], &sdp(40_000, "sendrecv"));
        peer.get(&mut world, "ACK");
        assert_eq!((world.stages(0), help(&world, 0)), (vec![Stage::Up], true), "{}", world.story());
        let events = world.news(0);
        assert_eq!(events.iter().filter(|one| *one == "EmergencyCall").count(), 1, "{events:?}");
        assert!(!events.contains(&"TerminatedCall".to_owned()), "{events:?}");
    }
}

#[test]
fn a_server_that_says_trying_and_no_more_is_not_waited_for() {
    let mut world = two_accounts(&[]);
    let mut peer = Peer::new(&mut world, "112");
    world.proxy.refusing.insert("192.0.2.10".parse().unwrap(), 100);
    world.dial(0, "112");
    world.run(9);
    assert_eq!(world.stages(0), [Stage::Calling]);
    world.run(2);
    let invite = peer.get(&mut world, "INVITE");
    assert!(invite.header(Name::From).unwrap().contains("111@"), "{}", world.story());
    peer.reply(&mut world, &invite, 180, &[], "");
    peer.reply(&mut world, &invite, 200, &[], &sdp(40_000, "sendrecv"));
    peer.get(&mut world, "ACK");
    world.run(40);
    assert_eq!((world.stages(0), help(&world, 0)), (vec![Stage::Up], true));
    assert!(!world.news(0).contains(&"TerminatedCall".to_owned()));
    assert!(world.count("CANCEL") > 0);
    world.hang_up(0);
    world.run(1);
    assert!(world.calls(0).is_empty() && world.tone(0) == phone_core::Tone::None);
}

#[test]
fn an_account_that_is_not_registered_comes_after_one_that_is() {
    let mut world = two_accounts(&[("sip.registration", "no")]);
    let peer = Peer::new(&mut world, "112");
    world.api_dial(0, "112");
    let invite = peer.get(&mut world, "INVITE");
    assert!(invite.header(Name::From).unwrap().contains("111@"));
}

#[test]
fn a_call_for_help_that_is_hung_up_is_not_placed_again() {
    let mut world = two_accounts(&[]);
    let mut peer = Peer::new(&mut world, "112");
    world.dial(0, "112");
    let invite = peer.get(&mut world, "INVITE");
    peer.reply(&mut world, &invite, 180, &[], "");
    world.run_ms(20);
    world.hang_up(0);
    let cancel = peer.get(&mut world, "CANCEL");
    peer.reply(&mut world, &cancel, 200, &[], "");
    peer.reply(&mut world, &invite, 487, &[], "");
    world.run(2);
    peer.none(&mut world, "INVITE");
    assert!(world.calls(0).is_empty());
}

#[test]
fn when_no_account_gets_through_that_is_said() {
    let mut world = two_accounts(&[]);
    world.api_dial(0, "911");
    world.run(2);
    let events = world.news(0);
    assert_eq!(events.iter().filter(|one| *one == "OutgoingCall").count(), 2, "{events:?}");
    assert_eq!(events.iter().filter(|one| *one == "TerminatedCall").count(), 1, "{events:?}");
}
