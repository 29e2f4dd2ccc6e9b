//! The simplest calls: dial, ring, answer, talk, hang up; and every way in which that does not come about.

use phone_core::sip::call::{EndedBy, Stage};
use phone_core::{PhoneEvent, Tone};

use crate::peer::{Peer, sdp};
use crate::world::World;

/// Who ended it, and with which status.
pub fn end(events: &[PhoneEvent]) -> Option<(EndedBy, u16)> {
    events.iter().find_map(|event| match event {
        PhoneEvent::TerminatedCall { by, code, .. } => Some((*by, *code)),
        _ => None,
    })
}

#[test]
fn two_phones_talk_and_the_caller_hangs_up() {
    let mut world = World::of(&["101", "102"]);
    world.lift(0);
    assert_eq!(world.tone(0), Tone::Dial);
    world.keys(0, "102#");
    world.run_ms(100);
    assert_eq!((world.stages(0), world.stages(1)), (vec![Stage::Ringing], vec![Stage::Incoming]), "{}", world.story());
    assert_eq!(world.tone(0), Tone::Ringback);
    assert_eq!(world.desks[1].phone.state().ringing.as_deref(), Some("system"));
    assert_eq!(world.calls(1)[0].peer.number, "101");
    world.lift(1);
    world.run_ms(100);
    assert_eq!((world.stages(0), world.stages(1)), (vec![Stage::Up], vec![Stage::Up]));
    assert_eq!((world.tone(0), world.tone(1)), (Tone::None, Tone::None));
    assert!(world.calls(0)[0].codec.is_some() && world.calls(0)[0].codec == world.calls(1)[0].codec);
    world.run(60);
    world.hang_up(0);
    world.run_ms(100);
    assert!(world.calls(0).is_empty() && world.calls(1).is_empty(), "{}", world.story());
    assert_eq!(world.tone(1), Tone::Busy);
    world.hang_up(1);
    world.run(40);
    assert_eq!(
        world.news(0),
        ["OffHook", "IdleToBusy", "OutgoingCall", "EstablishedCall", "OnHook", "TerminatedCall", "BusyToIdle"]
    );
    assert_eq!(
        world.news(1),
        [
            "IncomingCall",
            "IdleToBusy",
            "OffHook",
            "AnsweredCall",
            "EstablishedCall",
            "TerminatedCall",
            "OnHook",
            "BusyToIdle"
        ]
    );
    assert_eq!(world.count("BYE"), 1);
}

#[test]
fn the_called_hangs_up() {
    let mut world = World::of(&["101", "102"]);
    world.talk(0, 1);
    world.hang_up(1);
    world.run_ms(100);
    assert_eq!(end(&world.events(0)), Some((EndedBy::Them, 200)));
    assert_eq!(end(&world.events(1)), Some((EndedBy::Us, 200)));
    assert_eq!(world.tone(0), Tone::Busy);
    world.run(11);
    assert_eq!(world.tone(0), Tone::None, "busy is not heard for ever");
}

#[test]
fn early_media_takes_the_place_of_ringback() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    world.dial(0, "200");
    let invite = peer.get(&mut world, "INVITE");
    peer.reply(&mut world, &invite, 183, &[], &sdp(40_000, "sendrecv"));
    world.run_ms(50);
    assert_eq!((world.stages(0), world.tone(0)), (vec![Stage::Ringing], Tone::None));
    let (agreed, _) = world.desks[0].phone.media(world.call(0, 0)).unwrap();
    assert_eq!(agreed.remote, "192.0.2.200:40000".parse().ok());
    peer.reply(&mut world, &invite, 200, &[], &sdp(40_002, "sendrecv"));
    peer.get(&mut world, "ACK");
    let (agreed, _) = world.desks[0].phone.media(world.call(0, 0)).unwrap();
    assert_eq!(agreed.remote, "192.0.2.200:40002".parse().ok(), "the final answer counts");
}

#[test]
fn an_answer_without_a_description_keeps_the_early_one() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    world.dial(0, "200");
    let invite = peer.get(&mut world, "INVITE");
    peer.reply(&mut world, &invite, 183, &[], &sdp(40_000, "sendrecv"));
    world.run_ms(50);
    peer.reply(&mut world, &invite, 200, &[], "");
    peer.get(&mut world, "ACK");
    assert_eq!(world.stages(0), [Stage::Up]);
}

#[test]
fn an_answer_that_cannot_be_spoken_is_confirmed_and_ended() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "200");
    world.dial(0, "200");
    let invite = peer.get(&mut world, "INVITE");
    peer.reply(&mut world, &invite, 200, &[], "");
    peer.get(&mut world, "ACK");
    let bye = peer.get(&mut world, "BYE");
    peer.reply(&mut world, &bye, 200, &[], "");
    world.run_ms(50);
    assert!(world.calls(0).is_empty());
    assert_eq!(end(&world.events(0)), Some((EndedBy::Network, 488)));
}

#[test]
fn busy_is_heard_as_busy_and_other_refusals_as_reorder() {
    for (status, tone) in [(486, Tone::Busy), (600, Tone::Busy), (404, Tone::Reorder), (480, Tone::Reorder)] {
        let mut world = World::of(&["101"]);
        let mut peer = Peer::new(&mut world, "200");
        world.dial(0, "200");
        let invite = peer.get(&mut world, "INVITE");
        peer.reply(&mut world, &invite, status, &[], "");
        peer.get(&mut world, "ACK");
        assert_eq!(end(&world.events(0)), Some((EndedBy::Them, status)));
        assert_eq!((world.tone(0), world.calls(0).len()), (tone, 0));
    }
}

#[test]
fn nobody_answers_until_the_ring_timeout() {
    let mut world = World::of(&["101", "102"]);
    world.dial(0, "102");
    world.run(59);
    assert_eq!(world.stages(0), [Stage::Ringing]);
    world.run(2);
    assert!(world.calls(0).is_empty() && world.calls(1).is_empty());
    assert_eq!(end(&world.events(0)), Some((EndedBy::Them, 480)));
    assert_eq!(world.news(1), ["IncomingCall", "IdleToBusy", "MissedCall", "TerminatedCall", "BusyToIdle"]);
}

#[test]
fn a_caller_who_gives_up_is_a_missed_call() {
    let mut world = World::of(&["101", "102"]);
    world.dial(0, "102");
    world.run(5);
    world.hang_up(0);
    world.run(1);
    assert!(world.calls(0).is_empty() && world.calls(1).is_empty(), "{}", world.story());
    assert_eq!(end(&world.events(0)), Some((EndedBy::Us, 487)));
    assert_eq!(world.news(1), ["IncomingCall", "IdleToBusy", "MissedCall", "TerminatedCall", "BusyToIdle"]);
    assert_eq!((world.count("CANCEL"), world.count("487 INVITE")), (1, 1));
}

#[test]
fn a_call_turned_away_is_not_missed() {
    let mut world = World::of(&["101", "102"]);
    world.dial(0, "102");
    world.run(1);
    let id = world.call(1, 0);
    world.command(1, phone_core::Command::Reject(id, 603));
    world.run(1);
    assert_eq!(end(&world.events(0)), Some((EndedBy::Them, 603)));
    assert!(!world.news(1).contains(&"MissedCall".to_owned()));
}

#[test]
fn both_hang_up_at_the_same_moment() {
    let mut world = World::of(&["101", "102"]);
    world.talk(0, 1);
    world.hang_up(0);
    world.hang_up(1);
    world.run(40);
    assert!(world.calls(0).is_empty() && world.calls(1).is_empty());
    assert_eq!((world.count("BYE"), world.count("200 BYE")), (2, 2), "{}", world.story());
    assert!(!world.desks[0].busy && !world.desks[1].busy);
}

#[test]
fn hanging_up_with_a_change_under_way_ends_both() {
    for holder in [0, 1] {
        for late in [0, 1, 2, 3, 4] {
            let mut world = World::of(&["101", "102"]);
            world.talk(0, 1);
            world.key(holder, phone_core::Key::Hold);
            world.run_ms(late);
            let id = world.call(1, 0);
            world.command(1, phone_core::Command::HangUp(id));
            world.run(40);
            assert!(world.calls(0).is_empty() && world.calls(1).is_empty(), "{}", world.story());
            assert_eq!(end(&world.events(0)), Some((EndedBy::Them, 200)), "{holder} {late}");
        }
    }
}

#[test]
fn a_phone_may_call_its_own_other_account() {
    use crate::world::{account, phone};
    let both = vec![account(1, "101", &[]), account(2, "111", &[])];
    let mut world = World::with(vec![(both, phone(&[]))]);
    world.dial(0, "111");
    world.run(1);
    // It rings at itself: while it calls nobody else is let in, itself included, once it rings it is busy with that.
    let stages = world.stages(0);
    assert!(stages.len() <= 2, "{stages:?}");
    world.hang_up(0);
    world.run(40);
    assert!(world.calls(0).is_empty(), "{}", world.story());
    assert!(!world.desks[0].busy);
}
