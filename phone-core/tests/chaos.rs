//! Whatever arrives, in whatever order: the phone neither panics nor floods nor hangs, and registers once the registrar
//! behaves again.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use auth_digest::Algorithm;
use common::*;
use phone_core::sip::message::Name;
use phone_core::sip::transport::Transport;
use phone_core::{AccountSettings, AccountStatus, HookSwitch, Input, PhoneEvent, Secret, UnregisterOnReboot};
use proptest::prelude::*;

fn headers() -> impl Strategy<Value = (Name, String)> {
    let value = prop_oneof![
        Just("Digest realm=\"hotel.example\", nonce=\"q\", algorithm=MD5, qop=\"auth\"".to_owned()),
        Just("Digest realm=\"x\", nonce=\"q\", algorithm=SHA-256, stale=true".to_owned()),
        Just("<sip:1001@192.0.2.55:5060>;expires=0".to_owned()),
        Just("<sip:1001@192.0.2.55:5060>;expires=3".to_owned()),
        Just("SIP/2.0/UDP 192.0.2.55;rport=7;received=198.51.100.9".to_owned()),
        (0u32..100_000).prop_map(|n| n.to_string()),
        "\\PC{0,40}",
    ];
    let names = [
        Name::WwwAuthenticate,
        Name::ProxyAuthenticate,
        Name::Contact,
        Name::Expires,
        Name::MinExpires,
        Name::RetryAfter,
        Name::ContentLength,
    ];
    (proptest::sample::select(names.to_vec()), value)
}

fn settings() -> impl Strategy<Value = AccountSettings> {
    let places = proptest::sample::select(vec![SERVER, "192.0.2.11", "pbx", "", "::1", "a b"]);
    let settings = |(b, place, unregister, small): ([bool; 5], &str, u8, u32)| {
        let mut settings = AccountSettings {
            enabled: b[0],
            register: b[1],
            rport: b[2],
            add_auth_on_initial: b[3],
            unregister_on_reboot: match unregister {
                0 => UnregisterOnReboot::No,
                1 => UnregisterOnReboot::All,
                _ => UnregisterOnReboot::Instance,
            },
            expires_min: small,
            reregister_before_s: small * 10,
            retry_wait_s: small,
            t1_ms: small * 10,
            t2_ms: small,
            password: Secret::new(if small % 2 == 0 { PASSWORD } else { "" }),
            local_port: if small % 7 == 0 { 0 } else { 5060 },
            ..account()
        };
        server(&mut settings, place);
        settings.servers.proxies[0] = if b[4] { None } else { "192.0.2.12".parse().ok() };
        settings
    };
    (any::<[bool; 5]>(), places, 0u8..3, 0u32..100).prop_map(settings)
}

#[derive(Clone, Debug)]
enum Step {
    Answer(u16, Vec<(Name, String)>),
    Settings(Box<AccountSettings>),
    Move(u8),
    Port(u16),
    Noise(Vec<u8>),
    Run(u32),
    Dead(bool),
    SeenAt(u16),
    Hook(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (100u16..700, proptest::collection::vec(headers(), 0..4)).prop_map(|(code, h)| Step::Answer(code, h)),
        2 => proptest::sample::select(vec![200u16, 401, 407, 423, 503])
            .prop_flat_map(|code| proptest::collection::vec(headers(), 0..4).prop_map(move |h| Step::Answer(code, h))),
        2 => settings().prop_map(|s| Step::Settings(Box::new(s))),
        1 => any::<u8>().prop_map(Step::Move),
        1 => any::<u16>().prop_map(Step::Port),
        1 => proptest::collection::vec(any::<u8>(), 0..100).prop_map(Step::Noise),
        4 => (0u32..5_000_000).prop_map(Step::Run),
        1 => any::<bool>().prop_map(Step::Dead),
        1 => any::<u16>().prop_map(Step::SeenAt),
        1 => any::<bool>().prop_map(Step::Hook),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_phone_survives_and_recovers(steps in proptest::collection::vec(step(), 0..30), loss in 0usize..4) {
        let mut world = World::new(config(vec![account()]), Registrar::new(&[Algorithm::Md5, Algorithm::Sha256]));
        world.names = vec![("pbx".into(), vec!["192.0.2.13".parse().unwrap()])];
        world.lose = Box::new(move |n| loss > 0 && n % 4 < loss);
        for step in steps {
            match step {
                Step::Answer(code, headers) => world.registrar.script.push_back((code, headers)),
                Step::Settings(settings) => world.settings(1, *settings),
                Step::Move(n) => world.input(Input::LocalAddress([192, 0, 2, n].into())),
                Step::Port(port) => world.input(Input::LocalPort { account: 1, transport: Transport::Udp, port }),
                Step::Noise(bytes) => world.input(Input::Message {
                    transport: Transport::Udp,
                    local: "192.0.2.55:5060".parse().unwrap(),
                    from: "192.0.2.66:5060".parse().unwrap(),
                    bytes,
                }),
                Step::Run(millis) => {
                    let before = world.sent.len();
                    world.run(Duration::from_millis(u64::from(millis)));
                    let allowed = 40 + 40 * millis as usize / 1000;
                    prop_assert!(world.sent.len() - before <= allowed, "{} datagrams in {millis} ms", world.sent.len() - before);
                }
                Step::Dead(dead) => world.registrar.dead = dead,
                Step::SeenAt(port) => world.registrar.seen_at = Some(([198, 51, 100, 1], port).into()),
                Step::Hook(off) => world.input(Input::Hook(if off { HookSwitch::Off } else { HookSwitch::On })),
            }
        }
        // Peace.
        world.registrar.dead = false;
        world.registrar.script.clear();
        world.registrar.seen_at = None;
        world.lose = Box::new(|_| false);
        world.input(Input::LocalAddress(PHONE.parse().unwrap()));
        // Another life: a registrar that said 200 and kept nothing is asked again at once.
        world.settings(1, AccountSettings { retry_wait_s: 2, expires_min: 101, ..account() });
        world.input(Input::LocalPort { account: 1, transport: Transport::Udp, port: 5060 });
        // The longest Retry-After obeyed, and its jitter.
        world.run_s(3600 + 400);
        prop_assert_eq!(world.status(1), AccountStatus::Registered, "{:?}", world.phone.state());
        let bound = world.registrar.bindings.iter().any(|(uri, until)| uri == "sip:1001@192.0.2.55:5060" && *until > world.now);
        prop_assert!(bound, "{:?}", world.registrar.bindings);
        for event in world.news() {
            let text = format!("{event:?}");
            prop_assert!(!text.contains(PASSWORD));
        }
        world.input(Input::Shutdown);
        world.run_s(40);
        prop_assert!(world.phone.is_shut_down());
        prop_assert_eq!(world.phone.poll_timeout(), None);
    }
}

#[test]
fn events_and_state_agree() {
    let mut world = World::new(config(vec![account()]), Registrar::new(&[Algorithm::Md5]));
    world.run_s(1);
    assert!(world.news().contains(&PhoneEvent::Registered { account: 1 }));
    assert_eq!(world.status(1), AccountStatus::Registered);
}
