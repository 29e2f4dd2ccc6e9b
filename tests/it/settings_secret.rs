//! A SIP password goes to the phone and to nobody else.

use contract::rest::{Accepted, JobState, LayerValues, SECRET_MASK, ValueState};
use serde_json::json;

use crate::support::live::Live;
use crate::support::{Ask, Phone, TestServer, database, mac, wait_true};

const KEY: &str = "account.1.sip.subscriber.password";
const SECRET: &str = "pw-Zanzibar-4711";

#[tokio::test]
async fn a_sip_password_reaches_the_phone_and_is_shown_nowhere() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    let mut live = Live::open(&server.api, None, None).await;
    let room = format!("/api/v1/rooms/{}/settings", hotel.room("1207"));
    let answer = server.api.put(&room, json!({ "values": { KEY: SECRET } })).await;
    let accepted: Accepted = answer.ok();
    server.api.job_is(&accepted.jobs[0], JobState::Done).await;
    assert_eq!(phone.agent.value(KEY), SECRET, "the phone has it");
    live.until("the change is done", |change| {
        change.job.as_ref().filter(|job| job.state == JobState::Done).map(|_| ())
    })
    .await;

    // Refusals do not repeat it either, and a wrong one is not quoted.
    let wrong = format!("{SECRET}\n");
    let refused = server.api.put(&room, json!({ "values": { KEY: wrong } })).await;
    assert_eq!(refused.refused(422).field.as_deref(), Some(KEY));

    let values: LayerValues = server.api.get(&room).await.ok();
    let held = values.values.iter().find(|value| value.key == KEY).unwrap();
    assert_eq!((held.value.as_str(), held.secret), (SECRET_MASK, true));
    let detail = server.api.phone(id).await;
    let shown = detail.values.iter().find(|value| value.key == KEY).unwrap();
    assert_eq!((shown.desired.as_deref(), shown.state), (Some(SECRET_MASK), ValueState::InSync));
    assert!(shown.secret && shown.reported.as_deref().is_none_or(|text| text == SECRET_MASK || text.is_empty()));

    let property = hotel.property;
    for path in [
        room,
        format!("/api/v1/rooms/{}", hotel.room("1207")),
        format!("/api/v1/phones/{id}"),
        format!("/api/v1/phones/{id}/settings"),
        format!("/api/v1/properties/{property}/settings"),
        format!("/api/v1/properties/{property}/board"),
        "/api/v1/phones".to_owned(),
        "/api/v1/quarantine".to_owned(),
    ] {
        let answer = server.api.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.text.contains("Zanzibar"), "{path}: {}", answer.text);
    }
    assert!(!answer.text.contains("Zanzibar") && !refused.text.contains("Zanzibar"), "{}", refused.text);
    assert!(!live.raw.contains("Zanzibar"), "{}", live.raw);
    let texts = database::every_text(server.app().db.read()).await;
    assert!(
        texts.iter().any(|text| text.starts_with("layer_value.key: ") && text.ends_with(KEY)),
        "the search finds things"
    );
    let found: Vec<&String> = texts.iter().filter(|text| text.contains("Zanzibar")).collect();
    assert!(found.is_empty(), "{found:?}");
    let effects = phone.agent.effects();
    assert!(effects.iter().any(|effect| &*effect.key == KEY));
    assert!(!format!("{effects:?}").contains("Zanzibar"));
}

#[tokio::test]
async fn the_passwords_of_phones_and_people_are_not_in_the_database() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    wait_true("the phone is there", async || server.api.phone(id).await.connected).await;
    let secrets = [
        phone.agent.value("tr069.password"),
        phone.agent.value("tr069.connectionrequestpassword"),
        tests::process::PASSWORD.to_owned(),
        server.api.token(),
    ];
    let texts = database::every_text(server.app().db.read()).await;
    for secret in &secrets {
        assert!(secret.len() > 10, "there is one");
        let found: Vec<&String> = texts.iter().filter(|text| text.contains(secret)).collect();
        assert!(found.is_empty(), "{found:?}");
    }
}
