//! What others may ask of the phone outside of calls, and what its accounts hear from their servers.

use auth_digest::{Challenge, respond};
use phone_core::sip::call::Stage;
use phone_core::sip::message::{Message, Method, Name};
use phone_core::{AccountStatus, Input, PhoneEvent};

use crate::peer::{Peer, sdp};
use crate::world::{PASSWORD, World, account, phone};

fn at_desk(settings: &[(&str, &str)]) -> (World, Peer) {
    let mut world = World::with(vec![(vec![account(1, "101", settings)], phone(&[]))]);
    let mut peer = Peer::new(&mut world, "200");
    peer.ours = "<sip:200@192.0.2.10>;tag=peer".into();
    peer.theirs = "<sip:101@192.0.2.10>".into();
    peer.target = "sip:101@192.0.2.10".into();
    (world, peer)
}

/// The answer to a challenge, for a request with this body.
fn proof(challenge: &Message, method: &str, uri: &str, password: &str, body: &str) -> String {
    let challenges = Challenge::parse([challenge.header(Name::WwwAuthenticate).unwrap()]).unwrap();
    let answer = respond(&challenges[0], "101", password, method, uri, body.as_bytes(), "cnonce", 1);
    format!("Authorization: {answer}")
}

#[test]
fn an_unsolicited_refer_is_obeyed_as_the_policy_says() {
    let to = "Refer-To: <sip:300@192.0.2.10>";
    for (policy, answer) in [("disabled", "403 REFER"), ("enabled", "202 REFER"), ("force_auth", "401 REFER")] {
        let (mut world, mut peer) = at_desk(&[("sip.allowunsolicitedrefer", policy)]);
        let other = Peer::new(&mut world, "300");
        peer.request(&mut world, "REFER", &[to], "");
        let got = peer.get(&mut world, answer);
        world.run_ms(50);
        assert_eq!(other.take(&mut world, "INVITE").is_some(), policy == "enabled", "{policy}");
        assert_eq!(world.desks[0].phone.state().speaker, policy == "enabled");
        if policy == "force_auth" {
            let wrong = proof(&got, "REFER", "sip:101@192.0.2.10", "guess", "");
            peer.request(&mut world, "REFER", &[to, &wrong], "");
            let again = peer.get(&mut world, "401 REFER");
            let right = proof(&again, "REFER", "sip:101@192.0.2.10", PASSWORD, "");
            peer.request(&mut world, "REFER", &[to, &right], "");
            peer.get(&mut world, "202 REFER");
            other.get(&mut world, "INVITE");
        }
    }
}

#[test]
fn an_invite_proves_itself_once_for_each_nonce() {
    let (mut world, mut peer) = at_desk(&[("sip.authenticateincominginvite", "yes")]);
    let body = sdp(40_000, "sendrecv");
    let uri = "sip:101@192.0.2.10";
    peer.request(&mut world, "INVITE", &[], &body);
    let challenge = peer.get(&mut world, "401 INVITE");
    let wrong = proof(&challenge, "INVITE", uri, "guess", &body);
    peer.request(&mut world, "INVITE", &[&wrong], &body);
    let challenge = peer.get(&mut world, "401 INVITE");
    assert!(world.calls(0).is_empty());
    let right = proof(&challenge, "INVITE", uri, PASSWORD, &body);
    peer.request(&mut world, "INVITE", &[&right], &body);
    peer.get(&mut world, "180 INVITE");
    assert_eq!(world.stages(0), [Stage::Incoming]);
    // Another call with the same proof.
    let mut thief = Peer::new(&mut world, "201");
    thief.invite(&mut world, "101", &[&right], &body);
    let stale = thief.get(&mut world, "401 INVITE");
    assert!(stale.header(Name::WwwAuthenticate).unwrap().contains("stale=true"));
    assert_eq!(world.stages(0).len(), 1);
}

#[test]
fn check_sync_is_obeyed_for_the_server_and_reset_only_if_allowed_and_proved() {
    let sync = ["Event: check-sync", "Subscription-State: active"];
    let (mut world, mut peer) = at_desk(&[]);
    peer.request(&mut world, "NOTIFY", &sync, "");
    peer.get(&mut world, "200 NOTIFY");
    assert!(world.events(0).contains(&PhoneEvent::CheckSync { account: 1, reset: false, reboot: false }));
    // From elsewhere it is nobody's business.
    peer.target = "sip:101@192.0.2.101:5060".into();
    peer.request(&mut world, "NOTIFY", &sync, "");
    peer.get(&mut world, "403 NOTIFY");
    peer.target = "sip:101@192.0.2.10".into();
    let reset = ["Event: check-sync;reset", "Subscription-State: active"];
    peer.request(&mut world, "NOTIFY", &reset, "");
    peer.get(&mut world, "403 NOTIFY");
    assert!(world.events(0).is_empty());

    let (mut world, mut peer) = at_desk(&[("sip.allowsipreset", "yes")]);
    peer.request(&mut world, "NOTIFY", &reset, "");
    let challenge = peer.get(&mut world, "401 NOTIFY");
    let right = proof(&challenge, "NOTIFY", "sip:101@192.0.2.10", PASSWORD, "");
    peer.request(&mut world, "NOTIFY", &[reset[0], reset[1], &right], "");
    peer.get(&mut world, "200 NOTIFY");
    assert!(world.events(0).contains(&PhoneEvent::CheckSync { account: 1, reset: true, reboot: false }));
}

const SUMMARY: &str = "Messages-Waiting: yes\r\nVoice-Message: 2/1 (0/0)\r\n";

#[test]
fn messages_wait_whether_subscribed_or_not() {
    let (mut world, mut peer) = at_desk(&[]);
    peer.request(&mut world, "NOTIFY", &["Event: message-summary", "Subscription-State: active"], SUMMARY);
    peer.get(&mut world, "200 NOTIFY");
    assert_eq!(world.news(0), ["MessageWaiting"]);
    assert_eq!(world.desks[0].phone.state().accounts[0].messages.new, 2);
    peer.request(&mut world, "NOTIFY", &["Event: message-summary", "Subscription-State: active"], SUMMARY);
    peer.get(&mut world, "200 NOTIFY");
    assert!(world.news(0).is_empty(), "nothing new");
}

/// The phone's SUBSCRIBE goes to the peer, which stands for the server's notifier.
fn subscribed(setting: &str) -> (World, Peer, Message) {
    let mut world = World::unregistered(vec![(vec![account(1, "101", &[(setting, "yes")])], phone(&[]))]);
    let mut peer = Peer::new(&mut world, "notifier");
    world.proxy.notifier = Some(peer.at);
    world.run(1);
    let subscribe = peer.get(&mut world, "SUBSCRIBE");
    peer.reply(&mut world, &subscribe, 200, &["Expires: 3600"], "");
    world.run_ms(20);
    peer.call_id = subscribe.call_id().unwrap().to_owned();
    peer.ours = format!("{};tag=peer", subscribe.header(Name::To).unwrap());
    peer.theirs = subscribe.header(Name::From).unwrap().to_owned();
    peer.target = crate::peer::target(&subscribe);
    world.forget();
    (world, peer, subscribe)
}

#[test]
fn a_subscription_to_messages_is_kept() {
    let (mut world, mut peer, subscribe) = subscribed("sip.subscribe.formwi");
    assert_eq!(subscribe.header(Name::Event), Some("message-summary"));
    let active = ["Event: message-summary", "Subscription-State: active;expires=3600"];
    peer.request(&mut world, "NOTIFY", &active, SUMMARY);
    peer.get(&mut world, "200 NOTIFY");
    assert_eq!(world.news(0), ["MessageWaiting"]);
    world.run(3600);
    let refresh = peer.get(&mut world, "SUBSCRIBE");
    assert_eq!(refresh.to().unwrap().tag(), Some("peer"), "within its dialog");
}

#[test]
fn a_registrar_that_dropped_the_phone_is_registered_with_again() {
    let (mut world, mut peer, subscribe) = subscribed("sip.subscribe.forregistration");
    assert_eq!(subscribe.header(Name::Event), Some("reg"));
    let info = "<?xml version=\"1.0\"?><reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"1\" state=\"full\">\
         <registration aor=\"sip:101@192.0.2.10\" id=\"a\" state=\"terminated\">\
         <contact id=\"1\" state=\"terminated\" event=\"deactivated\"><uri>sip:101@192.0.2.101:5060</uri></contact>\
         </registration></reginfo>";
    peer.request(&mut world, "NOTIFY", &["Event: reg", "Subscription-State: active;expires=3600"], info);
    peer.get(&mut world, "200 NOTIFY");
    world.run(1);
    assert_eq!(world.proxy.took(&Method::Register).len(), 1);
}

#[test]
fn a_server_that_stopped_answering_options_is_registered_with_again() {
    let settings = [("sip.keepalive.enable", "yes"), ("sip.keepalive.interval", "30"), ("sip.keepalive.maxlost", "3")];
    let (mut world, _) = at_desk(&settings);
    world.forget();
    world.run(95);
    assert!(world.proxy.took(&Method::Options).len() >= 3);
    let dead = "192.0.2.10".parse().unwrap();
    world.proxy.dead.insert(dead);
    world.run(4 * 30 + 100);
    let registers = world.trace.iter().filter(|(_, packet)| packet.bytes.starts_with(b"REGISTER")).count();
    assert!(registers > 0, "{}", world.story());
    world.proxy.dead.clear();
    world.run(60);
    assert_eq!(world.desks[0].phone.state().accounts[0].status, AccountStatus::Registered);
}

#[test]
fn settings_changed_during_a_call_leave_it_alone() {
    for change in [("call.callwaiting", "no"), ("sip.subscriber.name", "Room 101"), ("sip.localport", "5070")] {
        let mut world = World::of(&["101", "102"]);
        world.talk(0, 1);
        let settings = Box::new(account(1, "101", &[change]));
        world.input(0, Input::Settings { account: 1, settings });
        world.run(3);
        assert_eq!((world.stages(0), world.stages(1)), (vec![Stage::Up], vec![Stage::Up]), "{change:?}");
        world.hang_up(0);
        world.run(40);
        assert!(world.calls(0).is_empty() && world.calls(1).is_empty(), "{change:?}: {}", world.story());
        assert_eq!(world.desks[0].phone.state().accounts[0].status, AccountStatus::Registered);
    }
}

#[test]
fn an_account_switched_off_or_moved_while_it_calls_leaves_no_call_behind() {
    for change in [("enable", "no"), ("sip.server.1.address", "192.0.2.11"), ("sip.userid", "109")] {
        for stage in [Stage::Calling, Stage::Ringing, Stage::Up] {
            let mut world = World::of(&["101"]);
            let mut peer = Peer::new(&mut world, "200");
            if stage == Stage::Up {
                peer.called_by(&mut world, 0, &[]);
            } else {
                world.dial(0, "200");
                let invite = peer.get(&mut world, "INVITE");
                if stage == Stage::Ringing {
                    peer.reply(&mut world, &invite, 180, &[], "");
                    world.run_ms(20);
                }
            }
            assert_eq!(world.stages(0), [stage]);
            let settings = Box::new(account(1, "101", &[change]));
            world.input(0, Input::Settings { account: 1, settings });
            world.run(2);
            world.hang_up(0);
            world.run(80);
            assert!(world.calls(0).is_empty(), "{change:?} {stage:?}: {}", world.story());
            assert!(!world.desks[0].busy);
        }
    }
}

#[test]
fn two_accounts_take_and_make_calls_side_by_side() {
    let both = vec![account(1, "101", &[]), account(2, "111", &[("sip.server.1.address", "192.0.2.11")])];
    let mut world = World::with(vec![(both, phone(&[])), (vec![account(1, "102", &[])], phone(&[]))]);
    world.dial(1, "111");
    world.run(1);
    assert_eq!(world.calls(0)[0].account, 2, "{}", world.story());
    world.lift(0);
    world.run(1);
    let mut peer = Peer::new(&mut world, "200");
    peer.invite(&mut world, "101", &[], &sdp(40_000, "sendrecv"));
    world.run(1);
    assert_eq!(world.calls(0)[1].account, 1);
    world.key(0, phone_core::Key::Flash);
    peer.confirm(&mut world, "");
    world.run(1);
    assert_eq!(world.holds(0), [(true, false), (false, false)], "{}", world.story());
}

#[test]
fn shutting_down_ends_calls_and_says_nothing_after() {
    let mut world = World::of(&["101", "102"]);
    world.talk(0, 1);
    world.input(0, Input::Shutdown);
    world.run(5);
    assert!(world.calls(1).is_empty());
    world.run(60);
    assert!(world.desks[0].phone.is_shut_down());
}

/// Answers every SUBSCRIBE for so many seconds; says how many there were.
fn subscribes(world: &mut World, peer: &mut Peer, seconds: u64, status: u16, extra: &[&str]) -> usize {
    let mut count = 0;
    for _ in 0..seconds * 10 {
        while let Some(subscribe) = peer.take(world, "SUBSCRIBE") {
            count += 1;
            peer.reply(world, &subscribe, status, extra, "");
        }
        world.run_ms(100);
    }
    count
}

#[test]
fn a_notifier_that_challenges_for_ever_or_grants_nothing_is_not_asked_at_once_again() {
    let digest = "WWW-Authenticate: Digest realm=\"hotel\", nonce=\"a\", algorithm=MD5, qop=\"auth\"";
    for (status, extra, most) in [(401, digest, 12), (200, "Expires: 0", 6), (200, "Expires: 1", 11)] {
        let mut world =
            World::unregistered(vec![(vec![account(1, "101", &[("sip.subscribe.formwi", "yes")])], phone(&[]))]);
        let mut peer = Peer::new(&mut world, "notifier");
        world.proxy.notifier = Some(peer.at);
        let count = subscribes(&mut world, &mut peer, 300, status, &[extra]);
        assert!((2..=most).contains(&count), "{status} {extra}: {count}");
    }
}

#[test]
fn a_subscription_that_is_ended_again_and_again_is_made_less_and_less_often() {
    let mut world =
        World::unregistered(vec![(vec![account(1, "101", &[("sip.subscribe.formwi", "yes")])], phone(&[]))]);
    let mut peer = Peer::new(&mut world, "notifier");
    world.proxy.notifier = Some(peer.at);
    let mut count = 0;
    for _ in 0..6_000 {
        while let Some(subscribe) = peer.take(&mut world, "SUBSCRIBE") {
            count += 1;
            peer.reply(&mut world, &subscribe, 200, &["Expires: 3600"], "");
            peer.call_id = subscribe.call_id().unwrap().to_owned();
            peer.ours = format!("{};tag=peer", subscribe.header(Name::To).unwrap());
            peer.theirs = subscribe.header(Name::From).unwrap().to_owned();
            peer.target = crate::peer::target(&subscribe);
            let over = ["Event: message-summary", "Subscription-State: terminated;reason=deactivated"];
            peer.request(&mut world, "NOTIFY", &over, "");
        }
        world.run_ms(100);
    }
    assert!((2..=6).contains(&count), "{count}");
}

#[test]
fn the_answer_to_a_subscription_that_is_over_already_does_not_bring_it_back() {
    let mut world =
        World::unregistered(vec![(vec![account(1, "101", &[("sip.subscribe.formwi", "yes")])], phone(&[]))]);
    let mut peer = Peer::new(&mut world, "notifier");
    world.proxy.notifier = Some(peer.at);
    world.run(1);
    let subscribe = peer.get(&mut world, "SUBSCRIBE");
    peer.call_id = subscribe.call_id().unwrap().to_owned();
    peer.ours = format!("{};tag=peer", subscribe.header(Name::To).unwrap());
    peer.theirs = subscribe.header(Name::From).unwrap().to_owned();
    peer.target = crate::peer::target(&subscribe);
    let over = ["Event: message-summary", "Subscription-State: terminated;reason=deactivated"];
    peer.request(&mut world, "NOTIFY", &over, "");
    peer.get(&mut world, "200 NOTIFY");
    // Without the copies on their way.
    world.mail.clear();
    peer.reply(&mut world, &subscribe, 200, &["Expires: 3600"], "");
    let again = peer.get(&mut world, "SUBSCRIBE");
    assert_ne!(again.call_id(), subscribe.call_id());
    assert_eq!(again.to().unwrap().tag(), None, "a new one, not a refresh of what is over");
}
