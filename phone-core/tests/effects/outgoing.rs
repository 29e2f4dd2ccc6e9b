//! Calls the phone makes: how the number and the caller are written.

use phone_core::settings::calls::DialSource;
use phone_core::sip::message::{Method, Name};
use phone_core::{Command, Input, Key, PhoneEvent};

use super::bench::{Bench, bench};
use super::leg::Leg;

const INVITE: &Method = &Method::Invite;

/// The Request-URI of a call to `number`.
fn dials(pairs: &[(&str, &str)], number: &str) -> Option<String> {
    dials_from(pairs, number, DialSource::Dialing)
}

fn dials_from(pairs: &[(&str, &str)], number: &str, source: DialSource) -> Option<String> {
    let mut bench = bench(pairs);
    bench.dial_from(number, source);
    bench.messages(INVITE).first().map(|invite| invite.request_uri_text().unwrap().to_owned())
}

#[test]
fn numbers_are_sip_or_tel_addresses_as_set() {
    let uri = |value| dials(&[("account.1.sip.teluri", value)], "5550100").unwrap();
    assert_eq!(uri("disabled"), "sip:5550100@192.0.2.10");
    assert_eq!(uri("user_phone"), "sip:5550100@192.0.2.10;user=phone");
    assert_eq!(uri("enabled"), "tel:5550100;phone-context=192.0.2.10");
}

#[test]
fn the_message_key_dials_the_mailbox() {
    let key = |pairs: &[(&str, &str)]| {
        let mut bench = bench(pairs);
        bench.input(Input::Key(Key::Message));
        bench.run(50);
        bench.messages(INVITE).first().and_then(|invite| invite.request_uri().unwrap().user)
    };
    assert_eq!(key(&[]), None);
    assert_eq!(key(&[("account.1.sip.voicemail.number", "*97")]).as_deref(), Some("*97"));
}

fn caller(pairs: &[(&str, &str)], number: &str) -> (bool, String) {
    let mut bench = bench(pairs);
    bench.dial(number);
    let invite = bench.last(INVITE);
    let anonymous = invite.header(Name::From).unwrap().contains("anonymous@anonymous.invalid");
    assert_eq!(anonymous, invite.header(Name::Privacy) == Some("id"));
    (anonymous, invite.request_uri().unwrap().user.unwrap())
}

#[test]
fn the_caller_is_hidden_if_so_set() {
    assert!(!caller(&[], "200").0 && caller(&[("account.1.call.sendanonymous", "yes")], "200").0);
}

#[test]
fn feature_codes_are_the_phone_s_own_or_dialled_through() {
    let plan = ("account.1.call.dialplan", "{x+|*x+}");
    assert_eq!(caller(&[plan], "*67200"), (true, "200".to_owned()));
    assert_eq!(caller(&[plan, ("account.1.call.sendanonymous", "yes")], "*82200"), (false, "200".to_owned()));
    assert_eq!(caller(&[plan, ("account.1.featurecodes.callfeatures", "no")], "*67200"), (false, "*67200".to_owned()));
}

#[test]
fn the_prefix_stands_before_every_number() {
    assert_eq!(dials(&[], "200").as_deref(), Some("sip:200@192.0.2.10"));
    assert_eq!(dials(&[("account.1.call.dialplanprefix", "9")], "200").as_deref(), Some("sip:9200@192.0.2.10"));
}

#[test]
fn the_dial_plan_lets_through_blocks_and_replaces() {
    let plan = [("account.1.call.dialplan", "{[1-3]xx|^5x+|<0=+49>x+}")];
    assert_eq!(dials(&plan, "200").as_deref(), Some("sip:200@192.0.2.10"));
    assert_eq!(dials(&plan, "030123").as_deref(), Some("sip:+4930123@192.0.2.10"));
    assert_eq!((dials(&plan, "555"), dials(&plan, "900")), (None, None));
    assert!(dials(&[], "555").is_some() && dials(&[], "900").is_some());
}

#[test]
fn some_sources_bypass_the_dial_plan() {
    let plan = ("account.1.call.dialplan", "{1xx}");
    let through =
        |value, source| dials_from(&[plan, ("account.1.call.dialplanbypass", value)], "900", source).is_some();
    assert!(dials_from(&[plan], "900", DialSource::Mpk).is_some(), "programmable keys do by default");
    assert!(dials_from(&[plan], "900", DialSource::Dialing).is_none());
    for (name, source) in [
        ("contact", DialSource::Contact),
        ("incoming", DialSource::Incoming),
        ("outgoing", DialSource::Outgoing),
        ("dialing", DialSource::Dialing),
        ("mpk", DialSource::Mpk),
        ("api", DialSource::Api),
    ] {
        let other = if name == "api" { "contact" } else { "api" };
        assert!(through(name, source) && !through(other, source), "{name}");
    }
}

#[test]
fn a_pound_sign_is_escaped_unless_it_is_to_be_kept() {
    let plan = ("account.1.call.dialplanbypass", "api");
    let uri = |value| dials_from(&[plan, ("sip.escapeurl", value)], "21#3", DialSource::Api).unwrap();
    assert_eq!([uri("escape"), uri("keep")], ["sip:21%233@192.0.2.10", "sip:21#3@192.0.2.10"]);
}

#[test]
fn the_preferred_account_dials() {
    let second = [
        ("account.2.enable", "yes"),
        ("account.2.sip.server.1.address", "192.0.2.20"),
        ("account.2.sip.userid", "2002"),
        ("account.2.codec.choice", "pcmu"),
    ];
    let by = |value| {
        let mut bench = bench(&[&second[..], &[("call.dial.preferredaccount", value)]].concat());
        bench.dial("200");
        bench.targets(INVITE)
    };
    assert_eq!([by("account1"), by("account2")], [["192.0.2.10:5060"], ["192.0.2.20:5060"]]);
}

#[test]
fn addresses_are_called_straight_unless_that_is_off() {
    let to = |value| {
        let mut bench = bench(&[("call.ipcall.enable", value)]);
        bench.dial("192*168*1*20");
        bench.targets(INVITE)
    };
    assert_eq!(to("yes"), ["192.168.1.20:5060"]);
    assert!(to("no").is_empty());
}

#[test]
fn a_number_is_redialled_until_it_expires() {
    let again = |pairs: &[(&str, &str)], minutes: u64| {
        let mut bench = bench(pairs);
        bench.dial("200");
        let call = bench.calls()[0].id;
        bench.command(Command::HangUp(call));
        bench.run_s(60 * minutes);
        let before = bench.messages(INVITE).len();
        bench.input(Input::Key(Key::Redial));
        bench.run(50);
        bench.messages(INVITE).len() > before
    };
    assert!(again(&[], 29) && !again(&[], 31));
    assert!(!again(&[("call.redial.expiration", "5")], 6));
    assert!(again(&[("call.redial.expiration", "0")], 600));
}

#[test]
fn calls_may_come_in_before_the_called_phone_rings_if_so_set() {
    let status = |value| {
        let mut bench = bench(&[("callfeatures.allowncomingcallbeforeringing", value)]);
        bench.server.invite = vec![100];
        bench.dial("200");
        let leg: Leg = bench.call_in("");
        leg.statuses(&bench)
    };
    assert_eq!((status("no"), status("yes")), (vec![486], vec![180]));
}

/// An emergency call's Geolocation header.
fn geolocation(pairs: &[(&str, &str)], location: Option<&str>) -> (Option<String>, Vec<PhoneEvent>) {
    let mut bench: Bench = bench(pairs);
    bench.input(Input::Location(location.map(str::to_owned)));
    bench.news();
    bench.dial("112");
    let header = bench.last(INVITE).header(Name::Geolocation).map(str::to_owned);
    (header, bench.news())
}

#[test]
fn emergency_calls_say_where_the_phone_is_if_so_set() {
    let place = Some("https://lis.example/room/101");
    let (header, news) = geolocation(&[("e911.enable", "yes")], place);
    assert_eq!(header.as_deref(), Some("<https://lis.example/room/101>"));
    assert!(news.iter().any(|event| matches!(event, PhoneEvent::EmergencyCall(_))));
    assert_eq!(geolocation(&[("e911.enable", "no")], place).0, None);
    assert_eq!(geolocation(&[], place).0, None);
    assert_eq!(geolocation(&[("e911.enable", "yes")], None).0, None);
}

#[test]
fn a_location_that_is_a_document_goes_along_with_the_description() {
    let mut bench = bench(&[("e911.enable", "yes")]);
    let document = "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\"/>";
    bench.input(Input::Location(Some(document.to_owned())));
    bench.dial("112");
    let invite = bench.last(INVITE);
    let reference = invite.header(Name::Geolocation).unwrap();
    let id = reference.strip_prefix("<cid:").and_then(|id| id.strip_suffix('>')).unwrap();
    assert_eq!(invite.header(Name::ContentType), Some("multipart/mixed;boundary=bellhop-location"));
    let body = String::from_utf8(invite.body().to_vec()).unwrap();
    let parts: Vec<&str> = body.split("--bellhop-location").collect();
    assert!(parts[1].starts_with("\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"), "{body}");
    let named = format!("\r\nContent-Type: application/pidf+xml\r\nContent-ID: <{id}>\r\n\r\n{document}\r\n");
    assert_eq!((parts[2], parts[3]), (named.as_str(), "--\r\n"));
    assert!(bench.calls()[0].emergency, "and is answered");
}

#[test]
fn a_location_nobody_could_read_does_not_stop_the_call() {
    for broken in ["https://lis.example/ a>b", "", "<a>--bellhop-location</a>"] {
        let (header, news) = geolocation(&[("e911.enable", "yes")], Some(broken));
        assert_eq!(header, None);
        assert!(news.iter().any(|event| matches!(event, PhoneEvent::EmergencyCall(_))));
    }
}

#[test]
fn other_calls_do_not_say_where_the_phone_is() {
    let mut bench = bench(&[("e911.enable", "yes")]);
    bench.input(Input::Location(Some("https://lis.example/room/101".to_owned())));
    bench.dial("200");
    assert_eq!(bench.last(INVITE).header(Name::Geolocation), None);
}
