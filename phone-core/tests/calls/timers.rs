//! Session timers (RFC 4028), by every setting.

use phone_core::sip::call::{EndedBy, Stage};
use phone_core::sip::message::{Message, Name};

use crate::basic::end;
use crate::peer::{Peer, sdp};
use crate::world::{World, account, phone};

const ON: (&str, &str) = ("sip.sessiontimer.enable", "yes");
const CALLER: (&str, &str) = ("sip.sessiontimer.requesttimer.caller", "yes");
const CALLEE: (&str, &str) = ("sip.sessiontimer.requesttimer.callee", "yes");

fn at_desk(settings: &[(&str, &str)]) -> (World, Peer) {
    let mut world = World::with(vec![(vec![account(1, "101", settings)], phone(&[]))]);
    let peer = Peer::new(&mut world, "200");
    (world, peer)
}

fn expires(message: &Message) -> Option<&str> {
    message.header(Name::SessionExpires)
}

#[test]
fn the_caller_refreshes_by_update_at_half_time_as_long_as_it_takes() {
    let (mut world, mut peer) = at_desk(&[ON, CALLER]);
    let agreed = ["Session-Expires: 180;refresher=uac", "Require: timer", "Allow: INVITE, UPDATE, BYE, ACK"];
    peer.called_by(&mut world, 0, &agreed);
    for _ in 0..3 {
        world.run(89);
        peer.none(&mut world, "UPDATE");
        world.run(2);
        let update = peer.get(&mut world, "UPDATE");
        assert_eq!((expires(&update), update.body().len()), (Some("180;refresher=uac"), 0));
        peer.reply(&mut world, &update, 200, &agreed, "");
        world.run_ms(20);
        // Copies of the UPDATE that were on their way.
        world.mail.clear();
        assert_eq!(world.stages(0), [Stage::Up]);
    }
}

#[test]
fn a_peer_without_update_or_force_invite_means_a_re_invite_with_the_same_description() {
    for (settings, allow) in [
        (vec![ON, CALLER], "Allow: INVITE, BYE, ACK"),
        (vec![ON, CALLER, ("sip.sessiontimer.forceinvite", "yes")], "Allow: INVITE, UPDATE, BYE, ACK"),
    ] {
        let (mut world, mut peer) = at_desk(&settings);
        let agreed = ["Session-Expires: 180;refresher=uac", allow];
        let invite = peer.called_by(&mut world, 0, &agreed);
        world.run(91);
        let again = peer.get(&mut world, "INVITE");
        let origin = |message: &Message| {
            let text = String::from_utf8_lossy(message.body()).into_owned();
            text.lines().find(|line| line.starts_with("o=")).unwrap().to_owned()
        };
        assert_eq!(origin(&again), origin(&invite), "RFC 4028 §7.4: its version stays");
        peer.reply(&mut world, &again, 200, &agreed, &sdp(40_000, "sendrecv"));
        peer.get(&mut world, "ACK");
        assert!(!world.news(0).iter().any(|event| event.contains("Hold")));
    }
}

#[test]
fn a_session_nobody_refreshes_ends() {
    let (mut world, mut peer) = at_desk(&[ON, CALLER]);
    peer.called_by(&mut world, 0, &["Session-Expires: 180;refresher=uas", "Require: timer"]);
    world.run(147);
    assert_eq!(world.stages(0), [Stage::Up]);
    world.run(2);
    let bye = peer.get(&mut world, "BYE");
    assert!(bye.header(Name::Reason).is_some());
    peer.reply(&mut world, &bye, 200, &[], "");
    world.run(1);
    assert_eq!(end(&world.events(0)), Some((EndedBy::Network, 408)));
}

#[test]
fn a_refresh_of_theirs_keeps_the_session() {
    for method in ["UPDATE", "INVITE"] {
        let (mut world, mut peer) = at_desk(&[ON]);
        let asked = ["Supported: timer", "Session-Expires: 180;refresher=uac"];
        let answer = peer.calls(&mut world, 0, &asked);
        assert_eq!(expires(&answer), Some("180;refresher=uac"));
        assert!(answer.tokens(Name::Require).any(|tag| tag == "timer"));
        for _ in 0..3 {
            world.run(100);
            let body = if method == "INVITE" { sdp(40_000, "sendrecv") } else { String::new() };
            peer.request(&mut world, method, &asked, &body);
            if method == "INVITE" {
                peer.confirm(&mut world, "");
            } else {
                peer.get(&mut world, "200 UPDATE");
            }
            assert_eq!(world.stages(0), [Stage::Up]);
        }
        world.run(150);
        assert!(world.calls(0).is_empty(), "and then it ends");
    }
}

#[test]
fn a_refresh_that_fails_is_tried_again_and_one_that_finds_nobody_ends_the_call() {
    let (mut world, mut peer) = at_desk(&[ON, CALLER]);
    let agreed = ["Session-Expires: 180;refresher=uac", "Allow: INVITE, UPDATE"];
    peer.called_by(&mut world, 0, &agreed);
    world.run(91);
    let update = peer.get(&mut world, "UPDATE");
    peer.reply(&mut world, &update, 503, &[], "");
    world.run(20);
    let update = peer.get(&mut world, "UPDATE");
    world.run(35);
    assert!(world.calls(0).is_empty(), "nobody answered {update:?}");
}

#[test]
fn the_called_asks_for_a_timer_if_so_set() {
    for (settings, offered, answered) in [
        (vec![ON], "Supported: timer", None),
        (vec![ON, CALLEE], "Supported: timer", Some("180;refresher=uac")),
        (vec![ON, CALLEE], "Supported: replaces", None),
        (vec![ON, ("sip.sessiontimer.force", "yes")], "Supported: replaces", Some("180;refresher=uas")),
        (
            vec![ON, CALLEE, ("sip.sessiontimer.refresher.uasspecify", "uas")],
            "Supported: timer",
            Some("180;refresher=uas"),
        ),
        (vec![ON, CALLEE, ("sip.sessiontimer.expiration", "600")], "Supported: timer", Some("600;refresher=uac")),
        (vec![CALLEE], "Supported: timer", None),
    ] {
        let (mut world, mut peer) = at_desk(&settings);
        let answer = peer.calls(&mut world, 0, &[offered]);
        assert_eq!(expires(&answer), answered, "{settings:?} {offered}");
    }
}

#[test]
fn the_caller_asks_as_set() {
    for (settings, asked, least) in [
        (vec![ON], None, Some("90")),
        (vec![ON, CALLER], Some("180;refresher=uac"), Some("90")),
        (vec![ON, CALLER, ("sip.sessiontimer.refresher.uacspecify", "uas")], Some("180;refresher=uas"), Some("90")),
        (vec![ON, CALLER, ("sip.sessiontimer.refresher.uacspecify", "omit")], Some("180"), Some("90")),
        (vec![ON, ("sip.sessiontimer.force", "yes")], Some("180;refresher=uac"), Some("90")),
        (vec![ON, CALLER, ("sip.minimumse", "300")], Some("300;refresher=uac"), Some("300")),
        (vec![CALLER], None, None),
    ] {
        let (mut world, peer) = at_desk(&settings);
        world.dial(0, "200");
        let invite = peer.get(&mut world, "INVITE");
        assert_eq!((expires(&invite), invite.header(Name::MinSe)), (asked, least), "{settings:?}");
        let supports = invite.tokens(Name::Supported).any(|tag| tag == "timer");
        assert_eq!(supports, settings.contains(&ON));
    }
}

#[test]
fn too_short_an_interval_is_refused() {
    let (mut world, mut peer) = at_desk(&[ON, ("sip.minimumse", "120")]);
    peer.invite(&mut world, "101", &["Supported: timer", "Session-Expires: 100"], &sdp(40_000, "sendrecv"));
    let refusal = peer.get(&mut world, "422 INVITE");
    assert_eq!(refusal.header(Name::MinSe), Some("120"));
    assert!(world.calls(0).is_empty());
}

#[test]
fn two_phones_keep_a_session_for_hours_and_a_dead_one_is_noticed() {
    let on = [ON, CALLER];
    let mut world = World::pair(&on, &[ON]);
    world.talk(0, 1);
    world.run(3 * 3600);
    assert_eq!((world.stages(0), world.stages(1)), (vec![Stage::Up], vec![Stage::Up]));
    assert!(world.count("UPDATE") > 100);
    world.proxy.dead.insert("192.0.2.10".parse().unwrap());
    world.run(300);
    assert!(world.calls(0).is_empty() && world.calls(1).is_empty(), "{}", world.story());
}

#[test]
fn a_session_whose_refreshes_are_all_refused_ends_with_its_interval() {
    let (mut world, mut peer) = at_desk(&[ON, CALLER]);
    peer.called_by(&mut world, 0, &["Session-Expires: 180;refresher=uac", "Allow: INVITE, UPDATE"]);
    let mut updates = 0;
    for _ in 0..1_780 {
        world.run_ms(100);
        while let Some(update) = peer.take(&mut world, "UPDATE") {
            updates += 1;
            peer.reply(&mut world, &update, 503, &[], "");
        }
    }
    assert_eq!(world.stages(0), [Stage::Up], "{updates}: {}", world.story());
    world.run_ms(2_500);
    let bye = peer.take(&mut world, "BYE").expect("the interval is over");
    assert_eq!(bye.header(Name::Reason).map(|reason| reason.contains("cause=408")), Some(true));
    assert!((2..=6).contains(&updates), "{updates}");
}

#[test]
fn a_refresh_that_is_too_short_for_a_proxy_is_asked_for_once_more_as_long_as_it_wants() {
    for (status_of_second, up) in [(200, true), (422, false)] {
        let (mut world, mut peer) = at_desk(&[ON, CALLER]);
        let agreed = ["Session-Expires: 180;refresher=uac", "Allow: INVITE, BYE, ACK"];
        peer.called_by(&mut world, 0, &agreed);
        world.key(0, phone_core::Key::Hold);
        let hold = peer.get(&mut world, "INVITE");
        peer.reply(&mut world, &hold, 422, &["Min-SE: 400"], "");
        let again = peer.get(&mut world, "INVITE");
        assert_eq!((expires(&again), again.header(Name::MinSe)), (Some("400;refresher=uac"), Some("400")));
        let answer = ["Session-Expires: 400;refresher=uac", "Min-SE: 500"];
        let body = if up { sdp(40_000, "recvonly") } else { String::new() };
        peer.reply(&mut world, &again, status_of_second, &answer, &body);
        peer.get(&mut world, "ACK");
        world.run(10);
        peer.none(&mut world, "INVITE");
        assert_eq!((world.stages(0), world.holds(0)), (vec![Stage::Up], vec![(up, false)]));
    }
}

#[test]
fn an_update_before_the_call_is_answered_starts_no_timer() {
    let (mut world, mut peer) = at_desk(&[ON, ("ring.timeout", "300")]);
    peer.invite(&mut world, "101", &["Supported: timer"], &sdp(40_000, "sendrecv"));
    let ringing = peer.get(&mut world, "180 INVITE");
    peer.learn(&ringing);
    peer.request(&mut world, "UPDATE", &["Supported: timer", "Session-Expires: 90;refresher=uac"], "");
    peer.get(&mut world, "200 UPDATE");
    for _ in 0..100 {
        world.run(1);
        peer.none(&mut world, "BYE");
    }
    assert_eq!(world.stages(0), [Stage::Incoming], "{}", world.story());
}
