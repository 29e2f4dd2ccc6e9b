//! Provisional answers that are confirmed (RFC 3262), both ways.

use phone_core::sip::call::{EndedBy, Stage};
use phone_core::sip::message::{Method, Name};

use crate::basic::end;
use crate::peer::{Peer, sdp};
use crate::world::World;

const ON: (&str, &str) = ("sip.header.100rel", "yes");

#[test]
fn two_phones_confirm_that_it_rings_even_if_that_is_lost() {
    for lost in ["none", "180 INVITE", "PRACK", "200 PRACK"] {
        let mut world = World::pair(&[ON], &[ON]);
        world.lose(lost, 2);
        world.dial(0, "102");
        world.run(4);
        assert_eq!((world.stages(0), world.stages(1)), (vec![Stage::Ringing], vec![Stage::Incoming]), "{lost}");
        assert!(world.count("PRACK") >= 1 && world.count("200 PRACK") >= 1, "{}", world.story());
        world.lift(1);
        world.run(1);
        assert_eq!((world.stages(0), world.stages(1)), (vec![Stage::Up], vec![Stage::Up]), "{lost}");
        world.hang_up(0);
        world.run(1);
        assert!(world.calls(1).is_empty(), "{}", world.story());
    }
}

#[test]
fn it_is_only_used_where_both_want_it_or_one_requires_it() {
    for (mine, extra, reliable) in [
        ("yes", "Supported: 100rel", true),
        ("no", "Supported: 100rel", false),
        ("yes", "Supported: timer", false),
        ("no", "Require: 100rel", true),
    ] {
        let mut world = World::pair(&[("sip.header.100rel", mine)], &[]);
        let mut peer = Peer::new(&mut world, "200");
        peer.invite(&mut world, "101", &[extra], &sdp(40_000, "sendrecv"));
        let rings = peer.get(&mut world, "180 INVITE");
        assert_eq!(rings.header(Name::RSeq).is_some(), reliable, "{mine} {extra}");
    }
}

#[test]
fn a_caller_that_never_confirms_is_turned_away() {
    let mut world = World::pair(&[ON], &[]);
    let mut peer = Peer::new(&mut world, "200");
    peer.invite(&mut world, "101", &["Supported: 100rel"], &sdp(40_000, "sendrecv"));
    world.run(31);
    assert_eq!((world.count("180 INVITE"), world.stages(0)), (6, vec![Stage::Incoming]));
    world.run(2);
    peer.get(&mut world, "504 INVITE");
    assert!(world.calls(0).is_empty());
}

#[test]
fn a_wrong_confirmation_is_refused_and_the_right_one_stops_the_repeating() {
    let mut world = World::pair(&[ON], &[]);
    let mut peer = Peer::new(&mut world, "200");
    peer.invite(&mut world, "101", &["Supported: 100rel"], &sdp(40_000, "sendrecv"));
    let rings = peer.get(&mut world, "180 INVITE");
    peer.learn(&rings);
    let rseq: u32 = rings.header(Name::RSeq).unwrap().parse().unwrap();
    let invite = peer.cseq;
    peer.request(&mut world, "PRACK", &[&format!("RAck: {} {invite} INVITE", rseq + 1)], "");
    peer.get(&mut world, "481 PRACK");
    peer.request(&mut world, "PRACK", &[&format!("RAck: {rseq} {invite} INVITE")], "");
    peer.get(&mut world, "200 PRACK");
    world.run(10);
    assert_eq!(world.count("180 INVITE"), 1, "{}", world.story());
    world.lift(0);
    let answer = peer.get(&mut world, "200 INVITE");
    peer.learn(&answer);
    peer.request_as(&mut world, "ACK", invite, &[], "");
    world.run(1);
    assert_eq!(world.stages(0), [Stage::Up]);
}

#[test]
fn answers_out_of_order_are_not_confirmed_and_copies_once() {
    let mut world = World::pair(&[ON], &[]);
    let mut peer = Peer::new(&mut world, "200");
    world.dial(0, "200");
    let invite = peer.get(&mut world, "INVITE");
    assert!(invite.tokens(Name::Supported).any(|tag| tag == "100rel"));
    let reliable = |rseq: u32| format!("RSeq: {rseq}");
    peer.reply(&mut world, &invite, 183, &["Require: 100rel", &reliable(7)], &sdp(40_000, "sendrecv"));
    let prack = peer.get(&mut world, "PRACK");
    assert_eq!(prack.header(Name::RAck), Some(format!("7 {} INVITE", invite.cseq().unwrap().number).as_str()));
    peer.reply(&mut world, &prack, 200, &[], "");
    peer.reply(&mut world, &invite, 183, &["Require: 100rel", &reliable(7)], &sdp(40_000, "sendrecv"));
    peer.reply(&mut world, &invite, 180, &["Require: 100rel", &reliable(9)], "");
    world.run_ms(50);
    peer.none(&mut world, "PRACK");
    peer.reply(&mut world, &invite, 180, &["Require: 100rel", &reliable(8)], "");
    let prack = peer.get(&mut world, "PRACK");
    peer.reply(&mut world, &prack, 200, &[], "");
    peer.reply(&mut world, &invite, 200, &[], "");
    peer.get(&mut world, "ACK");
    assert_eq!(world.stages(0), [Stage::Up]);
    world.hang_up(0);
    let bye = peer.get(&mut world, "BYE");
    assert!(bye.cseq().unwrap().number > prack.cseq().unwrap().number, "PRACKs have counted on");
}

#[test]
fn an_update_in_the_early_dialog_is_answered_after_the_early_answer() {
    let mut world = World::pair(&[ON], &[]);
    let mut peer = Peer::new(&mut world, "200");
    world.dial(0, "200");
    let invite = peer.get(&mut world, "INVITE");
    peer.reply(&mut world, &invite, 183, &["Require: 100rel", "RSeq: 1"], &sdp(40_000, "sendrecv"));
    let prack = peer.get(&mut world, "PRACK");
    peer.reply(&mut world, &prack, 200, &[], "");
    peer.request_as(&mut world, "UPDATE", 1, &[], &sdp(40_050, "sendrecv"));
    peer.get(&mut world, "200 UPDATE");
    let (agreed, _) = world.desks[0].phone.media(world.call(0, 0)).unwrap();
    assert_eq!(agreed.remote, "192.0.2.200:40050".parse().ok());
    peer.reply(&mut world, &invite, 200, &[], "");
    peer.get(&mut world, "ACK");
    assert_eq!(world.stages(0), [Stage::Up]);
}

#[test]
fn a_caller_gives_up_while_a_confirmation_is_on_its_way() {
    let mut world = World::pair(&[ON], &[ON]);
    world.lose("PRACK", 1);
    world.dial(0, "102");
    world.run_ms(10);
    world.hang_up(0);
    world.run(5);
    assert!(world.calls(0).is_empty() && world.calls(1).is_empty(), "{}", world.story());
    assert_eq!(end(&world.events(1)), Some((EndedBy::Them, 487)));
}

#[test]
fn without_an_offer_our_own_goes_with_what_must_be_confirmed_and_its_answer_with_that() {
    let mut world = World::pair(&[ON], &[]);
    let mut peer = Peer::new(&mut world, "200");
    peer.invite(&mut world, "101", &["Require: 100rel"], "");
    let rings = peer.get(&mut world, "180 INVITE");
    assert!(String::from_utf8_lossy(rings.body()).contains("m=audio"));
    peer.learn(&rings);
    let (rseq, invite) = (rings.header(Name::RSeq).unwrap().to_owned(), peer.cseq);
    peer.request(&mut world, "PRACK", &[&format!("RAck: {rseq} {invite} INVITE")], &sdp(40_000, "sendrecv"));
    let confirmed = peer.get(&mut world, "200 PRACK");
    assert!(confirmed.body().is_empty());
    world.lift(0);
    let answer = peer.get(&mut world, "200 INVITE");
    assert!(answer.body().is_empty(), "everything is agreed");
    peer.request_as(&mut world, "ACK", invite, &[], "");
    world.run(1);
    assert_eq!(world.stages(0), [Stage::Up]);
    let (agreed, _) = world.desks[0].phone.media(world.call(0, 0)).unwrap();
    assert_eq!(agreed.remote, "192.0.2.200:40000".parse().ok());
}

#[test]
fn without_an_offer_what_need_not_be_confirmed_is_not() {
    let mut world = World::pair(&[ON], &[]);
    let mut peer = Peer::new(&mut world, "200");
    peer.invite(&mut world, "101", &["Supported: 100rel"], "");
    let rings = peer.get(&mut world, "180 INVITE");
    assert!(rings.header(Name::RSeq).is_none() && rings.body().is_empty());
    world.lift(0);
    peer.confirm(&mut world, &sdp(40_000, "sendrecv"));
    assert_eq!(world.stages(0), [Stage::Up]);
}

#[test]
fn a_confirmation_that_is_challenged_is_sent_again_with_an_answer() {
    let mut world = World::pair(&[ON], &[ON]);
    world.proxy.challenged =
        Some(|request| matches!(request.method().map(Method::as_str), Some("INVITE" | "PRACK" | "BYE")));
    world.proxy.one_time_nonces = true;
    world.dial(0, "102");
    world.run(3);
    assert!(world.count("200 PRACK") >= 1, "{}", world.story());
    world.lift(1);
    world.run(1);
    assert_eq!((world.stages(0), world.stages(1)), (vec![Stage::Up], vec![Stage::Up]), "{}", world.story());
}
