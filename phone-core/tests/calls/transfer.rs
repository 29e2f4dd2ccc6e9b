//! Passing calls on, and being passed on (RFC 3515, RFC 3891, RFC 5589).

use phone_core::sip::call::Stage;
use phone_core::sip::message::Message;
use phone_core::{Command, Key, PhoneEvent};

use crate::peer::{Peer, sdp};
use crate::world::{World, account, phone};

fn three(first: &[(&str, &str)]) -> World {
    let one = |user: &str, extra: &[(&str, &str)]| (vec![account(1, user, extra)], phone(&[]));
    World::with(vec![one("101", first), one("102", &[]), one("103", &[])])
}

fn numbers(world: &World, at: usize) -> Vec<String> {
    world.calls(at).iter().map(|call| call.peer.number.clone()).collect()
}

fn sipfrag(message: &Message) -> String {
    String::from_utf8(message.body().to_vec()).unwrap().trim().to_owned()
}

/// 102 and 103 are connected, and 101 is out of it.
fn joined(world: &World) {
    assert!(world.calls(0).is_empty(), "{}", world.story());
    assert_eq!((world.stages(1), world.stages(2)), (vec![Stage::Up], vec![Stage::Up]), "{}", world.story());
    assert_eq!((world.holds(1), world.holds(2)), (vec![(false, false)], vec![(false, false)]), "{}", world.story());
}

#[test]
fn blind_transfer_by_the_key() {
    let mut world = three(&[]);
    world.talk(0, 1);
    world.forget();
    world.key(0, Key::Transfer);
    world.keys(0, "103");
    world.key(0, Key::Transfer);
    world.run(1);
    assert_eq!(world.stages(2), [Stage::Incoming], "{}", world.story());
    assert_eq!(world.stages(0), [Stage::Up], "it waits for how that ends");
    assert_eq!(world.calls(2)[0].peer.number, "102");
    world.lift(2);
    world.run(3);
    joined(&world);
    let events = world.news(0);
    let wanted = ["BlindTransfer", "HoldCall", "TransferCompleted", "TerminatedCall"];
    assert_eq!(events, wanted, "{}", world.story());
}

#[test]
fn a_blind_transfer_that_fails_is_taken_back() {
    let mut world = three(&[]);
    world.talk(0, 1);
    let id = world.call(0, 0);
    world.command(0, Command::BlindTransfer { call: id, number: "103".into() });
    world.run(1);
    let id = world.call(2, 0);
    world.command(2, Command::Reject(id, 486));
    world.run(8);
    assert_eq!((world.stages(0), world.stages(1)), (vec![Stage::Up], vec![Stage::Up]), "{}", world.story());
    assert_eq!((world.holds(0), world.holds(1)), (vec![(false, false)], vec![(false, false)]), "{}", world.story());
    let failed = |event: &PhoneEvent| matches!(event, PhoneEvent::TransferFailed { code: 486, .. });
    assert!(world.events(0).iter().any(failed));
    world.hang_up(0);
    world.run(1);
    assert!(world.calls(1).is_empty());
}

#[test]
fn without_recovery_nobody_waits_for_the_end_of_a_transfer() {
    let mut world = three(&[("call.recoveryonblindtransfer", "no")]);
    world.talk(0, 1);
    let id = world.call(0, 0);
    world.command(0, Command::BlindTransfer { call: id, number: "103".into() });
    world.run(1);
    assert!(world.calls(0).is_empty(), "{}", world.story());
    assert_eq!((numbers(&world, 1), world.stages(2)), (vec!["103".to_owned()], vec![Stage::Incoming]));
    world.lift(2);
    world.run(1);
    joined(&world);
}

#[test]
fn a_transferee_that_says_nothing_is_left_to_itself_or_taken_back() {
    for accepts in [true, false] {
        let mut world = World::of(&["101"]);
        let mut peer = Peer::new(&mut world, "200");
        peer.called_by(&mut world, 0, &[]);
        let id = world.call(0, 0);
        world.command(0, Command::BlindTransfer { call: id, number: "103".into() });
        let hold = peer.get(&mut world, "INVITE");
        peer.reply(&mut world, &hold, 200, &[], &sdp(40_000, "recvonly"));
        let refer = peer.get(&mut world, "REFER");
        if accepts {
            peer.reply(&mut world, &refer, 202, &[], "");
        }
        world.run(29);
        assert_eq!(world.stages(0), [Stage::Up]);
        world.run(2);
        if accepts {
            let bye = peer.get(&mut world, "BYE");
            peer.reply(&mut world, &bye, 200, &[], "");
            world.run(1);
            assert!(world.calls(0).is_empty());
        } else {
            let resume = peer.get(&mut world, "INVITE");
            peer.reply(&mut world, &resume, 200, &[], &sdp(40_000, "sendrecv"));
            world.run(1);
            assert_eq!(world.holds(0), [(false, false)]);
            assert!(world.news(0).contains(&"TransferFailed".to_owned()));
        }
    }
}

#[test]
fn a_refused_refer_takes_the_call_back() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.called_by(&mut world, 0, &[]);
    world.key(0, Key::Transfer);
    let hold = peer.get(&mut world, "INVITE");
    peer.reply(&mut world, &hold, 200, &[], &sdp(40_000, "recvonly"));
    world.keys(0, "103");
    world.key(0, Key::Transfer);
    let refer = peer.get(&mut world, "REFER");
    assert!(refer.header_named("Refer-To").unwrap().contains("sip:103@192.0.2.10"));
    assert!(refer.header_named("Referred-By").unwrap().contains("sip:101@192.0.2.10"));
    peer.reply(&mut world, &refer, 603, &[], "");
    let resume = peer.get(&mut world, "INVITE");
    peer.reply(&mut world, &resume, 200, &[], &sdp(40_000, "sendrecv"));
    world.run(1);
    assert_eq!((world.stages(0), world.holds(0)), (vec![Stage::Up], vec![(false, false)]));
}

/// 101 talks to 102, then asks 103.
fn ask(world: &mut World) {
    world.talk(0, 1);
    world.key(0, Key::Flash);
    world.run(1);
    assert_eq!(world.holds(0), [(true, false)]);
    world.keys(0, "103#");
    world.run(1);
    world.lift(2);
    world.run(1);
    assert_eq!(world.stages(0), [Stage::Up, Stage::Up], "{}", world.story());
}

#[test]
fn attended_transfer_by_the_key() {
    for contact in ["no", "yes"] {
        let mut world = three(&[("call.refertousetargetcontact", contact)]);
        ask(&mut world);
        world.forget();
        world.key(0, Key::Transfer);
        world.run(5);
        joined(&world);
        let events = world.news(0);
        assert!(events.contains(&"AttendedTransfer".to_owned()), "{events:?}");
        assert!(events.contains(&"TransferCompleted".to_owned()), "{events:?}");
        assert_eq!(events.iter().filter(|one| *one == "TerminatedCall").count(), 2);
        let refer = world.trace.iter().find(|(_, packet)| packet.bytes.starts_with(b"REFER")).unwrap();
        let text = String::from_utf8_lossy(&refer.1.bytes).into_owned();
        let to = text.lines().find(|line| line.starts_with("Refer-To")).unwrap();
        assert_eq!(to.contains("192.0.2.103"), contact == "yes", "{to}");
        assert!(to.contains("Replaces=") && to.contains("%3Bto-tag%3D"), "{to}");
        world.hang_up(1);
        world.run(1);
        assert!(world.calls(2).is_empty());
    }
}

#[test]
fn hanging_up_while_asking_passes_the_call_on() {
    for answered in [true, false] {
        let mut world = three(&[]);
        world.talk(0, 1);
        world.key(0, Key::Transfer);
        world.run(1);
        world.keys(0, "103#");
        world.run(1);
        assert_eq!(world.stages(0), [Stage::Up, Stage::Ringing], "{}", world.story());
        if answered {
            world.lift(2);
            world.run(1);
        }
        world.hang_up(0);
        world.run(2);
        if !answered {
            assert_eq!((numbers(&world, 2), world.stages(2)), (vec!["102".to_owned()], vec![Stage::Incoming]));
            world.lift(2);
            world.run(3);
        }
        world.run(3);
        joined(&world);
    }
}

#[test]
fn passed_on_by_somebody_who_wants_to_hear_how_it_goes() {
    let mut world = World::of(&["101", "102"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.calls(&mut world, 0, &[]);
    let by = ["Refer-To: <sip:102@192.0.2.10>", "Referred-By: <sip:200@192.0.2.10>"];
    peer.request(&mut world, "REFER", &by, "");
    peer.get(&mut world, "202 REFER");
    let number = peer.cseq;
    let trying = peer.get(&mut world, "NOTIFY");
    assert_eq!(sipfrag(&trying), "SIP/2.0 100 Trying");
    assert_eq!(trying.header_named("Event"), Some(format!("refer;id={number}").as_str()));
    peer.reply(&mut world, &trying, 200, &[], "");
    let hold = peer.get(&mut world, "INVITE");
    peer.reply(&mut world, &hold, 200, &[], &sdp(40_000, "recvonly"));
    let rings = peer.get(&mut world, "NOTIFY");
    assert_eq!(sipfrag(&rings), "SIP/2.0 180 Ringing");
    peer.reply(&mut world, &rings, 200, &[], "");
    assert_eq!(world.stages(1), [Stage::Incoming]);
    let invite = world.trace.iter().rfind(|(_, packet)| packet.bytes.starts_with(b"INVITE")).unwrap();
    assert!(String::from_utf8_lossy(&invite.1.bytes).contains("Referred-By: <sip:200@192.0.2.10>"));
    world.lift(1);
    let done = peer.get(&mut world, "NOTIFY");
    assert_eq!(sipfrag(&done), "SIP/2.0 200 OK");
    assert!(done.header_named("Subscription-State").unwrap().starts_with("terminated"));
    peer.reply(&mut world, &done, 200, &[], "");
    peer.request(&mut world, "BYE", &[], "");
    peer.get(&mut world, "200 BYE");
    world.run(1);
    assert_eq!((world.stages(0), numbers(&world, 0)), (vec![Stage::Up], vec!["102".to_owned()]));
}

#[test]
fn passed_on_to_nobody_goes_back() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.calls(&mut world, 0, &[]);
    peer.request(&mut world, "REFER", &["Refer-To: <sip:999@192.0.2.10>"], "");
    let hold = peer.get(&mut world, "INVITE");
    peer.reply(&mut world, &hold, 200, &[], &sdp(40_000, "recvonly"));
    world.run(1);
    let mut last = String::new();
    while let Some(notify) = peer.take(&mut world, "NOTIFY") {
        peer.reply(&mut world, &notify, 200, &[], "");
        world.run_ms(50);
        last = sipfrag(&notify);
    }
    assert!(last.starts_with("SIP/2.0 404"), "{last}");
    let resume = peer.get(&mut world, "INVITE");
    peer.reply(&mut world, &resume, 200, &[], &sdp(40_000, "sendrecv"));
    world.run(1);
    assert_eq!((world.stages(0), world.holds(0)), (vec![Stage::Up], vec![(false, false)]));
}

#[test]
fn a_referral_that_cannot_be_followed_goes_back_as_well() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.calls(&mut world, 0, &[]);
    peer.request(&mut world, "REFER", &["Refer-To: <http://hotel.example/>"], "");
    for answer in ["recvonly", "sendrecv"] {
        if let Some(change) = {
            world.run(1);
            peer.take(&mut world, "INVITE")
        } {
            peer.reply(&mut world, &change, 200, &[], &sdp(40_000, answer));
            world.run_ms(50);
        }
    }
    assert_eq!((world.stages(0), world.holds(0)), (vec![Stage::Up], vec![(false, false)]), "{}", world.story());
}

#[test]
fn when_who_passed_us_on_is_gone_and_nobody_is_reached_the_phone_is_free_again() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    let mut other = Peer::new(&mut world, "300");
    peer.calls(&mut world, 0, &[]);
    peer.request(&mut world, "REFER", &["Refer-To: <sip:300@192.0.2.10>"], "");
    peer.get(&mut world, "202 REFER");
    peer.request(&mut world, "BYE", &[], "");
    let invite = other.get(&mut world, "INVITE");
    other.reply(&mut world, &invite, 486, &[], "");
    world.run(1);
    assert_eq!((world.calls(0).len(), world.tone(0)), (0, phone_core::Tone::Busy));
    world.hang_up(0);
    world.lift(0);
    assert_eq!(world.tone(0), phone_core::Tone::Dial);
}

#[test]
fn referrals_that_make_no_sense_are_refused() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.calls(&mut world, 0, &[]);
    peer.request(&mut world, "REFER", &[], "");
    peer.get(&mut world, "400 REFER");
    peer.request(&mut world, "REFER", &["Refer-To: <sip:1@192.0.2.10;method=BYE>"], "");
    peer.get(&mut world, "400 REFER");
    peer.request(&mut world, "REFER", &["Refer-To: <http://hotel.example/>"], "");
    peer.get(&mut world, "400 REFER");
    world.run(1);
    assert_eq!(world.stages(0), [Stage::Up]);
    peer.request(&mut world, "NOTIFY", &["Event: refer", "Subscription-State: active"], "SIP/2.0 200 OK\r\n");
    peer.get(&mut world, "481 NOTIFY");
}

#[test]
fn a_call_is_replaced_only_by_who_knows_its_tags() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    let answer = peer.calls(&mut world, 0, &[]);
    let tag = answer.to().unwrap().tag().unwrap().to_owned();
    let call = answer.call_id().unwrap().to_owned();
    let mut other = Peer::new(&mut world, "201");
    let wrong = format!("Replaces: {call};to-tag={tag};from-tag=guess");
    other.invite(&mut world, "101", &[&wrong], &sdp(41_000, "sendrecv"));
    other.get(&mut world, "481 INVITE");
    let early = format!("Replaces: {call};to-tag={tag};from-tag=peer;early-only");
    other.invite(&mut world, "101", &[&early], &sdp(41_000, "sendrecv"));
    other.get(&mut world, "486 INVITE");
    let right = format!("Replaces: {call};to-tag={tag};from-tag=peer");
    other.invite(&mut world, "101", &[&right], &sdp(41_000, "sendrecv"));
    other.confirm(&mut world, "");
    let bye = peer.get(&mut world, "BYE");
    peer.reply(&mut world, &bye, 200, &[], "");
    world.run(1);
    assert_eq!((world.stages(0), numbers(&world, 0)), (vec![Stage::Up], vec!["201".to_owned()]));
}

#[test]
fn a_call_that_rings_there_is_picked_up_by_another() {
    let mut world = World::of(&["101"]);
    let mut rings = Peer::new(&mut world, "200");
    world.api_dial(0, "200");
    let invite = rings.get(&mut world, "INVITE");
    rings.reply(&mut world, &invite, 180, &[], "");
    world.run_ms(50);
    let (call, ours) = (invite.call_id().unwrap(), invite.from().unwrap());
    let replaces = format!("Replaces: {call};to-tag={};from-tag=peer;early-only", ours.tag().unwrap());
    let mut picks = Peer::new(&mut world, "201");
    picks.invite(&mut world, "101", &[&replaces], &sdp(41_000, "sendrecv"));
    picks.confirm(&mut world, "");
    let cancel = rings.get(&mut world, "CANCEL");
    rings.reply(&mut world, &cancel, 200, &[], "");
    rings.reply(&mut world, &invite, 487, &[], "");
    world.run(1);
    assert_eq!((world.stages(0), numbers(&world, 0)), (vec![Stage::Up], vec!["201".to_owned()]), "{}", world.story());
}

#[test]
fn three_talk_and_the_first_may_leave_them_to_themselves() {
    for leaves in [true, false] {
        let mut world = three(&[("call.transferonconferencehangup", if leaves { "yes" } else { "no" })]);
        ask(&mut world);
        world.key(0, Key::Conference);
        world.run(2);
        assert!(world.calls(0).iter().all(|call| call.conference), "{}", world.story());
        assert_eq!(world.holds(0), [(false, false), (false, false)], "{}", world.story());
        world.hang_up(0);
        world.run(6);
        if leaves {
            joined(&world);
        } else {
            assert!((0..3).all(|at| world.calls(at).is_empty()), "{}", world.story());
        }
    }
}

#[test]
fn a_conference_ends_with_one_talked_to_and_the_other_held() {
    let mut world = three(&[]);
    ask(&mut world);
    world.key(0, Key::Conference);
    world.run(2);
    world.key(0, Key::Conference);
    world.run(2);
    assert!(world.calls(0).iter().all(|call| !call.conference));
    assert_eq!(world.holds(0), [(true, false), (false, false)], "{}", world.story());
    world.command(0, Command::Conference);
    world.run(2);
    // Who leaves ends it; the other goes on.
    world.hang_up(1);
    world.run(2);
    assert!(world.calls(0).iter().all(|call| !call.conference));
    assert_eq!((world.stages(0), world.holds(0)), (vec![Stage::Up], vec![(false, false)]));
}

#[test]
fn transfer_and_conference_can_be_switched_off() {
    let off = [("call.transfer.enable", "no"), ("call.conference.enable", "no")];
    let one = |user: &str, settings: &[(&str, &str)]| (vec![account(1, user, &[])], phone(settings));
    let mut world = World::with(vec![one("101", &off), one("102", &[]), one("103", &[])]);
    ask(&mut world);
    world.forget();
    world.key(0, Key::Transfer);
    world.key(0, Key::Conference);
    let id = world.call(0, 1);
    world.command(0, Command::BlindTransfer { call: id, number: "102".into() });
    world.run(2);
    assert_eq!((world.count("REFER"), world.stages(0).len()), (0, 2));
    assert!(world.calls(0).iter().all(|call| !call.conference));
}

#[test]
fn a_transfer_that_cannot_be_taken_now_is_not_asked_for_for_ever() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    peer.called_by(&mut world, 0, &[]);
    let id = world.call(0, 0);
    world.command(0, Command::BlindTransfer { call: id, number: "300".into() });
    let mut asked = 0;
    for _ in 0..300 {
        while let Some(change) = peer.take(&mut world, "INVITE") {
            peer.reply(&mut world, &change, 200, &[], &sdp(40_000, "recvonly"));
        }
        while let Some(refer) = peer.take(&mut world, "REFER") {
            asked += 1;
            peer.reply(&mut world, &refer, 491, &[], "");
        }
        world.run_ms(100);
    }
    assert_eq!((asked, world.stages(0)), (7, vec![Stage::Up]), "{}", world.story());
}
