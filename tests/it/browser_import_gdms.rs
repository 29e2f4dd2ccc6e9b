//! A GDMS account in the import wizard: signed in to, a site chosen, tried, applied; and what is said when it cannot be
//! read.

use tests::hotel::Hotel;
use tests::process::{EMAIL, PASSWORD};

use super::imports_gdms::fake::{Fake, Trouble};
use crate::support::TestServer;
use crate::support::browser::{Browser, web_root};

/// The wizard's first page, at a hotel without rooms.
async fn wizard(fake: &Fake) -> (TestServer, Hotel, Browser) {
    let server = TestServer::with(&[("server.web_root", &web_root()), ("import.gdms", &fake.base)]).await;
    let hotel = server.hotel(&[]).await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.click("nav-settings").await;
    browser.click("set-up-import").await;
    browser.says("gdms-address", fake.base.trim_start_matches("http://")).await;
    (server, hotel, browser)
}

async fn sign_in(browser: &Browser, secret: &str) {
    for (input, text) in
        [("gdms-client-id", "101"), ("gdms-client-secret", secret), ("gdms-user", "it"), ("gdms-password", "P@ssw0rd")]
    {
        browser.fill(input, text).await;
    }
    browser.click("gdms-sign-in").await;
}

/// What the form holds: API ID, secret, user, password.
async fn typed(browser: &Browser) -> [String; 4] {
    let value = async |input: &str| browser.value(input).await;
    [
        value("gdms-client-id").await,
        value("gdms-client-secret").await,
        value("gdms-user").await,
        value("gdms-password").await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_of_an_account_is_read_tried_and_applied() {
    let fake = Fake::start(40, Trouble::default()).await;
    let (_server, hotel, mut browser) = wizard(&fake).await;
    browser.expect(422);

    // Nothing is asked of GDMS before everything is there.
    browser.fill("gdms-client-id", "101").await;
    browser.click("gdms-sign-in").await;
    browser.says("#gdms-client-secret-error", "Fill this in").await;
    assert_eq!(fake.tokens(), 0);

    // A wrong secret: said in the form, which keeps what was typed.
    sign_in(&browser, "not it").await;
    browser.says("#gdms-password-error", "Bad credentials. Look at user name, password, client id and secret").await;
    browser.shows("gdms-password", "aria-invalid", "true").await;
    assert_eq!(typed(&browser).await, ["101", "not it", "it", "P@ssw0rd"]);

    browser.fill("gdms-client-secret", "s3").await;
    browser.click("gdms-sign-in").await;
    browser.says("gdms-choice", "Which phones are to be read?").await;
    browser.until("the focus follows", "document.activeElement.id === 'gdms-organisation'").await;
    // There and back: still what was typed.
    browser.click("gdms-back").await;
    assert_eq!(typed(&browser).await, ["101", "s3", "it", "P@ssw0rd"]);
    browser.click("gdms-sign-in").await;
    browser.choose("gdms-site", "71").await;
    browser.click("gdms-read").await;

    // The dry run: nothing is made yet.
    browser.shows("import", "data-state", "ready").await;
    browser.says("import-line", "20 rows read. Nothing is changed yet.").await;
    browser.says("import", "20 new rooms, 20 new phones").await;
    browser.says("finding", "SIP passwords").await;
    browser.says("planned", "1003").await;
    browser.find("[data-testid=column][data-field='mac']").await;
    assert!(hotel.cards().await.unwrap().is_empty(), "nothing is changed by reading");

    browser.click("import-apply").await;
    browser.shows("import", "data-state", "done").await;
    browser.says("import-line", "20 rows applied").await;
    let cards = hotel.cards().await.unwrap();
    let room = cards.iter().find(|card| card.number == "1003").unwrap();
    assert_eq!((cards.len(), room.extension.as_str()), (20, "1003"));
    assert!(cards.iter().all(|card| card.phone.is_some()), "each with its phone");
    fake.all_was_signed();
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_refuses_says_why_and_signing_in_again_asks_for_the_secrets_alone() {
    let fake = Fake::start(5, Trouble { refuses: true, ..Trouble::default() }).await;
    let (_server, hotel, browser) = wizard(&fake).await;
    sign_in(&browser, "s3").await;
    browser.click("gdms-read").await;
    browser.shows("import", "data-state", "failed").await;
    browser.says("import-line", "It could not be read. Nothing was changed.").await;
    browser.says("import", "GDMS refuses device/list (40010): no right").await;
    browser.gone("column").await;
    browser.gone("import-apply").await;
    assert!(hotel.cards().await.unwrap().is_empty());

    browser.click("import-again").await;
    browser.find("gdms-login").await;
    assert_eq!(typed(&browser).await, ["101", "", "it", ""]);
    browser.says("import-row", "Failed").await;
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_answers_nonsense_says_so_in_the_form() {
    let fake = Fake::start(5, Trouble { html: u32::MAX, ..Trouble::default() }).await;
    let (_server, _hotel, mut browser) = wizard(&fake).await;
    browser.expect(503);
    sign_in(&browser, "s3").await;
    browser.says("gdms-login", "GDMS answered what we do not understand").await;
    assert_eq!(typed(&browser).await, ["101", "s3", "it", "P@ssw0rd"]);
    browser.assert_no_errors().await;
}
