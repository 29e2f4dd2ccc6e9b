//! What the phone reports, for its Action URLs: each scenario's events in order.

use phone_core::sip::message::Method;
use phone_core::{Command, Input, Key};

use crate::peer::{Peer, sdp};
use crate::world::{World, account, phone};

/// The events of phone `at` are these, in this order, and no others.
#[track_caller]
fn told(world: &mut World, at: usize, wanted: &str) {
    let story = world.story();
    let events = world.news(at);
    let wanted: Vec<&str> = wanted.split_whitespace().collect();
    assert_eq!(events, wanted, "{story}");
}

#[test]
fn from_power_on_to_power_off() {
    let mut world =
        World::unregistered(vec![(vec![account(1, "101", &[("sip.unregisteronreboot", "instance")])], phone(&[]))]);
    world.run(1);
    told(&mut world, 0, "SetupCompleted Registered");
    world.run(3700);
    told(&mut world, 0, "");
    world.proxy.script.push_back((Method::Register, 403, Vec::new()));
    world.run(3600);
    told(&mut world, 0, "RegisterFailed Registered");
    world.input(0, Input::LocalAddress("192.0.2.151".parse().unwrap()));
    world.run(1);
    told(&mut world, 0, "IpChange");
    world.input(0, Input::Settings { account: 1, settings: Box::new(account(1, "101", &[("enable", "no")])) });
    world.run(5);
    told(&mut world, 0, "Unregistered");
}

#[test]
fn hook_and_keys() {
    let mut world = World::of(&["101"]);
    world.lift(0);
    world.hang_up(0);
    told(&mut world, 0, "OffHook IdleToBusy OnHook BusyToIdle");
    world.key(0, Key::Speaker);
    world.key(0, Key::Speaker);
    told(&mut world, 0, "IdleToBusy BusyToIdle");
    world.command(0, Command::DoNotDisturb(true));
    world.command(0, Command::DoNotDisturb(true));
    world.command(0, Command::DoNotDisturb(false));
    told(&mut world, 0, "DoNotDisturb DoNotDisturb");
    world.command(0, Command::Mute(true));
    told(&mut world, 0, "");
}

#[test]
fn a_call_made() {
    let mut world = World::of(&["101", "102"]);
    world.dial(0, "102");
    world.run(1);
    told(&mut world, 0, "OffHook IdleToBusy OutgoingCall");
    told(&mut world, 1, "IncomingCall IdleToBusy");
    world.lift(1);
    world.run(1);
    told(&mut world, 0, "EstablishedCall");
    told(&mut world, 1, "OffHook AnsweredCall EstablishedCall");
    world.key(0, Key::Mute);
    world.key(0, Key::Mute);
    told(&mut world, 0, "MuteCall UnmuteCall");
    world.key(0, Key::Hold);
    world.run(1);
    world.key(0, Key::Hold);
    world.run(1);
    told(&mut world, 0, "HoldCall UnholdCall");
    told(&mut world, 1, "");
    world.hang_up(0);
    world.run(1);
    told(&mut world, 0, "OnHook TerminatedCall BusyToIdle");
    told(&mut world, 1, "TerminatedCall");
    world.hang_up(1);
    told(&mut world, 1, "OnHook BusyToIdle");
}

#[test]
fn a_call_that_is_not_taken() {
    let mut world = World::of(&["101", "102"]);
    world.api_dial(0, "102");
    world.run(1);
    told(&mut world, 0, "OutgoingCall IdleToBusy");
    world.key(0, Key::Speaker);
    world.run(1);
    told(&mut world, 0, "TerminatedCall BusyToIdle");
    told(&mut world, 1, "IncomingCall IdleToBusy MissedCall TerminatedCall BusyToIdle");
    world.command(1, Command::DoNotDisturb(true));
    world.api_dial(0, "102");
    world.run(1);
    told(&mut world, 1, "DoNotDisturb RejectedCall");
    told(&mut world, 0, "OutgoingCall IdleToBusy TerminatedCall BusyToIdle");
    world.api_dial(0, "999");
    world.run(1);
    told(&mut world, 0, "OutgoingCall IdleToBusy TerminatedCall BusyToIdle");
}

#[test]
fn a_number_that_cannot_be_called() {
    let mut world = World::with(vec![(vec![account(1, "101", &[("call.dialplan", "{ 2xx }")])], phone(&[]))]);
    world.api_dial(0, "555");
    world.run(1);
    let events = world.news(0);
    assert!(events.contains(&"DialFailed".to_owned()), "{events:?}");
    assert!(!events.contains(&"OutgoingCall".to_owned()), "{events:?}");
    assert_eq!(world.tone(0), phone_core::Tone::Reorder);
    world.run(60);
    assert_eq!(world.tone(0), phone_core::Tone::None);
    assert!(!world.desks[0].busy, "the phone goes back to idle by itself: {:?}", world.desks[0].phone.state());
}

#[test]
fn a_call_for_help() {
    let mut world = World::of(&["101"]);
    let mut peer = Peer::new(&mut world, "112");
    world.lift(0);
    told(&mut world, 0, "OffHook IdleToBusy");
    world.keys(0, "112#");
    told(&mut world, 0, "EmergencyCall OutgoingCall");
    let invite = peer.get(&mut world, "INVITE");
    peer.reply(&mut world, &invite, 200, &[], &sdp(40_000, "sendrecv"));
    peer.get(&mut world, "ACK");
    told(&mut world, 0, "EstablishedCall");
}

#[test]
fn a_call_answered_by_a_program_goes_back_to_idle_with_it() {
    let mut world = World::of(&["101", "102"]);
    world.api_dial(0, "102");
    world.run(1);
    let id = world.call(1, 0);
    world.command(1, Command::Answer(id));
    world.run(1);
    world.command(1, Command::HangUp(id));
    world.run(1);
    told(&mut world, 1, "IncomingCall IdleToBusy AnsweredCall EstablishedCall TerminatedCall BusyToIdle");
    world.run(60);
    assert!(!world.desks[0].busy, "{:?}", world.desks[0].phone.state());
}
