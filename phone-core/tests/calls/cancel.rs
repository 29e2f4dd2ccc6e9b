//! Giving up a call at each stage (RFC 3261 §9), redirections, refusals that lead to another try, and other servers.

use phone_core::sip::call::{EndedBy, Stage};
use phone_core::sip::message::{Message, Method, Name};

use crate::basic::end;
use crate::peer::{Peer, sdp};
use crate::world::{World, account, phone};

#[test]
fn cancel_waits_for_the_first_provisional_answer_and_goes_once() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    world.dial(0, "200");
    let invite = peer.get(&mut world, "INVITE");
    world.hang_up(0);
    world.run_ms(300);
    peer.none(&mut world, "CANCEL");
    assert!(world.calls(0).is_empty(), "for people it is over at once");
    for status in [100, 180, 180, 183] {
        peer.reply(&mut world, &invite, status, &[], "");
        world.run_ms(20);
    }
    let cancel = peer.get(&mut world, "CANCEL");
    assert_eq!(cancel.cseq().unwrap().number, invite.cseq().unwrap().number);
    assert_eq!(cancel.request_uri_text(), invite.request_uri_text());
    peer.reply(&mut world, &cancel, 200, &[], "");
    peer.reply(&mut world, &invite, 487, &[], "");
    peer.get(&mut world, "ACK");
    world.run(60);
    assert_eq!(world.count("CANCEL"), 1, "{}", world.story());
    assert_eq!(end(&world.events(0)), Some((EndedBy::Us, 487)));
}

#[test]
fn an_answer_that_crosses_the_cancel_is_confirmed_and_ended() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    world.dial(0, "200");
    let invite = peer.get(&mut world, "INVITE");
    peer.reply(&mut world, &invite, 180, &[], "");
    world.run_ms(20);
    peer.reply(&mut world, &invite, 200, &[], &sdp(40_000, "sendrecv"));
    world.hang_up(0);
    let cancel = peer.get(&mut world, "CANCEL");
    peer.reply(&mut world, &cancel, 200, &[], "");
    peer.get(&mut world, "ACK");
    let bye = peer.get(&mut world, "BYE");
    peer.reply(&mut world, &bye, 200, &[], "");
    world.run(1);
    let events = world.news(0);
    assert!(!events.contains(&"EstablishedCall".to_owned()), "{events:?}");
    assert_eq!(events.iter().filter(|one| *one == "TerminatedCall").count(), 1);
}

#[test]
fn a_call_given_up_that_nobody_answers_is_forgotten() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    world.dial(0, "200");
    let invite = peer.get(&mut world, "INVITE");
    peer.reply(&mut world, &invite, 180, &[], "");
    world.run_ms(20);
    world.hang_up(0);
    world.run(40);
    // It was cancelled as often as RFC 3261 says, and then given up; a late answer is nobody's.
    peer.reply(&mut world, &invite, 200, &[], &sdp(40_000, "sendrecv"));
    world.run(1);
    assert!(world.calls(0).is_empty());
    assert!(world.desks[0].phone.poll_timeout().is_none_or(|at| at > world.now));
}

#[test]
fn a_redirection_is_followed_and_a_circle_is_left() {
    let mut world = World::of(&["101", "102"]);
    let mut peer = Peer::new(&mut world, "200");
    world.dial(0, "200");
    let invite = peer.get(&mut world, "INVITE");
    let at = "Contact: <sip:102@192.0.2.10>";
    peer.reply(&mut world, &invite, 302, &[at], "");
    peer.get(&mut world, "ACK");
    world.run_ms(100);
    assert_eq!(world.stages(1), [Stage::Incoming], "{}", world.story());
    world.lift(1);
    world.run_ms(100);
    assert_eq!(world.stages(0), [Stage::Up]);

    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    world.dial(0, "200");
    let circle = "Contact: <sip:200@192.0.2.10>";
    for _ in 0..6 {
        let invite = peer.get(&mut world, "INVITE");
        peer.reply(&mut world, &invite, 302, &[circle], "");
        world.run_ms(50);
    }
    world.run(1);
    peer.none(&mut world, "INVITE");
    assert_eq!(end(&world.events(0)), Some((EndedBy::Them, 302)));
}

fn all_but_ack(_: &Message) -> bool {
    true
}

#[test]
fn a_proxy_that_challenges_is_answered_for_every_request_of_a_call() {
    for one_time in [false, true] {
        let mut world = World::of(&["101", "102"]);
        world.proxy.challenged = Some(all_but_ack);
        world.proxy.one_time_nonces = one_time;
        world.dial(0, "102");
        world.run_ms(100);
        assert_eq!(world.stages(1), [Stage::Incoming], "{}", world.story());
        world.lift(1);
        world.run_ms(100);
        world.key(0, phone_core::Key::Hold);
        world.run(1);
        assert_eq!(world.holds(1), [(false, true)], "{}", world.story());
        world.key(0, phone_core::Key::Hold);
        world.run(1);
        assert_eq!(world.holds(1), [(false, false)], "{}", world.story());
        world.hang_up(0);
        world.run(1);
        assert!(world.calls(1).is_empty(), "{}", world.story());
        let byes = world.proxy.took(&Method::Bye);
        assert!(byes.last().unwrap().header(Name::ProxyAuthorization).is_some());
    }
}

#[test]
fn a_password_that_is_refused_is_not_tried_for_ever() {
    let mut world = World::with(vec![(vec![account(1, "101", &[("sip.subscriber.password", "wrong")])], phone(&[]))]);
    let _peer = Peer::new(&mut world, "200");
    world.proxy.challenged = Some(all_but_ack);
    world.dial(0, "200");
    world.run(2);
    assert_eq!(world.count("INVITE"), 2);
    assert_eq!(end(&world.events(0)), Some((EndedBy::Them, 407)));
    assert!(!world.story().contains("wrong"));
}

#[test]
fn a_callee_that_challenges_is_answered() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    world.dial(0, "200");
    let invite = peer.get(&mut world, "INVITE");
    let challenge = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"";
    peer.reply(&mut world, &invite, 401, &[challenge], "");
    peer.get(&mut world, "ACK");
    let again = peer.get(&mut world, "INVITE");
    assert!(again.header(Name::Authorization).unwrap().contains("nonce=\"n1\""));
    assert_eq!(again.call_id().unwrap(), invite.call_id().unwrap());
    assert_eq!(again.cseq().unwrap().number, invite.cseq().unwrap().number + 1);
    assert_ne!(again.top_via().unwrap().branch(), invite.top_via().unwrap().branch());
    peer.reply(&mut world, &again, 200, &[], &sdp(40_000, "sendrecv"));
    peer.get(&mut world, "ACK");
    assert_eq!(world.stages(0), [Stage::Up]);
}

#[test]
fn a_session_interval_that_is_too_small_is_raised() {
    let timer = [("sip.sessiontimer.enable", "yes"), ("sip.sessiontimer.requesttimer.caller", "yes")];
    let mut world = World::pair(&timer, &[]);
    let mut peer = Peer::new(&mut world, "200");
    world.dial(0, "200");
    let invite = peer.get(&mut world, "INVITE");
    assert_eq!(invite.header(Name::SessionExpires), Some("180;refresher=uac"));
    peer.reply(&mut world, &invite, 422, &["Min-SE: 600"], "");
    let again = peer.get(&mut world, "INVITE");
    assert_eq!(
        (again.header(Name::SessionExpires), again.header(Name::MinSe)),
        (Some("600;refresher=uac"), Some("600"))
    );
    // One that cannot be satisfied is given up.
    peer.reply(&mut world, &again, 422, &["Min-SE: 600"], "");
    world.run(1);
    assert_eq!(end(&world.events(0)), Some((EndedBy::Them, 422)));
}

fn two_servers() -> World {
    let second = [("sip.server.2.address", "192.0.2.11")];
    World::with(vec![(vec![account(1, "101", &second)], phone(&[])), (vec![account(1, "102", &[])], phone(&[]))])
}

#[test]
fn a_server_out_of_service_leads_to_the_second() {
    let mut world = two_servers();
    world.proxy.refusing.insert("192.0.2.10".parse().unwrap(), 503);
    world.dial(0, "102");
    world.run(1);
    assert_eq!(world.stages(1), [Stage::Incoming], "{}", world.story());
    let refused = world.trace.iter().any(|(_, packet)| {
        packet.to == "192.0.2.10:5060".parse().unwrap() && crate::world::kind(&packet.bytes) == "ACK"
    });
    assert!(refused, "the refusal is confirmed\n{}", world.story());
    world.lift(1);
    world.run(1);
    assert_eq!(world.stages(0), [Stage::Up]);
}

#[test]
fn a_silent_server_leads_to_the_second() {
    let mut world = two_servers();
    world.proxy.dead.insert("192.0.2.10".parse().unwrap());
    world.dial(0, "102");
    world.run(4);
    assert_eq!(world.stages(1), [Stage::Incoming], "{}", world.story());
}

#[test]
fn without_any_server_the_call_ends() {
    let mut world = World::of(&["101"]);
    world.proxy.dead.insert("192.0.2.10".parse().unwrap());
    world.dial(0, "102");
    world.run(40);
    assert_eq!(end(&world.events(0)), Some((EndedBy::Network, 408)));
    assert!(world.calls(0).is_empty());
}

#[test]
fn a_caller_may_end_a_call_that_rings_with_bye() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.invite(&mut world, "101", &[], &sdp(40_000, "sendrecv"));
    let rings = peer.get(&mut world, "180 INVITE");
    peer.learn(&rings);
    peer.request(&mut world, "BYE", &[], "");
    peer.get(&mut world, "200 BYE");
    peer.get(&mut world, "487 INVITE");
    assert!(world.calls(0).is_empty());
    assert!(world.news(0).contains(&"MissedCall".to_owned()));
}

#[test]
fn what_belongs_to_no_call_is_told_so() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.ours = "<sip:200@192.0.2.10>;tag=peer".into();
    peer.theirs = "<sip:101@192.0.2.10>;tag=nobody".into();
    peer.target = "sip:101@192.0.2.101:5060".into();
    for method in ["BYE", "CANCEL", "INVITE", "UPDATE", "PRACK", "INFO", "REFER", "NOTIFY"] {
        peer.request(&mut world, method, &[], "");
        peer.get(&mut world, &format!("481 {method}"));
    }
    peer.request(&mut world, "ACK", &[], "");
    world.run(1);
    peer.theirs = "<sip:101@192.0.2.10>".into();
    peer.request(&mut world, "OPTIONS", &[], "");
    let able = peer.get(&mut world, "200 OPTIONS");
    assert!(able.header(Name::Allow).unwrap().contains("REFER"));
    assert!(world.events(0).is_empty() && world.calls(0).is_empty());
}

#[test]
fn a_fifth_call_of_our_own_is_not_placed() {
    let mut world = World::of(&["101"]);
    for number in 1..=5 {
        let mut peer = Peer::new(&mut world, &format!("20{number}"));
        if number < 5 {
            let user = peer.user.clone();
            world.api_dial(0, &user);
            let invite = peer.get(&mut world, "INVITE");
            peer.reply(&mut world, &invite, 200, &[], &sdp(40_000, "sendrecv"));
            peer.get(&mut world, "ACK");
            while let Some(hold) = peer.take(&mut world, "INVITE") {
                peer.reply(&mut world, &hold, 200, &[], &sdp(40_000, "recvonly"));
            }
        } else {
            world.api_dial(0, "205");
        }
    }
    let failed = world.news(0).iter().filter(|one| *one == "DialFailed").count();
    assert_eq!((failed, world.calls(0).len()), (1, 4));
}
