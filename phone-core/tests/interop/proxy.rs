//! Kamailio: registrar and record-routing proxy, over every transport.

use phone_core::sip::call::EndedBy;
use phone_core::{IoOptions, PhoneEvent};

use crate::ours::{Ours, trusting};
use crate::peers::{self, Kamailio, Sipp, wait_for};
use crate::{PROXY, USERS, enter};
use std::time::Duration;

pub const TLS: &str = "127.0.0.2:5061";

/// With UDP, TCP and TLS, the certificate being one of `certificates.sh`.
pub fn kamailio(folder: &std::path::Path, certificate: &str, defines: &[&str]) -> Kamailio {
    let file = |end: &str| folder.join(format!("{certificate}.{end}")).display().to_string();
    let tls = [
        format!("LISTEN_TLS=tls:{TLS}"),
        format!("TLS_CERTIFICATE=\"{}\"", file("crt")),
        format!("TLS_KEY=\"{}\"", file("key")),
    ];
    let defines: Vec<&str> = tls.iter().map(String::as_str).chain(defines.iter().copied()).collect();
    Kamailio::start(PROXY, &defines, &USERS)
}

/// 1001 by UDP, 1002 by TCP, 1003 by TLS with `sips:`, 1004 by TLS with `sip:`.
fn phones(more: &[(&str, &str)]) -> Vec<Ours> {
    let with = |transport: &[(&'static str, &'static str)]| -> Vec<(&str, &str)> {
        transport.iter().copied().chain(more.iter().map(|(k, v)| (*k, *v))).collect()
    };
    vec![
        Ours::registered("1001", PROXY, 5110, &with(&[])),
        Ours::registered("1002", PROXY, 5120, &with(&[("sip.transport", "tcp")])),
        Ours::registered("1003", TLS, 5130, &with(&[("sip.transport", "tls")])),
        Ours::registered("1004", TLS, 5140, &with(&[("sip.transport", "tls"), ("sip.urischemewhenusingtls", "sip")])),
    ]
}

fn calls_over_every_transport(defines: &[&str]) {
    let certificates = peers::certificates();
    let kamailio = kamailio(certificates.path(), "server", defines);
    let mut phones = phones(&[]);
    let bindings = kamailio.bindings();
    assert!(USERS.iter().all(|(user, _)| bindings.contains(&format!("{user}@127.0.0.1"))), "{bindings}");
    // Who calls whom: every transport as caller and as callee, and one with itself.
    for (caller, callee) in [(0, 1), (1, 0), (1, 3), (3, 0), (0, 2), (2, 3)] {
        let number = USERS[callee].0;
        let call = phones[caller].dial(number);
        let answered = phones[callee].answer();
        assert_eq!(phones[caller].wait_up(call).codec, phones[callee].wait_up(answered).codec, "{caller} {callee}");
        phones[caller].hold(call);
        phones[callee].wait_held(answered, false, true);
        phones[caller].resume(call);
        phones[callee].wait_held(answered, false, false);
        phones[callee].hold(answered);
        phones[caller].wait_held(call, false, true);
        phones[callee].resume(answered);
        phones[caller].wait_held(call, false, false);
        let (ends, other, left) = if caller < callee { (caller, callee, answered) } else { (callee, caller, call) };
        let ended = if caller < callee { call } else { answered };
        phones[ends].hang_up(ended);
        assert_eq!(phones[other].wait_ended(left).0, EndedBy::Them);
    }
}

#[test]
fn calls_with_md5_over_every_transport() {
    enter!("calls_with_md5_over_every_transport", ["kamailio"]);
    calls_over_every_transport(&["WITH_PROXY_AUTH"]);
}

#[test]
fn calls_with_sha_256_over_every_transport() {
    enter!("calls_with_sha_256_over_every_transport", ["kamailio"]);
    calls_over_every_transport(&["WITH_PROXY_AUTH", "WITH_SHA256"]);
}

#[test]
fn only_a_good_certificate_will_do() {
    enter!("only_a_good_certificate_will_do", ["kamailio"]);
    let certificates = peers::certificates();
    let strict = [
        ("sip.transport", "tls"),
        ("sip.validate.certificationchain", "yes"),
        ("sip.validate.domaincertificates", "yes"),
    ];
    for (certificate, good) in [("server", true), ("wrong", false), ("expired", false), ("stranger", false)] {
        let _kamailio = kamailio(certificates.path(), certificate, &[]);
        let options: IoOptions = trusting(&certificates.path().join("ca.crt"));
        let mut phone = Ours::start_with("1001", TLS, 5110, &strict, options);
        let event = phone.event("it registers or not", |event| {
            matches!(event, PhoneEvent::Registered { .. } | PhoneEvent::RegisterFailed { .. })
        });
        assert_eq!(event == PhoneEvent::Registered { account: 1 }, good, "{certificate}: {event:?}");
    }
}

#[test]
fn messages_and_registrations_are_watched() {
    enter!("messages_and_registrations_are_watched", ["kamailio", "sipp"]);
    let kamailio = Kamailio::start(PROXY, &["WITH_EVENTS"], &USERS);
    let watching = [("sip.subscribe.formwi", "yes"), ("sip.subscribe.forregistration", "yes")];
    let mut phone = Ours::registered("1001", PROXY, 5110, &watching);
    let keys = ["-s", "1001", "-key", "waiting", "yes", "-key", "new", "3", "-key", "old", "4"];
    // Until the subscription is there; a state that was published before is told at once as well.
    Sipp::uac("publish_mwi", "127.0.0.31:5060", PROXY, &keys).finish();
    let messages = phone.wait("messages wait", |state| Some(state.accounts[0].messages).filter(|m| m.waiting));
    assert_eq!((messages.new, messages.old), (3, 4));
    // What a registrar says was taken back (RFC 3680 §5.1: unregistered) stays so; the subscription goes on.
    std::thread::sleep(Duration::from_secs(1));
    kamailio.rpc(&["ul.rm", "location", "s:1001"]);
    std::thread::sleep(Duration::from_secs(2));
    assert!(!kamailio.bindings().contains("1001@"));
    Sipp::uac("publish_mwi", "127.0.0.31:5060", PROXY, &["-s", "1001", "-key", "waiting", "no"]).finish();
    phone.wait("no message waits", |state| (!state.accounts[0].messages.waiting).then_some(()));
}

/// RFC 3680: what the registrar has given up, and says so, is registered again at once.
#[test]
fn a_binding_that_ran_out_is_told() {
    enter!("a_binding_that_ran_out_is_told", ["kamailio"]);
    let kamailio = Kamailio::start(PROXY, &["WITH_EVENTS"], &USERS);
    let _phone = Ours::registered("1001", PROXY, 5110, &[("sip.subscribe.forregistration", "yes")]);
    std::thread::sleep(Duration::from_secs(1));
    // The phone believes in an hour; it is two seconds.
    let shorter = ["ul.add", "location", "s:1001", "sip:1001@127.0.0.1:5110", "2", "0.5", ".", "0", "0", "0"];
    let said = kamailio.rpc(&shorter);
    assert!(kamailio.bindings().contains("Q: 0.5"), "{said} {}", kamailio.bindings());
    wait_for("the phone is bound again", Duration::from_secs(15), || {
        let bindings = kamailio.bindings();
        (bindings.contains("sip:1001@127.0.0.1:5110") && !bindings.contains("Q: 0.5")).then_some(())
    });
}

#[test]
fn gruus_reach_the_phone() {
    enter!("gruus_reach_the_phone", ["kamailio"]);
    let kamailio = Kamailio::start(PROXY, &["WITH_GRUU", "WITH_PROXY_AUTH"], &USERS);
    let mut caller = Ours::registered("1001", PROXY, 5110, &[]);
    let mut callee = Ours::registered("1002", PROXY, 5120, &[]);
    let bindings = kamailio.bindings();
    assert!(bindings.contains("urn:uuid:"), "{bindings}");
    let call = caller.dial("1002");
    let answered = callee.answer();
    // Requests within the dialog go to GRUUs: through the proxy's registrar.
    callee.hold(answered);
    caller.wait_held(call, false, true);
    callee.resume(answered);
    caller.hold(call);
    callee.wait_held(answered, false, true);
    caller.hang_up(call);
    callee.wait_ended(answered);
}
