//! The property's name and numbers, and the type of a room: changed by keys alone, and the phone follows.

use contract::rest::{Accepted, Property, RoomDetail, RoomType};
use fantoccini::key::Key;
use serde_json::json;
use tests::process::{EMAIL, PASSWORD};

use crate::support::browser::{Browser, web_root};
use crate::support::{Phone, TestServer, mac, wait_true};

/// Goes on by Tab until something has the focus.
async fn tab_to(browser: &Browser, id: &str) {
    let mut stops = 0;
    while browser.eval("document.activeElement.id").await != id {
        browser.press(Key::Tab).await;
        stops += 1;
        assert!(stops < 60, "Tab leads to {id}");
    }
}

/// Types over what the input with the focus holds: Tab has selected it.
async fn write(browser: &Browser, text: &str) {
    for key in text.chars() {
        browser.press(key).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_the_property_and_the_type_of_a_room_reach_the_phone() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1207"]).await;
    let (property, room) = (hotel.property, hotel.room("1207"));
    let path = format!("/api/v1/properties/{property}");
    let says = json!({ "values": { "hotel.telephone": "{property.phone}", "hotel.name": "{property.name}" } });
    server.api.put(&format!("{path}/settings"), says).await.ok::<Accepted>();
    let suite: RoomType = server.api.post(&format!("{path}/room-types"), json!({ "name": "Suite" })).await.ok();
    let loud = json!({ "values": { "audio.volume.ring": "7" } });
    server.api.put(&format!("/api/v1/room-types/{}/settings", suite.id), loud).await.ok::<Accepted>();
    hotel.announce(mac(1), Some(room)).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    let mut browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.expect(422);

    browser.click("nav-settings").await;
    browser.says("property-facts", "Not given").await;
    tab_to(&browser, "facts-change").await;
    browser.press(Key::Enter).await;
    browser.until("the focus is in the form", "document.activeElement.id === 'facts-name'").await;
    // What is wrong is said at its field, and what was typed stays.
    tab_to(&browser, "facts-phone").await;
    write(&browser, "+351 215 550 100").await;
    tab_to(&browser, "facts-front-desk").await;
    write(&browser, "desk").await;
    browser.press(Key::Enter).await;
    browser.says("#facts-front-desk-error", "A number has at most 40 digits").await;
    browser.shows("#facts-front-desk", "aria-invalid", "true").await;
    assert_eq!(browser.value("facts-phone").await, "+351 215 550 100");
    browser.fill("facts-front-desk", "9").await;
    browser.fill("facts-name", "").await;
    browser.press(Key::Enter).await;
    browser.says("#facts-name-error", "Write what the property is called").await;
    browser.fill("facts-name", "Harbour House").await;
    browser.press(Key::Enter).await;
    browser.says("facts-trial", "Changes 1 phone").await;
    tab_to(&browser, "facts-trial-yes").await;
    browser.press(Key::Enter).await;
    browser.gone("facts-form").await;
    browser.until("the focus is back", "document.activeElement.id === 'facts-change'").await;
    browser.says("property-facts", "+351 215 550 100").await;
    browser.says("main h1", "Settings of Harbour House").await;
    wait_true("the phone knows its hotel", async || {
        let value = |key: &str| phone.agent.value(key);
        value("hotel.telephone") == "+351 215 550 100" && value("hotel.name") == "Harbour House"
    })
    .await;
    let kept: Vec<Property> = server.api.get("/api/v1/properties").await.ok();
    assert_eq!((kept[0].front_desk.as_str(), kept[0].phone.as_str()), ("9", "+351 215 550 100"));

    // Escape leaves it as it is, but loses nothing that was typed.
    browser.press(Key::Enter).await;
    browser.until("the focus is in the form", "document.activeElement.id === 'facts-name'").await;
    browser.press(Key::Escape).await;
    browser.gone("facts-form").await;
    browser.until("the focus is back", "document.activeElement.id === 'facts-change'").await;
    browser.press(Key::Enter).await;
    browser.until("the focus is in the form", "document.activeElement.id === 'facts-name'").await;
    write(&browser, "x").await;
    browser.press(Key::Escape).await;
    browser.find("facts-form").await;
    browser.click("facts-cancel").await;
    browser.gone("facts-form").await;
    browser.says("property-facts", "Harbour House").await;

    // The room is put into a type, and taken out again.
    browser.click("nav-rooms").await;
    browser.click("[data-testid=room-cell][data-room='1207']").await;
    let usual = phone.agent.value("audio.volume.ring");
    assert_ne!(usual, "7");
    browser.until("the types are there", "document.querySelectorAll('#room-type option').length === 2").await;
    tab_to(&browser, "room-type").await;
    browser.press(Key::Down).await;
    assert_eq!(browser.value("#room-type").await, suite.id.to_string());
    tab_to(&browser, "room-save").await;
    browser.press(Key::Enter).await;
    wait_true("the phone rings as in suites", async || phone.agent.value("audio.volume.ring") == "7").await;
    browser.choose("#room-type", "").await;
    browser.click("save").await;
    wait_true("the phone rings as before", async || phone.agent.value("audio.volume.ring") == usual).await;
    let detail: RoomDetail = server.api.get(&format!("/api/v1/rooms/{room}")).await.ok();
    assert_eq!((detail.card.room_type, detail.card.number.as_str()), (None, "1207"));
    browser.assert_no_errors().await;
}
