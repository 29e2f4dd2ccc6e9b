//! Signing in and out, and what belongs to no page: theme, unknown addresses, the first steps of a new chain.

use tests::process::{EMAIL, PASSWORD};

use crate::support::TestServer;
use crate::support::browser::{Browser, web_root};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_and_the_right_one_leads_on() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1207"]).await;
    let mut browser = Browser::open(server.api.base()).await;
    browser.expect(401);

    // Straight to a page: one has to sign in first, and comes back to it.
    let room = format!("/p/{}/rooms/{}", hotel.property, hotel.room("1207"));
    browser.goto(&room).await;
    browser.find("login-email").await;
    browser.click("login-submit").await;
    browser.says("[role=alert]", "Enter your e-mail address and your password").await;

    browser.fill("login-email", EMAIL).await;
    browser.fill("login-password", "wrong").await;
    browser.click("login-submit").await;
    browser.says("[role=alert]", "E-mail or password is wrong").await;
    browser.until("the password is selected", "document.activeElement.type === 'password'").await;

    browser.fill("login-password", PASSWORD).await;
    browser.click("login-submit").await;
    browser.says("panel", "Room 1207").await;
    assert_eq!(browser.address().await, room);

    browser.reload().await;
    browser.says("panel", "Room 1207").await;
    browser.click("[aria-label='Sign out']").await;
    browser.find("login-email").await;
    browser.goto("/phones").await;
    browser.find("login-email").await;
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_theme_is_chosen_and_kept() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    let background = "getComputedStyle(document.body).backgroundColor";
    let light = browser.eval(background).await;
    browser.click("theme-toggle").await;
    browser.shows("html[data-theme]", "data-theme", "dark").await;
    let dark = browser.eval(background).await;
    assert_ne!(light, dark);
    browser.reload().await;
    browser.shows("html[data-theme]", "data-theme", "dark").await;
    assert_eq!(browser.eval(background).await, dark);
    browser.click("theme-toggle").await;
    browser.shows("html[data-theme]", "data-theme", "light").await;
    browser.goto("/no/such/page").await;
    browser.says("main.page", "There is no such page").await;
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_chain_makes_its_first_hotel() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let mut browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.expect(409);
    browser.says("#main", "Set up your first hotel").await;
    browser.click("property-new").await;
    browser.fill("property-name", "Harbour House").await;
    assert_eq!(browser.value("property-code").await, "harbour-house");
    browser.click("property-save").await;
    browser.says(".field-error", "Fill this in").await;
    browser.fill("property-chain", "Meridian Hotels").await;
    browser.fill("property-zone", "Europe/Lisbon").await;
    browser.click("property-save").await;

    browser.fill("layout-rooms", "1210-1201").await;
    browser.click("layout-save").await;
    browser.says(".field-error", "backwards").await;
    browser.fill("layout-rooms", "1201-1204, 1207").await;
    browser.click("layout-save").await;
    browser.until("five rooms", "document.querySelectorAll('[data-testid=room-cell]').length === 5").await;
    browser.says("#main", "5 without a phone").await;

    // The code is taken now.
    browser.goto("/properties").await;
    browser.says("property-card", "Harbour House").await;
    browser.click("property-new").await;
    browser.fill("property-name", "Harbour House").await;
    browser.click("property-save").await;
    browser.until("the refusal", "document.querySelector('.field-error:not(:empty), .form-error')").await;
    browser.assert_no_errors().await;
}
