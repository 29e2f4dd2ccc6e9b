//! The server beside a real Mosquitto, with the configuration in `deploy/mosquitto` and the commands in ADR 0002.

use std::time::{Duration, Instant};

use cloud::db::entity::cwmp_session;
use contract::mqtt::Channel;
use contract::rest::{Accepted, Enrolment, JobState, RoomState};
use rumqttc::Packet;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use tests::certificates::Authority;
use tests::process::free_port;

use crate::support::mosquitto::{Mosquitto, PASSWORD, RESPONSES};
use crate::support::mqtt::Mqtt;
use crate::support::{Ask, HandPhone, Hotel, Phone, TestServer, card, mac, timed, wait_true};

/// A phone moved by hand, enrolled.
async fn enrolled(server: &TestServer, hotel: &Hotel, number: u16) -> HandPhone {
    hotel.announce(mac(number), None).await.unwrap();
    let mut phone = HandPhone::new(mac(number), server.acs_url());
    phone.session().await;
    phone
}

#[tokio::test]
async fn a_phone_lives_on_mosquitto_from_its_announcement_to_its_removal() {
    let mosquitto = Mosquitto::start().await;
    let server = mosquitto.server().await;
    let hotel = server.hotel(&["1207"]).await;
    let room = hotel.room("1207");
    let id = hotel.announce(mac(1), Some(room)).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    phone.shows_room("1207").await;
    // From then on it is called in by MQTT alone.
    wait_true("the server sees it connected", async || server.api.phone(id).await.connected).await;
    for job in server.api.phone(id).await.jobs {
        server.api.job_is(&job, JobState::Done).await;
    }

    let limit = Duration::from_secs(2);
    let path = format!("/api/v1/rooms/{room}");
    let accepted: Accepted = server.api.patch(&path, json!({ "number": "1306" })).await.ok();
    let shows = async || phone.state_json().is_some_and(|state| state.room_number == "1306").then_some(());
    timed("the phone shows its new number", limit, shows).await;
    server.api.job_is(&accepted.jobs[0], JobState::Done).await;

    phone.agent.hook(true).await;
    let lifted = async || (card(&hotel, room).await.state == RoomState::OffHook).then_some(());
    timed("the board shows the lifted handset", limit, lifted).await;
    wait_true("its events are acknowledged", async || phone.agent.device().unacknowledged() == 0).await;

    assert!(mosquitto.kept().contains(&id.to_string()));
    assert_eq!(server.api.delete(&format!("/api/v1/phones/{id}")).await.status, 204);
    timed("the phone is disconnected", limit, async || (!phone.agent.is_connected()).then_some(())).await;
    assert!(!mosquitto.kept().contains(&id.to_string()), "neither user nor role is left");
    server.stop().await;
}

#[tokio::test]
async fn an_account_is_good_for_the_phones_own_topics_only() {
    let mosquitto = Mosquitto::start().await;
    let server = mosquitto.server().await;
    let hotel = server.hotel(&[]).await;
    let (one, other) = (enrolled(&server, &hotel, 1).await, enrolled(&server, &hotel, 2).await);
    let (login, id, other) = (one.mqtt_login(), one.id(), other.id());

    Mqtt::connect(&mosquitto.login(&login.user, "wrong")).await.map(drop).unwrap_err();
    Mqtt::connect_as(&other.to_string(), &login).await.map(drop).unwrap_err();
    let mut phone = Mqtt::connect(&login).await.unwrap();
    for filter in ["#", "v1/+/down/#", "$share/g/v1/+/down/#", RESPONSES, &format!("v1/{other}/down/desired")] {
        assert!(phone.hear(filter).await.is_err(), "{filter}");
    }
    phone.hear(&format!("v1/{id}/down/desired")).await.unwrap();
    phone.hear_acks().await;

    let mut everything = Mqtt::connect_as("svc-test", &mosquitto.login("bellhop", PASSWORD)).await.unwrap();
    everything.hear("v1/+/up/event").await.unwrap();
    let own = format!("v1/{id}/up/event");
    for topic in [format!("v1/{other}/up/event"), own.clone()] {
        phone.publish(topic, "x").await;
        phone.confirmed().await.unwrap();
    }
    let heard = loop {
        if let Packet::Publish(publish) = everything.packet().await.expect("its own topic arrives") {
            break publish.topic;
        }
    };
    assert_eq!(heard, own, "another's topic does not");
    server.stop().await;
}

#[tokio::test]
async fn credentials_wait_for_a_broker_that_is_away() {
    let mut mosquitto = Mosquitto::start().await;
    let server = mosquitto.server().await;
    let hotel = server.hotel(&[]).await;
    let known = enrolled(&server, &hotel, 1).await.id();
    let id = hotel.announce(mac(2), None).await.unwrap();
    let mut phone = HandPhone::new(mac(2), server.acs_url());

    mosquitto.stop();
    assert_eq!(phone.begin().await.status, 200);
    assert_eq!(phone.empty().await.status, 503, "a session that failed is repeated");
    assert_eq!(phone.empty().await.status, 204, "and is over");
    assert_eq!(server.api.phone(id).await.phone.enrolment, Enrolment::Expected);
    server.api.delete(&format!("/api/v1/phones/{known}")).await.refused(503);
    assert_eq!(server.api.phone(known).await.phone.enrolment, Enrolment::Enrolled, "it is not half removed");

    mosquitto.restart().await;
    phone.session().await;
    assert_eq!(phone.id(), id);
    Mqtt::connect(&phone.mqtt_login()).await.unwrap();
    assert_eq!(server.api.delete(&format!("/api/v1/phones/{known}")).await.status, 204);
    server.stop().await;
}

#[tokio::test]
async fn a_broker_that_hangs_holds_up_nobody_else() {
    let mosquitto = Mosquitto::start().await;
    let server = mosquitto.server().await;
    let hotel = server.hotel(&["1207"]).await;
    let first = hotel.announce(mac(1), None).await.unwrap();
    let known = enrolled(&server, &hotel, 2).await;
    let mut phone = HandPhone::new(mac(1), server.acs_url());
    assert_eq!(phone.begin().await.status, 200);

    mosquitto.signal("-STOP");
    // More than the server answers at once.
    for number in 100..140 {
        hotel.announce(mac(number), None).await.unwrap();
        let mut phone = HandPhone::new(mac(number), server.acs_url());
        assert_eq!(phone.begin().await.status, 200);
        tokio::spawn(async move { phone.empty().await });
    }
    let mut same_session = HandPhone::new(mac(1), server.acs_url());
    same_session.cookie = phone.cookie.clone();
    let waiting = tokio::spawn(async move {
        let started = Instant::now();
        (phone.empty().await.status, started.elapsed(), phone)
    });
    wait_true("its account is being made", async || {
        let running = cwmp_session::Entity::find().filter(cwmp_session::Column::PhoneId.eq(first.0));
        let row = running.one(server.app().db.read()).await.unwrap().unwrap();
        serde_json::from_str::<Value>(&row.state).unwrap()["account_until"].as_i64() > Some(0)
    })
    .await;
    assert_eq!(same_session.empty().await.status, 409, "one POST at a time makes an account");
    assert_eq!(HandPhone::new(mac(1), server.acs_url()).begin().await.status, 503, "nor another session");
    let change = Instant::now();
    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    let _: Accepted = server.api.patch(&path, json!({ "number": "1306" })).await.ok();
    assert!(change.elapsed() < Duration::from_secs(1), "a change does not wait for the broker");
    let (session, mut known) = (Instant::now(), known);
    known.session().await;
    assert!(session.elapsed() < Duration::from_secs(1), "nor does another phone");
    let (status, took, mut phone) = waiting.await.unwrap();
    assert_eq!(status, 503);
    assert!(took < Duration::from_secs(5), "{took:?}");

    mosquitto.signal("-CONT");
    phone.session().await;
    Mqtt::connect(&phone.mqtt_login()).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn server_and_phone_speak_tls_to_mosquitto() {
    let authority = Authority::new("trial").unwrap();
    let port = free_port().unwrap();
    let mosquitto = Mosquitto::start_with(Some((port, &authority.local_server().unwrap()))).await;
    let ca = mosquitto.dir.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let server = TestServer::with(&[
        ("mqtt.broker", "external"),
        ("mqtt.host", "localhost"),
        ("mqtt.port", &port.to_string()),
        ("mqtt.password", PASSWORD),
        ("mqtt.tls", "true"),
        ("mqtt.ca", &ca.display().to_string()),
        ("mqtt.advertise_host", "localhost"),
    ])
    .await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let phone = Phone::with(mac(1), server.acs_url(), |config| {
        config.authorities = Some(authority.pem().into_bytes().into());
    })
    .await;
    phone.online().await;
    wait_true("the server sees it connected", async || server.api.phone(id).await.connected).await;
    phone.agent.hook(true).await;
    wait_true("its events are acknowledged", async || phone.agent.device().unacknowledged() == 0).await;
    // Who does not trust the authority stays away.
    let stranger = hotel.announce(mac(2), None).await.unwrap();
    let wary = Phone::start(mac(2), server.acs_url()).await;
    wait_true("it is enrolled", async || wary.agent.phone_id() == Some(stranger)).await;
    assert!(!wary.agent.is_connected());
    drop(wary);
    server.stop().await;
}

/// Two servers share out what phones tell. Needs a database two servers can stand on.
#[tokio::test]
async fn two_servers_share_the_work_and_store_each_event_once() {
    const PHONES: u16 = 4;
    const EVENTS: u64 = 250;
    if std::env::var_os("BELLHOP_TEST_DATABASE_URL").is_none() {
        eprintln!("on SQLite there is one server; this runs on PostgreSQL");
        return;
    }
    let mosquitto = Mosquitto::start().await;
    let server = mosquitto.server().await;
    let port = mosquitto.port.to_string();
    let replica = server
        .replica(&[
            ("server.roles", "ingest"),
            ("mqtt.broker", "external"),
            ("mqtt.port", &port),
            ("mqtt.password", PASSWORD),
        ])
        .await;
    let hotel = server.hotel(&[]).await;
    let mut phones = Vec::new();
    for number in 1..=PHONES {
        let phone = enrolled(&server, &hotel, number).await;
        let mqtt = Mqtt::connect(&phone.mqtt_login()).await.unwrap();
        phones.push((phone.id(), mqtt));
    }
    for (_, mqtt) in &mut phones {
        for seq in 1..=EVENTS {
            // Some are told twice, as after a lost connection; the other server may get the second.
            for _ in 0..=u64::from(seq % 7 == 0) {
                mqtt.tell(Channel::Event, event(seq)).await;
                mqtt.confirmed().await.expect("the connection stays");
            }
        }
    }
    let told = u64::from(PHONES) * (EVENTS + EVENTS / 7);
    let taken = || (server.taken(), replica.link.as_ref().unwrap().taken());
    wait_true("all is stored", async || taken().0 + taken().1 == told).await;
    let (one, other) = taken();
    assert!(one > told / 10 && other > told / 10, "{one} and {other} of {told}");
    for (id, _) in &phones {
        assert_eq!(stored(&server, *id).await, (1..=EVENTS).collect::<Vec<_>>());
    }
    replica.shutdown().await;
    server.stop().await;
}

fn event(seq: u64) -> Vec<u8> {
    json!({ "boot": 1, "seq": seq, "at": "2026-01-31T14:05:00.000Z", "kind": "off-hook" }).to_string().into_bytes()
}

/// The numbers of a phone's stored events, in order.
async fn stored(server: &TestServer, phone: contract::PhoneId) -> Vec<u64> {
    use cloud::db::entity::event;
    use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
    let rows = event::Entity::find().filter(event::Column::PhoneId.eq(phone.0)).order_by_asc(event::Column::Seq);
    rows.all(server.app().db.read()).await.unwrap().into_iter().map(|row| row.seq as u64).collect()
}
