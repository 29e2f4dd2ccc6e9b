//! A phone asks for a room at its keypad; the front desk answers with one tap. And how phones find their configuration.

use contract::rest::{ClaimMode, ClaimSettings, Provisioning};
use tests::process::{EMAIL, PASSWORD};

use crate::support::browser::{Browser, web_root};
use crate::support::files::Files;
use crate::support::{Phone, TestServer, mac};

#[tokio::test(flavor = "multi_thread")]
async fn the_front_desk_gives_a_phone_the_room_it_asks_for() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1207", "1208"]).await;
    hotel.announce(mac(1), None).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.click("nav-claims").await;
    browser.says("claims-page", "Nobody waits").await;
    browser.choose("claim-mode", "confirm").await;
    browser.fill("claim-rooms", "1200-1299").await;
    browser.choose("claim-until", "8h").await;
    browser.click("claim-rules-save").await;
    browser.says("claim-rules", "As it is: until").await;
    let path = format!("/api/v1/properties/{}/claim-settings", hotel.property);
    let settings: ClaimSettings = server.api.get(&path).await.ok();
    assert_eq!((settings.mode, settings.rooms.as_str()), (ClaimMode::Confirm, "1200-1299"));
    assert!(settings.until.is_some());

    browser.shows("live-indicator", "data-live", "on").await;
    phone.agent.hook(true).await;
    phone.agent.keys("**766*1207#").await;
    phone.agent.hook(false).await;
    let claim = "[data-testid=claim][data-number='1207']";
    browser.shows(claim, "data-state", "waiting").await;
    browser.says("nav-claims", "1").await;
    browser.click("claim-accept").await;
    browser.shows(claim, "data-state", "accepted").await;
    phone.shows_room("1207").await;

    phone.agent.hook(true).await;
    // It has a number now: the keypad password comes first.
    phone.agent.keys("**766*1231208#").await;
    phone.agent.hook(false).await;
    let claim = "[data-testid=claim][data-number='1208']";
    browser.shows(claim, "data-state", "waiting").await;
    browser.click("claim-reject").await;
    browser.shows(claim, "data-state", "rejected").await;
    phone.shows_room("1207").await;
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_property_has_an_address_for_its_phones() {
    let server = TestServer::with(&[("server.web_root", web_root().as_str()), Files::LISTEN[0]]).await;
    let hotel = server.hotel(&["1207"]).await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.click("nav-settings").await;
    browser.click("set-up-provisioning").await;
    browser.click("provisioning-enabled").await;
    browser.choose("accept-until", "1h").await;
    browser.click("provisioning-save").await;
    browser.says("provisioning-form", "Open until").await;
    let path = format!("/api/v1/properties/{}/provisioning", hotel.property);
    let first: Provisioning = server.api.get(&path).await.ok();
    assert!(first.enabled && first.accept_until.is_some(), "{first:?}");
    browser.says("bootstrap-url", &first.bootstrap_url).await;
    browser.click("rotate").await;
    browser.click("rotate-yes").await;
    browser
        .until(
            "another address",
            &format!("document.querySelector('[data-testid=bootstrap-url]').innerText !== {:?}", first.bootstrap_url),
        )
        .await;
    browser.assert_no_errors().await;
}
