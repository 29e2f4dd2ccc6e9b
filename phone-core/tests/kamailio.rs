//! The tokio shell against a real registrar: Kamailio with `deploy/kamailio/kamailio.cfg`, on a free port of 127.0.0.1.
//!
//! Needs `kamailio` (Debian: `apt-get install kamailio`, with `exit 101` in /usr/sbin/policy-rc.d first). Without it
//! the tests fail, unless BELLHOP_SKIP_PEERS=1.

#![allow(clippy::unwrap_used)]

mod peers;

use std::net::UdpSocket;
use std::time::Duration;

use peers::Kamailio;
use phone_core::settings::servers::ServerSettings;
use phone_core::{
    AccountSettings, AccountStatus, HookSwitch, IoOptions, PhoneConfig, PhoneEvent, PhoneHandle, Secret,
    UnregisterOnReboot, spawn,
};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

const PASSWORD: &str = "pa:ss w0rd\"";

fn peers() -> bool {
    peers::there(&["kamailio", "kamcmd"])
}

/// With the users 1001 and 1002.
fn start(defines: &[&str]) -> Kamailio {
    let address = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let defines = [&["UDP_ONLY"], defines].concat();
    Kamailio::start(&address, &defines, &[("1001", PASSWORD), ("1002", PASSWORD)])
}

fn account(kamailio: &Kamailio, user: &str) -> AccountSettings {
    AccountSettings {
        enabled: true,
        servers: ServerSettings::at(kamailio.address()),
        user: user.into(),
        password: Secret::new(PASSWORD),
        unregister_on_reboot: UnregisterOnReboot::Instance,
        // Silence is noticed after 3.2 s instead of 32.
        t1_ms: 50,
        t2_ms: 400,
        retry_wait_s: 1,
        local_port: 0,
        ..AccountSettings::default()
    }
}

fn phone(accounts: Vec<AccountSettings>) -> (PhoneHandle, Receiver<PhoneEvent>) {
    let mut config = PhoneConfig::new("GHP621", "1.0.0", [0xc0, 0x74, 0xad, 0, 0, 1]);
    config.accounts = accounts;
    spawn(config, IoOptions { bind: "127.0.0.1".parse().unwrap(), ..IoOptions::default() }).unwrap()
}

async fn next(events: &mut Receiver<PhoneEvent>) -> PhoneEvent {
    timeout(Duration::from_secs(20), events.recv()).await.expect("an event in time").expect("the phone runs")
}

async fn until(events: &mut Receiver<PhoneEvent>, wanted: impl Fn(&PhoneEvent) -> bool) -> PhoneEvent {
    loop {
        let event = next(events).await;
        if wanted(&event) {
            return event;
        }
    }
}

async fn registers(defines: &[&str], algorithm: &str) {
    if !peers() {
        return;
    }
    let kamailio = start(defines);
    let (phone, mut events) = phone(vec![account(&kamailio, "1001"), account(&kamailio, "1002")]);
    assert_eq!(next(&mut events).await, PhoneEvent::SetupCompleted);
    let mut both = [next(&mut events).await, next(&mut events).await];
    both.sort_by_key(|event| format!("{event:?}"));
    assert_eq!(both, [PhoneEvent::Registered { account: 1 }, PhoneEvent::Registered { account: 2 }], "{algorithm}");
    let bindings = kamailio.bindings();
    assert!(bindings.contains("sip:1001@127.0.0.1:") && bindings.contains("sip:1002@127.0.0.1:"), "{bindings}");
    assert!(bindings.contains("<urn:uuid:00000000-0000-1000-8000-c074ad000001>"), "{bindings}");
    assert!(bindings.contains("Bellhop GHP621 1.0.0"), "{bindings}");
    let state = phone.state().borrow().clone();
    assert!(
        state.accounts.iter().all(|account| account.status == AccountStatus::Registered && account.expires.is_some())
    );

    phone.hook(HookSwitch::Off).await.unwrap();
    phone.key('1').await.unwrap();
    assert_eq!(next(&mut events).await, PhoneEvent::OffHook);

    // A changed user moves the binding.
    phone.settings(2, AccountSettings { enabled: false, ..account(&kamailio, "1002") }).await.unwrap();
    until(&mut events, |event| *event == PhoneEvent::Unregistered { account: 2 }).await;
    assert!(!kamailio.bindings().contains("sip:1002@"));

    phone.shutdown().await;
    assert!(!kamailio.bindings().contains("sip:1001@"), "taken leave");
    assert_eq!(next(&mut events).await, PhoneEvent::Unregistered { account: 1 });
    assert_eq!(events.recv().await, None);
    phone.shutdown().await;
    assert!(phone.key('1').await.is_err());
}

#[tokio::test]
async fn registers_with_md5() {
    registers(&[], "MD5").await;
}

#[tokio::test]
async fn registers_with_sha_256() {
    registers(&["WITH_SHA256"], "SHA-256").await;
}

#[tokio::test]
async fn a_registrar_that_wants_longer_lives_gets_them() {
    if !peers() {
        return;
    }
    let kamailio = start(&["WITH_MIN_EXPIRES"]);
    let (phone, mut events) = phone(vec![account(&kamailio, "1001")]);
    until(&mut events, |event| *event == PhoneEvent::Registered { account: 1 }).await;
    let expires = phone.state().borrow().accounts[0].expires.unwrap();
    let since = phone.state().borrow().accounts[0].since;
    assert!((7190..=7200).contains(&expires.saturating_since(since).as_secs()));
    phone.shutdown().await;
}

#[tokio::test]
async fn a_wrong_password_fails() {
    if !peers() {
        return;
    }
    let kamailio = start(&["WITH_SHA256"]);
    let settings = AccountSettings { password: Secret::new("wrong"), retry_wait_s: 3600, ..account(&kamailio, "1001") };
    let (phone, mut events) = phone(vec![settings]);
    let event = until(&mut events, |event| *event != PhoneEvent::SetupCompleted).await;
    assert!(matches!(event, PhoneEvent::RegisterFailed { account: 1, code: 401, .. }), "{event:?}");
    assert!(!kamailio.bindings().contains("1001@"));
    // The right one helps without waiting for the retry.
    phone.settings(1, account(&kamailio, "1001")).await.unwrap();
    assert_eq!(next(&mut events).await, PhoneEvent::Registered { account: 1 });
    phone.shutdown().await;
}

#[tokio::test]
async fn a_registrar_that_dies_is_noticed_and_found_again() {
    if !peers() {
        return;
    }
    let mut kamailio = start(&["MAX_EXPIRES=10"]);
    let settings = AccountSettings { expires_min: 1, ..account(&kamailio, "1001") };
    let (phone, mut events) = phone(vec![settings]);
    until(&mut events, |event| *event == PhoneEvent::Registered { account: 1 }).await;
    // Two refreshes of a life of 10 s, unnoticed from outside.
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert!(events.try_recv().is_err());
    assert!(kamailio.bindings().contains("sip:1001@127.0.0.1:"));
    kamailio.stop();
    let event = next(&mut events).await;
    assert!(matches!(event, PhoneEvent::RegisterFailed { account: 1, code: 408, .. }), "{event:?}");
    assert_eq!(phone.state().borrow().accounts[0].status, AccountStatus::Failed);
    kamailio.restart();
    assert_eq!(next(&mut events).await, PhoneEvent::Registered { account: 1 });
    assert!(kamailio.bindings().contains("sip:1001@127.0.0.1:"));
    phone.shutdown().await;
}
