//! Transfers, conferences and reliable answers while the network loses, doubles and delays messages.

use phone_core::sip::call::Stage;
use phone_core::{Command, Key};

use crate::world::{Weather, World, account, phone};

const BAD: Weather = Weather { loss: 120, copies: 80, spread_ms: 300 };

fn three(seed: u64, settings: &[(&str, &str)]) -> World {
    let one = |user: &str| (vec![account(1, user, settings)], phone(&[]));
    World::with(vec![one("101"), one("102"), one("103")]).seed(seed)
}

/// 101 talks to 102, asks 103, who is on the line, and the weather turns.
fn asking(seed: u64) -> World {
    let mut world = three(seed, &[]);
    world.talk(0, 1);
    world.key(0, Key::Flash);
    world.run(1);
    world.keys(0, "103#");
    world.run(1);
    world.lift(2);
    world.run(1);
    world.weather = BAD;
    world
}

fn joined(world: &World, seed: u64) {
    assert!(world.calls(0).is_empty(), "seed {seed}: {}", world.story());
    let stages = (world.stages(1), world.stages(2));
    assert_eq!(stages, (vec![Stage::Up], vec![Stage::Up]), "seed {seed}: {}", world.story());
    let holds = (world.holds(1), world.holds(2));
    assert_eq!(holds, (vec![(false, false)], vec![(false, false)]), "seed {seed}: {}", world.story());
}

#[test]
fn blind_transfers_arrive() {
    for seed in 0..25 {
        let mut world = three(seed, &[]);
        world.talk(0, 1);
        world.weather = BAD;
        let id = world.call(0, 0);
        world.command(0, Command::BlindTransfer { call: id, number: "103".into() });
        world.run(12);
        assert_eq!(world.stages(2), [Stage::Incoming], "seed {seed}: {}", world.story());
        world.lift(2);
        world.run(45);
        joined(&world, seed);
    }
}

#[test]
fn attended_transfers_arrive() {
    for seed in 0..25 {
        let mut world = asking(seed);
        world.key(0, Key::Transfer);
        world.run(60);
        joined(&world, seed);
    }
}

#[test]
fn conferences_are_joined_and_left() {
    for seed in 0..25 {
        let mut world = asking(seed);
        world.key(0, Key::Conference);
        world.run(20);
        assert!(world.calls(0).iter().all(|call| call.conference && !call.held), "seed {seed}: {}", world.story());
        for at in [1, 2] {
            assert_eq!(world.holds(at), [(false, false)], "seed {seed}: {}", world.story());
        }
        world.hang_up(0);
        world.run(40);
        assert!((0..3).all(|at| world.calls(at).is_empty()), "seed {seed}: {}", world.story());
    }
}

#[test]
fn reliable_answers_and_session_timers_hold() {
    let settings = [
        ("sip.header.100rel", "yes"),
        ("sip.sessiontimer.enable", "yes"),
        ("sip.sessiontimer.requesttimer.caller", "yes"),
    ];
    for seed in 0..15 {
        let mut world = three(seed, &settings);
        world.weather = BAD;
        world.dial(0, "102");
        world.run(10);
        assert_eq!(world.stages(1), [Stage::Incoming], "seed {seed}: {}", world.story());
        world.lift(1);
        world.run(600);
        let stages = (world.stages(0), world.stages(1));
        assert_eq!(stages, (vec![Stage::Up], vec![Stage::Up]), "seed {seed}: {}", world.story());
        world.hang_up(0);
        world.run(40);
        assert!(world.calls(1).is_empty(), "seed {seed}: {}", world.story());
    }
}

#[test]
fn calls_given_up_in_bad_weather_stop_ringing() {
    for seed in 0..25 {
        let mut world = three(seed, &[]);
        world.weather = BAD;
        world.dial(0, "102");
        world.run_ms(700 + 100 * seed);
        world.hang_up(0);
        world.run(40);
        assert!(world.calls(0).is_empty() && world.calls(1).is_empty(), "seed {seed}: {}", world.story());
    }
}
