//! When the phone registers, and what it subscribes to.

use auth_digest::{Algorithm, Credentials, Ha1, verify};
use phone_core::Input;
use phone_core::sip::message::{Message, Method, Name};

use super::bench::{Bench, SERVER, bench};

const REGISTER: &Method = &Method::Register;

#[test]
fn only_an_active_account_registers_and_listens() {
    let off = bench(&[("account.1.enable", "no")]);
    assert!(off.sent.is_empty() && off.phone.sockets().is_empty());
    let on = bench(&[]);
    assert_eq!((on.sent_of(REGISTER).len(), on.phone.sockets().len()), (1, 1));
}

#[test]
fn a_trunk_does_not_register() {
    let off = bench(&[("account.1.sip.registration", "no")]);
    assert!(off.sent_of(REGISTER).is_empty() && !off.phone.sockets().is_empty());
    assert_eq!(bench(&[]).sent_of(REGISTER).len(), 1);
}

fn credentials(pairs: &[(&str, &str)]) -> (Credentials, Message) {
    let mut bench = Bench::asleep(pairs);
    bench.server.challenges = true;
    bench.start();
    bench.run(100);
    let register = bench.last(REGISTER);
    (Credentials::parse(register.header(Name::Authorization).unwrap()).unwrap(), register)
}

fn proves(pairs: &[(&str, &str)], user: &str, password: &str) -> bool {
    let (credentials, register) = credentials(pairs);
    let ha1 = Ha1::new(Algorithm::Md5, user, "hotel.example", password);
    verify(&credentials, &ha1, "REGISTER", register.request_uri_text().unwrap(), &[]).is_ok()
}

#[test]
fn the_authenticate_id_is_the_user_of_the_proof() {
    assert_eq!(credentials(&[]).0.username, "1001");
    let set = [("account.1.sip.subscriber.userid", "auth-7")];
    assert_eq!(credentials(&set).0.username, "auth-7");
    assert!(proves(&set, "auth-7", "s3cret"));
}

#[test]
fn the_password_makes_the_proof() {
    assert!(proves(&[], "1001", "s3cret"));
    let other = [("account.1.sip.subscriber.password", "another")];
    assert!(proves(&other, "1001", "another") && !proves(&other, "1001", "s3cret"));
}

#[test]
fn the_first_register_carries_authorization_if_so_set() {
    let first = |pairs: &[(&str, &str)]| bench(pairs).messages(REGISTER)[0].header(Name::Authorization).is_some();
    assert!(!first(&[]) && first(&[("account.1.sip.header.authoninitialregister", "yes")]));
}

#[test]
fn unregister_on_reboot_clears_before_the_first_registration_and_at_the_end() {
    for (value, first, last) in [
        ("no", "<sip:1001@192.0.2.55:5060>", None),
        ("all", "*", Some("*")),
        ("instance", "<sip:1001@192.0.2.55:5060>", Some("<sip:1001@192.0.2.55:5060>")),
    ] {
        let mut bench = bench(&[("account.1.sip.unregisteronreboot", value)]);
        let at_start = bench.messages(REGISTER);
        assert!(at_start[0].header(Name::Contact).unwrap().starts_with(first), "{value}");
        assert_eq!(at_start[0].expires() == Some(0), value != "no", "{value}");
        let before = at_start.len();
        bench.input(Input::Shutdown);
        bench.run(100);
        let at_end = bench.messages(REGISTER).into_iter().nth(before);
        let contact = at_end.as_ref().and_then(|register| register.header(Name::Contact));
        assert!(last.is_none_or(|last| contact.unwrap().starts_with(last)), "{value}: {contact:?}");
        assert_eq!(contact.is_some(), last.is_some(), "{value}");
    }
}

#[test]
fn the_registration_is_asked_for_as_long_as_set() {
    let expires = |pairs: &[(&str, &str)]| bench(pairs).last(REGISTER).expires();
    assert_eq!(expires(&[]), Some(3600));
    assert_eq!(expires(&[("account.1.sip.registerexpiration", "5")]), Some(300));
}

#[test]
fn the_registration_is_renewed_that_long_before_its_end() {
    let second = |pairs: &[(&str, &str)]| {
        let mut bench = bench(pairs);
        let first = bench.sent_of(REGISTER)[0].at;
        bench.run_s(3600);
        bench.times(REGISTER, first)[1] as u64
    };
    assert!((2900..=3240).contains(&second(&[])));
    assert_eq!(second(&[("account.1.sip.registerbeforeexpiration", "900")]), 2700);
}

#[test]
fn a_failed_registration_is_tried_again_after_the_wait() {
    let gap = |pairs: &[(&str, &str)]| {
        let mut bench = Bench::asleep(pairs);
        bench.server.register = 500;
        bench.start();
        let start = bench.now;
        bench.run_s(200);
        bench.times(REGISTER, start)[1] as u64
    };
    assert!((20..=22).contains(&gap(&[])));
    assert!((60..=66).contains(&gap(&[("account.1.sip.registrationfailureretrywaittime", "60")])));
}

#[test]
fn the_start_is_delayed_as_set() {
    let first = |pairs: &[(&str, &str)]| {
        let mut bench = Bench::asleep(pairs);
        let start = bench.now;
        bench.start();
        bench.run_s(100);
        bench.times(REGISTER, start)[0] as u64
    };
    assert_eq!((first(&[]), first(&[("sip.delayregistration", "45")])), (0, 45));
}

/// Seconds at which OPTIONS and REGISTER went out, with nobody answering OPTIONS.
fn keep_alives(pairs: &[(&str, &str)]) -> (Vec<u64>, Vec<u64>) {
    let mut bench = Bench::asleep(&[&[("account.1.sip.keepalive.enable", "yes")], pairs].concat());
    bench.server.silent = vec![Method::Options];
    let start = bench.now;
    bench.start();
    bench.run_s(205);
    let at = |method: &Method| {
        let mut seen: Vec<String> = Vec::new();
        let mut first = |sent: &&&super::bench::Sent| {
            let branch = sent.message.as_ref().unwrap().top_via().unwrap().branch().unwrap().to_owned();
            let new = !seen.contains(&branch);
            seen.push(branch);
            new
        };
        let all = bench.sent_of(method);
        let new = all.iter().filter(|sent| first(sent)).map(|sent| sent.at.saturating_since(start).as_secs());
        new.collect::<Vec<u64>>()
    };
    (at(&Method::Options), at(REGISTER))
}

#[test]
fn options_are_sent_at_the_interval_if_so_set() {
    assert!(keep_alives(&[("account.1.sip.keepalive.enable", "no")]).0.is_empty());
    assert_eq!(keep_alives(&[]).0[..3], [30, 60, 90]);
    assert_eq!(keep_alives(&[("account.1.sip.keepalive.interval", "100")]).0, [100, 200]);
}

#[test]
fn so_many_lost_options_make_the_account_register_anew() {
    let again = |pairs: &[(&str, &str)]| keep_alives(pairs).1[1];
    // Whether one is lost is known when the next is due.
    assert_eq!(again(&[]), 120);
    assert_eq!(again(&[("account.1.sip.keepalive.maxlost", "1")]), 60);
    assert_eq!(again(&[("account.1.sip.keepalive.maxlost", "5")]), 180);
}

fn events(pairs: &[(&str, &str)]) -> Vec<String> {
    let subscribes = bench(pairs).messages(&Method::Subscribe);
    subscribes.iter().map(|subscribe| subscribe.header(Name::Event).unwrap().to_owned()).collect()
}

#[test]
fn messages_that_wait_are_subscribed_to_if_so_set() {
    assert!(events(&[]).is_empty());
    assert_eq!(events(&[("account.1.sip.subscribe.formwi", "yes")]), ["message-summary"]);
}

#[test]
fn the_registration_s_state_is_subscribed_to_if_so_set() {
    assert_eq!(events(&[("account.1.sip.subscribe.forregistration", "yes")]), ["reg"]);
}

#[test]
fn subscriptions_are_asked_for_as_long_as_set() {
    let expires = |pairs: &[(&str, &str)]| {
        let pairs = [&[("account.1.sip.subscribe.formwi", "yes")], pairs].concat();
        bench(&pairs).last(&Method::Subscribe).expires()
    };
    assert_eq!(expires(&[]), Some(3600));
    assert_eq!(expires(&[("account.1.sip.subscribe.expiration", "120")]), Some(7200));
}

#[test]
fn a_subscription_is_renewed_where_notify_or_the_first_answer_said() {
    let renewed = |value| {
        let mut bench = Bench::asleep(&[
            ("account.1.sip.subscribe.formwi", "yes"),
            ("account.1.sip.subscribe.expiration", "2"),
            ("account.1.sip.notify.route", value),
        ]);
        bench.server.contact = "<sip:first@192.0.2.10>".to_owned();
        bench.start();
        bench.run(500);
        let subscribe = bench.last(&Method::Subscribe);
        let text = format!(
            "NOTIFY sip:1001@192.0.2.55:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {SERVER};branch=z9hG4bKn;rport\r\n\
             From: {};tag=srv\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 7 NOTIFY\r\nContact: <sip:notifier@192.0.2.10>\r\n\
             Event: message-summary\r\nSubscription-State: active;expires=120\r\nContent-Length: 0\r\n\r\n",
            subscribe.header(Name::To).unwrap(),
            subscribe.header(Name::From).unwrap(),
            subscribe.call_id().unwrap()
        );
        bench.deliver(SERVER, text);
        bench.run_s(115);
        bench.last(&Method::Subscribe).request_uri().unwrap().user
    };
    assert_eq!(renewed("yes").as_deref(), Some("notifier"));
    assert_eq!(renewed("no").as_deref(), Some("first"));
}
