//! The tokio shell against a real registrar: Kamailio with `deploy/kamailio/kamailio.cfg`, on a free port of 127.0.0.1.
//!
//! Needs `kamailio` (Debian: `apt-get install kamailio`, with `exit 101` in /usr/sbin/policy-rc.d first). Without it
//! the tests fail, unless BELLHOP_SKIP_PEERS=1.

#![allow(clippy::unwrap_used)]

use std::net::UdpSocket;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use phone_core::{
    AccountSettings, AccountStatus, HookSwitch, IoOptions, PhoneConfig, PhoneEvent, PhoneHandle, Secret,
    UnregisterOnReboot, spawn,
};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

const PASSWORD: &str = "pa:ss w0rd\"";

/// A running Kamailio; ends with this value.
struct Kamailio {
    child: Child,
    directory: tempfile::TempDir,
    port: u16,
    defines: Vec<&'static str>,
}

/// Whether to run; fails the test if the program is missing and nobody said to do without.
fn peers() -> bool {
    if std::env::var_os("BELLHOP_SKIP_PEERS").is_some_and(|v| v == "1") {
        eprintln!("skipped: BELLHOP_SKIP_PEERS=1");
        return false;
    }
    let there = Command::new("kamailio").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(
        there.is_ok_and(|s| s.success()),
        "kamailio is not installed: `apt-get install -y kamailio` (or BELLHOP_SKIP_PEERS=1 to do without)"
    );
    true
}

impl Kamailio {
    fn start(defines: &[&'static str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let version = "table_name(string) table_version(int)\ncredentials:2\n";
        std::fs::write(directory.path().join("version"), version).unwrap();
        let users = format!(
            "id(int,auto) key_name(string) key_type(int) value_type(int) key_value(string) expires(int)\n\
             1:1001:0:0:{0}:0\n2:1002:0:0:{0}:0\n",
            PASSWORD.replace(':', "\\:")
        );
        std::fs::write(directory.path().join("credentials"), users).unwrap();
        let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Self::launch(directory.path(), port, defines);
        let kamailio = Self { child, directory, port, defines: defines.to_vec() };
        kamailio.wait_until_up();
        kamailio
    }

    fn launch(run: &Path, port: u16, defines: &[&str]) -> Child {
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/kamailio/kamailio.cfg");
        let log = std::fs::File::create(run.join("log")).unwrap();
        let mut command = Command::new("kamailio");
        command.arg("-f").arg(config).args(["-DD", "-E", "-m", "32", "-M", "8", "-w"]).arg(run).arg("-Y").arg(run);
        command.args(["-A", &format!("LISTEN=udp:127.0.0.1:{port}")]);
        command.args(["-A", &format!("CREDENTIALS=\"text://{}\"", run.display())]);
        command.args(["-A", &format!("CONTROL=\"unix:{}\"", run.join("ctl").display())]);
        for define in defines {
            command.args(["-A", define]);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).process_group(0).spawn().unwrap()
    }

    fn control(&self) -> PathBuf {
        self.directory.path().join("ctl")
    }

    fn wait_until_up(&self) {
        for _ in 0..200 {
            if self.try_rpc(&["core.uptime"]).is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        panic!("kamailio does not start:\n{log}");
    }

    fn try_rpc(&self, arguments: &[&str]) -> Option<String> {
        let socket = format!("unix:{}", self.control().display());
        let output = Command::new("kamcmd").arg("-s").arg(socket).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What the registrar holds.
    fn bindings(&self) -> String {
        self.try_rpc(&["ul.dump"]).expect("kamcmd answers")
    }

    fn stop(&mut self) {
        // Its own process group: started by us, by number.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).stderr(Stdio::null()).status();
        for _ in 0..60 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }

    fn restart(&mut self) {
        let _ = std::fs::remove_file(self.control());
        self.child = Self::launch(self.directory.path(), self.port, &self.defines);
        self.wait_until_up();
    }

    fn account(&self, user: &str) -> AccountSettings {
        AccountSettings {
            enabled: true,
            server: format!("127.0.0.1:{}", self.port),
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
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        self.stop();
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

async fn registers(defines: &[&'static str], algorithm: &str) {
    if !peers() {
        return;
    }
    let kamailio = Kamailio::start(defines);
    let (phone, mut events) = phone(vec![kamailio.account("1001"), kamailio.account("1002")]);
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
    phone.settings(2, AccountSettings { enabled: false, ..kamailio.account("1002") }).await.unwrap();
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
    let kamailio = Kamailio::start(&["WITH_MIN_EXPIRES"]);
    let (phone, mut events) = phone(vec![kamailio.account("1001")]);
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
    let kamailio = Kamailio::start(&["WITH_SHA256"]);
    let settings = AccountSettings { password: Secret::new("wrong"), retry_wait_s: 3600, ..kamailio.account("1001") };
    let (phone, mut events) = phone(vec![settings]);
    let event = until(&mut events, |event| *event != PhoneEvent::SetupCompleted).await;
    assert!(matches!(event, PhoneEvent::RegisterFailed { account: 1, code: 401, .. }), "{event:?}");
    assert!(!kamailio.bindings().contains("1001@"));
    // The right one helps without waiting for the retry.
    phone.settings(1, kamailio.account("1001")).await.unwrap();
    assert_eq!(next(&mut events).await, PhoneEvent::Registered { account: 1 });
    phone.shutdown().await;
}

#[tokio::test]
async fn a_registrar_that_dies_is_noticed_and_found_again() {
    if !peers() {
        return;
    }
    let mut kamailio = Kamailio::start(&["MAX_EXPIRES=10"]);
    let settings = AccountSettings { expires_min: 1, ..kamailio.account("1001") };
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
