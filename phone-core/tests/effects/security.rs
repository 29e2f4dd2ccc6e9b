//! What is taken from whom.

use auth_digest::{Challenge, respond};
use phone_core::PhoneEvent;
use phone_core::sip::message::{Method, Name};

use super::bench::{Bench, SERVER, bench};

const STRANGER: &str = "198.51.100.7:5060";
const URI: &str = "sip:1001@192.0.2.55:5060";

#[test]
fn messages_without_a_caller_are_refused_if_so_set() {
    let call = |value| {
        let mut bench = bench(&[("account.1.sip.validate.incomingmessage", value)]);
        bench.call_in_as("<sip:192.0.2.10>", URI, SERVER, "").statuses(&bench)
    };
    assert_eq!((call("no"), call("yes")), (vec![180], vec![400]));
}

#[test]
fn only_the_server_may_call_if_so_set() {
    let call = |value, source| {
        let mut bench = bench(&[("account.1.sip.validate.incomingserver", value)]);
        bench.call_in_as("<sip:2002@192.0.2.10>", URI, source, "").statuses(&bench)
    };
    assert_eq!((call("no", STRANGER), call("yes", STRANGER), call("yes", SERVER)), (vec![180], vec![403], vec![180]));
}

#[test]
fn calls_to_another_user_are_refused_if_so_set() {
    let call = |value, uri| {
        let mut bench = bench(&[("account.1.sip.validate.useridforinvite", value)]);
        bench.call_in_as("<sip:2002@192.0.2.10>", uri, SERVER, "").statuses(&bench)
    };
    let other = "sip:9999@192.0.2.55:5060";
    assert_eq!((call("no", other), call("yes", other), call("yes", URI)), (vec![180], vec![404], vec![180]));
}

#[test]
fn callers_prove_the_account_s_password_if_so_set() {
    let mut open = bench(&[]);
    assert_eq!(open.call_in("").statuses(&open), [180]);
    let mut bench = bench(&[("account.1.sip.authenticateincominginvite", "yes")]);
    let leg = bench.call_in("");
    assert_eq!(leg.statuses(&bench), [401]);
    let proof = proof(&leg.answer(&bench), "INVITE", URI);
    let again = bench.call_in(&format!("Authorization: {proof}\r\n"));
    assert_eq!(again.statuses(&bench), [180]);
}

fn proof(refusal: &phone_core::sip::message::Message, method: &str, uri: &str) -> String {
    let challenges: Vec<Challenge> =
        refusal.headers(Name::WwwAuthenticate).flat_map(|value| Challenge::parse([value]).unwrap()).collect();
    let challenge = &challenges[0];
    respond(challenge, "1001", "s3cret", method, uri, &[], "cnonce", 1).to_string()
}

/// A request outside of a call; its answer.
fn request(bench: &mut Bench, method: &str, headers: &str) -> phone_core::sip::message::Message {
    let branch = bench.branch();
    let text = format!(
        "{method} {URI} SIP/2.0\r\nVia: SIP/2.0/UDP {SERVER};branch={branch};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:2002@192.0.2.10>;tag={branch}\r\nTo: <{URI}>\r\nCall-ID: {branch}\r\nCSeq: 1 {method}\r\n\
         Contact: <sip:2002@{SERVER}>\r\n{headers}Content-Length: 0\r\n\r\n"
    );
    bench.deliver(SERVER, text);
    bench.responses(&branch).pop().expect("the phone answers")
}

#[test]
fn a_refer_out_of_the_blue_is_followed_as_set() {
    let refer = |value| {
        let mut bench = bench(&[("account.1.sip.allowunsolicitedrefer", value)]);
        let answer = request(&mut bench, "REFER", "Refer-To: <sip:300@192.0.2.10>\r\n");
        (answer, bench)
    };
    let (answer, bench) = refer("disabled");
    assert_eq!((answer.status(), bench.messages(&Method::Invite).len()), (Some(403), 0));
    let (answer, bench) = refer("enabled");
    assert_eq!((answer.status(), bench.messages(&Method::Invite).len()), (Some(202), 1));
    let (answer, mut bench) = refer("force_auth");
    assert_eq!((answer.status(), bench.messages(&Method::Invite).len()), (Some(401), 0));
    let proof = proof(&answer, "REFER", URI);
    let headers = format!("Refer-To: <sip:300@192.0.2.10>\r\nAuthorization: {proof}\r\n");
    assert_eq!(request(&mut bench, "REFER", &headers).status(), Some(202));
    bench.run(50);
    assert_eq!(bench.messages(&Method::Invite).len(), 1);
}

#[test]
fn a_notify_resets_the_phone_only_if_so_set_and_proved() {
    let reset = "Event: check-sync;reset=true\r\nSubscription-State: active\r\n";
    let is_reset =
        |bench: &mut Bench| bench.news().iter().any(|event| matches!(event, PhoneEvent::CheckSync { reset: true, .. }));
    let mut refused = bench(&[]);
    assert_eq!(request(&mut refused, "NOTIFY", reset).status(), Some(403));
    assert!(!is_reset(&mut refused));
    let mut allowed = bench(&[("account.1.sip.allowsipreset", "yes")]);
    let challenge = request(&mut allowed, "NOTIFY", reset);
    assert_eq!(challenge.status(), Some(401));
    let proof = proof(&challenge, "NOTIFY", URI);
    let answer = request(&mut allowed, "NOTIFY", &format!("{reset}Authorization: {proof}\r\n"));
    assert_eq!(answer.status(), Some(200));
    assert!(is_reset(&mut allowed));
}

#[test]
fn a_notify_is_obeyed_without_proof_unless_it_is_asked_for() {
    let sync = "Event: check-sync;reboot=true\r\nSubscription-State: active\r\n";
    let obeyed = |bench: &mut Bench| {
        bench.news().iter().any(|event| matches!(event, PhoneEvent::CheckSync { reset: false, reboot: true, .. }))
    };
    let mut open = bench(&[]);
    assert_eq!(request(&mut open, "NOTIFY", sync).status(), Some(200));
    assert!(obeyed(&mut open));
    let mut careful = bench(&[("sip.notify.challenge", "yes")]);
    let challenge = request(&mut careful, "NOTIFY", sync);
    assert_eq!(challenge.status(), Some(401));
    assert!(!obeyed(&mut careful));
    let proof = proof(&challenge, "NOTIFY", URI);
    let answer = request(&mut careful, "NOTIFY", &format!("{sync}Authorization: {proof}\r\n"));
    assert_eq!(answer.status(), Some(200));
    assert!(obeyed(&mut careful));
}

#[test]
fn the_server_s_certificate_is_checked_as_set() {
    let checks = |pairs: &[(&str, &str)]| {
        let tls = bench(pairs).phone.stream_settings(1).tls;
        (tls.check_names, tls.check_chain, tls.system_authorities)
    };
    assert_eq!(checks(&[]), (false, false, true));
    assert_eq!(checks(&[("account.1.sip.validate.domaincertificates", "yes")]), (true, false, true));
    assert_eq!(checks(&[("account.1.sip.validate.certificationchain", "yes")]), (false, true, true));
    assert_eq!(checks(&[("trustedcacertificates.load", "custom")]), (false, false, false));
}

#[test]
fn versions_of_tls_are_as_set() {
    use phone_core::settings::tls::TlsVersion::{V1_2, V1_3};
    let versions = |key, value| {
        let tls = bench(&[(key, value)]).phone.stream_settings(1).tls;
        (tls.minimum, tls.maximum)
    };
    assert_eq!(versions("security.maximum.tls.version", "unlimited"), (V1_2, V1_3));
    assert_eq!(versions("security.maximum.tls.version", "tls1.2"), (V1_2, V1_2));
}

#[test]
fn the_phone_shows_the_certificate_it_was_given() {
    let shown = |pairs: &[(&str, &str)]| {
        let identity = bench(pairs).phone.stream_settings(1).tls.identity?;
        Some((identity.certificate.to_string(), identity.key.to_string()))
    };
    let (certificate, key) = (("security.certificate", "cert"), ("security.key", "key"));
    assert_eq!((shown(&[]), shown(&[certificate]), shown(&[key])), (None, None, None));
    assert_eq!(shown(&[certificate, key]), Some(("cert".to_owned(), "key".to_owned())));
    assert_eq!(shown(&[("security.customcertificate", "both")]), Some(("both".to_owned(), "both".to_owned())));
}
