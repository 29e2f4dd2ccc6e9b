//! Each rule with a configuration that breaks it and one that does not; and the page made of the rules.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use settings::lint::{Account, Config, Facts, Finding, RULES, Secret, invite_size, lint, markdown};

type Values<'a> = &'a [(&'a str, &'a str)];

/// An account as a good one is: nothing is found.
const GOOD: [(&str, &str); 10] = [
    ("account.1.enable", "yes"),
    ("account.1.sip.server.1.address", "pbx.harbour.example"),
    ("account.1.sip.userid", "1207"),
    ("account.1.sip.subscriber.userid", "1207"),
    ("account.1.sip.subscriber.name", "Room 1207"),
    ("account.1.codec.choice", "pcmu,pcma,g722"),
    ("hotel.room.number", "1207"),
    ("hotel.name", "Harbour"),
    ("tr069.enable", "yes"),
    ("tr069.url", "https://acs.harbour.example:7548/acs"),
];

fn facts(secrets: &[(&str, &str)]) -> Facts {
    let mut all = BTreeMap::from([
        ("account.1.sip.subscriber.password", Secret::of("kV7mQx2pRt9Lw4Zc", "1207")),
        ("keys.lock.password", Secret::of("8426", "")),
    ]);
    all.extend(secrets.iter().map(|(key, plain)| (*key, Secret::of(plain, "1207"))));
    Facts {
        emergency: ["911", "933", "112"].map(str::to_owned).to_vec(),
        acs_hosts: vec!["acs.harbour.example".to_owned()],
        secrets: all.into_iter().map(|(key, secret)| (key.to_owned(), secret)).collect(),
        doubles: BTreeMap::new(),
    }
}

fn found(values: Values, facts: &Facts) -> Vec<Finding> {
    let all: BTreeMap<&str, &str> = GOOD.into_iter().chain(values.iter().copied()).collect();
    for (key, value) in &all {
        assert!(value.is_empty() || settings::validate(key, value).is_ok(), "{key} = {value}");
    }
    lint(&|key| all.get(key).map(|value| (*value).to_owned()), facts)
}

fn ids(values: Values, facts: &Facts) -> Vec<&'static str> {
    found(values, facts).iter().map(|finding| finding.rule.id).collect()
}

#[test]
fn a_good_configuration_has_no_findings() {
    assert_eq!(found(&[], &facts(&[])), []);
}

/// (rule, values that break it, values that are near and do not).
const BY_VALUES: [(&str, Values, Values); 31] = [
    (
        "emergency-blocked",
        &[("account.1.call.dialplan", "{[1-8]xxx|9xxxx+}")],
        &[("account.1.call.dialplan", "{911|933|112|[1-8]xxx}")],
    ),
    (
        "emergency-blocked",
        &[("account.1.call.dialplan", "{^911|x+}")],
        &[("account.1.call.dialplan", "{^911|x+}"), ("account.1.call.dialplanbypass", "dialing")],
    ),
    (
        "emergency-blocked",
        &[
            ("account.2.enable", "yes"),
            ("account.2.sip.server.1.address", "b"),
            ("account.2.sip.userid", "9"),
            ("account.2.call.dialplan", "{xxxx}"),
        ],
        &[("account.2.call.dialplan", "{xxxx}")],
    ),
    (
        "emergency-changed",
        &[("account.1.call.dialplan", "{<=9>911|x+}")],
        &[("account.1.call.dialplan", "{<9=>1xxx|x+}")],
    ),
    ("emergency-changed", &[("account.1.call.dialplanprefix", "9")], &[("account.1.call.dialplanprefix", "")]),
    (
        "emergency-hotline",
        &[("call.dial.offhook.autodial.number", "0")],
        &[("call.dial.offhook.autodial.number", "0"), ("call.dial.offhook.autodial.delay", "5")],
    ),
    (
        "emergency-hotline",
        &[("call.dial.offhook.autodial.number", "0")],
        &[("call.dial.offhook.autodial.number", "911")],
    ),
    ("tr069-off", &[("tr069.enable", "no")], &[("tr069.enable", "yes")]),
    ("tr069-elsewhere", &[("tr069.url", "https://gdms.example/acs")], &[("tr069.url", "http://ACS.harbour.example")]),
    (
        "tr069-elsewhere",
        &[("tr069.url", "http://acs.harbour.example@evil.example:80/")],
        &[("tr069.url", "http://u@acs.harbour.example:80/x?y")],
    ),
    ("tr069-quiet", &[("tr069.periodicinform", "no")], &[("tr069.periodicinform", "yes")]),
    ("payload-types", &[("account.1.codec.payloadtype.opus", "101")], &[("account.1.codec.payloadtype.opus", "102")]),
    ("payload-types", &[("account.1.codec.payloadtype.ilbc", "123")], &[("account.1.codec.payloadtype.g72632", "123")]),
    (
        "payload-types",
        &[("account.1.codec.choice", "g726-32,pcmu"), ("account.1.codec.payloadtype.g72632", "101")],
        &[("account.1.codec.choice", "pcma,pcmu"), ("account.1.codec.payloadtype.g72632", "101")],
    ),
    (
        "contradiction",
        &[("account.1.sip.minimumse", "200")],
        &[("account.1.sip.minimumse", "200"), ("account.1.sip.sessiontimer.expiration", "300")],
    ),
    (
        "ports-overlap",
        &[("network.rtp.userandomport", "no")],
        &[("network.rtp.userandomport", "no"), ("account.1.sip.transport", "tcp")],
    ),
    (
        "ports-overlap",
        &[("network.rtp.userandomport", "no"), ("account.1.sip.localport", "5203")],
        &[("network.rtp.userandomport", "no"), ("account.1.sip.localport", "5204")],
    ),
    (
        "ports-overlap",
        &[("account.1.sip.transport", "tls"), ("account.1.sip.localport", "443")],
        &[
            ("account.1.sip.transport", "tls"),
            ("account.1.sip.localport", "443"),
            ("security.webaccessmode", "disabled"),
        ],
    ),
    ("ports-overlap", &[("tr069.connectionrequestport", "80")], &[("tr069.connectionrequestport", "8080")]),
    (
        "invite-too-large",
        &[("account.1.codec.choice", "pcmu,pcma,g723,g729,g722,ilbc,g726-32,opus")],
        &[("account.1.codec.choice", "pcmu,pcma,g723,g729,g722,ilbc,g726-32,opus"), ("account.1.sip.transport", "tcp")],
    ),
    ("invite-too-large", &[("account.1.audio.srtpmode", "forced")], &[("account.1.audio.srtpmode", "no")]),
    ("invite-too-large", &[("network.mtu", "1280")], &[("network.mtu", "1492")]),
    (
        "web-plain",
        &[("security.webaccessmode", "both"), ("security.webaccesscontrol", "whitelist")],
        &[("security.webaccessmode", "https"), ("security.webaccesscontrol", "whitelist")],
    ),
    ("web-open", &[("security.webaccessmode", "https")], &[("security.webaccessmode", "disabled")]),
    (
        "web-open",
        &[("security.webaccessmode", "https"), ("security.webaccesscontrol", "none")],
        &[("security.webaccessmode", "https"), ("security.webaccesscontrol", "whitelist")],
    ),
    ("ssh-open", &[("security.ssh", "yes")], &[("security.ssh", "no")]),
    (
        "account-incomplete",
        &[("account.1.sip.userid", "")],
        &[("account.1.enable", "no"), ("account.1.sip.userid", "")],
    ),
    (
        "empty-where-needed",
        &[("account.1.network.nattraversal", "stun")],
        &[("account.1.network.nattraversal", "stun"), ("network.stunserver", "stun.example")],
    ),
    (
        "empty-where-needed",
        &[("e911.enable", "yes")],
        &[("e911.enable", "yes"), ("e911.held.server.1.address", "https://lis.example/held")],
    ),
    ("hotel-fields", &[("hotel.room.number", "")], &[("hotel.room.number", ""), ("account.1.enable", "no")]),
    (
        "action-urls",
        &[("ons.enable", "yes")],
        &[("ons.enable", "yes"), ("ons.actionurl.offhook", "http://pms.example/offhook")],
    ),
];

/// (rule, secrets that break it, secrets that do not).
const BY_SECRETS: [(&str, Values, Values); 9] = [
    ("admin-password", &[("users.admin.password", "admin")], &[("users.admin.password", "harbour-8X")]),
    ("admin-password", &[("users.admin.password", "Ab3$x")], &[]),
    (
        "sip-password",
        &[("account.1.sip.subscriber.password", "1207")],
        &[("account.1.sip.subscriber.password", "a-long-one-of-some-kind")],
    ),
    (
        "sip-password",
        &[("account.1.sip.subscriber.password", "x7Kq2")],
        &[("account.2.sip.subscriber.password", "x7Kq2")],
    ),
    (
        "sip-password",
        &[("account.1.sip.subscriber.password", "120712071207")],
        &[("account.1.sip.subscriber.password", "120712071207a")],
    ),
    ("keypad-pin", &[("keys.lock.password", "123")], &[("keys.lock.password", "8426")]),
    ("keypad-pin", &[("keys.lock.password", "0000")], &[("keys.lock.password", "4711")]),
    ("weak-password", &[("tr069.password", "password")], &[("tr069.password", "k3-Ufer-Lampe")]),
    ("weak-password", &[("network.802.1x.password", "1207")], &[("network.802.1x.password", "")]),
];

#[test]
fn each_rule_is_broken_by_one_configuration_and_kept_by_another() {
    let mut seen = BTreeSet::new();
    let mut check = |rule: &'static str, broken: Vec<&'static str>, kept: Vec<&'static str>| {
        assert!(broken.contains(&rule), "{rule} is found: {broken:?}");
        assert!(!kept.contains(&rule), "{rule} is not found: {kept:?}");
        seen.insert(rule);
    };
    for (rule, broken, kept) in BY_VALUES {
        check(rule, ids(broken, &facts(&[])), ids(kept, &facts(&[])));
    }
    for (rule, broken, kept) in BY_SECRETS {
        check(rule, ids(&[], &facts(broken)), ids(&[], &facts(kept)));
    }
    let double = Facts { doubles: BTreeMap::from([(1, vec!["room 1208".to_owned()])]), ..facts(&[]) };
    let alone = Facts { doubles: BTreeMap::from([(1, vec![])]), ..facts(&[]) };
    check("extension-twice", ids(&[], &double), ids(&[], &alone));
    let all: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(seen, all, "every rule is tried");
    assert_eq!(all.len(), RULES.len(), "no two rules have the same id");
}

#[test]
fn what_is_not_known_is_not_looked_at() {
    let nothing = Facts { emergency: vec![], acs_hosts: vec![], ..facts(&[]) };
    let values = [("account.1.call.dialplan", "{xxxx}"), ("tr069.url", "http://elsewhere.example")];
    assert_eq!(ids(&values, &nothing), Vec::<&str>::new());
}

#[test]
fn the_worst_comes_first_and_keys_are_settings() {
    let values = [("ons.enable", "yes"), ("security.ssh", "yes"), ("tr069.enable", "no"), ("hotel.name", "")];
    let all = found(&values, &facts(&[("keys.lock.password", "123")]));
    let severities: Vec<_> = all.iter().map(|finding| finding.rule.severity).collect();
    assert!(severities.is_sorted() && severities.len() == 5, "{all:?}");
    for finding in BY_VALUES.iter().flat_map(|(_, broken, _)| found(broken, &facts(&[]))) {
        assert!(!finding.keys.is_empty() && !finding.what.is_empty());
        for key in &finding.keys {
            assert!(settings::Catalogue::get().find(key).is_some(), "{key} of {}", finding.rule.id);
        }
    }
}

#[test]
fn no_finding_holds_a_secret() {
    let weak = [
        ("users.admin.password", "Zanz1"),
        ("account.1.sip.subscriber.password", "Zanz2"),
        ("tr069.password", "Zanz3"),
        ("keys.lock.password", "111"),
    ];
    let all = found(&[], &facts(&weak));
    assert_eq!(all.len(), 4, "{all:?}");
    assert!(!format!("{all:?}").contains("Zanz"));
}

/// As measured at real phones (see `RULES`): all eight codecs with proof are beyond what a packet takes, three are not.
#[test]
fn an_invite_has_about_the_size_of_a_real_one() {
    let size = |values: Values| {
        let all: BTreeMap<&str, &str> = GOOD.into_iter().chain(values.iter().copied()).collect();
        let get = |key: &str| all.get(key).map(|value| (*value).to_owned());
        invite_size(&Account { config: Config::new(&get), index: 1 })
    };
    let eight = size(&[("account.1.codec.choice", "pcmu,pcma,g723,g729,g722,ilbc,g726-32,opus")]);
    assert!((1477..1900).contains(&eight), "{eight}");
    let bare = [
        ("account.1.codec.choice", "pcmu,pcma"),
        ("account.1.sip.header.ppi", "no"),
        ("account.1.sip.header.privacy", "no"),
    ];
    let bare = size(&bare);
    assert!((1000..1330).contains(&bare), "{bare}");
    let three = size(&[]);
    assert!(bare < three && three < 1448, "{three}");
    let keys = size(&[("account.1.audio.srtpmode", "forced")]);
    assert!((300..450).contains(&(keys - three)), "{}", keys - three);
}

/// Made anew with `BELLHOP_WRITE=1 cargo test -p settings --test lint`.
#[test]
fn the_page_is_made_of_the_rules() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/LINT.md");
    if std::env::var_os("BELLHOP_WRITE").is_some() {
        std::fs::write(path, markdown()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), markdown(), "run it with BELLHOP_WRITE=1");
}
