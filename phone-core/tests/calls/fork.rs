//! Calls that ring in several places at once (RFC 3261 §12.1, §13.2.2.4, §16.7).

use phone_core::PhoneEvent;
use phone_core::sip::call::{EndedBy, Stage};
use phone_core::sip::message::Name;

use crate::basic::end;
use crate::peer::{Peer, sdp};
use crate::world::World;

#[test]
fn of_two_answers_the_first_is_kept_and_the_second_is_hung_up() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    world.dial(0, "200");
    let invite = peer.get(&mut world, "INVITE");
    for tag in ["a", "b", "c"] {
        peer.reply_as(&mut world, &invite, 180, tag, &[], "");
    }
    world.run_ms(20);
    assert_eq!(world.stages(0), [Stage::Ringing]);
    peer.reply_as(&mut world, &invite, 200, "b", &[], &sdp(40_000, "sendrecv"));
    world.run_ms(20);
    peer.reply_as(&mut world, &invite, 200, "a", &[], &sdp(40_010, "sendrecv"));
    world.run_ms(20);
    let first = [peer.get(&mut world, "ACK"), peer.get(&mut world, "ACK")];
    assert_eq!(first.each_ref().map(|ack| ack.to().unwrap().tag().unwrap().to_owned()), ["b", "a"]);
    let bye = peer.get(&mut world, "BYE");
    assert_eq!(bye.to().unwrap().tag(), Some("a"));
    peer.reply_as(&mut world, &bye, 200, "a", &[], "");
    world.run(1);
    assert_eq!(world.stages(0), [Stage::Up]);
    let (agreed, _) = world.desks[0].phone.media(world.call(0, 0)).unwrap();
    assert_eq!(agreed.remote, "192.0.2.200:40000".parse().ok());
    // Copies of either answer are confirmed again, that of the call by a copy of its ACK.
    peer.reply_as(&mut world, &invite, 200, "a", &[], &sdp(40_010, "sendrecv"));
    peer.reply_as(&mut world, &invite, 200, "b", &[], &sdp(40_000, "sendrecv"));
    world.run_ms(20);
    let acks = [peer.get(&mut world, "ACK"), peer.get(&mut world, "ACK")];
    assert_eq!(acks.each_ref().map(|ack| ack.to().unwrap().tag().unwrap().to_owned()), ["a", "b"]);
    assert!(acks[1].all_headers().eq(first[0].all_headers()), "{acks:?}");
}

#[test]
fn answered_elsewhere_is_not_missed() {
    let mut world = World::of(&["101", "102", "103"]);
    let both = vec!["sip:102@192.0.2.102:5060".to_owned(), "sip:103@192.0.2.103:5060".to_owned()];
    world.proxy.bindings.insert("600".into(), both);
    world.proxy.trying = true;
    world.dial(0, "600");
    world.run_ms(100);
    assert_eq!((world.stages(1), world.stages(2)), (vec![Stage::Incoming], vec![Stage::Incoming]));
    world.lift(2);
    world.run(1);
    assert_eq!((world.stages(0), world.stages(1), world.stages(2)), (vec![Stage::Up], vec![], vec![Stage::Up]));
    let events = world.events(1);
    assert!(!events.iter().any(|event| matches!(event, PhoneEvent::MissedCall(_))), "{events:?}");
    assert_eq!(end(&events), Some((EndedBy::Them, 487)));
}

#[test]
fn when_all_forks_refuse_the_call_ends_and_giving_up_cancels_all() {
    let both = || vec!["sip:102@192.0.2.102:5060".to_owned(), "sip:103@192.0.2.103:5060".to_owned()];
    let mut world = World::of(&["101", "102", "103"]);
    world.proxy.bindings.insert("600".into(), both());
    world.dial(0, "600");
    world.run_ms(100);
    for at in [1, 2] {
        assert_eq!(world.stages(0), [Stage::Ringing]);
        let id = world.call(at, 0);
        world.command(at, phone_core::Command::Reject(id, 486));
        world.run_ms(100);
    }
    assert_eq!(end(&world.events(0)), Some((EndedBy::Them, 486)));

    let mut world = World::of(&["101", "102", "103"]);
    world.proxy.bindings.insert("600".into(), both());
    world.dial(0, "600");
    world.run_ms(100);
    world.hang_up(0);
    world.run(1);
    assert!((0..3).all(|at| world.calls(at).is_empty()), "{}", world.story());
    assert!(world.news(1).contains(&"MissedCall".to_owned()));
}

#[test]
fn a_fork_that_rings_may_be_cancelled_by_the_caller_with_all_its_tags() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    world.dial(0, "200");
    let invite = peer.get(&mut world, "INVITE");
    for number in 0..40 {
        peer.reply_as(&mut world, &invite, 180, &format!("t{number}"), &[], "");
    }
    world.run_ms(20);
    world.hang_up(0);
    let cancel = peer.get(&mut world, "CANCEL");
    assert_eq!(cancel.header(Name::To), invite.header(Name::To), "without a tag");
}

#[test]
fn an_invite_that_comes_by_two_ways_rings_once() {
    let mut world = World::of(&["101", "102"]);
    let both = vec!["sip:102@192.0.2.102:5060".to_owned(), "sip:102@192.0.2.102:5060;way=2".to_owned()];
    world.proxy.bindings.insert("600".into(), both);
    world.dial(0, "600");
    world.run_ms(100);
    assert_eq!((world.stages(0), world.stages(1)), (vec![Stage::Ringing], vec![Stage::Incoming]), "{}", world.story());
    assert_eq!(world.count("482 INVITE"), 1);
    world.lift(1);
    world.run(1);
    assert_eq!((world.stages(0), world.stages(1)), (vec![Stage::Up], vec![Stage::Up]), "{}", world.story());
}

#[test]
fn a_fork_that_answers_after_the_end_is_confirmed_and_hung_up() {
    for given_up in [false, true] {
        let mut world = World::of(&["101"]);
        let mut peer = Peer::new(&mut world, "200");
        world.dial(0, "200");
        let invite = peer.get(&mut world, "INVITE");
        peer.reply_as(&mut world, &invite, 180, "b", &[], "");
        world.run_ms(20);
        peer.reply_as(&mut world, &invite, 200, "b", &[], &sdp(40_000, "sendrecv"));
        if given_up {
            world.hang_up(0);
        }
        peer.get(&mut world, "ACK");
        world.hang_up(0);
        let bye = peer.get(&mut world, "BYE");
        peer.reply_as(&mut world, &bye, 200, "b", &[], "");
        world.run(1);
        peer.reply_as(&mut world, &invite, 200, "a", &[], &sdp(40_010, "sendrecv"));
        let ack = peer.get(&mut world, "ACK");
        let bye = peer.get(&mut world, "BYE");
        assert_eq!((ack.to().unwrap().tag(), bye.to().unwrap().tag()), (Some("a"), Some("a")));
        peer.reply_as(&mut world, &bye, 200, "a", &[], "");
        world.run(1);
        assert!(world.calls(0).is_empty());
    }
}

#[test]
fn each_fork_has_its_reliable_answers_confirmed() {
    let mut world = World::pair(&[("sip.header.100rel", "yes")], &[]);
    let mut peer = Peer::new(&mut world, "200");
    world.dial(0, "200");
    let invite = peer.get(&mut world, "INVITE");
    for tag in ["a", "b"] {
        peer.reply_as(&mut world, &invite, 180, tag, &["Require: 100rel", "RSeq: 5"], "");
        let prack = peer.get(&mut world, "PRACK");
        assert_eq!(prack.to().unwrap().tag(), Some(tag));
        peer.reply_as(&mut world, &prack, 200, tag, &[], "");
    }
    peer.reply_as(&mut world, &invite, 200, "b", &[], &sdp(40_000, "sendrecv"));
    let ack = peer.get(&mut world, "ACK");
    assert_eq!(ack.to().unwrap().tag(), Some("b"));
    assert_eq!(world.stages(0), [Stage::Up]);
}
