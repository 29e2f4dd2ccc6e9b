//! What stands in requests.

use phone_core::sip::message::{Message, Method, Name};

use super::bench::{Bench, PHONE, bench};

fn register(pairs: &[(&str, &str)]) -> Message {
    bench(pairs).last(&Method::Register)
}

fn invite(pairs: &[(&str, &str)]) -> Message {
    let mut bench = bench(pairs);
    bench.dial("200");
    bench.last(&Method::Invite)
}

fn both(pairs: &[(&str, &str)], name: Name) -> [Option<String>; 2] {
    [register(pairs), invite(pairs)].map(|message| message.header(name).map(str::to_owned))
}

#[test]
fn the_user_id_is_the_user_of_every_address() {
    for (pairs, user) in [(&[][..], "1001"), (&[("account.1.sip.userid", "2204")], "2204")] {
        let register = register(pairs);
        assert_eq!(register.to().unwrap().uri.to_string(), format!("sip:{user}@192.0.2.10"));
        assert!(register.header(Name::Contact).unwrap().starts_with(&format!("<sip:{user}@{PHONE}:5060>")));
    }
}

#[test]
fn the_display_name_stands_in_from() {
    assert_eq!(register(&[]).from().unwrap().display, None);
    let named = invite(&[("account.1.sip.subscriber.name", "Room 101")]);
    assert_eq!(named.from().unwrap().display.as_deref(), Some("Room 101"));
}

#[test]
fn privacy_stands_in_invite_as_set() {
    let privacy = |pairs: &[(&str, &str)]| both(pairs, Name::Privacy);
    assert_eq!(privacy(&[]), [None, Some("none".to_owned())]);
    assert_eq!(privacy(&[("account.1.sip.header.privacy", "no")]), [None, None]);
    assert!(privacy(&[("account.1.sip.header.privacy", "yes")])[1].is_some());
}

#[test]
fn the_preferred_identity_stands_in_invite_as_set() {
    let identity = |pairs: &[(&str, &str)]| both(pairs, Name::PPreferredIdentity);
    assert_eq!(identity(&[]), [None, Some("<sip:1001@192.0.2.10>".to_owned())]);
    assert_eq!(identity(&[("account.1.sip.header.ppi", "no")]), [None, None]);
    assert!(identity(&[("account.1.sip.header.ppi", "yes")])[1].is_some());
}

#[test]
fn huawei_ims_leaves_privacy_and_identity_out_unless_they_are_set() {
    let huawei = ("account.1.sip.specialfeature", "huawei_ims");
    let has = |invite: Message| [Name::Privacy, Name::PPreferredIdentity].map(|name| invite.header(name).is_some());
    assert_eq!(has(invite(&[("account.1.sip.specialfeature", "broadsoft")])), [true, true]);
    assert_eq!(has(invite(&[huawei])), [false, false]);
    let yes = [huawei, ("account.1.sip.header.privacy", "yes"), ("account.1.sip.header.ppi", "yes")];
    assert_eq!(has(invite(&yes)), [true, true]);
}

#[test]
fn the_x_grandstream_pbx_header_is_there_unless_switched_off() {
    assert!(both(&[], Name::XGrandstreamPbx).iter().all(Option::is_some));
    assert_eq!(both(&[("account.1.sip.header.xgrandstream", "no")], Name::XGrandstreamPbx), [None, None]);
}

#[test]
fn p_access_network_info_is_there_unless_switched_off() {
    assert!(both(&[], Name::PAccessNetworkInfo).iter().all(Option::is_some));
    assert_eq!(both(&[("account.1.sip.header.pani", "no")], Name::PAccessNetworkInfo), [None, None]);
}

#[test]
fn p_emergency_info_is_there_unless_switched_off() {
    assert!(both(&[], Name::PEmergencyInfo).iter().all(Option::is_some));
    assert_eq!(both(&[("account.1.sip.header.pei", "no")], Name::PEmergencyInfo), [None, None]);
}

#[test]
fn the_mac_header_stands_in_register_or_in_all() {
    let mac = |value| both(&[("account.1.sip.header.macheader", value)], Name::Mac).map(|header| header.is_some());
    assert_eq!(both(&[], Name::Mac), [None, None]);
    assert_eq!([mac("no"), mac("register"), mac("all")], [[false, false], [true, false], [true, true]]);
}

#[test]
fn the_user_agent_names_the_mac_as_set() {
    let agent = |value| {
        let agents = both(&[("account.1.sip.header.mac", value)], Name::UserAgent);
        agents.map(|agent| agent.unwrap().ends_with("c074ad010203"))
    };
    assert_eq!([agent("no"), agent("except_register"), agent("all")], [[false, false], [false, true], [true, true]]);
}

#[test]
fn the_user_agent_prefix_stands_before_the_product() {
    let agent = |pairs: &[(&str, &str)]| both(pairs, Name::UserAgent).map(Option::unwrap_or_default);
    assert!(agent(&[]).iter().all(|agent| agent.starts_with("Bellhop GHP621")));
    let set = agent(&[("device.useragentprefix", "Grand Hotel")]);
    assert!(set.iter().all(|agent| agent.starts_with("Grand Hotel Bellhop GHP621")), "{set:?}");
}

#[test]
fn proxy_require_names_what_is_set() {
    assert_eq!(both(&[], Name::ProxyRequire), [None, None]);
    let set = both(&[("account.1.network.proxyrequire", "com.nortelnetworks.firewall")], Name::ProxyRequire);
    assert!(set.iter().all(|value| value.as_deref() == Some("com.nortelnetworks.firewall")));
}

#[test]
fn rport_is_asked_for_and_what_it_teaches_is_used_unless_switched_off() {
    let via = |pairs: &[(&str, &str)]| register(pairs).top_via().unwrap().params.contains("rport");
    assert!(via(&[]) && !via(&[("account.1.network.supportrport", "no")]));
    let contact = |value| {
        let mut bench = Bench::asleep(&[("account.1.network.supportrport", value)]);
        bench.server.seen = Some("203.0.113.5:40123".parse().unwrap());
        bench.start();
        bench.run(500);
        bench.dial("200");
        bench.last(&Method::Invite).header(Name::Contact).unwrap().to_owned()
    };
    assert!(contact("yes").contains("@203.0.113.5:40123") && contact("no").contains("@192.0.2.55:5060"));
}

#[test]
fn the_instance_id_stands_in_contact_unless_switched_off() {
    let contact = |pairs: &[(&str, &str)]| register(pairs).header(Name::Contact).unwrap().contains("+sip.instance");
    assert!(contact(&[]) && !contact(&[("account.1.sip.supportinstanceid", "no")]));
}

#[test]
fn reliable_provisional_answers_are_offered_if_so_set() {
    let offers = |pairs: &[(&str, &str)]| invite(pairs).tokens(Name::Supported).any(|tag| tag == "100rel");
    assert!(!offers(&[]) && offers(&[("account.1.sip.header.100rel", "yes")]));
}
