//! Whatever people, programs and the network do, in whatever order: no panic, no call that stays for ever, no timer that is
//! always due, and busy and idle by turns (the world checks that, and that calls share no port, all the time).

use phone_core::settings::calls::DialSource;
use phone_core::sip::call::CallId;
use phone_core::sip::transport::Transport;
use phone_core::{Command, HookSwitch, Input, Key};
use proptest::prelude::*;

use crate::world::{Weather, World, account, phone};

#[derive(Clone, Debug)]
enum Step {
    Hook(usize, bool),
    Digit(usize, char),
    Number(usize, &'static str),
    Key(usize, Key),
    Command(usize, u8, u32, u32),
    Dial(usize, &'static str),
    Weather(u64, u64, u64),
    Run(u64),
    /// A message seen before comes again, with a byte changed, from its sender or from a stranger.
    Noise(usize, usize, u8, bool),
    Settings(usize, &'static str, &'static str),
    Move(usize, u8),
    Dead(bool),
}

fn number() -> impl Strategy<Value = &'static str> {
    let numbers = vec!["101", "102", "103", "112", "999", "192*0*2*102", "*67102", "sip:103@192.0.2.103", "111"];
    proptest::sample::select(numbers)
}

fn step() -> impl Strategy<Value = Step> {
    let keys = [
        Key::Flash,
        Key::Hold,
        Key::Transfer,
        Key::Conference,
        Key::Redial,
        Key::Message,
        Key::Mute,
        Key::Speaker,
        Key::Send,
    ];
    let at = 0usize..3;
    let changes = vec![
        ("enable", "no"),
        ("enable", "yes"),
        ("call.callwaiting", "no"),
        ("sip.sessiontimer.enable", "yes"),
        ("sip.header.100rel", "yes"),
        ("call.autoanswer", "yes"),
        ("sip.localport", "5070"),
        ("sip.server.1.address", "192.0.2.11"),
        ("call.transferonconferencehangup", "yes"),
        ("call.recoveryonblindtransfer", "no"),
        ("sip.allowunsolicitedrefer", "enabled"),
        ("sip.musiconholduri", "sip:103@192.0.2.10"),
        ("sip.sessiontimer.force", "yes"),
        ("call.rfc2543hold.enable", "no"),
        ("sip.registration", "no"),
        ("sip.keepalive.enable", "yes"),
        ("audio.srtpmode", "forced"),
    ];
    prop_oneof![
        6 => (at.clone(), any::<bool>()).prop_map(|(at, off)| Step::Hook(at, off)),
        3 => (at.clone(), proptest::sample::select("0123456789*#".chars().collect::<Vec<_>>()))
            .prop_map(|(at, key)| Step::Digit(at, key)),
        4 => (at.clone(), number()).prop_map(|(at, number)| Step::Number(at, number)),
        7 => (at.clone(), proptest::sample::select(keys.to_vec())).prop_map(|(at, key)| Step::Key(at, key)),
        5 => (at.clone(), 0u8..12, 1u32..6, 1u32..6).prop_map(|(at, what, a, b)| Step::Command(at, what, a, b)),
        5 => (at.clone(), number()).prop_map(|(at, number)| Step::Dial(at, number)),
        1 => (0u64..400, 0u64..300, 0u64..1500).prop_map(|(a, b, c)| Step::Weather(a, b, c)),
        10 => (0u64..3_000).prop_map(Step::Run),
        2 => (0u64..200_000).prop_map(Step::Run),
        3 => (any::<usize>(), any::<usize>(), any::<u8>(), any::<bool>())
            .prop_map(|(which, at, to, known)| Step::Noise(which, at, to, known)),
        1 => (at.clone(), proptest::sample::select(changes)).prop_map(|(at, (key, to))| Step::Settings(at, key, to)),
        1 => (at, 0u8..2).prop_map(|(at, place)| Step::Move(at, place)),
        1 => any::<bool>().prop_map(Step::Dead),
    ]
}

fn command(what: u8, a: u32, b: u32) -> Command {
    let (call, with) = (CallId(a), CallId(b));
    match what {
        0 => Command::Answer(call),
        1 => Command::HangUp(call),
        2 => Command::Reject(call, 480 + u16::try_from(b).unwrap()),
        3 => Command::Hold(call),
        4 => Command::Resume(call),
        5 => Command::BlindTransfer { call, number: "103".into() },
        6 => Command::AttendedTransfer { call, with },
        7 => Command::Conference,
        8 => Command::Split,
        9 => Command::Digit { call, digit: '5' },
        10 => Command::Mute(b.is_multiple_of(2)),
        _ => Command::DoNotDisturb(b.is_multiple_of(3)),
    }
}

/// The transport a phone has been given stays.
fn transport(world: &World, at: usize) -> (&'static str, &'static str) {
    ("sip.transport", if world.desks[at].stream.is_some() { "tcp" } else { "udp" })
}

fn act(world: &mut World, step: Step) {
    match step {
        Step::Hook(at, off) => world.input(at, Input::Hook(if off { HookSwitch::Off } else { HookSwitch::On })),
        Step::Digit(at, key) => world.input(at, Input::KeyPress(key)),
        Step::Number(at, number) => {
            world.keys(at, number);
            world.keys(at, "#");
        }
        Step::Key(at, key) => world.key(at, key),
        Step::Command(at, what, a, b) => world.command(at, command(what, a, b)),
        Step::Dial(at, number) => {
            world.command(at, Command::Dial { account: 0, number: number.into(), source: DialSource::Api });
        }
        Step::Weather(loss, copies, spread_ms) => world.weather = Weather { loss, copies, spread_ms },
        Step::Run(millis) => world.run_ms(millis),
        Step::Noise(which, at, to, known) => {
            let Some((_, packet)) = world.trace.get(which % world.trace.len().max(1)) else { return };
            let mut packet = packet.clone();
            let place = at % packet.bytes.len();
            packet.bytes[place] = to;
            if !known {
                packet.from = "198.51.100.66:5060".parse().unwrap();
            }
            let desk = usize::from(to) % world.desks.len();
            let local = std::net::SocketAddr::new(world.desks[desk].phone.state().local_address.unwrap(), 5060);
            let (from, bytes) = (packet.from, packet.bytes);
            world.input(desk, Input::Message { transport: Transport::Udp, local, from, bytes });
        }
        Step::Settings(at, key, to) => {
            let user = format!("10{}", at + 1);
            let settings = Box::new(account(1, &user, &[(key, to), transport(world, at)]));
            world.input(at, Input::Settings { account: 1, settings });
        }
        Step::Move(at, place) => {
            let number = u8::try_from(at).unwrap() + 101 + 50 * place;
            world.input(at, Input::LocalAddress([192, 0, 2, number].into()));
        }
        Step::Dead(dead) => {
            let server = "192.0.2.10".parse().unwrap();
            if dead {
                world.proxy.dead.insert(server);
            } else {
                world.proxy.dead.remove(&server);
            }
        }
    }
}

/// With their settings and addresses back, the phones work as on the first day.
fn afterwards(world: &mut World) {
    for at in 0..3u8 {
        let desk = usize::from(at);
        world.input(desk, Input::LocalAddress([192, 0, 2, 101 + at].into()));
        let settings = Box::new(account(1, &format!("10{}", at + 1), &[transport(world, desk)]));
        world.input(desk, Input::Settings { account: 1, settings });
        world.command(desk, Command::DoNotDisturb(false));
    }
    world.run(100);
    world.proxy.bindings.insert("102".into(), vec!["sip:102@192.0.2.102:5060".into()]);
    world.forget();
    world.talk(0, 1);
    world.key(1, Key::Hold);
    world.run(1);
    assert_eq!(world.holds(0), [(false, true)], "{}", world.story());
    world.key(1, Key::Hold);
    world.run(1);
    world.hang_up(0);
    world.run(1);
    world.hang_up(1);
    assert!(world.calls(0).is_empty() && world.calls(1).is_empty(), "{}", world.story());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn nothing_is_left_when_everybody_has_hung_up(steps in proptest::collection::vec(step(), 0..60), seed in any::<u64>()) {
        let one = |user: &str| (vec![account(1, user, &[])], phone(&[]));
        let transport = [("sip.transport", if seed.is_multiple_of(3) { "tcp" } else { "udp" })];
        let second = vec![account(1, "103", &transport), account(2, "111", &[("sip.server.1.address", "192.0.2.11")])];
        let mut world = World::with(vec![one("101"), one("102"), (second, phone(&[]))]).seed(seed);
        for step in steps {
            act(&mut world, step);
        }
        world.weather = Weather::default();
        world.proxy.dead.clear();
        world.run(1);
        for at in 0..3 {
            world.hang_up(at);
            if world.desks[at].phone.state().speaker {
                world.key(at, Key::Speaker);
            }
            for call in world.calls(at) {
                world.command(at, Command::HangUp(call.id));
            }
        }
        world.run(100);
        // A call passed on may have come up meanwhile; nobody is there any more.
        for at in 0..3 {
            for call in world.calls(at) {
                world.command(at, Command::HangUp(call.id));
            }
        }
        world.run(200);
        for at in 0..3 {
            let state = world.desks[at].phone.state();
            prop_assert!(state.calls.is_empty(), "phone {at}: {:?}", state.calls);
            prop_assert!(!world.desks[at].busy, "phone {at} is busy: {state:?}");
            prop_assert!(world.desks[at].phone.poll_timeout().is_none_or(|next| next > world.now));
            let spoken = format!("{:?}", world.desks[at].events);
            prop_assert!(!spoken.contains(crate::world::PASSWORD));
        }
        afterwards(&mut world);
    }
}
