//! A server that dies, in a call and while nothing goes on: the backup takes over, and gives back.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use phone_core::sip::call::{EndedBy, Stage};
use phone_core::{IoOptions, PhoneEvent};

use crate::ours::Ours;
use crate::peers::{self, Kamailio, wait_for};
use crate::{PROXY, USERS, enter};

const BACKUP: &str = "127.0.0.3:5060";
/// T1 is 0.5 s and an address gets two requests: the next one is asked after 0.5 s + 1 s, and then there is a 407, an
/// answer, ringing.
const SOON: Duration = Duration::from_millis(2500);

/// Found by SRV.
#[test]
fn the_primary_of_a_domain_dies() {
    enter!("the_primary_of_a_domain_dies", ["kamailio", "dnsmasq"]);
    let _names = peers::name_server("127.0.0.53:53", &[]);
    let settings = [("network.dnsmode", "srv")];
    dies_and_comes_back("hotel.test", &settings);
}

/// Set as primary and secondary server.
#[test]
fn the_primary_server_dies() {
    enter!("the_primary_server_dies", ["kamailio"]);
    dies_and_comes_back(PROXY, &[("sip.server.2.address", BACKUP)]);
}

fn dies_and_comes_back(server: &str, settings: &[(&str, &str)]) {
    let defines = ["WITH_PROXY_AUTH", "DOMAIN=hotel.test", "MAX_EXPIRES=20"];
    let mut primary = Kamailio::start(PROXY, &defines, &USERS);
    let backup = Kamailio::start(BACKUP, &defines, &USERS);
    let mut here = Ours::registered("1002", PROXY, 5120, &[]);
    let mut there = Ours::registered("1003", BACKUP, 5130, &[]);
    let common = [
        ("network.dnssrvfailovermode", "failback_timer"),
        ("network.failbacktimer", "1"),
        ("network.maxnumofretries", "2"),
        ("sip.timer.t1", "0.5"),
        ("sip.registrationfailureretrywaittime", "5"),
    ];
    let settings: Vec<(&str, &str)> = settings.iter().chain(&common).copied().collect();
    let dns: Vec<SocketAddr> = vec!["127.0.0.53:53".parse().unwrap()];
    let options = IoOptions { dns, ..IoOptions::default() };
    let mut phone = Ours::start_with("1001", server, 5110, &settings, options);
    phone.wait_registered();
    assert!(primary.bindings().contains("1001@") && !backup.bindings().contains("1001@"));

    // In a call: it stays up, and ends at once when somebody hangs up.
    let call = phone.dial("1002");
    let late = here.answer();
    phone.wait_up(call);
    primary.stop();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!((phone.wait_up(call).stage, here.wait_up(late).stage), (Stage::Up, Stage::Up));
    phone.hang_up(call);
    assert!(phone.state().calls.is_empty(), "over for people");

    // The next call goes over the backup.
    let began = Instant::now();
    let call = phone.dial("1003");
    there.incoming();
    let took = began.elapsed();
    assert!(took < SOON, "{took:?}");
    let theirs = there.answer();
    phone.wait_up(call);
    eprintln!("the call over the backup rang after {took:?}");
    phone.hang_up(call);
    assert_eq!(there.wait_ended(theirs).0, EndedBy::Them);

    // While idle the registration goes over, and calls come from there.
    wait_for("it registers with the backup", Duration::from_secs(30), || {
        backup.bindings().contains("1001@").then_some(())
    });
    let moved = Instant::now();
    let theirs = there.dial("1001");
    let call = phone.answer();
    there.hang_up(theirs);
    assert_eq!(phone.wait_ended(call).0, EndedBy::Them);

    // Our BYE was not taken by the dead proxy: it went on without it.
    assert_eq!(here.wait_ended(late).0, EndedBy::Them);

    // And back, after the time set.
    primary.restart();
    wait_for("it registers with the primary", Duration::from_secs(90), || {
        primary.bindings().contains("1001@").then_some(())
    });
    eprintln!("back after {:?}", moved.elapsed());
    assert!(moved.elapsed() > Duration::from_secs(30), "it stays with the backup for a time");
    let mut here = Ours::registered("1004", PROXY, 5140, &[]);
    let call = phone.dial("1004");
    let theirs = here.answer();
    phone.hang_up(call);
    assert_eq!(here.wait_ended(theirs).0, EndedBy::Them);
    // It dies once more, while nothing goes on.
    primary.stop();
    let began = Instant::now();
    let call = phone.dial("1003");
    let theirs = there.answer();
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    phone.hang_up(call);
    there.wait_ended(theirs);
    assert!(!phone.drain().iter().any(|event| matches!(event, PhoneEvent::DialFailed { .. })));
}

/// Over TCP nobody has to wait: the connection breaks.
#[test]
fn the_primary_dies_under_its_connections() {
    enter!("the_primary_dies_under_its_connections", ["kamailio", "dnsmasq"]);
    let _names = peers::name_server("127.0.0.53:53", &[]);
    let defines = ["WITH_PROXY_AUTH", "DOMAIN=hotel.test"];
    let mut primary = Kamailio::start(PROXY, &defines, &USERS);
    let backup = Kamailio::start(BACKUP, &defines, &USERS);
    let mut there = Ours::registered("1003", BACKUP, 5130, &[]);
    let dns: Vec<SocketAddr> = vec!["127.0.0.53:53".parse().unwrap()];
    let settings = [("network.dnsmode", "naptr_srv"), ("sip.transport", "tcp")];
    let mut phone = Ours::start_with("1001", "hotel.test", 5110, &settings, IoOptions { dns, ..IoOptions::default() });
    phone.wait_registered();
    assert!(primary.bindings().contains("1001@"));
    primary.stop();
    let began = Instant::now();
    let call = phone.dial("1003");
    let theirs = there.answer();
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    phone.wait_up(call);
    phone.hang_up(call);
    there.wait_ended(theirs);
    wait_for("it registers with the backup", Duration::from_secs(30), || {
        backup.bindings().contains("1001@").then_some(())
    });
}
