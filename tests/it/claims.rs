//! A room number is dialled at a phone: the property's settings or the front desk say whether it is this phone's room.

use contract::rest::{ClaimMode, ClaimReason, ClaimReplace, ClaimSettings, ClaimState, ClaimView, Configuration};
use contract::{PhoneId, Timestamp};
use serde_json::{Value, json};

use crate::accounts::{add_pool, add_server, hotel_without_extensions};
use crate::support::live::Live;
use crate::support::{Ask, HandPhone, Hotel, Phone, ServerProcess, TestServer, card, mac, wait, wait_true};

/// What a property with these rooms lets its phones take.
async fn allow(server: &TestServer, hotel: &Hotel, settings: Value) -> ClaimSettings {
    let path = format!("/api/v1/properties/{}/claim-settings", hotel.property);
    server.api.put(&path, settings).await.ok()
}

fn at_once() -> Value {
    json!({ "mode": "at-once", "replace": "refuse" })
}

fn confirm() -> Value {
    json!({ "mode": "confirm", "replace": "confirm" })
}

async fn claims(server: &TestServer, hotel: &Hotel) -> Vec<ClaimView> {
    server.api.get(&format!("/api/v1/properties/{}/claims", hotel.property)).await.ok()
}

/// Waits until the newest claim is of this number and in this state.
async fn newest_is(server: &TestServer, hotel: &Hotel, number: &str, state: ClaimState) -> ClaimView {
    wait(&format!("the newest claim is of {number:?} and {state:?}"), async || {
        let all = claims(server, hotel).await;
        all.into_iter().next().filter(|claim| claim.state == state && claim.number == number)
    })
    .await
}

/// A phone of the property that stands in no room.
async fn in_no_room(server: &TestServer, hotel: &Hotel, number: u16) -> (Phone, PhoneId) {
    let id = hotel.announce(mac(number), None).await.unwrap();
    let phone = Phone::start(mac(number), server.acs_url()).await;
    phone.online().await;
    server.api.in_sync(id).await;
    (phone, id)
}

async fn dial(phone: &Phone, number: &str) {
    phone.agent.hook(true).await;
    phone.agent.keys(&format!("**766*{number}#")).await;
    phone.agent.hook(false).await;
}

#[tokio::test]
async fn a_dialled_room_is_the_phones_at_once() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207", "1208"]).await;
    assert_eq!(allow(&server, &hotel, at_once()).await.mode, ClaimMode::AtOnce);
    let (phone, id) = in_no_room(&server, &hotel, 1).await;
    dial(&phone, "1207").await;
    let claim = newest_is(&server, &hotel, "1207", ClaimState::Accepted).await;
    assert_eq!((claim.phone, claim.number.as_str(), claim.room), (id, "1207", Some(hotel.room("1207"))));
    assert_eq!(claim.decided_by, "Bellhop");
    assert_eq!(card(&hotel, hotel.room("1207")).await.phone, Some(id));
    wait_true("it has the room's account", async || phone.agent.value("account.1.sip.userid") == "1207").await;
    phone.shows_room("1207").await;
    server.api.in_sync(id).await;
    assert_eq!(claims(&server, &hotel).await.len(), 1, "event and Inform of it are one claim");
    assert_eq!(phone.room_effects(), ["1207"], "nobody wrote the number but who dialled it");
}

#[tokio::test]
async fn what_may_not_be_taken_is_refused_with_its_reason_and_the_old_number_comes_back() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207", "1208", "1401"]).await;
    allow(&server, &hotel, json!({ "mode": "at-once", "rooms": "1200-1299", "replace": "refuse" })).await;
    let other = hotel.announce(mac(2), Some(hotel.room("1208"))).await.unwrap();
    let (phone, id) = in_no_room(&server, &hotel, 1).await;
    for (number, reason) in
        [("9999", ClaimReason::UnknownRoom), ("1401", ClaimReason::OtherRoom), ("1208", ClaimReason::Taken)]
    {
        dial(&phone, number).await;
        let claim = newest_is(&server, &hotel, number, ClaimState::Refused).await;
        assert_eq!(claim.reason, Some(reason), "{number}");
        assert!(!claim.note.is_empty());
        phone.shows_room("").await;
        server.api.in_sync(id).await;
    }
    assert_eq!(card(&hotel, hotel.room("1208")).await.phone, Some(other));
    assert_eq!(server.api.phone(id).await.phone.room, None);
    // The time is over.
    let over = json!({ "mode": "at-once", "replace": "refuse", "until": Timestamp(1_000) });
    allow(&server, &hotel, over).await;
    dial(&phone, "1207").await;
    assert_eq!(newest_is(&server, &hotel, "1207", ClaimState::Refused).await.reason, Some(ClaimReason::Over));
    phone.shows_room("").await;
}

#[tokio::test]
async fn the_front_desk_accepts_or_rejects_and_each_answer_counts_once() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207", "1208"]).await;
    allow(&server, &hotel, confirm()).await;
    let mut stream = Live::open(&server.api, Some(hotel.property), None).await;
    let (phone, id) = in_no_room(&server, &hotel, 1).await;
    dial(&phone, "1207").await;
    let shown = stream.until("the claim comes by itself", |change| {
        change.claim.clone().filter(|claim| claim.state == ClaimState::Waiting)
    });
    let claim = shown.await;
    assert_eq!((claim.number.as_str(), claim.mac, claim.replaces), ("1207", mac(1), None));
    assert_eq!(card(&hotel, hotel.room("1207")).await.phone, None, "nothing before somebody says so");
    // Another change for this phone leaves what was dialled alone.
    let path = format!("/api/v1/phones/{id}/settings");
    server.api.put(&path, json!({ "values": { "audio.volume.ring": "7" } })).await.ok::<Value>();
    wait_true("the other value is there", async || phone.agent.value("audio.volume.ring") == "7").await;
    phone.shows_room("1207").await;

    let accept = format!("/api/v1/claims/{}/accept", claim.id);
    let accepted: ClaimView = server.api.post(&accept, json!({})).await.ok();
    assert_eq!(accepted.state, ClaimState::Accepted);
    assert_eq!(server.api.post(&accept, json!({})).await.ok::<ClaimView>(), accepted, "twice is once");
    let reject = format!("/api/v1/claims/{}/reject", claim.id);
    assert_eq!(server.api.post(&reject, json!({})).await.refused(409).kind, "claim-state");
    assert_eq!(card(&hotel, hotel.room("1207")).await.phone, Some(id));
    wait_true("it has the room's account", async || phone.agent.value("account.1.sip.userid") == "1207").await;

    // Next, a no: it goes back to the room it has.
    dial(&phone, "1231208").await;
    let claim = newest_is(&server, &hotel, "1208", ClaimState::Waiting).await;
    assert_eq!(claim.from_room.as_deref(), Some("1207"));
    let path = format!("/api/v1/claims/{}/reject", claim.id);
    let rejected: ClaimView = server.api.post(&path, json!({ "note": "wrong floor" })).await.ok();
    assert_eq!((rejected.state, rejected.note.as_str()), (ClaimState::Rejected, "wrong floor"));
    phone.shows_room("1207").await;
    assert_eq!(card(&hotel, hotel.room("1207")).await.phone, Some(id));
    let waiting = format!("/api/v1/properties/{}/claims?state=waiting", hotel.property);
    assert!(server.api.get(&waiting).await.ok::<Vec<ClaimView>>().is_empty());
}

#[tokio::test]
async fn a_swap_needs_somebodys_word() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    allow(&server, &hotel, json!({ "mode": "at-once", "replace": "confirm" })).await;
    let old = hotel.announce(mac(2), Some(hotel.room("1207"))).await.unwrap();
    let (phone, id) = in_no_room(&server, &hotel, 1).await;
    dial(&phone, "1207").await;
    let claim = newest_is(&server, &hotel, "1207", ClaimState::Waiting).await;
    assert_eq!(claim.replaces, Some(mac(2)));
    let accept = format!("/api/v1/claims/{}/accept", claim.id);
    assert_eq!(server.api.post(&accept, json!({})).await.refused(409).kind, "room-occupied");
    server.api.post(&accept, json!({ "replace": true })).await.ok::<ClaimView>();
    assert_eq!(card(&hotel, hotel.room("1207")).await.phone, Some(id));
    assert_eq!(server.api.phone(old).await.phone.room, None);
}

#[tokio::test]
async fn a_person_who_puts_the_phone_into_a_room_answers_what_it_asked_for() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207", "1300"]).await;
    allow(&server, &hotel, confirm()).await;
    let (phone, id) = in_no_room(&server, &hotel, 1).await;
    for (dialled, number, put, state) in
        [("1207", "1207", "1300", ClaimState::Expired), ("1231207", "1207", "1207", ClaimState::Accepted)]
    {
        dial(&phone, dialled).await;
        let claim = newest_is(&server, &hotel, number, ClaimState::Waiting).await;
        let path = format!("/api/v1/rooms/{}/phone", hotel.room(put));
        server.api.put(&path, json!({ "phone": id })).await.ok::<Value>();
        let over = newest_is(&server, &hotel, number, state).await;
        assert_eq!((over.id, over.reason), (claim.id, None));
        phone.shows_room(put).await;
        server.api.in_sync(id).await;
    }
}

#[tokio::test]
async fn of_two_phones_that_wait_for_a_room_the_second_is_told_whom_it_would_replace() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    allow(&server, &hotel, confirm()).await;
    let mut waiting = Vec::new();
    for which in [1, 2] {
        let (phone, _) = in_no_room(&server, &hotel, which).await;
        dial(&phone, "1207").await;
        let mine = wait("it waits", async || {
            let all = claims(&server, &hotel).await;
            all.into_iter().find(|claim| claim.mac == mac(which) && claim.state == ClaimState::Waiting)
        });
        waiting.push((mine.await, phone));
    }
    let mut stream = Live::open(&server.api, Some(hotel.property), None).await;
    let accept = format!("/api/v1/claims/{}/accept", waiting[0].0.id);
    server.api.post(&accept, json!({})).await.ok::<ClaimView>();
    let second = waiting[1].0.id;
    let shown = stream.until("the other claim says so", |change| {
        change.claim.clone().filter(|claim| claim.id == second && claim.replaces == Some(mac(1)))
    });
    assert_eq!(shown.await.state, ClaimState::Waiting);
}

#[tokio::test]
async fn a_room_whose_number_has_letters_is_dialled_by_its_extension() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["PH1", "1208"]).await;
    let path = format!("/api/v1/rooms/{}", hotel.room("PH1"));
    server.api.patch(&path, json!({ "extension": "7001" })).await.ok::<Value>();
    allow(&server, &hotel, json!({ "mode": "at-once", "rooms": "PH1", "replace": "refuse" })).await;
    let (phone, id) = in_no_room(&server, &hotel, 1).await;
    dial(&phone, "7001").await;
    let claim = newest_is(&server, &hotel, "7001", ClaimState::Accepted).await;
    assert_eq!((claim.room, claim.room_number.as_deref()), (Some(hotel.room("PH1")), Some("PH1")));
    assert_eq!(card(&hotel, hotel.room("PH1")).await.phone, Some(id));
    phone.shows_room("PH1").await;
    server.api.in_sync(id).await;
    assert_eq!(claims(&server, &hotel).await.len(), 1, "the number it was given is no claim");
}

#[tokio::test]
async fn of_two_phones_that_dial_one_room_at_the_same_moment_one_gets_it() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    allow(&server, &hotel, at_once()).await;
    let (one, _) = in_no_room(&server, &hotel, 1).await;
    let (other, _) = in_no_room(&server, &hotel, 2).await;
    tokio::join!(dial(&one, "1207"), dial(&other, "1207"));
    let both = wait("both are decided", async || {
        let all = claims(&server, &hotel).await;
        (all.len() == 2 && all.iter().all(|claim| claim.decided_at.is_some())).then_some(all)
    })
    .await;
    let states: Vec<ClaimState> = both.iter().map(|claim| claim.state).collect();
    assert!(states.contains(&ClaimState::Accepted) && states.contains(&ClaimState::Refused), "{states:?}");
    let lost = both.iter().find(|claim| claim.state == ClaimState::Refused).unwrap();
    assert_eq!(lost.reason, Some(ClaimReason::Taken));
    let loser = if lost.mac == mac(1) { &one } else { &other };
    loser.shows_room("").await;
    let winner = both.iter().find(|claim| claim.state == ClaimState::Accepted).unwrap();
    assert_eq!(card(&hotel, hotel.room("1207")).await.phone, Some(winner.phone));
}

#[tokio::test]
async fn an_extension_is_that_of_the_phones_room() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    allow(&server, &hotel, at_once()).await;
    let (phone, _) = in_no_room(&server, &hotel, 1).await;
    phone.agent.keys("**82#").await;
    let refused = newest_is(&server, &hotel, "", ClaimState::Refused).await;
    assert_eq!(refused.reason, Some(ClaimReason::NoExtension));
    dial(&phone, "1207").await;
    newest_is(&server, &hotel, "1207", ClaimState::Accepted).await;
    wait_true("it has the room's account", async || phone.agent.value("account.1.sip.userid") == "1207").await;
    phone.agent.keys("**82#").await;
    newest_is(&server, &hotel, "", ClaimState::Accepted).await;
}

/// A phone in no room at which this number is set: the property took no rooms when it was dialled.
async fn numbered(server: &TestServer, hotel: &Hotel, which: u16, number: &str) -> (Phone, PhoneId) {
    allow(server, hotel, json!({ "mode": "off", "replace": "refuse" })).await;
    let (phone, id) = in_no_room(server, hotel, which).await;
    dial(&phone, number).await;
    newest_is(server, hotel, number, ClaimState::Refused).await;
    wait_true("its number is known", async || {
        let shown: Configuration = server.api.get(&format!("/api/v1/phones/{id}/configuration")).await.ok();
        let value = shown.values.into_iter().find(|value| value.key == "hotel.room.number");
        value.and_then(|value| value.reported).as_deref() == Some(number)
    })
    .await;
    (phone, id)
}

#[tokio::test]
async fn a_phone_in_no_room_picks_the_room_of_its_number_or_extension() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207", "1208"]).await;
    let path = format!("/api/v1/rooms/{}", hotel.room("1208"));
    server.api.patch(&path, json!({ "extension": "7008" })).await.ok::<Value>();
    for (which, number, room) in [(1, "1207", "1207"), (2, "7008", "1208")] {
        let (phone, id) = numbered(&server, &hotel, which, number).await;
        allow(&server, &hotel, json!({ "mode": "at-once", "rooms": "1201-1299", "replace": "refuse" })).await;
        phone.agent.keys("**82#").await;
        let claim = newest_is(&server, &hotel, "", ClaimState::Accepted).await;
        assert_eq!((claim.phone, claim.room), (id, Some(hotel.room(room))));
        assert_eq!(claim.room_number.as_deref(), Some(room));
        assert_eq!(card(&hotel, hotel.room(room)).await.phone, Some(id));
        wait_true("it has the room's account", async || phone.agent.value("account.1.sip.userid") == number).await;
        phone.shows_room(room).await;
        server.api.in_sync(id).await;
    }
}

#[tokio::test]
async fn a_room_is_picked_by_the_rules_for_one_that_is_dialled() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let old = hotel.announce(mac(2), Some(hotel.room("1207"))).await.unwrap();
    let (phone, id) = numbered(&server, &hotel, 1, "1207").await;
    for (rules, reason) in [
        (json!({ "mode": "at-once", "rooms": "1301-1399", "replace": "at-once" }), ClaimReason::OtherRoom),
        (json!({ "mode": "at-once", "replace": "refuse" }), ClaimReason::Taken),
        (json!({ "mode": "at-once", "replace": "at-once", "until": Timestamp(1_000) }), ClaimReason::Over),
    ] {
        let before = claims(&server, &hotel).await.len();
        allow(&server, &hotel, rules).await;
        phone.agent.keys("**82#").await;
        wait_true("one more is refused", async || {
            let all = claims(&server, &hotel).await;
            all.len() == before + 1 && all[0].reason == Some(reason)
        })
        .await;
        assert_eq!(card(&hotel, hotel.room("1207")).await.phone, Some(old), "{reason:?}");
    }
    allow(&server, &hotel, confirm()).await;
    phone.agent.keys("**82#").await;
    let claim = newest_is(&server, &hotel, "", ClaimState::Waiting).await;
    assert_eq!((claim.room, claim.replaces), (Some(hotel.room("1207")), Some(mac(2))));
    let accept = format!("/api/v1/claims/{}/accept", claim.id);
    assert_eq!(server.api.post(&accept, json!({})).await.refused(409).kind, "room-occupied");
    server.api.post(&accept, json!({ "replace": true })).await.ok::<ClaimView>();
    assert_eq!(card(&hotel, hotel.room("1207")).await.phone, Some(id));
    assert_eq!(server.api.phone(old).await.phone.room, None);
    wait_true("it has the room's account", async || phone.agent.value("account.1.sip.userid") == "1207").await;
}

#[tokio::test]
async fn a_property_that_takes_none_leaves_the_number_as_a_value_changed_at_the_phone() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207", "1208"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    phone.shows_room("1207").await;
    dial(&phone, "1231208").await;
    let claim = newest_is(&server, &hotel, "1208", ClaimState::Refused).await;
    assert_eq!(claim.reason, Some(ClaimReason::Off));
    wait_true("the change at the phone shows", async || {
        let detail = server.api.phone(id).await;
        let value = detail.values.into_iter().find(|value| value.key == "hotel.room.number");
        value.is_some_and(|value| value.state == contract::rest::ValueState::Drift)
    })
    .await;
    assert_eq!(card(&hotel, hotel.room("1207")).await.phone, Some(id));
}

#[tokio::test]
async fn without_a_broker_the_changed_value_is_the_claim() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207", "1208"]).await;
    allow(&server, &hotel, json!({ "mode": "at-once", "rooms": "1207", "replace": "refuse" })).await;
    hotel.announce(mac(1), None).await.unwrap();
    let mut phone = HandPhone::new(mac(1), server.acs_url());
    phone.session().await;
    phone.session().await;
    let path = settings::vendor_path("hotel.room.number");
    for (number, state, then) in [("1207", ClaimState::Accepted, "1207"), ("1208", ClaimState::Refused, "1207")] {
        phone.values.insert(path.clone(), cwmp::Value::string(number));
        phone.events = vec![cwmp::Event::new(cwmp::EventCode::VALUE_CHANGE)];
        phone.says = vec![(path.clone().leak().strip_prefix("Device.").unwrap(), number.to_owned())];
        phone.session().await;
        newest_is(&server, &hotel, number, state).await;
        // It tells it once more before it hears of anything: the same claim.
        phone.session().await;
        assert_eq!(phone.holds("hotel.room.number"), Some(then), "after {number}");
        assert_eq!(phone.holds("account.1.sip.userid"), Some("1207"));
        phone.says.clear();
        phone.session().await;
    }
    assert_eq!(claims(&server, &hotel).await.len(), 2);
    assert_eq!(card(&hotel, hotel.room("1207")).await.phone, Some(phone.id()));
}

#[tokio::test]
async fn an_event_told_again_after_a_crash_is_no_second_claim() {
    let server = ServerProcess::start(&[]).await;
    let hotel = server.hotel(&["1207"]).await;
    let path = format!("/api/v1/properties/{}/claim-settings", hotel.property);
    server.api.put(&path, confirm()).await.ok::<ClaimSettings>();
    let id = hotel.announce(mac(1), None).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    let all = async || -> Vec<ClaimView> {
        server.api.get(&format!("/api/v1/properties/{}/claims", hotel.property)).await.ok()
    };
    // With the server gone the event stays on the phone, over a restart of it too.
    server.kill();
    dial(&phone, "1207").await;
    let phone = phone.unplug().await.plug_in().await;
    assert!(phone.agent.device().unacknowledged() > 0);
    server.restart().await;
    wait_true("the claim came", async || all().await.iter().any(|claim| claim.state == ClaimState::Waiting)).await;
    // Killed once more, whatever it has acknowledged by now.
    server.restart().await;
    wait_true("everything is acknowledged", async || phone.agent.device().unacknowledged() == 0).await;
    let claims = all().await;
    assert_eq!(claims.len(), 1, "{claims:?}");
    let accept = format!("/api/v1/claims/{}/accept", claims[0].id);
    server.api.post(&accept, json!({})).await.ok::<ClaimView>();
    assert_eq!(card(&hotel, hotel.room("1207")).await.phone, Some(id));
}

#[tokio::test]
async fn what_nobody_answered_is_over_with_the_window_and_the_old_number_comes_back() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let until = Timestamp(cloud::clock::now_ms() + 3_600_000);
    let settings = json!({ "mode": "confirm", "replace": "confirm", "until": until });
    allow(&server, &hotel, settings).await;
    let (phone, _) = in_no_room(&server, &hotel, 1).await;
    dial(&phone, "1207").await;
    newest_is(&server, &hotel, "1207", ClaimState::Waiting).await;
    allow(&server, &hotel, json!({ "mode": "confirm", "replace": "confirm", "until": Timestamp(1_000) })).await;
    newest_is(&server, &hotel, "1207", ClaimState::Expired).await;
    phone.shows_room("").await;
}

#[tokio::test]
async fn a_room_without_an_extension_gets_one_from_the_pool_when_its_phone_comes() {
    let server = TestServer::start().await;
    let hotel = hotel_without_extensions(&server.api, ["1207".to_owned()]).await;
    allow(&server, &hotel, at_once()).await;
    let sip = add_server(&hotel, 5060).await;
    add_pool(&hotel, &sip, "1200", "1299").await;
    let (phone, _) = in_no_room(&server, &hotel, 1).await;
    dial(&phone, "1207").await;
    newest_is(&server, &hotel, "1207", ClaimState::Accepted).await;
    assert_eq!(card(&hotel, hotel.room("1207")).await.extension, "1207");
    wait_true("it has an account", async || phone.agent.value("account.1.sip.userid") == "1207").await;
    wait_true("with a password", async || !phone.agent.value("account.1.sip.subscriber.password").is_empty()).await;
}

#[tokio::test]
async fn settings_say_what_is_wrong_by_field() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207", "PH1"]).await;
    let path = format!("/api/v1/properties/{}/claim-settings", hotel.property);
    let unset: ClaimSettings = server.api.get(&path).await.ok();
    let none = ClaimSettings { mode: ClaimMode::Off, rooms: String::new(), replace: ClaimReplace::Refuse, until: None };
    assert_eq!(unset, none);
    for (field, body) in [
        ("rooms", json!({ "mode": "at-once", "replace": "refuse", "rooms": "1299-1201" })),
        ("rooms", json!({ "mode": "at-once", "replace": "refuse", "rooms": "1,".repeat(201) })),
        ("rooms", json!({ "mode": "at-once", "replace": "refuse", "rooms": "1207;1208" })),
        ("rooms", json!({ "mode": "at-once", "replace": "refuse", "rooms": "1201 1299" })),
        ("rooms", json!({ "mode": "at-once", "replace": "refuse", "rooms": "1207, 1701" })),
        ("mode", json!({ "mode": "perhaps", "replace": "refuse" })),
        ("replace", json!({ "mode": "off" })),
    ] {
        assert_eq!(server.api.put(&path, &body).await.refused(422).field.as_deref(), Some(field), "{body}");
    }
    let wanted =
        json!({ "mode": "confirm", "replace": "at-once", "rooms": "1201-1299, PH1", "until": Timestamp(5_000) });
    let set: ClaimSettings = server.api.put(&path, wanted).await.ok();
    assert_eq!(server.api.get(&path).await.ok::<ClaimSettings>(), set);
    assert_eq!((set.rooms.as_str(), set.until), ("1201-1299, PH1", Some(Timestamp(5_000))));
    let nobody = format!("/api/v1/properties/{}/claim-settings", uuid::Uuid::nil());
    server.api.get(&nobody).await.refused(404);
    server.api.post(&format!("/api/v1/claims/{}/accept", uuid::Uuid::nil()), json!({})).await.refused(404);
}
