//! The foreign SIP programs among themselves: that the tests' helpers start them, steer them and hear them.

use crate::peers::{self, Baresip, Kamailio, Linphone, Sipp, namespace, sound};

const USERS: [(&str, &str); 3] = [("1001", "pw1001"), ("1002", "pw1002"), ("1003", "pw1003")];
const PROXY: &str = "127.0.0.2:5060";

#[test]
fn a_test_runs_in_a_namespace_of_its_own() {
    if !namespace::enter_or_reexec("among_themselves::a_test_runs_in_a_namespace_of_its_own") {
        return;
    }
    let interfaces = std::fs::read_to_string("/proc/net/dev").unwrap();
    let names: Vec<&str> = interfaces.lines().skip(2).filter_map(|line| line.split(':').next()).collect();
    assert!(names.contains(&"    lo"), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("eth")), "{names:?}");
    // Two hosts with the same port, and port 53.
    let sockets = ["127.0.0.2:5060", "127.0.0.3:5060", "192.0.2.1:5060", "127.0.0.53:53", "[::1]:5060"];
    let sockets = sockets.map(|address| std::net::UdpSocket::bind(address).unwrap());
    sockets[0].send_to(b"1", "127.0.0.3:5060").unwrap();
    assert_eq!(sockets[1].recv(&mut [0; 9]).unwrap(), 1);
}

#[test]
#[ignore = "fails inside, for the next"]
fn fails_inside() {
    assert!(!namespace::enter_or_reexec("among_themselves::fails_inside"), "as it should");
}

#[test]
fn what_fails_inside_fails_outside() {
    assert!(std::panic::catch_unwind(|| namespace::enter_or_reexec("among_themselves::fails_inside")).is_err());
    assert!(std::panic::catch_unwind(|| namespace::enter_or_reexec("no_such_test")).is_err());
}

#[test]
fn baresip_and_linphone_call_hold_and_transfer() {
    if !peers::there(&["kamailio", "baresip", "linphonec"])
        || !namespace::enter_or_reexec("among_themselves::baresip_and_linphone_call_hold_and_transfer")
    {
        return;
    }
    let kamailio = Kamailio::start(PROXY, &["WITH_PROXY_AUTH"], &USERS);
    let mut baresip = Baresip::start("1001", "pw1001", PROXY, "127.0.0.1:5070", &[]);
    let folder = tempfile::tempdir().unwrap();
    let tone = folder.path().join("600.wav");
    sound::write_tone(&tone, 600.0, 5);
    let play = format!("play={}", tone.display());
    let mut linphone = Linphone::start("1002", "pw1002", "127.0.0.2:5060;transport=tcp", "127.0.0.1:5080", &[&play]);
    let mut third = Baresip::start("1003", "pw1003", PROXY, "127.0.0.1:5090", &["answer=auto", "tone=880"]);
    let bindings = kamailio.bindings();
    assert!(["1001", "1002", "1003"].iter().all(|user| bindings.contains(&format!("sip:{user}"))), "{bindings}");

    baresip.command("dial", "sip:1002@127.0.0.2");
    baresip.event("CALL_RINGING");
    linphone.expect("Receiving new incoming call from sip:1001@127.0.0.2");
    linphone.command("answer");
    linphone.expect("Media streams established");
    baresip.event("CALL_ESTABLISHED");
    baresip.command("sndcode", "5");
    linphone.expect("Receiving tone 5");
    linphone.command("7");
    assert_eq!(baresip.event("CALL_DTMF_START")["param"], "7");
    baresip.command("hold", "");
    linphone.expect("has been paused by");
    baresip.command("resume", "");
    linphone.expect("Media streams established");
    linphone.command("pause");
    linphone.expect("is now paused");
    linphone.command("resume");
    linphone.expect("Media streams established");

    // Blind: 1002 calls 1003 instead.
    baresip.command("transfer", "sip:1003@127.0.0.2");
    assert_eq!(third.event("CALL_ESTABLISHED")["peeruri"], "sip:1002@127.0.0.2");
    assert_eq!(baresip.event("CALL_CLOSED")["param"], "Call transfered");
    linphone.expect("with sip:1003@127.0.0.2 connected");
    // Reports come every 5 s: there is sound before.
    third.event("CALL_RTCP");
    linphone.command("terminate");
    third.event("CALL_CLOSED");
    let recordings = third.recordings("dec");
    assert_eq!(recordings.len(), 1);
    let heard = (sound::share_of_tone(&recordings[0], 600.0), sound::share_of_tone(&linphone.recording(), 880.0));
    assert!(heard.0 > 0.9 && heard.1 > 0.9, "{heard:?}");

    // Attended: 1001 and 1003 instead of two calls of 1002.
    linphone.expect("ended");
    linphone.command("call sip:1001@127.0.0.2");
    baresip.event("CALL_INCOMING");
    baresip.command("accept", "");
    linphone.expect("Media streams established");
    linphone.command("pause");
    linphone.expect("is now paused");
    linphone.command("call sip:1003@127.0.0.2");
    linphone.expect("Media streams established");
    linphone.command("transfer 3 --to-call 4");
    // It knows REFER but not Replaces: 1003 is called anew.
    baresip.event("TRANSFER");
    third.event("CALL_ESTABLISHED");
}

#[test]
fn a_scenario_calls_another_through_the_proxy() {
    if !peers::there(&["kamailio", "sipp", "dnsmasq"])
        || !namespace::enter_or_reexec("among_themselves::a_scenario_calls_another_through_the_proxy")
    {
        return;
    }
    let certificates = peers::certificates();
    let file = |name: &str| certificates.path().join(name).display().to_string();
    let tls = [
        "LISTEN_TLS=tls:127.0.0.3:5061".to_owned(),
        format!("TLS_CERTIFICATE=\"{}\"", file("server.crt")),
        format!("TLS_KEY=\"{}\"", file("server.key")),
    ];
    let _secondary = Kamailio::start("127.0.0.3:5060", &tls.each_ref().map(String::as_str), &USERS);
    let mut primary = Kamailio::start(PROXY, &["WITH_EVENTS"], &USERS);
    let _names = peers::name_server("127.0.0.53:53", &[]);

    let login = ["-s", "1003", "-au", "1003", "-ap", "pw1003"];
    Sipp::uac("register", "127.0.0.32:5060", PROXY, &login).finish();
    let callee = Sipp::uas("uas", "127.0.0.32:5060", &[]);
    let caller = Sipp::uac("uac", "127.0.0.31:5060", PROXY, &["-s", "1003"]);
    assert!(caller.finish().contains("a=sendonly"));
    assert!(callee.finish().contains("Record-Route: <sip:127.0.0.2;lr"));

    primary.restart();
    assert!(!primary.bindings().contains("1003"), "forgotten");
}
