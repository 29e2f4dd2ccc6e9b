//! Calls over TCP and TLS: nothing is repeated but what goes end to end, and a stream that breaks ends no call.

use std::net::SocketAddr;

use phone_core::sip::call::{EndedBy, Stage};
use phone_core::sip::message::Method;
use phone_core::{AccountStatus, Key};

use crate::basic::end;
use crate::world::{World, account, phone};

fn pair(transport: &str) -> (World, SocketAddr) {
    let one = |user: &str| (vec![account(1, user, &[("sip.transport", transport)])], phone(&[]));
    let port = if transport == "tls" { 5061 } else { 5060 };
    (World::with(vec![one("101"), one("102")]), SocketAddr::new("192.0.2.10".parse().unwrap(), port))
}

#[test]
fn two_phones_talk_hold_and_hang_up() {
    for transport in ["tcp", "tls"] {
        let (mut world, _) = pair(transport);
        world.talk(0, 1);
        world.key(1, Key::Hold);
        world.run(1);
        assert_eq!(world.holds(0), [(false, true)], "{transport}: {}", world.story());
        world.key(1, Key::Hold);
        world.run(60);
        world.hang_up(0);
        world.run(60);
        assert!(world.calls(0).is_empty() && world.calls(1).is_empty(), "{}", world.story());
        for kind in ["BYE", "200 BYE", "180 INVITE"] {
            assert_eq!(world.count(kind), 1, "{transport} {kind}: {}", world.story());
        }
        assert_eq!((world.count("INVITE"), world.count("ACK")), (3, 3), "{}", world.story());
    }
}

#[test]
fn a_stream_that_breaks_ends_no_call_and_is_opened_again() {
    let (mut world, server) = pair("tcp");
    world.talk(0, 1);
    world.disconnect(0, server);
    world.run(30);
    assert_eq!((world.stages(0), world.stages(1)), (vec![Stage::Up], vec![Stage::Up]), "{}", world.story());
    assert_eq!(world.desks[0].phone.state().accounts[0].status, AccountStatus::Registered);
    world.hang_up(0);
    world.run(1);
    assert!(world.calls(1).is_empty(), "{}", world.story());
}

#[test]
fn an_invite_whose_stream_breaks_is_over() {
    let (mut world, server) = pair("tcp");
    world.proxy.dead.insert(server.ip());
    world.dial(0, "102");
    world.run(1);
    assert_eq!(world.stages(0), [Stage::Calling]);
    world.disconnect(0, server);
    world.run(1);
    assert!(world.calls(0).is_empty(), "{}", world.story());
    assert_eq!(end(&world.events(0)).map(|(by, _)| by), Some(EndedBy::Network));
}

#[test]
fn a_server_that_closes_each_stream_is_registered_with_less_and_less_often() {
    let (mut world, server) = pair("tcp");
    world.forget();
    for _ in 0..1_200 {
        let registered = world.desks[0].phone.state().accounts[0].status == AccountStatus::Registered;
        if registered && world.desks[0].connected.contains(&server) {
            world.disconnect(0, server);
        }
        world.run_ms(500);
    }
    let registers = world.proxy.took(&Method::Register).len();
    assert!((3..=14).contains(&registers), "{registers} in ten minutes");
    world.run(600);
    assert_eq!(world.desks[0].phone.state().accounts[0].status, AccountStatus::Registered);
}

#[test]
fn a_registrar_that_is_restarted_gets_its_phones_back_within_seconds_and_not_all_at_once() {
    let (mut world, server) = pair("tcp");
    world.run(60);
    world.forget();
    world.disconnect(0, server);
    world.disconnect(1, server);
    world.run(6);
    let at: Vec<_> =
        world.trace.iter().filter(|(_, packet)| packet.bytes.starts_with(b"REGISTER")).map(|(at, _)| *at).collect();
    assert!(at.len() >= 2, "{}", world.story());
    assert_ne!(at.first(), at.last());
}

#[test]
fn a_call_that_rings_is_answered_over_a_new_stream() {
    let (mut world, server) = pair("tcp");
    world.dial(0, "102");
    world.run(1);
    assert_eq!(world.stages(0), [Stage::Ringing]);
    world.disconnect(0, server);
    world.run(15);
    assert_eq!(world.stages(0), [Stage::Ringing], "{}", world.story());
    world.lift(1);
    world.run(1);
    assert_eq!((world.stages(0), world.stages(1)), (vec![Stage::Up], vec![Stage::Up]), "{}", world.story());
}

#[test]
fn a_call_that_rang_when_its_stream_broke_does_not_ring_for_ever() {
    let (mut world, server) = pair("tcp");
    world.dial(0, "102");
    world.run(1);
    world.proxy.dead.insert(server.ip());
    world.disconnect(0, server);
    world.run(200);
    assert!(world.calls(0).is_empty(), "{}", world.story());
}

#[test]
fn a_hold_whose_stream_breaks_fails_and_the_call_goes_on() {
    let (mut world, server) = pair("tcp");
    world.talk(0, 1);
    world.proxy.dead.insert(server.ip());
    world.key(0, Key::Hold);
    world.run_ms(200);
    world.disconnect(0, server);
    world.proxy.dead.clear();
    world.run(20);
    assert_eq!((world.stages(0), world.holds(0)), (vec![Stage::Up], vec![(false, false)]), "{}", world.story());
    world.key(0, Key::Hold);
    world.run(1);
    assert_eq!(world.holds(0), [(true, false)], "{}", world.story());
}
