//! What people on the network may not do to a phone, and what broken servers may not.

use phone_core::sip::call::Stage;
use phone_core::sip::message::Name;

use crate::peer::{Peer, sdp};
use crate::world::{World, account, phone};

/// A phone, and somebody who calls it past the server.
fn called_straight(settings: &[(&str, &str)], headers: &[&str]) -> (World, Peer) {
    let mut world = World::with(vec![(vec![account(1, "101", settings)], phone(&[]))]);
    let mut peer = Peer::new(&mut world, "666");
    peer.invite_straight(&mut world, 0, headers);
    world.run_ms(50);
    (world, peer)
}

#[test]
fn a_stranger_does_not_open_the_microphone() {
    let (mut world, mut peer) = called_straight(&[], &["Call-Info: <sip:x>;answer-after=0"]);
    assert_eq!(world.stages(0), [Stage::Incoming]);
    let rings = peer.get(&mut world, "180 INVITE");
    peer.learn(&rings);
    peer.request(&mut world, "NOTIFY", &["Event: talk", "Subscription-State: active"], "");
    world.run_ms(50);
    assert_eq!(world.stages(0), [Stage::Incoming], "{}", world.story());
}

#[test]
fn a_stranger_is_given_no_proof_of_the_password() {
    let (mut world, mut peer) = called_straight(&[], &[]);
    world.lift(0);
    peer.confirm(&mut world, "");
    world.run_ms(50);
    assert_eq!(world.stages(0), [Stage::Up]);
    world.hang_up(0);
    let bye = peer.get(&mut world, "BYE");
    let challenge = "WWW-Authenticate: Digest realm=\"192.0.2.10\", nonce=\"mine\", qop=\"auth\"";
    peer.reply(&mut world, &bye, 401, &[challenge], "");
    world.run(2);
    while let Some(again) = peer.take(&mut world, "BYE") {
        assert_eq!(again.header(Name::Authorization), None, "{}", world.story());
    }
    assert!(world.calls(0).is_empty());
}

#[test]
fn a_stranger_does_not_make_the_phone_call_others() {
    let (mut world, mut peer) = called_straight(&[], &[]);
    let other = Peer::new(&mut world, "0900");
    world.lift(0);
    peer.confirm(&mut world, "");
    peer.request(&mut world, "REFER", &["Refer-To: <sip:0900@192.0.2.10>"], "");
    world.run(1);
    assert!(other.take(&mut world, "INVITE").is_none());
    assert_eq!(world.calls(0).len(), 1, "{}", world.story());
}

#[test]
fn strangers_do_not_keep_a_guest_from_calling() {
    let (mut world, _peer) = called_straight(&[], &[]);
    for user in ["667", "668", "669"] {
        let mut more = Peer::new(&mut world, user);
        more.invite_straight(&mut world, 0, &[]);
    }
    let reception = Peer::new(&mut world, "200");
    world.run_ms(50);
    assert_eq!(world.calls(0).len(), 1, "one rings");
    world.api_dial(0, "200");
    world.run_ms(50);
    assert!(reception.take(&mut world, "INVITE").is_some(), "{}", world.story());
}

#[test]
fn copies_of_a_cancel_are_not_kept() {
    let (mut world, mut peer) = called_straight(&[], &[]);
    let cseq = peer.cseq;
    for _ in 0..1_000 {
        peer.request_as(&mut world, "CANCEL", cseq, &[], "");
    }
    world.run(1);
    assert!(world.calls(0).is_empty());
    // A phone that kept them all would take nothing new now.
    let mut next = Peer::new(&mut world, "200");
    next.invite(&mut world, "101", &[], &sdp(40_000, "sendrecv"));
    world.run_ms(50);
    assert_eq!(world.stages(0), [Stage::Incoming], "{}", world.story());
}

#[test]
fn two_servers_that_have_the_call_and_then_do_not_get_it_once_each() {
    let servers = [("sip.server.2.address", "192.0.2.11")];
    let mut world = World::with(vec![(vec![account(1, "101", &servers)], phone(&[]))]);
    world.proxy.trying = true;
    for server in ["192.0.2.10", "192.0.2.11"] {
        world.proxy.refusing.insert(server.parse().unwrap(), 503);
    }
    world.forget();
    world.api_dial(0, "200");
    world.run(20);
    assert!(world.calls(0).is_empty(), "{}", world.story());
    assert_eq!(world.count("INVITE"), 2, "{}", world.story());
}

#[test]
fn help_can_be_keyed_in_whatever_the_plan_makes_of_its_beginning() {
    for plan in ["{0|9|[1-8]xxx}", "{[1-8]xx}"] {
        let settings = [("call.dialplan", plan)];
        let own = [("call.ipcall.enable", "no")];
        let mut world = World::with(vec![(vec![account(1, "101", &settings)], phone(&own))]);
        let help = Peer::new(&mut world, "911");
        world.lift(0);
        world.keys(0, "911");
        world.run(6);
        assert!(help.take(&mut world, "INVITE").is_some(), "{plan}: {}", world.story());
    }
}

#[test]
fn help_stays_on_the_line() {
    let mut world = World::with(vec![(vec![account(1, "101", &[])], phone(&[]))]);
    let mut first = Peer::new(&mut world, "200");
    first.calls(&mut world, 0, &[]);
    let mut help = Peer::new(&mut world, "112");
    world.api_dial(0, "112");
    let hold = first.get(&mut world, "INVITE");
    first.reply(&mut world, &hold, 200, &[], &sdp(40_000, "recvonly"));
    let call = help.get(&mut world, "INVITE");
    help.reply(&mut world, &call, 200, &[], &sdp(40_010, "sendrecv"));
    help.get(&mut world, "ACK");
    // Who is held wants the phone back, and then another call.
    first.request(&mut world, "NOTIFY", &["Event: talk", "Subscription-State: active"], "");
    first.request(&mut world, "REFER", &["Refer-To: <sip:300@192.0.2.10>"], "");
    world.run(2);
    let held: Vec<bool> = world.calls(0).iter().filter(|call| call.emergency).map(|call| call.held).collect();
    assert_eq!(held, [false], "{}", world.story());
}
