//! Hold and resume from both sides, glare, offers left to the other side (RFC 3264 §8.4, RFC 3261 §14), and moves.

use std::net::IpAddr;

use phone_core::sip::call::Stage;
use phone_core::sip::message::{Message, Name};
use phone_core::{Command, Input, Key};

use crate::peer::{Peer, sdp};
use crate::world::World;

fn body(message: &Message) -> String {
    String::from_utf8(message.body().to_vec()).unwrap()
}

fn direction(message: &Message) -> &'static str {
    let text = body(message);
    ["sendonly", "recvonly", "inactive", "sendrecv"]
        .into_iter()
        .find(|one| text.contains(&format!("a={one}\r\n")))
        .unwrap_or("none")
}

#[test]
fn hold_and_resume_by_the_key_are_seen_at_both_ends() {
    for (holder, held) in [(0, 1), (1, 0)] {
        let mut world = World::of(&["101", "102"]);
        world.talk(0, 1);
        world.forget();
        world.key(holder, Key::Hold);
        world.run(1);
        assert_eq!((world.holds(holder), world.holds(held)), (vec![(true, false)], vec![(false, true)]));
        world.key(holder, Key::Hold);
        world.run(1);
        assert_eq!((world.holds(holder), world.holds(held)), (vec![(false, false)], vec![(false, false)]));
        assert_eq!(world.news(holder), ["HoldCall", "UnholdCall"]);
        assert!(world.news(held).is_empty());
    }
}

#[test]
fn both_may_hold_and_take_back_in_any_order() {
    let mut world = World::of(&["101", "102"]);
    world.talk(0, 1);
    world.key(0, Key::Hold);
    world.run(1);
    world.key(1, Key::Hold);
    world.run(1);
    assert_eq!((world.holds(0), world.holds(1)), (vec![(true, true)], vec![(true, true)]), "{}", world.story());
    world.key(0, Key::Hold);
    world.run(1);
    assert_eq!((world.holds(0), world.holds(1)), (vec![(false, true)], vec![(true, false)]), "{}", world.story());
    world.key(1, Key::Hold);
    world.run(1);
    assert_eq!((world.holds(0), world.holds(1)), (vec![(false, false)], vec![(false, false)]), "{}", world.story());
}

#[test]
fn both_hold_at_the_same_moment() {
    for seed in 0..10 {
        let mut world = World::of(&["101", "102"]).seed(seed);
        world.talk(0, 1);
        world.forget();
        world.key(0, Key::Hold);
        world.key(1, Key::Hold);
        world.run(10);
        assert!(world.count("491 INVITE") >= 2, "{}", world.story());
        assert_eq!((world.holds(0), world.holds(1)), (vec![(true, true)], vec![(true, true)]), "{}", world.story());
        world.key(0, Key::Hold);
        world.key(1, Key::Hold);
        world.run(10);
        assert_eq!((world.holds(0), world.holds(1)), (vec![(false, false)], vec![(false, false)]), "{}", world.story());
    }
}

#[test]
fn after_491_the_caller_waits_longer_than_the_called() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.called_by(&mut world, 0, &[]);
    world.key(0, Key::Hold);
    let hold = peer.get(&mut world, "INVITE");
    assert_eq!(direction(&hold), "sendonly");
    peer.reply(&mut world, &hold, 491, &[], "");
    peer.get(&mut world, "ACK");
    assert_eq!(world.holds(0), [(false, false)], "not before it is agreed");
    world.run(2);
    peer.none(&mut world, "INVITE");
    world.run(2);
    let again = peer.get(&mut world, "INVITE");
    peer.reply(&mut world, &again, 200, &[], &sdp(40_000, "recvonly"));
    peer.get(&mut world, "ACK");
    assert_eq!(world.holds(0), [(true, false)]);
}

#[test]
fn a_hold_that_is_refused_leaves_everything_as_it_was() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.called_by(&mut world, 0, &[]);
    world.key(0, Key::Hold);
    let hold = peer.get(&mut world, "INVITE");
    peer.reply(&mut world, &hold, 488, &[], "");
    peer.get(&mut world, "ACK");
    world.run(1);
    assert_eq!((world.holds(0), world.stages(0)), (vec![(false, false)], vec![Stage::Up]));
    assert!(!world.news(0).contains(&"HoldCall".to_owned()));
}

#[test]
fn a_change_to_which_the_dialog_is_unknown_ends_the_call() {
    for status in [481, 408] {
        let mut world = World::of(&["101"]);
        let mut peer = Peer::new(&mut world, "200");
        peer.called_by(&mut world, 0, &[]);
        world.key(0, Key::Hold);
        let hold = peer.get(&mut world, "INVITE");
        peer.reply(&mut world, &hold, status, &[], "");
        let bye = peer.get(&mut world, "BYE");
        peer.reply(&mut world, &bye, 481, &[], "");
        world.run(1);
        assert!(world.calls(0).is_empty());
    }
}

#[test]
fn every_way_to_say_hold_is_understood() {
    let zero = sdp(40_000, "sendrecv").replace("c=IN IP4 192.0.2.200", "c=IN IP4 0.0.0.0");
    for (offer, answered) in [
        (sdp(40_000, "sendonly"), "recvonly"),
        (sdp(40_000, "inactive"), "inactive"),
        (zero.clone(), "recvonly"),
        (zero.replace("a=sendrecv\r\n", ""), "recvonly"),
    ] {
        let mut world = World::of(&["101"]);
        let mut peer = Peer::new(&mut world, "200");
        peer.calls(&mut world, 0, &[]);
        peer.request(&mut world, "INVITE", &[], &offer);
        let answer = peer.confirm(&mut world, "");
        assert_eq!(world.holds(0), [(false, true)], "{offer}");
        if !offer.contains("0.0.0.0") {
            assert_eq!(direction(&answer), answered);
        }
        peer.request(&mut world, "INVITE", &[], &sdp(40_000, "sendrecv"));
        let answer = peer.confirm(&mut world, "");
        assert_eq!((world.holds(0), direction(&answer)), (vec![(false, false)], "sendrecv"));
    }
}

#[test]
fn hold_in_the_manner_of_rfc_2543_names_no_address() {
    for (value, zero) in [("yes", true), ("no", false)] {
        let mut world = World::pair(&[("call.rfc2543hold.enable", value)], &[]);
        let mut peer = Peer::new(&mut world, "200");
        peer.called_by(&mut world, 0, &[]);
        world.key(0, Key::Hold);
        let hold = peer.get(&mut world, "INVITE");
        assert_eq!((body(&hold).contains("c=IN IP4 0.0.0.0"), direction(&hold)), (zero, "sendonly"));
        peer.reply(&mut world, &hold, 200, &[], &sdp(40_000, "recvonly"));
        peer.get(&mut world, "ACK");
        assert_eq!(world.holds(0), [(true, false)]);
    }
}

#[test]
fn an_update_holds_as_well() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.calls(&mut world, 0, &[]);
    peer.request(&mut world, "UPDATE", &[], &sdp(40_000, "sendonly"));
    let answer = peer.get(&mut world, "200 UPDATE");
    assert_eq!((direction(&answer), world.holds(0)), ("recvonly", vec![(false, true)]));
    peer.request(&mut world, "UPDATE", &[], "");
    let answer = peer.get(&mut world, "200 UPDATE");
    assert!(answer.body().is_empty() && world.holds(0) == [(false, true)], "nothing was offered");
}

#[test]
fn an_update_with_an_offer_waits_until_the_first_one_is_answered() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    // We offered, and nobody answered yet.
    world.dial(0, "200");
    let invite = peer.get(&mut world, "INVITE");
    peer.reply(&mut world, &invite, 180, &[], "");
    world.run_ms(20);
    peer.request_as(&mut world, "UPDATE", 1, &[], &sdp(40_000, "sendrecv"));
    peer.get(&mut world, "491 UPDATE");
    peer.reply(&mut world, &invite, 200, &[], &sdp(40_000, "sendrecv"));
    peer.get(&mut world, "ACK");
    assert_eq!(world.stages(0), [Stage::Up], "our offer was not lost by it");
}

#[test]
fn an_invite_without_an_offer_gets_one_and_the_ack_answers() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.invite(&mut world, "101", &[], "");
    world.run_ms(50);
    world.lift(0);
    let offer = peer.confirm(&mut world, &sdp(40_000, "sendrecv"));
    assert_eq!(direction(&offer), "sendrecv");
    assert_eq!(world.stages(0), [Stage::Up]);
    assert!(world.calls(0)[0].codec.is_some());
    // And again within the call, as a server does to connect it to somebody else.
    peer.request(&mut world, "INVITE", &[], "");
    let offer = peer.confirm(&mut world, &sdp(40_100, "sendrecv"));
    assert!(body(&offer).contains("m=audio"));
    let (agreed, _) = world.desks[0].phone.media(world.call(0, 0)).unwrap();
    assert_eq!(agreed.remote, "192.0.2.200:40100".parse().ok());
}

#[test]
fn an_ack_without_the_answer_ends_the_call() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.invite(&mut world, "101", &[], "");
    world.run_ms(50);
    world.lift(0);
    peer.confirm(&mut world, "");
    let bye = peer.get(&mut world, "BYE");
    peer.reply(&mut world, &bye, 200, &[], "");
    world.run(1);
    assert!(world.calls(0).is_empty());
}

#[test]
fn an_invite_while_we_change_something_is_491_and_a_second_one_500() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.calls(&mut world, 0, &[]);
    world.key(0, Key::Hold);
    let hold = peer.get(&mut world, "INVITE");
    peer.request(&mut world, "INVITE", &[], &sdp(40_000, "sendonly"));
    peer.get(&mut world, "491 INVITE");
    peer.reply(&mut world, &hold, 200, &[], &sdp(40_000, "recvonly"));
    peer.get(&mut world, "ACK");
    peer.request(&mut world, "INVITE", &[], &sdp(40_000, "sendrecv"));
    peer.get(&mut world, "200 INVITE");
    peer.request(&mut world, "INVITE", &[], &sdp(40_000, "sendrecv"));
    let busy = peer.get(&mut world, "500 INVITE");
    assert!(busy.header(Name::RetryAfter).is_some());
}

#[test]
fn an_offer_that_cannot_be_taken_changes_nothing() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.calls(&mut world, 0, &[]);
    let strange = sdp(40_000, "sendonly").replace("RTP/AVP 0 8 101", "RTP/AVP 99").replace("a=rtpmap:0", "a=rtpmap:99");
    let strange = strange.replace("PCMU", "UNHEARD").replace("a=rtpmap:8 PCMA/8000\r\n", "");
    peer.request(&mut world, "INVITE", &[], &strange);
    peer.get(&mut world, "488 INVITE");
    assert_eq!((world.holds(0), world.stages(0)), (vec![(false, false)], vec![Stage::Up]));
}

#[test]
fn a_phone_that_moves_says_where_its_audio_is_now() {
    let mut world = World::of(&["101", "102"]);
    world.talk(0, 1);
    world.run(5);
    world.forget();
    let new: IpAddr = "192.0.2.150".parse().unwrap();
    world.input(0, Input::LocalAddress(new));
    world.run(3);
    assert!(world.news(0).contains(&"IpChange".to_owned()));
    assert_eq!((world.stages(0), world.stages(1)), (vec![Stage::Up], vec![Stage::Up]), "{}", world.story());
    let (agreed, _) = world.desks[1].phone.media(world.call(1, 0)).unwrap();
    assert_eq!(agreed.remote.map(|at| at.ip()), Some(new));
    // And is found there.
    world.hang_up(1);
    world.run(1);
    assert!(world.calls(0).is_empty(), "{}", world.story());
}

#[test]
fn a_phone_that_moves_while_it_rings_answers_with_its_new_address() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.invite(&mut world, "101", &[], &sdp(40_000, "sendrecv"));
    world.run_ms(50);
    world.input(0, Input::LocalAddress("192.0.2.150".parse().unwrap()));
    world.run_ms(50);
    world.lift(0);
    let answer = peer.confirm(&mut world, "");
    assert!(body(&answer).contains("c=IN IP4 192.0.2.150"), "{}", body(&answer));
    assert!(crate::peer::target(&answer).contains("192.0.2.150"));
    assert_eq!(world.stages(0), [Stage::Up]);
}

#[test]
fn a_phone_that_moves_while_it_calls_says_so_when_it_is_answered() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    world.dial(0, "200");
    let invite = peer.get(&mut world, "INVITE");
    peer.reply(&mut world, &invite, 180, &[], "");
    world.run_ms(50);
    world.input(0, Input::LocalAddress("192.0.2.150".parse().unwrap()));
    world.run_ms(50);
    // The network still leads what comes for the old address to the phone.
    world.moved.insert("192.0.2.101".parse().unwrap(), "192.0.2.150".parse().unwrap());
    peer.reply(&mut world, &invite, 200, &[], &sdp(40_000, "sendrecv"));
    let again = peer.get(&mut world, "INVITE");
    assert!(body(&again).contains("192.0.2.150"), "{}", world.story());
    peer.reply(&mut world, &again, 200, &[], &sdp(40_000, "sendrecv"));
    world.run(1);
    assert_eq!(world.stages(0), [Stage::Up]);
}

#[test]
fn commands_hold_and_resume_and_a_server_may_ask_for_both() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.calls(&mut world, 0, &[]);
    let id = world.call(0, 0);
    for (command, answer) in [(Command::Hold(id), "recvonly"), (Command::Resume(id), "sendrecv")] {
        world.command(0, command);
        let change = peer.get(&mut world, "INVITE");
        peer.reply(&mut world, &change, 200, &[], &sdp(40_000, answer));
        peer.get(&mut world, "ACK");
        assert_eq!(world.holds(0), [(answer == "recvonly", false)]);
    }
    peer.request(&mut world, "NOTIFY", &["Event: hold", "Subscription-State: active"], "");
    peer.get(&mut world, "200 NOTIFY");
    let change = peer.get(&mut world, "INVITE");
    peer.reply(&mut world, &change, 200, &[], &sdp(40_000, "recvonly"));
    peer.get(&mut world, "ACK");
    peer.request(&mut world, "NOTIFY", &["Event: talk", "Subscription-State: active"], "");
    peer.get(&mut world, "200 NOTIFY");
    let change = peer.get(&mut world, "INVITE");
    assert_eq!(direction(&change), "sendrecv");
    peer.reply(&mut world, &change, 200, &[], &sdp(40_000, "sendrecv"));
    peer.get(&mut world, "ACK");
    assert_eq!(world.holds(0), [(false, false)]);
}

#[test]
fn a_change_that_is_refused_again_and_again_is_given_up() {
    // 500 is a refusal, unless it says when to come back; 491 is not for ever.
    for (status, extra, tries) in [(500, &[][..], 1), (500, &["Retry-After: 5"][..], 4), (491, &[][..], 4)] {
        let mut world = World::of(&["101"]);
        let mut peer = Peer::new(&mut world, "200");
        peer.called_by(&mut world, 0, &[]);
        world.key(0, Key::Hold);
        let mut asked = 0;
        for _ in 0..400 {
            while let Some(hold) = peer.take(&mut world, "INVITE") {
                asked += 1;
                peer.reply(&mut world, &hold, status, extra, "");
            }
            world.run_ms(100);
        }
        assert_eq!(asked, tries, "{status} {extra:?}: {}", world.story());
        assert_eq!((world.holds(0), world.stages(0)), (vec![(false, false)], vec![Stage::Up]));
        // The next one begins anew.
        world.key(0, Key::Hold);
        let hold = peer.get(&mut world, "INVITE");
        peer.reply(&mut world, &hold, 200, &[], &sdp(40_000, "recvonly"));
        peer.get(&mut world, "ACK");
        assert_eq!(world.holds(0), [(true, false)]);
    }
}

const MUSIC: (&str, &str) = ("sip.musiconholduri", "sip:300@192.0.2.10");

/// A music server plays for so many seconds.
fn play(world: &mut World, server: &mut Peer, seconds: u64) {
    for _ in 0..seconds * 20 {
        while let Some(invite) = server.take(world, "INVITE") {
            let says = if direction(&invite) == "inactive" { "inactive" } else { "sendonly" };
            server.reply(world, &invite, 200, &[], &sdp(30_000, says));
        }
        while let Some(bye) = server.take(world, "BYE") {
            server.reply(world, &bye, 200, &[], "");
        }
        world.run_ms(50);
    }
}

#[test]
fn two_phones_that_hold_each_other_with_music_come_to_rest() {
    let mut world = World::pair(&[MUSIC], &[MUSIC]);
    let mut server = Peer::new(&mut world, "300");
    world.talk(0, 1);
    world.key(0, Key::Hold);
    play(&mut world, &mut server, 5);
    assert_eq!(world.holds(0), [(true, false)], "{}", world.story());
    world.key(1, Key::Hold);
    play(&mut world, &mut server, 10);
    assert_eq!((world.holds(0)[0].0, world.holds(1)[0].0), (true, true), "{}", world.story());
    world.forget();
    play(&mut world, &mut server, 60);
    assert_eq!(world.count("INVITE"), 0, "{}", world.story());
    world.key(0, Key::Hold);
    world.key(1, Key::Hold);
    play(&mut world, &mut server, 10);
    assert_eq!((world.holds(0), world.holds(1)), (vec![(false, false)], vec![(false, false)]), "{}", world.story());
}

#[test]
fn a_music_server_nobody_waits_for_any_more_is_cancelled_when_it_is_heard_of() {
    for status in [180, 200] {
        let mut world = World::pair(&[MUSIC], &[]);
        let mut server = Peer::new(&mut world, "300");
        let mut peer = Peer::new(&mut world, "200");
        peer.called_by(&mut world, 0, &[]);
        world.key(0, Key::Hold);
        let ask = peer.get(&mut world, "INVITE");
        peer.reply(&mut world, &ask, 200, &[], &sdp(40_000, "sendrecv"));
        let invite = server.get(&mut world, "INVITE");
        let id = world.call(0, 0);
        world.command(0, Command::HangUp(id));
        let bye = peer.get(&mut world, "BYE");
        peer.reply(&mut world, &bye, 200, &[], "");
        world.run_ms(100);
        assert!(world.calls(0).is_empty(), "{}", world.story());
        server.none(&mut world, "CANCEL");
        let body = if status == 200 { sdp(30_000, "sendonly") } else { String::new() };
        server.reply(&mut world, &invite, status, &[], &body);
        if status == 200 {
            server.get(&mut world, "ACK");
            server.get(&mut world, "BYE");
        } else {
            server.get(&mut world, "CANCEL");
        }
    }
}
