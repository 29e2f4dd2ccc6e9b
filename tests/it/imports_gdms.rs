//! Imports from a GDMS account, against a stand-in of the documented calls that checks every signature.

pub mod fake;

use contract::rest::*;
use sea_orm::EntityTrait;
use serde_json::json;

use self::fake::{Fake, Trouble};
use crate::support::{Hotel, TestServer, card, timed};

const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);

async fn hotel_with(fake: &Fake) -> (TestServer, Hotel) {
    let server = TestServer::with(&[("import.gdms", &fake.base)]).await;
    let hotel = server.hotel(&[]).await;
    (server, hotel)
}

fn login(fake: &Fake) -> serde_json::Value {
    json!({ "base_url": fake.base, "user": "it", "password": "P@ssw0rd", "client_id": "101", "client_secret": "s3" })
}

/// Reads the account; ends when it was read, or failed.
async fn read(hotel: &Hotel, fake: &Fake, more: &[(&str, &str)]) -> Import {
    let mut body = login(fake);
    for (name, value) in more {
        body[*name] = json!(value);
    }
    let path = format!("/api/v1/properties/{}/imports/gdms", hotel.property);
    let begun: ImportSummary = hotel.api.post(&path, body).await.ok();
    assert_eq!((begun.state, begun.source), (ImportState::Fetching, ImportSource::Gdms));
    let (import, took) = timed("the account was read", MINUTE, async || {
        let import: Import = hotel.api.get(&format!("/api/v1/imports/{}", begun.id)).await.ok();
        (import.state != ImportState::Fetching).then_some(import)
    })
    .await;
    println!("{} devices in {took:?}", import.rows);
    import
}

#[tokio::test]
async fn three_thousand_devices_become_rooms_and_phones() {
    let fake = Fake::start(3_000, Trouble::default()).await;
    let (server, hotel) = hotel_with(&fake).await;
    let addresses: Vec<String> = server.api.get("/api/v1/gdms/addresses").await.ok();
    assert_eq!(addresses, std::slice::from_ref(&fake.base));
    let sites: Vec<GdmsOrganisation> = server.api.post("/api/v1/gdms/sites", login(&fake)).await.ok();
    assert_eq!((sites[0].name.as_str(), sites[0].sites.len()), ("Hotels", 2));
    let import = read(&hotel, &fake, &[("organisation", &sites[0].id)]).await;
    assert_eq!((import.state, import.rows, import.errors), (ImportState::Ready, 3_000, 0), "{:?}", import.findings);
    assert!(import.findings.iter().any(|finding| finding.reason.contains("SIP passwords")), "{:?}", import.findings);
    assert_eq!(
        (import.counts.rooms_made, import.counts.phones_made),
        (2_900, 3_000),
        "every thirtieth stands in no room"
    );
    assert!(hotel.cards().await.unwrap().is_empty(), "nothing was made yet");
    fake.all_was_signed();
}

#[tokio::test]
async fn one_site_is_read_and_applied() {
    let fake = Fake::start(40, Trouble::default()).await;
    let (server, hotel) = hotel_with(&fake).await;
    let import = read(&hotel, &fake, &[("organisation", "7"), ("site", "71")]).await;
    assert_eq!((import.rows, import.errors), (20, 0), "{:?}", import.findings);
    let done = super::imports::apply(&server.api, import.id, false).await;
    assert_eq!(done.state, ImportState::Done);
    let hotel = Hotel::known(&server.api, hotel.property).await.unwrap();
    let shown = card(&hotel, hotel.room("1003")).await;
    assert_eq!(shown.extension, "1003");
    let detail: PhoneDetail = server.api.get(&format!("/api/v1/phones/{}", shown.phone.unwrap())).await.ok();
    let value = |key: &str| detail.values.iter().find(|value| value.key == key).and_then(|value| value.desired.clone());
    assert_eq!(value("account.1.sip.subscriber.userid").as_deref(), Some("auth-1003"));
    assert_eq!(value("account.1.sip.server.1.address").as_deref(), Some("sip.example"));
    for text in crate::support::database::every_text(server.app().db.read()).await {
        assert!(!text.contains("P@ssw0rd") && !text.contains("bced1a3e39c0"), "the password is stored nowhere: {text}");
    }
}

#[tokio::test]
async fn a_bad_day_of_the_other_side_is_got_over() {
    let trouble = Trouble { too_many: 2, html: 1, broken: 1, token_calls: 25, short_total: true, ..Trouble::default() };
    let fake = Fake::start(150, trouble).await;
    let (_server, hotel) = hotel_with(&fake).await;
    let import = read(&hotel, &fake, &[]).await;
    assert_eq!((import.state, import.rows), (ImportState::Ready, 150), "{}", import.note);
    assert!(
        import.findings.iter().any(|finding| finding.reason.contains("says that it has 3 devices, and listed 150"))
    );
    assert!(fake.tokens() > 3, "a token that ended was replaced");
    fake.all_was_signed();
}

#[tokio::test]
async fn a_device_that_is_refused_is_named_and_the_others_are_read() {
    let fake = Fake::start(40, Trouble { refuses_device: Some(10), ..Trouble::default() }).await;
    let (_server, hotel) = hotel_with(&fake).await;
    let import = read(&hotel, &fake, &[]).await;
    assert_eq!((import.state, import.rows), (ImportState::Ready, 40), "{}", import.note);
    let about = |word: &str| import.findings.iter().filter(|finding| finding.reason.contains(word)).count();
    assert_eq!(about("C074AD66000A: its accounts were not read; device/account/info (40006): no such device"), 1);
    assert_eq!(about("were not read"), 1, "{:?}", import.findings);
}

#[tokio::test]
async fn a_phone_whose_serial_number_gdms_does_not_tell_is_said() {
    let fake = Fake::start(5, Trouble { no_serial: Some(3), ..Trouble::default() }).await;
    let (_server, hotel) = hotel_with(&fake).await;
    let import = read(&hotel, &fake, &[]).await;
    let about = |word: &str| import.findings.iter().any(|finding| finding.reason.contains(word));
    assert!(about("GDMS does not tell the serial number of 1 of the phones"), "{:?}", import.findings);
    assert_eq!((import.errors, import.counts.phones_made), (1, 4), "{:?}", import.findings);
}

#[tokio::test]
async fn all_pages_of_organisations_and_sites_are_read() {
    let fake = Fake::start(1, Trouble { organisations: 120, sites: 60, ..Trouble::default() }).await;
    let (server, _hotel) = hotel_with(&fake).await;
    let found: Vec<GdmsOrganisation> = server.api.post("/api/v1/gdms/sites", login(&fake)).await.ok();
    assert_eq!((found.len(), found[99].sites.len(), found[119].name.as_str()), (120, 60, "Hotels 119"));
    fake.all_was_signed();
}

#[tokio::test]
async fn an_account_that_lets_us_wait_is_not_taken_for_abandoned() {
    let fake = Fake::start(5, Trouble { holds: true, ..Trouble::default() }).await;
    let (server, hotel) = hotel_with(&fake).await;
    let path = format!("/api/v1/properties/{}/imports/gdms", hotel.property);
    let begun: ImportSummary = hotel.api.post(&path, login(&fake)).await.ok();
    let lease = async || {
        let row = cloud::db::entity::import::Entity::find_by_id(begun.id.0).one(server.app().db.read()).await;
        row.unwrap().unwrap().lease_until
    };
    let first = lease().await;
    timed("the reading said that it goes on", MINUTE, async || (lease().await > first).then_some(())).await;
    fake.release();
    let (import, _) = timed("the account was read", MINUTE, async || {
        let import: Import = hotel.api.get(&format!("/api/v1/imports/{}", begun.id)).await.ok();
        (import.state != ImportState::Fetching).then_some(import)
    })
    .await;
    assert_eq!((import.state, import.rows), (ImportState::Ready, 5), "{}", import.note);
}

#[tokio::test]
async fn a_list_that_never_ends_ends() {
    let fake = Fake::start(120, Trouble { same_page: true, ..Trouble::default() }).await;
    let (_server, hotel) = hotel_with(&fake).await;
    let import = read(&hotel, &fake, &[]).await;
    assert_eq!((import.state, import.rows), (ImportState::Ready, 100), "{}", import.note);
    assert!(import.findings.iter().any(|finding| finding.reason.contains("has 120 devices, and listed 100")));
}

#[tokio::test]
async fn what_cannot_be_read_says_why() {
    for (trouble, words) in [
        (Trouble { wrong_password: true, ..Trouble::default() }, "does not let us in: Bad credentials"),
        (Trouble { refuses: true, ..Trouble::default() }, "refuses device/list (40010): no right"),
        (Trouble { html: u32::MAX, ..Trouble::default() }, "no JSON"),
        (Trouble { broken: u32::MAX, ..Trouble::default() }, "does not answer: status 502"),
        (Trouble { huge: true, ..Trouble::default() }, "more than 8 MiB"),
        (Trouble { token_calls: 0, ..Trouble::default() }, "a token it has just given is refused"),
    ] {
        let fake = Fake::start(5, trouble).await;
        let (_server, hotel) = hotel_with(&fake).await;
        let import = read(&hotel, &fake, &[]).await;
        assert_eq!(import.state, ImportState::Failed);
        assert!(import.note.contains(words), "{words}: {}", import.note);
        assert!(!import.note.contains("P@ssw0rd") && !import.note.contains("access_token="), "{}", import.note);
    }
}

#[tokio::test]
async fn only_the_places_in_the_configuration_are_called() {
    let fake = Fake::start(1, Trouble::default()).await;
    let server = TestServer::start().await;
    let hotel = server.hotel(&[]).await;
    let path = format!("/api/v1/properties/{}/imports/gdms", hotel.property);
    for base in [
        &fake.base,
        "https://169.254.169.254",
        "https://www.gdms.cloud.evil.example",
        "http://www.gdms.cloud",
        "https://www.gdms.cloud@127.0.0.1",
    ] {
        for path in [path.as_str(), "/api/v1/gdms/sites"] {
            let mut body = login(&fake);
            body["base_url"] = json!(base);
            let problem = server.api.post(path, body).await.refused(422);
            assert_eq!(problem.field.as_deref(), Some("base_url"));
            assert!(problem.detail.contains("https://www.gdms.cloud, https://eu.gdms.cloud"), "{}", problem.detail);
        }
    }
    assert_eq!(fake.tokens(), 0, "nobody was asked");
    let list: Vec<ImportSummary> = server.api.get(&format!("/api/v1/properties/{}/imports", hotel.property)).await.ok();
    assert!(list.is_empty());
}
