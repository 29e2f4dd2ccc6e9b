//! Registration in virtual time against a registrar in memory (RFC 3261 §10, RFC 8760, RFC 3581).

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use auth_digest::Algorithm::{Md5, Sha256, Sha512_256};
use common::*;
use phone_core::sip::message::Name;
use phone_core::sip::transport::Transport;
use phone_core::{AccountStatus, HookSwitch, Input, PhoneConfig, PhoneEvent, Secret, UnregisterOnReboot};

fn one() -> PhoneConfig {
    config(vec![account()])
}

#[test]
fn registers_with_each_algorithm_and_takes_the_strongest() {
    for offered in [&[Md5][..], &[Sha256], &[Sha512_256], &[Md5, Sha256], &[Sha256, Md5, Sha512_256], &[]] {
        let mut world = World::new(one(), Registrar::new(offered));
        world.run_s(1);
        assert_eq!(world.news(), [PhoneEvent::SetupCompleted, PhoneEvent::Registered { account: 1 }], "{offered:?}");
        assert_eq!(world.status(1), AccountStatus::Registered);
        assert_eq!(world.registrar.bindings[0].0, "sip:1001@192.0.2.55:5060");
    }
}

#[test]
fn answers_a_proxy_and_a_registrar_challenge_in_one_round() {
    let mut registrar = Registrar::new(&[Md5, Sha256]);
    registrar.proxy_challenge = true;
    let mut world = World::new(one(), registrar);
    world.run_s(1);
    assert_eq!(world.status(1), AccountStatus::Registered);
    assert_eq!(world.requests().len(), 3);
}

#[test]
fn the_request_is_what_rfc_3261_asks_for() {
    let mut settings = account();
    settings.display_name = "Room \"101\"".into();
    server(&mut settings, "pbx.hotel.example:5080");
    settings.servers.proxies[0] = "192.0.2.99:5070".parse().ok();
    let mut world = World::new(config(vec![settings]), Registrar::new(&[Md5]));
    world.run_s(1);
    let requests = world.requests();
    let (_, first, from) = &requests[0];
    let (_, second, _) = &requests[1];
    assert_eq!(from.port(), 5060);
    assert_eq!(world.sent[0].1.to, "192.0.2.99:5070".parse().unwrap(), "goes to the proxy");
    assert!(world.resolved.is_empty(), "the proxy's address is literal");
    assert_eq!(first.request_uri_text(), Some("sip:pbx.hotel.example:5080"));
    assert_eq!(first.header(Name::Route), Some("<sip:192.0.2.99:5070;lr>"));
    assert_eq!(first.header(Name::To), Some("<sip:1001@pbx.hotel.example>"));
    assert_eq!(first.from().unwrap().display.as_deref(), Some("Room \"101\""));
    assert_eq!(first.header(Name::UserAgent), Some("Bellhop GHP621 1.0"));
    assert_eq!(first.header(Name::MaxForwards), Some("70"));
    assert_eq!(first.expires(), Some(3600));
    assert!(
        first
            .header(Name::Contact)
            .unwrap()
            .ends_with(";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-c074ad010203>\"")
    );
    let via = first.top_via().unwrap();
    assert!(via.branch().unwrap().starts_with("z9hG4bK") && via.params.contains("rport"));
    assert_eq!(first.call_id(), second.call_id());
    assert_eq!(first.cseq().unwrap().number + 1, second.cseq().unwrap().number);
    assert_ne!(via.branch(), second.top_via().unwrap().branch());
    assert_eq!(first.from().unwrap().tag(), second.from().unwrap().tag());
}

#[test]
fn lost_datagrams_are_retransmitted_and_the_answer_to_a_copy_counts() {
    let mut world = World::new(one(), Registrar::new(&[Md5]));
    // The first answer, the second copy, and the answer to the third are lost.
    world.lose = Box::new(|n| matches!(n, 1 | 2 | 4));
    world.run_s(10);
    assert_eq!(world.status(1), AccountStatus::Registered);
    let start = world.sent[0].0;
    let sent: Vec<u128> = world.sent.iter().map(|(at, _)| at.saturating_since(start).as_millis()).collect();
    assert_eq!(sent, [0, 500, 1500, 3500, 3502]);
}

#[test]
fn silence_fails_after_64_t1_and_is_retried_after_the_wait() {
    let mut registrar = Registrar::new(&[Md5]);
    registrar.dead = true;
    let mut world = World::new(one(), registrar);
    world.run(Duration::from_millis(31_999));
    assert_eq!(world.news(), [PhoneEvent::SetupCompleted]);
    let times: Vec<u128> = world.sent.iter().map(|(at, _)| at.saturating_since(world.sent[0].0).as_millis()).collect();
    assert_eq!(times, [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    world.run_s(1);
    let [PhoneEvent::RegisterFailed { account: 1, code: 408, .. }] = world.news()[..] else { panic!() };
    assert_eq!(world.status(1), AccountStatus::Failed);
    let before = world.sent.len();
    world.run(Duration::from_millis(18_900));
    assert_eq!(world.sent.len(), before, "waits 20 s");
    world.run(Duration::from_millis(2_200));
    let wait = world.sent[before].0.saturating_since(world.sent[0].0).as_millis() - 32_000;
    assert!((20_000..=22_000).contains(&wait), "at most a tenth longer: {wait}");
    world.run_s(300);
    assert_eq!(world.news(), [], "the same failure is reported once");
    world.registrar.dead = false;
    world.run_s(60);
    assert_eq!(world.news(), [PhoneEvent::Registered { account: 1 }]);
}

#[test]
fn t1_and_t2_are_those_of_the_settings() {
    let mut settings = account();
    (settings.t1_ms, settings.t2_ms) = (1000, 2000);
    let mut registrar = Registrar::new(&[]);
    registrar.dead = true;
    let mut world = World::new(config(vec![settings]), registrar);
    world.run_s(8);
    let times: Vec<u64> = world.sent.iter().map(|(at, _)| at.saturating_since(world.sent[0].0).as_secs()).collect();
    assert_eq!(times, [0, 1, 3, 5, 7]);
    world.run_s(55);
    assert_eq!(world.status(1), AccountStatus::Registering);
    world.run_s(2);
    assert_eq!(world.status(1), AccountStatus::Failed);
}

#[test]
fn a_wrong_password_fails_and_does_not_loop() {
    let mut registrar = Registrar::new(&[Md5, Sha256]);
    registrar.password = "other".into();
    let mut world = World::new(one(), registrar);
    world.run_s(10);
    assert_eq!(world.requests().len(), 2, "one try with, one without credentials");
    let news = world.news();
    let [PhoneEvent::SetupCompleted, PhoneEvent::RegisterFailed { account: 1, code: 401, reason }] = &news[..] else {
        panic!("{news:?}")
    };
    assert!(!reason.contains(PASSWORD));
    world.run_s(20);
    assert_eq!(world.requests().len(), 2, "once more after the retry wait");
    // The right password helps at once.
    let mut settings = account();
    settings.password = Secret::new("other");
    world.settings(1, settings);
    world.run_s(1);
    assert_eq!(world.news(), [PhoneEvent::Registered { account: 1 }]);
}

#[test]
fn an_algorithm_nobody_knows_is_a_failure_with_a_reason() {
    let mut registrar = Registrar::new(&[]);
    registrar
        .script
        .push_back((401, vec![(Name::WwwAuthenticate, "Digest realm=\"r\",nonce=\"n\",algorithm=ROT13".into())]));
    let mut world = World::new(one(), registrar);
    world.run_s(1);
    assert!(
        matches!(&world.news()[1], PhoneEvent::RegisterFailed { code: 401, reason, .. } if reason.contains("challenge"))
    );
}

#[test]
fn interval_too_brief_is_obeyed_and_bounded() {
    let mut registrar = Registrar::new(&[Md5]);
    registrar.min_expires = 7200;
    let mut world = World::new(one(), registrar);
    world.run_s(1);
    assert_eq!(world.status(1), AccountStatus::Registered);
    assert_eq!(world.requests().last().unwrap().1.expires(), Some(7200));

    let mut registrar = Registrar::new(&[]);
    for n in 1..10 {
        registrar.script.push_back((423, vec![(Name::MinExpires, (3600 + n).to_string())]));
    }
    let mut world = World::new(one(), registrar);
    world.run_s(1);
    assert_eq!(world.requests().len(), 3);
    assert!(matches!(world.news()[1], PhoneEvent::RegisterFailed { code: 423, .. }));
}

#[test]
fn a_month_of_refreshes_never_lets_the_binding_lapse() {
    let mut world = World::new(one(), Registrar::new(&[Sha256]));
    world.run_s(1);
    let (call_id, mut cseq) = {
        let requests = world.requests();
        let (_, last, _) = requests.last().unwrap();
        (last.call_id().unwrap().to_owned(), last.cseq().unwrap().number)
    };
    for _ in 0..30 * 24 * 6 {
        world.run_s(600);
        assert!(world.registrar.bindings.iter().any(|(_, until)| *until > world.now), "bound at any time");
        for (_, request, _) in world.requests() {
            assert_eq!(request.call_id(), Ok(call_id.as_str()));
            assert!(request.cseq().unwrap().number > cseq);
            cseq = request.cseq().unwrap().number;
        }
    }
    assert_eq!(
        world.news(),
        [PhoneEvent::SetupCompleted, PhoneEvent::Registered { account: 1 }],
        "refreshes are silent"
    );
    // Each refresh: the stale nonce, then the new one.
    let refreshes = world.sent.len() / 2;
    assert!((30 * 24..30 * 24 * 3 / 2).contains(&refreshes), "{refreshes}");
}

#[test]
fn a_living_nonce_saves_the_second_request() {
    let mut registrar = Registrar::new(&[Md5]);
    registrar.nonce_life = Duration::from_secs(1_000_000);
    registrar.grant = Some(60);
    let mut world = World::new(one(), registrar);
    world.run_s(1);
    world.requests();
    world.run_s(60);
    let requests = world.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].1.header(Name::Authorization).unwrap().contains("nc=00000002"));
}

#[test]
fn the_refresh_setting_says_when() {
    let mut settings = account();
    settings.reregister_before_s = 600;
    let mut world = World::new(config(vec![settings]), Registrar::new(&[]));
    world.run_s(2990);
    assert_eq!(world.requests().len(), 1);
    world.run_s(20);
    assert_eq!(world.requests().len(), 1, "at 3000 s of 3600");
}

#[test]
fn stale_nonces_are_retried_but_not_for_ever() {
    let mut registrar = Registrar::new(&[Md5]);
    for n in 0..20 {
        let value = format!("Digest realm=\"r\", nonce=\"x{n}\", stale=true, algorithm=MD5, qop=\"auth\"");
        registrar.script.push_back((401, vec![(Name::WwwAuthenticate, value)]));
    }
    let mut world = World::new(one(), registrar);
    world.run_s(5);
    assert_eq!(world.requests().len(), 5, "first, answer, three stale");
    assert_eq!(world.status(1), AccountStatus::Failed);
}

#[test]
fn failures_report_their_code_and_honour_retry_after_up_to_an_hour() {
    for (code, retry_after, least, most) in [
        (403, None, 20, 22),
        (302, None, 20, 22),
        (503, Some("120 (busy);duration=60"), 120, 132),
        (503, Some("1"), 20, 22),
        (500, Some("999999999999"), 3600, 3960),
        (600, Some("nonsense"), 20, 22),
    ] {
        let mut registrar = Registrar::new(&[]);
        let headers = retry_after.map(|v: &str| (Name::RetryAfter, v.to_owned()));
        registrar.script.push_back((code, headers.into_iter().collect()));
        let mut world = World::new(one(), registrar);
        world.run_s(least - 1);
        assert!(matches!(world.news()[1], PhoneEvent::RegisterFailed { code: c, .. } if c == code));
        assert_eq!(world.requests().len(), 1, "{code}");
        world.run_s(most - least + 2);
        assert_eq!(world.news(), [PhoneEvent::Registered { account: 1 }], "{code}");
    }
}

#[test]
fn a_refresh_that_fails_is_reported_and_recovers() {
    let mut registrar = Registrar::new(&[Md5]);
    registrar.grant = Some(120);
    let mut world = World::new(one(), registrar);
    world.run_s(1);
    world.news();
    world.registrar.dead = true;
    world.run_s(150);
    assert!(matches!(world.news()[..], [PhoneEvent::RegisterFailed { code: 408, .. }]));
    world.registrar.dead = false;
    world.run_s(60);
    assert_eq!(world.news(), [PhoneEvent::Registered { account: 1 }]);
}

#[test]
fn another_address_is_told_and_the_old_binding_removed() {
    let mut world = World::new(one(), Registrar::new(&[Md5]));
    world.run_s(1);
    world.news();
    let (old, new) = (PHONE.parse().unwrap(), "192.0.2.77".parse().unwrap());
    world.input(Input::LocalAddress(new));
    world.run_s(1);
    assert_eq!(world.news(), [PhoneEvent::IpChange { old, new }]);
    assert_eq!(world.registrar.bindings.len(), 1);
    assert_eq!(world.registrar.bindings[0].0, "sip:1001@192.0.2.77:5060");
    world.input(Input::LocalAddress(new));
    world.run_s(1);
    assert_eq!(world.news(), []);
}

#[test]
fn behind_a_nat_the_contact_is_where_the_server_sees_us() {
    for algorithms in [&[Md5][..], &[]] {
        let mut registrar = Registrar::new(algorithms);
        registrar.seen_at = Some("198.51.100.1:40001".parse().unwrap());
        let mut world = World::new(one(), registrar);
        world.run_s(1);
        assert_eq!(world.registrar.bindings.len(), 1);
        assert_eq!(world.registrar.bindings[0].0, "sip:1001@198.51.100.1:40001");
        assert_eq!(world.news().len(), 2);
        let requests = world.requests().len();
        world.run_s(1000);
        assert!(world.requests().is_empty() && requests == 2, "settles");
    }
    let mut settings = account();
    settings.rport = false;
    let mut world = World::new(config(vec![settings]), Registrar::new(&[]));
    world.run_s(1);
    assert_eq!(world.requests()[0].1.top_via().unwrap().params.get("rport"), None);
}

#[test]
fn shutdown_does_what_unregister_on_reboot_says() {
    for (setting, contact) in [
        (UnregisterOnReboot::No, None),
        (UnregisterOnReboot::All, Some("*")),
        (UnregisterOnReboot::Instance, Some("<sip:1001@192.0.2.55:5060>")),
    ] {
        let mut settings = account();
        settings.unregister_on_reboot = setting;
        let mut world = World::new(config(vec![settings]), Registrar::new(&[Md5]));
        world.registrar.bindings.push(("sip:1001@other".into(), world.now + Duration::from_secs(9999)));
        world.run_s(1);
        assert_eq!(world.status(1), AccountStatus::Registered);
        // "All" clears what others left before the first registration.
        let others = usize::from(setting != UnregisterOnReboot::All);
        assert_eq!(world.registrar.bindings.len(), 1 + others, "{setting:?}");
        world.news();
        world.requests();
        world.input(Input::Shutdown);
        world.run_s(1);
        assert!(world.phone.is_shut_down());
        assert_eq!(world.phone.poll_timeout(), None);
        match (contact, world.requests().last()) {
            (None, None) => assert_eq!(world.news(), []),
            (Some(contact), Some((_, request, _))) => {
                assert!(request.header(Name::Contact).unwrap().starts_with(contact));
                assert_eq!(request.expires(), Some(0));
                assert_eq!(world.news(), [PhoneEvent::Unregistered { account: 1 }]);
                assert_eq!(world.registrar.bindings.len(), others);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn shutdown_does_not_wait_long_for_a_dead_server() {
    let mut settings = account();
    settings.unregister_on_reboot = UnregisterOnReboot::Instance;
    let mut world = World::new(config(vec![settings]), Registrar::new(&[]));
    world.run_s(1);
    world.registrar.dead = true;
    world.input(Input::Shutdown);
    world.run_s(3);
    assert!(!world.phone.is_shut_down());
    world.run_s(1);
    assert!(world.phone.is_shut_down());
}

#[test]
fn settings_take_effect_at_once() {
    let mut world = World::new(one(), Registrar::new(&[Md5]));
    world.run_s(1);
    world.news();
    world.requests();
    let mut settings = account();
    // The same again, and timing: nothing to do.
    world.settings(1, settings.clone());
    settings.retry_wait_s = 60;
    world.settings(1, settings.clone());
    world.settings(9, settings.clone());
    world.settings(0, settings.clone());
    world.run_s(1);
    assert!(world.requests().is_empty());
    // Another life: registers again, silently.
    settings.expires_min = 10;
    world.settings(1, settings.clone());
    world.run_s(1);
    assert_eq!(world.requests().last().unwrap().1.expires(), Some(600));
    assert_eq!(world.news(), []);
    // Another user: the old binding goes first.
    settings.user = "1001 b".into();
    settings.auth_id = "1001".into();
    world.settings(1, settings.clone());
    world.run_s(1);
    assert_eq!(world.news(), [PhoneEvent::Unregistered { account: 1 }, PhoneEvent::Registered { account: 1 }]);
    assert_eq!(world.registrar.bindings.len(), 1);
    assert_eq!(world.registrar.bindings[0].0, "sip:1001%20b@192.0.2.55:5060");
    // Registration off, then the account.
    settings.register = false;
    world.settings(1, settings.clone());
    world.run_s(1);
    assert_eq!(world.news(), [PhoneEvent::Unregistered { account: 1 }]);
    assert_eq!((world.status(1), world.registrar.bindings.len()), (AccountStatus::Unregistered, 0));
    settings.enabled = false;
    world.settings(1, settings.clone());
    assert_eq!(world.status(1), AccountStatus::Disabled);
    world.run_s(100_000);
    assert_eq!(world.news(), []);
    settings.enabled = true;
    settings.register = true;
    world.settings(1, settings);
    world.run_s(1);
    assert_eq!(world.news(), [PhoneEvent::Registered { account: 1 }]);
}

#[test]
fn disabling_while_the_first_request_flies_still_takes_leave() {
    let mut world = World::new(one(), Registrar::new(&[]));
    world.one_way = Duration::from_millis(300);
    world.run(Duration::from_millis(400));
    let mut settings = account();
    settings.enabled = false;
    world.settings(1, settings);
    world.run_s(5);
    assert_eq!(world.status(1), AccountStatus::Disabled);
    assert!(world.registrar.bindings.is_empty());
}

#[test]
fn names_are_resolved_followed_and_failures_reported() {
    let mut settings = account();
    server(&mut settings, "pbx.hotel.example");
    let mut world = World::without_address(config(vec![settings.clone()]), Registrar::new(&[Md5]));
    world.input(Input::LocalAddress(PHONE.parse().unwrap()));
    world.run_s(1);
    assert!(matches!(&world.news()[1], PhoneEvent::RegisterFailed { code: 0, reason, .. } if reason.contains("pbx")));
    // IPv6 is passed over by a phone with an IPv4 address.
    world.names =
        vec![("pbx.hotel.example".into(), vec!["2001:db8::1".parse().unwrap(), "192.0.2.10".parse().unwrap()])];
    // "There is no such name" is believed for a minute.
    world.run_s(90);
    assert_eq!(world.news(), [PhoneEvent::Registered { account: 1 }]);
    assert_eq!(world.sent.last().unwrap().1.to, SERVER.parse().unwrap());
    // The first address falls silent: the next one is tried.
    world.names[0].1 = vec!["192.0.2.10".parse().unwrap(), "192.0.2.11".parse().unwrap()];
    world.registrar.dead = true;
    world.run_s(4000);
    let targets: Vec<_> = world.sent.iter().map(|(_, t)| t.to.ip().to_string()).collect();
    assert!(targets.contains(&"192.0.2.11".to_owned()));
}

#[test]
fn the_initial_request_carries_an_empty_authorization_if_told_to() {
    let mut settings = account();
    settings.add_auth_on_initial = true;
    let mut world = World::new(config(vec![settings]), Registrar::new(&[Sha256]));
    world.run_s(1);
    let requests = world.requests();
    let value = requests[0].1.header(Name::Authorization).unwrap();
    assert!(value.contains("username=\"1001\"") && value.contains("response=\"\""), "{value}");
    assert_eq!(world.status(1), AccountStatus::Registered);
}

#[test]
fn two_accounts_are_independent() {
    let mut second = account();
    server(&mut second, "192.0.2.20");
    second.local_port = 5062;
    second.password = Secret::new("wrong");
    let mut world = World::new(config(vec![account(), second]), Registrar::new(&[Md5]));
    world.run_s(1);
    assert_eq!((world.status(1), world.status(2)), (AccountStatus::Registered, AccountStatus::Failed));
    assert!(world.sent.iter().any(|(_, t)| t.local_port == 5062 && t.to == "192.0.2.20:5060".parse().unwrap()));
    let ids: std::collections::BTreeSet<_> =
        world.requests().into_iter().map(|(_, m, _)| m.call_id().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 2);
}

#[test]
fn an_account_that_is_off_or_unconfigured_sends_nothing() {
    let mut off = account();
    off.enabled = false;
    let mut blank = account();
    server(&mut blank, "");
    let mut odd = account();
    server(&mut odd, "not a host!");
    let mut world = World::new(config(vec![off, blank, odd]), Registrar::new(&[]));
    world.run_s(100_000);
    assert!(world.sent.is_empty());
    let state = world.phone.state();
    let statuses: Vec<_> = state.accounts.iter().map(|a| a.status).collect();
    assert_eq!(statuses, [AccountStatus::Disabled, AccountStatus::Unregistered, AccountStatus::Unregistered]);
    assert_eq!(world.news(), [PhoneEvent::SetupCompleted]);
}

#[test]
fn the_ephemeral_port_is_the_contacts_port() {
    let mut settings = account();
    settings.local_port = 0;
    let mut world = World::new(config(vec![settings]), Registrar::new(&[]));
    world.run_s(100);
    assert!(world.sent.is_empty(), "waits for a port");
    world.input(Input::LocalPort { account: 1, transport: Transport::Udp, port: 40_123 });
    world.run_s(1);
    assert_eq!(world.registrar.bindings[0].0, "sip:1001@192.0.2.55:40123");
}

#[test]
fn the_start_is_spread_when_asked_for() {
    let starts: Vec<u64> = (0..20)
        .map(|seed| {
            let mut config = one();
            config.start_spread = Duration::from_secs(60);
            let mut phone = phone_core::Phone::new(config, seed, phone_core::Instant::ZERO);
            phone.handle_input(phone_core::Instant::ZERO, Input::LocalAddress(PHONE.parse().unwrap()));
            assert!(phone.poll_transmit().is_none());
            phone.poll_timeout().unwrap().since_epoch().as_secs()
        })
        .collect();
    assert!(starts.iter().all(|s| *s <= 60) && starts.iter().max().unwrap() - starts.iter().min().unwrap() > 30);
}

#[test]
fn hook_and_keys() {
    let mut world = World::new(config(vec![]), Registrar::new(&[]));
    world.news();
    world.input(Input::Hook(HookSwitch::On));
    assert_eq!(world.news(), []);
    world.input(Input::Hook(HookSwitch::Off));
    for key in "10*x#".chars().chain(std::iter::repeat_n('1', 100)) {
        world.input(Input::KeyPress(key));
    }
    assert!(world.phone.dialled().starts_with("10*#1") && world.phone.dialled().len() == 64);
    assert_eq!(world.phone.state().hook, HookSwitch::Off);
    world.input(Input::Hook(HookSwitch::On));
    assert_eq!(world.news(), [PhoneEvent::OffHook, PhoneEvent::IdleToBusy, PhoneEvent::OnHook, PhoneEvent::BusyToIdle]);
}

#[test]
fn state_and_debug_hold_no_secret() {
    let mut world = World::new(one(), Registrar::new(&[Md5]));
    world.run_s(1);
    let json = serde_json::to_value(world.phone.state()).unwrap();
    assert_eq!(json["accounts"][0]["status"], "registered");
    assert_eq!(json["accounts"][0]["since"], 1_000_000_004u64);
    assert_eq!(json["hook"], "on");
    for text in [json.to_string(), format!("{:?}", world.phone), format!("{:?}", one()), format!("{:?}", account())] {
        assert!(!text.contains(PASSWORD), "{text}");
    }
    let event = PhoneEvent::RegisterFailed { account: 1, code: 403, reason: "Forbidden".into() };
    assert_eq!(
        serde_json::to_string(&event).unwrap(),
        r#"{"event":"register_failed","account":1,"code":403,"reason":"Forbidden"}"#
    );
}

#[test]
fn check_sync_counts_from_the_registrar_alone() {
    let mut world = World::new(one(), Registrar::new(&[auth_digest::Algorithm::Sha256]));
    let notify = |branch: &str| {
        format!(
            "NOTIFY sip:1001@192.0.2.55 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK{branch}\r\n\
             From: <sip:pbx@192.0.2.10>;tag=1\r\nTo: <sip:1001@192.0.2.55>\r\nCall-ID: {branch}\r\nCSeq: 1 NOTIFY\r\n\
             Event: check-sync\r\nContent-Length: 0\r\n\r\n"
        )
    };
    let local = "192.0.2.55:5060".parse().unwrap();
    let send = |world: &mut World, from: &str, branch: &str| {
        let (from, bytes) = (from.parse().unwrap(), notify(branch).into_bytes());
        world.input(Input::Message { transport: Transport::Udp, local, from, bytes });
        world.news().contains(&PhoneEvent::CheckSync { account: 1, reset: false, reboot: false })
    };
    assert!(!send(&mut world, SERVER, "early"), "not registered yet");
    world.run_s(5);
    assert!(send(&mut world, SERVER, "a"));
    assert!(!send(&mut world, SERVER, "a"), "a copy");
    assert!(!send(&mut world, "192.0.2.66:5060", "b"), "a stranger");
}

#[test]
fn another_server_may_challenge_anew_after_the_first_fell_silent() {
    let mut settings = account();
    settings.servers.servers[1] = "192.0.2.20".parse().ok();
    let mut registrar = Registrar::new(&[]);
    for nonce in ["first", "second"] {
        let challenge = format!("Digest realm=\"{REALM}\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"");
        registrar.script.push_back((401, vec![(Name::WwwAuthenticate, challenge)]));
    }
    let mut world = World::new(config(vec![settings]), registrar);
    // Both copies of the answer to the first server's challenge.
    world.lose = Box::new(|n| matches!(n, 2 | 3));
    world.run_s(30);
    let servers: Vec<String> = world.sent.iter().map(|(_, sent)| sent.to.to_string()).collect();
    assert_eq!(servers, [SERVER, SERVER, SERVER, "192.0.2.20:5060", "192.0.2.20:5060"]);
    assert_eq!(world.news(), [PhoneEvent::SetupCompleted, PhoneEvent::Registered { account: 1 }]);
}
