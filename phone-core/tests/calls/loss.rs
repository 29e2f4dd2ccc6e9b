//! Messages that are lost, late, doubled and out of order (RFC 3261 §13.3.1.4, §17).

use phone_core::Key;
use phone_core::sip::call::{EndedBy, Stage};

use crate::basic::end;
use crate::peer::{Peer, sdp};
use crate::world::{Weather, World};

fn both_up(world: &World) {
    assert_eq!((world.stages(0), world.stages(1)), (vec![Stage::Up], vec![Stage::Up]), "{}", world.story());
}

#[test]
fn any_one_message_of_a_call_may_be_lost_twice() {
    for lost in ["INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"] {
        let mut world = World::of(&["101", "102"]);
        world.lose(lost, 2);
        world.dial(0, "102");
        world.run(5);
        assert_eq!(world.stages(1), [Stage::Incoming], "{lost}: {}", world.story());
        world.lift(1);
        world.run(5);
        both_up(&world);
        world.hang_up(0);
        world.run(10);
        assert!(world.calls(0).is_empty() && world.calls(1).is_empty(), "{lost}: {}", world.story());
        assert_eq!(end(&world.events(0)), Some((EndedBy::Us, 200)), "{lost}");
        assert_eq!(end(&world.events(1)), Some((EndedBy::Them, 200)), "{lost}");
    }
}

#[test]
fn a_lost_cancel_and_its_lost_answers_are_repeated() {
    for lost in ["CANCEL", "200 CANCEL", "487 INVITE"] {
        let mut world = World::of(&["101", "102"]);
        world.dial(0, "102");
        world.run_ms(100);
        world.lose(lost, 2);
        world.hang_up(0);
        world.run(10);
        assert!(world.calls(0).is_empty() && world.calls(1).is_empty(), "{lost}: {}", world.story());
    }
}

#[test]
fn copies_of_every_message_change_nothing() {
    let mut world = World::of(&["101", "102"]);
    world.weather = Weather { loss: 0, copies: 1000, spread_ms: 0 };
    world.talk(0, 1);
    world.key(0, Key::Hold);
    world.run(1);
    assert_eq!(world.holds(1), [(false, true)]);
    world.key(0, Key::Hold);
    world.run(1);
    world.hang_up(1);
    world.run(10);
    assert!(world.calls(0).is_empty() && world.calls(1).is_empty());
    let established = |events: Vec<String>| events.iter().filter(|one| *one == "EstablishedCall").count();
    assert_eq!((established(world.news(0)), established(world.news(1))), (1, 1));
}

#[test]
fn an_answer_nobody_confirms_ends_the_call() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.invite(&mut world, "101", &[], &sdp(40_000, "sendrecv"));
    world.run_ms(50);
    world.lift(0);
    let answer = peer.get(&mut world, "200 INVITE");
    peer.learn(&answer);
    world.run(31);
    assert_eq!(world.count("200 INVITE"), 10, "0.5 s, then doubling up to 4 s");
    world.run(2);
    let bye = peer.get(&mut world, "BYE");
    peer.reply(&mut world, &bye, 200, &[], "");
    world.run(1);
    assert!(world.calls(0).is_empty());
    assert_eq!(end(&world.events(0)), Some((EndedBy::Network, 408)));
}

#[test]
fn a_called_phone_that_hangs_up_at_once_says_so_after_the_ack() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.invite(&mut world, "101", &[], &sdp(40_000, "sendrecv"));
    world.run_ms(50);
    world.lift(0);
    let answer = peer.get(&mut world, "200 INVITE");
    peer.learn(&answer);
    world.hang_up(0);
    world.run(1);
    peer.none(&mut world, "BYE");
    assert!(world.calls(0).is_empty());
    let cseq = answer.cseq().unwrap().number;
    peer.request_as(&mut world, "ACK", cseq, &[], "");
    let bye = peer.get(&mut world, "BYE");
    peer.reply(&mut world, &bye, 200, &[], "");
    world.run(1);
    assert!(world.desks[0].phone.poll_timeout().is_none_or(|at| at > world.now));
}

#[test]
fn a_bye_nobody_answers_is_given_up() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.called_by(&mut world, 0, &[]);
    world.hang_up(0);
    world.run_ms(31_800);
    assert_eq!(world.count("BYE"), 11, "{}", world.story());
    assert!(world.calls(0).is_empty());
    // Once more, past the proxy, which may have died.
    world.run(40);
    assert_eq!(world.count("BYE"), 22, "{}", world.story());
    world.run(40);
    assert_eq!(world.count("BYE"), 22, "{}", world.story());
    // A new call has a port of its own, and works.
    peer.called_by(&mut world, 0, &[]);
    assert_eq!(world.stages(0), [Stage::Up]);
}

#[test]
fn requests_out_of_order_are_told_so() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.calls(&mut world, 0, &[]);
    peer.request_as(&mut world, "INFO", 50, &[], "");
    peer.get(&mut world, "200 INFO");
    peer.request_as(&mut world, "INFO", 40, &[], "");
    peer.get(&mut world, "500 INFO");
    assert_eq!(world.stages(0), [Stage::Up]);
}

#[test]
fn calls_survive_bad_weather() {
    for seed in 0..30 {
        let mut world = World::of(&["101", "102"]).seed(seed);
        world.weather = Weather { loss: 150, copies: 100, spread_ms: 400 };
        world.dial(0, "102");
        world.run(8);
        assert_eq!(world.stages(1), [Stage::Incoming], "seed {seed}: {}", world.story());
        world.lift(1);
        world.run(12);
        both_up(&world);
        world.key(0, Key::Hold);
        world.run(12);
        assert_eq!((world.holds(0), world.holds(1)), (vec![(true, false)], vec![(false, true)]), "seed {seed}");
        world.key(0, Key::Hold);
        world.run(12);
        assert_eq!((world.holds(0), world.holds(1)), (vec![(false, false)], vec![(false, false)]), "seed {seed}");
        world.hang_up(1);
        world.run(40);
        assert!(world.calls(0).is_empty() && world.calls(1).is_empty(), "seed {seed}: {}", world.story());
    }
}
